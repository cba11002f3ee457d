// Package verifier is the verifier's engine: it turns a platform's policy into
// a request, checks what a wallet answers, derives hints from it, writes down
// in the presentation log what happened, and deletes when it promised to.
//
// Begin, RequestObject, Finish and Result follow one transaction from the
// platform's wish to its result; Receipt and Withdraw serve the holder
// afterwards; Sweep does what time and crashes leave to do.
//
// It does not speak HTTP (package server does), decide who may issue what
// (credentials.TrustStore), log, retry or know the time. It never hands a
// platform a claim its policy did not ask for.
package verifier

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"facet/audit"
	"facet/credentials"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/fetch"
	"facet/policy"
	"facet/schemas"
	"facet/store"
)

// Times of a transaction.
const (
	TTL         = 5 * time.Minute  // from Begin to the last moment for an answer
	Skew        = time.Minute      // clock skew granted to wallets
	RetryWindow = time.Minute      // how long the first reader may read a result again
	TokenTTL    = 12 * time.Hour   // a hint token, if retention does not end earlier
	Grace       = 10 * time.Minute // how long a transaction that ended without data is remembered
)

// MaxTries is how many answers that decrypt may fail before the transaction
// ends as rejected.
const MaxTries = 5

// A Log sequences entries and proves that they are in it. auditlog.Log is one;
// a client of `facet log serve` is another. Append blocks until the entry is
// durable and is idempotent by id for identical leaves. Proof returns false
// while no checkpoint covers the entry. Both are safe for many goroutines.
type Log interface {
	Append(ctx context.Context, id string, leaf []byte) (index uint64, err error)
	Proof(ctx context.Context, index uint64) (proof []byte, covered bool, err error)
}

// A Wallet is one a platform offers its visitors.
type Wallet struct {
	Name string `json:"name"`
	URL  string `json:"url"` // the wallet's address; /authorize is appended

	// TransactionData are the types it is known to take. A request that is begun
	// for this wallet then carries the one that binds the answer to the policy.
	TransactionData []string `json:"transaction_data,omitempty"`
}

// A Platform is a relying party this verifier works for.
type Platform struct {
	ID         string           // in the platform API; never shown
	Name       string           // as registered; in the log
	ReturnURIs []string         // where a holder may be sent back to, compared exactly
	Origins    []string         // of pages that may ask through the browser's API, besides those of ReturnURIs
	Signer     jose.Signer      // signs its requests; see Verifier.Renew
	Also       []Identity       // others its requests may have been begun with, on another node for instance
	X5C        []string         // the signer's chain, leaf first, without the anchor
	Kid        string           // with decentralized_identifier: the signer's verification method, a DID URL
	Policies   []*policy.Policy // several versions of one may stand side by side
	Wallets    []Wallet
	Webhook    *Webhook // nil: the platform polls or follows the event stream

	// Prefix says how wallets know who asks: x509_hash if empty, or
	// x509_san_dns, which ties the platform to the BaseURL's host, or
	// decentralized_identifier, for a platform that has a DID (Kid). The last,
	// redirect_uri, proves nothing: its requests are not signed, carry no
	// policy offer, and so can be neither receipted nor withdrawn by a holder.
	// It needs InsecureUnsigned.
	Prefix openid4vp.Prefix

	// Registrations are the platform's registration certificates, see Identity.
	// Registrars says who may have signed them; with nil anybody may have.
	Registrations []string
	Registrars    credentials.Registrars

	// Trust says whose credentials count for this platform, in place of the
	// Config's; Status then is its own, too, and nil refuses credentials that
	// carry a status.
	Trust  credentials.TrustStore
	Status credentials.StatusChecker

	InsecureUnsigned    bool // allow Prefix to be redirect_uri, and ask through the browser's API without signature, too
	InsecureUnencrypted bool // ask for answers in the clear (direct_post, dc_api)
	InsecureFragment    bool // allow answers in the clear in the address the holder returns to (fragment)
}

