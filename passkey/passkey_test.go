package passkey

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"facet/passkey/passkeytest"
	"facet/store"
)

const testURL = "http://wallet.localhost:8080"

func newKey() *passkeytest.Key { return passkeytest.New(testURL, "wallet.localhost") }

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

type rig struct {
	*RelyingParty
	now time.Time
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{now: time.Unix(1_800_000_000, 0)}
	p, err := New(Config{URL: testURL, Name: "Facet", Store: store.Memory(), Now: func() time.Time { return r.now }})
	check(t, err)
	r.RelyingParty = p
	return r
}

func (r *rig) enrol(t *testing.T, k *passkeytest.Key) *SignedIn {
	t.Helper()
	b, err := r.BeginRegistration(context.Background(), "")
	check(t, err)
	in, err := r.FinishRegistration(context.Background(), b.Ceremony, k.Register(b.Options))
	check(t, err)
	return in
}

func (r *rig) login(t *testing.T, k *passkeytest.Key) (*SignedIn, error) {
	t.Helper()
	b, err := r.BeginLogin(context.Background())
	check(t, err)
	return r.FinishLogin(context.Background(), b.Ceremony, k.Assert(b.Options))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, err error, reason string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Reason() != reason {
		t.Fatalf("got %v, want reason %s", err, reason)
	}
}

func TestSignIn(t *testing.T) {
	r, k := newRig(t), newKey()
	enrolled := r.enrol(t, k)
	in, err := r.login(t, k)
	check(t, err)
	if in.Account != enrolled.Account || !bytes.Equal(in.CredentialID, k.ID) || in.CloneSuspected {
		t.Fatalf("signed in as %+v, enrolled as %+v", in, enrolled)
	}
	secret, err := r.OpenSession(context.Background(), in.Account)
	check(t, err)
	account, err := r.Session(context.Background(), secret)
	check(t, err)
	if account != in.Account {
		t.Fatal("the session stands for another account")
	}
	for _, end := range []struct {
		name string
		do   func()
	}{
		{"closed", func() { check(t, r.CloseSession(context.Background(), secret)) }},
		{"expired", func() { r.now = r.now.Add(SessionTTL) }},
		{"deleted", func() { check(t, r.DeleteAccount(context.Background(), in.Account)) }},
	} {
		secret, err = r.OpenSession(context.Background(), in.Account)
		check(t, err)
		end.do()
		_, err = r.Session(context.Background(), secret)
		t.Run(end.name, func(t *testing.T) { want(t, err, ReasonSession) })
	}
}

func TestHostileAssertions(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		for _, tt := range []struct {
			name  string
			twist func(k, other *passkeytest.Key)
		}{
			{"wrong origin", func(k, _ *passkeytest.Key) { k.Origin = "http://news.localhost:8083" }},
			{"origin of another port", func(k, _ *passkeytest.Key) { k.Origin = "http://wallet.localhost:8083" }},
			{"wrong rpIdHash", func(k, _ *passkeytest.Key) { k.RPID = "localhost" }},
			{"another challenge", func(k, _ *passkeytest.Key) { k.Challenge = b64(make([]byte, 32)) }},
			{"UV=0", func(k, _ *passkeytest.Key) { k.Flags = passkeytest.FlagUP }},
			{"cross-user credential", func(k, other *passkeytest.Key) { k.Handle = other.Handle }},
			{"unknown account", func(k, _ *passkeytest.Key) { k.Handle = random(handleSize) }},
			{"no account", func(k, _ *passkeytest.Key) { k.Handle = nil }},
			{"unknown credential", func(k, _ *passkeytest.Key) { k.ID = random(16) }},
			{"another's key", func(k, other *passkeytest.Key) { k.Private = other.Private }},
		} {
			t.Run(tt.name, func(t *testing.T) {
				r, k, other := newRig(t), newKey(), newKey()
				r.enrol(t, k)
				r.enrol(t, other)
				tt.twist(k, other)
				_, err := r.login(t, k)
				want(t, err, ReasonInvalid)
			})
		}
		t.Run("replayed challenge", func(t *testing.T) {
			r, k := newRig(t), newKey()
			r.enrol(t, k)
			b, err := r.BeginLogin(context.Background())
			check(t, err)
			answer := k.Assert(b.Options)
			_, err = r.FinishLogin(context.Background(), b.Ceremony, answer)
			check(t, err)
			_, err = r.FinishLogin(context.Background(), b.Ceremony, answer)
			want(t, err, ReasonInvalid)
			other, err := r.BeginLogin(context.Background())
			check(t, err)
			_, err = r.FinishLogin(context.Background(), other.Ceremony, answer)
			want(t, err, ReasonInvalid)
		})
		t.Run("late", func(t *testing.T) {
			r, k := newRig(t), newKey()
			r.enrol(t, k)
			b, err := r.BeginLogin(context.Background())
			check(t, err)
			r.now = r.now.Add(CeremonyTTL)
			_, err = r.FinishLogin(context.Background(), b.Ceremony, k.Assert(b.Options))
			want(t, err, ReasonInvalid)
		})
	})
	t.Run("counter going backwards", func(t *testing.T) {
		r, k := newRig(t), newKey()
		r.enrol(t, k)
		for _, step := range []struct {
			counter uint32
			clone   bool
		}{{5, false}, {6, false}, {3, true}} {
			k.Counter = step.counter
			in, err := r.login(t, k)
			check(t, err)
			if in.CloneSuspected != step.clone {
				t.Fatalf("counter %d: clone suspected is %v", step.counter, in.CloneSuspected)
			}
		}
	})
	t.Run("begin asks nobody", func(t *testing.T) {
		// Begin asks nobody who they are: with and without accounts, its answer
		// has the same shape.
		shape := func(r *rig) string {
			b, err := r.BeginLogin(context.Background())
			check(t, err)
			var o map[string]map[string]any
			check(t, json.Unmarshal(b.Options, &o))
			o["publicKey"]["challenge"] = ""
			s, err := json.Marshal(o)
			check(t, err)
			return string(s)
		}
		empty, full := newRig(t), newRig(t)
		full.enrol(t, newKey())
		if a, b := shape(empty), shape(full); a != b || strings.Contains(a, "allowCredentials") {
			t.Fatalf("begin tells accounts apart:\n%s\n%s", a, b)
		}
	})
}

