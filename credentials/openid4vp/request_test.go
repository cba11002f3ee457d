package openid4vp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/dcql"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/fetch"
)

const host = "client.example.org"

var now = time.Now().Truncate(time.Second)

// An asker signs requests with a certificate the trust list knows.
type asker struct {
	key   *jose.PrivateKey
	x5c   []string
	trust *credentials.TrustList
}

func newAsker(t *testing.T) *asker {
	t.Helper()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "anchor"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	must(t, err)
	key, err := jose.GenerateKey()
	must(t, err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{Organization: []string{"Morgenblatt"}}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{host},
	}
	ca, err = x509.ParseCertificate(caDER)
	must(t, err)
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public().Crypto(), caKey)
	must(t, err)
	list, err := json.Marshal(map[string]any{"version": 1, "name": "test", "issuers": []any{}, "verifiers": []any{map[string]any{
		"id": "morgenblatt", "name": "Morgenblatt", "domain": "morgenblatt.example", "anchor": base64.StdEncoding.EncodeToString(caDER),
		"leaf": map[string]any{"organization": "Morgenblatt"},
	}}})
	must(t, err)
	trust, err := credentials.ParseTrustList(list)
	must(t, err)
	return &asker{key, []string{base64.StdEncoding.EncodeToString(der)}, trust}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (a *asker) hash() string { return "x509_hash:" + jose.LeafHash(a.x5c) }

func (a *asker) authority() openid4vp.Authority {
	return openid4vp.Authority{Verifiers: a.trust, Now: now}
}

// params is a good request as claims.
func (a *asker) params(t *testing.T, clientID string) map[string]any {
	t.Helper()
	enc, err := jose.GenerateDecryptionKey()
	must(t, err)
	jwk := enc.Public().JWK()
	jwk["kid"], jwk["use"], jwk["alg"] = "k1", "enc", "ECDH-ES"
	return map[string]any{
		"client_id": clientID, "response_type": "vp_token", "response_mode": "direct_post.jwt", "aud": "https://self-issued.me/v2",
		"response_uri": "https://" + host + "/wallet/response/1", "nonce": "n-0123456789-abcdef", "state": "s-0123456789",
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"dcql_query": map[string]any{"credentials": []any{map[string]any{
			"id": "member", "format": "dc+sd-jwt", "meta": map[string]any{"vct_values": []any{"urn:facet:media-membership:1"}},
			"claims": []any{map[string]any{"path": []any{"tier"}}},
		}}},
		"client_metadata": map[string]any{
			"jwks": map[string]any{"keys": []any{jwk}}, "encrypted_response_enc_values_supported": []any{"A128GCM", "A256GCM"},
			"vp_formats_supported": map[string]any{"dc+sd-jwt": map[string]any{}}, "client_name": "Your Bank",
		},
	}
}

// read signs the claims and takes them through the wallet's whole door.
func (a *asker) read(t *testing.T, m map[string]any, header map[string]any, e openid4vp.Expect) (*openid4vp.Request, error) {
	t.Helper()
	payload, err := json.Marshal(m)
	must(t, err)
	h := map[string]any{"typ": openid4vp.RequestType, "x5c": a.x5c}
	for name, value := range header {
		h[name] = value
	}
	jar, err := jose.Sign(t.Context(), a.key, h, payload)
	must(t, err)
	u, err := openid4vp.ParseRequest(jar, e)
	if err != nil {
		return nil, err
	}
	return u.Authenticate(t.Context(), a.authority())
}

func wantReason(t *testing.T, err error, reason string) {
	t.Helper()
	var r interface{ Reason() string }
	if !errors.As(err, &r) || r.Reason() != reason {
		t.Errorf("got %v, want reason %s", err, reason)
	}
}

