package dcql

import (
	"encoding/base64"
	"slices"

	"facet/credentials/claims"
)

// A Holding is a credential the holder has, or could mint on consent.
type Holding struct {
	ID     string // the caller's name for it
	Format string
	VCT    string
	// AlsoVCT are further types it counts as (aka_vcts, and parents the caller
	// knows of); §B.3.5 lets a wallet return a credential whose type extends
	// the one asked for.
	AlsoVCT []string
	Claims  claims.Set // all claims, disclosed or not
	// Mintable: the holder makes the credential for the occasion. A claim that
	// is absent from Claims can still be stated as "no preference", so it does
	// not count as missing.
	Mintable bool
	// AuthorityKeyIDs are the authority key identifiers of the issuer's chain,
	// for trusted_authorities of type aki (§6.1.1.1).
	AuthorityKeyIDs [][]byte
	// Unbound: the credential has no holder key.
	Unbound bool
}

// Why says why a holding, or the whole wallet, does not answer a query.
type Why string

// The reasons Match gives. They are for the holder's eyes only: a verifier
// must not learn which applied (§15.4.1).
const (
	NoCredential  Why = "no_credential"  // nothing of that format and type is held
	WrongIssuer   Why = "wrong_issuer"   // no trusted authority matches
	NotBound      Why = "not_bound"      // holder binding wanted, credential has none
	ClaimAbsent   Why = "claim_absent"   // the path selects nothing
	ValueMismatch Why = "value_mismatch" // none of the values
)

// Missing is one reason.
type Missing struct {
	Holding string // "" if no holding came into question
	Path    claims.Path
	Why     Why
}

// A Candidate is a holding that answers a credential query.
type Candidate struct {
	Holding  string
	Mintable bool
	// Paths to disclose: the claims asked for and nothing else. Empty when the
	// query names no claims: then nothing selectively disclosable may be shown
	// (§6.4.1).
	Paths []claims.Path
	// ClaimSet is the index of the claim set chosen, or -1.
	ClaimSet int
}

// A QueryResult is what one credential query found.
type QueryResult struct {
	ID         string
	Candidates []Candidate // in the order of the holdings
	Missing    []Missing   // why the others do not fit; filled also when some do
}

// A SetResult is what one credential set found.
type SetResult struct {
	Required bool
	// Options holds the satisfiable options, most wanted first, each as the
	// ids of its credential queries. Empty: the set cannot be answered.
	Options [][]string
}

// A Result is what Match found. If Satisfiable is false nothing may be sent
// (§6.4.2).
type Result struct {
	Queries     []QueryResult // one per credential query, in order
	Sets        []SetResult   // one per credential set, in order
	Satisfiable bool
}

// Query returns the result for a credential query id, or nil.
func (r *Result) Query(id string) *QueryResult {
	for i := range r.Queries {
		if r.Queries[i].ID == id {
			return &r.Queries[i]
		}
	}
	return nil
}

// Match finds the holdings that answer q (§6.4). It chooses nothing: the
// holder does. The error is non-nil only for a query that is not valid.
func Match(q *Query, holdings []Holding) (*Result, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	r := &Result{Satisfiable: true}
	for i := range q.Credentials {
		r.Queries = append(r.Queries, q.Credentials[i].match(holdings))
	}
	if len(q.CredentialSets) == 0 {
		for _, found := range r.Queries {
			r.Satisfiable = r.Satisfiable && len(found.Candidates) > 0
		}
		return r, nil
	}
	for _, s := range q.CredentialSets {
		set := SetResult{Required: s.IsRequired()}
		for _, option := range s.Options {
			if !slices.ContainsFunc(option, func(id string) bool { return len(r.Query(id).Candidates) == 0 }) {
				set.Options = append(set.Options, option)
			}
		}
		if set.Required && len(set.Options) == 0 {
			r.Satisfiable = false
		}
		r.Sets = append(r.Sets, set)
	}
	return r, nil
}

func (c *CredentialQuery) match(holdings []Holding) QueryResult {
	r := QueryResult{ID: c.ID}
	for i := range holdings {
		h := &holdings[i]
		if h.Format != c.Format || c.Format != SDJWTVC || !c.wantsType(h.VCT, h.AlsoVCT) {
			continue
		}
		if why, ok := c.suits(h); !ok {
			r.Missing = append(r.Missing, Missing{Holding: h.ID, Why: why})
			continue
		}
		paths, set, missing := c.choose(h)
		if missing != nil {
			r.Missing = append(r.Missing, missing...)
			continue
		}
		r.Candidates = append(r.Candidates, Candidate{h.ID, h.Mintable, paths, set})
	}
	if len(r.Candidates) == 0 && len(r.Missing) == 0 {
		r.Missing = []Missing{{Why: NoCredential}}
	}
	return r
}

func (c *CredentialQuery) wantsType(vct string, also []string) bool {
	return slices.ContainsFunc(c.Meta.VCTValues, func(want string) bool {
		return want == vct || slices.Contains(also, want)
	})
}

func (c *CredentialQuery) suits(h *Holding) (Why, bool) {
	if c.NeedsHolderBinding() && h.Unbound {
		return NotBound, false
	}
	if !c.trusts(h.AuthorityKeyIDs) {
		return WrongIssuer, false
	}
	return "", true
}

// trusts reports whether a trusted authority of type aki, the only one known
// here, is among the key identifiers. Unknown types match nothing.
func (c *CredentialQuery) trusts(keyIDs [][]byte) bool {
	if len(c.TrustedAuthorities) == 0 {
		return true
	}
	for _, a := range c.TrustedAuthorities {
		if a.Type != "aki" {
			continue
		}
		for _, id := range keyIDs {
			if slices.Contains(a.Values, base64.RawURLEncoding.EncodeToString(id)) {
				return true
			}
		}
	}
	return false
}

// choose returns the paths to disclose and the claim set they are from, or why
// there are none (§6.4.1).
func (c *CredentialQuery) choose(h *Holding) (paths []claims.Path, set int, missing []Missing) {
	if len(c.ClaimSets) == 0 {
		paths, missing = c.collect(h, c.Claims)
		return paths, -1, missing
	}
	for i, ids := range c.ClaimSets {
		var why []Missing
		if paths, why = c.collect(h, c.pick(ids)); why == nil {
			return paths, i, nil
		}
		missing = append(missing, why...)
	}
	return nil, -1, missing
}

func (c *CredentialQuery) pick(ids []string) []ClaimQuery {
	out := make([]ClaimQuery, len(ids))
	for i, id := range ids {
		out[i] = *c.claim(id)
	}
	return out
}

func (c *CredentialQuery) collect(h *Holding, wanted []ClaimQuery) (paths []claims.Path, missing []Missing) {
	for _, q := range wanted {
		if why := q.test(h.Claims, h.Mintable); why != "" {
			missing = append(missing, Missing{Holding: h.ID, Path: q.Path, Why: why})
			continue
		}
		if !slices.ContainsFunc(paths, q.Path.Equal) {
			paths = append(paths, q.Path)
		}
	}
	if missing != nil {
		return nil, missing
	}
	return paths, nil
}

// test reports why the claims do not answer q, or "".
func (q *ClaimQuery) test(set claims.Set, mintable bool) Why {
	selected, err := set.Get(q.Path)
	if err != nil {
		if mintable && q.Values == nil {
			return ""
		}
		return ClaimAbsent
	}
	if q.Values == nil {
		return ""
	}
	for _, v := range selected {
		if slices.ContainsFunc(q.Values, func(want any) bool { return claims.Equal(v, want) }) {
			return ""
		}
	}
	return ValueMismatch
}
