package openid4vci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"facet/credentials/jose"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const issuerURL = "https://issuer.example"

func wantReason(t *testing.T, err error, reason string) {
	t.Helper()
	var e interface{ Reason() string }
	if !errors.As(err, &e) || e.Reason() != reason {
		t.Fatalf("got %v, want reason %q", err, reason)
	}
}

func wantError(t *testing.T, err error, code, reason string) {
	t.Helper()
	wantReason(t, err, reason)
	if w := Wire(err); w.Error != code || w.Reason != reason {
		t.Fatalf("on the wire %+v, want %s (%s)", w, code, reason)
	}
}

const offerText = `{"credential_issuer":"https://issuer.example","credential_configuration_ids":["age"],
	"grants":{"urn:ietf:params:oauth:grant-type:pre-authorized_code":{"pre-authorized_code":"oaKazRN8I0IbtZ0C7JuMn5",
	"tx_code":{"length":4,"input_mode":"numeric","description":"By post"}}},"unknown":{}}`

func TestOffer(t *testing.T) {
	o, err := ParseOffer([]byte(offerText))
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.PreAuthorized()
	if err != nil || string(p.Code) != "oaKazRN8I0IbtZ0C7JuMn5" || *p.TxCode != (TxCode{"numeric", 4, "By post"}) {
		t.Fatalf("grant %+v, %v", p, err)
	}
	text, err := MarshalOffer(o)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParseOffer(text); err != nil || string(again.Grants.PreAuthorized.Code) != string(p.Code) {
		t.Fatalf("its own form %s: %v", text, err)
	}
	empty, err := ParseOffer([]byte(strings.Replace(offerText, `{"length":4,"input_mode":"numeric","description":"By post"}`, "{}", 1)))
	if err != nil || empty.Grants.PreAuthorized.TxCode == nil {
		t.Fatalf("an empty tx_code still asks for one: %v", err)
	}
	t.Run("VCI-025", func(t *testing.T) {
		for _, grants := range []string{"", `,"grants":null`, `,"grants":{}`, `,"grants":{"other":1}`, `,"grants":{"` + GrantPreAuthorized + `":null}`} {
			o, err := ParseOffer([]byte(`{"credential_issuer":"https://issuer.example","credential_configuration_ids":["age"]` + grants + `}`))
			if err != nil {
				t.Fatalf("grants %q: %v", grants, err)
			}
			_, err = o.PreAuthorized()
			wantReason(t, err, "grant_unsupported")
		}
	})
}

func TestHostileOffers(t *testing.T) {
	for name, tt := range map[string]struct{ old, new, reason string }{
		"issuer with query":    {"https://issuer.example", "https://issuer.example?x", "issuer_url_malformed"},
		"issuer with user":     {"https://issuer.example", "https://a@issuer.example", "issuer_url_malformed"},
		"issuer is no URL":     {"https://issuer.example", "javascript:alert(1)", "issuer_url_malformed"},
		"nothing offered":      {`["age"]`, `[]`, "offer_malformed"},
		"offered twice":        {`["age"]`, `["age","b","age"]`, "offer_malformed"},
		"ids of another kind":  {`["age"]`, `[1]`, "offer_malformed"},
		"grants of other kind": {`"grants":{`, `"grants":[],"x":{`, "offer_malformed"},
		"empty code":           {"oaKazRN8I0IbtZ0C7JuMn5", "", "offer_malformed"},
		"endless code":         {"oaKazRN8I0IbtZ0C7JuMn5", strings.Repeat("a", 2000), "offer_malformed"},
		"mode":                 {`"numeric"`, `"voice"`, "offer_malformed"},
		"length":               {`"length":4`, `"length":-4`, "offer_malformed"},
		"huge length":          {`"length":4`, `"length":4000000`, "offer_malformed"},
		"description":          {"By post", strings.Repeat("a", 301), "offer_malformed"},
		"member twice":         {`"unknown":{}`, `"grants":{}`, "json_duplicate_member"},
		"member's case":        {`"unknown":{}`, `"Grants":{}`, "json_case_collision"},
		"large":                {`{}}`, `"` + strings.Repeat("a", MaxOffer) + `"}`, "size_limit"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(offerText, tt.old, tt.new, 1)
			if text == offerText {
				t.Fatal("nothing was changed")
			}
			_, err := ParseOffer([]byte(text))
			wantReason(t, err, tt.reason)
		})
	}
}

