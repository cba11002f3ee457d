package server

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/store/storetest"
	"facet/wallet/vault"
)

func TestVaultAPI(t *testing.T) {
	t.Run("VSRV-001", func(t *testing.T) {
		r := newRig(t)
		me := r.holder("me")
		want(t, r.do(call{method: "PUT", path: "/api/vault", session: me, body: []byte("x")}), 428, "precondition_required", "etag_required")
		for _, odd := range []string{"*", "0", `"x"`, `W/"1"`, `"1", "2"`, `"01"`} {
			want(t, r.put(me, odd, []byte("x")), 400, "invalid_request", "malformed")
		}
		want(t, r.do(call{method: "GET", path: "/api/vault", session: me}), 404, "invalid_request", "vault_missing")
	})
	t.Run("VSRV-002", func(t *testing.T) {
		r := newRig(t)
		me := r.holder("me")
		none := r.do(call{method: "GET", path: "/api/vault", session: me}).Header.Get("ETag")
		first := status(t, r.put(me, none, []byte("first")), 204).Header.Get("ETag")
		want(t, r.put(me, none, []byte("again")), 412, "precondition_failed", "etag_stale")
		second := status(t, r.put(me, first, []byte("second")), 204).Header.Get("ETag")
		want(t, r.put(me, first, []byte("lost update")), 412, "precondition_failed", "etag_stale")
		got := status(t, r.do(call{method: "GET", path: "/api/vault", session: me}), 200)
		if b := body(t, got); string(b) != "second" || got.Header.Get("ETag") != second {
			t.Fatalf("kept %q under %s", b, got.Header.Get("ETag"))
		}
	})
	t.Run("VSRV-003", func(t *testing.T) {
		r := newRig(t)
		a, b := r.holder("alice"), r.holder("bob")
		status(t, r.put(b, `"0"`, []byte("bob's")), 204)
		for _, method := range []string{"GET", "PUT", "DELETE", "POST"} {
			theirs := r.do(call{method: method, path: "/api/vault/bob", session: a, body: []byte("x")})
			nobodys := r.do(call{method: method, path: "/api/vault/nobody", session: a, body: []byte("x")})
			x, y := body(t, theirs), body(t, nobodys)
			if theirs.StatusCode != 404 || nobodys.StatusCode != 404 || !bytes.Equal(x, y) || !strings.Contains(string(x), `"error":"access_denied","code":"tenant_isolation"`) {
				t.Fatalf("%s: %d %s and %d %s", method, theirs.StatusCode, x, nobodys.StatusCode, y)
			}
		}
		want(t, r.do(call{method: "GET", path: "/api/vault", session: a}), 404, "invalid_request", "vault_missing")
		status(t, r.put(a, `"0"`, []byte("alice's")), 204)
		if got := body(t, r.do(call{method: "GET", path: "/api/vault", session: b})); string(got) != "bob's" {
			t.Fatalf("bob reads %q", got)
		}
		for _, session := range []string{"", "x", a + "x", a[:len(a)-1]} {
			want(t, r.do(call{method: "GET", path: "/api/vault", session: session}), 401, "access_denied", "signed_out")
			want(t, r.put(session, `"0"`, []byte("x")), 401, "access_denied", "signed_out")
			want(t, r.do(call{method: "DELETE", path: "/api/vault", session: session}), 401, "access_denied", "signed_out")
		}
	})
	t.Run("VSRV-006", func(t *testing.T) {
		r := newRig(t)
		me := r.holder("me")
		for _, size := range []int{100 << 20, MaxVault + 1} {
			want(t, r.put(me, `"0"`, make([]byte, size)), 413, "slow_down", "quota")
		}
		etag := status(t, r.put(me, `"0"`, make([]byte, MaxVault)), 204).Header.Get("ETag")
		refused := 0
		for range 10_000 {
			res := r.put(me, etag, []byte("x"))
			switch res.StatusCode {
			case 204:
				etag = res.Header.Get("ETag")
			case 429:
				refused++
			default:
				t.Fatalf("got %d", res.StatusCode)
			}
		}
		if refused < 10_000-putsPerMinute {
			t.Fatalf("%d of 10,000 saves were refused", refused)
		}
		want(t, r.put(me, etag, []byte("x")), 429, "slow_down", "quota")
		r.now = r.now.Add(time.Minute)
		status(t, r.put(me, etag, []byte("x")), 204)
		status(t, r.put(r.holder("other"), `"0"`, []byte("x")), 204)
	})
	t.Run("VSRV-008", ciphertextOnly)
}

