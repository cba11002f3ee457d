package verifier_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/did"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/credentials/sdjwt"
	"facet/fetch"
	"facet/policy"
	"facet/policy/lint"
	"facet/store"
	"facet/verifier"
	"facet/verifier/auditlog"
	"facet/verifier/server"
)

// Names of the rig's world.
const (
	baseURL   = "http://verifier.localhost:8081"
	returnURI = "http://news.localhost:8083/facet/callback"
	keyNews   = "key-of-the-morgenblatt-0123456789"
	keyOther  = "key-of-another-platform-0123456789"
	vctMember = "urn:facet:media-membership:1"
	vctPrefs  = "urn:facet:media-preferences:1"
)

// A clock is the rig's time: the real one when it started, moved by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// An identity is a key and its certificate chain.
type identity struct {
	key *jose.PrivateKey
	x5c []string
}

// A world is what all rigs share: certificates, the trust list, policies.
type world struct {
	anchor    *x509.Certificate
	caKey     *ecdsa.PrivateKey
	trust     *credentials.TrustList
	issuer    identity          // of memberships
	stranger  identity          // an issuer under another anchor
	elsewhere *x509.Certificate // that anchor
	news      identity
	other     identity
	register  identity // registers verifiers
	policies  []*policy.Policy
}

var theWorld = sync.OnceValue(makeWorld)

func makeWorld() *world {
	w := &world{}
	w.anchor, w.caKey = newAnchor("Facet test anchor")
	foreign, foreignKey := newAnchor("Foreign anchor")
	w.issuer = newIdentity(w.anchor, w.caKey, "Morgenblatt Abos", "abo.morgenblatt.example")
	w.elsewhere = foreign
	w.stranger = newIdentity(foreign, foreignKey, "Morgenblatt Abos", "abo.morgenblatt.example")
	w.news = newIdentity(w.anchor, w.caKey, "Morgenblatt Verlag GmbH", "morgenblatt.example")
	w.other = newIdentity(w.anchor, w.caKey, "Abendpost", "abendpost.example")
	w.register = newIdentity(w.anchor, w.caKey, "Medienregister", "register.example")
	anchor := base64.StdEncoding.EncodeToString(w.anchor.Raw)
	list, err := json.Marshal(map[string]any{
		"version": 1, "name": "test",
		"issuers": []any{map[string]any{"id": "morgenblatt-abo", "name": "Morgenblatt", "vct": []string{vctMember, "urn:facet:age:1"},
			"anchor": anchor, "leaf": map[string]any{"organization": "Morgenblatt Abos"}}},
		"verifiers": []any{
			map[string]any{"id": "morgenblatt", "name": "Morgenblatt", "domain": "morgenblatt.example", "anchor": anchor,
				"leaf": map[string]any{"organization": "Morgenblatt Verlag GmbH"}},
			map[string]any{"id": "abendpost", "name": "Abendpost", "domain": "abendpost.example", "anchor": anchor,
				"leaf": map[string]any{"organization": "Abendpost"}},
			map[string]any{"id": "morgenblatt-did", "name": "Morgenblatt", "domain": "morgenblatt.example", "did": didOf(w.news)}},
		"registrars": []any{map[string]any{"id": "register", "name": "Medienregister", "anchor": anchor,
			"leaf": map[string]any{"organization": "Medienregister"}}},
	})
	check(err)
	w.trust, err = credentials.ParseTrustList(list)
	check(err)
	for _, name := range []string{"home", "access", "agegate"} {
		text, err := os.ReadFile("../examples/newsroom/policies/" + name + ".yaml")
		check(err)
		p, err := lint.Load(text)
		check(err)
		w.policies = append(w.policies, p)
		if name == "access" { // the same, but the platform gets the claims themselves
			open := strings.NewReplacer("example/access", "example/claims", "outputs: [", "outputs: [result, ").Replace(string(text))
			p, err := lint.Load([]byte(open))
			check(err)
			w.policies = append(w.policies, p)
		}
	}
	return w
}

// check ends the test binary: the world cannot be made.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

