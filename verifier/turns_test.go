package verifier_test

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/statuslist"
	"facet/verifier"
)

// A gate is a trust store that lets nobody through until it is opened, and
// counts who waits.
type gate struct {
	credentials.TrustStore
	inside, peak atomic.Int32
	open         chan struct{}
}

func (g *gate) IssuerKey(ctx context.Context, q credentials.TrustQuery) (*credentials.Issuer, error) {
	n := g.inside.Add(1)
	defer g.inside.Add(-1)
	for most := g.peak.Load(); n > most && !g.peak.CompareAndSwap(most, n); most = g.peak.Load() {
	}
	<-g.open
	return g.TrustStore.IssuerKey(ctx, q)
}

// TestOnePlatformUnderSiege answers more requests of one platform at once than
// it has turns: two for each processor are checked, so many wait, the others
// are told to come back and lose nothing; another platform answers meanwhile.
func TestOnePlatformUnderSiege(t *testing.T) {
	g := &gate{open: make(chan struct{})}
	r := newRig(t, func(r *rig) {
		g.TrustStore = r.w.trust
		r.change = func(p *verifier.Platform) { p.Trust, p.Status = g, r.status }
	})
	places := 2 * runtime.GOMAXPROCS(0)
	var answers []*answer
	for i := range places + verifier.MaxQueued + 5 {
		if i%100 == 99 {
			r.clock.advance(10 * time.Second) // budgets of calls
		}
		answers = append(answers, r.compose(r.begin("access", "cross_device"), twist{}))
	}
	other := r.compose(r.beginFor(keyOther, "access", "cross_device"), twist{})
	r.clock.advance(time.Minute)
	var all sync.WaitGroup
	var refused, taken atomic.Int32
	var again sync.Map
	for _, a := range answers {
		all.Go(func() {
			got := a.send()
			switch {
			case got.status == http.StatusOK:
				taken.Add(1)
			case got.status == http.StatusServiceUnavailable && strings.Contains(string(got.body), `"unavailable"`):
				refused.Add(1)
				again.Store(a, true)
			default:
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	for deadline := time.Now().Add(20 * time.Second); refused.Load() < 5 || int(g.inside.Load()) < places; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d are refused, %d are worked on", refused.Load(), g.inside.Load())
		}
	}
	if got := other.send(); got.status != http.StatusOK {
		t.Errorf("another platform: %d %s", got.status, got.body)
	}
	close(g.open)
	all.Wait()
	if int(g.peak.Load()) != places || int(taken.Load()) != places+verifier.MaxQueued || refused.Load() != 5 {
		t.Errorf("%d at once, %d taken, %d refused", g.peak.Load(), taken.Load(), refused.Load())
	}
	again.Range(func(a, _ any) bool {
		if got := a.(*answer).send(); got.status != http.StatusOK {
			t.Errorf("when it is over: %d %s", got.status, got.body)
		}
		return true
	})
}

// A waitingRoom is a status checker whose list does not come.
type waitingRoom struct {
	inside atomic.Int32
	open   chan struct{}
}

func (w *waitingRoom) Check(context.Context, statuslist.Query) error {
	w.inside.Add(1)
	<-w.open
	return nil
}

// TestNoTurnForWaiting: who waits for somebody's status list keeps nobody from
// their turn.
func TestNoTurnForWaiting(t *testing.T) {
	w := &waitingRoom{open: make(chan struct{})}
	r := newRig(t, func(r *rig) {
		r.change = func(p *verifier.Platform) { p.Trust, p.Status = r.w.trust, w }
	})
	n := 2*runtime.GOMAXPROCS(0) + 3
	var all sync.WaitGroup
	for range n {
		a := r.compose(r.begin("access", "cross_device"), twist{parts: func(a *answer) {
			a.parts["member"] = r.member(func(i *credentials.Issuance, _ *identity) {
				i.Status = &statuslist.Reference{URI: "https://abo.example/status", Index: 1}
			})
		}})
		all.Go(func() {
			if got := a.send(); got.status != http.StatusOK {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	for deadline := time.Now().Add(10 * time.Second); int(w.inside.Load()) < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("%d of %d wait for the list", w.inside.Load(), n)
			break
		}
	}
	close(w.open)
	all.Wait()
}
