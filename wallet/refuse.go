package wallet

import (
	"context"
	"strconv"

	"facet/policy"
)

// Refuse tells the asker that there will be no answer: access_denied, the same
// bytes whether the holder does not want to or has nothing that fits
// (OpenID4VP §15.4.1). It stands for a tap; the wallet never calls it itself.
// Of an unverified proposal nothing is open, so nothing can be sent.
func (w *Wallet) Refuse(ctx context.Context, proposalID string) (Refused, error) {
	p, err := w.prepareRefusal(ctx, proposalID)
	if err != nil {
		return Refused{}, err
	}
	next, err := p.send(ctx)
	if err != nil {
		return Refused{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.proposals, proposalID)
	return Refused{RedirectURI: optional(next), Digital: p.answer.digital}, nil
}

func (w *Wallet) prepareRefusal(ctx context.Context, id string) (*proposal, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, err := w.proposal(id)
	if err != nil {
		return nil, err
	}
	if p.answer != nil {
		if p.answer.token != nil {
			return nil, failf(CodeProposalGone, "the request was answered")
		}
		return p, nil
	}
	return p, w.commit(ctx, p, &selection{}, "")
}

func policyRef(p *policy.Policy) *PolicyRef {
	return &PolicyRef{ID: p.ID, Version: strconv.Itoa(p.Version), SHA256: p.Hash()}
}
