package hostile

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// MaxGrowth is how much the heap may have grown after the siege, in bytes.
const MaxGrowth = 64 << 20

// TestSiege mixes hostile requests of every kind with good exchanges: each good
// one succeeds; each hostile one is refused with a reason and without an echo;
// nothing answers 5xx but 503; afterwards neither goroutines nor memory are
// held. In a soak good exchanges may take twice as long at most, at p99. Quiet
// and besieged times take turns, and the median of their ten 99th percentiles
// is compared: a machine that is busy with something else is so in both.
func TestSiege(t *testing.T) {
	good, hostile, rounds := times(100, 1000), times(1000, 10_000), times(2, 10)
	s := newSiege(t)
	s.invite(times(48, 240))
	for i := range 8 {
		if _, err := s.exchange(i); err != nil {
			t.Fatal(err)
		}
	}
	goroutines := s.settle()
	at := heap()

	book := &ledger{t: t, s: s, kinds: map[string]int{}}
	var quiet, besieged phase
	for round := range rounds {
		calm := func() { quiet.add(func() []time.Duration { return s.exchanges(good / rounds) }) }
		storm := func() {
			besieged.add(func() []time.Duration {
				return s.among(book, round*hostile/rounds, (round+1)*hostile/rounds, good/rounds)
			})
		}
		if round%2 == 0 {
			calm()
			storm()
		} else {
			storm()
			calm()
		}
	}
	book.close()

	s.rest(goroutines)
	grown := int64(heap()) - int64(at)
	t.Logf("%d good exchanges without siege: %v", good, &quiet)
	t.Logf("%d good exchanges among %d hostile requests, %d of which were begun meanwhile: %v", good, hostile, min(book.meanwhile, hostile), &besieged)
	t.Logf("a good exchange costs %v of a processor, with its client; a hostile request %v, with its sender",
		(quiet.cpu / time.Duration(good)).Round(time.Microsecond), ((besieged.cpu - quiet.cpu) / time.Duration(hostile)).Round(time.Microsecond))
	t.Logf("answers to hostile requests by status: %v; the heap grew by %d KiB; %d goroutines, %d before", book.statuses, grown>>10, runtime.NumGoroutine(), goroutines)
	t.Logf("kinds: %v", book.kinds)
	if grown > MaxGrowth {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	if soak && besieged.typical() > 2*quiet.typical() {
		t.Errorf("good exchanges: p99 %v under siege, %v without", besieged.typical(), quiet.typical())
	}
}

const besiegersAtOnce = 32

// among makes n good exchanges while attacks are made, evenly over their time.
func (s *siege) among(book *ledger, from, to, n int) []time.Duration {
	var besiegers sync.WaitGroup
	next := atomic.Int64{}
	next.Store(int64(from))
	pace := besiegersAtOnce * between * time.Duration(n) / time.Duration(to-from)
	for who := range besiegersAtOnce {
		besiegers.Go(func() {
			time.Sleep(pace * time.Duration(who) / besiegersAtOnce) // not all at once
			tick := time.NewTicker(pace)
			defer tick.Stop()
			for i := int(next.Add(1)) - 1; i < to; i = int(next.Add(1)) - 1 {
				<-tick.C
				book.attack(i)
			}
		})
	}
	took := s.exchanges(n)
	book.meanwhile += int(next.Load()) - from
	besiegers.Wait()
	return took
}

// between is how often good exchanges begin.
var between = time.Duration(times(12, 25)) * time.Millisecond

// exchanges makes n good exchanges, begun one after the other at a steady pace
// whatever the others do, and returns how long each took.
func (s *siege) exchanges(n int) []time.Duration {
	took := make([]time.Duration, n)
	var all sync.WaitGroup
	tick := time.NewTicker(between)
	defer tick.Stop()
	for i := range n {
		<-tick.C
		all.Go(func() {
			var err error
			if took[i], err = s.exchange(i); err != nil {
				s.t.Errorf("a good exchange: %v", err)
			}
		})
	}
	all.Wait()
	slices.Sort(took)
	return took
}

// settle waits until the number of goroutines has not changed for half a
// second, and returns it: what the server has when nobody calls.
func (s *siege) settle() int {
	s.hangUp()
	n, since := runtime.NumGoroutine(), time.Now()
	for time.Since(since) < time.Second/2 {
		time.Sleep(10 * time.Millisecond)
		if now := runtime.NumGoroutine(); now != n {
			n, since = now, time.Now()
		}
	}
	return n
}

// rest waits until there are no more goroutines than there were.
func (s *siege) rest(before int) {
	s.t.Helper()
	s.hangUp()
	for deadline := time.Now().Add(20 * time.Second); runtime.NumGoroutine() > before; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			s.t.Fatalf("%d goroutines are left, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// hangUp ends the connections nobody uses.
func (s *siege) hangUp() {
	s.good.CloseIdleConnections()
	s.hostile.CloseIdleConnections()
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
