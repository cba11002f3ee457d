package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"facet/audit"
	"facet/store"
	"facet/store/storetest"
	"facet/verifier"
)

// A valve is a log that can be shut.
type valve struct {
	verifier.Log
	shut atomic.Bool
}

var errShut = errors.New("log is shut")

func (v *valve) Append(ctx context.Context, id string, leaf []byte) (uint64, error) {
	if v.shut.Load() {
		return 0, errShut
	}
	return v.Log.Append(ctx, id, leaf)
}

func withValve(v *valve) func(*rig) {
	return func(r *rig) { v.Log = r.log; r.wire = v }
}

// TestCrashes stops the verifier at every single store operation of an answer,
// before it happened and after, restarts it, and lets either the wallet's
// identical retransmission or the worker finish. Whatever happens: the result
// is released once, one request entry and one result entry are in the log.
func TestCrashes(t *testing.T) {
	for _, fault := range []storetest.Fault{storetest.FailBefore, storetest.FailAfter} {
		for _, where := range []string{"store", "keys"} {
			for _, by := range []string{"wallet", "worker"} {
				t.Run(fmt.Sprintf("%v %s %s", fault, where, by), func(t *testing.T) { crashEverywhere(t, fault, where, by) })
			}
		}
	}
}

// A breaker fails exactly the nth operation after it was armed, as a crash
// does, and every one after it until the restart.
type breaker struct {
	nth, n int
	down   bool
	fault  storetest.Fault
}

func (b *breaker) decide(storetest.Call) storetest.Fault {
	switch {
	case b.nth == 0:
		return storetest.None
	case b.down:
		return storetest.FailBefore
	}
	b.n++
	if b.n == b.nth {
		b.down = true
		return b.fault
	}
	return storetest.None
}

func crashEverywhere(t *testing.T, fault storetest.Fault, where, by string) {
	b := &breaker{fault: fault}
	r := newRig(t, func(r *rig) {
		faulty := &storetest.Faulty{Store: store.Memory(), Decide: b.decide}
		if where == "store" {
			r.store = faulty
		} else {
			r.keys = faulty
		}
	})
	answered, lost := 0, 0
	for nth := 1; ; nth++ {
		begun := r.begin("access", "same_device")
		a := r.compose(begun, twist{})
		*b = breaker{nth: nth, fault: fault}
		got := a.send()
		crashed := b.down
		*b = breaker{}
		r.start()
		if !crashed {
			if got.status != http.StatusOK {
				t.Fatalf("without a crash: %d %s", got.status, got.body)
			}
			break
		}
		if got.status == http.StatusOK {
			t.Fatalf("operation %d failed, yet the wallet was told 200", nth)
		}
		if by == "worker" {
			if err := r.engine.Sweep(t.Context()); err != nil {
				t.Fatalf("operation %d: sweep: %v", nth, err)
			}
		}
		again := a.send()
		switch {
		case again.status == http.StatusOK:
			answered++
			if res := r.result(keyNews, begun.ID, r.code(again)); res.status != http.StatusOK {
				t.Errorf("operation %d: result: %d %s", nth, res.status, res.body)
			}
		case fault == storetest.FailAfter: // the wallet's answer was noted as delivered and got lost after that
			again.want(t, http.StatusBadRequest, "invalid_request", "transaction_already_used")
			lost++
		default:
			t.Errorf("operation %d: retransmission: %d %s", nth, again.status, again.body)
		}
		if third := a.send(); third.status == http.StatusOK {
			t.Errorf("operation %d: answered twice", nth)
		}
		if got := r.api(keyNews, "GET", "/v1/requests/"+begun.ID, ""); got.field("state") != "released" {
			t.Errorf("operation %d: %s", nth, got.body)
		}
	}
	if lost > 1 {
		t.Errorf("%d operations note the answer as delivered, want the last one only", lost)
	}
	if answered == 0 {
		t.Error("no crash was ever recovered from: the test does not reach the verifier")
	}
	r.wantPairs()
}

// TestLoggedRecord: a transaction that an earlier version left between its
// entry and its release is released, once, by the wallet or the worker.
func TestLoggedRecord(t *testing.T) {
	for _, by := range []string{"wallet", "worker"} {
		t.Run(by, func(t *testing.T) {
			r := newRig(t)
			begun := r.begin("access", "same_device")
			a := r.compose(begun, twist{})
			a.send()
			key := "tx/" + begun.ID
			raw, version, err := r.store.Get(t.Context(), key)
			check(err)
			old := strings.Replace(strings.Replace(string(raw), `"state":"released"`, `"state":"logged"`, 1), `"answered":true,`, "", 1)
			_, err = r.store.Swap(t.Context(), key, version, []byte(old))
			check(err)
			if got := r.api(keyNews, "GET", "/v1/requests/"+begun.ID, ""); got.field("state") != "logged" {
				t.Fatalf("not as an earlier version left it: %s", got.body)
			}
			if by == "worker" {
				r.sweep()
			}
			got := a.send()
			if res := r.result(keyNews, begun.ID, r.code(got)); res.status != http.StatusOK {
				t.Errorf("result: %d %s", res.status, res.body)
			}
			a.send().want(t, http.StatusBadRequest, "invalid_request", "transaction_already_used")
			r.wantPairs()
		})
	}
}