// TestRequestsRefused: one parameter wrong each, in a request that is signed
// and otherwise good.
func TestRequestsRefused(t *testing.T) {
	a := newAsker(t)
	sub := func(m map[string]any, name string) map[string]any { return m[name].(map[string]any) }
	query := func(m map[string]any) map[string]any {
		return sub(m, "dcql_query")["credentials"].([]any)[0].(map[string]any)
	}
	for _, tt := range []struct {
		name   string
		change func(m map[string]any)
		reason string
	}{
		{"WREQ-012", func(m map[string]any) { delete(m, "nonce") }, "nonce_invalid"},
		{"nonce empty", func(m map[string]any) { m["nonce"] = "" }, "nonce_invalid"},
		{"nonce of one character", func(m map[string]any) { m["nonce"] = "x" }, "nonce_invalid"},
		{"nonce not ASCII", func(m map[string]any) { m["nonce"] = "ünïcödé-ünïcödé" }, "nonce_invalid"},
		{"nonce a number", func(m map[string]any) { m["nonce"] = 12345678901234 }, "nonce_invalid"},
		{"WREQ-018", func(m map[string]any) { m["wallet_nonce"] = "not-the-one-sent" }, "wallet_nonce_mismatch"},
		{"WREQ-021", func(m map[string]any) { sub(m, "dcql_query")["credentials"] = []any{query(m), query(m)} }, "dcql_malformed"},
		{"query id charset", func(m map[string]any) { query(m)["id"] = "a b" }, "dcql_malformed"},
		{"no credentials", func(m map[string]any) { sub(m, "dcql_query")["credentials"] = []any{} }, "dcql_malformed"},
		{"claim_sets of unknown claims", func(m map[string]any) { query(m)["claim_sets"] = []any{[]any{"nobody"}} }, "dcql_malformed"},
		{"credential_sets of unknown queries", func(m map[string]any) {
			sub(m, "dcql_query")["credential_sets"] = []any{map[string]any{"options": []any{[]any{"nobody"}}}}
		}, "dcql_malformed"},
		{"WREQ-023", func(m map[string]any) { m["transaction_data"] = []any{"e30"} }, "transaction_data_unsupported"},
		{"WREQ-024", func(m map[string]any) {
			sub(m, "client_metadata")["jwks"] = map[string]any{"keys": []any{map[string]any{"kty": "XYZ"}}}
		}, "response_encryption_unavailable"},
		{"no key at all", func(m map[string]any) { delete(sub(m, "client_metadata"), "jwks") }, "response_encryption_unavailable"},
		{"unknown enc only", func(m map[string]any) {
			sub(m, "client_metadata")["encrypted_response_enc_values_supported"] = []any{"A128CBC-HS256"}
		}, "response_encryption_unavailable"},
		{"another format only", func(m map[string]any) {
			sub(m, "client_metadata")["vp_formats_supported"] = map[string]any{"mso_mdoc": map[string]any{}}
		}, "vp_formats_not_supported"},
		{"credentials with another algorithm only", func(m map[string]any) {
			sub(sub(m, "client_metadata"), "vp_formats_supported")["dc+sd-jwt"] = map[string]any{"sd-jwt_alg_values": []any{"ES384"}}
		}, "vp_formats_not_supported"},
		{"key bindings with another algorithm only", func(m map[string]any) {
			sub(sub(m, "client_metadata"), "vp_formats_supported")["dc+sd-jwt"] = map[string]any{"kb-jwt_alg_values": []any{"EdDSA"}}
		}, "vp_formats_not_supported"},
		{"formats a list", func(m map[string]any) {
			sub(m, "client_metadata")["vp_formats_supported"] = []any{"dc+sd-jwt"}
		}, "client_metadata_malformed"},
		{"WREQ-031", func(m map[string]any) { m["exp"] = now.Add(-time.Hour).Unix() }, "jar_expired"},
		{"iat too old", func(m map[string]any) { m["iat"] = now.Add(-48 * time.Hour).Unix() }, "jar_expired"},
		{"iat in the future", func(m map[string]any) { m["iat"] = now.Add(time.Hour).Unix() }, "jar_expired"},
		{"aud of another wallet", func(m map[string]any) { m["aud"] = "https://wallet.example" }, "jar_aud_mismatch"},
		{"aud missing", func(m map[string]any) { delete(m, "aud") }, "jar_aud_mismatch"},
		{"aud a list", func(m map[string]any) { m["aud"] = []any{"https://self-issued.me/v2"} }, "jar_aud_mismatch"},
		{"redirect_uri beside response_uri", func(m map[string]any) { m["redirect_uri"] = "https://" + host }, "redirect_uri_with_direct_post"},
		{"no response_uri", func(m map[string]any) { delete(m, "response_uri") }, "response_uri_missing"},
		{"response_uri javascript", func(m map[string]any) { m["response_uri"] = "javascript:alert(1)" }, "response_uri_malformed"},
		{"response_uri with user", func(m map[string]any) { m["response_uri"] = "https://a@" + host + "/" }, "response_uri_malformed"},
		{"response_type code", func(m map[string]any) { m["response_type"] = "code" }, "response_type_unsupported"},
		{"response_mode missing", func(m map[string]any) { delete(m, "response_mode") }, "response_mode_unsupported"},
		{"scope", func(m map[string]any) { m["scope"] = "openid" }, "query_missing"},
		{"no query", func(m map[string]any) { delete(m, "dcql_query") }, "query_missing"},
		{"state a number", func(m map[string]any) { m["state"] = 7 }, "request_malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := a.params(t, a.hash())
			if _, err := a.read(t, m, nil, openid4vp.Expect{ClientID: a.hash()}); err != nil {
				t.Fatalf("the unchanged request: %v", err)
			}
			tt.change(m)
			_, err := a.read(t, m, nil, openid4vp.Expect{ClientID: a.hash()})
			wantReason(t, err, tt.reason)
		})
	}
	t.Run("wallet_nonce absent", func(t *testing.T) {
		_, err := a.read(t, a.params(t, a.hash()), nil, openid4vp.Expect{ClientID: a.hash(), WalletNonce: "sent"})
		wantReason(t, err, "wallet_nonce_mismatch")
	})
	t.Run("unknown parameters are ignored", func(t *testing.T) {
		m := a.params(t, a.hash())
		m["unheard_of"] = true
		if _, err := a.read(t, m, nil, openid4vp.Expect{ClientID: a.hash()}); err != nil {
			t.Error(err)
		}
	})
	t.Run("an unusable key is passed over", func(t *testing.T) {
		m := a.params(t, a.hash())
		keys := sub(sub(m, "client_metadata"), "jwks")
		keys["keys"] = append([]any{map[string]any{"kty": "XYZ", "kid": "0"}, map[string]any{"kty": "OKP", "crv": "X448", "kid": "1"}}, keys["keys"].([]any)...)
		if r, err := a.read(t, m, nil, openid4vp.Expect{ClientID: a.hash()}); err != nil || r.ClientMetadata.Keys[0].Kid != "k1" {
			t.Error(err)
		}
	})
}

