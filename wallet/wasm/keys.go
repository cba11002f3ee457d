package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"facet/wallet/vault"
)

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
	etag, err := s.noVault(ctx)
	if err != nil {
		return nil, err
	}
	v, code, err := vault.Create(key)
	if err != nil {
		return nil, err
	}
	for _, r := range v.Recipients() {
		label := ""
		if r.Kind == vault.KindPasskey {
			label = p.Label
		}
		if err := v.Describe(r.ID, label, s.now()); err != nil {
			return nil, err
		}
	}
	s.fresh, s.etag = &created{vault: v, code: code, key: key}, etag
	return map[string]string{"vault_id": base64.RawURLEncoding.EncodeToString(v.ID()), "recovery_code": code.String()}, nil
}

// noVault makes sure that the account has no vault yet, and returns the tag to
// store its first one over.
func (s *session) noVault(ctx context.Context) (etag string, err error) {
	_, etag, err = s.download(ctx)
	switch {
	case err == nil:
		return "", faultExists
	case errors.Is(err, faultNoVault):
		return etag, nil
	}
	return "", err
}

// openFile opens an exported vault with its recovery code. It is not asked
// whether this device knows a newer state: the holder chose the file. Nothing is
// stored before adopt has given it a passkey of this host.
func (s *session) openFile(_ context.Context, params []byte) (any, error) {
	var p struct {
		File []byte `json:"file"` // base64
		Code string `json:"code"`
	}
	if json.Unmarshal(params, &p) != nil || s.wallet != nil {
		return nil, faultParams
	}
	code, err := vault.ParseCode(p.Code)
	if err != nil {
		return nil, err
	}
	v, err := vault.Open(p.File, code, vault.HighWater{})
	if err != nil {
		return nil, err
	}
	s.fresh = &created{vault: v, code: code}
	return map[string]bool{"ok": true}, nil
}

// adopt stores the vault of openFile in the account of a new passkey, which
// opens it from then on.
func (s *session) adopt(ctx context.Context, params []byte) (any, error) {
	var p passkeyParams
	if json.Unmarshal(params, &p) != nil || s.fresh == nil {
		return nil, faultParams
	}
	key, err := p.key()
	if err != nil {
		return nil, err
	}
	if s.etag, err = s.noVault(ctx); err != nil {
		return nil, err
	}
	v := s.fresh.vault
	id, err := v.RecipientID(key)
	if err != nil {
		return nil, err
	}
	if s.fresh.key == nil { // else it was added before, and storing failed
		if err := v.AddPasskey(key, ""); err != nil {
			return nil, err
		}
	}
	if err := v.Describe(id, p.Label, s.now()); err != nil {
		return nil, err
	}
	s.fresh.key = key
	if err := s.store(ctx); err != nil {
		return nil, err
	}
	return vaultStatus{State: stateOpen}, nil
}

// changeable is nil if a wallet is open and not only to be looked at.
func (s *session) changeable() error {
	if s.wallet == nil {
		return faultLocked
	}
	return s.wallet.Changeable()
}

// addPasskey lets a passkey that the host has just registered open the vault.
func (s *session) addPasskey(ctx context.Context, params []byte) (any, error) {
	var p passkeyParams
	if json.Unmarshal(params, &p) != nil {
		return nil, faultParams
	}
	if err := s.changeable(); err != nil {
		return nil, err
	}
	key, err := p.key()
	if err != nil {
		return nil, err
	}
	if err := s.wallet.AddPasskey(ctx, key, p.Label); err != nil {
		return nil, err
	}
	return s.wallet.Keys(ctx)
}

// removePasskey removes a passkey at the host first and then from the vault, so
// that what is interrupted is still listed and can be repeated.
func (s *session) removePasskey(ctx context.Context, params []byte) (any, error) {
	var p struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(params, &p) != nil {
		return nil, faultParams
	}
	if err := s.changeable(); err != nil {
		return nil, err
	}
	key, err := s.wallet.Passkey(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	path := "/api/passkey/" + base64.RawURLEncoding.EncodeToString(key.CredentialID)
	r, err := s.host.Do(ctx, hostRequest{method: http.MethodDelete, path: path})
	switch {
	case err != nil:
		return nil, err
	case r.status == http.StatusUnauthorized:
		return nil, faultSignedIn
	case r.status == http.StatusConflict:
		return nil, faultLastHere
	case r.status != http.StatusOK:
		return nil, faultHost
	}
	if err := s.wallet.RemovePasskey(ctx, p.ID); err != nil {
		return nil, err
	}
	return s.wallet.Keys(ctx)
}
