package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

const (
	putsPerMinute  = 60  // saves of one account
	callsPerMinute = 120 // sign-in calls of one address
	maxBuckets     = 10_000
)

// limits are token buckets by name, in memory: they do not survive a restart
// and are not shared between processes, which is enough against floods.
type limits struct {
	now     func() time.Time
	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimits(now func() time.Time) *limits {
	return &limits{now: now, buckets: map[string]*bucket{}}
}

// allow takes one of perMinute tokens.
func (l *limits) allow(name string, perMinute float64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	b := l.buckets[name]
	if b == nil {
		if len(l.buckets) >= maxBuckets {
			l.forget(now)
		}
		b = &bucket{tokens: perMinute, at: now}
		l.buckets[name] = b
	}
	b.tokens = min(perMinute, b.tokens+now.Sub(b.at).Minutes()*perMinute)
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// forget drops the buckets that have been quiet for a minute, which are full
// again; when all are busy it starts afresh rather than grow.
func (l *limits) forget(now time.Time) {
	for name, b := range l.buckets {
		if now.Sub(b.at) >= time.Minute {
			delete(l.buckets, name)
		}
	}
	if len(l.buckets) >= maxBuckets {
		clear(l.buckets)
	}
}

// limitAddress slows floods of sign-ins from one address. The address is kept
// in memory for about a minute and nowhere else.
func (s *server) limitAddress(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !s.limits.allow("address "+caller(c.Request()), callsPerMinute) {
			return slowDown
		}
		return next(c)
	}
}

// caller is the address a request came from. A proxy on this machine, which is
// where TLS ends, is believed about whom it speaks for: else all people would
// share one bucket, and anyone could empty it. Only the last address counts, the
// one that proxy has seen itself.
func caller(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.Unmap().IsLoopback() {
		return host
	}
	said := r.Header.Values("X-Forwarded-For")
	if len(said) == 0 {
		return host
	}
	last := said[len(said)-1]
	if ip, err := netip.ParseAddr(strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])); err == nil {
		return ip.String()
	}
	return host
}
