package verifier_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/verifier"
)

// A module is one of the OpenID Foundation's conformance tests of a verifier
// (OpenID4VP 1.0 final), under its own name. The suite is the wallet: it twists
// its answer, or asks in another way, and wants this answer at response_uri.
type module struct {
	name   string
	jar    bool // about fetching the request object: not for redirect_uri, which has none
	twist  twist
	run    func(*testing.T, *rig, begun) // instead of one answer
	reason string                        // empty: it must be accepted
}

var modules = []module{
	{name: "happy-flow", run: happyFlow},
	{name: "minimal-cnf-jwk", run: minimalCNF},
	{name: "request-uri-method-post", jar: true, run: methodPost},
	{name: "request-uri-fetched-twice", jar: true, run: fetchedTwice},
	{name: "invalid-kb-jwt-signature", reason: "kb_signature_invalid", twist: twist{token: func(a *answer) {
		a.token["member"] = []any{flip(a.token["member"].([]any)[0].(string), -10)}
	}}},
	{name: "invalid-credential-signature", reason: "issuer_signature_invalid", twist: twist{parts: func(a *answer) {
		p := a.parts["member"]
		p.sd = flip(p.sd, strings.IndexByte(p.sd, '~')-10) // before sd_hash, which is right
	}}},
	{name: "invalid-sd-hash", reason: "kb_sd_hash_mismatch", twist: kb(func(_ *answer, m map[string]any) {
		m["sd_hash"] = base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	})},
	{name: "invalid-kb-jwt-nonce", reason: "kb_nonce_mismatch", twist: kb(func(a *answer, m map[string]any) { m["nonce"] = a.req.Nonce + "INVALID" })},
	{name: "invalid-kb-jwt-aud", reason: "kb_aud_mismatch", twist: kb(func(_ *answer, m map[string]any) { m["aud"] = "https://invalid.example/aud" })},
	{name: "kb-jwt-iat-in-past", reason: "kb_iat_out_of_window", twist: kb(func(a *answer, m map[string]any) { m["iat"] = a.r.clock.Now().AddDate(-1, 0, 0).Unix() })},
	{name: "kb-jwt-iat-in-future", reason: "kb_iat_out_of_window", twist: kb(func(a *answer, m map[string]any) { m["iat"] = a.r.clock.Now().AddDate(1, 0, 0).Unix() })},
}

// flip changes one character of s, counted from the end if at is negative.
func flip(s string, at int) string {
	b := []byte(s)
	if at < 0 {
		at += len(b)
	}
	if b[at] == 'A' {
		b[at] = 'B'
	} else {
		b[at] = 'A'
	}
	return string(b)
}

// TestConformance runs every module against every way of asking.
func TestConformance(t *testing.T) {
	w := theWorld()
	atHost := newIdentity(w.anchor, w.caKey, "Morgenblatt Verlag GmbH", "verifier.localhost") // x509_san_dns: the response_uri's host
	for _, prefix := range []openid4vp.Prefix{openid4vp.PrefixX509Hash, openid4vp.PrefixX509SANDNS, openid4vp.PrefixDID, openid4vp.PrefixRedirectURI} {
		for _, mode := range []string{openid4vp.ModeDirectPost, openid4vp.ModeDirectPostJWT} {
			r := newRig(t, func(r *rig) {
				r.change = func(p *verifier.Platform) {
					p.Prefix, p.InsecureUnsigned = prefix, prefix == openid4vp.PrefixRedirectURI
					p.InsecureUnencrypted = mode == openid4vp.ModeDirectPost
					switch prefix {
					case openid4vp.PrefixX509SANDNS:
						p.Signer, p.X5C = atHost.key, atHost.x5c
					case openid4vp.PrefixDID:
						p.X5C, p.Kid = nil, didOf(w.news)+"#0"
					}
				}
			})
			for _, m := range modules {
				if m.jar && prefix == openid4vp.PrefixRedirectURI {
					continue
				}
				t.Run(string(prefix)+"/"+mode+"/"+m.name, func(t *testing.T) {
					r.t = t
					b := r.begin("access", "same_device")
					if m.run != nil {
						m.run(t, r, b)
					} else {
						refused(t, r, b, m)
					}
				})
			}
		}
	}
}

// refused sends the module's answer: the response_uri itself says no, in OAuth's
// words, sends nobody on, and nothing comes of the answer afterwards.
func refused(t *testing.T, r *rig, b begun, m module) {
	t.Helper()
	got := r.compose(b, m.twist).send()
	got.want(t, http.StatusBadRequest, "invalid_request", m.reason)
	got.wantForm(t)
	if state := r.api(keyNews, "GET", "/v1/requests/"+b.ID, "").field("state"); state != "open" && state != "opened" {
		t.Errorf("state: %s", state)
	}
	if res := r.result(keyNews, b.ID, "AAAAAAAAAAAAAAAAAAAAAA"); res.status != http.StatusConflict || res.field("code") != "result_not_ready" {
		t.Errorf("result: %d %s", res.status, res.body)
	}
}

// accepted sends an honest answer and reads the result with its code.
func accepted(t *testing.T, r *rig, b begun, tw twist) {
	t.Helper()
	got := r.compose(b, tw).send()
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/json" {
		t.Fatalf("answer: %d %s", got.status, got.body)
	}
	if res := r.result(keyNews, b.ID, r.code(got)); res.status != http.StatusOK {
		t.Errorf("result: %d %s", res.status, res.body)
	}
}

