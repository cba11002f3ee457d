// Command wasm is the bridge between the wallet's pages and its engine, for
// GOOS=js: it registers facetCall(method, json), which runs in a module worker,
// and keeps the open vault in step with the host that stores it sealed.
//
// It makes no decision of the protocol; those are the engine's (package
// wallet). A passkey's PRF output and a recovery code go in and never come out
// again; nothing but sealed bytes is given to the host or to the device.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"facet/credentials"
	"facet/credentials/did"
	"facet/fetch"
	"facet/wallet"
	"facet/wallet/vault"
)

// A fault is an error of the bridge itself.
type fault string

// Reasons of the bridge.
const (
	faultLocked   fault = "vault_locked"
	faultNoVault  fault = "vault_missing"
	faultExists   fault = "vault_exists"   // there is one already: it is never overwritten
	faultSignedIn fault = "not_signed_in"  // the host wants a passkey first
	faultHost     fault = "host_error"     // the wallet's host answered with something else
	faultGroups   fault = "recovery_wrong" // the groups are not those of the code
	faultParams   fault = "params_invalid"
	faultLastHere fault = "key_last"   // the host's last passkey of this account stays
	faultConflict fault = "etag_stale" // other devices kept saving meanwhile
)

func (f fault) Error() string  { return "bridge: " + string(f) }
func (f fault) Reason() string { return string(f) }

// A host is the server the pages came from.
type host interface {
	// Do makes one request with the holder's cookie; path begins with "/api/".
	Do(ctx context.Context, r hostRequest) (hostResponse, error)
}

type hostRequest struct {
	method, path, ifMatch string
	json                  bool // body is JSON, not a sealed vault
	body                  []byte
}

type hostResponse struct {
	status int
	etag   string
	body   []byte
}

// A device remembers, outside the host's reach, the newest state of the vault
// that it has seen, so that the host cannot serve an older one; and keeps the
// sealed bytes of that state, to be looked at without a network.
type device interface {
	// Memory returns what is kept, zero if nothing is.
	Memory(ctx context.Context) (memory, error)
	// Remember replaces all of it at once.
	Remember(ctx context.Context, m memory) error
}

// memory is what a device keeps: nothing that opens anything.
type memory struct {
	High   vault.HighWater `json:"high"`
	Sealed []byte          `json:"sealed"` // the vault at High
	Config []byte          `json:"config"` // the host's, as last seen
}

// A session is one worker's life.
type session struct {
	host   host
	device device
	now    func() time.Time
	origin string // the pages': where the host answers
	// fetcher makes the guarded fetcher for everything but the host.
	fetcher func(insecureLoopback bool) fetch.Fetcher

	mu     sync.Mutex     // one vault method at a time
	wallet *wallet.Wallet // nil when locked
	fresh  *created
	next   *vault.Code // shown to replace the recovery code, not yet confirmed

	// The rest belongs to save while a wallet is open.
	etag   string // of the sealed vault the open one is based on
	config []byte
	key    atomic.Pointer[vault.Key] // opens the host's vault again for a merge
}

// created is a vault that the host does not have yet: a new one whose recovery
// code was shown but not confirmed, or one from a file.
type created struct {
	vault *vault.Vault
	code  vault.Code
	key   vault.Key // nil for one from a file, until it has a passkey here
}

// Call runs one method of the bridge.
func (s *session) Call(ctx context.Context, method string, params []byte) ([]byte, error) {
	if f, ok := vaultMethods[method]; ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		result, err := f(s, ctx, params)
		if err != nil {
			return nil, err
		}
		return json.Marshal(result)
	}
	s.mu.Lock()
	w := s.wallet
	s.mu.Unlock()
	if w == nil {
		return nil, faultLocked
	}
	return w.Call(ctx, method, params)
}

// An access says how a vault was opened.
type access struct {
	key     vault.Key
	offline bool // from this device's copy: it can be looked at only
}

