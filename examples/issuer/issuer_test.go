package issuer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/jose"
	"facet/credentials/openid4vci"
	"facet/credentials/statuslist"
	"facet/fetch"
	"facet/store"
)

var start = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

// authority makes a demonstration CA and a leaf below it.
func authority(t *testing.T, a Authority) (Authority, *x509.Certificate) {
	t.Helper()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: a.Name + " CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: start.Add(-time.Hour), NotAfter: start.Add(1000 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		t.Fatal(err)
	}
	anchor, err := x509.ParseCertificate(caDER)
	if err != nil {
		t.Fatal(err)
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{Organization: []string{a.Name}},
		NotBefore: start.Add(-time.Hour), NotAfter: start.Add(1000 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, anchor, leafKey.Public(), caKey)
	if err != nil {
		t.Fatal(err)
	}
	if a.Signer, err = jose.PrivateKeyFromCrypto(leafKey); err != nil {
		t.Fatal(err)
	}
	a.X5C = []string{base64.StdEncoding.EncodeToString(der)}
	return a, anchor
}

// site is the running issuer, with the anchors a wallet would trust.
type site struct {
	url     string
	anchors []*x509.Certificate
	now     time.Time
}

func (s *site) IssuerKey(_ context.Context, q credentials.TrustQuery) (*credentials.Issuer, error) {
	chain, err := jose.VerifyChain(q.X5C, jose.ChainRule{Anchors: s.anchors, Now: q.Now})
	if err != nil {
		return nil, err
	}
	return &credentials.Issuer{Key: chain.Key, ID: chain.Leaf.Subject.Organization[0]}, nil
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{now: start}
	office, a1 := authority(t, Authority{ID: "age", Store: store.Memory(), Name: "Bürgeramt Lindenstadt", VCT: "urn:facet:age:1"})
	paper, a2 := authority(t, Authority{ID: "abo", Store: store.Memory(), Name: "Morgenblatt", VCT: "urn:facet:media-membership:1"})
	s.anchors = []*x509.Certificate{a1, a2}
	server := httptest.NewUnstartedServer(nil)
	s.url = "http://issuer.localhost:" + server.Listener.Addr().String()[strings.LastIndexByte(server.Listener.Addr().String(), ':')+1:]
	h, err := New(Config{
		URL: s.url, WalletURL: "http://wallet.localhost:8080",
		Issuers: []Authority{office, paper}, Now: func() time.Time { return s.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = h
	server.Start()
	t.Cleanup(server.Close)
	return s
}

// visit is a person with a browser: the letter's link and code.
func (s *site) visit(t *testing.T, id, lang string) (link, code, body string) {
	t.Helper()
	r, err := http.NewRequest("POST", strings.Replace(s.url, "issuer.localhost", "127.0.0.1", 1)+"/?lang="+lang,
		strings.NewReader(url.Values{"id": {id}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	body = do(t, r, http.StatusOK)
	found := regexp.MustCompile(`id="open-wallet" href="([^"]+)"`).FindStringSubmatch(body)
	digits := regexp.MustCompile(`id="tx-code"><span>(\d{3})</span><span>(\d{3})</span>`).FindStringSubmatch(body)
	if found == nil || digits == nil {
		t.Fatalf("no link or code in %s", body)
	}
	return html.UnescapeString(found[1]), digits[1] + digits[2], body
}

func do(t *testing.T, r *http.Request, status int) string {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != status {
		t.Fatalf("status %d, %v, want %d: %s", answer.StatusCode, err, status, body)
	}
	return string(body)
}

func TestFromPageToCredentials(t *testing.T) {
	s := newSite(t)
	for id, vct := range map[string]string{"age": "urn:facet:age:1", "abo": "urn:facet:media-membership:1"} {
		link, code, _ := s.visit(t, id, "de")
		if !strings.HasPrefix(link, "http://wallet.localhost:8080/receive#credential_offer_uri=") {
			t.Fatalf("link %s", link)
		}
		for _, compact := range s.receive(t, link, code, 5) {
			s.check(t, compact, vct)
		}
	}
}

var holderKeys = map[string]*jose.PublicKey{}

// receive is a wallet: offer, metadata, token, nonce, proofs, credentials.
func (s *site) receive(t *testing.T, link, code string, copies int) []string {
	t.Helper()
	ctx := t.Context()
	client := openid4vci.Client{Fetch: fetch.New(fetch.Config{InsecureLoopback: true})}
	parsed, err := openid4vci.ParseOfferLink(link)
	if err != nil {
		t.Fatal(err)
	}
	offer, err := client.Offer(ctx, parsed.URI)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := client.Issuer(ctx, offer)
	if err != nil {
		t.Fatal(err)
	}
	grant, err := offer.PreAuthorized()
	if err != nil || grant.TxCode == nil || grant.TxCode.Length != 6 || !strings.Contains(grant.TxCode.Description, "Brief") {
		t.Fatalf("grant %+v, %v", grant, err)
	}
	token, err := client.Token(ctx, issuer, openid4vci.TokenRequest{Code: grant.Code, TxCode: openid4vci.Secret(code), HasTxCode: true})
	if err != nil {
		t.Fatal(err)
	}
	nonce, err := client.Nonce(ctx, issuer)
	if err != nil {
		t.Fatal(err)
	}
	var proofs []string
	for range copies {
		key, err := jose.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		holderKeys[key.Public().Thumbprint()] = key.Public()
		proof, err := openid4vci.BuildProof(ctx, key, openid4vci.ProofClaims{Audience: offer.CredentialIssuer, Nonce: nonce, IssuedAt: s.now})
		if err != nil {
			t.Fatal(err)
		}
		proofs = append(proofs, proof)
	}
	r, err := client.Credentials(ctx, issuer, token.AccessToken, openid4vci.CredentialRequest{
		ConfigurationID: offer.ConfigurationIDs[0], Proofs: map[string][]string{"jwt": proofs},
	})
	if err != nil || len(r.Credentials) != copies {
		t.Fatalf("%v, %v", r, err)
	}
	var list []string
	for _, c := range r.Credentials {
		list = append(list, c.Credential)
	}
	return list
}

// check is what a wallet checks of a copy, with its status list.
func (s *site) check(t *testing.T, compact, vct string) {
	t.Helper()
	for _, key := range holderKeys {
		got, err := credentials.VerifyReceived(t.Context(), compact, key, credentials.Rule{Trust: s, Now: s.now, VCTs: []string{vct}})
		if err != nil {
			continue
		}
		ref := got.Status()
		answer, err := fetch.New(fetch.Config{InsecureLoopback: true}).Do(t.Context(), fetch.Request{URL: ref.URI, Accept: []string{"application/statuslist+jwt"}})
		if err != nil {
			t.Fatal(err)
		}
		token, err := statuslist.Parse(string(answer.Body))
		if err != nil || token.UnverifiedClaims()["sub"] != ref.URI {
			t.Fatalf("status list of %s: %v", ref.URI, err)
		}
		return
	}
	t.Fatalf("no key of ours fits a received %s", vct)
}

func TestPages(t *testing.T) {
	s := newSite(t)
	at := strings.Replace(s.url, "issuer.localhost", "127.0.0.1", 1)
	for lang, want := range map[string]string{"de": "Altersnachweis holen", "en": "Get proof of age"} {
		r, _ := http.NewRequest("GET", at+"/", nil)
		r.Header.Set("Accept-Language", lang+"-XX,fr;q=0.5")
		body := do(t, r, http.StatusOK)
		if !strings.Contains(body, want) || !strings.Contains(body, `<html lang="`+lang+`"`) {
			t.Errorf("no %q in the %s page", want, lang)
		}
		for _, inline := range []string{"<style", "<script", " style=", " onclick="} {
			if strings.Contains(body, inline) {
				t.Errorf("%q in the page, which the CSP forbids", inline)
			}
		}
		_, _, letter := s.visit(t, "abo", lang)
		if !strings.Contains(letter, "<svg class=\"qr\"") || strings.Contains(letter, " style=") || strings.Contains(letter, "ZgotmplZ") {
			t.Errorf("the %s letter has no drawn QR code, an inline style or a refused link", lang)
		}
	}
	for lang := range texts["de"] {
		if texts["en"][lang] == "" {
			t.Errorf("text %q is missing in English", lang)
		}
	}
	r, _ := http.NewRequest("POST", at+"/", strings.NewReader("id=age"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	do(t, r, http.StatusForbidden)
	r, _ = http.NewRequest("POST", at+"/", strings.NewReader("id=other"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	do(t, r, http.StatusBadRequest)
}

func TestWireErrors(t *testing.T) {
	s := newSite(t)
	at := strings.Replace(s.url, "issuer.localhost", "127.0.0.1", 1)
	for _, tt := range []struct {
		name, method, path, body, error_ string
		status                           int
	}{
		{"no token", "POST", "/credential", "{}", "invalid_token", 401},
		{"wrong code", "POST", "/token", "grant_type=" + url.QueryEscape(openid4vci.GrantPreAuthorized) + "&pre-authorized_code=x", "invalid_grant", 400},
		{"other grant", "POST", "/token", "grant_type=password", "unsupported_grant_type", 400},
		{"large", "POST", "/token", strings.Repeat("a", openid4vci.MaxMessage+1), "invalid_request", 413},
		{"no such offer", "GET", "/offers/x", "", "invalid_request", 404},
		{"no such list", "GET", "/status/x", "", "unknown_credential_configuration", 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := http.NewRequest(tt.method, at+"/age"+tt.path, strings.NewReader(tt.body))
			var w openid4vci.WireError
			if err := json.Unmarshal([]byte(do(t, r, tt.status)), &w); err != nil || w.Error != tt.error_ {
				t.Fatalf("got %+v, %v, want %q", w, err, tt.error_)
			}
		})
	}
	link, _, _ := s.visit(t, "age", "de")
	offer, err := openid4vci.ParseOfferLink(link)
	if err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(time.Hour)
	r, _ := http.NewRequest("GET", strings.Replace(offer.URI, "issuer.localhost", "127.0.0.1", 1), nil)
	do(t, r, http.StatusGone)
}

func TestAnyOriginMayCallTheProtocolButNotTheForm(t *testing.T) {
	s := newSite(t)
	at := strings.Replace(s.url, "issuer.localhost", "127.0.0.1", 1)
	for path, want := range map[string]string{"/age/nonce": "*", "/abo/credential": "*", "/": ""} {
		r, _ := http.NewRequest("OPTIONS", at+path, nil)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if got := answer.Header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("%s answers origin %q, want %q", path, got, want)
		}
	}
}
