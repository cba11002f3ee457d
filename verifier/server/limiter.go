package server

import (
	"hash/maphash"
	"math"
	"net/netip"
	"sync"
	"time"
)

// MaxTracked is how many names (platforms and address prefixes) a limiter
// remembers at most. Who is remembered longest is who asked most.
const MaxTracked = 1 << 16

// A budget is one thing that is counted apart from the others.
type budget uint8

// The budgets. The first are of address prefixes, the others of platforms.
const (
	budgetWallet budget = iota
	budgetOFREP
	budgetLog
	budgetPages
	budgetFailedKeys
	budgetCalls
	budgetMisses
	budgets // how many there are
)

// budgetNames are the words for them in the configuration and the figures.
var budgetNames = [budgets]string{"wallet", "ofrep", "log", "pages", "failed_keys", "calls", "misses"}

// Limits are how many acts a minute are allowed, with a minute's worth at once.
// Zero means the default. The first five are of one address: a single IPv4
// address or an IPv6 /64. Its surroundings, an IPv4 /24 or an IPv6 /48, have
// WideFactor times as much. The others are of one platform.
type Limits struct {
	Wallet     int `json:"wallet"`      // calls of /wallet
	OFREP      int `json:"ofrep"`       // evaluations with a hint token
	Log        int `json:"log"`         // reads of the log
	Pages      int `json:"pages"`       // the auditor's console and other pages
	FailedKeys int `json:"failed_keys"` // calls of the platform API with a wrong key

	Calls   int `json:"calls"`   // calls of the platform API
	Misses  int `json:"misses"`  // look-ups that found nothing
	Streams int `json:"streams"` // event streams open at once
}

// WideFactor is how much more an address's surroundings may do than itself.
const WideFactor = 4

// DefaultLimits let fifty readers behind one address ask, answer and check
// their receipts within one minute.
var DefaultLimits = Limits{
	Wallet: 600, OFREP: 1200, Log: 1200, Pages: 600, FailedKeys: 60,
	Calls: PlatformRate, Misses: GuessRate, Streams: MaxStreamsEach,
}

// or returns l with zeros replaced by d's.
func (l Limits) or(d Limits) Limits {
	for _, f := range []struct{ have, otherwise *int }{
		{&l.Wallet, &d.Wallet}, {&l.OFREP, &d.OFREP}, {&l.Log, &d.Log}, {&l.Pages, &d.Pages}, {&l.FailedKeys, &d.FailedKeys},
		{&l.Calls, &d.Calls}, {&l.Misses, &d.Misses}, {&l.Streams, &d.Streams},
	} {
		if *f.have == 0 {
			*f.have = *f.otherwise
		}
	}
	return l
}

// rate is a budget's acts a minute.
func (l Limits) rate(b budget) int {
	return [budgets]int{l.Wallet, l.OFREP, l.Log, l.Pages, l.FailedKeys, l.Calls, l.Misses}[b]
}

// A subject is who is counted: an address prefix or a platform's name, for one
// budget.
type subject struct {
	prefix netip.Prefix
	name   string
	budget budget
}

// shards is how many parts a limiter has, each with a lock of its own.
const shards = 32

// A limiter counts acts of subjects. It keeps one number for each, the time at
// which its budget is whole again (the generic cell rate algorithm), in a table
// that does not grow: a new subject takes the place of one whose budget is
// whole, which is as good as forgotten, or else of the one that used least of
// a few. A flood of addresses therefore costs no memory, and does not make the
// limiter forget who causes it.
type limiter struct {
	seed  maphash.Seed
	shard [shards]shard
}

type shard struct {
	mu    sync.Mutex // guards the rest
	at    map[subject]int
	slots []slot
	hand  int // where the search for a place goes on
}

type slot struct {
	who   subject
	whole int64 // Unix nanoseconds
}

// look is how many places a new subject's search looks at.
const look = 8

func newLimiter() *limiter { return &limiter{seed: maphash.MakeSeed()} }

// allow takes one act from the subject's budget. If there was none it returns
// false and how long to wait for the next.
func (l *limiter) allow(who subject, perMinute int, now time.Time) (bool, time.Duration) {
	if perMinute <= 0 {
		return false, time.Minute
	}
	each := int64(time.Minute) / int64(perMinute)
	s := &l.shard[maphash.Comparable(l.seed, who)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	n := now.UnixNano()
	place := s.place(who, n)
	whole := max(s.slots[place].whole, n)
	if wait := whole + each - n - int64(time.Minute); wait > 0 {
		return false, time.Duration(wait)
	}
	s.slots[place].whole = whole + each
	return true, 0
}

// place finds the subject's place, or makes one. The caller holds the lock.
func (s *shard) place(who subject, now int64) int {
	if i, ok := s.at[who]; ok {
		return i
	}
	if s.at == nil {
		s.at = make(map[subject]int)
	}
	i := len(s.slots)
	if i < MaxTracked/shards {
		s.slots = append(s.slots, slot{who: who})
	} else {
		i = s.evict(now)
		s.slots[i] = slot{who: who}
	}
	s.at[who] = i
	return i
}

// evict frees a place: the first of a few whose budget is whole, or the one
// that will be soonest.
func (s *shard) evict(now int64) int {
	best, soonest := 0, int64(math.MaxInt64)
	for range look {
		s.hand = (s.hand + 1) % len(s.slots)
		if w := s.slots[s.hand].whole; w < soonest {
			best, soonest = s.hand, w
		}
		if soonest <= now {
			break
		}
	}
	delete(s.at, s.slots[best].who)
	return best
}

// tracked is how many subjects the limiter remembers.
func (l *limiter) tracked() (n int) {
	for i := range l.shard {
		s := &l.shard[i]
		s.mu.Lock()
		n += len(s.slots)
		s.mu.Unlock()
	}
	return n
}

// places are a number of things that may be open at once.
type places struct {
	all int

	mu    sync.Mutex // guards the rest
	taken map[string]int
	sum   int
}

func newPlaces(all int) *places { return &places{all: all, taken: make(map[string]int)} }

// take reports whether there was a place for the name, which may have each of
// them; leave returns it.
func (p *places) take(name string, each int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sum >= p.all || p.taken[name] >= each {
		return false
	}
	p.taken[name]++
	p.sum++
	return true
}

func (p *places) leave(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken[name]--; p.taken[name] == 0 {
		delete(p.taken, name)
	}
	p.sum--
}
