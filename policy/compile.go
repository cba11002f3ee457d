package policy

import (
	"fmt"
	"slices"

	"facet/credentials/claims"
	"facet/credentials/dcql"
	"facet/policy/hints"
	"facet/schemas"
)

// Compiled is a policy's query and what each part of it is for.
type Compiled struct {
	Policy  *Policy
	Query   *dcql.Query
	Queries map[string]QueryRef // by DCQL credential query id
}

// QueryRef says what one credential query is for.
type QueryRef struct {
	ID           string
	Credential   string // name in the policy
	VCTs         []string
	SelfAsserted bool
	Required     bool
	Hints        []string      // keys of the hints that use it
	Paths        []claims.Path // what it asks for, as rules name it

	wanted []dcql.ClaimQuery
}

// Compile writes the query of a policy that passed Check. The same policy
// always gives the same query, byte for byte:
//
//   - a self-asserted credential is one optional query with all its claims,
//     since a withheld one comes as no preference;
//   - the required claims of an issuer-signed credential are one required query;
//   - each optional issuer-signed claim is an optional query of its own, since
//     DCQL knows no optional claims.
//
// A claim no rule reads is not in it: there is no way to put one there.
func Compile(p *Policy) (*Compiled, error) {
	if problems := p.Check(); len(problems) > 0 {
		return nil, problems[0]
	}
	c := &Compiled{Policy: p, Query: &dcql.Query{}, Queries: map[string]QueryRef{}}
	var required []string
	var optional []dcql.CredentialSet
	no := false
	for _, q := range p.queries() {
		c.Queries[q.ID] = q
		c.Query.Credentials = append(c.Query.Credentials, dcql.CredentialQuery{
			ID: q.ID, Format: dcql.SDJWTVC, Meta: dcql.Meta{VCTValues: q.VCTs}, Claims: q.wanted,
		})
		if q.Required {
			required = append(required, q.ID)
		} else {
			optional = append(optional, dcql.CredentialSet{Options: [][]string{{q.ID}}, Required: &no})
		}
	}
	if len(optional) > 0 {
		if len(required) > 0 {
			c.Query.CredentialSets = append(c.Query.CredentialSets, dcql.CredentialSet{Options: [][]string{required}})
		}
		c.Query.CredentialSets = append(c.Query.CredentialSets, optional...)
	}
	if err := c.Query.Validate(); err != nil {
		return nil, &Error{ReasonRule, "", "the query is not valid: " + err.Error()}
	}
	return c, nil
}

// queries lists what to ask for, credential by credential in the order the
// hints first use them, required claims first.
func (p *Policy) queries() []QueryRef {
	var out []QueryRef
	for _, name := range p.used() {
		k := p.Credentials[name]
		if k.Accept == hints.SelfAsserted {
			q := QueryRef{ID: name, Credential: name, VCTs: k.VCT, SelfAsserted: true}
			p.each(name, func(r *hints.Rule, path claims.Path) { q.add(r, path) })
			out = append(out, q)
			continue
		}
		out = append(out, p.issued(name, k)...)
	}
	return out
}

func (p *Policy) issued(name string, k Credential) []QueryRef {
	var out []QueryRef
	next := func(required bool) QueryRef {
		id := name
		if len(out) > 0 {
			id = fmt.Sprintf("%s_%d", name, len(out)+1)
		}
		return QueryRef{ID: id, Credential: name, VCTs: k.VCT, Required: required}
	}
	must := next(true)
	p.each(name, func(r *hints.Rule, path claims.Path) {
		if r.Required {
			must.add(r, path)
		}
	})
	if len(must.Paths) > 0 {
		out = append(out, must)
	}
	p.each(name, func(r *hints.Rule, path claims.Path) {
		if !r.Required {
			q := next(false)
			q.add(r, path)
			out = append(out, q)
		}
	})
	return out
}

// used lists the credentials' names in the order the hints first read them.
func (p *Policy) used() []string {
	var names []string
	for i := range p.Hints {
		for _, ref := range p.Hints[i].Refs() {
			if !slices.Contains(names, ref.Credential) {
				names = append(names, ref.Credential)
			}
		}
	}
	return names
}

// each calls do for every claim of one credential that a hint reads.
func (p *Policy) each(name string, do func(*hints.Rule, claims.Path)) {
	for i := range p.Hints {
		for _, ref := range p.Hints[i].Refs() {
			if ref.Credential == name {
				do(&p.Hints[i], ref.Path)
			}
		}
	}
}

func (q *QueryRef) add(r *hints.Rule, path claims.Path) {
	if !slices.Contains(q.Hints, r.Key) {
		q.Hints = append(q.Hints, r.Key)
	}
	q.Paths = append(q.Paths, path)
	claim := dcql.ClaimQuery{Path: slices.Clone(path)}
	if r.Pick != nil && !q.SelfAsserted {
		claim.Path = append(claim.Path, nil) // each element of a list may be disclosed on its own
	}
	if r.Required {
		claim.Values = accepted(r)
	}
	q.wanted = append(q.wanted, claim)
}

// accepted are the values a required hint can do anything with; nil for any. A
// holder whose value is another one then looks like one who has none.
func accepted(r *hints.Rule) []any {
	switch {
	case r.Flag:
		return []any{true}
	case r.Map != nil && r.Default == nil && schemas.ClaimKind(r.From.Path) == schemas.KindEnum:
		var out []any
		for _, v := range sorted(r.Map) {
			out = append(out, v)
		}
		return out
	}
	return nil
}

// Answer is what one credential query got, or in the wallet would get.
type Answer struct {
	Claims    claims.Set
	ExpiresAt int64 // the credential's, unix seconds; 0: none
}

// Inputs sorts answers, keyed by query id, into what Derive takes, keyed by the
// policy's credential names. Claims the query did not ask for are left out,
// however many a credential brings. The end of a preferences credential is the
// end of its one use, not of what it says, and does not shorten hints.
func (c *Compiled) Inputs(answers map[string]Answer) map[string]hints.Input {
	out := map[string]hints.Input{}
	for _, id := range sorted(answers) {
		q, ok := c.Queries[id]
		if !ok {
			continue
		}
		a := answers[id]
		in, there := out[q.Credential]
		if !there {
			in = hints.Input{Claims: claims.Set{}, Assurance: hints.IssuerSigned}
		}
		if q.SelfAsserted {
			in.Assurance = hints.SelfAsserted
		}
		lasting := slices.Contains(q.VCTs, schemas.MediaPreferences)
		if a.ExpiresAt > 0 && !lasting && (in.ExpiresAt == 0 || a.ExpiresAt < in.ExpiresAt) {
			in.ExpiresAt = a.ExpiresAt
		}
		for _, path := range q.Paths {
			if v, err := a.Claims.Get(path); err == nil && len(v) == 1 {
				_ = in.Claims.Assign(path, v[0]) // paths of names; a clash leaves the claim out
			}
		}
		out[q.Credential] = in
	}
	return out
}