func TestMessagesWithExtensionOutputsAreRefused(t *testing.T) {
	r, k := newRig(t), newKey()
	b, err := r.BeginRegistration(context.Background(), "")
	check(t, err)
	good := string(k.Register(b.Options))
	for _, bad := range []string{
		`,"clientExtensionResults":{"prf":{"enabled":true,"results":{"first":"AAAA"}}}}`,
		`,"clientExtensionResults":{}}`,
		`,"x":{"y":[{"PRF":{"results":{}}}]}}`,
		`,"prf":1}`,
	} {
		_, err := r.FinishRegistration(context.Background(), b.Ceremony, []byte(strings.TrimSuffix(good, "}")+bad))
		want(t, err, ReasonPRF)
	}
	for _, bad := range []string{"", "[]", good + "{}", strings.TrimSuffix(good, "}") + `,"x":1}`, strings.Repeat(" ", MaxBody) + good} {
		_, err := r.FinishRegistration(context.Background(), b.Ceremony, []byte(bad))
		want(t, err, ReasonInvalid)
	}
	// None of these used the ceremony up.
	_, err = r.FinishRegistration(context.Background(), b.Ceremony, []byte(good))
	check(t, err)
}

func TestAnotherPasskey(t *testing.T) {
	r, first, second := newRig(t), newKey(), newKey()
	account := r.enrol(t, first).Account
	b, err := r.BeginRegistration(context.Background(), account)
	check(t, err)
	if !strings.Contains(string(b.Options), b64(first.ID)) {
		t.Error("the first passkey is not excluded")
	}
	_, err = r.FinishRegistration(context.Background(), b.Ceremony, second.Register(b.Options))
	check(t, err)
	in, err := r.login(t, second)
	check(t, err)
	if in.Account != account {
		t.Fatal("the second passkey signs in to another account")
	}
	session, err := r.OpenSession(context.Background(), account)
	check(t, err)
	check(t, r.RemovePasskey(context.Background(), account, []byte("unknown")))
	_, err = r.Session(context.Background(), session)
	check(t, err)
	check(t, r.RemovePasskey(context.Background(), account, first.ID))
	_, err = r.login(t, first)
	want(t, err, ReasonInvalid)
	_, err = r.Session(context.Background(), session)
	want(t, err, ReasonSession) // it could be the lost device's
	want(t, r.RemovePasskey(context.Background(), account, second.ID), ReasonLast)
	in, err = r.login(t, second)
	check(t, err)
	session, err = r.OpenSession(context.Background(), in.Account)
	check(t, err)
	_, err = r.Session(context.Background(), session)
	check(t, err)
}

func TestExpiredTicketsAreSwept(t *testing.T) {
	r := newRig(t)
	count := func() (n int) {
		for _, err := range r.store.Keys(context.Background(), "passkey/login/", "") {
			check(t, err)
			n++
		}
		return n
	}
	for range 40 {
		_, err := r.BeginLogin(context.Background())
		check(t, err)
	}
	r.now = r.now.Add(CeremonyTTL + time.Second)
	for range 2 {
		_, err := r.BeginLogin(context.Background())
		check(t, err)
	}
	if n := count(); n != 2 {
		t.Fatalf("%d ceremonies are kept, want 2", n)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, url := range []string{
		"", "wallet.example", "http://wallet.example", "https://wallet.example/x", "https://localhost:8080", "http://localhost",
		"https://127.0.0.1", "https://[::1]:8080", "ftp://wallet.localhost", "https://u@wallet.example",
	} {
		if _, err := New(Config{URL: url, Name: "x", Store: store.Memory(), Now: time.Now}); err == nil {
			t.Errorf("%q is accepted", url)
		}
	}
	if _, err := New(Config{URL: "https://wallet.example"}); err == nil {
		t.Error("a config without a store is accepted")
	}
}