func TestWhoAsks(t *testing.T) {
	a := newAsker(t)
	san := "x509_san_dns:" + host
	for _, id := range []string{a.hash(), san} {
		if r, err := a.read(t, a.params(t, id), nil, openid4vp.Expect{ClientID: id}); err != nil || r.Party.Name != "Morgenblatt" || r.ClientID != id {
			t.Errorf("%s: %v", id, err)
		}
	}
	t.Run("WREQ-001", func(t *testing.T) {
		other, err := jose.GenerateKey()
		must(t, err)
		forger := &asker{other, a.x5c, a.trust}
		_, err = forger.read(t, a.params(t, a.hash()), nil, openid4vp.Expect{ClientID: a.hash()})
		wantReason(t, err, "jar_signature_invalid")
	})
	t.Run("WREQ-002", func(t *testing.T) {
		payload, err := json.Marshal(a.params(t, a.hash()))
		must(t, err)
		jar := jose.EncodeBase64URL([]byte(`{"alg":"none","typ":"oauth-authz-req+jwt"}`)) + "." + jose.EncodeBase64URL(payload) + "."
		_, err = openid4vp.ParseRequest(jar, openid4vp.Expect{ClientID: a.hash()})
		wantReason(t, err, "jose_alg_not_allowed")
	})
	t.Run("WREQ-003", func(t *testing.T) {
		_, err := a.read(t, a.params(t, a.hash()), nil, openid4vp.Expect{ClientID: san})
		wantReason(t, err, "client_id_mismatch")
		_, err = a.read(t, a.params(t, host), nil, openid4vp.Expect{ClientID: san})
		wantReason(t, err, "client_id_mismatch")
	})
	t.Run("WREQ-004", func(t *testing.T) {
		_, err := openid4vp.ParseClientID("foo:bar")
		wantReason(t, err, "client_id_prefix_unsupported")
	})
	t.Run("WREQ-005", func(t *testing.T) {
		_, err := openid4vp.ParseClientID("morgenblatt")
		wantReason(t, err, "client_not_registered")
	})
	t.Run("WREQ-006", func(t *testing.T) {
		for _, id := range []string{"X509_SAN_DNS:" + host, " x509_san_dns:" + host, "x509_san_dns%3A" + host, "x509_san_dns :" + host} {
			_, err := openid4vp.ParseClientID(id)
			wantReason(t, err, "client_id_prefix_unsupported")
		}
	})
	t.Run("WREQ-007", func(t *testing.T) {
		id := "redirect_uri:https://" + host + "/cb"
		_, err := a.read(t, a.params(t, id), nil, openid4vp.Expect{ClientID: id})
		wantReason(t, err, "client_id_signing_rule")
		_, err = openid4vp.ParseAuthorize("https://wallet.example/authorize#" + url.Values{"client_id": {san}, "nonce": {"n-0123456789"}}.Encode())
		wantReason(t, err, "client_id_signing_rule")
	})
	t.Run("WREQ-008", func(t *testing.T) {
		p := unsigned(t, a, "https://"+host+"/elsewhere")
		u, err := openid4vp.ParseUnsigned(p)
		must(t, err)
		_, err = u.Authenticate(t.Context(), openid4vp.Authority{Verifiers: anyone{}, Now: now})
		wantReason(t, err, "response_uri_mismatch")
	})
	t.Run("WREQ-009", func(t *testing.T) {
		m := a.params(t, san)
		m["response_uri"] = "https://evil.example/"
		_, err := a.read(t, m, nil, openid4vp.Expect{ClientID: san})
		wantReason(t, err, "response_uri_mismatch")
	})
	t.Run("WREQ-010", func(t *testing.T) {
		_, err := openid4vp.ParseClientID("origin:https://" + host)
		wantReason(t, err, "client_id_prefix_reserved")
	})
	t.Run("other certificate than x509_hash", func(t *testing.T) {
		b := newAsker(t)
		_, err := b.read(t, a.params(t, a.hash()), nil, openid4vp.Expect{ClientID: a.hash()})
		wantReason(t, err, "client_id_mismatch")
	})
	t.Run("host not in the certificate", func(t *testing.T) {
		id := "x509_san_dns:evil.example"
		m := a.params(t, id)
		m["response_uri"] = "https://evil.example/"
		_, err := a.read(t, m, nil, openid4vp.Expect{ClientID: id})
		wantReason(t, err, "cert_san_mismatch")
	})
	t.Run("unknown to the trust list", func(t *testing.T) {
		b := newAsker(t)
		stranger := &asker{b.key, b.x5c, a.trust}
		_, err := stranger.read(t, a.params(t, b.hash()), nil, openid4vp.Expect{ClientID: b.hash()})
		var e *openid4vp.Error
		if !errors.As(err, &e) || e.Code != openid4vp.CodeInvalidClient {
			t.Errorf("got %v, want an invalid_client error", err)
		}
	})
	t.Run("no certificate", func(t *testing.T) {
		_, err := a.read(t, a.params(t, a.hash()), map[string]any{"x5c": []string{}}, openid4vp.Expect{ClientID: a.hash()})
		if err == nil {
			t.Error("a request without a certificate was accepted")
		}
	})
	t.Run("typ of another token", func(t *testing.T) {
		_, err := a.read(t, a.params(t, a.hash()), map[string]any{"typ": "JWT"}, openid4vp.Expect{ClientID: a.hash()})
		wantReason(t, err, "jose_typ_unexpected")
	})
}

