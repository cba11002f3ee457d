package passkey

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"facet/store"
)

// A ticket is a random name the browser holds for something the store keeps
// until a deadline: a begun ceremony, a session. The store sees a hash of it,
// so that a stolen store signs nobody in. The deadline is part of the key, so
// that the oldest are found first and swept.
type tickets struct {
	store  store.Store
	prefix string
	ttl    time.Duration
}

const (
	secretSize  = 32
	sweepAtOnce = 32 // expired tickets removed per issue: more than come
)

func (t tickets) issue(ctx context.Context, now time.Time, value any) (string, error) {
	if err := t.sweep(ctx, now); err != nil {
		return "", err
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	ticket := fmt.Sprintf("%010x.%s", now.Add(t.ttl).Unix(), base64.RawURLEncoding.EncodeToString(random(secretSize)))
	_, err = t.store.Swap(ctx, t.key(ticket), 0, raw)
	return ticket, err
}

// read fills value, or returns an error wrapping store.ErrNotFound.
func (t tickets) read(ctx context.Context, now time.Time, ticket string, value any) error {
	_, err := t.get(ctx, now, ticket, value)
	return err
}

// take is read, once: of two concurrent takers one gets store.ErrNotFound.
func (t tickets) take(ctx context.Context, now time.Time, ticket string, value any) error {
	version, err := t.get(ctx, now, ticket, value)
	if err != nil {
		return err
	}
	if err := t.store.Delete(ctx, t.key(ticket), version); errors.Is(err, store.ErrConflict) {
		return store.ErrNotFound
	} else if err != nil {
		return err
	}
	return nil
}

func (t tickets) get(ctx context.Context, now time.Time, ticket string, value any) (store.Version, error) {
	deadline, secret, _ := strings.Cut(ticket, ".")
	until, err := strconv.ParseInt(deadline, 16, 64)
	if err != nil || len(deadline) != 10 || len(secret) != base64.RawURLEncoding.EncodedLen(secretSize) || now.Unix() >= until {
		return 0, store.ErrNotFound
	}
	raw, version, err := t.store.Get(ctx, t.key(ticket))
	if err != nil {
		return 0, err
	}
	return version, json.Unmarshal(raw, value)
}

func (t tickets) drop(ctx context.Context, ticket string) error {
	_, version, err := t.store.Get(ctx, t.key(ticket))
	if err == nil {
		err = t.store.Delete(ctx, t.key(ticket), version)
	}
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrTooLarge) {
		return nil
	}
	return err
}

func (t tickets) key(ticket string) string {
	deadline, secret, _ := strings.Cut(ticket, ".")
	sum := sha256.Sum256([]byte(secret))
	return t.prefix + deadline + "." + base64.RawURLEncoding.EncodeToString(sum[:])
}

func (t tickets) sweep(ctx context.Context, now time.Time) error {
	var expired []string
	for key, err := range t.store.Keys(ctx, t.prefix, "") {
		if err != nil {
			return err
		}
		if len(expired) == sweepAtOnce || strings.TrimPrefix(key, t.prefix) > fmt.Sprintf("%010x.", now.Unix()) {
			break
		}
		expired = append(expired, key)
	}
	for _, key := range expired {
		_, version, err := t.store.Get(ctx, key)
		if err == nil {
			err = t.store.Delete(ctx, key, version)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return nil
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
