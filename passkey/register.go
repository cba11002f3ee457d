package passkey

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"facet/store"
)

// Begun is a ceremony the browser is to go on with.
type Begun struct {
	Options  json.RawMessage // {"publicKey": …}, base64url where WebAuthn has bytes
	Ceremony string          // secret for the browser to bring back, once
}

// A ceremony is what must be remembered between begin and finish.
type ceremony struct {
	Session webauthn.SessionData `json:"session"`
	Account string               `json:"account,omitempty"` // the one that gets another passkey
}

func (p *RelyingParty) registrations() tickets {
	return tickets{p.store, "passkey/registration/", CeremonyTTL}
}

// BeginRegistration starts making a passkey: for a new account, or, with the
// id of one that is signed in, another passkey for it.
func (p *RelyingParty) BeginRegistration(ctx context.Context, accountID string) (*Begun, error) {
	a := &account{ID: random(handleSize)}
	if accountID != "" {
		var err error
		if a, _, err = p.account(ctx, accountID); err != nil {
			return nil, err
		}
	}
	if len(a.Passkeys) >= MaxPasskeys {
		return nil, &Error{ReasonFull, errors.New("the account has the most passkeys it may have")}
	}
	exclude := make([]protocol.CredentialDescriptor, 0, len(a.Passkeys))
	for _, c := range a.Passkeys {
		exclude = append(exclude, c.Descriptor())
	}
	options, s, err := p.web.BeginRegistration(a, webauthn.WithExclusions(exclude))
	if err != nil {
		return nil, err
	}
	return p.begun(ctx, p.registrations(), options, ceremony{*s, accountID})
}

func (p *RelyingParty) begun(ctx context.Context, t tickets, options any, c ceremony) (*Begun, error) {
	raw, err := json.Marshal(options)
	if err != nil {
		return nil, err
	}
	ticket, err := t.issue(ctx, p.now(), c)
	return &Begun{raw, ticket}, err
}

// SignedIn is who a finished ceremony stands for.
type SignedIn struct {
	Account      string
	CredentialID []byte
	// CloneSuspected says that the authenticator's counter went backwards: its
	// key may exist twice (WebAuthn L3 §6.1.1). The sign-in is valid.
	CloneSuspected bool
}

// FinishRegistration checks the new passkey and keeps it. Every failure of the
// message is an Error with ReasonInvalid or ReasonPRF.
func (p *RelyingParty) FinishRegistration(ctx context.Context, ticket string, body []byte) (*SignedIn, error) {
	clean, err := decode(body, new(attestation))
	if err != nil {
		return nil, err
	}
	var c ceremony
	if err := p.take(ctx, p.registrations(), ticket, &c); err != nil {
		return nil, err
	}
	a, version := &account{ID: c.Session.UserID}, store.Version(0)
	if c.Account != "" {
		if a, version, err = p.account(ctx, c.Account); err != nil {
			return nil, err
		}
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(clean)
	if err != nil {
		return nil, invalid(err)
	}
	made, err := p.web.CreateCredential(a, c.Session, parsed)
	if err != nil {
		return nil, invalid(err)
	}
	made.Attestation = webauthn.CredentialAttestation{} // not checked, so not kept
	a.Passkeys = append(a.Passkeys, *made)
	if err := p.saveAccount(ctx, a, version); err != nil {
		return nil, err
	}
	return &SignedIn{Account: a.name(), CredentialID: made.ID}, nil
}

// take redeems a ceremony; a replayed, expired or invented one is invalid.
func (p *RelyingParty) take(ctx context.Context, t tickets, ticket string, c *ceremony) error {
	err := t.take(ctx, p.now(), ticket, c)
	if errors.Is(err, store.ErrNotFound) {
		return invalid(errors.New("the ceremony was not begun here, is over, or was finished already"))
	}
	return err
}
