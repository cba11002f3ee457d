package hostile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"facet/store/storetest"
	"facet/verifier"
)

// TestSingleUse makes a hundred attempts at once, over two engines on one
// backend, on everything in a presentation that may happen once: opening it
// under one idempotency key, answering it, reading its result, withdrawing it,
// deleting it at its deadline.
func TestSingleUse(t *testing.T) {
	for _, b := range backends(t, 20, 1000) {
		t.Run(b.name, func(t *testing.T) {
			n := newNodes(t, b)
			for round := range b.rounds {
				if n.once(round); t.Failed() {
					return
				}
			}
			book := n.read()
			wantOnce(t, "requests", book.requests, b.rounds)
			wantOnce(t, "results", book.closed, b.rounds)
			wantOnce(t, "answered results", book.answered, b.rounds)
			wantOnce(t, "withdrawals", book.withdrawals, b.rounds)
			wantOnce(t, "erasures", book.erasures, b.rounds)
			if len(book.retentions) != 0 || book.duplicates != 0 {
				t.Errorf("%d retention entries of withdrawn results, %d duplicates", len(book.retentions), book.duplicates)
			}
		})
	}
}

// once is one presentation, every step of it tried a hundred times at once.
func (n *nodes) once(round int) {
	n.t.Helper()
	begun := n.beginOnce(fmt.Sprint("round ", round))
	r := n.open(begun)
	code := n.answerOnce(r, round%2 == 0)
	if n.t.Failed() {
		return
	}
	n.readOnce(r.tx, code)
	n.withdrawOnce(r)
	_, err := n.node(0).Result(n.t.Context(), verifier.Reading{Platform: platformID, ID: r.tx, ResponseCode: code, Reader: "late"})
	if reason(err) != verifier.ReasonGone {
		n.t.Errorf("read after the withdrawal: %v", err)
	}
}

// beginOnce: whoever is told a transaction is told the same one.
func (n *nodes) beginOnce(key string) *verifier.Begun {
	n.t.Helper()
	begun := make([]*verifier.Begun, attempts)
	got := atOnce(attempts, func(i int) (err error) {
		begun[i], err = n.begin(n.node(i), key)
		return err
	})
	var first *verifier.Begun
	for _, b := range begun {
		switch {
		case b == nil:
		case first == nil:
			first = b
		case b.ID != first.ID || b.RequestURI != first.RequestURI:
			n.t.Errorf("one idempotency key, two transactions")
		}
	}
	if got[""]+got["idempotency_in_progress"] != attempts || first == nil {
		n.t.Fatalf("begin: %v", got)
	}
	return first
}

// answerOnce posts the same answer a hundred times, or a hundred right ones:
// one is taken and every other told that it was too late (PRES-017, PRES-018).
func (n *nodes) answerOnce(r *request, same bool) (code string) {
	n.t.Helper()
	bodies := make([][]byte, attempts)
	for i := range bodies {
		if bodies[i] = bodies[0]; i == 0 || !same {
			bodies[i] = r.seal()
		}
	}
	var redirect atomic.Value
	got := atOnce(attempts, func(i int) error {
		done, err := n.node(i).Finish(n.t.Context(), r.response(bodies[i]))
		if err == nil {
			redirect.Store(done.RedirectURI)
		}
		return err
	})
	got.want(n.t, fmt.Sprintf("answers (the same: %v)", same), 1, verifier.ReasonUsed)
	to, _ := redirect.Load().(string)
	return codeOf(to)
}

