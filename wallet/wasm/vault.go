package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"facet/fetch"
	"facet/wallet/vault"
)

// vaultMethods are the bridge's own, by name. They run one at a time.
var vaultMethods = map[string]func(*session, context.Context, []byte) (any, error){
	"vault.status":          (*session).status,
	"vault.create":          (*session).create,
	"vault.confirmRecovery": (*session).confirmRecovery,
	"vault.open":            (*session).open,
	"vault.openWithCode":    (*session).openWithCode,
	"vault.openFile":        (*session).openFile,
	"vault.adopt":           (*session).adopt,
	"vault.addPasskey":      (*session).addPasskey,
	"vault.removePasskey":   (*session).removePasskey,
	"vault.newCode":         (*session).newCode,
	"vault.confirmCode":     (*session).confirmCode,
	"vault.lock":            (*session).lock,
}

// Vault states.
const (
	stateNone   = "none"
	stateLocked = "locked"
	stateOpen   = "open"
)

type vaultStatus struct {
	State   string `json:"state"`
	Offline bool   `json:"offline"` // this device's copy; the host cannot be reached
}

type passkeyParams struct {
	CredentialID string `json:"credential_id"` // base64url
	PRF          string `json:"prf"`           // base64url, 32 bytes
	Label        string `json:"label"`         // of a new one: what the holder calls it
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
		return vaultStatus{State: stateOpen}, nil
	}
	_, _, err := s.download(ctx)
	switch {
	case err == nil:
		return vaultStatus{State: stateLocked}, nil
	case errors.Is(err, faultNoVault), errors.Is(err, faultSignedIn):
		return vaultStatus{State: stateNone}, nil
	case unreachable(err):
		if known, lost := s.device.Memory(ctx); lost == nil && known.Sealed != nil {
			return vaultStatus{State: stateLocked, Offline: true}, nil
		}
	}
	return nil, err
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
	if unreachable(err) {
		return s.openWith(ctx, code)
	}
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

// openWith opens the stored vault, or this device's copy of it when the host
// cannot be reached, and never writes to the host: after an error the stored
// bytes are as they were.
func (s *session) openWith(ctx context.Context, key vault.Key) (any, error) {
	known, err := s.device.Memory(ctx)
	if err != nil {
		return nil, err
	}
	sealed, etag, err := s.download(ctx)
	if err == nil {
		err = s.fetchConfig(ctx)
	}
	a := access{key: key, offline: unreachable(err) && known.Sealed != nil}
	if a.offline {
		sealed, s.config, err = known.Sealed, known.Config, nil
	}
	if err != nil {
		return nil, err
	}
	v, err := vault.Open(sealed, key, known.High)
	if err != nil {
		return nil, err
	}
	v.Saved()
	if !a.offline {
		s.etag = etag
		if err := s.device.Remember(ctx, memory{v.Head(), sealed, s.config}); err != nil {
			return nil, err
		}
	}
	if err := s.unlock(v, a); err != nil {
		return nil, err
	}
	return vaultStatus{State: stateOpen, Offline: a.offline}, nil
}

// unreachable reports whether err says that the host could not be asked at all.
func unreachable(err error) bool {
	var reason interface{ Reason() string }
	return errors.As(err, &reason) && reason.Reason() == fetch.ReasonNetwork
}

func (s *session) lock(context.Context, []byte) (any, error) {
	if s.wallet != nil {
		s.wallet.Lock()
	}
	s.wallet, s.fresh, s.next = nil, nil, nil
	s.key.Store(nil)
	return vaultStatus{State: stateLocked}, nil
}