// didOf is the did:jwk of an identity's key.
func didOf(i identity) string {
	id, err := did.JWK(i.key.Public())
	check(err)
	return id
}

func newAnchor(name string) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(2, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	check(err)
	cert, err := x509.ParseCertificate(der)
	check(err)
	return cert, key
}

func newIdentity(ca *x509.Certificate, caKey *ecdsa.PrivateKey, organization, host string) identity {
	key, err := jose.GenerateKey()
	check(err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{Organization: []string{organization}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{host},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca, key.Public().Crypto(), caKey)
	check(err)
	return identity{key, []string{base64.StdEncoding.EncodeToString(der)}}
}

// A rig is one verifier with its log and stores, the platform's and the
// wallet's view of it.
type rig struct {
	t      *testing.T
	w      *world
	clock  *clock
	store  store.Store
	keys   store.Store
	log    *auditlog.Log
	last   *atomic.Uint64 // entry of any engine, counted from 1
	wire   verifier.Log   // what the engine appends to; log, unless a test puts something in between
	status credentials.StatusChecker
	engine *verifier.Verifier
	http   http.Handler
	server *server.Server

	node    string // its name beside others on the same store
	metrics *server.Metrics
	change  func(*verifier.Platform) // to the platform that asks, or nil
	dids    openid4vp.KeyResolver    // or nil

	changeOther func(*verifier.Platform) // to the other one, or nil
}

// newRig opens a verifier on memory stores and a real log.
func newRig(t *testing.T, change ...func(*rig)) *rig {
	t.Helper()
	log, err := auditlog.Open(t.Context(), auditlog.Config{Dir: t.TempDir(), Origin: "verifier.localhost/log", Interval: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	r := &rig{
		t: t, w: theWorld(), clock: &clock{now: time.Now().Truncate(time.Second)},
		store: store.Memory(), keys: store.Memory(), log: log, wire: log, last: &atomic.Uint64{}, node: "rig",
	}
	for _, c := range change {
		c(r)
	}
	r.start()
	return r
}

// A noted log knows which entry was the last.
type noted struct {
	verifier.Log
	last *atomic.Uint64
}

func (n *noted) Append(ctx context.Context, id string, leaf []byte) (uint64, error) {
	index, err := n.Log.Append(ctx, id, leaf)
	for last := n.last.Load(); err == nil && index+1 > last && !n.last.CompareAndSwap(last, index+1); last = n.last.Load() {
	}
	return index, err
}

// start makes a new engine on what is stored, as a restart does.
func (r *rig) start() {
	r.t.Helper()
	if err := r.tryStart(); err != nil {
		r.t.Fatal(err)
	}
}

// platforms are those of the rig: the one that asks, and another.
func (r *rig) platforms() []verifier.Platform {
	platform := func(id, name string, i identity) verifier.Platform {
		return verifier.Platform{
			ID: id, Name: name, ReturnURIs: []string{returnURI}, Signer: i.key, X5C: i.x5c, Policies: r.w.policies,
			Wallets: []verifier.Wallet{{Name: "Facet", URL: "http://wallet.localhost:8080"}},
		}
	}
	news := platform("news", "Morgenblatt", r.w.news)
	if r.change != nil {
		r.change(&news)
	}
	other := platform("other", "Abendpost", r.w.other)
	if r.changeOther != nil {
		r.changeOther(&other)
	}
	return []verifier.Platform{news, other}
}

func (r *rig) tryStart() (err error) {
	r.metrics = server.NewMetrics()
	r.engine, err = verifier.New(context.Background(), verifier.Config{
		Store: r.store, Keys: r.keys, Log: &noted{r.wire, r.last}, Trust: r.w.trust, Status: r.status, Now: r.clock.Now, BaseURL: baseURL, Node: r.node,
		LogInfo:          openid4vp.LogInfo{Origin: r.log.Origin(), Key: r.log.VKey(), URL: baseURL + "/log/"},
		Platforms:        r.platforms(),
		Count:            r.metrics.Presentation,
		CountWebhook:     r.metrics.Webhook,
		DIDs:             r.dids,
		Fetch:            fetch.New(fetch.Config{InsecureLoopback: true}),
		InsecureLoopback: true,
	})
	if err != nil {
		return err
	}
	r.metrics.Watch(r.engine.Duties)
	r.server, err = server.New(server.Config{
		Engine: r.engine, Log: r.log.Handler(), Now: r.clock.Now, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: r.metrics,
		APIKeys: []server.APIKey{{Platform: "news", SHA256: server.HashKey(keyNews)}, {Platform: "other", SHA256: server.HashKey(keyOther)}},
	})
	r.http = r.server
	return err
}

// A reply is what came back over HTTP.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// field returns a text member of the reply's JSON, or "".
func (a reply) field(name string) string {
	var m map[string]any
	if json.Unmarshal(a.body, &m) != nil {
		return ""
	}
	s, _ := m[name].(string)
	return s
}

// A call is one HTTP request; the zero key sends none.
type call struct {
	method, url, key, contentType, body string
	header                              map[string]string
	from                                string // who opens the connection; empty: this machine
}

func (r *rig) do(c call) reply {
	req := httptest.NewRequest(c.method, c.url, strings.NewReader(c.body))
	if req.RemoteAddr = "127.0.0.1:1"; c.from != "" {
		req.RemoteAddr = c.from
	}
	if c.contentType != "" {
		req.Header.Set("Content-Type", c.contentType)
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	r.http.ServeHTTP(rec, req)
	return reply{rec.Code, rec.Header(), bytes.Clone(rec.Body.Bytes())}
}

// api calls the platform API with JSON.
func (r *rig) api(key, method, path, body string) reply {
	return r.do(call{method: method, url: baseURL + path, key: key, contentType: "application/json", body: body})
}

// begun is what a platform knows of its request.
type begun struct {
	ID    string `json:"id"`
	Links []struct{ URL string }
	uri   string // request_uri

	Digital verifier.Digital // what the page hands to the browser
}

func (r *rig) begin(policyID, flow string) begun {
	r.t.Helper()
	return r.beginFor(keyNews, policyID, flow)
}

// beginFor begins for the platform with that API key.
func (r *rig) beginFor(key, policyID, flow string) begun {
	r.t.Helper()
	body := map[string]string{"policy": policyID, "flow": flow}
	if flow == "same_device" {
		body["return_uri"] = returnURI
	}
	raw, _ := json.Marshal(body)
	a := r.api(key, "POST", "/v1/requests", string(raw))
	if a.status != http.StatusCreated {
		r.t.Fatalf("begin: %d %s", a.status, a.body)
	}
	var b begun
	if err := json.Unmarshal(a.body, &b); err != nil {
		r.t.Fatal(err)
	}
	p, err := openid4vp.ParseAuthorize(b.Links[0].URL)
	if err != nil {
		r.t.Fatal(err)
	}
	b.uri = p.RequestURI
	return b
}

// ask is the wallet opening the link: fetch, parse, authenticate.
func (r *rig) ask(b begun) *openid4vp.Request {
	r.t.Helper()
	if len(b.Digital.Requests) > 0 {
		return r.askDigital(b.Digital.Requests[0])
	}
	p, err := openid4vp.ParseAuthorize(b.Links[0].URL)
	if err != nil {
		r.t.Fatal(err)
	}
	if p.Unsigned != nil {
		return r.askUnsigned(p)
	}
	a := r.do(call{method: "GET", url: p.RequestURI})
	if a.status != http.StatusOK || a.header.Get("Content-Type") != openid4vp.RequestMediaType {
		r.t.Fatalf("request object: %d %s", a.status, a.body)
	}
	u, err := openid4vp.ParseRequest(string(a.body), openid4vp.Expect{ClientID: p.ClientID})
	if err != nil {
		r.t.Fatal(err)
	}
	req, err := u.Authenticate(r.t.Context(), r.authority())
	if err != nil {
		r.t.Fatal(err)
	}
	return req
}

// authority is whom the wallet believes.
func (r *rig) authority() openid4vp.Authority {
	return openid4vp.Authority{Verifiers: r.w.trust, DIDs: did.SelfContained(), Now: r.clock.Now()}
}

// askUnsigned reads the request from the link itself. Facet's own wallet tells
// its holder that nobody vouches for such an asker; this one believes anybody.
func (r *rig) askUnsigned(p openid4vp.AuthorizeParams) *openid4vp.Request {
	r.t.Helper()
	u, err := openid4vp.ParseUnsigned(p)
	if err != nil {
		r.t.Fatal(err)
	}
	req, err := u.Authenticate(r.t.Context(), openid4vp.Authority{Verifiers: anybody{}, Now: r.clock.Now()})
	if err != nil {
		r.t.Fatal(err)
	}
	return req
}

// anybody is a register in which everybody stands.
type anybody struct{}

func (anybody) Verifier(_ context.Context, clientID string, _ []string, _ time.Time) (*credentials.Party, error) {
	return &credentials.Party{ID: clientID}, nil
}

// A part is one presentation in the making.
type part struct {
	sd     string         // SD-JWT to bind, ending in ~
	key    jose.Signer    // signs the key binding
	header map[string]any // of the key binding
	kb     map[string]any // its claims; sd_hash is added unless it is there
	raw    string         // if set, sent as it is
}

// An answer is what the wallet is about to send; twists change it.
type answer struct {
	r     *rig
	req   *openid4vp.Request
	parts map[string]*part // by query id
	token map[string]any   // vp_token; filled from parts
	state any
	form  url.Values
	media string

	id, protocol string         // for the Digital Credentials API: the platform's own request,
	data         map[string]any // and the DigitalCredential it got
}

// A twist is what an attacker changes, at one of three stages.
type twist struct {
	parts func(*answer) // before key binding
	token func(*answer) // before encryption
	form  func(*answer) // before sending
}

// member issues a membership and selects its tier for presenting.
func (r *rig) member(change ...func(*credentials.Issuance, *identity)) *part {
	r.t.Helper()
	holder, err := jose.GenerateKey()
	check(err)
	now, by := r.clock.Now(), r.w.issuer
	i := credentials.Issuance{
		VCT: vctMember, Subject: map[string]any{"tier": "plus", "entitlements": []any{"archive", "audio"}, "valid_until": "2027-12-31"},
		Holder: holder.Public(), IssuedAt: now, ExpiresAt: now.Add(24 * time.Hour),
	}
	for _, c := range change {
		c(&i, &by)
	}
	full, err := credentials.Issue(r.t.Context(), by.key, by.x5c, i)
	if err != nil {
		r.t.Fatal(err)
	}
	return &part{sd: r.disclose(full, by, claims.Path{"tier"}), key: holder}
}

// disclose selects claims of an issued credential.
func (r *rig) disclose(full string, by identity, paths ...claims.Path) string {
	r.t.Helper()
	sd, err := sdjwt.Parse(full)
	if err != nil {
		r.t.Fatal(err)
	}
	v, err := sd.Verify(by.key.Public(), sdjwt.VerifyOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	out, err := sdjwt.NewHolding(v).Select(paths)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// prefs mints preferences for this one occasion.
func (r *rig) prefs(given map[string]any) *part {
	r.t.Helper()
	key, err := jose.GenerateKey()
	check(err)
	now := r.clock.Now()
	sd, err := credentials.Mint(r.t.Context(), key, credentials.Minted{VCT: vctPrefs, Claims: given, IssuedAt: now, ExpiresAt: now.Add(time.Hour)})
	if err != nil {
		r.t.Fatal(err)
	}
	return &part{sd: sd, key: key}
}

var somePrefs = map[string]any{"depth": "detail", "topics": []any{"483", "596"}, "languages": []any{"de"}}

// compose is an honest wallet up to the twist.
func (r *rig) compose(b begun, tw twist) *answer {
	r.t.Helper()
	a := &answer{r: r, req: r.ask(b), token: map[string]any{}, media: "application/x-www-form-urlencoded"}
	a.state = a.req.State
	a.parts = map[string]*part{"member": r.member()}
	if _, ok := a.queries()["prefs"]; ok {
		a.parts["prefs"] = r.prefs(somePrefs)
	}
	consent := sha256.Sum256([]byte("the page that was shown"))
	for _, p := range a.parts {
		p.fill(a, consent[:])
	}
	a.id = b.ID
	if tw.parts != nil {
		tw.parts(a)
	}
	for id, p := range a.parts {
		p.fill(a, consent[:]) // parts the twist replaced
		a.token[id] = []any{p.bind(r.t)}
	}
	if tw.token != nil {
		tw.token(a)
	}
	if a.req.IsDigital() {
		a.encryptDigital()
	} else {
		a.encrypt()
	}
	if tw.form != nil {
		tw.form(a)
	}
	return a
}

func (a *answer) queries() map[string]bool {
	out := map[string]bool{}
	for _, q := range a.req.DCQL.Credentials {
		out[q.ID] = true
	}
	return out
}

// fill sets what an honest wallet puts into the key binding, where unset.
func (p *part) fill(a *answer, consent []byte) {
	if p.kb == nil {
		p.kb = map[string]any{
			"nonce": a.req.Nonce, "aud": a.req.AnswerAudience(), "iat": a.r.clock.Now().Unix(),
			"consent": base64.RawURLEncoding.EncodeToString(consent),
		}
	}
	if p.header == nil {
		p.header = map[string]any{"typ": sdjwt.KeyBindingType}
	}
}

func (p *part) bind(t *testing.T) string {
	t.Helper()
	if p.raw != "" {
		return p.raw
	}
	if _, set := p.kb["sd_hash"]; !set {
		sum := sha256.Sum256([]byte(p.sd))
		p.kb["sd_hash"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	payload, err := json.Marshal(p.kb)
	check(err)
	kb, err := jose.Sign(t.Context(), p.key, p.header, payload)
	if err != nil {
		t.Fatal(err)
	}
	return p.sd + kb
}

// encrypt makes the form the request demands: sealed, or in the clear.
func (a *answer) encrypt() {
	if mode := a.req.ResponseMode; mode == openid4vp.ModeDirectPost || mode == openid4vp.ModeFragment {
		token, err := json.Marshal(a.token)
		check(err)
		a.form = url.Values{"vp_token": {string(token)}, "state": {a.req.State}}
		return
	}
	payload, err := json.Marshal(map[string]any{"vp_token": a.token, "state": a.state})
	check(err)
	key := a.req.ClientMetadata.Keys[0]
	jwe, err := jose.Encrypt(payload, key.Key, jose.EncryptOptions{Kid: key.Kid, Enc: openid4vp.EncA256GCM})
	check(err)
	a.form = url.Values{"response": {jwe}}
}

func (a *answer) send() reply {
	return a.r.do(call{method: "POST", url: a.req.ResponseURI, contentType: a.media, body: a.form.Encode()})
}

// finish runs one exchange up to the verifier's reply.
func (r *rig) finish(policyID string, tw twist) (begun, reply) {
	r.t.Helper()
	b := r.begin(policyID, "same_device")
	return b, r.compose(b, tw).send()
}

// code is the response code in a reply.
func (r *rig) code(a reply) string {
	r.t.Helper()
	u, err := url.Parse(a.field("redirect_uri"))
	if err != nil || !strings.HasPrefix(u.String(), returnURI) {
		r.t.Fatalf("redirect_uri: %s", a.body)
	}
	return u.Query().Get("response_code")
}

// result reads the result as the platform does.
func (r *rig) result(key, id, code string) reply {
	body := "{}"
	if code != "" {
		body = `{"response_code":"` + code + `"}`
	}
	return r.api(key, "POST", "/v1/requests/"+id+"/result", body)
}

// want fails unless the reply has this status, OAuth word and reason.
func (a reply) want(t *testing.T, status int, word, reason string) {
	t.Helper()
	if a.status != status || a.field("error") != word || a.field("code") != reason {
		t.Errorf("got %d %s, want %d %s %s", a.status, a.body, status, word, reason)
	}
}
