package lint_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"facet/policy"
	"facet/policy/lint"
)

func home(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../examples/newsroom/policies/home.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLintSaysWhereAndWhat(t *testing.T) {
	for _, tt := range []struct {
		name, from, to string // the change
		at             string // the line that is named holds this
		code           string
		hint           string // the suggestion
	}{
		{"a purpose with a slip", "purpose: personalised-home", "purpose: personalized-home", "purpose:", policy.ReasonPurpose, "did you mean personalised-home?"},
		{"an unknown purpose", "purpose: personalised-home", "purpose: profiling", "purpose:", policy.ReasonPurpose, "age-gate"},
		{"an unknown member", "retention: P7D", "retention: P7D\nlogo: https://x.example/l.png", "logo:", policy.ReasonMalformed, "members are"},
		{"a member with a slip", "    required: true", "    requird: true", "requird:", policy.ReasonMalformed, "did you mean required?"},
		{"a value with a slip", "overview: short", "overveiw: short", "map:", policy.ReasonRule, "did you mean overview?"},
		{"a type with a slip", "urn:facet:today:1", "urn:facet:todey:1", "todey", policy.ReasonCredentials, "did you mean urn:facet:today:1?"},
		{"an output of another purpose", "outputs: [hints, ofrep]", "outputs: [hints, ofrepp]", "outputs:", policy.ReasonOutput, "did you mean ofrep?"},
		{"a claim of another purpose", "claim: [today, goal], is: plan-trip", "claim: [today, mood], is: tired", "ui.layout", policy.ReasonClaim, "today.persona"},
		{"a missing text", "  en: Which subscription do you have, and what do you like to read?\n", "", "question:", policy.ReasonText, ""},
		{"a list where text belongs", "version: 4", "version: [4]", "version:", policy.ReasonMalformed, ""},
		{"kept too long", "retention: P7D", "retention: P90D", "retention:", policy.ReasonRetention, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(home(t), tt.from, tt.to, 1)
			if text == home(t) {
				t.Fatal("the change does not apply")
			}
			p, problems := lint.Lint([]byte(text))
			if p != nil {
				t.Fatal("passes")
			}
			i := slices.IndexFunc(problems, func(p lint.Problem) bool { return p.Code == tt.code && !p.Warning })
			if i < 0 {
				t.Fatalf("got %v, want %s", problems, tt.code)
			}
			lines := strings.Split(text, "\n")
			if line := lines[max(0, problems[i].Line-1)]; !strings.Contains(line, tt.at) {
				t.Errorf("names line %d, %q", problems[i].Line, line)
			}
			if !strings.Contains(problems[i].Suggestion, tt.hint) {
				t.Errorf("suggests %q, want %q", problems[i].Suggestion, tt.hint)
			}
		})
	}
}

// TestLintListsEveryProblem: one run is enough.
func TestLintListsEveryProblem(t *testing.T) {
	text := strings.NewReplacer(
		"purpose: personalised-home", "purpose: personalized-home",
		"overview: short", "overveiw: short",
		"retention: P7D", "retention: a week",
		"  - key: home.topics", "  - key: Home Topics",
	).Replace(home(t))
	_, problems := lint.Lint([]byte(text))
	for _, code := range []string{policy.ReasonPurpose, policy.ReasonMalformed, policy.ReasonRule} {
		if !slices.ContainsFunc(problems, func(p lint.Problem) bool { return p.Code == code }) {
			t.Errorf("%s is not among %v", code, problems)
		}
	}
	if !slices.IsSortedFunc(problems, func(a, b lint.Problem) int { return a.Line - b.Line }) {
		t.Error("not in the file's order")
	}
}

func TestLintRefusesYAMLThatHides(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":         "",
		"an anchor":       "policy: &a x\nversion: *a\n",
		"a merge":         "a: &a {x: 1}\nb:\n  <<: *a\n",
		"two documents":   "policy: x\n---\npolicy: y\n",
		"a member twice":  "policy: x\npolicy: y\n",
		"a list":          "- policy\n",
		"no value":        "policy:\n",
		"a fraction":      "version: 1.5\n",
		"a tag":           "policy: !!binary eA==\n",
		"an open bracket": "policy: [x\n",
		"very large":      "policy: " + strings.Repeat("x", policy.MaxSize),
		"very deep":       "policy: " + strings.Repeat("[", 40) + strings.Repeat("]", 40),
	} {
		p, problems := lint.Lint([]byte(text))
		if p != nil || len(problems) == 0 {
			t.Errorf("%s passes", name)
		}
	}
}

func TestLintWarns(t *testing.T) {
	for name, tt := range map[string]struct{ from, to, code string }{
		"words":   {"then: dashboard}", "then: cockpit}", lint.WarnWords},
		"keep":    {"retention: P7D", "retention: P30D", lint.WarnKeep},
		"default": {"    default: medium\n", "", lint.WarnDefault},
	} {
		p, problems := lint.Lint([]byte(strings.Replace(home(t), tt.from, tt.to, 1)))
		if p == nil || !slices.ContainsFunc(problems, func(p lint.Problem) bool { return p.Warning && p.Code == tt.code }) {
			t.Errorf("%s: %v, %v", name, p != nil, problems)
		}
	}
}

func TestLoadNamesTheFirstProblem(t *testing.T) {
	_, err := lint.Load([]byte(strings.Replace(home(t), "purpose: personalised-home", "purpose: x", 1)))
	var problems lint.Problems
	if !errors.As(err, &problems) || problems.Reason() != policy.ReasonPurpose {
		t.Errorf("got %v", err)
	}
	if p, err := lint.Load([]byte(home(t))); err != nil || p.ID != "morgenblatt.example/home" {
		t.Errorf("got %v", err)
	}
}
