package verifier_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/verifier"
)

// courier runs Deliver as a node does, until the test ends. Ticks are the
// test's.
func (r *rig) courier() (tick func(), stop func()) {
	ctx, cancel := context.WithCancel(r.t.Context())
	ticks := make(chan time.Time)
	var wg sync.WaitGroup
	wg.Go(func() { r.engine.Deliver(ctx, ticks, func(err error) { r.t.Errorf("deliver: %v", err) }) })
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	r.t.Cleanup(stop)
	return func() { ticks <- time.Time{} }, stop
}

// within waits for something that should be there soon.
func within(t *testing.T, d time.Duration, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(d); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, d)
		}
	}
}

// TestWebhookLeavesAtOnce: nobody sweeps and nothing ticks, and yet the
// platform hears of its result.
func TestWebhookLeavesAtOnce(t *testing.T) {
	r, l := newListening(t)
	r.courier()
	b, _ := r.released()
	var got []delivery
	within(t, 5*time.Second, "the webhook", func() bool { got = l.take(); return len(got) > 0 })
	if len(got) != 1 || !strings.Contains(got[0].body, b.ID) || !strings.Contains(got[0].body, "request.released") {
		t.Errorf("got %+v", got)
	}
}

// A hanging server answers nothing for half a minute, or until it is let go.
type hanging struct {
	mu        sync.Mutex
	now, most int // calls at once
	all       int
	release   chan struct{}
}

func (h *hanging) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // or the server does not notice that the caller left
	h.mu.Lock()
	h.now++
	h.all++
	h.most = max(h.most, h.now)
	h.mu.Unlock()
	select {
	case <-h.release:
	case <-r.Context().Done():
	case <-time.After(30 * time.Second):
	}
	h.mu.Lock()
	h.now--
	h.mu.Unlock()
	w.WriteHeader(http.StatusServiceUnavailable)
}

// TestSlowEndpointDelaysNobody: one platform's server hangs for 30 s with every
// webhook it gets; another platform's arrive meanwhile, each at once, and the
// hanging one is never asked more than a few at a time.
func TestSlowEndpointDelaysNobody(t *testing.T) {
	slow := &hanging{release: make(chan struct{})}
	slowServer := httptest.NewServer(slow)
	t.Cleanup(slowServer.Close)
	quick := &listener{status: http.StatusOK}
	quickServer := httptest.NewServer(quick)
	t.Cleanup(quickServer.Close)
	secrets := [][]byte{newSecret, oldSecret}
	r := newRig(t, func(r *rig) {
		r.change = func(p *verifier.Platform) {
			p.Webhook = &verifier.Webhook{URL: slowServer.URL, Secrets: secrets}
		}
		r.changeOther = func(p *verifier.Platform) {
			p.Webhook = &verifier.Webhook{URL: quickServer.URL, Secrets: secrets}
		}
	})
	tick, stop := r.courier()
	r.sweep()
	for range 12 { // all of them "news", whose server hangs
		r.released()
	}
	tick()
	within(t, 5*time.Second, "the slow server", func() bool { slow.mu.Lock(); defer slow.mu.Unlock(); return slow.now == 4 })
	for range 5 {
		got := r.api(keyOther, "POST", "/v1/requests", `{"policy":"access","flow":"cross_device"}`)
		if got.status != http.StatusCreated {
			t.Fatalf("begin: %d %s", got.status, got.body)
		}
		r.clock.advance(verifier.TTL)
		r.sweep() // expired
		tick()
		within(t, 5*time.Second, "the quick server's webhook", func() bool {
			for _, d := range quick.take() {
				if strings.Contains(d.body, got.field("id")) {
					return true
				}
			}
			return false
		})
	}
	close(slow.release)
	stop()
	if slow.most > 4 {
		t.Errorf("%d webhooks at once to one platform", slow.most)
	}
}

// TestWebhooksOldestFirst: what waited for a platform leaves in order of age, a
// few at a time, and what one request came to one after the other.
func TestWebhooksOldestFirst(t *testing.T) {
	t.Run("of one platform", func(t *testing.T) {
		r, l := newListening(t)
		var ids []string
		for range 12 {
			b, _ := r.released()
			ids = append(ids, b.ID)
			r.clock.advance(time.Second)
		}
		r.start() // the process that announced them is gone
		r.work()
		got := l.take()
		if len(got) != len(ids) {
			t.Fatalf("%d of %d", len(got), len(ids))
		}
		for place, d := range got {
			if age := slices.IndexFunc(ids, func(id string) bool { return strings.Contains(d.body, id) }); age > place+3 {
				t.Errorf("number %d came in place %d", age, place)
			}
		}
	})
	t.Run("of one request", func(t *testing.T) {
		l := &listener{status: http.StatusOK}
		slow := &hanging{release: make(chan struct{})}
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			rec := httptest.NewRecorder()
			l.ServeHTTP(rec, req)
			slow.ServeHTTP(w, req)
		}))
		t.Cleanup(s.Close)
		r := newRig(t, func(r *rig) {
			r.change = func(p *verifier.Platform) {
				p.Webhook = &verifier.Webhook{URL: s.URL, Secrets: [][]byte{newSecret, oldSecret}}
			}
		})
		r.courier()
		a := r.answered(t)
		calls := func() int { slow.mu.Lock(); defer slow.mu.Unlock(); return slow.all }
		within(t, 5*time.Second, "the first", func() bool { return calls() == 1 })
		offer, err := a.req.PolicyOffer()
		check(err)
		r.prove(a, "member", "withdraw", offer.WithdrawalEndpoint)
		time.Sleep(200 * time.Millisecond)
		if calls() != 1 {
			t.Fatal("the second did not wait for the first")
		}
		close(slow.release)
		within(t, 5*time.Second, "the second", func() bool { return calls() == 2 })
		got := l.take()
		if !strings.Contains(got[0].body, "request.released") || !strings.Contains(got[1].body, "request.withdrawn") {
			t.Errorf("got %+v", got)
		}
	})
}

