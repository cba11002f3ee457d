package jose

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// A headerCache remembers the members of headers that parsed: an issuer writes
// the same one into every credential, certificates included, and every key
// binding JWT has the same one. What a Rule says of them is checked each time.
// Members are shared and never changed.
type headerCache [64]atomic.Pointer[cachedHeader]

type cachedHeader struct {
	encoded string
	members map[string]any
}

// maxCachedHeader is the longest encoded header remembered, in bytes.
const maxCachedHeader = 8 << 10

var (
	headers    headerCache
	headerSeed = maphash.MakeSeed()
)

func (c *headerCache) parse(encoded string) (map[string]any, error) {
	slot := &c[maphash.String(headerSeed, encoded)%uint64(len(c))]
	if h := slot.Load(); h != nil && h.encoded == encoded {
		return h.members, nil
	}
	members, err := parseHeader(encoded)
	if err != nil {
		return nil, err
	}
	if _, one := members["jwk"]; !one && len(encoded) <= maxCachedHeader { // a jwk is one holder's
		slot.Store(&cachedHeader{strings.Clone(encoded), members})
	}
	return members, nil
}
