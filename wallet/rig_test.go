package wallet_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/dcql"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/fetch"
	"facet/policy"
	"facet/wallet"
	"facet/wallet/vault"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// An authority vouches for others by certificate.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// An identity is a key with the chain that vouches for it.
type identity struct {
	*jose.PrivateKey
	x5c []string
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{name}},
		NotBefore: start.AddDate(-1, 0, 0), NotAfter: start.AddDate(9, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, SubjectKeyId: []byte(name),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &authority{c, key}
}

func (a *authority) vouch(t testing.TB, organization, host string) *identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: organization, Organization: []string{organization}},
		NotBefore: start.AddDate(0, -1, 0), NotAfter: start.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{host}, BasicConstraintsValid: true,
		SubjectKeyId: []byte(organization), AuthorityKeyId: a.cert.SubjectKeyId,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := jose.PrivateKeyFromCrypto(key)
	if err != nil {
		t.Fatal(err)
	}
	return &identity{private, []string{base64.StdEncoding.EncodeToString(der)}}
}

func (a *authority) base64() string { return base64.StdEncoding.EncodeToString(a.cert.Raw) }

// A rig is a wallet, somebody who asks and somebody who issues.
type rig struct {
	t       testing.TB
	now     time.Time
	wallet  *wallet.Wallet
	vault   *vault.Vault
	saves   int
	saveErr error
	onSave  func()

	openedBy string // recipient
	readOnly bool
	supplied wallet.TrustSource
	loopback bool // pages on this machine may ask
	fetch    fetch.Fetcher

	media    *authority
	paper    *identity // the asker the trust list knows
	stranger *identity // under an anchor nobody knows
	office   *identity // the issuer of proofs of age
	register *identity // registers askers
	dids     openid4vp.KeyResolver
	list     []byte

	site  *httptest.Server // of whoever asks
	mu    sync.Mutex
	posts []string // bodies that reached any address of the site by POST, but for the request object
	serve http.HandlerFunc
	reply func(w http.ResponseWriter, r *http.Request)
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, now: start, fetch: fetch.New(fetch.Config{InsecureLoopback: true})}
	issuers, media := newAuthority(t, "Register of issuers"), newAuthority(t, "Media register")
	r.media = media
	r.office = issuers.vouch(t, "Bürgeramt Lindenstadt", "localhost")
	r.paper = media.vouch(t, "Morgenblatt", "morgenblatt.localhost")
	r.register = media.vouch(t, "Medienregister", "register.localhost")
	r.stranger = newAuthority(t, "Nobody").vouch(t, "Morgenblatt", "morgenblatt.localhost")
	r.list = []byte(fmt.Sprintf(`{"version":1,"name":{"de":"Probe","en":"Test"},
		"issuers":[{"id":"buergeramt","name":{"de":"Bürgeramt Lindenstadt","en":"Lindenstadt registry"},"vct":["urn:facet:age:1"],"anchor":%q,"leaf":{"organization":"Bürgeramt Lindenstadt"}}],
		"verifiers":[{"id":"morgenblatt","name":"Morgenblatt","domain":"morgenblatt.localhost","register":{"de":"Medienregister","en":"media register"},"anchor":%q,"leaf":{"organization":"Morgenblatt"}},
			{"id":"abendblatt","name":"Abendblatt","domain":"abendblatt.localhost","register":{"de":"Medienregister","en":"media register"},"anchor":%q,"leaf":{"organization":"Abendblatt"}},
			{"id":"spaetblatt","name":"Spätblatt","domain":"spaetblatt.localhost","did":"did:web:spaetblatt.localhost"}],
		"registrars":[{"id":"register","name":"Medienregister","anchor":%q,"leaf":{"organization":"Medienregister"},"overasking":"warn"}]}`,
		issuers.base64(), media.base64(), media.base64(), media.base64()))
	r.site = httptest.NewServer(http.HandlerFunc(r.handle))
	t.Cleanup(r.site.Close)
	r.open(nil)
	return r
}

