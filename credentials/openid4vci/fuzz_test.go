package openid4vci

import (
	"errors"
	"testing"
)

// FuzzOffer: an accepted offer has an issuer and something to offer, and
// survives its own encoding.
func FuzzOffer(f *testing.F) {
	f.Add([]byte(offerText))
	f.Add([]byte(`{"credential_issuer":"https://a","credential_configuration_ids":["a"],"grants":null}`))
	f.Add([]byte(`{"credential_issuer":"https://a","credential_configuration_ids":["a","a"]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := ParseOffer(text)
		typed(t, err)
		if err != nil {
			return
		}
		again, err := MarshalOffer(o)
		if err != nil || o.CredentialIssuer == "" || len(o.ConfigurationIDs) == 0 {
			t.Fatalf("accepted %+v, %v", o, err)
		}
		if back, err := ParseOffer(again); len(again) <= MaxOffer && (err != nil || back.CredentialIssuer != o.CredentialIssuer) {
			t.Fatalf("its form %s is refused: %v", again, err)
		}
	})
}

func typed(t *testing.T, err error) {
	t.Helper()
	var e interface{ Reason() string }
	if err != nil && (!errors.As(err, &e) || e.Reason() == "") {
		t.Fatalf("a refusal without a reason: %v", err)
	}
}

// FuzzMessages: no message panics a parser, and every refusal has a reason.
func FuzzMessages(f *testing.F) {
	for _, s := range []string{
		"grant_type=" + GrantPreAuthorized + "&pre-authorized_code=c&tx_code=",
		`{"credential_configuration_id":"a","proofs":{"jwt":["a"]}}`,
		`{"credentials":[{"credential":"a"}]}`, `{"access_token":"a","token_type":"Bearer"}`, `{"c_nonce":"n"}`,
		`{"credential_issuer":"https://a","credential_endpoint":"x","credential_configurations_supported":{"a":{"format":"dc+sd-jwt","credential_metadata":{"claims":[{"path":["a"]}]}}}}`,
		"openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fa",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseTokenRequest([]byte(s))
		typed(t, err)
		if err == nil {
			if again, err := ParseTokenRequest(r.Form()); err != nil || *again != *r {
				t.Fatalf("a token request becomes another: %v", err)
			}
		}
		c, err := ParseCredentialRequest([]byte(s))
		typed(t, err)
		if err == nil && (len(c.JWTProofs()) == 0 || (c.Identifier == "") == (c.ConfigurationID == "")) {
			t.Fatalf("accepted %+v", c)
		}
		_, err = ParseCredentialResponse([]byte(s), 1)
		typed(t, err)
		_, err = ParseTokenResponse([]byte(s))
		typed(t, err)
		_, err = ParseNonceResponse([]byte(s))
		typed(t, err)
		_, err = ParseIssuerMetadata([]byte(s), "https://a")
		typed(t, err)
		_, err = ParseServerMetadata([]byte(s), "https://a")
		typed(t, err)
		_, err = ParseOfferLink(s)
		typed(t, err)
		_ = ParseWireError([]byte(s))
	})
}
