package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"facet/wallet"
)

// list calls a method that answers with a list.
func list(t *testing.T, s *session, method, params string) ([]map[string]any, error) {
	t.Helper()
	text, err := s.Call(t.Context(), method, []byte(params))
	if err != nil {
		return nil, err
	}
	var out []map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("%s: %s", method, text)
	}
	return out, nil
}

// reopens locks s and opens the vault again.
func reopens(t *testing.T, s *session, method, params string) error {
	t.Helper()
	if _, err := callSession(t, s, "vault.lock", `{}`); err != nil {
		t.Fatal(err)
	}
	_, err := callSession(t, s, method, params)
	return err
}

func byCode(code string) string { return fmt.Sprintf(`{"code":%q}`, code) }

// typed answers the question for two groups.
func typed(code string) string {
	groups := strings.Split(code, "-")
	return fmt.Sprintf(`{"groups":[{"index":0,"text":%q},{"index":8,"text":%q}]}`, groups[0], groups[8])
}

func TestPasskeysComeAndGo(t *testing.T) {
	h := &memoryHost{}
	s := newSession(h)
	first, _ := begin(t, s)
	second := passkey()
	keys, err := list(t, s, "vault.addPasskey", second)
	if err != nil || len(keys) != 3 || keys[0]["here"] != true || keys[0]["label"] != "Laptop" || keys[0]["since"] == 0.0 || keys[2]["here"] != false {
		t.Fatalf("%v, %v", keys, err)
	}
	if strings.Contains(fmt.Sprint(keys), "redential") {
		t.Fatalf("pages get credential ids: %v", keys)
	}
	for _, key := range []string{second, first} {
		if err := reopens(t, s, "vault.open", key); err != nil {
			t.Fatal(err)
		}
	}
	id := keys[2]["id"].(string)
	for name, id := range map[string]string{wallet.CodeKeyInUse: keys[0]["id"].(string), wallet.CodeNotFound: keys[1]["id"].(string)} {
		if _, err := list(t, s, "vault.removePasskey", fmt.Sprintf(`{"id":%q}`, id)); wallet.ReasonOf(err) != name || len(h.removed) != 0 {
			t.Fatalf("want %s, got %v", name, err)
		}
	}
	h.broken = "PUT /api/vault"
	if _, err := list(t, s, "vault.removePasskey", fmt.Sprintf(`{"id":%q}`, id)); wallet.ReasonOf(err) != "host_error" {
		t.Fatalf("got %v", err)
	}
	h.broken = ""
	if err := reopens(t, s, "vault.open", first); err != nil {
		t.Fatal(err)
	}
	keys, err = list(t, s, "vault.removePasskey", fmt.Sprintf(`{"id":%q}`, id)) // again
	var p passkeyParams
	if json.Unmarshal([]byte(second), &p) != nil || err != nil || len(keys) != 2 || len(h.removed) != 2 || h.removed[1] != p.CredentialID {
		t.Fatalf("%v, %v, the host removed %v", keys, err, h.removed)
	}
	if err := reopens(t, s, "vault.open", second); wallet.ReasonOf(err) != "vault_unwrap_failed" {
		t.Fatalf("the removed passkey: %v", err)
	}
}

// TestNewCode: until the new code is confirmed the old one works; then only the
// new one does. Wherever it is interrupted, one of the two signs in and opens.
func TestNewCode(t *testing.T) {
	for _, broken := range []string{"", "PUT /api/vault", "PUT /api/recovery"} {
		t.Run(broken, func(t *testing.T) {
			h := &memoryHost{}
			s := newSession(h)
			key, old := begin(t, s)
			made, err := callSession(t, s, "vault.newCode", `{}`)
			if err != nil {
				t.Fatal(err)
			}
			code := made["recovery_code"].(string)
			if _, err := callSession(t, s, "vault.confirmCode", typed(old)); wallet.ReasonOf(err) != "recovery_wrong" {
				t.Fatalf("the old code's groups: %v", err)
			}
			if broken != "" {
				h.broken = broken
				if _, err := callSession(t, s, "vault.confirmCode", typed(code)); wallet.ReasonOf(err) != "host_error" {
					t.Fatalf("got %v", err)
				}
				h.broken = ""
				if _, err := callSession(t, newSession(h), "vault.openWithCode", byCode(old)); err != nil {
					t.Fatalf("interrupted, and the old code does not open: %v", err)
				}
			}
			if _, err := callSession(t, s, "vault.confirmCode", typed(code)); err != nil {
				t.Fatal(err)
			}
			if err := reopens(t, s, "vault.openWithCode", byCode(old)); wallet.ReasonOf(err) != "recovery_unknown" {
				t.Fatalf("the old code: %v", err)
			}
			if err := reopens(t, s, "vault.openWithCode", byCode(code)); err != nil {
				t.Fatal(err)
			}
			if err := reopens(t, s, "vault.open", key); err != nil {
				t.Fatal(err)
			}
			if keys, err := list(t, s, "keys", `{}`); err != nil || len(keys) != 2 {
				t.Fatalf("%v, %v", keys, err)
			}
		})
	}
}