// anyone knows every client by its id.
type anyone struct{}

func (anyone) Verifier(_ context.Context, clientID string, _ []string, _ time.Time) (*credentials.Party, error) {
	return &credentials.Party{ID: clientID, Name: clientID}, nil
}

// unsigned is the request of a redirect_uri client, in the parameters.
func unsigned(t *testing.T, a *asker, responseURI string) openid4vp.AuthorizeParams {
	t.Helper()
	m := a.params(t, "redirect_uri:https://"+host+"/wallet/response/1")
	m["response_uri"] = responseURI
	delete(m, "iat")
	delete(m, "exp")
	v := url.Values{}
	for name, value := range m {
		if s, ok := value.(string); ok {
			v.Set(name, s)
			continue
		}
		raw, err := json.Marshal(value)
		must(t, err)
		v.Set(name, string(raw))
	}
	p, err := openid4vp.ParseAuthorize("https://wallet.example/authorize?" + v.Encode())
	must(t, err)
	return p
}

func TestUnsigned(t *testing.T) {
	a := newAsker(t)
	u, err := openid4vp.ParseUnsigned(unsigned(t, a, "https://"+host+"/wallet/response/1"))
	must(t, err)
	if _, err := u.Authenticate(t.Context(), openid4vp.Authority{Verifiers: anyone{}, Now: now}); err != nil {
		t.Error(err)
	}
	_, err = u.Authenticate(t.Context(), a.authority())
	wantReason(t, err, "verifier_unknown")
}

