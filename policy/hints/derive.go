package hints

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"facet/credentials/claims"
	"facet/schemas"
)

// Assurances of an Input and of a Hint.
const (
	IssuerSigned = "issuer-signed"
	SelfAsserted = "self-asserted"
	Mixed        = "mixed" // a hint made of both
)

// Input is what is known of one of the policy's credentials: the processed
// claims as presented, or in the wallet as they would be.
type Input struct {
	Claims    claims.Set
	Assurance string
	ExpiresAt int64 // unix seconds; 0: nothing earlier than Meta.Exp
}

// Meta says by which policy, for what and until when hints are derived.
type Meta struct {
	PolicyID string
	Version  int
	Hash     string // base64url SHA-256 of the canonical policy
	Purpose  string
	Exp      int64 // unix seconds; the end of the promised retention
}

// A Hint is one derived fact a platform may use, and where it comes from. Its
// JSON form is the schema hint.v1.
type Hint struct {
	Key         string   `json:"key"`
	Value       any      `json:"value,omitempty"`    // string, bool or []string; nil when withheld
	Withheld    bool     `json:"withheld,omitempty"` // not given, not held, no preference: one and the same
	Default     any      `json:"default,omitempty"`  // when withheld: what the policy promises instead
	Purpose     string   `json:"purpose"`
	Rule        RuleRef  `json:"rule"`
	DerivedFrom []Source `json:"derived_from"`
	Assurance   string   `json:"assurance"`
	Provenance  string   `json:"provenance"` // always "declared": nothing here is ever inferred
	Exp         int64    `json:"exp"`        // unix seconds
	Label       Text     `json:"label"`
	Explain     Text     `json:"explain"`           // placeholders filled in; Without when withheld
	Without     Text     `json:"without,omitempty"` // as the policy says it
}

// RuleRef pins the policy a hint was derived by.
type RuleRef struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	SHA256  string `json:"policy_sha256"`
}

// Source is one claim a hint is derived from.
type Source struct {
	Credential string      `json:"credential"`
	Path       claims.Path `json:"path"`
}

// HintSet is one hint per rule, in the rules' order.
type HintSet []Hint

// Get returns the hint of that key.
func (s HintSet) Get(key string) (Hint, bool) {
	i := slices.IndexFunc(s, func(h Hint) bool { return h.Key == key })
	if i < 0 {
		return Hint{}, false
	}
	return s[i], true
}

// Derive applies every rule to in, keyed by the policy's credential names. It
// is pure, deterministic and total: whatever the claims hold, each valid rule
// gives exactly one hint. The only error is a rule that is not valid.
func Derive(rules []Rule, in map[string]Input, meta Meta) (HintSet, error) {
	set := make(HintSet, 0, len(rules))
	for _, r := range rules {
		if err := r.Validate(); err != nil {
			return nil, err
		}
		set = append(set, r.derive(in, meta))
	}
	return set, nil
}

func (r *Rule) derive(in map[string]Input, meta Meta) Hint {
	h := Hint{
		Key: r.Key, Purpose: meta.Purpose, Exp: meta.Exp, Provenance: "declared",
		Rule:  RuleRef{meta.PolicyID, meta.Version, meta.Hash},
		Label: r.Label, Without: r.Without,
	}
	for _, ref := range r.Refs() {
		input := in[ref.Credential]
		h.DerivedFrom = append(h.DerivedFrom, Source(ref))
		if a := input.Assurance; h.Assurance == "" {
			h.Assurance = a
		} else if a != "" && h.Assurance != a {
			h.Assurance = Mixed
		}
		if input.ExpiresAt > 0 && input.ExpiresAt < h.Exp {
			h.Exp = input.ExpiresAt
		}
	}
	if h.Assurance == "" { // nothing came: nobody vouches for anything
		h.Assurance = SelfAsserted
	}
	value, read := r.value(in)
	if value == nil {
		h.Withheld, h.Default, h.Explain = true, r.Default, r.Without
		return h
	}
	h.Value = value
	h.Explain = r.explain(value, read)
	return h
}

// reading is one claim a value was made of, for the words of Explain.
type reading struct {
	ref    Ref
	values []string
}

// value is the hint's value and what it was read from; nil when withheld.
func (r *Rule) value(in map[string]Input) (any, []reading) {
	if r.When != nil {
		return r.firstRow(in)
	}
	claim, stated := lookup(in, *r.From)
	if !stated {
		return nil, nil
	}
	switch {
	case r.Pick != nil:
		picked := r.Pick.Of(r.From.Path, claim)
		if len(picked) == 0 {
			return nil, nil
		}
		return picked, []reading{{*r.From, picked}}
	case r.Flag:
		b, ok := claim.(bool)
		if !ok {
			return nil, nil
		}
		return b, []reading{{*r.From, []string{strconv.FormatBool(b)}}}
	case r.Bucket != nil:
		return r.step(claim)
	}
	text, ok := scalar(claim)
	if !ok {
		return nil, nil
	}
	read := []reading{{*r.From, []string{text}}}
	if v, ok := r.Map[text]; ok {
		return v, read
	}
	return r.Default, read // stated, but the table has no row for it
}

