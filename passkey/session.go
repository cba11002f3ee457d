package passkey

import (
	"context"
	"errors"

	"facet/store"
)

type session struct {
	Account string `json:"account"`
	Epoch   uint64 `json:"epoch,omitempty"` // of the account when it was opened
}

func (p *RelyingParty) sessions() tickets {
	return tickets{p.store, "passkey/session/", SessionTTL}
}

// OpenSession returns a secret for the browser to keep that stands for the
// account for SessionTTL.
func (p *RelyingParty) OpenSession(ctx context.Context, accountID string) (string, error) {
	a, _, err := p.account(ctx, accountID)
	if err != nil {
		return "", err
	}
	return p.sessions().issue(ctx, p.now(), session{accountID, a.Epoch})
}

// Session returns the account a secret stands for, or an Error with
// ReasonSession when there is none, it is over, a passkey was removed since, or the account
// is gone.
func (p *RelyingParty) Session(ctx context.Context, secret string) (accountID string, err error) {
	var s session
	err = p.sessions().read(ctx, p.now(), secret, &s)
	var a *account
	if err == nil {
		a, _, err = p.account(ctx, s.Account)
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", errSignedOut
	case err != nil:
		return "", err
	case a.Epoch != s.Epoch:
		return "", errSignedOut
	}
	return s.Account, nil
}

// CloseSession ends a session. Unknown ones are no error.
func (p *RelyingParty) CloseSession(ctx context.Context, secret string) error {
	return p.sessions().drop(ctx, secret)
}
