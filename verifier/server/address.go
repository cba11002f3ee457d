package server

import (
	"net/http"
	"net/netip"
	"strings"
)

// Which part of an address is taken for one caller, and which for its
// surroundings: one IPv6 customer has a /64 at least and often a /48.
const (
	narrow4, wide4 = 32, 24
	narrow6, wide6 = 64, 48
)

// maxHops is how many proxies in a row are believed.
const maxHops = 8

// client is the address a request came from. X-Forwarded-For is believed only
// as far as trusted proxies wrote it: from its end, up to the first address that
// is none. The zero Addr stands for everybody whose address cannot be read.
func client(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap().WithZone("")
	if !among(addr, trusted) {
		return addr
	}
	lists := r.Header["X-Forwarded-For"]
	hops := 0
	for i := len(lists) - 1; i >= 0; i-- {
		for rest, more := lists[i], true; more && hops < maxHops; hops++ {
			var last string
			if cut := strings.LastIndexByte(rest, ','); cut >= 0 {
				rest, last = rest[:cut], rest[cut+1:]
			} else {
				last, more = rest, false
			}
			next, err := netip.ParseAddr(strings.TrimSpace(last))
			if err != nil {
				return addr // what a trusted proxy got from nobody knows whom
			}
			if addr = next.Unmap().WithZone(""); !among(addr, trusted) {
				return addr
			}
		}
	}
	return addr
}

func among(a netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// prefixes are the caller and its surroundings.
func prefixes(a netip.Addr) (narrow, wide netip.Prefix) {
	bits, wideBits := narrow6, wide6
	if a.Is4() {
		bits, wideBits = narrow4, wide4
	}
	narrow, _ = a.Prefix(bits)   // the zero Prefix for the zero Addr
	wide, _ = a.Prefix(wideBits) // the same
	return narrow, wide
}
