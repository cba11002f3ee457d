package verifier_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"facet/store"
	"facet/verifier"
)

// TestAnswerHandedOverAgain: a platform whose reply was lost hands over the same
// answer and gets the same code, shortly and for its own request only.
func TestAnswerHandedOverAgain(t *testing.T) {
	r := newRig(t, func(r *rig) {
		r.change = func(p *verifier.Platform) { p.InsecureFragment = true }
	})
	used := func(t *testing.T, got reply) {
		t.Helper()
		got.want(t, http.StatusConflict, "invalid_request", verifier.ReasonUsed)
	}
	for name, tt := range map[string]struct {
		begin func() begun
		hand  func(*answer, string) reply
	}{
		"dc_api":   {func() begun { return r.beginDigital("access") }, (*answer).hand},
		"fragment": {r.beginReturning, (*answer).bring},
	} {
		t.Run(name, func(t *testing.T) {
			b := tt.begin()
			a, other := r.compose(b, twist{}), r.compose(b, twist{})
			first := tt.hand(a, keyNews)
			code := first.field("response_code")
			if first.status != http.StatusOK || code == "" {
				t.Fatalf("%d %s", first.status, first.body)
			}
			used(t, tt.hand(other, keyNews))
			tt.hand(a, keyOther).want(t, http.StatusNotFound, "invalid_request", verifier.ReasonUnknown)
			if got := r.result(keyNews, b.ID, code); got.status != http.StatusOK {
				t.Fatalf("%d %s", got.status, got.body)
			}
			r.clock.advance(verifier.RetryWindow)
			r.start() // on any node
			if again := tt.hand(a, keyNews); again.status != http.StatusOK || string(again.body) != string(first.body) {
				t.Errorf("again: %d %s, first %s", again.status, again.body, first.body)
			}
			r.result(keyNews, b.ID, code).want(t, http.StatusForbidden, "access_denied", verifier.ReasonCodeUsed)
			r.clock.advance(time.Second)
			used(t, tt.hand(a, keyNews))
		})
	}
	t.Run("a refusal", func(t *testing.T) {
		a := r.compose(r.beginDigital("access"), digitalData(func(a *answer) { a.data = map[string]any{"error": "access_denied"} }))
		first := a.hand(keyNews)
		if again := a.hand(keyNews); again.status != http.StatusOK || string(again.body) != string(first.body) {
			t.Errorf("again: %d %s, first %s", again.status, again.body, first.body)
		}
		a.data = map[string]any{"error": "invalid_request"}
		used(t, a.hand(keyNews))
	})
	t.Run("taken back meanwhile", func(t *testing.T) {
		a := r.compose(r.beginDigital("access"), twist{})
		offer, err := a.req.PolicyOffer()
		check(err)
		if got := a.hand(keyNews); got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
		if got := r.prove(a, "member", "withdraw", offer.WithdrawalEndpoint); got.status != http.StatusOK {
			t.Fatalf("withdraw: %d %s", got.status, got.body)
		}
		used(t, a.hand(keyNews))
	})
}

// TestAnswerHandedOverTwiceAtOnce: a client that lost patience sends again while
// its first try is still being judged. Whichever is quicker, both get one answer,
// and it counts once.
func TestAnswerHandedOverTwiceAtOnce(t *testing.T) {
	refusal := digitalData(func(a *answer) { a.data = map[string]any{"error": "access_denied"} })
	for outcome, tw := range map[string]twist{"answered": {}, "no_answer": refusal} {
		for skip, when := range []string{"before it is taken", "before its reply is noted"} {
			t.Run(outcome+" "+when, func(t *testing.T) {
				m := &meddler{Store: store.Memory()}
				r := newRig(t, func(r *rig) { r.store = m })
				a := r.compose(r.beginDigital("access"), tw)
				var quick reply
				m.skip, m.before = skip, func() { quick = a.hand(keyNews) }
				slow := a.hand(keyNews)
				if quick.status != http.StatusOK || slow.status != http.StatusOK || string(quick.body) != string(slow.body) {
					t.Errorf("%d %s and %d %s", quick.status, quick.body, slow.status, slow.body)
				}
				figures := r.figures()
				if !strings.Contains(figures, `presentations_total{check="",outcome="`+outcome+`"} 1`) || strings.Contains(figures, `outcome="rejected"`) {
					t.Error("it does not count once")
				}
			})
		}
	}
}

// TestPostedAnswersAreNotHandedOver: what a wallet posted tells a platform
// nothing, even if it hands over an answer that is, put together, the very text
// of the post, while that waits for the log.
func TestPostedAnswersAreNotHandedOver(t *testing.T) {
	log := &valve{}
	r := newRig(t, withValve(log))
	b := r.begin("access", "same_device")
	a := r.compose(b, twist{})
	forged := verifier.Answer{Platform: "news", ID: b.ID, Protocol: "&" + a.form.Encode() + "&", Data: json.RawMessage{}}
	post := func() reply {
		return r.do(call{method: "POST", url: a.req.ResponseURI, contentType: a.media, body: `"` + forged.Protocol + `" "" ""`})
	}
	log.shut.Store(true)
	post().want(t, http.StatusServiceUnavailable, "temporarily_unavailable", verifier.ReasonUnavailable)
	log.shut.Store(false)
	if got, err := r.engine.Answer(t.Context(), forged); err == nil {
		t.Errorf("the platform got %+v", got)
	}
	if got := post(); got.status != http.StatusOK {
		t.Errorf("the wallet: %d %s", got.status, got.body)
	}
}

// TestLongReader: who reads is stored with the result, and so is bounded like any
// idempotency key; nothing is spent by one that is too long.
func TestLongReader(t *testing.T) {
	r := newRig(t)
	b := r.begin("access", "cross_device")
	if got := r.compose(b, twist{}).send(); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	read := func(n int) reply {
		return r.do(call{method: "POST", url: baseURL + "/v1/requests/" + b.ID + "/result", key: keyNews, contentType: "application/json", body: "{}",
			header: map[string]string{"Idempotency-Key": strings.Repeat("k", n)}})
	}
	read(verifier.MaxIdempotencyKey+1).want(t, http.StatusUnprocessableEntity, "invalid_request", "idempotency_mismatch")
	for range 2 {
		if got := read(verifier.MaxIdempotencyKey); got.status != http.StatusOK {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
}
