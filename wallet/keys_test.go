package wallet_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"facet/wallet"
	"facet/wallet/vault"
)

func passkeyOf(n int) vault.Passkey {
	prf := sha256.Sum256(fmt.Appendf(nil, "passkey %d", n))
	return vault.Passkey{CredentialID: fmt.Appendf(nil, "credential %d", n), PRF: prf[:]}
}

func (r *rig) keys() []wallet.Key {
	r.t.Helper()
	keys, err := r.wallet.Keys(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return keys
}

// opens reports whether the saved vault opens with k.
func (r *rig) opens(k vault.Key) bool {
	r.t.Helper()
	sealed, err := r.vault.Seal()
	if err != nil {
		r.t.Fatal(err)
	}
	_, err = vault.Open(sealed, k, vault.HighWater{})
	return err == nil
}

func TestPasskeys(t *testing.T) {
	r := newRig(t)
	if err := r.wallet.AddPasskey(t.Context(), passkeyOf(2), " Tablet\u202e der Küche "); err != nil {
		t.Fatal(err)
	}
	keys := r.keys()
	if len(keys) != 3 || keys[2].Label != "Tablet der Küche" || keys[2].Since != start.Unix() || keys[2].Kind != vault.KindPasskey ||
		string(keys[2].CredentialID) != "credential 2" || !r.opens(passkeyOf(2)) || r.saves != 1 {
		t.Fatalf("%+v, %d saves", keys, r.saves)
	}
	if err := r.wallet.AddPasskey(t.Context(), passkeyOf(2), ""); wallet.ReasonOf(err) != vault.ReasonArgument || len(r.keys()) != 3 {
		t.Fatalf("the same one again: %v", err)
	}
	if got, err := r.wallet.Passkey(t.Context(), keys[2].ID); err != nil || string(got.CredentialID) != "credential 2" {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := r.wallet.RemovePasskey(t.Context(), keys[2].ID); err != nil || r.opens(passkeyOf(2)) {
		t.Fatalf("removed, but it opens: %v", err)
	}
	for name, id := range map[string]string{wallet.CodeKeyLast: keys[0].ID, wallet.CodeNotFound: keys[1].ID} {
		if err := r.wallet.RemovePasskey(t.Context(), id); wallet.ReasonOf(err) != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPasskeyInUseStays: the vault could not be opened again for a merge.
func TestPasskeyInUseStays(t *testing.T) {
	r := newRig(t)
	if err := r.wallet.AddPasskey(t.Context(), passkeyOf(2), ""); err != nil {
		t.Fatal(err)
	}
	r.openedBy = r.keys()[0].ID
	r.open(nil)
	if keys := r.keys(); !keys[0].Here || keys[1].Here || keys[2].Here {
		t.Fatalf("%+v", keys)
	}
	if err := r.wallet.RemovePasskey(t.Context(), r.openedBy); wallet.ReasonOf(err) != wallet.CodeKeyInUse {
		t.Fatalf("got %v", err)
	}
}

// TestKeyThatIsNotSaved: what the host did not take is not in the vault either.
func TestKeyThatIsNotSaved(t *testing.T) {
	r := newRig(t)
	r.saveErr = errors.New("no network")
	code := vault.NewCode()
	if err := r.wallet.AddPasskey(t.Context(), passkeyOf(2), ""); err == nil || len(r.keys()) != 2 || r.opens(passkeyOf(2)) {
		t.Fatalf("passkey: %v, %+v", err, r.keys())
	}
	if err := r.wallet.AddCode(t.Context(), code); err == nil || len(r.keys()) != 2 || r.opens(code) {
		t.Fatalf("code: %v, %+v", err, r.keys())
	}
}

// TestReplaceCode: the old code opens until it is retired, the new one from the
// moment it is added.
func TestReplaceCode(t *testing.T) {
	r := newRig(t)
	first, second := vault.NewCode(), vault.NewCode()
	if err := r.wallet.AddCode(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := r.wallet.RetireCodes(t.Context(), first); err != nil || len(r.keys()) != 2 {
		t.Fatalf("%v, %+v", err, r.keys())
	}
	if err := r.wallet.AddCode(t.Context(), second); err != nil || !r.opens(first) || !r.opens(second) {
		t.Fatalf("while both are there: %v", err)
	}
	if err := r.wallet.RetireCodes(t.Context(), second); err != nil || r.opens(first) || !r.opens(second) {
		t.Fatalf("after the old one is retired: %v", err)
	}
}

// TestKeysAreFull: there is always room for another recovery code.
func TestKeysAreFull(t *testing.T) {
	r := newRig(t)
	for i := range vault.MaxRecipients - 3 {
		if err := r.wallet.AddPasskey(t.Context(), passkeyOf(10+i), strings.Repeat("ü", 100)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.wallet.AddPasskey(t.Context(), passkeyOf(99), ""); wallet.ReasonOf(err) != wallet.CodeKeysFull {
		t.Fatalf("got %v", err)
	}
	if err := r.wallet.AddCode(t.Context(), vault.NewCode()); err != nil {
		t.Fatal(err)
	}
}

// TestReadOnly: an offline copy is looked at and not changed, whatever is asked.
func TestReadOnly(t *testing.T) {
	r := newRig(t)
	r.prefer(liked)
	r.readOnly = true
	r.open(nil)
	if _, err := r.vault.Seal(); err != nil {
		t.Fatal(err)
	}
	saves, head := r.saves, r.vault.Head()
	for method, params := range map[string]string{
		"home": `{}`, "preferences.get": `{}`, "today.get": `{}`, "topics": `{"lang":"de"}`, "history": `{}`,
		"settings.get": `{}`, "keys": `{}`, "conflicts": `{}`, "export": `{}`,
	} {
		if _, err := r.wallet.Call(t.Context(), method, []byte(params)); err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
	for method, params := range map[string]string{
		"preferences.set": `{"depth":"detail"}`, "today.set": `{"persona":"family"}`, "settings.set": `{"language":"en","theme":"","formal":false}`,
		"ask": `{"url":"http://wallet.localhost:8080/authorize"}`, "present": `{}`, "refuse": `{}`, "offer": `{}`, "accept": `{}`,
		"withdraw": `{}`, "receipt.check": `{}`, "conflicts.choose": `{}`,
	} {
		if _, err := r.wallet.Call(t.Context(), method, []byte(params)); wallet.ReasonOf(err) != wallet.CodeReadOnly {
			t.Errorf("%s: %v", method, err)
		}
	}
	if after := r.vault.Head(); r.saves != saves || after.Counter != head.Counter {
		t.Fatalf("%d saves, head %d: something changed", r.saves-saves, after.Counter)
	}
}