// dids resolves one DID URL.
type dids map[string]*jose.PublicKey

func (d dids) Resolve(_ context.Context, didURL string) (*jose.PublicKey, error) {
	if k, ok := d[didURL]; ok {
		return k, nil
	}
	return nil, errors.New("no such key")
}

func TestDIDClient(t *testing.T) {
	a := newAsker(t)
	const did = "did:web:client.example.org"
	id := "decentralized_identifier:" + did
	read := func(kid string, resolver openid4vp.KeyResolver) error {
		payload, err := json.Marshal(a.params(t, id))
		must(t, err)
		jar, err := jose.Sign(t.Context(), a.key, map[string]any{"typ": openid4vp.RequestType, "kid": kid}, payload)
		must(t, err)
		u, err := openid4vp.ParseRequest(jar, openid4vp.Expect{ClientID: id})
		must(t, err)
		_, err = u.Authenticate(t.Context(), openid4vp.Authority{Verifiers: anyone{}, DIDs: resolver, Now: now})
		return err
	}
	known := dids{did + "#1": a.key.Public(), "did:web:evil.example#1": a.key.Public()}
	if err := read(did+"#1", known); err != nil {
		t.Error(err)
	}
	wantReason(t, read("did:web:evil.example#1", known), "client_id_mismatch")
	wantReason(t, read(did, known), "client_id_mismatch")
	wantReason(t, read(did+"#2", known), "did_unresolved")
	wantReason(t, read(did+"#1", nil), "client_id_prefix_unsupported")
}

// nobodyAsks fails the test when a DID is looked up.
type nobodyAsks struct{ t *testing.T }

func (n nobodyAsks) Resolve(context.Context, string) (*jose.PublicKey, error) {
	n.t.Error("the DID of a stranger was looked up")
	return nil, errors.New("no")
}