// ciphertextOnly saves a vault full of canaries and scans all the host keeps.
func ciphertextOnly(t *testing.T) {
	r := newRig(t)
	me := r.holder("me")
	v, code, err := vault.Create(vault.Passkey{CredentialID: []byte("credential"), PRF: make([]byte, 32)})
	check(t, err)
	canaries := []string{"urn:facet:age:1", "urn:facet:media-membership:1", "Morgenblatt", "credential", "preferences"}
	for i := range 30 {
		canaries = append(canaries, fmt.Sprintf("canary value %d", i))
		check(t, v.Put("credential", fmt.Sprint("urn:facet:age:1 ", i), []byte(strings.Repeat(canaries[len(canaries)-1], 20))))
	}
	check(t, v.Put("preferences", "Morgenblatt", []byte("urn:facet:media-membership:1")))
	sealed, err := v.Seal()
	check(t, err)
	status(t, r.put(me, `"0"`, sealed), 204)
	hash := sha256.Sum256(code.SignInSecret())
	status(t, r.do(call{method: "PUT", path: "/api/recovery", session: me, body: fmt.Appendf(nil, `{"lookup_id":%q,"secret_hash":%q}`,
		b64(code.LookupID()), b64(hash[:]))}), 204)
	var all bytes.Buffer
	for key, err := range r.faulty.Store.Keys(context.Background(), "", "") {
		check(t, err)
		value, _, err := r.faulty.Store.Get(context.Background(), key)
		check(t, err)
		all.WriteString(key)
		all.Write(value)
	}
	secrets := append(canaries, code.String(), string(code.SignInSecret()), b64(code.SignInSecret()), strings.ReplaceAll(code.String(), "-", ""))
	for _, c := range secrets {
		if bytes.Contains(all.Bytes(), []byte(c)) || strings.Contains(r.log.String(), c) {
			t.Errorf("the host knows %q", c)
		}
	}
	var small bytes.Buffer
	w, err := flate.NewWriter(&small, flate.BestCompression)
	check(t, err)
	_, err = w.Write(sealed)
	check(t, err)
	check(t, w.Close())
	if small.Len() < len(sealed)*99/100 {
		t.Errorf("the sealed vault compresses from %d to %d bytes", len(sealed), small.Len())
	}
}

// What a failing disk does to a save: the vault kept is the old or the new one,
// the caller learns that something failed, and trying again works. That each
// backend survives a kill at every fsync is its own test (store/bolt).
func TestFailingStore(t *testing.T) {
	passkey := vault.Passkey{CredentialID: []byte("c"), PRF: make([]byte, 32)}
	run := func(t *testing.T, fault storetest.Fault) {
		for n := 1; n <= 8; n++ {
			r := newRig(t)
			me := r.holder("me")
			v, _, err := vault.Create(passkey)
			check(t, err)
			old, err := v.Seal()
			check(t, err)
			etag := status(t, r.put(me, `"0"`, old), 204).Header.Get("ETag")
			seen := v.Head()
			check(t, v.Put("preferences", "mine", []byte("short")))
			fresh, err := v.Seal()
			check(t, err)
			before := r.faulty.Calls()
			r.faulty.Decide = func(c storetest.Call) storetest.Fault {
				if c.N == before+n {
					return fault
				}
				return storetest.None
			}
			res := r.put(me, etag, fresh)
			r.faulty.Decide = nil
			got := status(t, r.do(call{method: "GET", path: "/api/vault", session: me}), 200)
			kept := body(t, got)
			if !bytes.Equal(kept, old) && !bytes.Equal(kept, fresh) {
				t.Fatalf("call %d: neither the old nor the new vault is kept", n)
			}
			if res.StatusCode == 204 && !bytes.Equal(kept, fresh) {
				t.Fatalf("call %d: acknowledged, yet not kept", n)
			}
			if res.StatusCode != 204 {
				want(t, res, 500, "server_error", "host_broken")
			}
			if _, err := vault.Open(kept, passkey, seen); err != nil {
				t.Fatalf("call %d: what is kept does not open: %v", n, err)
			}
			status(t, r.put(me, got.Header.Get("ETag"), fresh), 204)
		}
	}
	t.Run("VLT-020", func(t *testing.T) { run(t, storetest.FailAfter) })
	t.Run("VLT-021", func(t *testing.T) { run(t, storetest.FailBefore) })
}

