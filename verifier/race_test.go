package verifier_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
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
}

func (m *meddler) Swap(ctx context.Context, key string, old store.Version, value []byte) (store.Version, error) {
	if run := m.before; run != nil && strings.HasPrefix(key, "tx/") {
		m.before = nil
		run()
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