// wantPairs fails unless each request in the log has exactly one result.
func (r *rig) wantPairs() {
	r.t.Helper()
	results := map[uint64]int{}
	requests := 0
	for i, e := range r.entries() {
		switch e := e.(type) {
		case *audit.Request:
			requests++
			results[uint64(i)] += 0
		case *audit.Result:
			results[e.Ref]++
		}
	}
	for index, n := range results {
		if n != 1 {
			r.t.Errorf("the request at %d has %d results", index, n)
		}
	}
	if requests == 0 {
		r.t.Error("there is no request in the log")
	}
}

// TestBeginCrashes stops Begin at every operation, with its policy in the log
// already and not: once the time is over, every request in the log has its
// ending, and nothing is left behind.
func TestBeginCrashes(t *testing.T) {
	for _, fault := range []storetest.Fault{storetest.FailBefore, storetest.FailAfter} {
		for _, published := range []bool{false, true} {
			t.Run(fmt.Sprint(fault, published), func(t *testing.T) {
				b := &breaker{fault: fault}
				r := newRig(t, func(r *rig) { r.store = &storetest.Faulty{Store: store.Memory(), Decide: b.decide} })
				if published {
					r.begin("access", "cross_device")
					r.start()
				}
				beginCrashes(t, r, b)
			})
		}
	}
}

func beginCrashes(t *testing.T, r *rig, b *breaker) {
	for nth := 1; ; nth++ {
		*b = breaker{nth: nth, fault: b.fault}
		got := r.api(keyNews, "POST", "/v1/requests", `{"policy":"access","flow":"cross_device"}`)
		crashed := b.down
		*b = breaker{fault: b.fault}
		r.start()
		if !crashed {
			break
		}
		got.want(t, http.StatusServiceUnavailable, "temporarily_unavailable", verifier.ReasonUnavailable)
	}
	r.clock.advance(verifier.TTL + time.Second)
	r.sweep()
	r.wantPairs()
	r.clock.advance(verifier.Grace)
	r.sweep()
	for key, err := range r.store.Keys(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(key, "policy/") && key != "weakenings" && key != "lease/sweep" {
			t.Errorf("%s is left behind", key)
		}
	}
	if n := r.sealedKeys(); n != 0 {
		t.Errorf("%d transaction keys are left behind", n)
	}
}

func (r *rig) sweep() {
	r.t.Helper()
	if err := r.engine.Sweep(r.t.Context()); err != nil {
		r.t.Fatalf("sweep: %v", err)
	}
}

// TestLogDown: without the log nothing is asked, released or burned.
func TestLogDown(t *testing.T) {
	t.Run("LOG-026", func(t *testing.T) {
		log := &valve{}
		r := newRig(t, withValve(log))
		b := r.begin("access", "same_device")
		a := r.compose(b, twist{})
		log.shut.Store(true)
		r.api(keyNews, "POST", "/v1/requests", `{"policy":"access","flow":"cross_device"}`).
			want(t, http.StatusServiceUnavailable, "temporarily_unavailable", verifier.ReasonUnavailable)
		a.send().want(t, http.StatusServiceUnavailable, "temporarily_unavailable", verifier.ReasonUnavailable)
		r.result(keyNews, b.ID, "any").want(t, http.StatusConflict, "invalid_request", verifier.ReasonNotReady)
		if err := r.engine.Sweep(t.Context()); !errors.Is(err, errShut) {
			t.Errorf("sweep: %v, want the log's error", err)
		}
		log.shut.Store(false)
		r.sweep()
		if got := r.api(keyNews, "GET", "/v1/requests/"+b.ID, ""); got.field("state") != "released" {
			t.Errorf("after the outage: %s", got.body)
		}
		if got := a.send(); got.status != http.StatusOK {
			t.Errorf("the wallet's second try: %d %s", got.status, got.body)
		}
	})
}

// TestWithdrawLogDown: what is taken back is unreadable at once, even if the
// log learns of it later.
func TestWithdrawLogDown(t *testing.T) {
	log := &valve{}
	r := newRig(t, withValve(log))
	b := r.begin("access", "same_device")
	a := r.compose(b, twist{})
	offer, err := a.req.PolicyOffer()
	if err != nil {
		t.Fatal(err)
	}
	done := a.send()
	log.shut.Store(true)
	if got := r.prove(a, "member", "withdraw", offer.WithdrawalEndpoint); got.status != http.StatusServiceUnavailable {
		t.Errorf("withdraw: %d %s", got.status, got.body)
	}
	r.result(keyNews, b.ID, r.code(done)).want(t, http.StatusGone, "invalid_request", verifier.ReasonGone)
	if n := r.sealedKeys(); n != 0 {
		t.Error("the transaction's key is still there")
	}
	r.start()
	log.shut.Store(false)
	r.sweep()
	if got := r.api(keyNews, "GET", "/v1/requests/"+b.ID, ""); got.field("state") != "withdrawn" {
		t.Errorf("state: %s", got.body)
	}
	r.wantEntries(audit.KindConfig, audit.KindPolicy, audit.KindRequest, audit.KindResult, audit.KindWithdrawal, audit.KindErasure)
}

