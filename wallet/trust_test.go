package wallet_test

import (
	"bytes"
	"fmt"
	"testing"

	"facet/credentials"
	"facet/wallet"
)

// supply opens the wallet anew with the rig's list at a version, as its host
// supplies it; change is what else is different in it.
func (r *rig) supply(version int, change func([]byte) []byte) {
	r.t.Helper()
	text := bytes.Replace(r.list, []byte(`"version":1`), fmt.Appendf(nil, `"version":%d`, version), 1)
	if change != nil {
		text = change(text)
	}
	list, err := credentials.ParseTrustList(text)
	if err != nil {
		r.t.Fatal(err)
	}
	r.supplied = wallet.TrustSource{List: list, From: "wallet.example"}
	r.open(list)
}

// rename is a list that vouches for the same certificate under another name.
func rename(text []byte) []byte {
	return bytes.Replace(text, []byte(`"name":"Morgenblatt"`), []byte(`"name":"Your bank"`), 1)
}

func (r *rig) trustNote() *wallet.TrustNote {
	r.t.Helper()
	home, err := r.wallet.Home(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return home.Trust
}

// TestTrustListOnlyGoesForward: the host can replace the list by a later one,
// which the holder is told, and by nothing else.
func TestTrustListOnlyGoesForward(t *testing.T) {
	for _, tt := range []struct {
		name    string
		version int
		change  func([]byte) []byte
		refused bool
		told    bool
	}{
		{"the same", 5, nil, false, false},
		{"the same in other words", 5, func(b []byte) []byte { return append([]byte(" "), b...) }, false, false},
		{"later", 6, rename, false, true},
		{"another under the same version", 5, rename, true, true},
		{"earlier", 4, nil, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.supply(5, nil)
			if note := r.trustNote(); note != nil {
				t.Fatalf("of the first list it says %+v", note)
			}
			r.prefer(liked)
			q := r.question().prefer(t, r)
			link := r.link(q)
			r.supply(tt.version, tt.change)
			_, asking := r.wallet.Ask(t.Context(), link)
			_, receiving := r.wallet.Offer(t.Context(), wallet.OfferSource{CredentialOffer: "{}"})
			refused := wallet.ReasonOf(asking) == wallet.CodeTrustRollback && wallet.ReasonOf(receiving) == wallet.CodeTrustRollback
			if refused != tt.refused || !tt.refused && asking != nil {
				t.Errorf("asking: %v, receiving: %v", asking, receiving)
			}
			note := r.trustNote()
			if (note != nil) != tt.told || note != nil && (note.Refused != tt.refused || note.Since != start.Unix()) {
				t.Errorf("it says %+v", note)
			}
			if p, err := r.wallet.Preferences(t.Context()); err != nil || p.Depth != liked.Depth {
				t.Errorf("it cannot be read: %v", err)
			}
		})
	}
}

// TestTrustListRemembered: a refused list does not take the place of the good
// one, another host has a list of its own, and the news ends.
func TestTrustListRemembered(t *testing.T) {
	r := newRig(t)
	r.supply(5, nil)
	r.supply(4, rename)
	r.supply(5, nil)
	if _, err := r.wallet.Ask(t.Context(), r.link(r.question().prefer(t, r))); err != nil {
		t.Errorf("the good list is back: %v", err)
	}
	r.supply(6, nil)
	r.now = start.AddDate(0, 0, 29)
	if r.trustNote() == nil {
		t.Error("after 29 days it says nothing")
	}
	r.now = start.AddDate(0, 0, 31)
	if note := r.trustNote(); note != nil {
		t.Errorf("after 31 days it still says %+v", note)
	}
	elsewhere := r.supplied
	elsewhere.From = "other.example"
	r.supplied = elsewhere
	r.open(nil)
	if note := r.trustNote(); note != nil {
		t.Errorf("at another host it says %+v", note)
	}
}

// TestTrustListOfTwoDevices: of what two devices have pinned the later counts.
func TestTrustListOfTwoDevices(t *testing.T) {
	for theirs, want := range map[int]string{4: "", 6: wallet.CodeTrustRollback} {
		r := newRig(t)
		r.supply(5, nil)
		r.onSave = func() {
			r.onSave = nil
			r.otherDevice("trust", func(pin map[string]any) { pin["version"], pin["sha256"] = theirs, "another" })
		}
		r.prefer(liked)
		r.supply(5, nil)
		_, err := r.wallet.Ask(t.Context(), r.link(r.question().prefer(t, r)))
		if err == nil && want != "" || err != nil && wallet.ReasonOf(err) != want {
			t.Errorf("the other device has seen %d: %v", theirs, err)
		}
		if left := r.vault.List("conflict:trust"); len(left) > 0 {
			t.Errorf("left over: %v", left)
		}
	}
}
