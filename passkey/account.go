package passkey

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"

	"github.com/go-webauthn/webauthn/webauthn"

	"facet/store"
)

// An account is a random id and the passkeys that sign in to it. There is no
// name, no address, no time of registration.
type account struct {
	ID       []byte                `json:"id"` // the user handle (WebAuthn L3 §5.4.3)
	Passkeys []webauthn.Credential `json:"passkeys"`
	Epoch    uint64                `json:"epoch,omitempty"` // grows when a passkey is removed; ends all sessions
}

const (
	accountPrefix = "passkey/account/"
	handleSize    = 32
)

func accountKey(id string) string { return accountPrefix + id }

// name is the account's id as text.
func (a *account) name() string { return base64.RawURLEncoding.EncodeToString(a.ID) }

// WebAuthnID and the next three methods are what go-webauthn asks of a user.
func (a *account) WebAuthnID() []byte { return a.ID }

// WebAuthnName is shown by the browser's list of passkeys.
func (a *account) WebAuthnName() string { return "Facet" }

// WebAuthnDisplayName is shown by some authenticators.
func (a *account) WebAuthnDisplayName() string { return "Facet" }

// WebAuthnCredentials are the account's passkeys.
func (a *account) WebAuthnCredentials() []webauthn.Credential { return a.Passkeys }

func (p *RelyingParty) account(ctx context.Context, id string) (*account, store.Version, error) {
	raw, version, err := p.store.Get(ctx, accountKey(id))
	if err != nil {
		return nil, 0, err
	}
	a := new(account)
	return a, version, json.Unmarshal(raw, a)
}

func (p *RelyingParty) saveAccount(ctx context.Context, a *account, old store.Version) error {
	raw, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = p.store.Swap(ctx, accountKey(a.name()), old, raw)
	return err
}

// RemovePasskey takes a passkey from an account and ends all the account's
// sessions, as one of them may be on the device that was lost. Unknown passkeys
// are no error; the last one stays (ReasonLast).
func (p *RelyingParty) RemovePasskey(ctx context.Context, accountID string, credentialID []byte) error {
	for {
		a, version, err := p.account(ctx, accountID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(a.Passkeys, func(c webauthn.Credential) bool { return string(c.ID) == string(credentialID) })
		switch {
		case i < 0:
			return nil
		case len(a.Passkeys) == 1:
			return &Error{ReasonLast, errors.New("nobody could sign in to the account any more")}
		}
		a.Passkeys = slices.Delete(a.Passkeys, i, i+1)
		a.Epoch++
		if err := p.saveAccount(ctx, a, version); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// DeleteAccount removes an account and so ends all its sessions.
func (p *RelyingParty) DeleteAccount(ctx context.Context, accountID string) error {
	_, version, err := p.store.Get(ctx, accountKey(accountID))
	if err == nil {
		err = p.store.Delete(ctx, accountKey(accountID), version)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
