package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"facet/store"
)

// The host knows of a recovery code: a lookup id and the hash of a sign-in
// secret. Both are derived from 160 random bits separately from the key that
// opens the vault, so they help nobody to open it.
type recovery struct {
	Account    string `json:"account"`
	SecretHash []byte `json:"secret_hash"`
}

const (
	recoveryPrefix = "wallet/recovery/" // lookup id → recovery
	codePrefix     = "wallet/code-of/"  // account → lookup id
	lookupSize     = 16
)

// putRecovery registers the account's recovery code, replacing the former one.
func (s *server) putRecovery(c echo.Context) error {
	account, err := s.account(c)
	if err != nil {
		return err
	}
	var in struct {
		LookupID   string `json:"lookup_id"`
		SecretHash string `json:"secret_hash"` // SHA-256 of the secret
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	lookup, err1 := decode(in.LookupID, lookupSize)
	hash, err2 := decode(in.SecretHash, sha256.Size)
	if err1 != nil || err2 != nil {
		return malformed
	}
	if err := s.register(c.Request().Context(), account, lookup, hash); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// register keeps the code's entry first and then names it the account's own,
// which is the moment it counts: an entry that is not named, because of a race
// or a crash, signs nobody in.
func (s *server) register(ctx context.Context, account string, lookup, hash []byte) error {
	if err := s.keepCode(ctx, recoveryKey(lookup), recovery{account, hash}); err != nil {
		return err
	}
	for {
		former, version, err := s.store.Get(ctx, codePrefix+account)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		_, err = s.store.Swap(ctx, codePrefix+account, version, lookup)
		switch {
		case errors.Is(err, store.ErrConflict):
			continue // another code was registered meanwhile: this one replaces it
		case err != nil, former == nil, bytes.Equal(former, lookup):
			return err
		}
		return s.deleteKey(ctx, recoveryKey(former))
	}
}

func (s *server) keepCode(ctx context.Context, key string, r recovery) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	for {
		old, version, err := s.recovery(ctx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err == nil && old.Account != r.Account {
			return notYours // 128 random bits collide for nobody but an attacker
		}
		if _, err = s.store.Swap(ctx, key, version, raw); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

func recoveryKey(lookup []byte) string {
	return recoveryPrefix + base64.RawURLEncoding.EncodeToString(lookup)
}

// recoveryLogin signs in with what the recovery code derives. An unknown code
// and a wrong secret get the same answer.
func (s *server) recoveryLogin(c echo.Context) error {
	var in struct {
		LookupID string `json:"lookup_id"`
		Secret   string `json:"secret"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	lookup, err1 := decode(in.LookupID, lookupSize)
	secret, err2 := decode(in.Secret, sha256.Size)
	if err1 != nil || err2 != nil {
		return malformed
	}
	ctx := c.Request().Context()
	r, _, err := s.recovery(ctx, recoveryKey(lookup))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	own, _, err := s.store.Get(ctx, codePrefix+r.Account)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	hash := sha256.Sum256(secret)
	if subtle.ConstantTimeCompare(hash[:], r.SecretHash) != 1 || !bytes.Equal(own, lookup) {
		return problem{Status: http.StatusUnauthorized, Err: "access_denied", Code: "recovery_unknown",
			Detail: "No vault is known for this recovery code.", Fix: "Compare the code with what you wrote down."}
	}
	return s.signIn(c, signedIn{Account: r.Account})
}

// recovery returns the entry under key, or a zero one with store.ErrNotFound.
func (s *server) recovery(ctx context.Context, key string) (r recovery, v store.Version, err error) {
	raw, v, err := s.store.Get(ctx, key)
	if err != nil {
		return r, 0, err
	}
	return r, v, json.Unmarshal(raw, &r)
}

// dropRecovery makes the account's recovery code useless.
func (s *server) dropRecovery(ctx context.Context, account string) error {
	lookup, _, err := s.store.Get(ctx, codePrefix+account)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.deleteKey(ctx, recoveryKey(lookup)); err != nil {
		return err
	}
	return s.deleteKey(ctx, codePrefix+account)
}

// deleteKey deletes whatever version there is.
func (s *server) deleteKey(ctx context.Context, key string) error {
	for {
		_, version, err := s.store.Get(ctx, key)
		if err == nil {
			err = s.store.Delete(ctx, key, version)
		}
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case errors.Is(err, store.ErrConflict):
			continue // written meanwhile
		}
		return err
	}
}

func decode(text string, size int) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != size {
		return nil, malformed
	}
	return b, nil
}
