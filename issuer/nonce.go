package issuer

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"facet/credentials/openid4vci"
	"facet/store"
)

// nonces makes nonces that are worth nothing in the store until they are used:
// the nonce endpoint is open to all, and whoever calls it in a loop must not
// fill anything. A nonce is 16 random bytes, its expiry and a MAC over both;
// only spent ones are written down.
type nonces struct {
	key   []byte
	store store.Store
}

const (
	keyNonceKey = "issuer/nonce-key"
	nonceRandom = 16
	nonceMAC    = 16
	nonceSize   = nonceRandom + 8 + nonceMAC
)

// nonceKey returns the key in the store, making it on the first start. Of
// several processes starting at once, one wins.
func nonceKey(ctx context.Context, s store.Store) ([]byte, error) {
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // never fails (Go 1.24)
	if _, err := s.Swap(ctx, keyNonceKey, 0, fresh); err == nil {
		return fresh, nil
	} else if !errors.Is(err, store.ErrConflict) {
		return nil, err
	}
	key, _, err := s.Get(ctx, keyNonceKey)
	return key, err
}

// Nonce answers a nonce request (OpenID4VCI 1.0 §7).
func (i *Issuer) Nonce() *openid4vci.NonceResponse {
	b := make([]byte, nonceRandom, nonceSize)
	_, _ = rand.Read(b) // never fails (Go 1.24)
	b = binary.BigEndian.AppendUint64(b, uint64(i.config.Now().Add(NonceTTL).Unix()))
	return &openid4vci.NonceResponse{Nonce: base64.RawURLEncoding.EncodeToString(append(b, i.nonces.mac(b)...))}
}

func (n nonces) mac(b []byte) []byte {
	m := hmac.New(sha256.New, n.key)
	m.Write(b)
	return m.Sum(nil)[:nonceMAC]
}

// spend accepts a nonce once. Reasons: c_nonce_unknown, c_nonce_expired,
// c_nonce_used.
func (n nonces) spend(ctx context.Context, nonce string, now time.Time) error {
	b, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(b) != nonceSize || !hmac.Equal(n.mac(b[:nonceSize-nonceMAC]), b[nonceSize-nonceMAC:]) {
		return openid4vci.NewError(openid4vci.CodeInvalidNonce, "c_nonce_unknown", "the nonce was not given out here")
	}
	expires := int64(binary.BigEndian.Uint64(b[nonceRandom:]))
	if expired(expires, now) {
		return openid4vci.NewError(openid4vci.CodeInvalidNonce, "c_nonce_expired", "the nonce has run out")
	}
	err = put(ctx, n.store, keyNonce+hashed(nonce), 0, struct {
		Expires int64 `json:"exp"`
	}{expires})
	if errors.Is(err, store.ErrConflict) {
		return openid4vci.NewError(openid4vci.CodeInvalidNonce, "c_nonce_used", "the nonce was used already")
	}
	return err
}