// happyFlow also checks what the suite warns about in any request, and what
// HAIP asks of encrypted ones.
func happyFlow(t *testing.T, r *rig, b begun) {
	req, next := r.ask(b), r.ask(r.begin("access", "same_device"))
	client, err := openid4vp.ParseClientID(req.ClientID)
	if err != nil {
		t.Fatal(err)
	}
	switch responseURI, err := url.Parse(req.ResponseURI); {
	case err != nil:
		t.Error(err)
	case client.Prefix == openid4vp.PrefixX509SANDNS && client.ID != responseURI.Hostname(),
		client.Prefix == openid4vp.PrefixRedirectURI && client.ID != req.ResponseURI:
		t.Errorf("client %s, response_uri %s", req.ClientID, req.ResponseURI)
	}
	if req.Nonce == next.Nonce || req.State == next.State || req.ResponseURI == next.ResponseURI || len(req.Nonce) < 22 {
		t.Error("two requests have something in common that must be fresh")
	}
	if req.ResponseMode == openid4vp.ModeDirectPostJWT {
		m := req.ClientMetadata
		if !slices.Contains(m.EncSupported, openid4vp.EncA128GCM) || !slices.Contains(m.EncSupported, openid4vp.EncA256GCM) ||
			len(m.Keys) != 1 || m.Keys[0].Key.Equal(next.ClientMetadata.Keys[0].Key) {
			t.Errorf("encryption: %+v", m)
		}
	} else if len(req.ClientMetadata.Keys) != 0 {
		t.Error("keys for an answer in the clear")
	}
	if client.Prefix == openid4vp.PrefixX509Hash || client.Prefix == openid4vp.PrefixX509SANDNS {
		wantChain(t, r, b)
	}
	accepted(t, r, b, twist{})
}

// wantChain fails unless the request is signed under a chain whose leaf is not
// self-signed and that leaves out the anchor (HAIP 1.0 §5), and asks for no
// wallet_nonce or transaction nobody spoke of.
func wantChain(t *testing.T, r *rig, b begun) {
	t.Helper()
	jar := string(r.do(call{method: "GET", url: b.uri}).body)
	token, err := jose.Parse(jar, jose.Rule{Typ: []string{"oauth-authz-req+jwt"}, AllowX5C: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, encoded := range token.Header().X5C {
		der, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil || cert.Equal(r.w.anchor) || cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) == nil {
			t.Errorf("a certificate that is an anchor or signs itself: %v", err)
		}
	}
	asks := token.UnverifiedClaims()
	for _, name := range []string{"wallet_nonce", "transaction_data"} {
		if _, there := asks[name]; there {
			t.Errorf("the request has %s", name)
		}
	}
	if len(token.Header().X5C) == 0 || !strings.HasPrefix(b.uri, baseURL) {
		t.Errorf("chain of %d, request_uri %s", len(token.Header().X5C), b.uri)
	}
}

// minimalCNF presents a credential whose cnf.jwk has the four members of a key
// and no other.
func minimalCNF(t *testing.T, r *rig, b begun) {
	accepted(t, r, b, twist{parts: func(a *answer) {
		head, _, _ := strings.Cut(a.parts["member"].sd, "~")
		token, err := jose.Parse(head, jose.Rule{Typ: []string{credentials.Type}, AllowX5C: true})
		if err != nil {
			t.Fatal(err)
		}
		cnf, _ := token.UnverifiedClaims()["cnf"].(map[string]any)
		jwk, _ := cnf["jwk"].(map[string]any)
		for name := range jwk {
			if !slices.Contains([]string{"kty", "crv", "x", "y"}, name) {
				t.Errorf("cnf.jwk has %s", name)
			}
		}
		if len(jwk) != 4 {
			t.Errorf("cnf: %v", cnf)
		}
	}})
}

// methodPost fetches by POST with a wallet_nonce, which must come back signed.
func methodPost(t *testing.T, r *rig, b begun) {
	p, err := openid4vp.ParseAuthorize(b.Links[0].URL)
	if err != nil || p.RequestURIMethod != "post" {
		t.Fatalf("%+v, %v", p, err)
	}
	got := r.do(call{method: "POST", url: p.RequestURI, contentType: "application/x-www-form-urlencoded",
		body: url.Values{"wallet_nonce": {"qPmxiNFCR3QTm19POc8u"}, "wallet_metadata": {`{"vp_formats_supported":{"dc+sd-jwt":{}}}`}}.Encode()})
	if got.status != http.StatusOK || got.header.Get("Content-Type") != openid4vp.RequestMediaType {
		t.Fatalf("%d %s", got.status, got.body)
	}
	u, err := openid4vp.ParseRequest(string(got.body), openid4vp.Expect{ClientID: p.ClientID, WalletNonce: "qPmxiNFCR3QTm19POc8u"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Authenticate(t.Context(), r.authority()); err != nil {
		t.Fatal(err)
	}
	if _, err := openid4vp.ParseRequest(string(r.do(call{method: "GET", url: p.RequestURI}).body), openid4vp.Expect{ClientID: p.ClientID}); err != nil {
		t.Errorf("a GET afterwards: %v", err) // no wallet_nonce without a POST
	}
	accepted(t, r, b, twist{})
}

// fetchedTwice is what browsers and link previews do.
func fetchedTwice(t *testing.T, r *rig, b begun) {
	first := r.ask(b)
	r.clock.advance(time.Second)
	again := r.ask(b)
	x, _ := json.Marshal(first.DCQL)
	y, _ := json.Marshal(again.DCQL)
	if first.Nonce != again.Nonce || first.ResponseURI != again.ResponseURI || string(x) != string(y) {
		t.Error("the second request asks for something else")
	}
	accepted(t, r, b, twist{})
}