// Config is everything the engine needs. Status may be nil, which refuses
// credentials that carry a status, and so may Count.
type Config struct {
	Store     store.Store // transactions; values in it are sealed
	Keys      store.Store // one small secret per transaction; must forget what is deleted
	Log       Log
	LogInfo   openid4vp.LogInfo
	Trust     credentials.TrustStore
	Status    credentials.StatusChecker
	Now       func() time.Time
	Node      string // this process's name among those that share Store; made up if empty
	BaseURL   string // where wallets reach this verifier, such as https://verifier.example
	Platforms []Platform

	// Count is told how each answer ended, and each request that expired. It
	// must not block. A crash may lose or repeat one.
	Count func(audit.Outcome, Check)

	DIDs openid4vp.KeyResolver // finds platforms' own DIDs; nil knows did:jwk and did:key

	Fetch        fetch.Fetcher        // sends webhooks; nil if no platform has one
	CountWebhook func(outcome string) // nil, or told of each: delivered, retried, dropped, superseded

	InsecureLoopback bool // allow BaseURL, return addresses and wallets to be http on this machine
}

// A Verifier is the engine. It is safe for many goroutines, and several
// processes may share Store, Keys and Log.
type Verifier struct {
	cfg         Config
	ids         *identifiers
	platforms   atomic.Pointer[map[string]*platform] // by id; see Reconfigure
	configuring sync.Mutex                           // held while platforms are replaced
	stuck       sync.Map                             // ids of transactions whose last step failed here
	tenure      tenure
	worker      worker
	backlog     atomic.Pointer[backlog] // of webhooks, as the last scan found it
	announced   chan string             // keys of webhooks for the one who delivers here
}

// New checks the configuration, makes the secret behind public identifiers on
// first use, and logs a change of weakenings.
func New(ctx context.Context, cfg Config) (*Verifier, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	v := &Verifier{cfg: cfg, announced: make(chan string, maxAnnounced)}
	v.worker.wish.Store(true)
	if v.cfg.Node == "" {
		v.cfg.Node = newID()
	}
	platforms, err := newPlatforms(ctx, cfg)
	if err != nil {
		return nil, err
	}
	v.platforms.Store(&platforms)
	secret, err := v.loadSecret(ctx)
	if err != nil {
		return nil, err
	}
	if v.cfg.Count == nil {
		v.cfg.Count = func(audit.Outcome, Check) {}
	}
	if v.cfg.CountWebhook == nil {
		v.cfg.CountWebhook = func(string) {}
	}
	if v.ids, err = newIdentifiers(secret); err != nil {
		return nil, err
	}
	return v, v.logWeakenings(ctx, platforms)
}

func (c Config) check() error {
	switch {
	case c.Store == nil, c.Keys == nil, c.Log == nil, c.Trust == nil, c.Now == nil:
		return errors.New("one of Store, Keys, Log, Trust and Now is not set")
	case c.LogInfo.Origin == "" || c.LogInfo.Key == "" || c.LogInfo.URL == "":
		return errors.New("LogInfo must name the log's origin, key and address")
	case len(c.Platforms) == 0:
		return errors.New("there is no platform to work for")
	}
	return checkURL("BaseURL", c.BaseURL, c.InsecureLoopback)
}

// checkURL accepts absolute https addresses, and http ones on this machine
// under the weakening that allows them.
func checkURL(name, raw string, insecureLoopback bool) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("%s is no absolute web address", name)
	}
	host := u.Hostname()
	local := host == "localhost" || host == "127.0.0.1" || strings.HasSuffix(host, ".localhost")
	if u.Scheme == "https" || u.Scheme == "http" && local && insecureLoopback {
		return nil
	}
	return fmt.Errorf("%s must begin with https", name)
}

// platform is a Platform at work.
type platform struct {
	Platform
	around  *Config              // what it works in; shared
	host    string               // of the verifier
	origins []string             // pages that may ask through the browser's API
	byID    map[string]*compiled // the highest version of each policy
	byHash  map[string]*compiled

	answers  *turns // of wallets
	requests *turns // fetched by them

	mu         sync.RWMutex // guards identities
	identities []signing    // newest first
}

