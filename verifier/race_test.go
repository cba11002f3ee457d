package verifier_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"facet/store"
	"facet/store/storetest"
	"facet/verifier"
)

// A meddler is a store in which something happens right before the next write
// of a transaction: what a race does once in a thousand times, every time.
type meddler struct {
	store.Store
	before func()
	skip   int  // so many writes go through first
	blind  bool // the next read fails
}

func (m *meddler) Get(ctx context.Context, key string) ([]byte, store.Version, error) {
	if m.blind {
		m.blind = false
		return nil, 0, storetest.ErrFault
	}
	return m.Store.Get(ctx, key)
}

func (m *meddler) Swap(ctx context.Context, key string, old store.Version, value []byte) (store.Version, error) {
	if run := m.before; run != nil && strings.HasPrefix(key, "tx/") {
		if m.skip--; m.skip < 0 {
			m.before = nil
			run()
		}
	}
	return m.Store.Swap(ctx, key, old, value)
}

// forge spoils the key binding: the answer decrypts and fails a check.
var forge = twist{parts: func(a *answer) { a.parts["member"].kb["nonce"] = "another nonce" }}

// TestGarbageBurnsNothing: an answer that is right is taken although another
// one failed a check in the very moment between its checks and its claim.
func TestGarbageBurnsNothing(t *testing.T) {
	m := &meddler{Store: store.Memory()}
	r := newRig(t, func(r *rig) { r.store = m })
	t.Run("presentation", func(t *testing.T) {
		b := r.begin("access", "same_device")
		good, bad := r.compose(b, twist{}), r.compose(b, forge)
		m.before = func() { bad.send().want(t, http.StatusBadRequest, "invalid_request", "kb_nonce_mismatch") }
		got := good.send()
		if got.status != http.StatusOK {
			t.Fatalf("the right answer: %d %s", got.status, got.body)
		}
		if res := r.result(keyNews, b.ID, r.code(got)); res.status != http.StatusOK {
			t.Errorf("result: %d %s", res.status, res.body)
		}
	})
	t.Run("refusal", func(t *testing.T) {
		b := r.begin("access", "same_device")
		bad := r.compose(b, forge)
		m.before = func() { bad.send().want(t, http.StatusBadRequest, "invalid_request", "kb_nonce_mismatch") }
		got := r.do(call{method: "POST", url: bad.req.ResponseURI, contentType: bad.media, body: "error=access_denied&state=" + bad.req.State})
		if got.status != http.StatusOK {
			t.Fatalf("the refusal: %d %s", got.status, got.body)
		}
	})
	t.Run("too late", func(t *testing.T) {
		b := r.begin("access", "same_device")
		good := r.compose(b, twist{})
		m.before = func() {
			r.clock.advance(verifier.TTL + time.Second)
			r.sweep()
		}
		good.send().want(t, http.StatusBadRequest, "invalid_request", "transaction_expired")
	})
	r.wantPairs()
}

// TestUnreadableResultIsNotSpent: a reader who got 503 because the keys were
// away for a moment has not had the only read there is.
func TestUnreadableResultIsNotSpent(t *testing.T) {
	var away atomic.Bool
	r := newRig(t, func(r *rig) {
		r.keys = &storetest.Faulty{Store: store.Memory(), Decide: func(storetest.Call) storetest.Fault {
			if away.Load() {
				return storetest.FailBefore
			}
			return storetest.None
		}}
	})
	b, code := r.released()
	away.Store(true)
	r.result(keyNews, b.ID, code).want(t, http.StatusServiceUnavailable, "temporarily_unavailable", verifier.ReasonUnavailable)
	away.Store(false)
	if got := r.result(keyNews, b.ID, code); got.status != http.StatusOK {
		t.Fatalf("the second try: %d %s", got.status, got.body)
	}
	r.result(keyNews, b.ID, code).want(t, http.StatusForbidden, "access_denied", verifier.ReasonCodeUsed)
}

