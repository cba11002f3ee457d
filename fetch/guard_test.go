//go:build !js

package fetch

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func wantReason(t *testing.T, err error, reason string) {
	t.Helper()
	var e interface{ Reason() string }
	if !errors.As(err, &e) || e.Reason() != reason {
		t.Fatalf("got %v, want reason %q", err, reason)
	}
}

// nameServer answers every question over UDP on loopback with what answer
// returns for its nth A or AAAA question.
func nameServer(t *testing.T, answer func(n int32, v4 bool) []string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = conn.Close(); <-done })
	go func() {
		defer close(done)
		var asked [2]atomic.Int32
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			v4 := q.Type == dnsmessage.TypeA
			count := &asked[0]
			if v4 {
				count = &asked[1]
			}
			m.Response, m.Additionals = true, nil
			for _, s := range answer(count.Add(1), v4) {
				m.Answers = append(m.Answers, resource(q, netip.MustParseAddr(s)))
			}
			if reply, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(reply, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func resource(q dnsmessage.Question, a netip.Addr) dnsmessage.Resource {
	h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 0}
	if a.Is4() {
		return dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: a.As4()}}
	}
	return dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}}
}

// guarded returns a strict client that asks this name server, and a count of
// the connections the guard let through. It opens none of them.
func guarded(t *testing.T, answer func(n int32, v4 bool) []string) (*Client, *atomic.Int32) {
	t.Helper()
	c := New(Config{Timeout: 3 * time.Second})
	g := newGuard()
	g.resolver = nameServer(t, answer)
	let := new(atomic.Int32)
	g.dialer.Control = func(network, address string, raw syscall.RawConn) error {
		if err := public(network, address, raw); err != nil {
			return err
		}
		let.Add(1)
		return errors.New("no connection in tests")
	}
	c.transport = transportOver(c.config, g.dial)
	return c, let
}

// hostile are addresses that must not be reached, as a literal or by a name.
var hostile = []struct{ id, literal string }{
	{"SSRF-002", "[::1]"},
	{"SSRF-003", "[::ffff:127.0.0.1]"},
	{"SSRF-004", "169.254.169.254"},
	{"SSRF-005", "[fd00:ec2::254]"},
	{"SSRF-006", "10.0.0.1"},
	{"SSRF-007", "172.16.0.1"},
	{"SSRF-008", "192.168.0.1"},
	{"SSRF-010", "0.0.0.0"},
	{"SSRF-011", "[64:ff9b::7f00:1]"},
	{"SSRF-012", "[2002:7f00:1::]"},
	{"SSRF-013", "[fe80::1]"},
	{"SSRF-014", "224.0.0.1"},
	{"SSRF-015", "198.18.0.1"},
}

func TestHostileAddresses(t *testing.T) {
	for _, tt := range hostile {
		t.Run(tt.id, func(t *testing.T) {
			_, err := New(Config{}).Do(t.Context(), Request{URL: "https://" + tt.literal + "/"})
			wantReason(t, err, ReasonBlocked)

			addr := netip.MustParseAddr(trimBrackets(tt.literal))
			c, let := guarded(t, func(_ int32, v4 bool) []string {
				if v4 == addr.Is4() {
					return []string{addr.String()}
				}
				return nil
			})
			_, err = c.Do(t.Context(), Request{URL: "https://innocent.example/"})
			wantReason(t, err, ReasonBlocked)
			if let.Load() != 0 {
				t.Fatal("the guard let a connection through")
			}
		})
	}
}

func trimBrackets(s string) string {
	if s[0] == '[' {
		return s[1 : len(s)-1]
	}
	return s
}

func TestGuardedNames(t *testing.T) {
	t.Run("SSRF-020", func(t *testing.T) {
		// Whoever looked first saw a public address; the connection sees the next answer.
		c, let := guarded(t, func(n int32, v4 bool) []string {
			switch {
			case !v4:
				return nil
			case n == 1:
				return []string{"1.1.1.1"}
			}
			return []string{"127.0.0.1"}
		})
		_, err := c.Do(t.Context(), Request{URL: "https://rebind.example/"})
		wantReason(t, err, ReasonNetwork) // let through to the public address, which tests do not open
		if let.Load() != 1 {
			t.Fatalf("%d connections let through, want the public one", let.Load())
		}
		_, err = c.Do(t.Context(), Request{URL: "https://rebind.example/"})
		wantReason(t, err, ReasonBlocked)
		if let.Load() != 1 {
			t.Fatal("the guard let a connection through after rebinding")
		}
	})
	t.Run("SSRF-021", func(t *testing.T) {
		c, let := guarded(t, func(_ int32, v4 bool) []string {
			if v4 {
				return []string{"1.1.1.1", "10.0.0.1"}
			}
			return []string{"2606:4700:4700::1111", "fd00::1"}
		})
		_, err := c.Do(t.Context(), Request{URL: "https://mixed.example/"})
		wantReason(t, err, ReasonBlocked)
		if let.Load() != 0 {
			t.Fatal("the guard let a connection through")
		}
	})
	t.Run("control checks at connect", func(t *testing.T) {
		g := newGuard()
		_, err := g.dialer.DialContext(t.Context(), "tcp", "127.0.0.1:443")
		wantReason(t, guardError(err), ReasonBlocked)
	})
}