func newPlatform(ctx context.Context, cfg Platform, c *Config) (*platform, error) {
	p := &platform{Platform: cfg, around: c, host: hostOf(c.BaseURL), byID: make(map[string]*compiled), byHash: make(map[string]*compiled),
		answers: newTurns(answersEach), requests: newTurns(requestsEach)}
	if p.Prefix == "" {
		p.Prefix = openid4vp.PrefixX509Hash
	}
	if p.Trust == nil {
		p.Trust, p.Status = c.Trust, c.Status
	}
	switch {
	case p.ID == "" || p.Name == "" || strings.Contains(p.ID, "/"):
		return nil, errors.New("ID (without a slash) and Name must be set")
	case p.Prefix == openid4vp.PrefixRedirectURI && !p.InsecureUnsigned:
		return nil, errors.New("requests under redirect_uri are not signed; that needs InsecureUnsigned")
	case len(p.Policies) == 0:
		return nil, errors.New("there is no policy, so nothing could be asked")
	}
	if err := p.namePolicies(); err != nil {
		return nil, err
	}
	for _, id := range append(slices.Clone(p.Also), Identity{Signer: p.Signer, X5C: p.X5C, Kid: p.Kid}) { // the last one signs
		s, err := p.prepare(ctx, id)
		if err != nil {
			return nil, err
		}
		p.take(s)
	}
	if err := p.checkAddresses(c.InsecureLoopback); err != nil {
		return nil, err
	}
	if p.Webhook != nil && c.Fetch == nil {
		return nil, errors.New("there is a webhook, but no Fetch to send it")
	}
	return p, nil
}

func (p *platform) checkAddresses(insecureLoopback bool) error {
	for _, u := range p.ReturnURIs {
		if err := checkURL("a return address", u, insecureLoopback); err != nil {
			return err
		}
	}
	if err := p.nameOrigins(insecureLoopback); err != nil {
		return err
	}
	if p.Webhook != nil {
		if err := p.Webhook.check(insecureLoopback); err != nil {
			return err
		}
	}
	for _, w := range p.Wallets {
		for _, kind := range w.TransactionData {
			if kind != schemas.PolicyTransaction {
				return fmt.Errorf("wallet %s: transaction data of type %q is not made here", w.Name, kind)
			}
		}
		if err := checkURL("wallet "+w.Name, w.URL, insecureLoopback); err != nil {
			return err
		}
	}
	return nil
}

// namePolicies finds each policy's names; the highest version answers to them.
func (p *platform) namePolicies() error {
	for _, pol := range p.Policies {
		c := newCompiled(p.Name, pol)
		p.byHash[c.hash] = c
		for _, name := range []string{pol.ID, path.Base(pol.ID)} { // "morgenblatt.example/home", or "home" for short
			old, ok := p.byID[name]
			if ok && old.policy.ID != pol.ID {
				return fmt.Errorf("policies %s and %s have the same short name", old.policy.ID, pol.ID)
			}
			if !ok || old.policy.Version < pol.Version {
				p.byID[name] = c
			}
		}
	}
	return nil
}

const keySecret = "verifier/secret"

// loadSecret returns the one secret public identifiers are derived from.
func (v *Verifier) loadSecret(ctx context.Context) ([]byte, error) {
	secret, _, err := v.cfg.Keys.Get(ctx, keySecret)
	if !errors.Is(err, store.ErrNotFound) {
		return secret, err
	}
	secret = make([]byte, 32)
	rand.Read(secret) // never fails (crypto/rand)
	if _, err = v.cfg.Keys.Swap(ctx, keySecret, 0, secret); errors.Is(err, store.ErrConflict) {
		secret, _, err = v.cfg.Keys.Get(ctx, keySecret) // another process was first
	}
	return secret, err
}
