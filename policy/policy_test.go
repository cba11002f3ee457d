package policy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"facet/policy"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// changed returns the home policy after change.
func changed(t testing.TB, change func(p map[string]any)) []byte {
	t.Helper()
	var p map[string]any
	if err := json.Unmarshal(fixture(t, "home"), &p); err != nil {
		t.Fatal(err)
	}
	change(p)
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func hint(p map[string]any, i int) map[string]any { return p["hints"].([]any)[i].(map[string]any) }

func at(p map[string]any, names ...string) map[string]any {
	for _, n := range names {
		p = p[n].(map[string]any)
	}
	return p
}

func reason(err error) string {
	var r interface{ Reason() string }
	if errors.As(err, &r) {
		return r.Reason()
	}
	return ""
}

func TestParse(t *testing.T) {
	want := strings.TrimSpace(string(fixture(t, "home")))
	spaced := strings.ReplaceAll(want, `,"`, ` , "`)
	for _, in := range []string{want, spaced} {
		p, err := policy.Parse([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		if string(p.Canonical()) != want || len(p.Hash()) != 43 {
			t.Errorf("canonical form %s", p.Canonical())
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(p map[string]any)
		want   string
	}{
		{"an unknown member", func(p map[string]any) { p["query"] = map[string]any{} }, policy.ReasonMalformed},
		{"an unknown member of a hint", func(p map[string]any) { hint(p, 1)["requird"] = true }, policy.ReasonMalformed},
		{"a member in another case", func(p map[string]any) { p["Purpose"] = p["purpose"]; delete(p, "purpose") }, policy.ReasonMalformed},
		{"a default spelled out", func(p map[string]any) { hint(p, 1)["required"] = false }, policy.ReasonMalformed},
		{"null", func(p map[string]any) { hint(p, 1)["default"] = nil }, policy.ReasonMalformed},
		{"a fraction for a version", func(p map[string]any) { p["version"] = 1.5 }, policy.ReasonMalformed},
		{"version 0", func(p map[string]any) { p["version"] = 0 }, policy.ReasonMalformed},
		{"an id with spaces", func(p map[string]any) { p["policy"] = "Morgenblatt home" }, policy.ReasonMalformed},
		{"a purpose nobody knows", func(p map[string]any) { p["purpose"] = "marketing" }, policy.ReasonPurpose},
		{"kept longer than allowed", func(p map[string]any) { p["retention"] = "P31D" }, policy.ReasonRetention},
		{"kept for months", func(p map[string]any) { p["retention"] = "P1M" }, policy.ReasonMalformed},
		{"an output for ads", func(p map[string]any) { p["outputs"] = []any{"openrtb"} }, policy.ReasonOutput},
		{"no output", func(p map[string]any) { p["outputs"] = []any{} }, policy.ReasonOutput},
		{"an output twice", func(p map[string]any) { p["outputs"] = []any{"hints", "hints"} }, policy.ReasonOutput},
		{"a claim of another purpose", func(p map[string]any) {
			h := hint(p, 1)
			h["from"], h["map"] = []any{"today", "mood"}, map[string]any{"calm": "short"}
		}, policy.ReasonClaim},
		{"a claim nobody may ask for", func(p map[string]any) {
			h := hint(p, 1)
			h["from"], h["map"] = []any{"member", "customer_number"}, map[string]any{"1": "short"}
		}, policy.ReasonClaim},
		{"a self-asserted claim required", func(p map[string]any) { hint(p, 1)["required"] = true }, policy.ReasonRule},
		{"a self-asserted type called issuer-signed", func(p map[string]any) { at(p, "credentials", "prefs")["accept"] = "issuer-signed" }, policy.ReasonCredentials},
		{"an issuer's type called self-asserted", func(p map[string]any) { at(p, "credentials", "member")["accept"] = "self-asserted" }, policy.ReasonCredentials},
		{"a type nobody knows", func(p map[string]any) { at(p, "credentials", "member")["vct"] = []any{"urn:x:1"} }, policy.ReasonCredentials},
		{"a credential no hint uses", func(p map[string]any) {
			at(p, "credentials")["spare"] = map[string]any{"vct": []any{"urn:facet:age:1"}, "accept": "issuer-signed"}
		}, policy.ReasonCredentials},
		{"one claim in two hints", func(p map[string]any) {
			h := hint(p, 1)
			copy := map[string]any{}
			for k, v := range h {
				copy[k] = v
			}
			copy["key"] = "article.size"
			p["hints"] = append(p["hints"].([]any), copy)
		}, policy.ReasonShared},
		{"two tables", func(p map[string]any) { hint(p, 1)["flag"] = true }, policy.ReasonRule},
		{"a value the claim never has", func(p map[string]any) { hint(p, 1)["map"] = map[string]any{"huge": "long"} }, policy.ReasonRule},
		{"a row for no preference", func(p map[string]any) { hint(p, 1)["map"] = map[string]any{"no-preference": "long"} }, policy.ReasonRule},
		{"a topic of a special category", func(p map[string]any) { at(hint(p, 2), "pick")["only"] = []any{"286"} }, policy.ReasonRule},
		{"a placeholder nobody fills", func(p map[string]any) { at(hint(p, 1), "explain")["de"] = "{name}" }, policy.ReasonText},
		{"a switch without its consequence", func(p map[string]any) { delete(hint(p, 1), "without") }, policy.ReasonText},
		{"a text in one language only", func(p map[string]any) { delete(at(p, "question"), "en") }, policy.ReasonText},
		{"privacy policy by javascript", func(p map[string]any) { at(p, "controller")["privacy_policy"] = "javascript:alert(1)" }, policy.ReasonText},
		{"privacy policy over http", func(p map[string]any) { at(p, "controller")["privacy_policy"] = "http://morgenblatt.example/" }, policy.ReasonText},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := policy.Parse(changed(t, tt.change)); reason(err) != tt.want {
				t.Errorf("got %v (%s), want %s", err, reason(err), tt.want)
			}
		})
	}
}

func TestPolicyTexts(t *testing.T) {
	t.Run("SES-011", func(t *testing.T) {
		for name, change := range map[string]func(p map[string]any){
			"no purpose":            func(p map[string]any) { p["purpose"] = "" },
			"501 characters":        func(p map[string]any) { at(p, "question")["de"] = strings.Repeat("ü", 501) },
			"right-to-left":         func(p map[string]any) { at(p, "question")["en"] = "May we \u202egnihton ees" },
			"an isolate":            func(p map[string]any) { at(p, "benefit")["de"] = "Gut\u2066" },
			"a mark":                func(p map[string]any) { at(hint(p, 1), "label")["de"] = "\u200fText" },
			"in the explanation":    func(p map[string]any) { at(hint(p, 1), "explain")["de"] = "a\u202ab" },
			"in the company's name": func(p map[string]any) { at(p, "controller")["name"] = "Mor\u200bgenblatt" },
			"a line break":          func(p map[string]any) { at(p, "question")["de"] = "a\nb" },
			"only spaces":           func(p map[string]any) { at(p, "question")["de"] = "  " },
		} {
			if _, err := policy.Parse(changed(t, change)); reason(err) != policy.ReasonText {
				t.Errorf("%s: %v", name, err)
			}
		}
		at500 := func(p map[string]any) { at(p, "question")["de"] = strings.Repeat("ü", 500) }
		if _, err := policy.Parse(changed(t, at500)); err != nil {
			t.Errorf("500 characters: %v", err)
		}
	})
}

func TestParseRefusesOddJSON(t *testing.T) {
	home := string(fixture(t, "home"))
	for name, in := range map[string]string{
		"nothing":         "",
		"a list":          "[]",
		"a member twice":  strings.Replace(home, `"version":4`, `"version":4,"version":4`, 1),
		"text after it":   home + "{}",
		"too large":       strings.Replace(home, `{`, `{`+strings.Repeat(" ", policy.MaxSize), 1),
		"bad UTF-8":       strings.Replace(home, "Morgenblatt", "\xff", 1),
		"nested too deep": strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40),
	} {
		if _, err := policy.Parse([]byte(in)); reason(err) != policy.ReasonMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestParseStopsEarly: documents that fit the size limit but hold far more rows
// or hints than allowed are refused before their parts are compared with each
// other.
func TestParseStopsEarly(t *testing.T) {
	var rows, many []any
	for i := range 900 {
		rows = append(rows, map[string]any{"if": []any{map[string]any{"claim": []any{"t", fmt.Sprint(i)}, "is": ""}}, "then": ""})
		many = append(many, map[string]any{"key": fmt.Sprint(i)})
	}
	for name, change := range map[string]func(p map[string]any){
		"rows":  func(p map[string]any) { hint(p, 4)["when"] = rows },
		"hints": func(p map[string]any) { p["hints"] = many },
	} {
		p, err := policy.Decode(changed(t, change))
		if err != nil {
			if reason(err) == "" {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if n := len(p.Check()); n == 0 || n > 10 {
			t.Errorf("%s: %d problems", name, n)
		}
	}
}

func TestRetention(t *testing.T) {
	for in, want := range map[string]float64{"PT0S": 0, "PT12H": 12, "P7D": 168} {
		if d, ok := policy.ParseRetention(in); !ok || d.Hours() != want {
			t.Errorf("%s is %v hours", in, d.Hours())
		}
	}
	for _, in := range []string{"", "P", "P0D", "P07D", "PT1S", "P1DT1H", "p7d", "P7D ", "-P7D", "P99999D"} {
		if _, ok := policy.ParseRetention(in); ok {
			t.Errorf("%q is no retention", in)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(fixture(f, "home"))
	f.Add(fixture(f, "agegate"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := policy.Parse(b)
		if err != nil {
			return
		}
		q, err := policy.Parse(p.Canonical())
		if err != nil || q.Hash() != p.Hash() {
			t.Fatalf("the canonical form of a policy is another policy: %v", err)
		}
		if _, err := policy.Compile(p); err != nil {
			t.Fatalf("parsed but does not compile: %v", err)
		}
	})
}
