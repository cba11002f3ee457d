package server

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// An APIKey lets one platform in. Only its hash is configured.
type APIKey struct {
	Platform string
	SHA256   [sha256.Size]byte
	Until    time.Time // it works before that; zero: for good
}

// HashKey is what an APIKey holds of a key. A key is random with at least 128
// bits, so a plain hash is enough.
func HashKey(key string) [sha256.Size]byte { return sha256.Sum256([]byte(key)) }

// Callers says who may call, from where, and how often. It can be replaced while
// the server runs.
type Callers struct {
	APIKeys []APIKey
	Limits  Limits            // of addresses and of every platform
	Each    map[string]Limits // of single platforms: Calls, Misses and Streams; zeros are as in Limits

	// TrustedProxies are the addresses whose X-Forwarded-For is believed. With
	// none, a caller is who opened the connection.
	TrustedProxies []netip.Prefix
}

// callers are Callers at work.
type callers struct {
	keys    map[[sha256.Size]byte]APIKey
	limits  Limits
	each    map[string]Limits
	trusted []netip.Prefix
}

// Admit replaces who may call. Event streams go on, and end when their client
// is no longer let in. Requests under way are not touched.
func (s *Server) Admit(c Callers) error {
	next := &callers{keys: make(map[[sha256.Size]byte]APIKey, len(c.APIKeys)), limits: c.Limits.or(DefaultLimits), each: c.Each, trusted: c.TrustedProxies}
	if len(c.APIKeys) == 0 {
		return errors.New("there is no API key, so no platform could ask")
	}
	for _, k := range c.APIKeys {
		if k.SHA256 == HashKey("") {
			return errors.New("an API key is empty")
		}
		if have, twice := next.keys[k.SHA256]; twice && have.Platform != k.Platform {
			return fmt.Errorf("platforms %q and %q share an API key", have.Platform, k.Platform)
		}
		next.keys[k.SHA256] = k
	}
	s.around.Store(next)
	return nil
}

// of are the limits of one platform.
func (c *callers) of(platform string) Limits {
	if own, ok := c.each[platform]; ok {
		return own.or(c.limits)
	}
	return c.limits
}