func TestOfferLinks(t *testing.T) {
	uri := issuerURL + "/offers/a?b=c&d"
	for _, link := range []string{ReceiveURL("https://wallet.example/", uri), SchemeURL(uri), "https://wallet.example/receive?credential_offer_uri=https%3A%2F%2Fissuer.example%2Foffers%2Fa%3Fb%3Dc%26d#x"} {
		got, err := ParseOfferLink(link)
		if err != nil || got.URI != uri || got.Offer != nil {
			t.Errorf("%s: %+v, %v", link, got, err)
		}
	}
	got, err := ParseOfferLink("openid-credential-offer://?credential_offer=" + strings.NewReplacer(`"`, "%22", "\n", "%0A", "\t", "").Replace(offerText))
	if err != nil || got.Offer == nil || got.Offer.CredentialIssuer != issuerURL {
		t.Errorf("by value: %+v, %v", got, err)
	}
	for _, link := range []string{"", "https://wallet.example/", "x?credential_offer={}&credential_offer_uri=y", "x?credential_offer_uri=a&credential_offer_uri=b",
		"x?credential_offer=[]", "x?%zz", "%", strings.Repeat("a", 3*MaxOffer)} {
		if _, err := ParseOfferLink(link); err == nil {
			t.Errorf("%.40s: accepted", link)
		}
	}
}

