package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"testing"
)

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
