//go:build !js

package aries

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"testing"

	"facet/credentials/did"
	"facet/credentials/jose"
)

// FuzzKey: whatever did:key ours reads, the framework reads the same key from
// it, and where both read one it is the same.
func FuzzKey(f *testing.F) {
	seed := sha256.Sum256([]byte("holder"))
	small, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed[:])
	if err != nil {
		f.Fatal(err)
	}
	large, err := ecdsa.ParseRawPrivateKey(elliptic.P384(), append(make([]byte, 16), seed[:]...))
	if err != nil {
		f.Fatal(err)
	}
	for _, pub := range []any{&small.PublicKey, &large.PublicKey, ed25519.NewKeyFromSeed(seed[:]).Public()} {
		k, err := jose.PublicKeyFromCrypto(pub)
		if err != nil {
			f.Fatal(err)
		}
		id, err := did.Key(k)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(id)
	}
	f.Add("did:key:zzz")
	f.Add("did:key:z6LCbycY2a88111111111111111111111111111111111111") // makes the framework panic
	f.Add("did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc") // X25519: not for signatures
	f.Fuzz(func(t *testing.T, didURL string) {
		ours, err := did.SelfContained().Resolve(t.Context(), didURL)
		if u, bad := did.Parse(didURL); bad != nil || u.Method != "key" {
			return
		}
		theirs, bad := keyMethod{}.Resolve(t.Context(), didURL)
		if err == nil && bad != nil && ours.Alg() == jose.EdDSA {
			return // no point of the curve: the framework expands keys at once, crypto/ed25519 when it verifies
		}
		if err == nil && (bad != nil || !ours.Equal(theirs)) {
			t.Fatalf("%s: we read %s, the framework %v (%v)", didURL, ours.Thumbprint(), theirs, bad)
		}
	})
}