// TestUnknownDID: nobody is asked about a DID the trust list does not know, and
// whoever cannot be looked up counts as unknown.
func TestUnknownDID(t *testing.T) {
	a := newAsker(t)
	for name, tt := range map[string]struct {
		believe  credentials.Verifiers
		resolver openid4vp.KeyResolver
		want     string
	}{
		"a stranger":          {a.trust, nobodyAsks{t}, "verifier_unknown"},
		"nobody resolves":     {anyone{}, nil, "client_id_prefix_unsupported"},
		"it does not resolve": {anyone{}, dids{}, "did_unresolved"},
	} {
		const did = "did:web:client.example.org"
		payload, err := json.Marshal(a.params(t, "decentralized_identifier:"+did))
		must(t, err)
		jar, err := jose.Sign(t.Context(), a.key, map[string]any{"typ": openid4vp.RequestType, "kid": did + "#1"}, payload)
		must(t, err)
		u, err := openid4vp.ParseRequest(jar, openid4vp.Expect{ClientID: "decentralized_identifier:" + did})
		must(t, err)
		_, err = u.Authenticate(t.Context(), openid4vp.Authority{Verifiers: tt.believe, DIDs: tt.resolver, Now: now})
		wantReason(t, err, tt.want)
		var e *openid4vp.Error
		if !errors.As(err, &e) || e.Code != openid4vp.CodeInvalidClient {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A wire answers requests from a table and counts them.
type wire struct {
	answer func(fetch.Request) (*fetch.Response, error)
	calls  int
}

func (w *wire) Do(_ context.Context, r fetch.Request) (*fetch.Response, error) {
	w.calls++
	return w.answer(r)
}

func status(code int, body string) func(fetch.Request) (*fetch.Response, error) {
	return func(fetch.Request) (*fetch.Response, error) {
		return &fetch.Response{Status: code, Body: []byte(body)}, nil
	}
}

func TestTransport(t *testing.T) {
	a := newAsker(t)
	req, err := a.read(t, a.params(t, a.hash()), nil, openid4vp.Expect{ClientID: a.hash()})
	must(t, err)
	token := openid4vp.VPToken{"member": {"a.b.c~"}}
	link := openid4vp.AuthorizeParams{ClientID: a.hash(), RequestURI: "https://" + host + "/r"}
	t.Run("WREQ-015", func(t *testing.T) {
		for _, code := range []int{301, 302, 303, 307, 308} {
			_, err := openid4vp.Retrieve(t.Context(), &wire{answer: status(code, "")}, link, "")
			wantReason(t, err, "redirect_not_allowed")
		}
	})
	t.Run("WREQ-016", func(t *testing.T) {
		w := &wire{answer: status(307, "")}
		_, err := req.Answer(t.Context(), w, token)
		wantReason(t, err, "redirect_not_allowed")
		if w.calls != 1 {
			t.Errorf("%d requests were sent, want 1", w.calls)
		}
	})
	t.Run("WREQ-017", func(t *testing.T) {
		w := &wire{answer: status(200, "{}")}
		for _, r := range []*openid4vp.Request{nil, {}, {RequestObject: req.RequestObject, Client: req.Client, Party: req.Party}} {
			_, err := r.Refuse(t.Context(), w, openid4vp.CodeInvalidRequest)
			wantReason(t, err, "unauthenticated_request")
		}
		if w.calls != 0 {
			t.Errorf("%d requests were sent, want none", w.calls)
		}
	})
	t.Run("WREQ-019", func(t *testing.T) {
		for _, m := range []string{"PUT", "GET", "Post", ""} {
			v := url.Values{"client_id": {a.hash()}, "request_uri": {link.RequestURI}, "request_uri_method": {m}}
			_, err := openid4vp.ParseAuthorizeParams(v.Encode())
			wantReason(t, err, "request_uri_method")
		}
	})
	t.Run("post with nonce", func(t *testing.T) {
		p := link
		p.RequestURIMethod = "post"
		w := &wire{answer: func(r fetch.Request) (*fetch.Response, error) {
			if r.Method != http.MethodPost || string(r.Body) != "wallet_nonce=w1" || r.ContentType != "application/x-www-form-urlencoded" || r.Accept[0] != openid4vp.RequestMediaType {
				t.Errorf("request: %+v", r)
			}
			return status(404, "")(r)
		}}
		_, err := openid4vp.Retrieve(t.Context(), w, p, "w1")
		wantReason(t, err, "request_gone")
	})
	t.Run("answer", func(t *testing.T) {
		w := &wire{answer: func(r fetch.Request) (*fetch.Response, error) {
			post, err := openid4vp.ParsePost(r.ContentType, r.Body)
			if err != nil || post.Encrypted == "" || strings.Contains(string(r.Body), "a.b.c") {
				t.Errorf("posted in the clear, or not at all: %v", err)
			}
			return status(200, `{"redirect_uri":"https://news.example/cb?response_code=1"}`)(r)
		}}
		if next, err := req.Answer(t.Context(), w, token); err != nil || next != "https://news.example/cb?response_code=1" {
			t.Errorf("next: %q, %v", next, err)
		}
		for _, bad := range []string{`{"redirect_uri":"javascript:alert(1)"}`, `{"redirect_uri":7}`, `{"redirect_uri":"http://news.example/"}`, `{"redirect_uri":"https://a@b/"}`} {
			_, err := req.Answer(t.Context(), &wire{answer: status(200, bad)}, token)
			wantReason(t, err, "redirect_uri_malformed")
		}
	})
	t.Run("fragment", func(t *testing.T) {
		m := a.params(t, a.hash())
		m["response_mode"], m["redirect_uri"] = "fragment", "https://"+host+"/cb"
		delete(m, "response_uri")
		r, err := a.read(t, m, nil, openid4vp.Expect{ClientID: a.hash()})
		must(t, err)
		w := &wire{answer: status(200, "")}
		next, err := r.Answer(t.Context(), w, token)
		if err != nil || !strings.HasPrefix(next, "https://"+host+"/cb#") || !strings.Contains(next, "state=s-0123456789") || w.calls != 0 {
			t.Errorf("next: %q, %v", next, err)
		}
	})
	t.Run("link", func(t *testing.T) {
		built := openid4vp.BuildAuthorizeURL("https://wallet.example/", openid4vp.AuthorizeParams{ClientID: a.hash(), RequestURI: link.RequestURI, RequestURIMethod: "post"})
		p, err := openid4vp.ParseAuthorize(built)
		if err != nil || p.ClientID != a.hash() || p.RequestURI != link.RequestURI || p.RequestURIMethod != "post" || !strings.HasPrefix(built, "https://wallet.example/authorize#") {
			t.Errorf("%s: %+v, %v", built, p, err)
		}
		_, err = openid4vp.ParseAuthorize(built + "&client_id=x")
		wantReason(t, err, "parameter_duplicated")
	})
}

func TestSignedRequestRoundTrip(t *testing.T) {
	a := newAsker(t)
	enc, err := jose.GenerateDecryptionKey()
	must(t, err)
	sent := openid4vp.RequestObject{
		ClientID: a.hash(), ResponseType: openid4vp.ResponseType, ResponseMode: openid4vp.ModeDirectPostJWT,
		ResponseURI: "https://" + host + "/wallet/response/1", Nonce: "n-0123456789", State: "s", Audience: openid4vp.SelfIssuedAudience,
		DCQL: &dcql.Query{Credentials: []dcql.CredentialQuery{{ID: "q", Format: "dc+sd-jwt", Meta: dcql.Meta{VCTValues: []string{"urn:x"}},
			Claims: []dcql.ClaimQuery{{Path: claims.Path{"a", nil}}}}}},
		ClientMetadata: openid4vp.ClientMetadata{Keys: []openid4vp.EncryptionKey{{Kid: "k", Key: enc.Public()}},
			EncSupported: []string{openid4vp.EncA128GCM, openid4vp.EncA256GCM}, VPFormats: openid4vp.SDJWTFormats()},
		IssuedAt: now, ExpiresAt: now.Add(time.Minute), WalletNonce: "w",
	}
	jar, err := openid4vp.SignRequest(t.Context(), a.key, a.x5c, sent)
	must(t, err)
	u, err := openid4vp.ParseRequest(jar, openid4vp.Expect{ClientID: a.hash(), WalletNonce: "w"})
	must(t, err)
	got, err := u.Authenticate(t.Context(), a.authority())
	must(t, err)
	if got.Nonce != sent.Nonce || got.ResponseURI != sent.ResponseURI || !got.ClientMetadata.Keys[0].Key.Equal(enc.Public()) || got.DCQL.Credentials[0].ID != "q" {
		t.Errorf("got %+v", got.RequestObject)
	}
	if offer, err := got.PolicyOffer(); offer != nil || err != nil {
		t.Errorf("an offer came out of nothing: %v, %v", offer, err)
	}
	jwe, err := openid4vp.EncryptResponse(openid4vp.Response{VPToken: openid4vp.VPToken{"q": {"x~"}}, State: "s"}, got.ClientMetadata.Keys[0], openid4vp.EncA256GCM)
	must(t, err)
	back, err := openid4vp.DecryptResponse(jwe, enc, "k")
	if err != nil || back.State != "s" || back.VPToken["q"][0] != "x~" {
		t.Errorf("got %+v, %v", back, err)
	}
}
