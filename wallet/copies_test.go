package wallet_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"facet/wallet"
)

// shownCopy is the issuer's JWT of the answer to q that was posted last.
func (r *rig) shownCopy(q *question) string {
	r.t.Helper()
	posts := r.posted()
	jwt, _, _ := strings.Cut(r.decrypt(q, posts[len(posts)-1]).VPToken["age"][0], "~")
	return jwt
}

// TestCopiesOfTwoTabs: requests that are open side by side are not answered
// from one copy, also when the proof was renewed meanwhile.
func TestCopiesOfTwoTabs(t *testing.T) {
	r := newRig(t)
	r.receive()
	q, later := r.question(), r.question()
	first := r.mustAsk(q)
	second := r.mustAsk(q)
	third := r.mustAsk(later)
	var seen []string
	for _, p := range []wallet.Proposal{first, second} {
		if _, err := r.present(p); err != nil {
			t.Fatal(err)
		}
		seen = append(seen, r.shownCopy(q))
	}
	if seen[0] == seen[1] {
		t.Error("two tabs showed one copy")
	}
	r.receive() // the renewal takes the old record's place
	if _, err := r.present(third); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(seen, r.shownCopy(later)) {
		t.Error("a used copy came back")
	}
	home, err := r.wallet.Home(t.Context())
	if err != nil || len(home.Cards) != 1 || home.Cards[0].CopiesLeft != wallet.BatchCopies-1 {
		t.Errorf("%+v, %v", home.Cards, err)
	}
}

// otherDevice changes a record of the kind as the version the host has, and
// keeps ours beside it, as saving does when another device was quicker.
func (r *rig) otherDevice(kind string, change func(map[string]any)) {
	r.t.Helper()
	for _, id := range r.vault.List(kind) {
		ours, err := r.vault.Get(kind, id)
		if err != nil {
			r.t.Fatal(err)
		}
		r.aside(kind, id, json.RawMessage(ours))
		theirs := map[string]any{}
		if err := json.Unmarshal(ours, &theirs); err != nil {
			r.t.Fatal(err)
		}
		change(theirs)
		text, err := json.Marshal(theirs)
		if err != nil {
			r.t.Fatal(err)
		}
		if err := r.vault.Put(kind, id, text); err != nil {
			r.t.Fatal(err)
		}
	}
}

// TestCopyOfTwoDevices: a copy that another device shows while this one is
// about to is not sent; the next one is.
func TestCopyOfTwoDevices(t *testing.T) {
	r := newRig(t)
	r.receive()
	q := r.question()
	p := r.mustAsk(q)
	var theirs string
	r.onSave = func() {
		r.onSave = nil
		r.otherDevice("credential", func(record map[string]any) {
			// It has taken the same copy: the lists of what is left are equal.
			copies := record["copies"].([]any)
			theirs, _ = copies[0].(map[string]any)["sd_jwt"].(string)
			record["last"] = "another device's answer"
		})
	}
	if _, err := r.present(p); err != nil {
		t.Fatal(err)
	}
	sent := r.shownCopy(q)
	if !strings.Contains(theirs, sent) {
		t.Error("what was sent is not the next copy")
	}
	home, err := r.wallet.Home(t.Context())
	if err != nil || home.Cards[0].CopiesLeft != wallet.BatchCopies-2 || len(home.Recent) != 1 {
		t.Errorf("%d copies, %d deeds, %v", home.Cards[0].CopiesLeft, len(home.Recent), err)
	}
}

// TestCopiesAtOnce approves more requests at once than there are copies, each
// of them several times: as many are answered as there are copies, no copy
// twice, and an approval that comes again sends the same bytes.
func TestCopiesAtOnce(t *testing.T) {
	r := newRig(t)
	r.receive()
	q := r.question()
	type approval struct{ id, digest string }
	var approvals []approval
	for range 4 * wallet.BatchCopies {
		p := r.mustAsk(q)
		shown, err := r.wallet.Preview(t.Context(), p.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		approvals = append(approvals, approval{p.ID, shown.Digest})
	}
	var wg sync.WaitGroup
	var refused sync.Map // reason → true
	for i := range 5 * len(approvals) {
		a := approvals[i%len(approvals)]
		wg.Go(func() {
			if _, err := r.wallet.Present(t.Context(), a.id, a.digest, nil); err != nil {
				refused.Store(wallet.ReasonOf(err), true)
			}
		})
	}
	wg.Wait()
	refused.Range(func(reason, _ any) bool {
		if reason != wallet.CodeUnsatisfiable && reason != wallet.CodeProposalGone {
			t.Errorf("refused: %v", reason)
		}
		return true
	})
	copies, seen := map[string]bool{}, map[string]bool{}
	for _, body := range r.posted() {
		if seen[body] {
			continue // sent again
		}
		seen[body] = true
		jwt, _, _ := strings.Cut(r.decrypt(q, body).VPToken["age"][0], "~")
		if copies[jwt] {
			t.Error("a copy was shown twice")
		}
		copies[jwt] = true
	}
	if len(copies) != wallet.BatchCopies {
		t.Errorf("%d copies were shown, there were %d", len(copies), wallet.BatchCopies)
	}
}
