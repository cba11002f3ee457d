package verifier_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/audit"
	"facet/store"
	"facet/store/storetest"
	"facet/verifier"
)

// another starts a second verifier on the same store, as another node does,
// with a clock of its own.
func (r *rig) another(node string, clock *clock, s store.Store) *rig {
	r.t.Helper()
	twin := *r
	twin.clock, twin.store, twin.node = clock, s, node
	twin.start()
	return &twin
}

// leaders names those who have the lease.
func leaders(rigs ...*rig) (names []string) {
	for _, r := range rigs {
		if r.engine.Duties().Leads {
			names = append(names, r.node)
		}
	}
	return names
}

// TestOneSweeps: of three nodes one sweeps, and another takes over when it is
// gone: at once when it resigned, after LeaseTTL when it died.
func TestOneSweeps(t *testing.T) {
	a := newRig(t, func(r *rig) { r.node = "a" })
	b, c := a.another("b", a.clock, a.store), a.another("c", a.clock, a.store)
	sweep := func(rigs ...*rig) string {
		for _, r := range rigs {
			r.sweep()
		}
		return strings.Join(leaders(a, b, c), " ")
	}
	if got := sweep(a, b, c); got != "a" {
		t.Fatalf("at first %q sweeps", got)
	}
	for range 10 { // renewed again and again
		a.clock.advance(2 * time.Second)
		if got := sweep(c, b, a); got != "a" {
			t.Fatalf("then %q sweeps", got)
		}
	}
	gone := a.engine // a dies; its successor is another process
	a.start()
	a.node = "died"
	waited := time.Duration(0)
	for ; sweep(b, c) != "b"; waited += 2 * time.Second {
		if waited > 15*time.Second {
			t.Fatal("nobody takes over")
		}
		a.clock.advance(2 * time.Second)
	}
	if waited < verifier.LeaseTTL-4*time.Second {
		t.Errorf("taken over after %v, while it may have been alive", waited)
	}
	if err := gone.Sweep(t.Context()); err != nil || gone.Duties().Leads {
		t.Errorf("the one that came back: leads %v, %v", gone.Duties().Leads, err)
	}
	if err := b.engine.Resign(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := sweep(c, b); got != "c" {
		t.Errorf("after b resigned %q sweeps", got)
	}
}

// TestLeaseNeedsNoClock: nodes whose clocks are ten minutes apart neither take
// the lease from each other nor wait for longer.
func TestLeaseNeedsNoClock(t *testing.T) {
	for name, off := range map[string]time.Duration{"fast": 10 * time.Minute, "slow": -10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			a := newRig(t, func(r *rig) { r.node = "a" })
			b := a.another("b", &clock{now: a.clock.Now().Add(off)}, a.store)
			pass := func(d time.Duration, alive ...*rig) {
				a.clock.advance(d)
				b.clock.advance(d)
				for _, r := range alive {
					r.sweep()
				}
			}
			for range 20 {
				if pass(2*time.Second, a, b); strings.Join(leaders(a, b), " ") != "a" {
					t.Fatalf("%v sweep", leaders(a, b))
				}
			}
			for range 7 { // 14 s
				pass(2*time.Second, b)
			}
			if !b.engine.Duties().Leads {
				t.Error("it does not take over")
			}
		})
	}
}

