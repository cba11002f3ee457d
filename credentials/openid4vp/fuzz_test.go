package openid4vp_test

import (
	"errors"
	"net/url"
	"testing"

	"facet/credentials/dcql"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/schemas"
)

// FuzzUnsigned: a request that comes unsigned in a link is refused with a
// reason, or asks something and says where the answer goes: to the address
// that is its client id.
func FuzzUnsigned(f *testing.F) {
	query := url.QueryEscape(`{"credentials":[{"id":"a","format":"dc+sd-jwt","meta":{"vct_values":["urn:x"]}}]}`)
	f.Add("openid4vp://?client_id=redirect_uri:https://v.example/cb&response_type=vp_token&response_mode=direct_post&nonce=bm9uY2Utb2YtdGhlLXRlc3Q&dcql_query=" + query)
	f.Add("openid4vp://?client_id=redirect_uri:https://v.example/cb&response_type=vp_token&response_mode=fragment&state=s&nonce=bm9uY2Utb2YtdGhlLXRlc3Q&dcql_query=" + query)
	f.Add("https://wallet.example/authorize#client_id=x509_hash:abc&request_uri=https://v.example/r")
	f.Add("openid4vp://?client_id=redirect_uri:https://v.example/cb&dcql_query={}")
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := openid4vp.ParseAuthorize(raw)
		typed(t, err)
		if err != nil {
			return
		}
		u, err := openid4vp.ParseUnsigned(p)
		typed(t, err)
		if err != nil {
			if u != nil {
				t.Fatal("a refused request came back")
			}
			return
		}
		if _, err := u.Authenticate(t.Context(), openid4vp.Authority{Now: now}); err == nil {
			t.Fatal("believed without anybody to ask")
		}
		r, err := u.Authenticate(t.Context(), openid4vp.Authority{Verifiers: anyone{}, Now: now})
		typed(t, err)
		if err != nil {
			if r != nil {
				t.Fatal("a refused request came back")
			}
			return
		}
		if r.DCQL == nil || r.Nonce == "" {
			t.Fatalf("%q asks nothing", raw)
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

// FuzzRegistration: a registration certificate is refused with a reason, or has a
// subject, an end, and covers nothing it does not name.
func FuzzRegistration(f *testing.F) {
	f.Add([]byte(`{"sub":"NTRDE-HRB1","iat":1790000000,"credentials":[{"format":"dc+sd-jwt","meta":{"vct_values":["urn:x"]},"claim":[{"path":["a",null]}]}]}`))
	f.Add([]byte(`{"sub":"x","iat":1,"exp":2,"purpose":[{"lang":"de","value":"x"}],"intermediary":{"sub":"y"}}`))
	key, err := jose.GenerateKey()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		compact, err := jose.Sign(t.Context(), key, map[string]any{"typ": openid4vp.RegistrationType, "x5c": []string{"AAAA"}}, payload)
		if err != nil {
			return
		}
		u, err := openid4vp.ParseRegistration(compact)
		typed(t, err)
		if err != nil {
			return
		}
		r := u.Unverified()
		if r.Subject == "" || !r.ExpiresAt.After(r.IssuedAt) {
			t.Fatalf("%+v", r)
		}
		other := &dcql.Query{Credentials: []dcql.CredentialQuery{{ID: "q", Format: dcql.SDJWTVC, Meta: dcql.Meta{VCTValues: []string{"urn:not registered"}}}}}
		if len(r.Beyond(other)) == 0 {
			t.Fatal("a type nobody registered is covered")
		}
		if r.IsFor(openid4vp.ClientID{Prefix: openid4vp.PrefixX509Hash, ID: "x"}, u.X5C()) {
			t.Fatal("it is for a certificate that does not parse")
		}
	})
}

// FuzzTransactionData: an entry is refused with a reason, or is of the one type
// that is known.
func FuzzTransactionData(f *testing.F) {
	f.Add(`{"type":"urn:facet:transaction-data:policy:1","credential_ids":["a"],"policy":"p","version":1,"policy_sha256":"h","purpose":"x","retention":"PT1H"}`)
	f.Add(`{"type":"payment"}`)
	key, err := jose.GenerateKey()
	if err != nil {
		f.Fatal(err)
	}
	const did, id = "did:web:client.example.org", "decentralized_identifier:did:web:client.example.org"
	f.Fuzz(func(t *testing.T, entry string) {
		jar, err := openid4vp.SignRequestDID(t.Context(), key, did+"#1", openid4vp.RequestObject{
			ClientID: id, ResponseType: openid4vp.ResponseType, ResponseMode: openid4vp.ModeDirectPost, ResponseURI: "https://v.example/cb",
			Nonce: "bm9uY2Utb2YtdGhlLXRlc3Q", Audience: openid4vp.SelfIssuedAudience, ClientMetadata: openid4vp.ClientMetadata{VPFormats: openid4vp.SDJWTFormats()},
			DCQL:            &dcql.Query{Credentials: []dcql.CredentialQuery{{ID: "a", Format: dcql.SDJWTVC, Meta: dcql.Meta{VCTValues: []string{"urn:x"}}}}},
			TransactionData: []string{jose.EncodeBase64URL([]byte(entry))},
		})
		if err != nil {
			t.Fatal(err)
		}
		u, err := openid4vp.ParseRequest(jar, openid4vp.Expect{ClientID: id})
		if err != nil {
			return // too large
		}
		r, err := u.Authenticate(t.Context(), openid4vp.Authority{Verifiers: anyone{}, DIDs: dids{did + "#1": key.Public()}, Now: now})
		typed(t, err)
		if err != nil {
			return
		}
		if m, err := jose.ParseObject([]byte(entry), jose.Limits{}); err != nil || m["type"] != schemas.PolicyTransaction {
			t.Fatalf("taken: %s", entry)
		}
		if _, err := r.PolicyOffer(); err == nil {
			t.Fatal("taken without a policy offer")
		}
	})
}