// TestMergeAfterNewCode: a vault opened with a code that was replaced meanwhile
// can still be merged.
func TestMergeAfterNewCode(t *testing.T) {
	h := &memoryHost{}
	phone := newSession(h)
	key, old := begin(t, phone)
	if err := reopens(t, phone, "vault.openWithCode", byCode(old)); err != nil {
		t.Fatal(err)
	}
	made, err := callSession(t, phone, "vault.newCode", `{}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := callSession(t, phone, "vault.confirmCode", typed(made["recovery_code"].(string))); err != nil {
		t.Fatal(err)
	}
	laptop := newSession(h)
	if _, err := callSession(t, laptop, "vault.open", key); err != nil {
		t.Fatal(err)
	}
	if _, err := callSession(t, laptop, "preferences.set", `{"tone":"formal"}`); err != nil {
		t.Fatal(err)
	}
	if _, err := callSession(t, phone, "today.set", `{"persona":"family"}`); err != nil {
		t.Fatalf("the phone's save met the laptop's: %v", err)
	}
}

// TestConflict: two devices state something different; one counts, both are
// kept, and the holder is asked.
func TestConflict(t *testing.T) {
	h := &memoryHost{}
	phone, laptop := newSession(h), newSession(h)
	key, _ := begin(t, phone)
	if _, err := callSession(t, laptop, "vault.open", key); err != nil {
		t.Fatal(err)
	}
	if _, err := callSession(t, phone, "preferences.set", `{"depth":"detail"}`); err != nil {
		t.Fatal(err)
	}
	if _, err := callSession(t, laptop, "preferences.set", `{"depth":"overview"}`); err != nil {
		t.Fatal(err)
	}
	got, err := list(t, laptop, "conflicts", `{}`)
	if err != nil || len(got) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	if got, err = list(t, laptop, "conflicts.choose", fmt.Sprintf(`{"id":%q,"take":"other"}`, got[0]["id"])); err != nil || len(got) != 0 {
		t.Fatalf("%v, %v", got, err)
	}
	if err := reopens(t, phone, "vault.open", key); err != nil {
		t.Fatal(err)
	}
	if got, err := callSession(t, phone, "preferences.get", `{}`); err != nil || got["depth"] != "overview" {
		t.Fatalf("the choice did not arrive: %v, %v", got, err)
	}
}

// TestOffline: without a network the device's copy is looked at, and nothing
// changes.
func TestOffline(t *testing.T) {
	h := &memoryHost{}
	s := newSession(h)
	key, code := begin(t, s)
	if _, err := callSession(t, s, "preferences.set", `{"depth":"overview"}`); err != nil {
		t.Fatal(err)
	}
	before, version := string(h.vault), h.version
	h.away = true
	for name, open := range map[string][2]string{"passkey": {"vault.open", key}, "code": {"vault.openWithCode", byCode(code)}} {
		if _, err := callSession(t, s, "vault.lock", `{}`); err != nil {
			t.Fatal(err)
		}
		if got, err := callSession(t, s, "vault.status", `{}`); err != nil || got["state"] != "locked" || got["offline"] != true {
			t.Fatalf("%s: %v, %v", name, got, err)
		}
		if _, err := callSession(t, s, "vault.open", passkey()); wallet.ReasonOf(err) != "vault_unwrap_failed" {
			t.Fatalf("another passkey: %v", err)
		}
		if got, err := callSession(t, s, open[0], open[1]); err != nil || got["offline"] != true {
			t.Fatalf("%s: %v, %v", name, got, err)
		}
		if got, err := callSession(t, s, "preferences.get", `{}`); err != nil || got["depth"] != "overview" {
			t.Fatalf("%s: %v, %v", name, got, err)
		}
		if _, err := callSession(t, s, "preferences.set", `{"depth":"detail"}`); wallet.ReasonOf(err) != wallet.CodeReadOnly {
			t.Fatalf("%s: %v", name, err)
		}
		for method, params := range map[string]string{"vault.addPasskey": passkey(), "vault.newCode": `{}`} {
			if _, err := callSession(t, s, method, params); wallet.ReasonOf(err) != wallet.CodeReadOnly {
				t.Fatalf("%s: %v", method, err)
			}
		}
	}
	if h.away = false; string(h.vault) != before || h.version != version {
		t.Fatal("something was saved")
	}
	if err := reopens(t, s, "vault.open", key); err != nil {
		t.Fatal(err)
	}
	if _, err := callSession(t, s, "preferences.set", `{"depth":"detail"}`); err != nil {
		t.Fatalf("back online: %v", err)
	}
}

// TestOfflineOnAnUnknownDevice: there is nothing to look at.
func TestOfflineOnAnUnknownDevice(t *testing.T) {
	h := &memoryHost{}
	key, _ := begin(t, newSession(h))
	h.away = true
	s := newSession(h)
	if _, err := callSession(t, s, "vault.status", `{}`); wallet.ReasonOf(err) != "network" {
		t.Fatalf("status: %v", err)
	}
	if _, err := callSession(t, s, "vault.open", key); wallet.ReasonOf(err) != "network" {
		t.Fatalf("open: %v", err)
	}
}

// TestTheDeviceKeepsNoKey: what stays on the device is what the host has, too.
func TestTheDeviceKeepsNoKey(t *testing.T) {
	h := &memoryHost{}
	s := newSession(h)
	begin(t, s)
	if _, err := callSession(t, s, "preferences.set", `{"topics":["Canary7"]}`); err != nil {
		t.Fatal(err)
	}
	m := s.device.(*memoryDevice).m
	if string(m.Sealed) != string(h.vault) || m.High.Counter == 0 || strings.Contains(string(m.Sealed)+string(m.Config), "Canary7") {
		t.Fatal("the device keeps something else than the host's bytes")
	}
}

// TestFileAtANewHost: everything is lost but an exported file and its code.
func TestFileAtANewHost(t *testing.T) {
	old := newSession(&memoryHost{})
	first, code := begin(t, old)
	if _, err := callSession(t, old, "preferences.set", `{"depth":"overview"}`); err != nil {
		t.Fatal(err)
	}
	exported, err := callSession(t, old, "export", `{}`)
	if err != nil {
		t.Fatal(err)
	}
	h := &memoryHost{}
	s := newSession(h)
	open := func(code string) error {
		_, err := callSession(t, s, "vault.openFile", fmt.Sprintf(`{"file":%q,"code":%q}`, exported["file"], code))
		return err
	}
	mistyped := strings.Replace(code, code[:1], map[bool]string{true: "7", false: "8"}[code[0] == '8'], 1)
	if err := open(mistyped); wallet.ReasonOf(err) != "recovery_code_checksum" {
		t.Fatalf("mistyped: %v", err)
	}
	_, another := begin(t, newSession(&memoryHost{}))
	if err := open(another); wallet.ReasonOf(err) != "vault_unwrap_failed" {
		t.Fatalf("another code: %v", err)
	}
	if err := open(code); err != nil || h.vault != nil {
		t.Fatalf("opening the file: %v", err)
	}
	second := passkey()
	h.broken = "PUT /api/vault"
	if _, err := callSession(t, s, "vault.adopt", second); wallet.ReasonOf(err) != "host_error" {
		t.Fatalf("got %v", err)
	}
	h.broken = ""
	if _, err := callSession(t, s, "vault.adopt", second); err != nil {
		t.Fatal(err)
	}
	for method, params := range map[string]string{"vault.open": second, "vault.openWithCode": byCode(code)} {
		if err := reopens(t, s, method, params); err != nil {
			t.Fatalf("%s: %v", method, err)
		}
	}
	if err := reopens(t, s, "vault.open", first); err != nil {
		t.Fatalf("the passkey the file knew: %v", err)
	}
	if got, err := callSession(t, s, "preferences.get", `{}`); err != nil || got["depth"] != "overview" {
		t.Fatalf("%v, %v", got, err)
	}
	if _, err := callSession(t, s, "vault.adopt", passkey()); wallet.ReasonOf(err) != "params_invalid" {
		t.Fatalf("adopting nothing: %v", err)
	}
	other := newSession(h)
	if _, err := callSession(t, other, "vault.openFile", fmt.Sprintf(`{"file":%q,"code":%q}`, exported["file"], code)); err != nil {
		t.Fatal(err)
	}
	if _, err := callSession(t, other, "vault.adopt", passkey()); wallet.ReasonOf(err) != "vault_exists" {
		t.Fatalf("over a vault that is there: %v", err)
	}
	var p passkeyParams
	if err := json.Unmarshal([]byte(second), &p); err != nil {
		t.Fatal(err)
	}
	prf, _ := base64.RawURLEncoding.DecodeString(p.PRF)
	if all := strings.Join(h.seen, "\n"); strings.Contains(all, string(prf)) || strings.Contains(all, code) {
		t.Fatal("the host was sent a key")
	}
}
