package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"facet/passkey/passkeytest"
)

// A browser is one that signs in: it answers a ceremony and keeps its cookie.
type browser struct {
	*rig
	key      *passkeytest.Key
	ceremony string
}

func (b *browser) begin(what string) json.RawMessage {
	b.t.Helper()
	res := status(b.t, b.do(call{method: "POST", path: "/api/passkey/" + what + "/begin", body: []byte("{}")}), 200)
	for _, k := range res.Cookies() {
		if k.Name == ceremonyCookie {
			b.ceremony = k.Value
		}
	}
	return body(b.t, res)
}

func (b *browser) finish(what string, answer []byte) *http.Response {
	b.t.Helper()
	return b.do(call{method: "POST", path: "/api/passkey/" + what + "/finish", body: answer, header: map[string]string{"Cookie": ceremonyCookie + "=" + b.ceremony}})
}

func (b *browser) login() *http.Response { return b.finish("login", b.key.Assert(b.begin("login"))) }

// enrolled is a browser with a passkey of its own and an account.
func (r *rig) enrolled() *browser {
	r.t.Helper()
	b := &browser{rig: r, key: passkeytest.New(testURL, "wallet.localhost")}
	status(r.t, b.finish("register", b.key.Register(b.begin("register"))), 200)
	return b
}

func TestHostileSignIn(t *testing.T) {
	denied := func(t *testing.T, res *http.Response) {
		t.Helper()
		want(t, res, 401, "access_denied", "webauthn_invalid")
		for _, k := range res.Cookies() {
			if k.Name == sessionCookie {
				t.Error("a session all the same")
			}
		}
	}
	t.Run("VSRV-004", func(t *testing.T) {
		for name, twist := range map[string]func(k, other *passkeytest.Key){
			"wrong origin":          func(k, _ *passkeytest.Key) { k.Origin = "https://evil.example" },
			"wrong rpIdHash":        func(k, _ *passkeytest.Key) { k.RPID = "localhost" },
			"UV=0":                  func(k, _ *passkeytest.Key) { k.Flags = passkeytest.FlagUP },
			"cross-user credential": func(k, other *passkeytest.Key) { k.Handle = other.Handle },
			"another's key":         func(k, other *passkeytest.Key) { k.Private = other.Private },
			"another challenge":     func(k, _ *passkeytest.Key) { k.Challenge = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
		} {
			t.Run(name, func(t *testing.T) {
				r := newRig(t)
				r.t = t
				b, other := r.enrolled(), r.enrolled()
				twist(b.key, other.key)
				denied(t, b.login())
			})
		}
		t.Run("replayed challenge", func(t *testing.T) {
			r := newRig(t)
			r.t = t
			b := r.enrolled()
			answer := b.key.Assert(b.begin("login"))
			status(t, b.finish("login", answer), 200)
			denied(t, b.finish("login", answer))
			b.begin("login")
			denied(t, b.finish("login", answer))
		})
	})
	t.Run("VSRV-005", func(t *testing.T) {
		b := newRig(t).enrolled()
		for _, step := range []struct {
			counter uint32
			flag    bool
		}{{5, false}, {6, false}, {3, true}} {
			b.key.Counter = step.counter
			got := string(body(t, status(t, b.login(), 200)))
			if strings.Contains(got, `"clone_suspected":true`) != step.flag {
				t.Errorf("counter %d: %s", step.counter, got)
			}
		}
	})
	t.Run("VSRV-007", func(t *testing.T) {
		// Begin asks nobody who they are, and whoever is wrong gets one answer.
		empty, full := newRig(t), newRig(t)
		b := full.enrolled()
		challenge := regexp.MustCompile(`"challenge":"[^"]*"`)
		shape := func(r *rig) string {
			res := status(t, r.do(call{method: "POST", path: "/api/passkey/login/begin", body: []byte("{}")}), 200)
			return challenge.ReplaceAllString(string(body(t, res)), "")
		}
		if x, y := shape(empty), shape(full); x != y || strings.Contains(x, "allowCredentials") {
			t.Errorf("begin tells accounts apart:\n%s\n%s", x, y)
		}
		known, unknown := *b.key, passkeytest.New(testURL, "wallet.localhost")
		known.Private = unknown.Private // a passkey there is, and the wrong key
		unknown.Handle = make([]byte, len(known.Handle))
		var answers []string
		for _, k := range []*passkeytest.Key{&known, unknown} {
			b.key = k
			answers = append(answers, string(body(t, status(t, b.login(), 401))))
			denied(t, b.login())
		}
		if answers[0] == "" || answers[0] != answers[1] {
			t.Errorf("finish tells accounts apart:\n%s\n%s", answers[0], answers[1])
		}
	})
}

// TestRemovePasskey: a lost device's passkey goes, with every session it may
// have; the last one stays, and other people's are out of reach.
func TestRemovePasskey(t *testing.T) {
	r := newRig(t)
	text := base64.RawURLEncoding.EncodeToString
	enrol := func(name string, passkeys ...string) string {
		id := make([]byte, 32)
		copy(id, name)
		var keys []map[string]any
		for _, k := range passkeys {
			keys = append(keys, map[string]any{"id": []byte(k)})
		}
		raw, err := json.Marshal(map[string]any{"id": id, "passkeys": keys})
		check(t, err)
		_, err = r.faulty.Store.Swap(context.Background(), "passkey/account/"+text(id), 0, raw)
		check(t, err)
		return text(id)
	}
	session := func(account string) string {
		secret, err := r.s.passkeys.OpenSession(context.Background(), account)
		check(t, err)
		return secret
	}
	remove := func(session, id string) call {
		return call{method: "DELETE", path: "/api/passkey/" + id, session: session}
	}
	mine, theirs := enrol("mine", "laptop", "phone"), enrol("theirs", "a", "b")
	laptop, phone, stranger := session(mine), session(mine), session(theirs)
	want(t, r.do(remove("", text([]byte("phone")))), 401, "access_denied", "signed_out")
	for _, odd := range []string{"x", "a=b", "%00"} {
		want(t, r.do(remove(laptop, odd)), 400, "invalid_request", "malformed")
	}
	status(t, r.do(remove(stranger, text([]byte("phone")))), 200) // none of theirs: nothing happens
	if got := status(t, r.do(remove(laptop, text([]byte("nobody's")))), 200).Cookies(); len(got) != 1 {
		t.Fatalf("cookies %v", got)
	}
	laptop = session(mine)
	res := status(t, r.do(remove(laptop, text([]byte("phone")))), 200)
	for _, old := range []string{phone, laptop} {
		want(t, r.do(call{method: "GET", path: "/api/vault", session: old}), 401, "access_denied", "signed_out")
	}
	fresh := res.Cookies()[0].Value
	want(t, r.do(call{method: "GET", path: "/api/vault", session: fresh}), 404, "invalid_request", "vault_missing")
	want(t, r.do(remove(fresh, text([]byte("laptop")))), 409, "access_denied", "passkey_last")
	want(t, r.do(call{method: "GET", path: "/api/vault", session: stranger}), 401, "access_denied", "signed_out") // replaced when it asked
}
