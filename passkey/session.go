package passkey

import (
	"context"
	"errors"

	"facet/store"
)

type session struct {
	Account string `json:"account"`
}

func (p *RelyingParty) sessions() tickets {
	return tickets{p.store, "passkey/session/", SessionTTL}
}

// OpenSession returns a secret for the browser to keep that stands for the
// account for SessionTTL.
func (p *RelyingParty) OpenSession(ctx context.Context, accountID string) (string, error) {
	return p.sessions().issue(ctx, p.now(), session{accountID})
}

// Session returns the account a secret stands for, or an Error with
// ReasonSession when there is none, it is over, or the account is gone.
func (p *RelyingParty) Session(ctx context.Context, secret string) (accountID string, err error) {
	var s session
	err = p.sessions().read(ctx, p.now(), secret, &s)
	if err == nil {
		_, _, err = p.store.Get(ctx, accountKey(s.Account))
	}
	if errors.Is(err, store.ErrNotFound) {
		return "", errSignedOut
	}
	return s.Account, err
}

// CloseSession ends a session. Unknown ones are no error.
func (p *RelyingParty) CloseSession(ctx context.Context, secret string) error {
	return p.sessions().drop(ctx, secret)
}