// TestWebhookAfterKill: a process that dies while a webhook is under way leaves
// it to whoever sweeps, after the claim has ended, under the same id.
func TestWebhookAfterKill(t *testing.T) {
	l := &listener{status: http.StatusOK}
	slow := &hanging{release: make(chan struct{})}
	var first, mu = "", sync.Mutex{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		die := first == ""
		if die {
			first = req.Header.Get("webhook-id")
		}
		mu.Unlock()
		if die {
			slow.ServeHTTP(w, req)
			return
		}
		l.ServeHTTP(w, req)
	}))
	t.Cleanup(s.Close)
	r := newRig(t, func(r *rig) {
		r.change = func(p *verifier.Platform) {
			p.Webhook = &verifier.Webhook{URL: s.URL, Secrets: [][]byte{newSecret, oldSecret}}
		}
	})
	_, kill := r.courier()
	r.released()
	within(t, 5*time.Second, "the first attempt", func() bool { mu.Lock(); defer mu.Unlock(); return first != "" })
	kill()
	r.start() // the restart
	r.work()
	if got := l.take(); len(got) != 0 {
		t.Fatalf("sent while another process may be at it: %+v", got)
	}
	r.clock.advance(time.Minute)
	r.work()
	if got := l.take(); len(got) != 1 || got[0].id != first {
		t.Errorf("after the restart: %+v, the first was %s", got, first)
	}
	if r.work(); len(l.take()) != 0 {
		t.Error("it came again")
	}
}

// TestWebhookOutlivesTheRequest: that a request expired, or was taken back, is
// told although nothing of it is stored any more; that there is a result is not.
func TestWebhookOutlivesTheRequest(t *testing.T) {
	r, l := newListening(t)
	l.status = http.StatusServiceUnavailable
	b := r.begin("access", "cross_device")
	a := r.answered(t)
	offer, err := a.req.PolicyOffer()
	check(err)
	r.prove(a, "member", "withdraw", offer.WithdrawalEndpoint)
	r.released()
	r.clock.advance(verifier.TTL)
	for range 6 {
		r.work()
		r.clock.advance(4 * time.Hour)
	}
	r.work()
	if n := strings.Count(r.storedKeys(), "tx/"); n != 0 {
		t.Fatalf("%d transactions are still stored", n)
	}
	l.take()
	l.status = http.StatusOK
	r.clock.advance(13 * time.Hour)
	r.work()
	got := map[string]string{}
	for _, d := range l.take() {
		state := strings.SplitN(strings.SplitN(d.body, `"request.`, 2)[1], `"`, 2)[0]
		got[state] = d.body
	}
	if len(got) != 2 || !strings.Contains(got["expired"], b.ID) || got["withdrawn"] == "" {
		t.Errorf("told: %v", got)
	}
	if !strings.Contains(r.figures(), `webhooks_total{outcome="superseded"} 2`+"\n") {
		t.Error("what was not told is not counted")
	}
}

// storedKeys lists what is in the store, one key a line.
func (r *rig) storedKeys() string {
	var out strings.Builder
	for key, err := range r.store.Keys(r.t.Context(), "", "") {
		if err != nil {
			r.t.Fatal(err)
		}
		out.WriteString(key + "\n")
	}
	return out.String()
}

// TestRetryAfter: a server that says when it wants to be asked again is asked
// then.
func TestRetryAfter(t *testing.T) {
	var mu sync.Mutex
	calls := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		calls++
		mu.Unlock()
		w.Header().Set("Retry-After", "600")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	t.Cleanup(s.Close)
	r := newRig(t, func(r *rig) {
		r.change = func(p *verifier.Platform) {
			p.Webhook = &verifier.Webhook{URL: s.URL, Secrets: [][]byte{newSecret, oldSecret}}
		}
	})
	r.released()
	r.work()
	r.clock.advance(9 * time.Minute)
	if r.work(); calls != 1 {
		t.Errorf("%d attempts before the time it asked for", calls)
	}
	r.clock.advance(time.Minute)
	if r.work(); calls != 2 {
		t.Errorf("%d attempts after it", calls)
	}
}
