package server

import (
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

func (s *server) register(ctx context.Context, account string, lookup, hash []byte) error {
	key := recoveryPrefix + base64.RawURLEncoding.EncodeToString(lookup)
	old, version, err := s.recovery(ctx, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if err := s.dropRecovery(ctx, account); err != nil {
			return err
		}
	case err != nil:
		return err
	case old.Account != account:
		return notYours // 128 random bits collide for nobody but an attacker
	}
	raw, err := json.Marshal(recovery{account, hash})
	if err != nil {
		return err
	}
	if _, err := s.store.Swap(ctx, key, version, raw); err != nil {
		return err
	}
	_, version, err = s.store.Get(ctx, codePrefix+account)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	_, err = s.store.Swap(ctx, codePrefix+account, version, lookup)
	return err
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
	r, _, err := s.recovery(c.Request().Context(), recoveryPrefix+base64.RawURLEncoding.EncodeToString(lookup))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	hash := sha256.Sum256(secret)
	if subtle.ConstantTimeCompare(hash[:], r.SecretHash) != 1 {
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
	if err := s.deleteKey(ctx, recoveryPrefix+base64.RawURLEncoding.EncodeToString(lookup)); err != nil {
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