func TestRecovery(t *testing.T) {
	r := newRig(t)
	me, other := r.holder("me"), r.holder("other")
	register := func(session string, c vault.Code) *http.Response {
		hash := sha256.Sum256(c.SignInSecret())
		return r.do(call{method: "PUT", path: "/api/recovery", session: session, body: fmt.Appendf(nil, `{"lookup_id":%q,"secret_hash":%q}`, b64(c.LookupID()), b64(hash[:]))})
	}
	login := func(lookup, secret []byte) *http.Response {
		return r.do(call{method: "POST", path: "/api/recovery/login", body: fmt.Appendf(nil, `{"lookup_id":%q,"secret":%q}`, b64(lookup), b64(secret))})
	}
	first, second := vault.NewCode(), vault.NewCode()
	status(t, register(me, first), 204)
	status(t, register(me, first), 204)
	want(t, register(other, first), 404, "access_denied", "tenant_isolation")
	var in signedIn
	res := status(t, login(first.LookupID(), first.SignInSecret()), 200)
	check(t, json.Unmarshal(body(t, res), &in))
	if in.Account != "me" || len(res.Cookies()) != 1 || res.Cookies()[0].Name != sessionCookie {
		t.Fatalf("signed in as %q with %v", in.Account, res.Cookies())
	}
	wrong, none := login(first.LookupID(), second.SignInSecret()), login(second.LookupID(), second.SignInSecret())
	if x, y := body(t, wrong), body(t, none); wrong.StatusCode != 401 || none.StatusCode != 401 || !bytes.Equal(x, y) {
		t.Fatalf("a wrong secret and an unknown code are told apart: %s, %s", x, y)
	}
	status(t, register(me, second), 204)
	want(t, login(first.LookupID(), first.SignInSecret()), 401, "access_denied", "recovery_unknown")
	status(t, login(second.LookupID(), second.SignInSecret()), 200)

	status(t, r.put(me, `"0"`, []byte("sealed")), 204)
	status(t, r.do(call{method: "DELETE", path: "/api/vault", session: me}), 204)
	want(t, login(second.LookupID(), second.SignInSecret()), 401, "access_denied", "recovery_unknown")
	want(t, r.do(call{method: "GET", path: "/api/vault", session: me}), 401, "access_denied", "signed_out")
	for key, err := range r.faulty.Store.Keys(context.Background(), "wallet/", "") {
		t.Errorf("%s (%v) is left after deleting everything", key, err)
	}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// TestRecoveryRaces registers a hundred codes of one account at once: one of
// them signs in afterwards and no other ever, and nothing of them is left when
// the account is deleted.
func TestRecoveryRaces(t *testing.T) {
	for _, faults := range []storetest.Fault{storetest.None, storetest.FailAfter} {
		t.Run(fmt.Sprint(faults), func(t *testing.T) { recoveryRaces(t, faults) })
	}
}

func recoveryRaces(t *testing.T, fault storetest.Fault) {
	r := newRig(t)
	me := r.holder("me")
	r.faulty.Decide = func(c storetest.Call) storetest.Fault { // every ninth change is kept, and reported as failed
		if c.N%9 == 0 && c.Op != "get" && strings.HasPrefix(c.Key, "wallet/") {
			return fault
		}
		return storetest.None
	}
	codes := make([]vault.Code, 100)
	var wg sync.WaitGroup
	for i := range codes {
		codes[i] = vault.NewCode()
		wg.Go(func() {
			hash := sha256.Sum256(codes[i].SignInSecret())
			res := r.do(call{method: "PUT", path: "/api/recovery", session: me,
				body: fmt.Appendf(nil, `{"lookup_id":%q,"secret_hash":%q}`, b64(codes[i].LookupID()), b64(hash[:]))})
			if res.StatusCode != 204 && fault == storetest.None {
				t.Errorf("code %d: %d", i, res.StatusCode)
			}
		})
	}
	wg.Wait()
	r.faulty.Decide = nil
	valid := 0
	for _, c := range codes {
		res := r.do(call{method: "POST", path: "/api/recovery/login", body: fmt.Appendf(nil, `{"lookup_id":%q,"secret":%q}`, b64(c.LookupID()), b64(c.SignInSecret()))})
		if res.StatusCode == 200 {
			valid++
		}
	}
	if valid != 1 {
		t.Errorf("%d of %d codes sign in", valid, len(codes))
	}
	if fault != storetest.None {
		return
	}
	status(t, r.do(call{method: "DELETE", path: "/api/vault", session: me}), 204)
	for key, err := range r.faulty.Store.Keys(context.Background(), "wallet/", "") {
		t.Errorf("%s (%v) is left after deleting everything", key, err)
	}
}
