package wallet_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"facet/credentials/jose"
	"facet/wallet"
)

// answered leaves one answer under a policy in the history.
func (r *rig) answered() (id string, q *question) {
	r.t.Helper()
	r.prefer(liked)
	q = r.question().prefer(r.t, r)
	done, err := r.present(r.mustAsk(q), "article.length")
	if err != nil {
		r.t.Fatal(err)
	}
	return done.HistoryID, q
}

// TestWithdrawBelievesTheAskerOnly: an answer counts as taken back only when
// who asked says so, about this answer, after it was given. Who asked may have
// another certificate by then.
func TestWithdrawBelievesTheAskerOnly(t *testing.T) {
	for name, tt := range map[string]struct {
		twist   func(*rig, map[string]any)
		signer  func(*rig) *identity
		renewed string // who the certificate that asked was renewed for
		days    int    // between the withdrawal and the receipt's arrival
		typ     string
		want    string
	}{
		"right":             {want: ""},
		"sent again late":   {days: 5, want: ""},
		"a new certificate": {renewed: "Morgenblatt", want: ""},
		"a new certificate that somebody else got": {renewed: "Abendblatt", want: wallet.CodeErasure},
		"a new certificate, in the old one's name": {renewed: "Morgenblatt", twist: func(r *rig, m map[string]any) { m["sub"] = "x509_hash:" + jose.LeafHash(r.paper.x5c) }, want: wallet.CodeErasure},
		"from before the answer":                   {twist: func(r *rig, m map[string]any) { m["withdrawn_at"] = start.Add(-time.Hour).Unix() }, want: wallet.CodeErasure},
		"from tomorrow":                            {twist: func(r *rig, m map[string]any) { m["withdrawn_at"] = r.now.AddDate(0, 0, 1).Unix() }, want: wallet.CodeErasure},
		"another key":                              {signer: func(r *rig) *identity { return r.stranger }, want: wallet.CodeErasure},
		"another kind":                             {typ: "JWT", want: wallet.CodeErasure},
		"another asker":                            {twist: func(_ *rig, m map[string]any) { m["sub"] = "x509_hash:other" }, want: wallet.CodeErasure},
		"another policy":                           {twist: func(_ *rig, m map[string]any) { m["policy_sha256"] = "x" }, want: wallet.CodeErasure},
		"without saying so":                        {twist: func(_ *rig, m map[string]any) { delete(m, "withdrawn_at") }, want: wallet.CodeErasure},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			id, q := r.answered()
			claims := map[string]any{"sub": q.clientID, "policy_sha256": q.policy.Hash(), "withdrawn_at": r.now.Unix(), "entry": "e", "ref": 7}
			signer, typ := r.paper, wallet.ErasureType
			if tt.renewed != "" {
				signer = r.media.vouch(t, tt.renewed, "morgenblatt.localhost")
				claims["sub"] = "x509_hash:" + jose.LeafHash(signer.x5c)
			}
			if tt.twist != nil {
				tt.twist(r, claims)
			}
			r.now = r.now.AddDate(0, 0, tt.days)
			if tt.signer != nil {
				signer = tt.signer(r)
			}
			if tt.typ != "" {
				typ = tt.typ
			}
			r.reply = sign(t, signer, typ, claims)
			got, err := r.wallet.Withdraw(t.Context(), id)
			item, itemErr := r.wallet.HistoryItem(t.Context(), id)
			if itemErr != nil {
				t.Fatal(itemErr)
			}
			if tt.want == "" && (err != nil || got.Erasure.Entry != "e" || item.State != wallet.StateWithdrawn || item.CanWithdraw) {
				t.Fatalf("%+v, %v, %+v", got, err, item)
			}
			if tt.want != "" && (wallet.ReasonOf(err) != tt.want || item.State != wallet.StateActive || !item.CanWithdraw) {
				t.Fatalf("%v, %+v", err, item)
			}
		})
	}
}

func sign(t *testing.T, signer *identity, typ string, claims map[string]any) http.HandlerFunc {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := jose.Sign(context.Background(), signer, map[string]any{"typ": typ, "x5c": signer.x5c}, payload)
	if err != nil {
		t.Fatal(err)
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwt")
		_, _ = w.Write([]byte(jws))
	}
}

// TestHolderProof: what asks for a withdrawal is signed by a key of the answer,
// for that endpoint and act.
func TestHolderProof(t *testing.T) {
	r := newRig(t)
	id, _ := r.answered()
	r.reply = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	if _, err := r.wallet.Withdraw(t.Context(), id); wallet.ReasonOf(err) != "fetch_status" {
		t.Fatalf("got %v", err)
	}
	posts := r.posted()
	token, err := jose.Parse(posts[len(posts)-1], jose.Rule{Typ: []string{wallet.HolderProofType}, AllowJWK: true})
	if err != nil {
		t.Fatal(err)
	}
	v, err := token.Verify(token.Header().JWK)
	if err != nil || v.Claims()["aud"] != r.url("/withdraw/1") || v.Claims()["act"] != "withdraw" {
		t.Fatalf("%v, %v", v.Claims(), err)
	}
}

// TestDeadline: when the promised time is over there is nothing to take back,
// and the next deed makes the wallet forget its keys.
func TestDeadline(t *testing.T) {
	r := newRig(t)
	id, _ := r.answered()
	r.now = r.now.Add(8 * 24 * time.Hour)
	if item, err := r.wallet.HistoryItem(t.Context(), id); err != nil || item.State != wallet.StateExpired || item.CanWithdraw {
		t.Fatalf("%+v, %v", item, err)
	}
	if _, err := r.wallet.Withdraw(t.Context(), id); wallet.ReasonOf(err) != wallet.CodeNotWithdrawable {
		t.Fatalf("got %v", err)
	}
	r.answered()
	record, err := r.vault.Get("history", id)
	if err != nil || strings.Contains(string(record), `"holder_keys"`) || strings.Contains(string(record), `"sent"`) {
		t.Fatalf("keys or values are still there after the deadline: %v", err)
	}
}

// TestReceiptOfAnotherLog: bytes that the named log did not sign are a failed
// receipt, and said to be one.
func TestReceiptOfAnotherLog(t *testing.T) {
	r := newRig(t)
	id, _ := r.answered()
	r.reply = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }
	if got, err := r.wallet.CheckReceipt(t.Context(), id); err != nil || got.Receipt != wallet.ReceiptChecking {
		t.Fatalf("not there yet: %+v, %v", got, err)
	}
	r.reply = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"v":1}`)) }
	got, err := r.wallet.CheckReceipt(t.Context(), id)
	if err != nil || got.Receipt != wallet.ReceiptFailed || got.Detail == "" {
		t.Fatalf("%+v, %v", got, err)
	}
}
