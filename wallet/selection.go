package wallet

import (
	"slices"

	"facet/credentials/claims"
	"facet/policy"
	"facet/policy/hints"
	"facet/schemas"
)

// A selection is what an answer would disclose, for some choices.
type selection struct {
	choices []string
	present []pick
	mint    []mint
}

// A pick is one issuer-signed credential query to be answered.
type pick struct {
	query string
	held  *held
	paths []claims.Path
	copy  copyOf // the one that will be shown; see claim
}

// A mint is one self-asserted credential to be made.
type mint struct {
	query, vct string
	claims     claims.Set
	paths      []claims.Path
}

// empty reports whether the answer would say nothing at all.
func (s *selection) empty() bool { return len(s.present)+len(s.mint) == 0 }

// selection works out what the choices disclose. An unknown choice is refused
// with reason choice_unknown; a required query without a holding is left out
// (Satisfiable says so).
func (p *proposal) selection(choices []string) (*selection, error) {
	if p.compiled == nil {
		return p.foreignSelection(choices)
	}
	approval, err := p.compiled.Approve(choices)
	if err != nil {
		return nil, fail(CodeChoice, err)
	}
	s := &selection{choices: approval.Choices}
	for _, query := range approval.Present {
		if h := p.matched[query]; h != nil {
			s.present = append(s.present, pick{query: query, held: h, paths: p.paths[query]})
		}
	}
	for _, m := range approval.Mint {
		set := claims.Set(m.Claims(p.stated[m.VCT]))
		if saysSomething(set) {
			s.mint = append(s.mint, mint{m.Query, m.VCT, set, p.paths[m.Query]})
		}
	}
	return s, nil
}

// foreignSelection answers a query without a policy: the required queries, and
// the optional ones that are chosen, whole.
func (p *proposal) foreignSelection(choices []string) (*selection, error) {
	s := &selection{choices: slices.Clone(choices)}
	for _, key := range choices {
		if !slices.Contains(p.optionalQueries, key) {
			return nil, failf(CodeChoice, "no such choice")
		}
	}
	for _, query := range slices.Concat(p.requiredQueries, choices) {
		if vct, ok := p.minted[query]; ok {
			s.mint = append(s.mint, mint{query, vct, only(every(vct, p.stated[vct]), p.paths[query]), p.paths[query]})
		} else if h := p.matched[query]; h != nil {
			s.present = append(s.present, pick{query: query, held: h, paths: p.paths[query]})
		}
	}
	return s, nil
}

// only keeps what the paths name; at least the members on their way.
func only(all claims.Set, paths []claims.Path) claims.Set {
	out := claims.Set{}
	for _, p := range paths {
		names := namesOf(p)
		if v, err := all.Get(names); err == nil {
			_ = out.Assign(names, claims.Clone(v[0])) // a path of names that Get accepted
		}
	}
	return out
}

// namesOf is the path up to its first array step.
func namesOf(p claims.Path) claims.Path {
	for i, c := range p {
		if _, ok := c.(string); !ok {
			return p[:i]
		}
	}
	return p
}

// saysSomething reports whether any claim is not neutral. A credential of
// nothing but "no preference" would only tell that someone was here.
func saysSomething(set claims.Set) bool {
	for name, v := range set {
		if says(claims.Path{name}, v) {
			return true
		}
	}
	return false
}

func says(p claims.Path, v any) bool {
	if object, ok := v.(map[string]any); ok {
		for name, member := range object {
			if says(append(slices.Clip(p), name), member) {
				return true
			}
		}
		return false
	}
	neutral, ok := schemas.Neutral(p)
	return !ok || !claims.Equal(neutral, v)
}

// shown lists every value the selection discloses.
func (s *selection) shown() []shown {
	var out []shown
	for _, p := range s.present {
		out = append(out, shownOf(p.query, p.held.VCT, p.held.Claims, p.paths, false)...)
	}
	for _, m := range s.mint {
		out = append(out, shownOf(m.query, m.vct, m.claims, m.paths, true)...)
	}
	return out
}

func shownOf(query, vct string, set claims.Set, paths []claims.Path, self bool) []shown {
	var out []shown
	for _, p := range paths {
		if v, ok := valueAt(set, p); ok {
			out = append(out, shown{Query: query, VCT: vct, Path: p, Value: v, Self: self})
		}
	}
	return out
}

// valueAt is the one value a path stands for: of a path with an array step, the
// array of what it selects.
func valueAt(set claims.Set, p claims.Path) (any, bool) {
	vs, err := set.Get(p)
	if err != nil {
		return nil, false
	}
	if slices.Contains(p, nil) {
		return vs, true
	}
	return vs[0], true
}

// answers are the selection as the policy's rules take it.
func (s *selection) answers(exp int64) map[string]policy.Answer {
	out := map[string]policy.Answer{}
	for _, p := range s.present {
		out[p.query] = policy.Answer{Claims: p.held.Claims, ExpiresAt: p.held.Expires}
	}
	for _, m := range s.mint {
		out[m.query] = policy.Answer{Claims: m.claims, ExpiresAt: exp}
	}
	return out
}

// derive runs the platform's rules on the selection: the transparent twin.
func (p *proposal) derive(s *selection) (hints.HintSet, error) {
	return hints.Derive(p.compiled.Policy.Hints, p.compiled.Inputs(s.answers(0)), p.compiled.Policy.Meta(p.view.Retention.Until))
}
