package wallet_test

import (
	"encoding/json"
	"testing"

	"facet/wallet"
	"facet/wallet/vault"
)

// aside puts another device's version of a record beside ours, as Merge does.
func (r *rig) aside(kind, id string, version any) {
	r.t.Helper()
	raw, err := json.Marshal(version)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.vault.Put(vault.ConflictPrefix+kind, id+"~0011223344556677", raw); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) conflicts() []wallet.Conflict {
	r.t.Helper()
	got, err := r.wallet.Conflicts(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return got
}

// TestChoose: of two versions both stay until the holder has chosen one.
func TestChoose(t *testing.T) {
	for take, want := range map[string]string{wallet.TakeKept: "overview", wallet.TakeOther: "detail"} {
		t.Run(take, func(t *testing.T) {
			r := newRig(t)
			r.prefer(wallet.Preferences{Depth: "overview", Tone: "formal"})
			r.aside("preferences", "0", wallet.Preferences{Depth: "detail", Tone: "formal", SendWindows: []wallet.SendWindow{{Days: []string{"mo"}, From: "08:00", To: "09:30", TZ: "Europe/Berlin"}}})
			got := r.conflicts()
			if len(got) != 1 || got[0].Kind != "preferences" || len(got[0].Kept) != 2 || len(got[0].Other) != 2 || got[0].Kept[1].Value["de"] != "Nicht angegeben" {
				t.Fatalf("only what differs is shown: %+v", got)
			}
			if p, err := r.wallet.Preferences(t.Context()); err != nil || p.Depth != "overview" {
				t.Fatalf("before the choice: %+v, %v", p, err)
			}
			if err := r.wallet.Choose(t.Context(), got[0].ID, take); err != nil {
				t.Fatal(err)
			}
			if p, err := r.wallet.Preferences(t.Context()); err != nil || p.Depth != want || len(r.conflicts()) != 0 {
				t.Fatalf("after it: %+v, %v", p, err)
			}
			if err := r.wallet.Choose(t.Context(), got[0].ID, take); wallet.ReasonOf(err) != wallet.CodeNotFound {
				t.Fatalf("chosen twice: %v", err)
			}
		})
	}
	r := newRig(t)
	for _, id := range []string{"credential/x", "preferences", "", "history/0~1"} {
		if err := r.wallet.Choose(t.Context(), id, wallet.TakeOther); err == nil {
			t.Errorf("%q is nothing to choose", id)
		}
	}
}

// TestMootConflicts: nobody is asked about versions that say the same, or about
// a day that is over.
func TestMootConflicts(t *testing.T) {
	r := newRig(t)
	r.prefer(liked)
	same, err := r.vault.Get("preferences", "0")
	if err != nil {
		t.Fatal(err)
	}
	r.aside("preferences", "0", json.RawMessage(same))
	r.aside("today", "0", wallet.Today{Persona: "family", Until: start.Unix() - 1})
	r.aside("settings", "0", wallet.Settings{Language: "en"})
	r.open(nil)
	if got := r.conflicts(); len(got) != 1 || got[0].Kind != "settings" || got[0].Other[0].Value["en"] != "English" {
		t.Fatalf("%+v", got)
	}
}

// TestCopiesUsedElsewhereAreUsed: a one-time copy that either device has shown
// is never shown again.
func TestCopiesUsedElsewhereAreUsed(t *testing.T) {
	r := newRig(t)
	copies := func(names ...string) map[string]any {
		var cs []any
		for _, n := range names {
			cs = append(cs, map[string]any{"sd_jwt": n, "key": map[string]any{}})
		}
		return map[string]any{"id": "c", "vct": "urn:facet:age:1", "copies": cs}
	}
	ours, err := json.Marshal(copies("a", "b", "c", "d"))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.vault.Put("credential", "c", ours); err != nil {
		t.Fatal(err)
	}
	r.aside("credential", "c", copies("b", "c", "e"))
	r.aside("credential", "gone", copies("a"))
	r.open(nil)
	home, err := r.wallet.Home(t.Context())
	if err != nil || len(home.Cards) != 1 || home.Cards[0].CopiesLeft != 2 {
		t.Fatalf("%+v, %v", home.Cards, err)
	}
	if left := r.vault.List(vault.ConflictPrefix + "credential"); len(left) != 0 {
		t.Fatalf("left: %v", left)
	}
}

// TestDeedsFollowTheOtherDevice: what was taken back there is taken back here,
// and the keys are gone.
func TestDeedsFollowTheOtherDevice(t *testing.T) {
	r := newRig(t)
	id, _ := r.answered()
	raw, err := r.vault.Get("history", id)
	if err != nil {
		t.Fatal(err)
	}
	var deed map[string]any
	if err := json.Unmarshal(raw, &deed); err != nil {
		t.Fatal(err)
	}
	deed["state"], deed["receipt"], deed["erasure"] = wallet.StateWithdrawn, wallet.ReceiptFailed, map[string]any{"at": 1, "entry": "e"}
	r.aside("history", id, deed)
	r.open(nil)
	got, err := r.wallet.HistoryItem(t.Context(), id)
	if err != nil || got.State != wallet.StateWithdrawn || got.Erasure == nil || got.Receipt != wallet.ReceiptFailed || got.CanWithdraw {
		t.Fatalf("%+v, %v", got, err)
	}
	deed["state"], deed["receipt"] = wallet.StateActive, wallet.ReceiptChecking
	r.aside("history", id, deed)
	r.open(nil)
	if got, err := r.wallet.HistoryItem(t.Context(), id); err != nil || got.State != wallet.StateWithdrawn || got.Receipt != wallet.ReceiptFailed {
		t.Fatalf("an older version took over: %+v, %v", got, err)
	}
}

// TestSavingSettles: saving merges, and what that leaves is settled at once.
func TestSavingSettles(t *testing.T) {
	r := newRig(t)
	r.onSave = func() {
		if r.saves == 1 {
			r.aside("party", "somebody", map[string]any{"known_since": 1, "asked": []string{"a"}})
		}
	}
	r.prefer(liked)
	if left := r.vault.List(vault.ConflictPrefix + "party"); len(left) != 0 || r.saves != 2 {
		t.Fatalf("left %v after %d saves", left, r.saves)
	}
}