func proof(t *testing.T, k jose.Signer, c ProofClaims) string {
	t.Helper()
	compact, err := BuildProof(context.Background(), k, c)
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

func newKey(t testing.TB) *jose.PrivateKey {
	t.Helper()
	k, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestProof(t *testing.T) {
	k := newKey(t)
	sound := ProofClaims{Audience: issuerURL, Nonce: "n", IssuedAt: now}
	rule := ProofRule{Audience: issuerURL, Now: now}
	got, err := VerifyProof(proof(t, k, sound), rule)
	if err != nil || !got.Key.Equal(k.Public()) || got.Nonce != "n" {
		t.Fatalf("the sound proof: %+v, %v", got, err)
	}
	sign := func(header map[string]any, payload string) string {
		compact, err := jose.Sign(t.Context(), k, header, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		return compact
	}
	payload := fmt.Sprintf(`{"aud":%q,"iat":%d,"nonce":"n"}`, issuerURL, now.Unix())
	jwk := k.Public().JWK()
	t.Run("VCI-012", func(t *testing.T) {
		for _, typ := range []string{"JWT", "kb+jwt"} {
			_, err := VerifyProof(sign(map[string]any{"typ": typ, "jwk": jwk}, payload), rule)
			wantError(t, err, "invalid_proof", "jose_typ_unexpected")
		}
	})
	t.Run("VCI-013", func(t *testing.T) {
		victim := sound
		victim.ClientID = "did:example:victim"
		_, err := VerifyProof(proof(t, k, victim), rule)
		wantError(t, err, "invalid_proof", "proof_identity_mismatch")
		known := rule
		known.ClientID = "wallet"
		_, err = VerifyProof(proof(t, k, victim), known)
		wantError(t, err, "invalid_proof", "proof_identity_mismatch")
		_, err = VerifyProof(proof(t, k, sound), known)
		wantError(t, err, "invalid_proof", "proof_identity_mismatch")
		victim.ClientID = "wallet"
		if _, err := VerifyProof(proof(t, k, victim), known); err != nil {
			t.Fatalf("the client itself: %v", err)
		}
	})
	for name, tt := range map[string]struct {
		compact      string
		code, reason string
	}{
		"another audience": {proof(t, k, ProofClaims{Audience: "https://evil.example", Nonce: "n", IssuedAt: now}), "invalid_proof", "proof_aud_mismatch"},
		"audience in list": {sign(map[string]any{"typ": TypProof, "jwk": jwk}, strings.Replace(payload, `"`+issuerURL+`"`, `["`+issuerURL+`"]`, 1)), "invalid_proof", "proof_aud_mismatch"},
		"old":              {proof(t, k, ProofClaims{Audience: issuerURL, Nonce: "n", IssuedAt: now.Add(-5*time.Minute - time.Second)}), "invalid_proof", "proof_iat"},
		"from the future":  {proof(t, k, ProofClaims{Audience: issuerURL, Nonce: "n", IssuedAt: now.Add(5*time.Minute + time.Second)}), "invalid_proof", "proof_iat"},
		"no date":          {sign(map[string]any{"typ": TypProof, "jwk": jwk}, `{"aud":"`+issuerURL+`","nonce":"n"}`), "invalid_proof", "proof_iat"},
		"no nonce":         {proof(t, k, ProofClaims{Audience: issuerURL, IssuedAt: now}), "invalid_nonce", "c_nonce_missing"},
		"no key":           {sign(map[string]any{"typ": TypProof}, payload), "invalid_proof", "proof_key_header"},
		"two keys":         {sign(map[string]any{"typ": TypProof, "jwk": jwk, "kid": "k"}, payload), "invalid_proof", "proof_key_header"},
		"another key":      {sign(map[string]any{"typ": TypProof, "jwk": newKey(t).Public().JWK()}, payload), "invalid_proof", "jose_signature_invalid"},
		"chain":            {sign(map[string]any{"typ": TypProof, "jwk": jwk, "x5c": []string{"AAAA"}}, payload), "invalid_proof", "jose_key_header_not_allowed"},
		"private key":      {sign(map[string]any{"typ": TypProof, "jwk": map[string]any{"kty": "EC", "crv": "P-256", "d": "AAAA"}}, payload), "invalid_proof", "jwk_private"},
		"large":            {strings.Repeat("a", MaxProofSize+1), "invalid_proof", "size_limit"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := VerifyProof(tt.compact, rule)
			wantError(t, err, tt.code, tt.reason)
		})
	}
}

func TestRedaction(t *testing.T) {
	t.Run("VCI-028", func(t *testing.T) {
		const secret = "oaKazRN8I0IbtZ0C7JuMn5"
		o, err := ParseOffer([]byte(offerText))
		if err != nil {
			t.Fatal(err)
		}
		request := TokenRequest{Code: secret, TxCode: secret, HasTxCode: true}
		response := TokenResponse{AccessToken: secret, TokenType: "Bearer"}
		refusal := NewError(CodeInvalidGrant, "tx_code_wrong", "the transaction code is wrong")
		for _, v := range []any{o, *o, o.Grants, *o.Grants.PreAuthorized, request, &request, response, Secret(secret), refusal} {
			for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
				if got := fmt.Sprintf(format, v); strings.Contains(got, secret) || strings.Contains(got, fmt.Sprintf("%x", secret)) {
					t.Errorf("%s of %T shows the secret: %s", format, v, got)
				}
			}
			var log bytes.Buffer
			slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log of %T shows the secret: %s", v, log.String())
			}
		}
		if !bytes.Contains(request.Form(), []byte(secret)) {
			t.Error("the wire form lost the code")
		}
	})
}

