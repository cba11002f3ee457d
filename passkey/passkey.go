// Package passkey signs people in with passkeys: holders at the wallet's host,
// auditors and operators at the verifier. It is the only door to go-webauthn.
//
// Sign-in is discoverable (nobody types a name) and always verifies the user.
// The PRF extension is the browser's business: this package never asks for its
// output and refuses every message that carries one, because the output opens
// the holder's vault.
//
// It does not speak HTTP, set cookies or limit rates, and it does not check
// attestation: any authenticator that verifies its user may hold a passkey.
package passkey

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"facet/store"
)

const (
	// CeremonyTTL is how long a begun registration or sign-in can be finished.
	CeremonyTTL = 5 * time.Minute
	// SessionTTL is how long a sign-in lasts.
	SessionTTL = 12 * time.Hour
	// MaxBody is the largest answer of an authenticator, in bytes.
	MaxBody = 16 << 10
	// MaxPasskeys is how many passkeys one account may have.
	MaxPasskeys = 16
)

// A Config says whose passkeys these are. All fields are required.
type Config struct {
	URL   string // origin of the pages, e.g. https://wallet.example
	Name  string // shown by the browser when a passkey is made
	Store store.Store
	Now   func() time.Time
}

// A RelyingParty registers passkeys and verifies sign-ins. It is safe for
// concurrent use.
type RelyingParty struct {
	web   *webauthn.WebAuthn
	store store.Store
	now   func() time.Time
}

// New makes a relying party. Its RP ID is the whole host name of the URL: with
// a parent's, every sibling host would get the same PRF outputs. For the same
// reason a host that other services on this machine share is refused.
func New(c Config) (*RelyingParty, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil:
		return nil, fmt.Errorf("passkey: %q is not an origin like https://wallet.example", c.URL)
	case sharedHost(u.Hostname()):
		return nil, fmt.Errorf("passkey: host %q is shared with other services, which would get the same PRF outputs; use a host name of its own", u.Hostname())
	case u.Scheme != "https" && !(u.Scheme == "http" && loopbackName(u.Hostname())):
		return nil, errors.New("passkey: only https, or http below .localhost, can have passkeys")
	case c.Name == "" || c.Store == nil || c.Now == nil:
		return nil, errors.New("passkey: Name, Store and Now are required")
	}
	web, err := webauthn.New(&webauthn.Config{
		RPID:                  u.Hostname(),
		RPDisplayName:         c.Name,
		RPOrigins:             []string{u.Scheme + "://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification:   protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	return &RelyingParty{web: web, store: c.Store, now: c.Now}, nil
}