// open makes the wallet, with other beliefs about askers if they are given.
func (r *rig) open(believe credentials.Verifiers) {
	r.t.Helper()
	list, err := credentials.ParseTrustList(r.list)
	if err != nil {
		r.t.Fatal(err)
	}
	hosts, err := wallet.ParseHosts(r.list)
	if err != nil {
		r.t.Fatal(err)
	}
	if believe == nil {
		believe = list
	}
	if r.vault == nil {
		prf := make([]byte, vault.PRFSize)
		rand.Read(prf)
		if r.vault, _, err = vault.Create(vault.Passkey{CredentialID: []byte("a passkey"), PRF: prf}); err != nil {
			r.t.Fatal(err)
		}
	}
	r.wallet, err = wallet.New(wallet.Config{
		Vault: r.vault, Trust: list, Verifiers: believe, Registrars: list, DIDs: r.dids, Hosts: hosts,
		Fetch: r.fetch, OpenedBy: r.openedBy, ReadOnly: r.readOnly, Supplied: r.supplied, InsecureLoopback: r.loopback,
		Now: func() time.Time { return r.now },
		Save: func(context.Context) error {
			r.saves++
			if r.onSave != nil {
				r.onSave()
			}
			return r.saveErr
		},
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) handle(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	if strings.HasPrefix(q.URL.Path, "/request") || strings.HasPrefix(q.URL.Path, "/offer") {
		r.serve(w, q)
		return
	}
	if q.Method == http.MethodPost {
		r.mu.Lock()
		r.posts = append(r.posts, string(body))
		r.mu.Unlock()
	}
	if r.reply != nil {
		r.reply(w, q)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, `{"redirect_uri":"http://news.localhost:8083/back?response_code=1"}`)
}

// posted are the bodies that reached the asker.
func (r *rig) posted() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.posts...)
}

func (r *rig) url(path string) string {
	return "http://morgenblatt.localhost:" + r.site.URL[strings.LastIndexByte(r.site.URL, ':')+1:] + path
}

// A question is a request in the making; tests twist it.
type question struct {
	signer   *identity
	clientID string         // in the request object
	link     url.Values     // of the authorization URL
	object   map[string]any // parameters of the request object
	header   map[string]any // besides x5c and typ
	policy   *policy.Policy // nil: none offered
	edit     func(jar string) string
	serve    http.HandlerFunc // instead of serving the object
	enc      *jose.DecryptionKey
	flow     string // in the policy offer
	logKey   string // in the policy offer, after "k"
}

const fixedNonce = "n-0S6_WzA2Mj8eZ1oV7qXw"

func (r *rig) question() *question {
	r.t.Helper()
	enc, err := jose.GenerateDecryptionKey()
	if err != nil {
		r.t.Fatal(err)
	}
	q := &question{signer: r.paper, link: url.Values{}, header: map[string]any{}, enc: enc}
	q.clientID = "x509_hash:" + jose.LeafHash(r.paper.x5c)
	q.link.Set("client_id", q.clientID)
	q.link.Set("request_uri", r.url("/request/1"))
	jwk := enc.Public().JWK()
	jwk["kid"], jwk["use"], jwk["alg"] = "k1", "enc", "ECDH-ES"
	q.object = map[string]any{
		"client_id": q.clientID, "response_type": "vp_token", "response_mode": "direct_post.jwt",
		"response_uri": r.url("/response/1"), "nonce": fixedNonce, "state": "state-1",
		"aud": openid4vp.SelfIssuedAudience, "iat": r.now.Unix(), "exp": r.now.Add(5 * time.Minute).Unix(),
		"client_metadata": map[string]any{
			"jwks":                 map[string]any{"keys": []any{jwk}},
			"vp_formats_supported": openid4vp.SDJWTFormats(),
			"encrypted_response_enc_values_supported": []any{"A128GCM", "A256GCM"},
		},
		"dcql_query": ageQuery(),
	}
	return q
}

// ageQuery asks whether the holder is 18 or older.
func ageQuery() *dcql.Query {
	return &dcql.Query{Credentials: []dcql.CredentialQuery{{
		ID: "age", Format: dcql.SDJWTVC, Meta: dcql.Meta{VCTValues: []string{"urn:facet:age:1"}},
		Claims: []dcql.ClaimQuery{{Path: claims.Path{"age_equal_or_over", "18"}}},
	}}}
}

// prefer asks for preferences under a policy, and offers it.
func (q *question) prefer(t testing.TB, r *rig) *question {
	t.Helper()
	p, err := policy.Parse([]byte(homePolicy))
	if err != nil {
		t.Fatal(err)
	}
	return q.under(t, r, p)
}

