package verifier

import (
	"context"
	"sync"
	"time"
)

// How webhooks leave: so many attempts under way in all, so many of them to
// servers that failed last time, so many to one platform, and one at a time to
// one that failed. A platform's further ones wait in the store.
const (
	hooksAtOnce   = 256
	slowAtOnce    = 192
	hooksEach     = 4
	maxWaiting    = 128
	maxAnnounced  = 4096
	announceTries = 4
)

// A lane is one platform's webhooks on their way. What one platform's server
// does to its lane is felt in no other.
type lane struct {
	waiting []string        // keys, oldest first
	known   map[string]bool // keys waiting or under way
	busy    map[string]bool // transactions that are told about right now: the next one waits
	flying  int
	slow    bool // its server failed last time
}

// A courier is one Deliver at work; only that goroutine touches it.
type courier struct {
	v      *Verifier
	lanes  map[string]*lane
	flying int
	slow   int // of them, to servers that failed last time
	landed chan landing
	wg     sync.WaitGroup
}

// A landing is an attempt that ended.
type landing struct {
	lane, key string
	slow      bool
	sent
}

// Deliver sends webhooks until ctx ends, or until ticks is closed and nothing
// is left to send now. What is announced in this process leaves at once; what
// was put off, or what a process left behind that is gone, is looked for at
// every tick by the process that has Sweep's lease. failed is told of errors of
// the store; what met one is tried again. Deliver waits for attempts under way.
func (v *Verifier) Deliver(ctx context.Context, ticks <-chan time.Time, failed func(error)) {
	c := &courier{v: v, lanes: make(map[string]*lane), landed: make(chan landing)}
	defer c.wait()
	for ticks != nil || c.flying > 0 || len(v.announced) > 0 {
		select {
		case <-ctx.Done():
			return
		case key := <-v.announced:
			c.add(key)
		case _, open := <-ticks:
			if !open {
				ticks = nil
			} else if err := c.scan(ctx); err != nil {
				failed(err)
			}
		case l := <-c.landed:
			if c.land(l); l.err != nil && ctx.Err() == nil {
				failed(l.err)
			}
		}
		c.launch(ctx)
	}
}

// wait drains the attempts that are under way when Deliver ends.
func (c *courier) wait() {
	for ; c.flying > 0; c.flying-- {
		<-c.landed
	}
	c.wg.Wait()
}

// add puts a webhook into its platform's lane and reports whether there was
// room for it.
func (c *courier) add(key string) bool {
	h, ok := parseHook(key)
	if !ok {
		return true
	}
	l := c.lanes[h.platform]
	if l == nil {
		l = &lane{known: make(map[string]bool), busy: make(map[string]bool)}
		c.lanes[h.platform] = l
	}
	if l.known[key] {
		return true
	}
	if len(l.waiting) >= maxWaiting {
		return false
	}
	l.waiting, l.known[key] = append(l.waiting, key), true
	return true
}

// scan finds the webhooks that are due, platform by platform: it passes over
// what one of them has beyond the room in its lane.
func (c *courier) scan(ctx context.Context) error {
	if !c.v.leads() {
		c.v.backlog.Store(&backlog{})
		return nil
	}
	now, found := c.v.cfg.Now(), &backlog{}
	after := ""
	for again := true; again; {
		again = false
		for key, err := range c.v.cfg.Store.Keys(ctx, hookPrefix, after) {
			if err != nil {
				return unavailable("list webhooks", err)
			}
			h, ok := parseHook(key)
			if !ok {
				continue
			}
			if due := !h.at.After(now); due {
				found.add(h.at)
			}
			if h.at.After(now) || !c.add(key) { // on to the next platform: what sorts after "hook/<this one>/"
				after, again = hookPrefix+h.platform+"0", true
				break
			}
		}
	}
	c.v.backlog.Store(found)
	return nil
}

// launch starts what may start now.
func (c *courier) launch(ctx context.Context) {
	for name, l := range c.lanes {
		for c.flying < hooksAtOnce && l.mayFly() && (!l.slow || c.slow < slowAtOnce) {
			key := l.next()
			if key == "" {
				break
			}
			c.start(ctx, name, l, key)
		}
		if l.flying == 0 && len(l.waiting) == 0 && !l.slow {
			delete(c.lanes, name)
		}
	}
}

func (l *lane) mayFly() bool { return l.flying < hooksEach && (!l.slow || l.flying == 0) }

// next takes the oldest webhook whose transaction is not being told about.
func (l *lane) next() string {
	for i, key := range l.waiting {
		if h, _ := parseHook(key); !l.busy[h.tx] {
			l.waiting = append(l.waiting[:i:i], l.waiting[i+1:]...)
			return key
		}
	}
	return ""
}

func (c *courier) start(ctx context.Context, name string, l *lane, key string) {
	h, _ := parseHook(key)
	l.busy[h.tx] = true
	l.flying++
	c.flying++
	flight := landing{lane: name, key: key, slow: l.slow}
	if l.slow {
		c.slow++
	}
	c.wg.Go(func() { // ends in wait
		flight.sent = c.v.sendSoon(ctx, key)
		c.landed <- flight
	})
}

func (c *courier) land(f landing) {
	h, _ := parseHook(f.key)
	l := c.lanes[f.lane]
	delete(l.busy, h.tx)
	delete(l.known, f.key)
	l.flying--
	c.flying--
	if f.slow {
		c.slow--
	}
	if f.tried {
		l.slow = !f.taken
	}
}

// sendSoon sends a webhook that was announced a moment before its transaction
// took the state. If that does not happen, the next scan finds it.
func (v *Verifier) sendSoon(ctx context.Context, key string) (s sent) {
	wait := 5 * time.Millisecond
	for range announceTries {
		if s = v.sendHook(ctx, key); !s.early {
			return s
		}
		select {
		case <-ctx.Done():
			return s
		case <-time.After(wait):
			wait *= 4
		}
	}
	return s
}

// A backlog is what a scan found due.
type backlog struct {
	n      int
	oldest time.Time
}

func (b *backlog) add(at time.Time) {
	if b.n++; b.oldest.IsZero() || at.Before(b.oldest) {
		b.oldest = at
	}
}