func (r *Rule) firstRow(in map[string]Input) (any, []reading) {
	anyStated := false
	var all []reading
	for _, ref := range r.Refs() {
		if v, stated := lookup(in, ref); stated {
			anyStated = true
			if text, ok := scalar(v); ok {
				all = append(all, reading{ref, []string{text}})
			}
		}
	}
	if !anyStated {
		return nil, nil
	}
	for _, row := range r.When {
		var read []reading
		for _, is := range row.If {
			v, stated := lookup(in, is.Claim)
			text, ok := scalar(v)
			if !stated || !ok || text != is.Is {
				read = nil
				break
			}
			read = append(read, reading{is.Claim, []string{text}})
		}
		if read != nil {
			return row.Then, read
		}
	}
	return r.Default, all
}

func (r *Rule) step(claim any) (any, []reading) {
	n, ok := number(claim)
	if !ok {
		return nil, nil
	}
	text, _ := scalar(claim)
	read := []reading{{*r.From, []string{text}}}
	for _, b := range r.Bucket {
		if b.UpTo == nil || n <= float64(*b.UpTo) {
			return b.Then, read
		}
	}
	return r.Default, read
}

// Of is what the pick leaves of a list claim: the elements of Only that the
// list names, or whose narrower terms it names, in the list's order, once each.
// Anything that is not a list of text is an empty list.
func (p Pick) Of(path claims.Path, list any) []string {
	elements, _ := list.([]any)
	out := []string{}
	for _, e := range elements {
		term, _ := e.(string)
		for term != "" && !slices.Contains(p.Only, term) {
			term = schemas.Broader(path, term)
		}
		if term != "" && !slices.Contains(out, term) {
			out = append(out, term)
		}
		if p.Max > 0 && len(out) == p.Max {
			break
		}
	}
	return out
}

// lookup finds a claim; stated is false for one that is absent or says nothing.
func lookup(in map[string]Input, ref Ref) (value any, stated bool) {
	found, err := in[ref.Credential].Claims.Get(ref.Path)
	if err != nil || len(found) != 1 || found[0] == nil {
		return nil, false
	}
	if neutral, ok := schemas.Neutral(ref.Path); ok && claims.Equal(found[0], neutral) {
		return nil, false
	}
	return found[0], true
}

// scalar is a claim's value as rules write it.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	}
	if n, ok := number(v); ok {
		return strconv.FormatFloat(n, 'f', -1, 64), true
	}
	return "", false
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Float64()
		return n, err == nil
	case float64:
		return v, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	}
	return 0, false
}

// explain fills {claim} and {value} in, per language.
func (r *Rule) explain(value any, read []reading) Text {
	out, spoken := make(Text, len(r.Explain)), r.ValueText(value)
	for lang, template := range r.Explain {
		var said []string
		for _, one := range read {
			for _, v := range one.values {
				said = append(said, Text(schemas.ValueLabel(one.ref.Path, v)).In(lang))
			}
		}
		out[lang] = fill(template, strings.Join(said, ", "), spoken.In(lang))
	}
	return out
}

// fill replaces {claim} and {value}, and nothing in what it puts there.
func fill(template, claim, value string) string {
	var out strings.Builder
	for {
		at := strings.IndexByte(template, '{')
		if at < 0 {
			out.WriteString(template)
			return out.String()
		}
		out.WriteString(template[:at])
		if rest, ok := strings.CutPrefix(template[at:], "{claim}"); ok {
			out.WriteString(claim)
			template = rest
		} else if rest, ok := strings.CutPrefix(template[at:], "{value}"); ok {
			out.WriteString(value)
			template = rest
		} else {
			out.WriteByte('{')
			template = template[at+1:]
		}
	}
}

// ValueText says a hint's value in words: the policy's own, else the common
// ones, else the value itself. A list that went through JSON says the same.
func (r *Rule) ValueText(value any) Text {
	out := Text{}
	for _, lang := range []string{"de", "en"} {
		var words []string
		for _, v := range texts(value) {
			words = append(words, r.word(v).In(lang))
		}
		out[lang] = strings.Join(words, ", ")
	}
	return out
}

func (r *Rule) word(v string) Text {
	if t, ok := r.Values[v]; ok {
		return t
	}
	if t, ok := schemas.HintLabel(r.Key, v); ok {
		return t
	}
	if r.Pick != nil {
		return schemas.ValueLabel(r.From.Path, v)
	}
	return Text{"de": v, "en": v}
}

func texts(value any) []string {
	switch v := value.(type) {
	case []string:
		return v
	case []any:
		out := make([]string, 0, len(v))
		for _, one := range v {
			out = append(out, fmt.Sprint(one))
		}
		return out
	case nil:
		return nil
	}
	return []string{fmt.Sprint(value)}
}
