package jose

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync"
	"time"
)

// Bounds of the chain cache.
const (
	MaxChainAge     = 5 * time.Minute
	maxCachedChains = 256
)

// chains remembers chains that were believed, never refusals. An entry counts
// only for a rule that still has the entry's anchor and the same revocation
// lists, at a time when nothing in it has run out.
var chains chainCache

type chainCache struct {
	mu      sync.Mutex // protects entries
	entries map[[sha256.Size]byte]cachedChain
}

type cachedChain struct {
	chain *Chain
	rule  ChainRule
}

// chainKey covers everything of the rule that is text; anchors and lists are
// compared by get.
func chainKey(x5c []string, r ChainRule) [sha256.Size]byte {
	h := sha256.New()
	var n [8]byte
	for _, s := range append([]string{r.DNSName, r.EKU.String()}, x5c...) {
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func (c *chainCache) get(key [sha256.Size]byte, r ChainRule) *Chain {
	c.mu.Lock()
	e, ok := c.entries[key]
	c.mu.Unlock()
	if !ok || r.Now.Before(e.rule.Now) || r.Now.After(e.chain.until) || r.Now.Sub(e.rule.Now) > MaxChainAge ||
		!slices.Equal(e.rule.CRLs, r.CRLs) || !slices.ContainsFunc(r.Anchors, e.chain.Anchor.Equal) {
		return nil
	}
	return e.chain
}

func (c *chainCache) put(key [sha256.Size]byte, chain *Chain, r ChainRule) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil || len(c.entries) >= maxCachedChains {
		c.entries = make(map[[sha256.Size]byte]cachedChain)
	}
	r.CRLs = slices.Clone(r.CRLs)
	c.entries[key] = cachedChain{chain, r}
}
