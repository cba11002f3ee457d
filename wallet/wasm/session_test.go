package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"facet/fetch"
	"facet/wallet"
	"facet/wallet/vault"
)

// A memoryHost is the wallet's host as wallet/server behaves.
type memoryHost struct {
	version  int
	vault    []byte
	recovery map[string]string
	removed  []string // credential ids
	seen     []string // everything that was ever sent to it
	before   func(hostRequest)
	away     bool   // nobody answers
	config   string // instead of config1
	broken   string // method and path that fail
}

func (h *memoryHost) Do(_ context.Context, r hostRequest) (hostResponse, error) {
	h.seen = append(h.seen, string(r.body))
	if h.before != nil {
		f := h.before
		h.before = nil
		f(r)
	}
	if h.away {
		return hostResponse{}, fault(fetch.ReasonNetwork)
	}
	if h.broken == r.method+" "+r.path {
		return hostResponse{status: 500}, nil
	}
	if id, ok := strings.CutPrefix(r.path, "/api/passkey/"); ok && r.method == "DELETE" {
		h.removed = append(h.removed, id)
		return hostResponse{status: 200}, nil
	}
	tag := fmt.Sprintf(`"%d"`, h.version)
	switch r.method + " " + r.path {
	case "GET /api/config":
		config := h.config
		if config == "" {
			config = config1
		}
		return hostResponse{status: 200, body: []byte(config)}, nil
	case "GET /api/vault":
		if h.vault == nil {
			return hostResponse{status: 404, etag: `"0"`}, nil
		}
		return hostResponse{status: 200, etag: tag, body: h.vault}, nil
	case "PUT /api/vault":
		if r.ifMatch != tag {
			return hostResponse{status: http.StatusPreconditionFailed}, nil
		}
		h.version++
		h.vault = r.body
		return hostResponse{status: 204, etag: fmt.Sprintf(`"%d"`, h.version)}, nil
	case "PUT /api/recovery":
		return hostResponse{status: 204}, json.Unmarshal(r.body, &h.recovery)
	case "POST /api/recovery/login":
		var p map[string]string
		if err := json.Unmarshal(r.body, &p); err != nil || p["lookup_id"] != h.recovery["lookup_id"] {
			return hostResponse{status: 401}, err
		}
		return hostResponse{status: 200}, nil
	}
	return hostResponse{status: 500}, nil
}

const config1 = `{"trust":{"version":7,"name":"t","issuers":[],"verifiers":[]}}`

type memoryDevice struct{ m memory }

func (d *memoryDevice) Memory(context.Context) (memory, error) { return d.m, nil }
func (d *memoryDevice) Remember(_ context.Context, m memory) error {
	d.m = m
	return nil
}

func newSession(h *memoryHost) *session {
	return &session{host: h, device: &memoryDevice{}, now: time.Now, origin: "https://wallet.example", fetcher: func(bool) fetch.Fetcher { return fetch.New(fetch.Config{}) }}
}

func callSession(t *testing.T, s *session, method, params string) (map[string]any, error) {
	t.Helper()
	text, err := s.Call(t.Context(), method, []byte(params))
	if err != nil {
		return nil, err
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("%s: %s", method, text)
	}
	return out, nil
}

func passkey() string {
	prf := make([]byte, vault.PRFSize)
	rand.Read(prf)
	return fmt.Sprintf(`{"credential_id":%q,"prf":%q,"label":"Laptop"}`, base64.RawURLEncoding.EncodeToString(prf[:8]), base64.RawURLEncoding.EncodeToString(prf))
}

// begin creates a vault and confirms its code; it returns the passkey and code.
func begin(t *testing.T, s *session) (key, code string) {
	t.Helper()
	key = passkey()
	made, err := callSession(t, s, "vault.create", key)
	if err != nil {
		t.Fatal(err)
	}
	code = made["recovery_code"].(string)
	groups := strings.Split(code, "-")
	if _, err := callSession(t, s, "vault.confirmRecovery", fmt.Sprintf(`{"groups":[{"index":1,"text":%q},{"index":7,"text":%q}]}`, strings.ToLower(groups[1]), groups[7])); err != nil {
		t.Fatal(err)
	}
	return key, code
}