// readOnce lets a hundred readers with names of their own read: one gets the
// result, and may have it again.
func (n *nodes) readOnce(tx, code string) {
	n.t.Helper()
	var reader atomic.Value
	read := func(i int, name string) error {
		r, err := n.node(i).Result(n.t.Context(), verifier.Reading{Platform: platformID, ID: tx, ResponseCode: code, Reader: name})
		if err == nil {
			reader.Store(name)
			if tier, _ := r.Hints.Get("access.tier"); tier.Value != "plus" {
				return errors.New("another hint")
			}
		}
		return err
	}
	atOnce(attempts, func(i int) error { return read(i, fmt.Sprint("reader ", i)) }).want(n.t, "readers", 1, verifier.ReasonCodeUsed)
	name, _ := reader.Load().(string)
	atOnce(attempts, func(i int) error { return read(i, name) }).want(n.t, "the same reader again", attempts)
	atOnce(attempts, func(i int) error { return read(i, "") }).want(n.t, "readers without a name", 0, verifier.ReasonCodeUsed)
}

// withdrawOnce lets the holder take it back a hundred times: one erasure, whose
// receipt all of them get.
func (n *nodes) withdrawOnce(r *request) {
	n.t.Helper()
	endpoint := r.offer.WithdrawalEndpoint
	proof := r.prove(n.w, "withdraw", endpoint)
	var mu sync.Mutex
	receipts := map[string]bool{}
	atOnce(attempts, func(i int) error {
		receipt, err := n.node(i).Withdraw(n.t.Context(), path.Base(endpoint), proof)
		if err == nil {
			mu.Lock()
			receipts[receipt] = true
			mu.Unlock()
		}
		return err
	}).want(n.t, "withdrawals", attempts)
	if len(receipts) != 1 {
		n.t.Errorf("%d erasure receipts", len(receipts))
	}
}

// TestReceiptsAreOne: a hundred askers at once get one receipt.
func TestReceiptsAreOne(t *testing.T) {
	n := newNodes(t, inMemory(1))
	begun, err := n.begin(n.node(0), "")
	check(t, err)
	r := n.open(begun)
	n.answerOnce(r, true)
	endpoint := r.offer.ReceiptEndpoint
	proof := r.prove(n.w, "receipt", endpoint)
	n.read() // a checkpoint covers it
	receipts := make([][]byte, attempts)
	atOnce(attempts, func(i int) (err error) {
		receipts[i], err = n.node(i).Receipt(t.Context(), path.Base(endpoint), proof)
		return err
	}).want(t, "receipts", attempts)
	leaf := func(raw []byte) string {
		var m map[string]json.RawMessage
		check(t, json.Unmarshal(raw, &m))
		return string(m["entry"])
	}
	for _, raw := range receipts {
		if leaf(raw) == "" || leaf(raw) != leaf(receipts[0]) {
			t.Fatalf("two receipts: %s and %s", raw, receipts[0])
		}
	}
}

// TestDeadlinesOnce lets a hundred sweeps of two engines end what is due: each
// unanswered request has one ending, each result one deletion.
func TestDeadlinesOnce(t *testing.T) {
	for _, b := range backends(t, 4, 100) {
		t.Run(b.name, func(t *testing.T) {
			n := newNodes(t, b)
			for range b.rounds {
				_, err := n.begin(n.node(0), "")
				check(t, err)
				begun, err := n.begin(n.node(1), "")
				check(t, err)
				r := n.open(begun)
				_, err = n.node(0).Finish(t.Context(), r.response(r.seal()))
				check(t, err)
			}
			for _, later := range []time.Duration{verifier.TTL + time.Second, verifier.Grace + time.Second, 13 * time.Hour} {
				n.clock.advance(later)
				atOnce(times(10, attempts), func(i int) error { return n.node(i).Sweep(t.Context()) }).want(t, "sweeps", times(10, attempts))
			}
			book := n.read()
			wantOnce(t, "requests", book.requests, 2*b.rounds)
			wantOnce(t, "endings", book.closed, 2*b.rounds)
			wantOnce(t, "deletions", book.retentions, b.rounds)
			for key, err := range b.store.Keys(t.Context(), "", "") {
				check(t, err)
				for _, prefix := range []string{"tx/", "due/", "idem/", "hook/"} {
					if len(key) >= len(prefix) && key[:len(prefix)] == prefix {
						t.Errorf("%s is left behind", key)
					}
				}
			}
		})
	}
}

