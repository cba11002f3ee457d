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

// places are a number of things that may be open at once, and how many of them
// one name may have.
type places struct {
	all, each int

	mu    sync.Mutex // guards the rest
	taken map[string]int
	sum   int
}

func newPlaces(all, each int) *places {
	return &places{all: all, each: each, taken: make(map[string]int)}
}

// take reports whether there was a place for the name; leave returns it.
func (p *places) take(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sum >= p.all || p.taken[name] >= p.each {
		return false
	}
	p.taken[name]++
	p.sum++
	return true
}

func (p *places) leave(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken[name]--
	p.sum--
}
