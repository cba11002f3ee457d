package wallet_test

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/credentials/sdjwt"
	"facet/policy"
	"facet/wallet"
)

// bound puts transaction data of the question's own policy beside the query.
func (q *question) bound(t *testing.T, change func(m map[string]any)) *question {
	t.Helper()
	c, err := policy.Compile(q.policy)
	if err != nil {
		t.Fatal(err)
	}
	entry, err := openid4vp.PolicyTransaction(c)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		raw, _ := base64.RawURLEncoding.DecodeString(entry)
		var m map[string]any
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		raw, _ = json.Marshal(m)
		entry = base64.RawURLEncoding.EncodeToString(raw)
	}
	q.object["transaction_data"] = []string{entry}
	return q
}

// TestTransactionDataSaysTheSame: a holder signs what the page says, or nothing.
func TestTransactionDataSaysTheSame(t *testing.T) {
	for name, change := range map[string]func(m map[string]any){
		"another policy":    func(m map[string]any) { m["policy"] = "morgenblatt.example/other" },
		"another version":   func(m map[string]any) { m["version"] = 2 },
		"another hash":      func(m map[string]any) { m["policy_sha256"] = "x" },
		"another purpose":   func(m map[string]any) { m["purpose"] = "ad-relevance" },
		"another retention": func(m map[string]any) { m["retention"] = "P30D" },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.refused(r.question().prefer(t, r).bound(t, change), "transaction_data_mismatch")
		})
	}
	r := newRig(t)
	q := r.question().prefer(t, r).bound(t, nil)
	delete(q.object, "verifier_info")
	r.refused(q, "transaction_data_unsupported")
}

// TestTransactionDataIsSignedOnce: one of the presentations, and only one, refers
// to it; the consent stays beside.
func TestTransactionDataIsSignedOnce(t *testing.T) {
	r := newRig(t)
	r.prefer(liked)
	q := r.question().prefer(t, r).bound(t, nil)
	p := r.mustAsk(q)
	if !slices.ContainsFunc(p.Technical, func(x wallet.Technical) bool { return x.Label == "transaction_data" }) {
		t.Errorf("the details do not say it: %v", p.Technical)
	}
	if _, err := r.present(p, "article.length"); err != nil {
		t.Fatal(err)
	}
	want := openid4vp.TransactionHashes(q.object["transaction_data"].([]string)[0])
	n := 0
	for _, list := range r.decrypt(q, r.posted()[0]).VPToken {
		jws := list[0][strings.LastIndexByte(list[0], '~')+1:]
		token, err := jose.Parse(jws, jose.Rule{Typ: []string{sdjwt.KeyBindingType}})
		if err != nil {
			t.Fatal(err)
		}
		kb := token.UnverifiedClaims()
		if kb["consent"] == nil {
			t.Error("the consent is gone")
		}
		if hashes, ok := kb["transaction_data_hashes"].([]any); ok {
			n++
			if len(hashes) != 1 || hashes[0] != want["transaction_data_hashes"].([]any)[0] || kb["transaction_data_hashes_alg"] != "sha-256" {
				t.Errorf("signed %v", hashes)
			}
		}
	}
	if n != 1 {
		t.Errorf("%d key bindings refer to it", n)
	}
}
