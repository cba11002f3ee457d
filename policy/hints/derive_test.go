package hints_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"facet/credentials/claims"
	"facet/policy/hints"
)

var meta = hints.Meta{PolicyID: "p.example/x", Version: 1, Hash: "h", Purpose: "personalised-home", Exp: 1000}

func text(s string) hints.Text { return hints.Text{"de": s, "en": s} }

func ref(credential string, names ...any) *hints.Ref {
	return &hints.Ref{Credential: credential, Path: names}
}

func five(n int) *int { return &n }

// rules has one rule of each table.
var rules = []hints.Rule{
	{Key: "article.length", Label: text("l"), From: ref("prefs", "depth"), Map: map[string]any{"overview": "short", "detail": "long"},
		Default: "medium", Without: text("ohne"), Explain: hints.Text{"de": "Du hast „{claim}“ gewählt, darum sind Texte {value}.", "en": "{claim}/{value}"}},
	{Key: "home.topics", Label: text("l"), From: ref("prefs", "topics"), Pick: &hints.Pick{Only: []string{"483", "653"}, Max: 2}, Explain: text("{value}")},
	{Key: "age.over18", Label: text("l"), From: ref("age", "age_equal_or_over", "18"), Flag: true, Required: true, Explain: text("{value}")},
	{Key: "today.pace", Label: text("l"), From: ref("today", "time_budget_min"), Bucket: []hints.Bucket{{UpTo: five(5), Then: "quick"}, {Then: "relaxed"}}, Explain: text("{claim}")},
	{Key: "ui.layout", Label: text("l"), Default: "standard", Explain: text("{claim}"), When: []hints.When{
		{If: []hints.Is{{*ref("today", "persona"), "family"}, {*ref("today", "goal"), "plan-trip"}}, Then: "guide"},
		{If: []hints.Is{{*ref("today", "persona"), "business"}}, Then: "dashboard"},
	}},
}

