package passkey

import (
	"net/netip"
	"strings"
)

// sharedHost reports whether other services usually answer under this host: an
// address, or the bare name of this machine.
func sharedHost(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || host == "localhost"
}

// loopbackName reports whether the name stays on this machine (RFC 6761 §6.3).
func loopbackName(host string) bool { return strings.HasSuffix(host, ".localhost") }