// under asks for what a policy compiles to, and offers it.
func (q *question) under(t testing.TB, r *rig, p *policy.Policy) *question {
	t.Helper()
	c, err := policy.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	q.policy, q.object["dcql_query"] = p, c.Query
	info, err := openid4vp.SignOffer(context.Background(), q.signer, openid4vp.RequestObject{
		ClientID: q.clientID, Nonce: fixedNonce, IssuedAt: r.now, ExpiresAt: r.now.Add(5 * time.Minute),
	}, openid4vp.PolicyOffer{
		Policy: p, ReceiptEndpoint: r.url("/receipt/1"), WithdrawalEndpoint: r.url("/withdraw/1"),
		Log:            openid4vp.LogInfo{Origin: "morgenblatt.localhost/log", Key: "k" + q.logKey, URL: r.url("/log")},
		RetentionUntil: r.now.Add(p.Keep()), Flow: q.flow,
	})
	if err != nil {
		t.Fatal(err)
	}
	q.object["verifier_info"] = []openid4vp.VerifierInfo{info}
	return q
}

const homePolicy = `{"policy":"morgenblatt.example/home","version":1,"purpose":"personalised-home","retention":"P7D",
"controller":{"name":"Morgenblatt Verlag GmbH","privacy_policy":"https://morgenblatt.example/privacy","support":"https://morgenblatt.example/data"},
"question":{"de":"Dürfen wir deine Startseite ordnen?","en":"May we arrange your front page?"},
"benefit":{"de":"Deine Themen stehen vorn.","en":"Your topics come first."},
"outputs":["hints"],
"credentials":{"prefs":{"vct":["urn:facet:media-preferences:1"],"accept":"self-asserted"}},
"hints":[
{"key":"article.length","label":{"de":"Wie ausführlich du liest","en":"How much detail you like"},"from":["prefs","depth"],"map":{"overview":"short","standard":"medium","detail":"long"},"default":"medium",
 "without":{"de":"Alle Texte sind mittellang.","en":"All texts are medium-length."},"with":{"de":"Texte in deiner Länge.","en":"Texts in your length."},"explain":{"de":"Du hast „{claim}“ gewählt.","en":"You chose “{claim}”."}},
{"key":"home.topics","label":{"de":"Deine Themen","en":"Your topics"},"from":["prefs","topics"],"pick":{"only":["596","483"],"max":4},
 "without":{"de":"Die Reihenfolge der Redaktion.","en":"The editors' order."},"with":{"de":"Deine Themen stehen vorn.","en":"Your topics come first."},"explain":{"de":"Diese Themen stehen vorn: {value}.","en":"These come first: {value}."}}]}`

// ask opens the question in the rig's wallet.
func (r *rig) ask(q *question) (wallet.Proposal, error) {
	r.t.Helper()
	return r.wallet.Ask(r.t.Context(), r.link(q))
}

// link signs the request, starts serving it and returns the link to it.
func (r *rig) link(q *question) string {
	r.t.Helper()
	payload, err := json.Marshal(q.object)
	if err != nil {
		r.t.Fatal(err)
	}
	header := map[string]any{"typ": openid4vp.RequestType}
	if q.signer.x5c != nil {
		header["x5c"] = q.signer.x5c
	}
	for name, v := range q.header {
		header[name] = v
	}
	jar, err := jose.Sign(context.Background(), q.signer, header, payload)
	if err != nil {
		r.t.Fatal(err)
	}
	if q.edit != nil {
		jar = q.edit(jar)
	}
	r.serve = q.serve
	if r.serve == nil {
		r.serve = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", openid4vp.RequestMediaType)
			fmt.Fprint(w, jar)
		}
	}
	return "http://wallet.localhost:8080/authorize#" + q.link.Encode()
}

// mustAsk is for questions that are right.
func (r *rig) mustAsk(q *question) wallet.Proposal {
	r.t.Helper()
	p, err := r.ask(q)
	if err != nil {
		r.t.Fatalf("ask: %v", err)
	}
	return p
}

// decrypt reads what the asker got.
func (r *rig) decrypt(q *question, body string) *openid4vp.Response {
	r.t.Helper()
	form, err := url.ParseQuery(body)
	if err != nil {
		r.t.Fatal(err)
	}
	answer, err := openid4vp.DecryptResponse(form.Get("response"), q.enc, "k1")
	if err != nil {
		r.t.Fatal(err)
	}
	return answer
}
