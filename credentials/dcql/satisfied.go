package dcql

import (
	"slices"

	"facet/credentials/claims"
)

// Presented is one credential a wallet sent, after it was verified.
type Presented struct {
	Format          string
	VCT             string
	AlsoVCT         []string // types it also counts as, where the verifier's policy says so
	Claims          claims.Set
	AuthorityKeyIDs [][]byte
	HolderBound     bool // key binding was verified
}

// A Report says what an accepted answer contains beyond the query.
type Report struct {
	// Kept holds, per query id and presentation, the claims asked for and
	// nothing else: what may go on to the platform.
	Kept map[string][]claims.Set
	// Surplus holds the paths of claims nobody asked for, leaves only, sorted;
	// the credential's own technical claims do not count.
	Surplus map[string][]claims.Path
}

// Satisfied is the verifier's own check that what was presented answers the
// query (§8.6); it repeats everything Match did. Reasons:
// vp_token_unexpected_id, dcql_too_many, dcql_credential_missing,
// dcql_format_mismatch, dcql_type_mismatch, dcql_authority_mismatch,
// dcql_holder_binding_missing, dcql_claim_missing, dcql_value_mismatch.
func Satisfied(q *Query, presented map[string][]Presented) (*Report, error) {
	for id, list := range presented {
		c := q.Credential(id)
		switch {
		case c == nil:
			// The id comes from the wallet: it is not repeated.
			return nil, &Error{Code: "vp_token_unexpected_id", Detail: "an answer to a query nobody asked"}
		case len(list) == 0:
			return nil, c.fail("dcql_credential_missing", "an empty answer")
		case len(list) > 1 && !c.MayRepeat():
			return nil, c.fail("dcql_too_many", "more than one credential")
		}
	}
	report := &Report{Kept: map[string][]claims.Set{}, Surplus: map[string][]claims.Path{}}
	for i := range q.Credentials {
		c := &q.Credentials[i]
		for j := range presented[c.ID] {
			if err := c.accepts(&presented[c.ID][j]); err != nil {
				return nil, err
			}
			c.report(report, presented[c.ID][j].Claims)
		}
	}
	if err := q.complete(presented); err != nil {
		return nil, err
	}
	return report, nil
}

// complete checks credential sets (§6.4.2).
func (q *Query) complete(presented map[string][]Presented) error {
	absent := func(id string) bool { return len(presented[id]) == 0 }
	if len(q.CredentialSets) == 0 {
		for i := range q.Credentials {
			if absent(q.Credentials[i].ID) {
				return q.Credentials[i].fail("dcql_credential_missing", "no answer")
			}
		}
		return nil
	}
	for _, s := range q.CredentialSets {
		met := slices.ContainsFunc(s.Options, func(option []string) bool {
			return !slices.ContainsFunc(option, absent)
		})
		if s.IsRequired() && !met {
			return &Error{Code: "dcql_credential_missing", Detail: "no option of a required credential set was answered"}
		}
	}
	return nil
}

func (c *CredentialQuery) fail(code, detail string) error {
	return &Error{Code: code, Query: c.ID, Detail: detail}
}

func (c *CredentialQuery) accepts(p *Presented) error {
	switch {
	case p.Format != c.Format || c.Format != SDJWTVC:
		return c.fail("dcql_format_mismatch", "another credential format")
	case !c.wantsType(p.VCT, p.AlsoVCT):
		return c.fail("dcql_type_mismatch", "another credential type")
	case !c.trusts(p.AuthorityKeyIDs):
		return c.fail("dcql_authority_mismatch", "issued under no trusted authority")
	case c.NeedsHolderBinding() && !p.HolderBound:
		return c.fail("dcql_holder_binding_missing", "no verified key binding")
	}
	if len(c.ClaimSets) == 0 {
		return c.firstUnmet(p.Claims, c.Claims)
	}
	var first error
	for _, ids := range c.ClaimSets {
		err := c.firstUnmet(p.Claims, c.pick(ids))
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

func (c *CredentialQuery) firstUnmet(set claims.Set, wanted []ClaimQuery) error {
	for _, q := range wanted {
		switch q.test(set, false) {
		case ClaimAbsent:
			return &Error{Code: "dcql_claim_missing", Query: c.ID, Path: q.Path, Detail: "a claim is missing"}
		case ValueMismatch:
			return &Error{Code: "dcql_value_mismatch", Query: c.ID, Path: q.Path, Detail: "a claim has none of the values asked for"}
		}
	}
	return nil
}

func (c *CredentialQuery) report(r *Report, set claims.Set) {
	wanted := make([]claims.Path, len(c.Claims))
	for i := range c.Claims {
		wanted[i] = c.Claims[i].Path
	}
	r.Kept[c.ID] = append(r.Kept[c.ID], Project(set, wanted))
	r.Surplus[c.ID] = append(r.Surplus[c.ID], surplus(set, wanted)...)
}
