package wallet

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"time"

	"facet/credentials"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
)

// An askerKey notes, while a request is being authenticated, which key signs
// for the asker: later statements of the same asker (erasure receipts) must be
// signed by it. It passes every question on and answers none itself.
type askerKey struct {
	verifiers credentials.Verifiers
	dids      openid4vp.KeyResolver
	key       *jose.PublicKey
}

// Verifier implements credentials.Verifiers.
func (a *askerKey) Verifier(ctx context.Context, clientID string, x5c []string, now time.Time) (*credentials.Party, error) {
	party, err := a.verifiers.Verifier(ctx, clientID, x5c, now)
	if err != nil || len(x5c) == 0 {
		return party, err
	}
	der, err := base64.StdEncoding.DecodeString(x5c[0])
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	a.key, err = jose.PublicKeyFromCrypto(leaf.PublicKey)
	return party, err
}

// Resolve implements openid4vp.KeyResolver.
func (a *askerKey) Resolve(ctx context.Context, didURL string) (key *jose.PublicKey, err error) {
	a.key, err = a.dids.Resolve(ctx, didURL)
	return a.key, err
}

// authority is what Authenticate believes, noting the key in a.
func (w *Wallet) authority(a *askerKey) openid4vp.Authority {
	auth := openid4vp.Authority{Verifiers: a, Now: w.cfg.Now()}
	if a.dids != nil {
		auth.DIDs = a
	}
	return auth
}

// json is the key as a deed keeps it; null when the request was not signed.
func (a *askerKey) json() (json.RawMessage, error) {
	if a.key == nil {
		return json.RawMessage("null"), nil
	}
	return a.key.MarshalJSON()
}
