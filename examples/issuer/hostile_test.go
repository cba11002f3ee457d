package issuer

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"facet/credentials/jose"
	"facet/credentials/openid4vci"
	engine "facet/issuer"
)

// A wallet is one that redeems an offer of the site by hand.
type wallet struct {
	t    *testing.T
	s    *site
	code openid4vci.Secret
	pin  openid4vci.Secret
}

// offered visits the site and fetches the offer.
func (s *site) offered(t *testing.T) *wallet {
	t.Helper()
	link, pin, _ := s.visit(t, "age", "en")
	parsed, err := openid4vci.ParseOfferLink(link)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := http.NewRequest("GET", strings.Replace(parsed.URI, "issuer.localhost", "127.0.0.1", 1), nil)
	offer, err := openid4vci.ParseOffer([]byte(do(t, r, http.StatusOK)))
	if err != nil {
		t.Fatal(err)
	}
	return &wallet{t, s, offer.Grants.PreAuthorized.Code, openid4vci.Secret(pin)}
}

// post sends a body to an endpoint of the issuer "age".
func (w *wallet) post(path, token, body string) (int, string) {
	w.t.Helper()
	r, _ := http.NewRequest("POST", strings.Replace(w.s.url, "issuer.localhost", "127.0.0.1", 1)+"/age"+path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func (w *wallet) redeem(pin openid4vci.Secret) (int, string) {
	return w.post(engine.PathToken, "", string(openid4vci.TokenRequest{Code: w.code, TxCode: pin, HasTxCode: true}.Form()))
}

func (w *wallet) token() string {
	w.t.Helper()
	status, text := w.redeem(w.pin)
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusOK {
		w.t.Fatalf("token: %d %s", status, text)
	}
	return answer.AccessToken
}

func (w *wallet) nonce() string {
	w.t.Helper()
	_, text := w.post(engine.PathNonce, "", "")
	var answer struct {
		Nonce string `json:"c_nonce"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Nonce == "" {
		w.t.Fatalf("nonce: %s", text)
	}
	return answer.Nonce
}

// proof is a key proof with the header and claims an attacker chooses.
func (w *wallet) proof(nonce string, change func(header, payload map[string]any)) string {
	w.t.Helper()
	k, err := jose.GenerateKey()
	if err != nil {
		w.t.Fatal(err)
	}
	header := map[string]any{"typ": openid4vci.TypProof, "jwk": k.Public().JWK()}
	payload := map[string]any{"aud": w.s.url + "/age", "iat": w.s.now.Unix(), "nonce": nonce}
	if change != nil {
		change(header, payload)
	}
	raw, err := json.Marshal(payload)
	if err != nil {
		w.t.Fatal(err)
	}
	compact, err := jose.Sign(w.t.Context(), k, header, raw)
	if err != nil {
		w.t.Fatal(err)
	}
	return compact
}

// ask sends a credential request with these members.
func (w *wallet) ask(token string, members map[string]any) (int, string) {
	w.t.Helper()
	body, err := json.Marshal(members)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.post(engine.PathCredential, token, string(body))
}

// want fails unless the answer is this word and says nothing but words.
func want(t *testing.T, status int, text string, code int, word string) {
	t.Helper()
	var wire map[string]any
	if err := json.Unmarshal([]byte(text), &wire); err != nil || status != code || wire["error"] != word {
		t.Errorf("got %d %s, want %d %s", status, text, code, word)
	}
}

// TestHostileWallets sends what the engine's tests refuse by reason to the
// endpoints themselves, which answer with a status and OAuth's word.
func TestHostileWallets(t *testing.T) {
	jwt := func(proofs ...string) map[string]any { return map[string]any{"jwt": proofs} }
	t.Run("VCI-001", func(t *testing.T) {
		w := newSite(t).offered(t)
		w.token()
		status, text := w.redeem(w.pin)
		want(t, status, text, 400, "invalid_grant")
	})
	t.Run("VCI-003", func(t *testing.T) {
		s := newSite(t)
		w := s.offered(t)
		s.now = s.now.Add(time.Hour)
		status, text := w.redeem(w.pin)
		want(t, status, text, 400, "invalid_grant")
	})
	wrong := func(w *wallet) openid4vci.Secret { return "x" + w.pin[1:] }
	t.Run("VCI-004", func(t *testing.T) {
		w := newSite(t).offered(t)
		status, text := w.redeem(wrong(w))
		want(t, status, text, 400, "invalid_grant")
		w.token() // the code survives
	})
	t.Run("VCI-005", func(t *testing.T) {
		w := newSite(t).offered(t)
		for range engine.TxCodeTries {
			status, text := w.redeem(wrong(w))
			want(t, status, text, 400, "invalid_grant")
		}
		status, text := w.redeem(w.pin)
		want(t, status, text, 400, "invalid_grant")
	})
	t.Run("VCI-007", func(t *testing.T) {
		s := newSite(t)
		w := s.offered(t)
		nonce := w.nonce()
		first := map[string]any{"credential_configuration_id": "age", "proofs": jwt(w.proof(nonce, nil))}
		if status, text := w.ask(w.token(), first); status != http.StatusOK {
			t.Fatalf("an honest proof: %d %s", status, text)
		}
		w = s.offered(t)
		status, text := w.ask(w.token(), map[string]any{"credential_configuration_id": "age", "proofs": jwt(w.proof(nonce, nil))})
		want(t, status, text, 400, "invalid_nonce")
	})
	w := newSite(t).offered(t)
	token := w.token()
	many := make([]string, engine.DefaultBatch+1)
	for i, nonce := 0, w.nonce(); i < len(many); i++ {
		many[i] = w.proof(nonce, nil)
	}
	for _, tt := range []struct {
		id, word string
		members  map[string]any
	}{
		{"VCI-012", "invalid_proof", map[string]any{"credential_configuration_id": "age",
			"proofs": jwt(w.proof(w.nonce(), func(header, _ map[string]any) { header["typ"] = "JWT" }))}},
		{"VCI-013", "invalid_proof", map[string]any{"credential_configuration_id": "age",
			"proofs": jwt(w.proof(w.nonce(), func(_, payload map[string]any) { payload["iss"] = "did:example:victim" }))}},
		{"VCI-014", "unknown_credential_configuration", map[string]any{"credential_configuration_id": "nothing", "proofs": jwt(w.proof(w.nonce(), nil))}},
		{"VCI-015", "unknown_credential_identifier", map[string]any{"credential_identifier": "age", "proofs": jwt(w.proof(w.nonce(), nil))}},
		{"VCI-019", "invalid_credential_request", map[string]any{"credential_configuration_id": "age", "proofs": jwt(many...)}},
		{"VCI-020", "invalid_encryption_parameters", map[string]any{"credential_configuration_id": "age", "proofs": jwt(w.proof(w.nonce(), nil)),
			"credential_response_encryption": map[string]any{"jwk": map[string]any{"kty": "EC", "alg": "RSA1_5"}, "enc": "A128GCM"}}},
	} {
		t.Run(tt.id, func(t *testing.T) {
			status, text := w.ask(token, tt.members)
			want(t, status, text, 400, tt.word)
		})
	}
	honest := map[string]any{"credential_configuration_id": "age", "proofs": jwt(w.proof(w.nonce(), nil))}
	if status, text := w.ask(token, honest); status != http.StatusOK {
		t.Errorf("an honest request after all that: %d %s", status, text)
	}
}