// unlock makes v the open vault; the caller holds s.mu and has filled s.config.
func (s *session) unlock(v *vault.Vault, a access) error {
	openedBy, err := v.RecipientID(a.key)
	if err != nil {
		return err
	}
	c, trust, err := s.readConfig()
	if err != nil {
		return err
	}
	hosts, err := wallet.ParseHosts(c.Trust)
	if err != nil {
		return err
	}
	s.wallet, err = wallet.New(wallet.Config{
		Vault: v, Trust: trust.List, Verifiers: trust.List, Registrars: trust.List, DIDs: did.SelfContained(), Hosts: hosts, Supplied: trust, Now: s.now, Location: time.Local,
		Fetch: s.fetcher(c.InsecureLoopback && loopback(s.origin)), OpenedBy: openedBy, ReadOnly: a.offline,
		Save: func(ctx context.Context) error { return s.save(ctx, v) },
	})
	if err != nil {
		return err
	}
	s.key.Store(&a.key)
	s.fresh = nil
	return nil
}

type hostConfig struct {
	Trust            json.RawMessage `json:"trust"`
	InsecureLoopback bool            `json:"insecure_loopback"`
}

// readConfig reads s.config; all of it is the host's word.
func (s *session) readConfig() (hostConfig, wallet.TrustSource, error) {
	var c hostConfig
	u, err := url.Parse(s.origin)
	if err != nil || json.Unmarshal(s.config, &c) != nil {
		return c, wallet.TrustSource{}, faultHost
	}
	list, err := credentials.ParseTrustList(c.Trust)
	return c, wallet.TrustSource{List: list, From: u.Hostname()}, err
}

// loopback reports whether the pages themselves come from this machine, without
// TLS. Only then may the host allow such addresses to others: what it says could
// turn a wallet anywhere else towards its holder's own machine.
func loopback(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Scheme == "http" && (u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost"))
}

// fetchConfig fills s.config.
func (s *session) fetchConfig(ctx context.Context) error {
	r, err := s.host.Do(ctx, hostRequest{method: http.MethodGet, path: "/api/config"})
	if err != nil {
		return err
	}
	if r.status != http.StatusOK || !json.Valid(r.body) {
		return faultHost
	}
	s.config = r.body
	return nil
}

// download returns the sealed vault; faultNoVault or faultSignedIn if there is
// none to have. The caller holds s.mu.
func (s *session) download(ctx context.Context) ([]byte, string, error) {
	r, err := s.host.Do(ctx, hostRequest{method: http.MethodGet, path: "/api/vault"})
	if err != nil {
		return nil, "", err
	}
	switch r.status {
	case http.StatusOK:
		return r.body, r.etag, nil
	case http.StatusNotFound:
		return nil, r.etag, faultNoVault
	case http.StatusUnauthorized:
		return nil, "", faultSignedIn
	}
	return nil, "", faultHost
}

// maxMerges is how often a save is tried again because another device was
// quicker.
const maxMerges = 4

// save uploads the vault over the version it is based on. When another device
// has saved meanwhile, what it did is merged in first: nothing is overwritten.
// The engine calls it with the vault to itself.
func (s *session) save(ctx context.Context, v *vault.Vault) error {
	for range maxMerges {
		sealed, err := v.Seal()
		if err != nil {
			return err
		}
		err = s.upload(ctx, sealed)
		if err == nil {
			v.Saved()
			return s.device.Remember(ctx, memory{v.Head(), sealed, s.config})
		}
		if !errors.Is(err, faultConflict) {
			return err
		}
		if err := s.merge(ctx, v); err != nil {
			return err
		}
	}
	return faultConflict
}

func (s *session) upload(ctx context.Context, sealed []byte) error {
	r, err := s.host.Do(ctx, hostRequest{method: http.MethodPut, path: "/api/vault", ifMatch: s.etag, body: sealed})
	if err != nil {
		return err
	}
	switch r.status {
	case http.StatusNoContent:
		s.etag = r.etag
		return nil
	case http.StatusPreconditionFailed:
		return faultConflict
	case http.StatusUnauthorized:
		return faultSignedIn
	}
	return faultHost
}

func (s *session) merge(ctx context.Context, v *vault.Vault) error {
	sealed, etag, err := s.download(ctx)
	if err != nil {
		return err
	}
	known, err := s.device.Memory(ctx)
	if err != nil {
		return err
	}
	theirs, err := vault.Open(sealed, *s.key.Load(), known.High)
	if err != nil {
		return err
	}
	if err := v.Merge(theirs); err != nil {
		return err
	}
	s.etag = etag
	return nil
}
