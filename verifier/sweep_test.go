package verifier_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"facet/audit"
	"facet/store"
	"facet/store/storetest"
	"facet/verifier"
)

// TestSweepGoesPastWhatFails: records that fail whatever one does are left
// behind in one Sweep, so that the others get their turn in the next.
func TestSweepGoesPastWhatFails(t *testing.T) {
	broken := map[string]bool{}
	faulty := &storetest.Faulty{Store: store.Memory()}
	r := newRig(t, func(r *rig) { r.store = faulty })
	r.sweep() // has its first look behind it
	for range 100 {
		broken["tx/"+r.begin("access", "cross_device").ID] = true
	}
	r.clock.advance(time.Second)
	good := r.begin("access", "cross_device")
	r.clock.advance(verifier.TTL)
	faulty.Decide = func(c storetest.Call) storetest.Fault {
		if broken[c.Key] {
			return storetest.FailBefore
		}
		return storetest.None
	}
	before := faulty.Calls()
	if err := r.engine.Sweep(t.Context()); err == nil {
		t.Fatal("nothing failed")
	}
	if n := faulty.Calls() - before; n > 100 {
		t.Errorf("a sweep that fails calls the store %d times", n)
	}
	for range 5 {
		_ = r.engine.Sweep(t.Context()) // the same, further on
	}
	if got := r.api(keyNews, "GET", "/v1/requests/"+good.ID, ""); got.field("state") != "expired" {
		t.Errorf("%s", got.body)
	}
	r.wantResults(1)
}

// TestWithdrawnHalfway: a withdrawal that stopped before the log was told is
// finished by the worker at its next turn, hours before the deadline, although
// the node it began on is gone.
func TestWithdrawnHalfway(t *testing.T) {
	log := &valve{}
	a := newRig(t, func(r *rig) { r.node = "a"; withValve(log)(r) })
	a.sweep()
	b := a.another("b", a.clock, a.store)
	w := b.answered(t)
	b.clock.advance(verifier.TTL + time.Minute)
	a.sweep()
	offer, err := w.req.PolicyOffer()
	check(err)
	log.shut.Store(true)
	b.prove(w, "member", "withdraw", offer.WithdrawalEndpoint) // then b dies
	log.shut.Store(false)
	a.clock.advance(2 * time.Second)
	a.sweep()
	a.wantEntries(audit.KindConfig, audit.KindPolicy, audit.KindRequest, audit.KindResult, audit.KindWithdrawal, audit.KindErasure)
}

// A deleting store lets something happen right before a transaction is deleted.
type deleting struct {
	store.Store
	before func()
}

func (d *deleting) Delete(ctx context.Context, key string, old store.Version) error {
	if act := d.before; act != nil && strings.HasPrefix(key, "tx/") {
		d.before = nil
		act()
	}
	return d.Store.Delete(ctx, key, old)
}

// TestWithdrawnWhileForgotten: what is taken back in the very moment in which its
// retention ends, with the log away, is not forgotten before the log was told.
func TestWithdrawnWhileForgotten(t *testing.T) {
	log, s := &valve{}, &deleting{Store: store.Memory()}
	a := newRig(t, func(r *rig) { r.store, r.node = s, "a"; withValve(log)(r) })
	b := a.another("b", a.clock, s.Store)
	w := b.answered(t)
	offer, err := w.req.PolicyOffer()
	check(err)
	a.clock.advance(verifier.TTL)
	a.sweep()
	a.clock.advance(13 * time.Hour)
	s.before = func() {
		log.shut.Store(true)
		b.prove(w, "member", "withdraw", offer.WithdrawalEndpoint)
		log.shut.Store(false)
	}
	a.sweep()
	if s.before != nil {
		t.Fatal("nothing was forgotten: the test does not look")
	}
	a.sweep()
	a.sweep() // clears away a second due record
	a.wantOnce(audit.KindWithdrawal)
	a.wantOnce(audit.KindErasure)
	a.wantForgotten()
}

// TestRemovedPlatform takes a platform out of the configuration: its open
// requests get their endings, what it got is deleted in time.
func TestRemovedPlatform(t *testing.T) {
	r := newRig(t)
	r.begin("access", "cross_device")
	r.released()
	if err := r.engine.Reconfigure(t.Context(), r.platforms()[1:]); err != nil {
		t.Fatal(err)
	}
	r.clock.advance(verifier.TTL)
	r.sweep()
	r.wantPairs()
	r.clock.advance(13 * time.Hour)
	r.sweep()
	r.wantOnce(audit.KindRetention)
	r.wantForgotten()
}
