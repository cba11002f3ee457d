package wallet_test

import (
	"encoding/json"
	"slices"
	"strings"
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
