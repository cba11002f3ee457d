package hints_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"facet/credentials/claims"
	"facet/policy/hints"
)

func TestOFREP(t *testing.T) {
	set := derive(t, map[string]hints.Input{"prefs": {Claims: claims.Set{"depth": "overview", "topics": []any{"653"}}, Assurance: hints.SelfAsserted}})
	e, ok := set.Evaluate("article.length", 999)
	if !ok || e.Reason != hints.ReasonMatch || e.Value != "short" || e.Variant != "short" {
		t.Errorf("got %+v", e)
	}
	if e, _ = set.Evaluate("home.topics", 999); !reflect.DeepEqual(e.Value, map[string]any{"items": []string{"653"}}) {
		t.Errorf("a list leaves as %v", e.Value)
	}
	for k, v := range e.Metadata {
		switch v.(type) {
		case string, int, int64, bool:
		default:
			t.Errorf("metadata %s is not flat", k)
		}
	}
	if _, ok := set.Evaluate("nobody.knows", 999); ok {
		t.Error("a hint no policy has was found")
	}
	if b := set.EvaluateAll(999); len(b.Flags) != len(rules) {
		t.Errorf("%d flags of %d hints", len(b.Flags), len(rules))
	}
}

// TestOFREPHidesWhy: withheld, expired and never held are the same bytes.
func TestOFREPHidesWhy(t *testing.T) {
	withheld := derive(t, map[string]hints.Input{"prefs": {Claims: claims.Set{"depth": "no-preference"}, Assurance: hints.SelfAsserted, ExpiresAt: 600}})
	never := derive(t, nil)
	held := derive(t, map[string]hints.Input{"prefs": {Claims: claims.Set{"depth": "detail"}, Assurance: hints.SelfAsserted}})
	want, _ := json.Marshal(never.EvaluateAll(1000))
	for name, set := range map[string]hints.HintSet{"withheld": withheld, "expired": held} {
		if got, _ := json.Marshal(set.EvaluateAll(1000)); string(got) != string(want) {
			t.Errorf("%s: %s, never held: %s", name, got, want)
		}
	}
	if strings.Contains(string(want), `"value"`) {
		t.Errorf("a withheld hint has a value: %s", want)
	}
}

var adRules = []hints.Rule{
	{Key: "ads.adult", Label: text("l"), From: ref("age", "age_equal_or_over", "18"), Flag: true, Required: true, Explain: text("x")},
	{Key: "ads.kind", Label: text("l"), From: ref("prefs", "ads", "tolerance"), Map: map[string]any{"none": "none", "contextual-only": "context", "chosen-topics": "topics"}, Explain: text("x")},
	{Key: "ads.topics", Label: text("l"), From: ref("prefs", "ads", "topics"), Pick: &hints.Pick{Only: []string{"653", "483"}}, Explain: text("x")},
}

func TestOpenRTB(t *testing.T) {
	input := func(adult bool, tolerance string) map[string]hints.Input {
		return map[string]hints.Input{
			"age":   {Claims: claims.Set{"age_equal_or_over": map[string]any{"18": adult}}, Assurance: hints.IssuerSigned},
			"prefs": {Claims: claims.Set{"ads": map[string]any{"tolerance": tolerance, "topics": []any{"669", "1"}}}, Assurance: hints.SelfAsserted},
		}
	}
	for _, tt := range []struct {
		name    string
		purpose string
		in      map[string]hints.Input
		now     int64
		want    string
	}{
		{"chosen topics", "ad-relevance", input(true, "chosen-topics"), 1, `[{"name":"declared","segment":[{"id":"653"}],"ext":{"segtax":9}}]`},
		{"no ads wanted", "ad-relevance", input(true, "none"), 1, `null`},
		{"only beside matching texts", "ad-relevance", input(true, "contextual-only"), 1, `null`},
		{"a child", "ad-relevance", input(false, "chosen-topics"), 1, `null`},
		{"past its time", "ad-relevance", input(true, "chosen-topics"), 1000, `null`},
		{"another purpose", "personalised-home", input(true, "chosen-topics"), 1, `null`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := meta
			m.Purpose = tt.purpose
			set, err := hints.Derive(adRules, tt.in, m)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := json.Marshal(set.OpenRTB(tt.now)); string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestIdentify(t *testing.T) {
	gate := map[string]hints.Input{"age": {Claims: claims.Set{"age_equal_or_over": map[string]any{"18": true}}}}
	if id := hints.Identify(gate); id.Level != hints.Barely || math.Abs(id.Bits+math.Log2(0.84)) > 1e-9 {
		t.Errorf("of age: %+v", id)
	}
	some := map[string]hints.Input{
		"member": {Claims: claims.Set{"tier": "plus"}},
		"prefs":  {Claims: claims.Set{"depth": "overview", "tone": "no-preference", "topics": []any{"653"}}},
	}
	id := hints.Identify(some)
	if id.Level != hints.Somewhat || len(id.Parts) != 3 || id.Parts[0].Label["de"] != "Dein Abo" {
		t.Errorf("a few things: %+v", id)
	}
	some["prefs"].Claims["topics"] = []any{"653", "669", "533", "270"}
	if id := hints.Identify(some); id.Level != hints.Strongly {
		t.Errorf("many narrow topics: %+v", id)
	}
	if id := hints.Identify(nil); id.Bits != 0 || id.Level != hints.Barely {
		t.Errorf("nothing: %+v", id)
	}
}