func derive(t *testing.T, in map[string]hints.Input) hints.HintSet {
	t.Helper()
	set, err := hints.Derive(rules, in, meta)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestDerive(t *testing.T) {
	for _, tt := range []struct {
		name, key string
		cred      string
		claims    claims.Set
		want      any // nil: withheld
	}{
		{"a row of the map", "article.length", "prefs", claims.Set{"depth": "overview"}, "short"},
		{"no row: the default", "article.length", "prefs", claims.Set{"depth": "standard"}, "medium"},
		{"no preference is withheld", "article.length", "prefs", claims.Set{"depth": "no-preference"}, nil},
		{"absent is withheld", "article.length", "prefs", claims.Set{}, nil},
		{"null is withheld", "article.length", "prefs", claims.Set{"depth": nil}, nil},
		{"an object is withheld", "article.length", "prefs", claims.Set{"depth": map[string]any{}}, nil},
		{"pick keeps the holder's order", "home.topics", "prefs", claims.Set{"topics": []any{"653", "1", "483"}}, []string{"653", "483"}},
		{"pick widens to the topic asked for", "home.topics", "prefs", claims.Set{"topics": []any{"533", "669", "483"}}, []string{"483", "653"}},
		{"nothing in common is withheld", "home.topics", "prefs", claims.Set{"topics": []any{"1"}}, nil},
		{"an empty list is withheld", "home.topics", "prefs", claims.Set{"topics": []any{}}, nil},
		{"a list of numbers is withheld", "home.topics", "prefs", claims.Set{"topics": []any{json.Number("653")}}, nil},
		{"a flag", "age.over18", "age", claims.Set{"age_equal_or_over": map[string]any{"18": true}}, true},
		{"a flag that is false", "age.over18", "age", claims.Set{"age_equal_or_over": map[string]any{"18": false}}, false},
		{"text is no flag", "age.over18", "age", claims.Set{"age_equal_or_over": map[string]any{"18": "true"}}, nil},
		{"the first step holds its bound", "today.pace", "today", claims.Set{"time_budget_min": json.Number("5")}, "quick"},
		{"the last step", "today.pace", "today", claims.Set{"time_budget_min": json.Number("6")}, "relaxed"},
		{"no time stated", "today.pace", "today", claims.Set{"time_budget_min": json.Number("0")}, nil},
		{"both conditions", "ui.layout", "today", claims.Set{"persona": "family", "goal": "plan-trip"}, "guide"},
		{"one of two conditions", "ui.layout", "today", claims.Set{"persona": "family", "goal": "relax"}, "standard"},
		{"the second row", "ui.layout", "today", claims.Set{"persona": "business"}, "dashboard"},
		{"nothing stated at all", "ui.layout", "today", claims.Set{"persona": "no-preference", "goal": "no-preference"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := derive(t, map[string]hints.Input{tt.cred: {Claims: tt.claims, Assurance: hints.SelfAsserted}})
			h, ok := set.Get(tt.key)
			if !ok || !reflect.DeepEqual(h.Value, tt.want) || h.Withheld != (tt.want == nil) {
				t.Fatalf("got %v (withheld %v), want %v", h.Value, h.Withheld, tt.want)
			}
		})
	}
}

func TestDeriveWords(t *testing.T) {
	in := map[string]hints.Input{
		"prefs": {Claims: claims.Set{"depth": "overview", "topics": []any{"653", "483"}}},
	}
	set := derive(t, in)
	h, _ := set.Get("article.length")
	if got, want := h.Explain["de"], "Du hast „Überblick“ gewählt, darum sind Texte kurz."; got != want {
		t.Errorf("explain %q, want %q", got, want)
	}
	if h, _ = set.Get("home.topics"); h.Explain["de"] != "Reise, Sport" {
		t.Errorf("topics are called %q", h.Explain["de"])
	}
	h, _ = derive(t, nil).Get("article.length")
	if h.Explain["de"] != "ohne" || h.Default != "medium" {
		t.Errorf("a withheld hint explains itself by %q, default %v", h.Explain["de"], h.Default)
	}
}

func TestDeriveAssuranceAndEnd(t *testing.T) {
	mixed := []hints.Rule{{Key: "a.b", Explain: text("x"), When: []hints.When{
		{If: []hints.Is{{*ref("member", "tier"), "plus"}, {*ref("today", "persona"), "family"}}, Then: "x"}}}}
	set, err := hints.Derive(mixed, map[string]hints.Input{
		"member": {Claims: claims.Set{"tier": "plus"}, Assurance: hints.IssuerSigned},
		"today":  {Claims: claims.Set{"persona": "family"}, Assurance: hints.SelfAsserted, ExpiresAt: 500},
	}, meta)
	if err != nil {
		t.Fatal(err)
	}
	if set[0].Assurance != hints.Mixed || set[0].Exp != 500 || len(set[0].DerivedFrom) != 2 {
		t.Errorf("got %+v", set[0])
	}
}

// arbitrary makes claims of any shape, with plausible ones often enough.
func arbitrary(r *rand.Rand, depth int) any {
	words := []string{"overview", "detail", "no-preference", "653", "533", "family", "plan-trip", "business", "", "ü\x00"}
	switch r.IntN(9) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return json.Number(fmt.Sprint(r.IntN(100) - 5))
	case 3:
		return json.Number("1e9999")
	case 4, 5, 6:
		return words[r.IntN(len(words))]
	case 7:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, arbitrary(r, depth-1))
		}
		return list
	}
	o := map[string]any{}
	if depth > 0 {
		for _, name := range []string{"depth", "topics", "18", "age_equal_or_over", "persona", "goal", "time_budget_min"} {
			if r.IntN(2) == 0 {
				o[name] = arbitrary(r, depth-1)
			}
		}
	}
	return o
}