func TestNothingIsStoredBeforeTheCodeIsConfirmed(t *testing.T) {
	h := &memoryHost{}
	s := newSession(h)
	if got, err := callSession(t, s, "vault.status", `{}`); err != nil || got["state"] != "none" {
		t.Fatalf("%v, %v", got, err)
	}
	made, err := callSession(t, s, "vault.create", passkey())
	if err != nil {
		t.Fatal(err)
	}
	groups := strings.Split(made["recovery_code"].(string), "-")
	for name, params := range map[string]string{
		"one group":       fmt.Sprintf(`{"groups":[{"index":0,"text":%q}]}`, groups[0]),
		"one group twice": fmt.Sprintf(`{"groups":[{"index":0,"text":%q},{"index":0,"text":%q}]}`, groups[0], groups[0]),
		"a wrong one":     fmt.Sprintf(`{"groups":[{"index":0,"text":%q},{"index":1,"text":"0000"}]}`, groups[0]),
		"no such group":   fmt.Sprintf(`{"groups":[{"index":0,"text":%q},{"index":9,"text":"0000"}]}`, groups[0]),
	} {
		if _, err := callSession(t, s, "vault.confirmRecovery", params); wallet.ReasonOf(err) != "recovery_wrong" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if h.vault != nil || h.recovery != nil {
		t.Fatal("the host has something already")
	}
	if _, err := callSession(t, s, "home", `{}`); wallet.ReasonOf(err) != "vault_locked" {
		t.Fatalf("the wallet is open already: %v", err)
	}
}

func TestOpenLockOpen(t *testing.T) {
	h := &memoryHost{}
	s := newSession(h)
	key, code := begin(t, s)
	if _, err := callSession(t, s, "preferences.set", `{"depth":"overview"}`); err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string][2]string{"passkey": {"vault.open", key}, "code": {"vault.openWithCode", fmt.Sprintf(`{"code":%q}`, code)}} {
		if _, err := callSession(t, s, "vault.lock", `{}`); err != nil {
			t.Fatal(err)
		}
		if got, _ := callSession(t, s, "vault.status", `{}`); got["state"] != "locked" {
			t.Fatalf("state %v", got)
		}
		if _, err := callSession(t, s, "vault.open", passkey()); wallet.ReasonOf(err) != "vault_unwrap_failed" {
			t.Fatalf("another passkey: %v", err)
		}
		if _, err := callSession(t, s, open[0], open[1]); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := callSession(t, s, "preferences.get", `{}`); err != nil || got["depth"] != "overview" {
			t.Fatalf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := callSession(t, newSession(h), "vault.create", passkey()); wallet.ReasonOf(err) != "vault_exists" {
		t.Fatalf("a second vault over the first: %v", err)
	}
}

// TestTwoDevices: when another device saved first, nothing of either is lost.
func TestTwoDevices(t *testing.T) {
	h := &memoryHost{}
	phone, laptop := newSession(h), newSession(h)
	key, _ := begin(t, phone)
	if _, err := callSession(t, laptop, "vault.open", key); err != nil {
		t.Fatal(err)
	}
	if _, err := callSession(t, phone, "preferences.set", `{"tone":"formal"}`); err != nil {
		t.Fatal(err)
	}
	if _, err := callSession(t, laptop, "settings.set", `{"language":"en","theme":"","formal":false}`); err != nil {
		t.Fatalf("the laptop's save met the phone's: %v", err)
	}
	if got, err := callSession(t, laptop, "preferences.get", `{}`); err != nil || got["tone"] != "formal" {
		t.Fatalf("the phone's edit is lost: %v, %v", got, err)
	}
}

// TestAnOlderVaultIsNoticed: the host serves a state this device has gone past.
func TestAnOlderVaultIsNoticed(t *testing.T) {
	h := &memoryHost{}
	s := newSession(h)
	key, _ := begin(t, s)
	old := h.vault
	if _, err := callSession(t, s, "preferences.set", `{"depth":"detail"}`); err != nil {
		t.Fatal(err)
	}
	if _, err := callSession(t, s, "vault.lock", `{}`); err != nil {
		t.Fatal(err)
	}
	h.vault = old
	if _, err := callSession(t, s, "vault.open", key); wallet.ReasonOf(err) != "vault_rollback" {
		t.Fatalf("got %v", err)
	}
}

// TestTheHostLearnsNothing looks through all that was ever sent to it.
func TestTheHostLearnsNothing(t *testing.T) {
	h := &memoryHost{}
	s := newSession(h)
	key, code := begin(t, s)
	if _, err := callSession(t, s, "preferences.set", `{"topics":["Canary7"]}`); err != nil {
		t.Fatal(err)
	}
	var p passkeyParams
	if err := json.Unmarshal([]byte(key), &p); err != nil {
		t.Fatal(err)
	}
	prf, _ := base64.RawURLEncoding.DecodeString(p.PRF)
	all := strings.Join(h.seen, "\n")
	for name, secret := range map[string]string{
		"PRF": string(prf), "PRF in base64": p.PRF, "code": code, "group of the code": strings.Split(code, "-")[3] + "-", "preference": "Canary7",
	} {
		if strings.Contains(all, secret) {
			t.Errorf("the host was sent the %s", name)
		}
	}
}