func TestTokenRequest(t *testing.T) {
	for _, want := range []TokenRequest{{Code: "c"}, {Code: "c", HasTxCode: true}, {Code: "c&d", TxCode: "1 2", HasTxCode: true, ClientID: "w"}} {
		got, err := ParseTokenRequest(want.Form())
		if err != nil || *got != want {
			t.Errorf("%s becomes another request, %v", want.Form(), err)
		}
	}
	form := string(TokenRequest{Code: "c"}.Form())
	for name, tt := range map[string]struct{ body, code, reason string }{
		"no grant":    {"pre-authorized_code=c", "invalid_request", "request_malformed"},
		"other grant": {"grant_type=password", "unsupported_grant_type", "grant_unsupported"},
		"no code":     {"grant_type=" + GrantPreAuthorized, "invalid_request", "request_malformed"},
		"twice":       {form + "&tx_code=1&tx_code=2", "invalid_request", "request_malformed"},
		"no form":     {"%zz", "invalid_request", "request_malformed"},
		"long code":   {form + "&tx_code=" + strings.Repeat("1", MaxTxCode+1), "invalid_request", "request_malformed"},
		"large":       {form + strings.Repeat("a", MaxMessage), "invalid_request", "size_limit"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseTokenRequest([]byte(tt.body))
			wantError(t, err, tt.code, tt.reason)
		})
	}
}

func TestResponses(t *testing.T) {
	token, err := ParseTokenResponse([]byte(`{"access_token":"a.b-c","token_type":"bearer","expires_in":60,
		"authorization_details":[{"type":"openid_credential","credential_configuration_id":"age","credential_identifiers":["i"]}]}`))
	if err != nil || token.Identifier("age") != "i" || token.Identifier("abo") != "" || token.ExpiresIn != 60 {
		t.Fatalf("%+v, %v", token, err)
	}
	for _, bad := range []string{`{"access_token":"a","token_type":"DPoP"}`, `{"access_token":"a\r\nb","token_type":"Bearer"}`, `{"token_type":"Bearer"}`, `{"access_token":1,"token_type":"Bearer"}`} {
		_, err := ParseTokenResponse([]byte(bad))
		wantReason(t, err, "token_malformed")
	}
	if got, err := BearerToken("bearer abc"); err != nil || string(got) != "abc" {
		t.Errorf("bearer: %v", err)
	}
	for _, bad := range []string{"", "Bearer", "Bearer ", "Basic abc", "Bearer a b", "Bearer a,b"} {
		_, err := BearerToken(bad)
		wantError(t, err, "invalid_token", "token_missing")
	}
	for text, want := range map[string]string{
		`{"credentials":[{"credential":"a"}]}`:                    "",
		`{"credentials":[{"credential":"a"},{"credential":"b"}]}`: "batch_limit",
		`{"transaction_id":"t","interval":5}`:                     "credential_deferred",
		`{"credentials":[]}`:                                      "response_malformed",
		`{"credentials":[{"credential":""}]}`:                     "response_malformed",
		`{"credentials":[{"credential":{}}]}`:                     "response_malformed",
		`{"credentials":["a"]}`:                                   "response_malformed",
		`{"credentials":[{"credential":"a"}],"credentials":[]}`:   "json_duplicate_member",
	} {
		_, err := ParseCredentialResponse([]byte(text), 1)
		if want == "" && err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if want != "" {
			wantReason(t, err, want)
		}
	}
	_, err = ParseNonceResponse([]byte(`{"c_nonce":""}`))
	wantReason(t, err, "response_malformed")
}

func TestCredentialRequest(t *testing.T) {
	for name, tt := range map[string]struct{ text, code, reason string }{
		"neither":      {`{"proofs":{"jwt":["a"]}}`, "invalid_credential_request", "request_malformed"},
		"both":         {`{"credential_identifier":"a","credential_configuration_id":"b","proofs":{"jwt":["a"]}}`, "invalid_credential_request", "request_malformed"},
		"no proofs":    {`{"credential_configuration_id":"b"}`, "invalid_proof", "proof_missing"},
		"empty proofs": {`{"credential_configuration_id":"b","proofs":{"jwt":[]}}`, "invalid_proof", "proof_missing"},
		"other proofs": {`{"credential_configuration_id":"b","proofs":{"attestation":["a"]}}`, "invalid_proof", "proof_type_unsupported"},
		"mixed proofs": {`{"credential_configuration_id":"b","proofs":{"jwt":["a"],"di_vp":[]}}`, "invalid_proof", "request_malformed"},
		"many proofs":  {`{"credential_configuration_id":"b","proofs":{"jwt":["a"` + strings.Repeat(`,"a"`, MaxProofs) + `]}}`, "invalid_credential_request", "batch_limit"},
		"encryption":   {`{"credential_configuration_id":"b","credential_response_encryption":{},"proofs":{"jwt":["a"]}}`, "invalid_encryption_parameters", "encryption"},
		"not JSON":     {`x`, "invalid_credential_request", "json_malformed"},
		"case":         {`{"Credential_configuration_id":"b","proofs":{"jwt":["a"]}}`, "invalid_credential_request", "request_malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseCredentialRequest([]byte(tt.text))
			wantError(t, err, tt.code, tt.reason)
		})
	}
}