// TestDeriveIsTotalAndDeterministic: whatever the claims, one hint per rule,
// the same every time, and the claims are left alone.
func TestDeriveIsTotalAndDeterministic(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		in := map[string]hints.Input{}
		for _, name := range []string{"prefs", "today", "age"} {
			if o, ok := arbitrary(r, 3).(map[string]any); ok {
				in[name] = hints.Input{Claims: o, Assurance: hints.SelfAsserted, ExpiresAt: int64(r.IntN(2000))}
			}
		}
		before, _ := json.Marshal(in)
		a, b := derive(t, in), derive(t, in)
		if len(a) != len(rules) || !reflect.DeepEqual(a, b) {
			t.Fatalf("not one and the same hint per rule for %s", before)
		}
		for i, h := range a {
			if h.Key != rules[i].Key || h.Withheld != (h.Value == nil) || h.Exp > meta.Exp || len(h.DerivedFrom) == 0 {
				t.Fatalf("hint %+v for %s", h, before)
			}
		}
		if after, _ := json.Marshal(in); string(after) != string(before) {
			t.Fatal("the claims were changed")
		}
	}
}

func TestDeriveRefusesInvalidRules(t *testing.T) {
	from := ref("prefs", "depth")
	for name, r := range map[string]hints.Rule{
		"no table":            {Key: "a.b", From: from},
		"two tables":          {Key: "a.b", From: from, Flag: true, Map: map[string]any{"a": "b"}},
		"no claim":            {Key: "a.b", Flag: true},
		"from beside when":    {Key: "a.b", From: from, When: []hints.When{{If: []hints.Is{{*from, "x"}}, Then: "y"}}},
		"an empty map":        {Key: "a.b", From: from, Map: map[string]any{}},
		"a number from a map": {Key: "a.b", From: from, Map: map[string]any{"a": 1.0}},
		"steps going down":    {Key: "a.b", From: from, Bucket: []hints.Bucket{{UpTo: five(9), Then: "a"}, {UpTo: five(5), Then: "b"}, {Then: "c"}}},
		"no last step":        {Key: "a.b", From: from, Bucket: []hints.Bucket{{UpTo: five(5), Then: "a"}, {UpTo: five(9), Then: "b"}}},
		"a row for all":       {Key: "a.b", When: []hints.When{{Then: "y"}}},
		"an odd key":          {Key: "A b", From: from, Flag: true},
		"each element":        {Key: "a.b", From: ref("prefs", "topics", nil), Flag: true},
		"an index":            {Key: "a.b", From: ref("prefs", "topics", 0), Flag: true},
	} {
		if _, err := hints.Derive([]hints.Rule{r}, nil, meta); !errors.Is(err, hints.ErrRule) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefJSON(t *testing.T) {
	var r hints.Ref
	if err := json.Unmarshal([]byte(`["age","age_equal_or_over","18"]`), &r); err != nil || r.String() != "age.age_equal_or_over.18" {
		t.Fatalf("%v, %v", r, err)
	}
	for _, bad := range []string{`["age"]`, `[]`, `"age"`, `[1,"a"]`, `[null,"a"]`} {
		if json.Unmarshal([]byte(bad), &r) == nil {
			t.Errorf("%s is no reference", bad)
		}
	}
}

// TestValueTextAfterJSON: a hint says the same whether it was just derived or
// stored and read again.
func TestValueTextAfterJSON(t *testing.T) {
	rule := hints.Rule{Key: "home.topics", Values: map[string]hints.Text{"a": {"de": "Aa", "en": "A"}}}
	for name, value := range map[string]any{"list": []string{"a", "b"}, "empty": []string{}, "word": "a", "number": 3, "flag": true, "nothing": nil} {
		raw, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var read any
		if err := json.Unmarshal(raw, &read); err != nil {
			t.Fatal(err)
		}
		if derived, stored := rule.ValueText(value), rule.ValueText(read); !reflect.DeepEqual(derived, stored) {
			t.Errorf("%s: derived %v, stored %v", name, derived, stored)
		}
	}
	if got := rule.ValueText([]any{"a", "b"})["de"]; got != "Aa, b" {
		t.Fatalf("got %q", got)
	}
}
