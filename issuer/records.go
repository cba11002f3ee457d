package issuer

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"facet/credentials/claims"
	"facet/store"
)

// Where things are in the store. Codes and tokens are found by their hash, so
// that a reader of the store cannot use them; an offer must hold its code,
// because it hands it out.
const (
	keyOffer  = "issuer/offer/"  // + offer id
	keyCode   = "issuer/code/"   // + hash of the code
	keyToken  = "issuer/token/"  // + hash of the token
	keyNonce  = "issuer/nonce/"  // + hash of a nonce that was used
	keyEntry  = "issuer/entry/"  // + configuration id + "/" + status index
	keyIssued = "issuer/issued/" // + offer id + "/" + configuration id + "/" + status index
)

// sweepable are the prefixes whose records carry an expiry.
var sweepable = []string{keyOffer, keyCode, keyToken, keyNonce}

type offerRecord struct {
	Expires     int64    `json:"exp"` // unix seconds
	Code        string   `json:"code"`
	IDs         []string `json:"ids"`
	HasTx       bool     `json:"tx,omitempty"`
	Redeemed    bool     `json:"redeemed,omitempty"`
	Description string   `json:"description,omitempty"`
}

type codeRecord struct {
	Expires  int64                 `json:"exp"`
	Offer    string                `json:"offer"`
	TxHash   string                `json:"tx,omitempty"` // "" if none was asked for
	Tries    int                   `json:"tries,omitempty"`
	Used     bool                  `json:"used,omitempty"`
	Token    string                `json:"token,omitempty"`    // hash of the one it was redeemed for
	Subjects map[string]claims.Set `json:"subjects,omitempty"` // removed when used
}

type tokenRecord struct {
	Expires  int64                 `json:"exp"`
	Offer    string                `json:"offer"`
	Copies   map[string]int        `json:"copies,omitempty"` // issued, by configuration id
	Subjects map[string]claims.Set `json:"subjects"`
}

type entryRecord struct {
	Revoked bool `json:"revoked,omitempty"`
}

func expired(unix int64, now time.Time) bool { return now.Unix() >= unix }

// secret returns 128 fresh bits as text.
func secret() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails (Go 1.24)
	return base64.RawURLEncoding.EncodeToString(b)
}

func hashed(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func put(ctx context.Context, s store.Store, key string, old store.Version, record any) error {
	text, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("encode record: %w", err)
	}
	_, err = s.Swap(ctx, key, old, text)
	return err
}

func load(ctx context.Context, s store.Store, key string, record any) (store.Version, error) {
	text, v, err := s.Get(ctx, key)
	if err != nil {
		return 0, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // claims keep the numbers they came with
	if err := d.Decode(record); err != nil {
		return 0, fmt.Errorf("decode record: %w", err)
	}
	return v, nil
}

// Sweep deletes offers, codes, tokens and used nonces whose time is over. It
// is called now and then by whoever runs the engine.
func (i *Issuer) Sweep(ctx context.Context) error {
	now := i.config.Now()
	i.mu.Lock()
	maps.DeleteFunc(i.unsure, func(_ string, u unsure) bool { return expired(u.expires, now) })
	i.mu.Unlock()
	for _, prefix := range sweepable {
		for key, err := range i.config.Store.Keys(ctx, prefix, "") {
			if err != nil {
				return fmt.Errorf("issuer: sweep: %w", err)
			}
			if err := i.sweep(ctx, key, now); err != nil {
				return fmt.Errorf("issuer: sweep: %w", err)
			}
		}
	}
	return nil
}

func (i *Issuer) sweep(ctx context.Context, key string, now time.Time) error {
	var record struct {
		Expires int64 `json:"exp"`
	}
	v, err := load(ctx, i.config.Store, key, &record)
	if err == nil && expired(record.Expires, now) {
		err = i.config.Store.Delete(ctx, key, v)
	}
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
		return nil // somebody else was here
	}
	return err
}
