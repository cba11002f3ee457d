package wallet

import (
	"slices"
	"time"

	"facet/credentials/claims"
	"facet/credentials/dcql"
	"facet/credentials/openid4vp"
	"facet/policy"
)

// A proposal is an open request with everything needed to answer it. Two
// proposals share nothing: dismissing one leaves the other as it was.
type proposal struct {
	view  Proposal
	since time.Time
	until time.Time // the request's own end; zero if it states none

	request  *openid4vp.Request
	offer    *openid4vp.VerifiedOffer // nil without a policy
	compiled *policy.Compiled         // nil without a policy

	registered *openid4vp.Registered // nil without a registration a register of the trust list made

	matched map[string]*held         // issuer-signed credential query → what answers it
	minted  map[string]string        // self-asserted credential query → type
	paths   map[string][]claims.Path // credential query → what it asks for
	stated  map[string]claims.Set    // self-asserted type → what the holder stated

	requiredQueries, optionalQueries []string // without a policy only

	answer *answer // made by Present: sent again as it is, never anew
}

// propose matches the request against what is held and remembers it under a
// fresh id.
func (w *Wallet) propose(p *proposal) (Proposal, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.since, p.until = w.cfg.Now(), p.request.ExpiresAt
	p.matched, p.minted = map[string]*held{}, map[string]string{}
	p.paths, p.stated = map[string][]claims.Path{}, map[string]claims.Set{}
	if p.offer != nil {
		p.compiled = p.offer.Compiled
	}
	result, err := w.match(p)
	if err != nil {
		return Proposal{}, err
	}
	if err := w.describe(p, result); err != nil {
		return Proposal{}, err
	}
	w.remember(p)
	return p.view, nil
}

// match finds what answers each credential query.
func (w *Wallet) match(p *proposal) (*dcql.Result, error) {
	holdings, err := all[held](w, recCredential)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(holdings, func(a, b *held) int { return int(b.Expires - a.Expires) })
	byID := map[string]*held{}
	var offered []dcql.Holding
	for _, h := range holdings {
		if w.usable(h) {
			byID[h.ID] = h
			offered = append(offered, dcql.Holding{ID: h.ID, Format: dcql.SDJWTVC, VCT: h.VCT, Claims: h.Claims, AuthorityKeyIDs: h.AuthorityKeyIDs})
		}
	}
	for _, vct := range mintable {
		if p.stated[vct], err = w.holds(vct); err != nil {
			return nil, err
		}
		offered = append(offered, dcql.Holding{ID: vct, Format: dcql.SDJWTVC, VCT: vct, Claims: every(vct, p.stated[vct]), Mintable: true})
	}
	result, err := dcql.Match(p.request.DCQL, offered)
	if err != nil {
		return nil, err
	}
	for _, q := range result.Queries {
		p.take(q, byID)
	}
	return result, nil
}

// take notes the first candidate of one credential query.
func (p *proposal) take(q dcql.QueryResult, byID map[string]*held) {
	asked := p.request.DCQL.Credential(q.ID)
	for _, c := range asked.Claims {
		p.paths[q.ID] = append(p.paths[q.ID], c.Path)
	}
	if len(q.Candidates) == 0 {
		return
	}
	best := q.Candidates[0]
	p.paths[q.ID] = best.Paths
	if best.Mintable {
		p.minted[q.ID] = best.Holding
		return
	}
	p.matched[q.ID] = byID[best.Holding]
}

// remember keeps p; beyond MaxOpenProposals the oldest goes.
func (w *Wallet) remember(p *proposal) {
	w.sweep()
	for len(w.proposals) >= MaxOpenProposals {
		oldest := ""
		for id, o := range w.proposals {
			if oldest == "" || o.since.Before(w.proposals[oldest].since) {
				oldest = id
			}
		}
		delete(w.proposals, oldest)
	}
	w.proposals[p.view.ID] = p
}

// sweep drops requests that have ended.
func (w *Wallet) sweep() {
	now := w.cfg.Now()
	for id, p := range w.proposals {
		if p.over(now) {
			delete(w.proposals, id)
		}
	}
}

func (p *proposal) over(now time.Time) bool {
	end := p.until
	if end.IsZero() {
		end = p.since.Add(openid4vp.MaxRequestAge)
	}
	return now.After(end.Add(openid4vp.Leeway))
}

// proposal finds an open one; the caller holds w.mu.
func (w *Wallet) proposal(id string) (*proposal, error) {
	p, ok := w.proposals[id]
	if !ok || p.over(w.cfg.Now()) {
		return nil, failf(CodeProposalGone, "the request is no longer open")
	}
	return p, nil
}

// Proposal shows an open proposal again.
func (w *Wallet) Proposal(id string) (Proposal, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, err := w.proposal(id)
	if err != nil {
		return Proposal{}, err
	}
	return p.view, nil
}

// waiting lists what is open and unanswered, oldest first; the caller holds
// w.mu.
func (w *Wallet) waiting() []Waiting {
	w.sweep()
	out := []Waiting{}
	for _, p := range w.proposals {
		if p.answer == nil {
			out = append(out, Waiting{ProposalID: p.view.ID, Asker: p.view.Asker, Question: p.view.Question, Since: p.since.Unix()})
		}
	}
	slices.SortFunc(out, func(a, b Waiting) int { return int(a.Since - b.Since) })
	return out
}
