package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"facet/wallet/vault"
)

// vaultMethods are the bridge's own, by name. They run one at a time.
var vaultMethods = map[string]func(*session, context.Context, []byte) (any, error){
	"vault.status":          (*session).status,
	"vault.create":          (*session).create,
	"vault.confirmRecovery": (*session).confirmRecovery,
	"vault.open":            (*session).open,
	"vault.openWithCode":    (*session).openWithCode,
	"vault.lock":            (*session).lock,
}

// Vault states.
const (
	stateNone   = "none"
	stateLocked = "locked"
	stateOpen   = "open"
)

type vaultStatus struct {
	State string `json:"state"`
}

type passkeyParams struct {
	CredentialID string `json:"credential_id"` // base64url
	PRF          string `json:"prf"`           // base64url, 32 bytes
}

func (p passkeyParams) key() (vault.Passkey, error) {
	id, err1 := base64.RawURLEncoding.DecodeString(p.CredentialID)
	prf, err2 := base64.RawURLEncoding.DecodeString(p.PRF)
	if err1 != nil || err2 != nil {
		return vault.Passkey{}, faultParams
	}
	return vault.Passkey{CredentialID: id, PRF: prf}, nil
}

func (s *session) status(ctx context.Context, _ []byte) (any, error) {
	if s.wallet != nil {
		return vaultStatus{stateOpen}, nil
	}
	_, _, err := s.download(ctx)
	switch {
	case err == nil:
		return vaultStatus{stateLocked}, nil
	case errors.Is(err, faultNoVault), errors.Is(err, faultSignedIn):
		return vaultStatus{stateNone}, nil
	}
	return nil, err
}

// create makes a vault that is not stored anywhere before its recovery code was
// confirmed.
func (s *session) create(ctx context.Context, params []byte) (any, error) {
	var p passkeyParams
	if json.Unmarshal(params, &p) != nil {
		return nil, faultParams
	}
	key, err := p.key()
	if err != nil {
		return nil, err
	}
	_, etag, err := s.download(ctx)
	if err == nil {
		return nil, faultExists
	}
	if !errors.Is(err, faultNoVault) {
		return nil, err
	}
	v, code, err := vault.Create(key)
	if err != nil {
		return nil, err
	}
	s.fresh, s.etag = &created{vault: v, code: code, key: key}, etag
	return map[string]string{"vault_id": base64.RawURLEncoding.EncodeToString(v.ID()), "recovery_code": code.String()}, nil
}

// askedGroups is how many different groups of the code must be typed.
const askedGroups = 2

// confirmRecovery compares groups of the recovery code, then registers the code
// and stores the vault, in this order: a stored vault always has a way back in.
func (s *session) confirmRecovery(ctx context.Context, params []byte) (any, error) {
	var p struct {
		Groups []struct {
			Index int    `json:"index"`
			Text  string `json:"text"`
		} `json:"groups"`
	}
	if json.Unmarshal(params, &p) != nil || s.fresh == nil {
		return nil, faultParams
	}
	groups, seen := s.fresh.code.Groups(), map[int]bool{}
	for _, g := range p.Groups {
		if g.Index < 0 || g.Index >= len(groups) || subtle.ConstantTimeCompare([]byte(tidy(g.Text)), []byte(groups[g.Index])) != 1 {
			return nil, faultGroups
		}
		seen[g.Index] = true
	}
	if len(seen) < askedGroups {
		return nil, faultGroups
	}
	if err := s.registerCode(ctx, s.fresh.code); err != nil {
		return nil, err
	}
	fresh := s.fresh
	if err := s.save(ctx, fresh.vault, fresh.key); err != nil {
		return nil, err
	}
	if err := s.unlock(ctx, fresh.vault, fresh.key); err != nil {
		return nil, err
	}
	return map[string]bool{"ok": true}, nil
}

// tidy undoes what people do when they type a group.
func tidy(text string) string {
	out := make([]byte, 0, len(text))
	for i := range len(text) {
		switch c := text[i]; {
		case c == ' ' || c == '-':
		case c >= 'a' && c <= 'z':
			out = append(out, c-'a'+'A')
		default:
			out = append(out, c)
		}
	}
	for i, c := range out {
		switch c {
		case 'O':
			out[i] = '0'
		case 'I', 'L':
			out[i] = '1'
		}
	}
	return string(out)
}

func (s *session) registerCode(ctx context.Context, code vault.Code) error {
	hash := sha256.Sum256(code.SignInSecret())
	body, err := json.Marshal(map[string]string{
		"lookup_id":   base64.RawURLEncoding.EncodeToString(code.LookupID()),
		"secret_hash": base64.RawURLEncoding.EncodeToString(hash[:]),
	})
	if err != nil {
		return err
	}
	r, err := s.host.Do(ctx, hostRequest{method: http.MethodPut, path: "/api/recovery", json: true, body: body})
	if err != nil {
		return err
	}
	if r.status != http.StatusNoContent {
		return faultHost
	}
	return nil
}

func (s *session) open(ctx context.Context, params []byte) (any, error) {
	var p passkeyParams
	if json.Unmarshal(params, &p) != nil {
		return nil, faultParams
	}
	key, err := p.key()
	if err != nil {
		return nil, err
	}
	return s.openWith(ctx, key)
}

func (s *session) openWithCode(ctx context.Context, params []byte) (any, error) {
	var p struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(params, &p) != nil {
		return nil, faultParams
	}
	code, err := vault.ParseCode(p.Code)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]string{
		"lookup_id": base64.RawURLEncoding.EncodeToString(code.LookupID()),
		"secret":    base64.RawURLEncoding.EncodeToString(code.SignInSecret()),
	})
	if err != nil {
		return nil, err
	}
	r, err := s.host.Do(ctx, hostRequest{method: http.MethodPost, path: "/api/recovery/login", json: true, body: body})
	if err != nil {
		return nil, err
	}
	if r.status == http.StatusUnauthorized {
		return nil, fault("recovery_unknown")
	}
	if r.status != http.StatusOK {
		return nil, faultHost
	}
	return s.openWith(ctx, code)
}

// openWith opens the stored vault and never writes: after an error the stored
// bytes are as they were.
func (s *session) openWith(ctx context.Context, key vault.Key) (any, error) {
	sealed, etag, err := s.download(ctx)
	if err != nil {
		return nil, err
	}
	seen, err := s.device.HighWater(ctx)
	if err != nil {
		return nil, err
	}
	v, err := vault.Open(sealed, key, seen)
	if err != nil {
		return nil, err
	}
	if err := s.device.Remember(ctx, v.Head()); err != nil {
		return nil, err
	}
	v.Saved()
	s.etag = etag
	if err := s.unlock(ctx, v, key); err != nil {
		return nil, err
	}
	return vaultStatus{stateOpen}, nil
}

func (s *session) lock(context.Context, []byte) (any, error) {
	if s.wallet != nil {
		s.wallet.Lock()
	}
	s.wallet, s.fresh = nil, nil
	return vaultStatus{stateLocked}, nil
}
