package policy

import (
	"slices"

	"facet/credentials/claims"
	"facet/policy/hints"
	"facet/schemas"
)

// Approval is what follows from the holder's ticks.
type Approval struct {
	Choices []string // optional keys that are on, in the policy's order
	Present []string // issuer-signed query ids to answer, required ones included
	Mint    []Mint   // self-asserted credentials to make; none for a credential with nothing ticked
}

// Mint is one self-asserted credential to be made for one query: the claims of
// Give with the holder's values, those of Withhold as no preference.
type Mint struct {
	Query    string
	VCT      string
	Give     []Given
	Withhold []claims.Path
}

// Given is one claim to be told. With Pick, a list is cut to what the platform
// can use before it leaves.
type Given struct {
	Path claims.Path
	Pick *hints.Pick
}

// Approve works out what to send for these optional hint keys. Required hints
// are always included and may be named too; an unknown key is an error.
func (c *Compiled) Approve(choices []string) (*Approval, error) {
	a := &Approval{}
	on := map[string]bool{}
	for i := range c.Policy.Hints {
		r := &c.Policy.Hints[i]
		on[r.Key] = r.Required || slices.Contains(choices, r.Key)
		if on[r.Key] && !r.Required {
			a.Choices = append(a.Choices, r.Key)
		}
	}
	for _, key := range choices {
		if _, known := on[key]; !known {
			return nil, &Error{ReasonChoice, "", "the policy has no such hint"}
		}
	}
	for _, cq := range c.Query.Credentials {
		q := c.Queries[cq.ID]
		if !slices.ContainsFunc(q.Hints, func(key string) bool { return on[key] }) {
			continue
		}
		if q.SelfAsserted {
			a.Mint = append(a.Mint, c.mint(q, on))
		} else {
			a.Present = append(a.Present, q.ID)
		}
	}
	return a, nil
}

func (c *Compiled) mint(q QueryRef, on map[string]bool) Mint {
	m := Mint{Query: q.ID, VCT: q.VCTs[0]}
	c.Policy.each(q.Credential, func(r *hints.Rule, path claims.Path) {
		if on[r.Key] {
			m.Give = append(m.Give, Given{path, r.Pick})
		} else {
			m.Withhold = append(m.Withhold, path)
		}
	})
	return m
}

// Claims are the claims to mint, from what the holder has stated. A claim never
// stated goes as no preference, exactly like one withheld.
func (m Mint) Claims(held claims.Set) map[string]any {
	out := claims.Set{}
	for _, path := range m.Withhold {
		neutral, _ := schemas.Neutral(path)
		_ = out.Assign(path, neutral) // paths of names in a fresh set
	}
	for _, g := range m.Give {
		value, ok := schemas.Neutral(g.Path)
		if found, err := held.Get(g.Path); err == nil && len(found) == 1 && ok {
			value = claims.Clone(found[0])
		}
		if g.Pick != nil {
			picked := []any{}
			for _, v := range g.Pick.Of(g.Path, value) {
				picked = append(picked, v)
			}
			value = picked
		}
		_ = out.Assign(g.Path, value)
	}
	return out
}
