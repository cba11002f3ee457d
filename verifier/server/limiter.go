package server

import (
	"sync"
	"time"
)

// A limiter allows each name so many acts a minute, with a minute's worth at
// once. It keeps a few numbers per name and no history; names are platforms,
// so there are as many as are configured.
type limiter struct {
	perMinute float64
	now       func() time.Time

	mu      sync.Mutex // guards buckets
	buckets map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

func newLimiter(perMinute float64, now func() time.Time) *limiter {
	return &limiter{perMinute: perMinute, now: now, buckets: make(map[string]bucket)}
}

// allow takes one from the name's bucket and reports whether there was one.
func (l *limiter) allow(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	b, ok := l.buckets[name]
	if !ok {
		b = bucket{left: l.perMinute, at: now}
	}
	b.left = min(l.perMinute, b.left+now.Sub(b.at).Minutes()*l.perMinute)
	b.at = now
	allowed := b.left >= 1
	if allowed {
		b.left--
	}
	l.buckets[name] = b
	return allowed
}
