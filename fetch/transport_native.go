//go:build !js

package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// decoded: the native transport asks for gzip itself and removes the header.
const decoded = false

// A guard connects to public addresses on port 443 and to nothing else.
type guard struct {
	safe     func(network, address string, _ syscall.RawConn) error
	resolver *net.Resolver
	dialer   net.Dialer
}

func newTransport(c Config) http.RoundTripper {
	dial := newGuard().dial
	if c.InsecureLoopback {
		dial = dialLoopback
	}
	return transportOver(c, dial)
}

func transportOver(c Config, dial func(ctx context.Context, network, hostport string) (net.Conn, error)) http.RoundTripper {
	return &http.Transport{
		Proxy:                  nil, // a proxy would connect where the guard does not look
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    c.Timeout,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConns:           64,
		IdleConnTimeout:        30 * time.Second,
	}
}

func newGuard() *guard {
	g := &guard{safe: public, resolver: net.DefaultResolver}
	g.dialer.Control = g.safe
	return g
}

// public is the rule itself; it holds no state.
var public = ssrf.New(ssrf.WithPorts(443)).Safe

// dial looks the name up once, refuses the whole answer if any address in it
// is not public, and connects to those very addresses; the dialer's Control
// checks each again at connect, so a second answer of the name server changes
// nothing.
func (g *guard) dial(ctx context.Context, network, hostport string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	addrs, err := g.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		if err := guardError(g.safe("tcp"+family(a), net.JoinHostPort(a.String(), port), nil)); err != nil {
			return nil, err
		}
	}
	err = errors.New("name has no address")
	for _, a := range addrs {
		var conn net.Conn
		if conn, err = g.dialer.DialContext(ctx, network, net.JoinHostPort(a.String(), port)); err == nil {
			return conn, nil
		}
	}
	return nil, guardError(err)
}

func (g *guard) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	addrs, err := g.resolver.LookupNetIP(ctx, "ip", host)
	for i, a := range addrs {
		// The resolver writes IPv4 answers as mapped addresses.
		addrs[i] = a.Unmap()
	}
	return addrs, err
}

func family(a netip.Addr) string {
	if a.Is4() {
		return "4"
	}
	return "6"
}

// guardError turns the guard's refusals into this package's.
func guardError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ssrf.ErrProhibitedPort):
		return refuse(ReasonPort, "port is not 443", err)
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrInvalidHostPort):
		return refuse(ReasonBlocked, "address is not public", err)
	}
	return err
}

// dialLoopback reaches this machine and nothing else; names under .localhost
// need no resolver (RFC 6761 §6.3).
func dialLoopback(ctx context.Context, network, hostport string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	if !isLoopback(host) {
		return nil, refuse(ReasonBlocked, "only loopback can be reached here", nil)
	}
	if _, err := netip.ParseAddr(host); err != nil {
		host = "127.0.0.1"
	}
	var d net.Dialer
	return d.DialContext(ctx, network, net.JoinHostPort(host, port))
}

// checkLiteral asks the guard about an address that stands in the URL itself.
func checkLiteral(a netip.Addr) error {
	return guardError(public("tcp"+family(a), net.JoinHostPort(a.String(), "443"), nil))
}

// prepare has nothing to add natively.
func prepare(*http.Request, Request) {}
