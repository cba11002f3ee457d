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
// held. In a soak good exchanges may take twice as long at most, at p99.
func TestSiege(t *testing.T) {
	good, hostile := times(100, 1000), times(1000, 10_000)
	s := newSiege(t)
	s.invite(times(48, 240))
	for i := range 8 {
		if _, err := s.exchange(i); err != nil {
			t.Fatal(err)
		}
	}
	idle := s.exchanges(good)
	goroutines := s.settle()
	at := heap()

	var besiegers sync.WaitGroup
	book := &ledger{t: t, s: s, kinds: map[string]int{}}
	var next atomic.Int64
	pace := besiegersAtOnce * between * time.Duration(good) / time.Duration(hostile)
	for range besiegersAtOnce {
		besiegers.Go(func() {
			tick := time.NewTicker(pace)
			defer tick.Stop()
			for i := int(next.Add(1)) - 1; i < hostile; i = int(next.Add(1)) - 1 {
				<-tick.C
				book.attack(i)
			}
		})
	}
	besieged := s.exchanges(good)
	besiegers.Wait()
	book.close()

	s.rest(goroutines)
	grown := int64(heap()) - int64(at)
	t.Logf("%d good exchanges: p50 %v, p99 %v idle; p50 %v, p99 %v among %d hostile requests", good,
		p(idle, 50), p(idle, 99), p(besieged, 50), p(besieged, 99), hostile)
	t.Logf("answers to hostile requests by status: %v; the heap grew by %d KiB; %d goroutines, %d before", book.statuses, grown>>10, runtime.NumGoroutine(), goroutines)
	t.Logf("kinds: %v", book.kinds)
	if grown > MaxGrowth {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	if !soak {
		return
	}
	again := s.exchanges(good) // the machine may have been busy otherwise
	if most := 2 * max(p(idle, 99), p(again, 99)); p(besieged, 99) > most {
		t.Errorf("good exchanges: p99 %v under siege, %v idle before, %v after", p(besieged, 99), p(idle, 99), p(again, 99))
	}
}

const besiegersAtOnce = 16

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

// p is a percentile of sorted times.
func p(sorted []time.Duration, percent int) time.Duration {
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)].Round(10 * time.Microsecond)
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
