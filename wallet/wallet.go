// Package wallet is the holder's engine: it receives credentials, explains a
// request before it is answered, answers it, remembers what was answered and
// takes it back. The same code runs in the browser (js/wasm), in the command
// line and in tests.
//
// It trusts what its Config hands in (the trust list, the clock, the fetcher)
// and nothing that arrives over the network before it is authenticated. It
// sends nothing to anyone without a call that stands for a tap of the holder:
// Accept, Present, Refuse, CheckReceipt, Withdraw.
//
// It does not store: the vault it is given is open and in memory, and Save is
// called after every change. It does not keep time, print, log or retry.
package wallet

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"sync"
	"time"

	"facet/credentials"
	"facet/credentials/openid4vp"
	"facet/fetch"
	"facet/wallet/vault"
)

// Config is what a wallet needs. Every field is required but DIDs, Registrars, Hosts,
// Supplied, Location, OpenedBy and ReadOnly.
type Config struct {
	Vault     *vault.Vault           // open; the wallet is its only writer
	Fetch     fetch.Fetcher          // guarded; follows no redirect unless asked
	Trust     credentials.TrustStore // which issuers may sign which types
	Verifiers credentials.Verifiers  // who a client_id is
	DIDs      openid4vp.KeyResolver  // may be nil: then DID askers are unverified
	// Registrars says who registers what verifiers may ask for. May be nil: then
	// registration certificates mean nothing here.
	Registrars credentials.Registrars
	// Hosts names who is behind an issuer's host, before anything is signed;
	// ParseHosts reads it from a trust list. May be nil: then nobody is known.
	Hosts Hosts
	// Supplied is the list Trust, Verifiers and Hosts come from, if the holder did
	// not choose it.
	Supplied TrustSource
	Now      func() time.Time
	Location *time.Location // where midnight is; nil = UTC
	OpenedBy string         // the vault's recipient that opened it; "" = not known
	// ReadOnly makes Call refuse every method that would change or send
	// something: the vault is an offline copy, and nothing could be saved.
	ReadOnly bool
	// InsecureLoopback lets pages on this machine ask over http through the
	// browser's API.
	InsecureLoopback bool
	// Save makes the vault durable. It is called after every change and, in
	// Present, before anything is sent: an error there stops the answer. It has
	// the vault to itself while it runs, and must not call the wallet.
	Save func(ctx context.Context) error
}

// A Wallet is an opened wallet. Its methods are safe for many goroutines. Of
// all waiting only Save happens under its lock; a slow verifier or issuer never
// blocks another call.
type Wallet struct {
	cfg      Config
	distrust error // set by New if the supplied trust list may not be used

	mu        sync.Mutex // protects everything below, and the vault's records
	proposals map[string]*proposal
	offers    map[string]*offer
	claims    []*claim // copies taken for the answer being saved
}

// Limits on what a wallet keeps open at a time; the oldest goes first.
const (
	MaxOpenProposals = 16
	MaxOpenOffers    = 8
)

// New makes a wallet over an open vault.
func New(c Config) (*Wallet, error) {
	switch {
	case c.Vault == nil:
		return nil, errors.New("wallet: config needs an open vault")
	case c.Fetch == nil:
		return nil, errors.New("wallet: config needs a fetcher")
	case c.Trust == nil:
		return nil, errors.New("wallet: config needs a trust store")
	case c.Verifiers == nil:
		return nil, errors.New("wallet: config needs to know verifiers")
	case c.Now == nil:
		return nil, errors.New("wallet: config needs a clock")
	case c.Save == nil:
		return nil, errors.New("wallet: config needs a way to save")
	}
	if c.Location == nil {
		c.Location = time.UTC
	}
	w := &Wallet{cfg: c, proposals: map[string]*proposal{}, offers: map[string]*offer{}}
	if _, err := w.settle(); err != nil { // in memory; the next change saves it
		return nil, err
	}
	if err := w.trust(); err != nil {
		return nil, err
	}
	return w, nil
}

// Changeable is nil unless the wallet is ReadOnly.
func (w *Wallet) Changeable() error {
	if w.cfg.ReadOnly {
		return failf(CodeReadOnly, "an offline copy can be looked at only")
	}
	return nil
}

// Lock locks the vault and forgets everything open. It waits for what is being
// saved; every later call fails with the vault's ErrLocked.
func (w *Wallet) Lock() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cfg.Vault.Lock()
	clear(w.proposals)
	clear(w.offers)
}

// newID returns a fresh 128-bit id in base64url.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}
