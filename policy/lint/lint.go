// Package lint reads policies as people write them: YAML in, every problem with
// its line out, and a checked policy if there is none.
//
// It adds no rule of its own to what a policy may say (package policy decides);
// it says what is wrong where, and what may have been meant. It never runs in a
// wallet.
package lint

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"facet/policy"
	"facet/policy/hints"
	"facet/schemas"
)

// Codes of problems this package finds by itself; all others are package policy's.
const (
	ReasonYAML  = "policy_yaml"
	WarnWords   = "policy_value_without_words"
	WarnKeep    = "policy_kept_longer_than_usual"
	WarnDefault = "policy_default_missing"
)

// A Problem is one thing its author should mend, or (Warning) think about.
type Problem struct {
	Line, Column int    // from 1; 0 when it has no place
	At           string // "hints[2].explain.de"
	Code         string
	Message      string
	Suggestion   string // "did you mean …?", may be empty
	Warning      bool
}

func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "%d:%d: ", p.Line, p.Column)
	}
	if p.Warning {
		b.WriteString("warning: ")
	}
	if p.At != "" {
		b.WriteString(p.At + ": ")
	}
	b.WriteString(p.Message)
	if p.Suggestion != "" {
		b.WriteString(" (" + p.Suggestion + ")")
	}
	return b.String()
}

// Problems are the errors of one file.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Reason is the code of the first problem.
func (ps Problems) Reason() string { return ps[0].Code }

// Load reads a policy from YAML. The error is Problems, warnings left out.
func Load(text []byte) (*policy.Policy, error) {
	p, problems := Lint(text)
	if p == nil {
		return nil, Problems(slices.DeleteFunc(problems, func(p Problem) bool { return p.Warning }))
	}
	return p, nil
}

// Lint reads a policy from YAML and lists every problem, by line. The policy is
// nil unless all of them are warnings.
func Lint(text []byte) (*policy.Policy, []Problem) {
	doc, err := read(text)
	if err != nil {
		var bad *Problem
		if errors.As(err, &bad) {
			return nil, []Problem{*bad}
		}
		return nil, []Problem{{Code: ReasonYAML, Message: err.Error()}}
	}
	l := &linter{doc: doc}
	l.members()
	p := l.policy()
	slices.SortStableFunc(l.problems, func(a, b Problem) int { return a.Line - b.Line })
	if slices.ContainsFunc(l.problems, func(p Problem) bool { return !p.Warning }) {
		return nil, l.problems
	}
	return p, l.problems
}

type linter struct {
	doc      *document
	problems []Problem
	code     string // of a member that does not belong; policy.ReasonMalformed if empty
	broken   bool   // some value has the wrong type: the rest cannot be decoded
}

func (l *linter) malformed() string { return cmp.Or(l.code, policy.ReasonMalformed) }

func (l *linter) add(p Problem) {
	p.Line, p.Column = l.doc.place(p.At)
	l.problems = append(l.problems, p)
}

// policy decodes what is left of the document, checks it and adds warnings.
func (l *linter) policy() *policy.Policy {
	if l.broken {
		return nil
	}
	b, err := json.Marshal(l.doc.root)
	if err != nil {
		l.add(Problem{Code: ReasonYAML, Message: err.Error()})
		return nil
	}
	p, err := policy.Decode(b)
	if err != nil {
		var bad *policy.Error
		if errors.As(err, &bad) && !l.reported(bad.At) {
			l.add(Problem{At: bad.At, Code: bad.Code, Message: bad.Problem})
		}
		// The file is refused; what can be read of it is still checked, so that
		// one run shows everything.
		p = &policy.Policy{}
		if json.Unmarshal(b, p) != nil {
			return nil
		}
	}
	for _, bad := range p.Check() {
		if !l.reported(bad.At) {
			l.add(Problem{At: bad.At, Code: bad.Code, Message: bad.Problem, Suggestion: l.suggest(p, bad)})
		}
	}
	l.warn(p)
	return p
}

// reported tells whether the schema walk has said so already.
func (l *linter) reported(at string) bool {
	return at != "" && slices.ContainsFunc(l.problems, func(p Problem) bool {
		return p.At == at || strings.HasPrefix(at, p.At+".")
	})
}

// suggest guesses what was meant.
func (l *linter) suggest(p *policy.Policy, bad *policy.Error) string {
	said := l.doc.text(bad.At)
	switch bad.Code {
	case policy.ReasonPurpose:
		var ids []string
		for _, purpose := range policy.Purposes() {
			ids = append(ids, purpose.ID)
		}
		return meant(said, ids, "purposes are "+strings.Join(ids, ", "))
	case policy.ReasonCredentials:
		if strings.Contains(bad.At, ".vct[") {
			return meant(said, schemas.VCTs(), "")
		}
	case policy.ReasonOutput:
		if purpose, ok := schemas.PurposeByID(p.Purpose); ok {
			return meant(said, purpose.Outputs, "")
		}
	case policy.ReasonClaim:
		return "it may read " + strings.Join(readable(p.Purpose), ", ")
	case policy.ReasonRule:
		return l.suggestValue(p, bad)
	}
	return ""
}

func (l *linter) suggestValue(p *policy.Policy, bad *policy.Error) string {
	before, value, found := strings.Cut(bad.At, ".map.")
	var i int
	if _, err := fmt.Sscanf(before, "hints[%d]", &i); err != nil || !found || i >= len(p.Hints) || p.Hints[i].From == nil {
		return ""
	}
	var known []string
	for v := range schemas.ClaimValues(p.Hints[i].From.Path) {
		if v != schemas.NoPreference {
			known = append(known, v)
		}
	}
	slices.Sort(known)
	return meant(value, known, "it says "+strings.Join(known, ", "))
}

// readable lists the claims a purpose admits.
func readable(purpose string) []string {
	var out []string
	p, _ := schemas.PurposeByID(purpose)
	for _, a := range p.Allowed {
		name := a.Credential + "." + schemas.PathName(a.Path)
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return []string{"nothing"}
	}
	return out
}

// warn points at what is allowed but seldom meant.
func (l *linter) warn(p *policy.Policy) {
	if purpose, ok := schemas.PurposeByID(p.Purpose); ok {
		usual, _ := policy.ParseRetention(purpose.Retention.Default)
		if p.Keep() > usual {
			l.add(Problem{At: "retention", Code: WarnKeep, Warning: true,
				Message: fmt.Sprintf("%s is longer than usual for %s (%s)", p.Retention, p.Purpose, purpose.Retention.Default)})
		}
	}
	for i := range p.Hints {
		r := &p.Hints[i]
		at := fmt.Sprintf("hints[%d]", i)
		for _, v := range wordless(r) {
			l.add(Problem{At: at, Code: WarnWords, Warning: true,
				Message: fmt.Sprintf("people will read the value %q as it stands", v), Suggestion: "add it to values, in German and English"})
		}
		if r.Default == nil && !r.Required && (r.Map != nil || r.When != nil) {
			l.add(Problem{At: at, Code: WarnDefault, Warning: true,
				Message: "without a default, what no row names is treated as withheld"})
		}
	}
}

// wordless are the values a rule can give that have no words for people.
func wordless(r *hints.Rule) []string {
	var out []string
	check := func(v any) {
		text := fmt.Sprint(v)
		_, own := r.Values[text]
		_, common := schemas.HintLabel(r.Key, text)
		if v != nil && !own && !common && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	for _, v := range r.Map {
		check(v)
	}
	for _, b := range r.Bucket {
		check(b.Then)
	}
	for _, w := range r.When {
		check(w.Then)
	}
	check(r.Default)
	slices.Sort(out)
	return out
}
