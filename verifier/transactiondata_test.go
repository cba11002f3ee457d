package verifier_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/schemas"
	"facet/verifier"
)

// knowing lists two wallets, one of which takes transaction data.
func knowing(p *verifier.Platform) {
	p.Wallets = []verifier.Wallet{
		{Name: "Facet", URL: "http://wallet.localhost:8080", TransactionData: []string{schemas.PolicyTransaction}},
		{Name: "Other", URL: "http://other.localhost:8080"},
	}
}

// beginWith begins for one wallet, or any.
func (r *rig) beginWith(policyID, wallet string) begun {
	r.t.Helper()
	body, err := json.Marshal(map[string]string{"policy": policyID, "flow": "same_device", "return_uri": returnURI, "wallet": wallet})
	check(err)
	a := r.api(keyNews, "POST", "/v1/requests", string(body))
	if a.status != http.StatusCreated {
		r.t.Fatalf("begin: %d %s", a.status, a.body)
	}
	var b begun
	check(json.Unmarshal(a.body, &b))
	return b
}

// TestTransactionDataIsPerWallet: only a request begun for a wallet that takes it
// has any, and no other wallet gets a link to that request.
func TestTransactionDataIsPerWallet(t *testing.T) {
	r := newRig(t, func(r *rig) { r.change = knowing })
	for wallet, links := range map[string]int{"": 2, "Other": 1, "Facet": 1} {
		b := r.beginWith("home", wallet)
		if len(b.Links) != links || wallet != "" && !strings.Contains(b.Links[0].URL, strings.ToLower(strings.Replace(wallet, "Facet", "wallet", 1))+".localhost") {
			t.Errorf("%q: links %v", wallet, b.Links)
		}
		req := r.ask(b)
		if (len(req.TransactionData) == 1) != (wallet == "Facet") {
			t.Errorf("%q: transaction data %v", wallet, req.TransactionData)
		}
		if wallet != "Facet" {
			continue
		}
		offer, err := req.PolicyOffer()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := base64.RawURLEncoding.Strict().DecodeString(req.TransactionData[0])
		check(err)
		var d openid4vp.TransactionData
		check(json.Unmarshal(raw, &d))
		if d.Type != schemas.PolicyTransaction || d.PolicySHA256 != offer.Policy.Hash() || d.Purpose != "personalised-home" || d.Retention != offer.Policy.Retention ||
			!slices.Equal(d.CredentialIDs, []string{"member", "prefs", "today"}) {
			t.Errorf("%s", raw)
		}
	}
	for _, body := range []string{
		`{"policy":"home","flow":"cross_device","wallet":"Nobody"}`,
		`{"policy":"home","flow":"dc_api","origin":"http://news.localhost:8083","wallet":"Facet"}`,
	} {
		if a := r.api(keyNews, "POST", "/v1/requests", body); a.status != http.StatusBadRequest || a.field("code") != "wallet_unknown" {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	r.change = func(p *verifier.Platform) {
		knowing(p)
		p.Wallets[1].TransactionData = []string{"urn:pay"}
	}
	if r.tryStart() == nil {
		t.Error("a type nobody makes was taken")
	}
	r.change = func(p *verifier.Platform) {
		knowing(p)
		p.Prefix, p.InsecureUnsigned = openid4vp.PrefixRedirectURI, true
	}
	r.start()
	if req := r.ask(r.beginWith("home", "Facet")); len(req.TransactionData) != 0 {
		t.Error("an unsigned request carries transaction data")
	}
}

// TestTransactionDataIsSigned: the hash of what was sent must be in exactly one
// key binding, alone, with its algorithm.
func TestTransactionDataIsSigned(t *testing.T) {
	r := newRig(t, func(r *rig) { r.change = knowing })
	honest := func(a *answer, m map[string]any) {
		for name, v := range openid4vp.TransactionHashes(a.req.TransactionEntry()) {
			m[name] = v
		}
	}
	set := func(name string, v any) func(*answer, map[string]any) {
		return func(a *answer, m map[string]any) {
			honest(a, m)
			if m[name] = v; v == nil {
				delete(m, name)
			}
		}
	}
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return jose.EncodeBase64URL(sum[:])
	}
	for name, tt := range map[string]struct {
		wallet string
		member func(*answer, map[string]any) // nil: nothing
		prefs  func(*answer, map[string]any)
		reason string
	}{
		"by one credential": {"Facet", honest, nil, ""},
		"by the other":      {"Facet", nil, honest, ""},
		"by nobody":         {"Facet", nil, nil, "kb_transaction_data_missing"},
		"by both":           {"Facet", honest, honest, "kb_transaction_data_unexpected"},
		"nothing was sent":  {"Other", honest, nil, "kb_transaction_data_unexpected"},
		"only an algorithm": {"Other", func(_ *answer, m map[string]any) { m["transaction_data_hashes_alg"] = "sha-256" }, nil, "kb_transaction_data_unexpected"},
		"another hash":      {"Facet", set("transaction_data_hashes", []any{hash("x")}), nil, "kb_transaction_data_mismatch"},
		"of the decoded text": {"Facet", func(a *answer, m map[string]any) {
			honest(a, m)
			raw, _ := base64.RawURLEncoding.DecodeString(a.req.TransactionEntry())
			m["transaction_data_hashes"] = []any{hash(string(raw))}
		}, nil, "kb_transaction_data_mismatch"},
		"one too many": {"Facet", func(a *answer, m map[string]any) {
			honest(a, m)
			m["transaction_data_hashes"] = append(m["transaction_data_hashes"].([]any), hash("x"))
		}, nil, "kb_transaction_data_mismatch"},
		"none":                  {"Facet", set("transaction_data_hashes", []any{}), nil, "kb_transaction_data_mismatch"},
		"a text":                {"Facet", set("transaction_data_hashes", "x"), nil, "kb_transaction_data_mismatch"},
		"another algorithm":     {"Facet", set("transaction_data_hashes_alg", "sha-512"), nil, "kb_transaction_data_mismatch"},
		"no algorithm":          {"Facet", set("transaction_data_hashes_alg", nil), nil, "kb_transaction_data_mismatch"},
		"no hash, an algorithm": {"Facet", set("transaction_data_hashes", nil), nil, "kb_transaction_data_mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			b := r.beginWith("home", tt.wallet)
			got := r.compose(b, twist{parts: func(a *answer) {
				for id, change := range map[string]func(*answer, map[string]any){"member": tt.member, "prefs": tt.prefs} {
					if change != nil {
						change(a, a.parts[id].kb)
					}
				}
			}}).send()
			if tt.reason != "" {
				got.want(t, http.StatusBadRequest, "invalid_request", tt.reason)
			} else if got.status != http.StatusOK {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
}
