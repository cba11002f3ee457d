package statuslist

import (
	"context"
	"errors"
	"sync"
	"time"

	"facet/credentials/jose"
	"facet/fetch"
)

// Bounds of what a Checker keeps.
const (
	MaxLists     = 64              // lists cached at once
	DefaultTTL   = 5 * time.Minute // for a token without ttl
	MaxAge       = 12 * time.Hour  // the longest a list is used, whatever its ttl
	MaxRedirects = 2               // §8.2
)

// Keys says who signs status lists. Unknown is an error.
type Keys interface {
	// StatusKey believes or refuses the chain of a status list token and
	// returns its leaf's key and the id of the issuer it may sign lists for.
	StatusKey(ctx context.Context, x5c []string, now time.Time) (key *jose.PublicKey, issuer string, err error)
}

// A Query asks about one credential that has been verified.
type Query struct {
	Reference
	Issuer    string          // id of the credential's issuer in the trust store
	IssuerKey *jose.PublicKey // the key that signed the credential
	Now       time.Time
}

// Config holds what a Checker needs. Fetch and Keys are required.
type Config struct {
	Fetch  fetch.Fetcher
	Keys   Keys
	Leeway time.Duration // for iat and exp; zero: none
}

// A Checker answers whether a credential is still valid. It fetches lists,
// keeps them for their ttl within MaxAge, and treats every failure as "not
// valid" (§8.3). It is safe for concurrent use; concurrent questions about one
// list cause one request.
type Checker struct {
	c     Config
	mu    sync.Mutex // protects slots
	slots map[slotKey]*slot
}

// The issuer is part of the key: a list believed for one issuer says nothing
// about another's credentials.
type slotKey struct{ uri, issuer, key string }

type slot struct {
	mu    sync.Mutex // held while fetching; protects the rest
	token *Token
	from  time.Time
	until time.Time
}

// NewChecker returns a Checker, or what is wrong with the configuration.
func NewChecker(c Config) (*Checker, error) {
	if c.Fetch == nil || c.Keys == nil {
		return nil, errors.New("statuslist: Config needs Fetch and Keys")
	}
	if c.Leeway < 0 {
		return nil, errors.New("statuslist: Config.Leeway is negative")
	}
	return &Checker{c: c, slots: make(map[slotKey]*slot)}, nil
}

// Check returns nil only if the entry is Valid. Reasons: credential_revoked,
// credential_suspended, status_unknown (an application's or reserved value),
// status_index, status_expired, status_sub_mismatch, status_issuer_mismatch,
// status_signature_invalid, status_malformed, status_size_limit,
// status_unavailable, and jose's for a bad chain.
func (c *Checker) Check(ctx context.Context, q Query) error {
	if q.IssuerKey == nil || q.Now.IsZero() || q.Issuer == "" {
		return fail("status_unavailable", "the question lacks issuer or time")
	}
	list, err := c.list(ctx, q)
	if err != nil {
		return err
	}
	status, err := list.Get(q.Index)
	if err != nil {
		return err
	}
	switch status {
	case Valid:
		return nil
	case Invalid:
		return fail("credential_revoked", "the credential was revoked")
	case Suspended:
		return fail("credential_suspended", "the credential is suspended")
	}
	return fail("status_unknown", "the status has a meaning unknown here")
}

// list returns the list for q from the cache or the network.
func (c *Checker) list(ctx context.Context, q Query) (*List, error) {
	s := c.slot(slotKey{q.URI, q.Issuer, q.IssuerKey.Thumbprint()}, q.Now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != nil && !q.Now.Before(s.from) && q.Now.Before(s.until) {
		return s.token.list, nil
	}
	t, err := c.fetch(ctx, q)
	if err != nil {
		return nil, err
	}
	s.token, s.from, s.until = t, q.Now, q.Now.Add(t.keep(q.Now))
	return t.list, nil
}

// keep is how long the token may be used from now on: ttl, else DefaultTTL,
// never longer than exp or MaxAge.
func (t *Token) keep(now time.Time) time.Duration {
	d := t.ttl
	if d == 0 {
		d = DefaultTTL
	}
	d = min(d, MaxAge)
	if !t.expires.IsZero() {
		d = min(d, t.expires.Sub(now))
	}
	return d
}

// slot finds or makes the slot for key and, when there are too many, drops
// those that ran out, or else any one.
func (c *Checker) slot(key slotKey, now time.Time) *slot {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.slots[key]; s != nil {
		return s
	}
	for k, s := range c.slots {
		if len(c.slots) < MaxLists {
			break
		}
		if s.mu.TryLock() {
			stale := now.After(s.until)
			s.mu.Unlock()
			if stale {
				delete(c.slots, k)
			}
		}
	}
	for k := range c.slots {
		if len(c.slots) < MaxLists {
			break
		}
		delete(c.slots, k)
	}
	s := &slot{}
	c.slots[key] = s
	return s
}

func (c *Checker) fetch(ctx context.Context, q Query) (*Token, error) {
	r, err := c.c.Fetch.Do(ctx, fetch.Request{
		Method: "GET", URL: q.URI, Accept: []string{MediaType},
		MaxBytes: MaxToken, MaxRedirects: MaxRedirects,
	})
	if err != nil {
		return nil, fetchError(err)
	}
	if r.Status < 200 || r.Status > 299 {
		return nil, fail("status_unavailable", "the list's server answered %d", r.Status)
	}
	parsed, err := Parse(string(r.Body))
	if err != nil {
		return nil, wrap("status_malformed", "what came is not a status list token", err)
	}
	key := q.IssuerKey
	if x5c := parsed.Header().X5C; x5c != nil {
		var issuer string
		if key, issuer, err = c.c.Keys.StatusKey(ctx, x5c, q.Now); err != nil {
			return nil, err
		}
		if issuer != q.Issuer {
			return nil, fail("status_issuer_mismatch", "the list is signed for another issuer")
		}
	}
	t, err := Verify(parsed, key)
	if err != nil {
		return nil, err
	}
	if t.subject != q.URI {
		return nil, fail("status_sub_mismatch", "the token stands for another list")
	}
	return t, t.ValidAt(q.Now, c.c.Leeway)
}

func fetchError(err error) error {
	var r interface{ Reason() string }
	if errors.As(err, &r) {
		switch r.Reason() {
		case "content_type":
			return wrap("status_malformed", "what came is not a status list token", err)
		case "fetch_limit":
			return wrap("status_size_limit", "the status list token is too long", err)
		}
	}
	return wrap("status_unavailable", "fetch status list", err)
}