// TestOnlyTheLeaderLooks: what is due, and what a crash left, is done by the one
// with the lease; a node that starts asks it to look, and reads no transaction.
func TestOnlyTheLeaderLooks(t *testing.T) {
	log := &valve{}
	a := newRig(t, func(r *rig) { r.node = "a"; withValve(log)(r) })
	a.sweep()
	counting := &storetest.Faulty{Store: a.store}
	b := a.another("b", a.clock, counting)
	var begun []begun
	for range 50 {
		begun = append(begun, b.begin("access", "same_device"))
	}
	log.shut.Store(true)
	b.compose(begun[0], twist{}).send() // accepted, not logged; then b dies
	log.shut.Store(false)

	before := counting.Calls()
	b = a.another("b2", a.clock, counting)
	started := counting.Calls()
	b.sweep()
	if n := counting.Calls() - started; n > 4 {
		t.Errorf("a node's first sweep beside another costs %d calls of the store", n)
	}
	if started-before > 5 {
		t.Errorf("a start costs %d calls of the store", started-before)
	}
	if got := a.api(keyNews, "GET", "/v1/requests/"+begun[0].ID, ""); got.field("state") != "accepted" {
		t.Fatalf("before the leader looked: %s", got.body)
	}
	a.sweep()
	if got := a.api(keyNews, "GET", "/v1/requests/"+begun[0].ID, ""); got.field("state") != "released" {
		t.Errorf("after the leader looked: %s", got.body)
	}
	a.clock.advance(verifier.TTL - 4*time.Second)
	a.sweep() // renews its lease
	b.sweep()
	a.clock.advance(4 * time.Second)
	b.sweep()
	if got := a.api(keyNews, "GET", "/v1/requests/"+begun[1].ID, ""); got.field("state") != "expired" {
		t.Fatalf("%s", got.body)
	}
	a.wantResults(1) // b has ended nothing
	a.sweep()
	a.wantResults(50)
	a.wantPairs()
}

// TestDeadNode: what a node that died had accepted and not released is found by
// the one that sweeps, long before it is due; one look is enough for it, however
// many die at once, and a node that stops in order, or only pauses, causes none.
func TestDeadNode(t *testing.T) {
	log := &valve{}
	counting := &storetest.Faulty{}
	a := newRig(t, func(r *rig) { r.node = "a"; withValve(log)(r); counting.Store = r.store; r.store = counting })
	looks := 0
	counting.Decide = func(c storetest.Call) storetest.Fault {
		if c.Op == "swap" && c.Key == "lease/look" {
			looks++
		}
		return storetest.None
	}
	b, c, d := a.another("b", a.clock, counting), a.another("c", a.clock, counting), a.another("d", a.clock, counting)
	pass := func(d time.Duration, alive ...*rig) {
		for ; d > 0; d -= 2 * time.Second {
			a.clock.advance(2 * time.Second)
			for _, r := range alive {
				r.sweep()
			}
		}
	}
	pass(30*time.Second, a, b, c, d)
	if err := d.engine.Resign(t.Context()); err != nil {
		t.Fatal(err)
	}
	looks = 0
	pass(60*time.Second, a, b, c)
	if strings.Join(leaders(a, b, c), " ") != "a" || looks != 0 {
		t.Fatalf("%v sweep, after %d looks for nothing", leaders(a, b, c), looks)
	}
	began := b.begin("access", "same_device")
	log.shut.Store(true)
	b.compose(began, twist{}).send() // accepted, not logged; then b dies, and c
	log.shut.Store(false)
	state := func() string { return a.api(keyNews, "GET", "/v1/requests/"+began.ID, "").field("state") }
	pass(verifier.DeadAfter-4*time.Second, a)
	if got := state(); got != "accepted" {
		t.Fatalf("while they may be alive: %s", got)
	}
	pass(8*time.Second, a)
	if got := state(); got != "released" || looks == 0 || looks > 2 {
		t.Errorf("%s, after %d looks", got, looks)
	}
	pass(60*time.Second, a)
	if looks > 2 {
		t.Errorf("%d looks for two dead", looks)
	}
}

// wantResults fails unless the log has so many results.
func (r *rig) wantResults(want int) {
	r.t.Helper()
	n := 0
	for _, e := range r.entries() {
		if _, ok := e.(*audit.Result); ok {
			n++
		}
	}
	if n != want {
		r.t.Errorf("%d results in the log, want %d", n, want)
	}
}

// A pausing store holds one process at one call of its own and at all that
// follow, as a stopped process is held, until it is let go.
type pausing struct {
	store.Store
	mu     sync.Mutex
	left   int           // calls until the pause; 0: none
	paused chan struct{} // closed when it began
	resume chan struct{} // closed when it is over
}

func (p *pausing) pause() {
	p.mu.Lock()
	if p.left > 0 {
		if p.left--; p.left == 0 {
			close(p.paused)
		}
	}
	held := p.held()
	p.mu.Unlock()
	if held {
		<-p.resume
	}
}