func TestEncryptedResponsesAreRefused(t *testing.T) {
	t.Run("VCI-020", func(t *testing.T) {
		for _, alg := range []string{"RSA1_5", "ECDH-ES"} { // none is offered, so every one is unsupported
			_, err := ParseCredentialRequest([]byte(`{"credential_configuration_id":"b","proofs":{"jwt":["a"]},
				"credential_response_encryption":{"jwk":{"kty":"EC","alg":"` + alg + `"},"enc":"A128GCM"}}`))
			wantError(t, err, "invalid_encryption_parameters", "encryption")
		}
	})
}

func TestMetadata(t *testing.T) {
	m := &IssuerMetadata{
		CredentialIssuer: issuerURL, CredentialEndpoint: issuerURL + "/credential", NonceEndpoint: issuerURL + "/nonce", BatchSize: 5,
		Display: []Display{{"Amt", "de"}},
		Configurations: map[string]Configuration{"age": {
			Format: FormatSDJWT, VCT: "urn:facet:age:1", BindingMethods: []string{"jwk"}, SigningAlgs: []string{"ES256"},
			ProofTypes: map[string]ProofType{"jwt": {[]string{"ES256"}}},
			Metadata: &CredentialMetadata{
				Display: []CredentialDisplay{{Name: "Altersnachweis", Locale: "de", BackgroundColor: "#123456"}},
				Claims:  []ClaimDescription{{Path: []any{"age_equal_or_over", "18"}, Mandatory: true, Display: []Display{{"Über 18", "de"}}}},
			},
		}},
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseIssuerMetadata(text, issuerURL)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(got); err != nil || !bytes.Equal(again, text) {
		t.Fatalf("got  %s\nwant %s", again, text)
	}
	_, err = ParseIssuerMetadata(text, issuerURL+"/")
	wantReason(t, err, "issuer_mismatch")
	twice := bytes.Replace(text, []byte(`"claims":[`), []byte(`"claims":[{"path":["age_equal_or_over","18"]},`), 1)
	_, err = ParseIssuerMetadata(twice, issuerURL)
	wantReason(t, err, "metadata_malformed")
	_, err = ParseIssuerMetadata(bytes.Replace(text, []byte(`"credential_endpoint"`), []byte(`"x"`), 1), issuerURL)
	wantReason(t, err, "metadata_malformed")

	for identifier, want := range map[string]string{
		"https://issuer.example":         "https://issuer.example/.well-known/openid-credential-issuer",
		"https://issuer.example/tenant":  "https://issuer.example/.well-known/openid-credential-issuer/tenant",
		"https://issuer.example/tenant/": "https://issuer.example/.well-known/openid-credential-issuer/tenant",
	} {
		if got, err := MetadataURL(identifier, WellKnownIssuer); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", identifier, got, err, want)
		}
	}
	server, err := ParseServerMetadata([]byte(`{"issuer":"https://issuer.example","token_endpoint":"https://issuer.example/token","response_types_supported":[]}`), issuerURL)
	if err != nil || server.TokenEndpoint != issuerURL+"/token" {
		t.Fatalf("%+v, %v", server, err)
	}
	_, err = ParseServerMetadata([]byte(`{"issuer":"https://evil.example","token_endpoint":"x"}`), issuerURL)
	wantReason(t, err, "issuer_mismatch")
}