func TestSweep(t *testing.T) {
	t.Run("expiry", func(t *testing.T) {
		r := newRig(t)
		b := r.begin("access", "same_device")
		r.clock.advance(verifier.TTL)
		r.sweep()
		entries := r.wantEntries(audit.KindConfig, audit.KindPolicy, audit.KindRequest, audit.KindResult)
		if e := entries[3].(*audit.Result); e.Outcome != audit.Expired || e.Ref != 2 {
			t.Errorf("result entry: %+v", e)
		}
		if got := r.api(keyNews, "GET", "/v1/requests/"+b.ID, ""); got.field("state") != "expired" {
			t.Errorf("state: %s", got.body)
		}
		r.clock.advance(verifier.Grace)
		r.sweep()
		if got := r.api(keyNews, "GET", "/v1/requests/"+b.ID, ""); got.status != http.StatusNotFound {
			t.Errorf("after the grace period: %d %s", got.status, got.body)
		}
	})
	t.Run("retention", func(t *testing.T) {
		r := newRig(t)
		b, code := r.released()
		r.clock.advance(verifier.TTL)
		r.sweep()
		if got := r.result(keyNews, b.ID, code); got.status != http.StatusOK {
			t.Fatalf("within retention: %d %s", got.status, got.body)
		}
		r.clock.advance(12 * time.Hour) // the policy's PT12H
		r.result(keyNews, b.ID, code).want(t, http.StatusGone, "invalid_request", verifier.ReasonGone)
		r.sweep()
		entries := r.wantEntries(audit.KindConfig, audit.KindPolicy, audit.KindRequest, audit.KindResult, audit.KindRetention)
		if e := entries[4].(*audit.Retention); e.Ref != 3 {
			t.Errorf("retention entry: %+v", e)
		}
		if n := r.sealedKeys(); n != 0 {
			t.Error("the transaction's key is still there")
		}
		r.sweep()
		r.wantEntries(audit.KindConfig, audit.KindPolicy, audit.KindRequest, audit.KindResult, audit.KindRetention)
	})
	t.Run("tries are bounded", func(t *testing.T) {
		r := newRig(t)
		b := r.begin("access", "same_device")
		bad := twist{parts: func(a *answer) { a.parts["member"].kb["nonce"] = "another-nonce-0123456789" }}
		for i := range verifier.MaxTries {
			if got := r.compose(b, bad).send(); got.field("code") != "kb_nonce_mismatch" {
				t.Fatalf("try %d: %d %s", i, got.status, got.body)
			}
		}
		if got := r.api(keyNews, "GET", "/v1/requests/"+b.ID, ""); got.field("state") != "rejected" {
			t.Errorf("state: %s", got.body)
		}
		entries := r.wantEntries(audit.KindConfig, audit.KindPolicy, audit.KindRequest, audit.KindResult)
		if e := entries[3].(*audit.Result); e.Outcome != audit.Rejected || e.Check != string(verifier.CheckKeyBinding) {
			t.Errorf("result entry: %+v", e)
		}
	})
	t.Run("refusal", func(t *testing.T) {
		r := newRig(t)
		_, got := r.finish("access", twist{form: func(a *answer) {
			a.form = map[string][]string{"error": {"access_denied"}, "state": {a.req.State}}
		}})
		if got.status != http.StatusOK {
			t.Fatalf("refusal: %d %s", got.status, got.body)
		}
		entries := r.wantEntries(audit.KindConfig, audit.KindPolicy, audit.KindRequest, audit.KindResult)
		if e := entries[3].(*audit.Result); e.Outcome != audit.NoAnswer || e.Commitments != nil {
			t.Errorf("result entry: %+v", e)
		}
		if n := r.sealedKeys(); n != 0 {
			t.Error("the transaction's key is still there")
		}
	})
}

// TestStoredValuesAreSealed looks for a claim's value in everything stored.
func TestStoredValuesAreSealed(t *testing.T) {
	r := newRig(t)
	r.finish("home", twist{})
	for key, err := range r.store.Keys(t.Context(), "tx/", "") {
		if err != nil {
			t.Fatal(err)
		}
		raw, _, err := r.store.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		for _, canary := range []string{`"plus"`, `"detail"`, `"long"`, `"483"`} {
			if strings.Contains(string(raw), canary) {
				t.Errorf("%s stands in the clear in %s", canary, key)
			}
		}
	}
}