// TestSingleUseOnFailingStores does it on stores that fail now and then, before
// the change or after it: at most one answer is taken, at most one reader reads,
// and when all is over each request has one ending.
func TestSingleUseOnFailingStores(t *testing.T) {
	for _, b := range backends(t, 6, 300) {
		t.Run(b.name, func(t *testing.T) {
			var quiet atomic.Bool
			decide := func(storetest.Call) storetest.Fault {
				if quiet.Load() || rand.IntN(20) > 0 {
					return storetest.None
				}
				return []storetest.Fault{storetest.FailBefore, storetest.FailAfter}[rand.IntN(2)]
			}
			quiet.Store(true)
			n := newNodes(t, b, func(_ int, c *verifier.Config) {
				c.Store, c.Keys = &storetest.Faulty{Store: c.Store, Decide: decide}, &storetest.Faulty{Store: c.Keys, Decide: decide}
			})
			taken, readers := 0, 0
			for range b.rounds {
				begun, err := n.begin(n.node(0), "")
				check(t, err)
				r := n.open(begun)
				quiet.Store(false)
				answers, reads := n.tryAnswers(r)
				quiet.Store(true)
				taken, readers = taken+answers, readers+reads
				check(t, errors.Join(n.node(0).Sweep(t.Context()), n.node(1).Sweep(t.Context())))
				if s, err := n.node(0).Status(t.Context(), platformID, r.tx); err != nil || s != verifier.Released && s != verifier.Open {
					t.Errorf("it ended as %s, %v", s, err)
				}
			}
			if t.Logf("%d rounds: %d answers taken, %d results read", b.rounds, taken, readers); taken == 0 || readers == 0 {
				t.Error("no attempt ever got through")
			}
			n.clock.advance(verifier.TTL + time.Second)
			check(t, errors.Join(n.node(0).Sweep(t.Context()), n.node(1).Sweep(t.Context()))) // one of them has the lease
			book := n.read()
			wantOnce(t, "requests", book.requests, b.rounds)
			wantOnce(t, "endings", book.closed, b.rounds)
		})
	}
}

// tryAnswers posts ten answers twenty times each at once, then reads at once.
// Attempts that were told 503 come again.
func (n *nodes) tryAnswers(r *request) (answers, reads int) {
	n.t.Helper()
	bodies := make([][]byte, 10)
	for i := range bodies {
		bodies[i] = r.seal()
	}
	again := func(call func() error) (err error) {
		for range 10 {
			if err = call(); reason(err) != verifier.ReasonUnavailable {
				break
			}
		}
		return err
	}
	var redirect atomic.Value
	got := atOnce(attempts, func(i int) error {
		return again(func() error {
			done, err := n.node(i).Finish(n.t.Context(), r.response(bytes.Clone(bodies[i%len(bodies)])))
			if err == nil {
				redirect.Store(done.RedirectURI)
			}
			return err
		})
	})
	if got[""] > 1 || got[""]+got[verifier.ReasonUsed]+got[verifier.ReasonUnavailable] != attempts {
		n.t.Errorf("answers on a failing store: %v", got)
	}
	to, _ := redirect.Load().(string)
	if to == "" {
		return got[""], 0
	}
	read := atOnce(attempts, func(i int) error {
		return again(func() error {
			_, err := n.node(i).Result(n.t.Context(), verifier.Reading{Platform: platformID, ID: r.tx, ResponseCode: codeOf(to), Reader: fmt.Sprint(i)})
			return err
		})
	})
	if read[""] > 1 || read[""]+read[verifier.ReasonCodeUsed]+read[verifier.ReasonUnavailable] != attempts {
		n.t.Errorf("readers on a failing store: %v", read)
	}
	return got[""], read[""]
}