func (p *pausing) held() bool {
	select {
	case <-p.paused:
		return true
	default:
		return false
	}
}

func (p *pausing) Swap(ctx context.Context, key string, old store.Version, value []byte) (store.Version, error) {
	p.pause()
	return p.Store.Swap(ctx, key, old, value)
}

func (p *pausing) Delete(ctx context.Context, key string, old store.Version) error {
	p.pause()
	return p.Store.Delete(ctx, key, old)
}

func (p *pausing) Get(ctx context.Context, key string) ([]byte, store.Version, error) {
	p.pause()
	return p.Store.Get(ctx, key)
}

// TestPausedHolder stops the one with the lease at every single call of its
// store, lets another take over, do the same work and more, and then lets the
// first go on: it notices, stops, and does no harm. Each request keeps exactly
// one ending, and what a reused idempotency key stands for stays.
func TestPausedHolder(t *testing.T) {
	for nth := 1; ; nth++ {
		p := &pausing{Store: store.Memory(), paused: make(chan struct{}), resume: make(chan struct{})}
		a := newRig(t, func(r *rig) { r.store, r.node = p, "a" })
		b := a.another("b", a.clock, p.Store)
		tied := func() string {
			got := b.do(call{method: "POST", url: baseURL + "/v1/requests", key: keyNews, contentType: "application/json",
				body: `{"policy":"access","flow":"cross_device"}`, header: map[string]string{"Idempotency-Key": "tied"}})
			if got.field("id") == "" {
				t.Fatalf("begin: %d %s", got.status, got.body)
			}
			return got.field("id")
		}
		tied()
		a.released()
		a.clock.advance(verifier.TTL + time.Second)
		a.sweep() // one has expired, the other is kept
		a.clock.advance(13 * time.Hour)

		p.mu.Lock()
		p.left = nth
		p.mu.Unlock()
		done := make(chan error)
		go func() { done <- a.engine.Sweep(t.Context()) }() // ends below
		select {
		case err := <-done: // it needed fewer calls: all were tried
			if err != nil {
				t.Fatal(err)
			}
			if nth < 12 {
				t.Fatalf("only %d calls were stopped", nth)
			}
			return
		case <-p.paused:
		}
		for range 8 {
			b.sweep()
			a.clock.advance(2 * time.Second)
		}
		if !b.engine.Duties().Leads {
			t.Fatalf("call %d: nobody took over", nth)
		}
		fresh := tied() // the key is free again, and used
		close(p.resume)
		if err := <-done; err != nil {
			t.Errorf("call %d: %v", nth, err)
		}
		b.sweep()
		a.sweep()
		if got := leaders(a, b); len(got) != 1 {
			t.Errorf("call %d: %v sweep", nth, got)
		}
		if again := tied(); again != fresh {
			t.Errorf("call %d: the idempotency key stands for another request", nth)
		}
		a.clock.advance(verifier.TTL + verifier.Grace)
		b.sweep()
		b.clock.advance(verifier.Grace)
		b.sweep()
		a.wantPairs()
		a.wantOnce(audit.KindRetention)
		a.wantForgotten()
	}
}

// wantOnce fails unless entries of this kind, told apart by id, follow
// different results.
func (r *rig) wantOnce(kind audit.Kind) {
	r.t.Helper()
	ids := map[audit.ID]bool{}
	for _, e := range r.entries() {
		if e.Common().Kind == kind {
			ids[e.Common().ID] = true
		}
	}
	if len(ids) != 1 {
		r.t.Errorf("%d entries of kind %s", len(ids), kind)
	}
}

// wantForgotten fails unless nothing of any transaction is stored.
func (r *rig) wantForgotten() {
	r.t.Helper()
	for key, err := range r.store.Keys(r.t.Context(), "", "") {
		if err != nil {
			r.t.Fatal(err)
		}
		if !strings.HasPrefix(key, "policy/") && key != "weakenings" && key != "lease/sweep" {
			r.t.Errorf("%s is left behind", key)
		}
	}
	if n := r.sealedKeys(); n != 0 {
		r.t.Errorf("%d transaction keys are left behind", n)
	}
}
