package issuer

import (
	"context"
	"errors"
	"strings"
	"testing"

	"facet/credentials/openid4vci"
	"facet/store/storetest"
)

// TestTokenOnAFailingStore lets every call of the store fail that a token
// request makes, before and after its change, alone and with all that follow
// until the wallet asks again. The wallet gets its one token in the end, which
// gives its credential; nobody gets a second one.
func TestTokenOnAFailingStore(t *testing.T) {
	for _, fault := range []storetest.Fault{storetest.FailBefore, storetest.FailAfter, storetest.LoseConflict} {
		for _, outage := range []bool{false, true} {
			failed := 1
			for at := 1; failed > 0; at++ { // until there is no such call
				failed = tokenWithFault(t, fault, at, outage)
			}
		}
	}
}

func tokenWithFault(t *testing.T, fault storetest.Fault, at int, outage bool) (failed int) {
	t.Helper()
	r := newRig(t)
	offered, q := r.offer(OfferRequest{})
	faulty := &storetest.Faulty{Store: r.store}
	faulty.Decide = func(c storetest.Call) storetest.Fault {
		if c.N == at || c.N > at && outage {
			failed++
			if fault == storetest.LoseConflict && c.Op != "swap" {
				return storetest.FailBefore
			}
			return fault
		}
		return storetest.None
	}
	r.Issuer.config.Store = faulty
	answer, err := r.Token(t.Context(), q.Form())
	if err != nil && failed == 0 {
		t.Fatalf("call %d: %v", at, err)
	}
	faulty.Decide = nil
	if err != nil {
		wrong := q
		wrong.TxCode = other(q.TxCode)
		if _, err := r.Token(t.Context(), wrong.Form()); err == nil {
			t.Fatalf("fault %d in call %d: a token without the transaction code", fault, at)
		}
		if answer, err = r.Token(t.Context(), q.Form()); err != nil {
			t.Fatalf("fault %d in call %d, outage %v: the offer is lost: %v", fault, at, outage, err)
		}
	}
	if _, err := r.ask(answer.AccessToken, "age", r.proofs(1, r.Nonce().Nonce)); err != nil {
		t.Fatalf("fault %d in call %d: the token is worth nothing: %v", fault, at, err)
	}
	_, err = r.Token(t.Context(), q.Form())
	wantError(t, err, "invalid_grant", "code_used")
	_, err = r.Offer(t.Context(), offered.ID)
	wantError(t, err, openid4vci.CodeInvalidRequest, "code_used")
	if redeemed, err := r.Redeemed(t.Context(), offered.ID); err != nil || !redeemed {
		t.Fatalf("fault %d in call %d: the offer is still open: %v", fault, at, err)
	}
	return failed
}

// TestUntoldTokenOnce: a token that may have been lost is told to one of many
// who ask at once, and forgotten with the offer.
func TestUntoldTokenOnce(t *testing.T) {
	r := newRig(t)
	_, q := r.offer(OfferRequest{})
	lose := func() {
		r.Issuer.config.Store = &storetest.Faulty{Store: r.store, Decide: func(c storetest.Call) storetest.Fault {
			if c.Op == "swap" && strings.HasPrefix(c.Key, keyCode) {
				return storetest.FailAfter
			}
			return storetest.None
		}}
		if _, err := r.Token(t.Context(), q.Form()); !errors.Is(err, storetest.ErrFault) {
			t.Fatalf("%v", err)
		}
		r.Issuer.config.Store = r.store
	}
	lose()
	if n := race(8, func() bool { _, err := r.Token(context.Background(), q.Form()); return err == nil }); n != 1 {
		t.Fatalf("%d were told", n)
	}
	_, q = r.offer(OfferRequest{})
	lose()
	right := q
	q.TxCode = other(q.TxCode)
	for range TxCodeTries {
		if _, err := r.Token(t.Context(), q.Form()); err == nil {
			t.Fatal("a wrong transaction code gets it, too")
		}
	}
	_, err := r.Token(t.Context(), right.Form())
	wantError(t, err, "invalid_grant", "code_used") // it cannot be guessed either
	_, q = r.offer(OfferRequest{})
	lose()
	r.now = r.now.Add(DefaultOfferTTL)
	if err := r.Sweep(t.Context()); err != nil || len(r.Issuer.unsure) != 0 {
		t.Fatalf("%d tokens are remembered for good: %v", len(r.Issuer.unsure), err)
	}
}
