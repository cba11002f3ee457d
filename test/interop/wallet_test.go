package interop

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/jose"
)

// A foreign wallet is wallet.mjs: @openid4vc/openid4vp, dcql and
// @sd-jwt/sd-jwt-vc, against the running binary.
type foreignWallet struct {
	node   *child
	holder *jose.PublicKey
}

func openForeignWallet(t *testing.T, d *running) *foreignWallet {
	t.Helper()
	node, err := startChild("wallet.mjs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.stop() })
	var keys struct{ Holder json.RawMessage }
	w := &foreignWallet{node: node}
	w.must(t, map[string]any{"op": "keys"}, &keys)
	if w.holder, err = jose.ParsePublicKey(keys.Holder); err != nil {
		t.Fatal(err)
	}
	var ok bool
	w.must(t, map[string]any{"op": "trust", "der": d.anchor("media")}, &ok)
	return w
}

func (w *foreignWallet) must(t *testing.T, request map[string]any, result any) {
	t.Helper()
	if err := w.node.call(request, result); err != nil {
		t.Fatalf("%s: %v", request["op"], err)
	}
}

// resolved is what the wallet made of a request.
type resolved struct {
	ClientID     string `json:"client_id"`
	Prefix       string
	Version      int
	ResponseMode string `json:"response_mode"`
	Nonce        string
	Queries      []string
}

// answer is what the verifier said to the wallet's response.
type answer struct {
	Unmet  bool
	Status int
	Body   struct {
		RedirectURI string `json:"redirect_uri"`
		Code        string
	}
}

// ask begins a request and has the wallet resolve it.
func (w *foreignWallet) ask(t *testing.T, d *running) (begun, resolved) {
	t.Helper()
	b := d.begin(t, "agegate")
	var r resolved
	w.must(t, map[string]any{"op": "resolve", "url": b.Links[0].URL}, &r)
	return b, r
}

func (w *foreignWallet) answer(t *testing.T, credential, twist string) answer {
	t.Helper()
	var a answer
	w.must(t, map[string]any{"op": "answer", "credential": credential, "twist": twist}, &a)
	return a
}

// TestForeignWallet: a wallet nobody here wrote completes the flow, and each of
// its tampered variants is refused by the side that must.
func TestForeignWallet(t *testing.T) {
	needNode(t)
	d := startDemo(t)
	w := openForeignWallet(t, d)
	t.Run("answers", func(t *testing.T) { testForeignAnswer(t, d, w) })
	t.Run("shows more than was asked", func(t *testing.T) { testForeignSurplus(t, d, w) })
	t.Run("answers again", func(t *testing.T) { testForeignReplay(t, d, w) })
	t.Run("refuses", func(t *testing.T) { testForeignRefuses(t, d, w) })
	t.Run("is refused", func(t *testing.T) { testForeignRefused(t, d, w) })
	t.Run("has nothing that fits", func(t *testing.T) { testForeignUnmet(t, d, w) })
}

func testForeignAnswer(t *testing.T, d *running, w *foreignWallet) {
	b, r := w.ask(t, d)
	if r.Prefix != "x509_hash" || r.Version != 100 || r.ResponseMode != "direct_post.jwt" || len(r.Queries) != 1 {
		t.Errorf("resolved: %+v", r)
	}
	a := w.answer(t, d.ageProof(w.holder, nil), "")
	if a.Status != http.StatusOK || !strings.HasPrefix(a.Body.RedirectURI, d.news()+"/facet/callback?") {
		t.Fatalf("answered: %+v", a)
	}
	var result struct {
		Hints []struct {
			Key, Assurance string
			Value          any
		}
	}
	if err := json.Unmarshal(d.result(t, b, a.Body.RedirectURI), &result); err != nil {
		t.Fatal(err)
	}
	if h := result.Hints; len(h) != 1 || h[0].Key != "age.over18" || h[0].Value != true || h[0].Assurance != credentials.IssuerSigned {
		t.Errorf("hints: %+v", h)
	}
}

// testForeignSurplus: a wallet that shows more than was asked is believed about
// what was asked; the rest reaches nobody (OpenID4VP §6.4 binds the wallet).
func testForeignSurplus(t *testing.T, d *running, w *foreignWallet) {
	b, _ := w.ask(t, d)
	a := w.answer(t, d.ageProof(w.holder, nil), "shows more than was asked")
	if a.Status != http.StatusOK {
		t.Fatalf("answered: %+v", a)
	}
	result := string(d.result(t, b, a.Body.RedirectURI))
	for _, age := range []string{`"12"`, `"16"`, `"21"`, `"65"`} {
		if strings.Contains(result, age) {
			t.Errorf("the platform got age %s, which it did not ask for", age)
		}
	}
	if !strings.Contains(result, `"age.over18"`) {
		t.Error("the platform did not get what it asked for")
	}
}

// testForeignReplay: a request takes one answer, and an answer fits one request.
func testForeignReplay(t *testing.T, d *running, w *foreignWallet) {
	w.ask(t, d)
	credential := d.ageProof(w.holder, nil)
	if a := w.answer(t, credential, ""); a.Status != http.StatusOK {
		t.Fatalf("answered: %+v", a)
	}
	refused := func(what string, a answer, code string) {
		t.Helper()
		if a.Status < 400 || a.Status > 499 || a.Body.Code != code || a.Body.RedirectURI != "" {
			t.Errorf("%s: %d %s, want 4xx %s", what, a.Status, a.Body.Code, code)
		}
	}
	var again, elsewhere answer
	w.must(t, map[string]any{"op": "resend"}, &again)
	refused("the same answer again", again, "transaction_already_used")
	refused("another answer", w.answer(t, credential, ""), "transaction_already_used")
	w.ask(t, d)
	w.must(t, map[string]any{"op": "resend"}, &elsewhere)
	refused("an answer to another request", elsewhere, "jose_kid_unknown")
}

// testForeignRefuses tampers with the request on its way to the wallet.
func testForeignRefuses(t *testing.T, d *running, w *foreignWallet) {
	for _, twist := range []string{
		"signature changed", "answer to another address", "asks for more", "another encryption key",
		"typ of another token", "alg none", "link of another asker",
	} {
		t.Run(twist, func(t *testing.T) {
			var r resolved
			err := w.node.call(map[string]any{"op": "resolve", "url": d.begin(t, "agegate").Links[0].URL, "twist": twist}, &r)
			var no *errPeer
			if !errors.As(err, &no) {
				t.Fatalf("resolved: %v", err)
			}
			t.Log(no.message)
		})
	}
}

// testForeignRefused has the wallet answer wrongly; code is our reason.
func testForeignRefused(t *testing.T, d *running, w *foreignWallet) {
	stranger, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	_, townHall := d.identity("buergeramt")
	abo, aboChain := d.identity("morgenblatt-abo")
	good := d.ageProof(w.holder, nil)
	for _, tt := range []struct{ twist, credential, code string }{
		{"nonce of another request", good, "kb_nonce_mismatch"},
		{"audience of another verifier", good, "kb_aud_mismatch"},
		{"bound an hour ago", good, "kb_iat_out_of_window"},
		{"bound by another key", good, "kb_signature_invalid"},
		{"disclosure dropped", good, "kb_sd_hash_mismatch"},
		{"disclosure forged", good, "sdjwt_disclosure_unreferenced"},
		{"key binding dropped", good, "kb_missing"},
		{"issuer signature changed", good, "issuer_signature_invalid"},
		{"answers what was not asked", good, "vp_token_unexpected_id"},
		{"answers twice", good, "dcql_too_many"},
		{"answers another query", good, "vp_token_unexpected_id"},
		{"not encrypted", good, "response_not_encrypted"},
		{"encrypted to another key", good, "jwe_decrypt_failed"},
		{"state of another request", good, "transaction_unknown"},
		{"credential of a stranger", d.issue(stranger, townHall, w.holder, nil), "issuer_signature_invalid"},
		{"credential of another issuer", d.issue(abo, aboChain, w.holder, nil), "issuer_untrusted"},
		{"credential without a chain", d.issue(stranger, nil, w.holder, nil), "issuer_untrusted"},
		{"credential that has expired", d.ageProof(w.holder, func(i *credentials.Issuance) { i.ExpiresAt = time.Now().Add(-time.Hour) }), "credential_expired"},
		{"credential of somebody else", d.ageProof(stranger.Public(), nil), "kb_signature_invalid"},
	} {
		t.Run(tt.twist, func(t *testing.T) {
			w.ask(t, d)
			a := w.answer(t, tt.credential, tt.twist)
			if a.Status < 400 || a.Status > 499 || a.Body.Code != tt.code || a.Body.RedirectURI != "" {
				t.Errorf("%d %s, want 4xx %s", a.Status, a.Body.Code, tt.code)
			}
		})
	}
}

// testForeignUnmet: the wallet's own evaluation of our query says no to a
// credential of another type and to one that lacks the age.
func testForeignUnmet(t *testing.T, d *running, w *foreignWallet) {
	w.ask(t, d)
	for name, change := range map[string]func(*credentials.Issuance){
		"type": func(i *credentials.Issuance) { i.VCT = "urn:facet:age:2" },
		"claim": func(i *credentials.Issuance) {
			i.Subject, i.Disclose = map[string]any{"age_equal_or_over": map[string]any{"12": true}}, nil
		},
	} {
		if a := w.answer(t, d.ageProof(w.holder, change), ""); !a.Unmet {
			t.Errorf("another %s: answered %d", name, a.Status)
		}
	}
}
