package verifier

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"

	"facet/store"
)

// What is sealed; each has a key of its own.
const (
	sealedKey    = "response key"
	sealedResult = "result"
)

func secretKey(tx string) string { return "tx/" + tx }

// newSecret makes a transaction's key. Deleting it makes all that is sealed
// under it unreadable (decision record 0012).
func newSecret() []byte {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails (crypto/rand)
	return secret
}

func (v *Verifier) keepSecret(ctx context.Context, tx string, secret []byte) error {
	if _, err := v.cfg.Keys.Swap(ctx, secretKey(tx), 0, secret); err != nil {
		return unavailable("keep transaction key", err)
	}
	return nil
}

// secret returns the transaction's key, or an Error with ReasonGone.
func (v *Verifier) secret(ctx context.Context, tx string) ([]byte, error) {
	secret, _, err := v.cfg.Keys.Get(ctx, secretKey(tx))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fail(ReasonGone, "the transaction's key is deleted")
	}
	if err != nil {
		return nil, unavailable("read transaction key", err)
	}
	return secret, nil
}

// forget deletes the transaction's key.
func (v *Verifier) forget(ctx context.Context, tx string) error {
	_, version, err := v.cfg.Keys.Get(ctx, secretKey(tx))
	if err == nil {
		err = v.cfg.Keys.Delete(ctx, secretKey(tx), version)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return unavailable("delete transaction key", err)
	}
	return nil
}

func seal(secret []byte, what, tx string, plaintext []byte) ([]byte, error) {
	aead, err := sealer(secret, what)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plaintext, []byte(what+"/"+tx)), nil
}

func unseal(secret []byte, what, tx string, sealed []byte) ([]byte, error) {
	aead, err := sealer(secret, what)
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nil, sealed, []byte(what+"/"+tx))
}

func sealer(secret []byte, what string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "facet/verifier/v1/seal/"+what, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
