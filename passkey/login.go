package passkey

import (
	"context"
	"encoding/base64"
	"errors"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"facet/store"
)

func (p *RelyingParty) logins() tickets {
	return tickets{p.store, "passkey/login/", CeremonyTTL}
}

// BeginLogin starts a sign-in. It asks nobody who they are, so its answer and
// its timing say nothing about which accounts exist.
func (p *RelyingParty) BeginLogin(ctx context.Context) (*Begun, error) {
	options, s, err := p.web.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, err
	}
	return p.begun(ctx, p.logins(), options, ceremony{Session: *s})
}

// FinishLogin verifies an assertion (WebAuthn L3 §7.2): origin, RP ID,
// challenge, user verification, signature, and that the passkey belongs to the
// account it names. Every failure of the message is an Error with ReasonInvalid
// or ReasonPRF, and which check failed does not show.
func (p *RelyingParty) FinishLogin(ctx context.Context, ticket string, body []byte) (*SignedIn, error) {
	clean, err := decode(body, new(assertion))
	if err != nil {
		return nil, err
	}
	var c ceremony
	if err := p.take(ctx, p.logins(), ticket, &c); err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(clean)
	if err != nil {
		return nil, invalid(err)
	}
	var broken error // of the store, not of the message
	find := func(_, handle []byte) (webauthn.User, error) {
		a, _, err := p.account(ctx, base64.RawURLEncoding.EncodeToString(handle))
		if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrTooLarge) {
			broken = err
		}
		return a, err
	}
	user, used, err := p.web.ValidatePasskeyLogin(find, c.Session, parsed)
	if broken != nil {
		return nil, broken
	}
	if err != nil {
		return nil, invalid(err)
	}
	accountID := user.(*account).name()
	if err := p.noteUse(ctx, accountID, used); err != nil {
		return nil, err
	}
	return &SignedIn{accountID, used.ID, used.Authenticator.CloneWarning}, nil
}

// noteUse keeps the passkey's new counter. It tries again when another sign-in
// to the account came between.
func (p *RelyingParty) noteUse(ctx context.Context, accountID string, used *webauthn.Credential) error {
	for {
		a, version, err := p.account(ctx, accountID)
		if err != nil {
			return err
		}
		for i := range a.Passkeys {
			if string(a.Passkeys[i].ID) == string(used.ID) {
				a.Passkeys[i] = *used
			}
		}
		if err := p.saveAccount(ctx, a, version); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}
