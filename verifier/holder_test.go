package verifier_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"facet/audit"
	"facet/credentials/jose"
	"facet/verifier"
)

// prove posts a holder proof signed by the key of one part of the answer.
func (r *rig) prove(a *answer, query, act, endpoint string) reply {
	r.t.Helper()
	return r.postProof(a.parts[query].key, map[string]any{"aud": endpoint, "iat": r.clock.Now().Unix(), "act": act}, endpoint)
}

func (r *rig) postProof(key jose.Signer, payload map[string]any, endpoint string) reply {
	r.t.Helper()
	raw, err := json.Marshal(payload)
	check(err)
	proof, err := jose.Sign(r.t.Context(), key, map[string]any{"typ": verifier.ProofType, "jwk": key.Public().JWK()}, raw)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.do(call{method: "POST", url: endpoint, contentType: "application/jwt", body: proof})
}

// receipt fetches the receipt once a checkpoint covers it.
func (r *rig) receipt(a *answer, endpoint string) []byte {
	r.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		got := r.prove(a, "member", "receipt", endpoint)
		if got.status == http.StatusOK {
			return got.body
		}
		if got.status != http.StatusAccepted || time.Now().After(deadline) {
			r.t.Fatalf("receipt: %d %s", got.status, got.body)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// entries reads the whole log, once a checkpoint covers its last entry.
func (r *rig) entries() []audit.Entry {
	r.t.Helper()
	last := r.last.Load()
	if last == 0 {
		return nil
	}
	if _, err := r.log.ReceiptProof(r.t.Context(), last-1); err != nil {
		r.t.Fatal(err)
	}
	size := r.checkpoint().Size()
	leaves, err := audit.ReadEntries(r.t.Context(), r.log.Source(), size, 0, int(min(size, 256)))
	if err != nil {
		r.t.Fatal(err)
	}
	var out []audit.Entry
	for _, leaf := range leaves {
		e, err := audit.Parse(leaf)
		if err != nil {
			r.t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func (r *rig) checkpoint() *audit.Checkpoint {
	r.t.Helper()
	c, err := r.log.Checkpoint(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// wantEntries fails unless the log holds entries of exactly these kinds.
func (r *rig) wantEntries(kinds ...audit.Kind) []audit.Entry {
	r.t.Helper()
	kindsOf := func(entries []audit.Entry) (got []audit.Kind) {
		for _, e := range entries {
			got = append(got, e.Common().Kind)
		}
		return got
	}
	entries := r.entries()
	for end := time.Now().Add(5 * time.Second); len(entries) < len(kinds) && time.Now().Before(end); {
		entries = r.entries() // a busy machine signs late
	}
	if got := kindsOf(entries); !slices.Equal(got, kinds) {
		r.t.Fatalf("log: %v, want %v", got, kinds)
	}
	return entries
}

// sealedKeys counts the transaction keys that are left.
func (r *rig) sealedKeys() (n int) {
	for _, err := range r.keys.Keys(r.t.Context(), "tx/", "") {
		if err != nil {
			r.t.Fatal(err)
		}
		n++
	}
	return n
}

func TestHolderProof(t *testing.T) {
	r := newRig(t)
	b := r.begin("access", "same_device")
	a := r.compose(b, twist{})
	offer, err := a.req.PolicyOffer()
	if err != nil {
		t.Fatal(err)
	}
	withdraw, receipt := offer.WithdrawalEndpoint, offer.ReceiptEndpoint
	honest := func() map[string]any {
		return map[string]any{"aud": withdraw, "iat": r.clock.Now().Unix(), "act": "withdraw"}
	}
	r.postProof(a.parts["member"].key, honest(), withdraw).want(t, http.StatusForbidden, "access_denied", verifier.ReasonProof)
	if done := a.send(); done.status != http.StatusOK {
		t.Fatalf("answer: %d %s", done.status, done.body)
	}
	stranger, err := jose.GenerateKey()
	check(err)
	r.postProof(stranger, honest(), withdraw).want(t, http.StatusForbidden, "access_denied", verifier.ReasonProof)
	for name, change := range map[string]func(map[string]any){
		"other endpoint": func(m map[string]any) { m["aud"] = receipt },
		"other act":      func(m map[string]any) { m["act"] = "receipt" },
		"old":            func(m map[string]any) { m["iat"] = r.clock.Now().Add(-time.Hour).Unix() },
		"future":         func(m map[string]any) { m["iat"] = r.clock.Now().Add(time.Hour).Unix() },
		"no time":        func(m map[string]any) { delete(m, "iat") },
	} {
		t.Run(name, func(t *testing.T) {
			m := honest()
			change(m)
			r.postProof(a.parts["member"].key, m, withdraw).want(t, http.StatusForbidden, "access_denied", verifier.ReasonProof)
		})
	}
	if got := r.postProof(a.parts["member"].key, honest(), withdraw); got.status != http.StatusOK {
		t.Errorf("honest proof: %d %s", got.status, got.body)
	}
}

// TestErasureAfterRenewal: a platform that has renewed its key and certificate
// since the answer signs the erasure with the new ones, and its chain shows a
// wallet that it is the same party.
func TestErasureAfterRenewal(t *testing.T) {
	r := newRig(t)
	a := r.answered(t)
	offer, err := a.req.PolicyOffer()
	check(err)
	world := *r.w
	world.news = newIdentity(world.anchor, world.caKey, "Morgenblatt Verlag GmbH", "morgenblatt.example")
	r.w = &world
	r.start()
	got := r.prove(a, "member", "withdraw", offer.WithdrawalEndpoint)
	if got.status != http.StatusOK {
		t.Fatalf("withdraw: %d %s", got.status, got.body)
	}
	token, err := jose.Parse(string(got.body), jose.Rule{Typ: []string{verifier.ErasureType}, AllowX5C: true})
	if err != nil {
		t.Fatal(err)
	}
	v, err := token.Verify(world.news.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	sub, _ := v.Claims()["sub"].(string)
	party, err := world.trust.Verifier(t.Context(), sub, token.Header().X5C, r.clock.Now())
	if err != nil || party.ID != a.req.Party.ID || sub == a.req.ClientID {
		t.Fatalf("signed by %+v as %s, %v", party, sub, err)
	}
}

// answered is one exchange up to the verifier's reply.
func (r *rig) answered(t *testing.T) *answer {
	t.Helper()
	a := r.compose(r.begin("access", "same_device"), twist{})
	if done := a.send(); done.status != http.StatusOK {
		t.Fatalf("answer: %d %s", done.status, done.body)
	}
	return a
}