// TestTiesOfLostRequests: an idempotency key whose request never came to be,
// because the log was away or the process died, is not kept for good, and can
// be used again.
func TestTiesOfLostRequests(t *testing.T) {
	ties := func(r *rig) (n int) {
		for _, err := range r.store.Keys(t.Context(), "idem/", "") {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	begin := func(r *rig) reply {
		return r.do(call{method: "POST", url: baseURL + "/v1/requests", key: keyNews, contentType: "application/json",
			body: `{"policy":"access","flow":"cross_device"}`, header: map[string]string{"Idempotency-Key": "tied"}})
	}
	t.Run("the log is away", func(t *testing.T) {
		log := &valve{}
		r := newRig(t, withValve(log))
		log.shut.Store(true)
		begin(r).want(t, http.StatusServiceUnavailable, "temporarily_unavailable", verifier.ReasonUnavailable)
		if n := ties(r); n != 0 {
			t.Errorf("%d ties without a request", n)
		}
		log.shut.Store(false)
		if got := begin(r); got.status != http.StatusCreated {
			t.Errorf("the second try: %d %s", got.status, got.body)
		}
	})
	t.Run("a crash", func(t *testing.T) {
		b := &breaker{fault: storetest.FailBefore}
		r := newRig(t, func(r *rig) { r.store = &storetest.Faulty{Store: store.Memory(), Decide: b.decide} })
		b.nth = 3 // after the tie: Get, Swap
		begin(r).want(t, http.StatusServiceUnavailable, "temporarily_unavailable", verifier.ReasonUnavailable)
		*b = breaker{}
		if n := ties(r); n != 1 {
			t.Fatalf("the crash left %d ties", n)
		}
		r.clock.advance(verifier.TTL + verifier.Grace + time.Second)
		r.start()
		r.sweep()
		if n := ties(r); n != 0 {
			t.Errorf("%d ties without a request after a restart", n)
		}
	})
	t.Run("ties that hold", func(t *testing.T) {
		r := newRig(t)
		first := begin(r)
		r.start()
		r.sweep()
		if again := begin(r); first.field("id") == "" || again.field("id") != first.field("id") {
			t.Errorf("got %s, then %s", first.body, again.body)
		}
	})
}

// TestFirstSweepComesAgain: what a crash left is driven on although the store
// was away when the first sweep looked.
func TestFirstSweepComesAgain(t *testing.T) {
	b := &breaker{fault: storetest.FailBefore}
	log := &valve{}
	r := newRig(t, func(r *rig) {
		r.store = &storetest.Faulty{Store: store.Memory(), Decide: b.decide}
		withValve(log)(r)
	})
	req := r.begin("access", "same_device")
	log.shut.Store(true)
	if got := r.compose(req, twist{}).send(); got.status != http.StatusServiceUnavailable { // accepted, not logged
		t.Fatalf("%d %s", got.status, got.body)
	}
	log.shut.Store(false)
	r.start()
	*b = breaker{nth: 1, fault: storetest.FailBefore}
	if err := r.engine.Sweep(t.Context()); err == nil {
		t.Fatal("a sweep without a store")
	}
	*b = breaker{}
	r.sweep()
	if got := r.api(keyNews, "GET", "/v1/requests/"+req.ID, ""); got.field("state") != "released" {
		t.Errorf("%s", got.body)
	}
}

// TestLostRaceOnFailingStore: who loses the race for an answer, and then cannot
// even read who won it, is told to come again.
func TestLostRaceOnFailingStore(t *testing.T) {
	m := &meddler{Store: store.Memory()}
	r := newRig(t, func(r *rig) { r.store = m })
	a := r.compose(r.begin("access", "same_device"), twist{})
	m.skip, m.before = 1, func() { // accepted, but nobody was answered
		if got := a.send(); got.status != http.StatusOK {
			t.Errorf("the quicker one: %d %s", got.status, got.body)
		}
		m.blind = true
	}
	a.send().want(t, http.StatusServiceUnavailable, "temporarily_unavailable", verifier.ReasonUnavailable)
	a.send().want(t, http.StatusBadRequest, "invalid_request", verifier.ReasonUsed)
}

// TestNoSpace: a store whose disk is full is told to wallets and platforms as
// 503 with Retry-After, whichever write meets it, and costs nobody their answer.
func TestNoSpace(t *testing.T) {
	var full atomic.Bool
	r := newRig(t, func(r *rig) { r.store = &noSpace{r.store, &full} })
	b := r.begin("access", "same_device")
	a := r.compose(b, twist{})
	full.Store(true)
	for name, got := range map[string]reply{
		"begin":  r.api(keyNews, "POST", "/v1/requests", `{"policy":"access","flow":"cross_device"}`),
		"answer": a.send(),
	} {
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || got.field("code") != verifier.ReasonUnavailable {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if err := r.engine.Sweep(t.Context()); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("sweep: %v", err)
	}
	full.Store(false)
	if got := a.send(); got.status != http.StatusOK {
		t.Errorf("with room again: %d %s", got.status, got.body)
	}
	r.sweep()
	r.wantPairs()
}

// noSpace is a store on a disk that is full now and then.
type noSpace struct {
	store.Store
	full *atomic.Bool
}

func (s *noSpace) Swap(ctx context.Context, key string, old store.Version, value []byte) (store.Version, error) {
	if s.full.Load() {
		return 0, &fs.PathError{Op: "write", Path: "verifier.db", Err: syscall.ENOSPC}
	}
	return s.Store.Swap(ctx, key, old, value)
}
