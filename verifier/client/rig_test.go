package client_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/fetch"
	"facet/policy"
	"facet/policy/lint"
	"facet/store"
	"facet/verifier"
	"facet/verifier/auditlog"
	"facet/verifier/client"
	"facet/verifier/server"
	"facet/wallet"
	"facet/wallet/vault"
)

const (
	returnURI = "http://news.localhost:8083/facet/callback"
	origin    = "http://news.localhost:8083"
	apiKey    = "key-of-the-morgenblatt-0123456789"
)

// A rig is a running verifier, a wallet that can answer it, and the road
// between the verifier and its platform, on which things happen.
type rig struct {
	t      *testing.T
	engine *verifier.Verifier
	http   http.Handler
	wallet *wallet.Wallet
	url    string
	hooks  chan *http.Request // arrived at the platform; bodies are read again by the receiver
	secret []byte

	mu   sync.Mutex
	road func(w http.ResponseWriter, r *http.Request) (handled bool) // nil: clear
	seen []string                                                    // requests, method and path
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, hooks: make(chan *http.Request, 8), secret: make([]byte, 32)}
	rand.Read(r.secret)
	front := httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(front.Close)
	r.url = "http://verifier.localhost" + front.URL[strings.LastIndexByte(front.URL, ':'):]
	trust, news, x5c := register(t)
	log, err := auditlog.Open(t.Context(), auditlog.Config{Dir: t.TempDir(), Origin: "verifier.localhost/log", Interval: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	r.engine, err = verifier.New(context.Background(), verifier.Config{
		Store: store.Memory(), Keys: store.Memory(), Log: log, Trust: trust, Now: time.Now, BaseURL: r.url,
		LogInfo: openid4vp.LogInfo{Origin: log.Origin(), Key: log.VKey(), URL: r.url + auditlog.Prefix},
		Platforms: []verifier.Platform{{
			ID: "news", Name: "Morgenblatt", ReturnURIs: []string{returnURI}, Signer: news, X5C: x5c, Policies: policies(t),
			Wallets:          []verifier.Wallet{{Name: "Facet", URL: "http://wallet.localhost:8080"}},
			Webhook:          &verifier.Webhook{URL: r.platform(), Secrets: [][]byte{r.secret}},
			InsecureFragment: true,
		}},
		Fetch: fetch.New(fetch.Config{InsecureLoopback: true}), InsecureLoopback: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	h, err := server.New(server.Config{
		Engine: r.engine, Log: log.Handler(), Now: time.Now, APIKeys: []server.APIKey{{Platform: "news", SHA256: server.HashKey(apiKey)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	r.http = h
	r.mu.Unlock()
	r.openWallet(trust)
	return r
}

// serve is the road: what happens on it, then the verifier.
func (r *rig) serve(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	road, h := r.road, r.http
	r.seen = append(r.seen, req.Method+" "+req.URL.Path)
	r.mu.Unlock()
	if road == nil || !road(w, req) {
		h.ServeHTTP(w, req)
	}
}

func (r *rig) onRoad(f func(http.ResponseWriter, *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.road, r.seen = f, nil
}

// calls counts the requests since the road last changed.
func (r *rig) calls(prefix string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.seen {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

// platform is where webhooks arrive.
func (r *rig) platform() string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		keep := httptest.NewRequest(req.Method, "/", nil)
		keep.Header = req.Header.Clone()
		body, err := io.ReadAll(req.Body)
		if err != nil {
			r.t.Error(err)
		}
		keep.Body = io.NopCloser(bytes.NewReader(body))
		r.hooks <- keep
	}))
	r.t.Cleanup(s.Close)
	return s.URL
}

func (r *rig) client(change ...func(*client.Config)) *client.Client {
	r.t.Helper()
	cfg := client.Config{URL: r.url, APIKey: apiKey}
	for _, c := range change {
		c(&cfg)
	}
	c, err := client.New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// approve is a person who approves everything, and returns where the wallet
// leads afterwards.
func (r *rig) approve(link string) *url.URL {
	r.t.Helper()
	p, err := r.wallet.Ask(r.t.Context(), link)
	if err != nil {
		r.t.Fatalf("ask: %v", err)
	}
	shown, choices := r.preview(p)
	done, err := r.wallet.Present(r.t.Context(), p.ID, shown.Digest, choices)
	if err != nil {
		r.t.Fatalf("present: %v", err)
	}
	if done.RedirectURI == nil {
		return &url.URL{}
	}
	back, err := url.Parse(*done.RedirectURI)
	if err != nil {
		r.t.Fatal(err)
	}
	return back
}

func (r *rig) preview(p wallet.Proposal) (wallet.Previewed, []string) {
	r.t.Helper()
	var choices []string
	for _, o := range p.Optional {
		choices = append(choices, o.Key)
	}
	shown, err := r.wallet.Preview(r.t.Context(), p.ID, choices)
	if err != nil {
		r.t.Fatalf("preview: %v", err)
	}
	return shown, choices
}

func (r *rig) openWallet(trust *credentials.TrustList) {
	prf := make([]byte, vault.PRFSize)
	rand.Read(prf)
	v, _, err := vault.Create(vault.Passkey{CredentialID: []byte("a passkey"), PRF: prf})
	if err == nil {
		r.wallet, err = wallet.New(wallet.Config{
			Vault: v, Trust: trust, Verifiers: trust, Fetch: fetch.New(fetch.Config{InsecureLoopback: true}),
			Now: time.Now, Save: func(context.Context) error { return nil }, InsecureLoopback: true,
		})
	}
	if err == nil {
		_, err = r.wallet.SetToday(r.t.Context(), wallet.Today{Persona: "business", TimeBudget: 5})
	}
	if err == nil {
		_, err = r.wallet.SetPreferences(r.t.Context(), wallet.Preferences{Topics: []string{"596", "483"}, Depth: "overview"})
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func policies(t *testing.T) (out []*policy.Policy) {
	t.Helper()
	text, err := os.ReadFile("../../examples/newsroom/policies/today.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := lint.Load(text)
	if err != nil {
		t.Fatal(err)
	}
	return []*policy.Policy{p}
}

// register makes a platform's identity and the trust list it stands in.
func register(t *testing.T) (*credentials.TrustList, *jose.PrivateKey, []string) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Register"}, SubjectKeyId: []byte("the register of the test"),
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	check(err)
	key, err := jose.GenerateKey()
	check(err)
	leaf, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{Organization: []string{"Morgenblatt"}}, DNSNames: []string{"morgenblatt.example"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
	}, ca, key.Public().Crypto(), caKey)
	check(err)
	list, err := json.Marshal(map[string]any{"version": 1, "name": "test", "issuers": []any{}, "verifiers": []any{map[string]any{
		"id": "morgenblatt", "name": "Morgenblatt", "domain": "morgenblatt.example",
		"anchor": base64.StdEncoding.EncodeToString(caDER), "leaf": map[string]any{"organization": "Morgenblatt"},
	}}})
	check(err)
	trust, err := credentials.ParseTrustList(list)
	check(err)
	return trust, key, []string{base64.StdEncoding.EncodeToString(leaf)}
}

// digital is a person whose browser carries request and answer.
func (r *rig) digital(m openid4vp.DigitalMessage, refuse bool) openid4vp.DigitalMessage {
	r.t.Helper()
	p, err := r.wallet.AskDigital(r.t.Context(), m, origin)
	if err != nil {
		r.t.Fatalf("ask: %v", err)
	}
	if refuse {
		done, err := r.wallet.Refuse(r.t.Context(), p.ID)
		if err != nil {
			r.t.Fatalf("refuse: %v", err)
		}
		return *done.Digital
	}
	shown, choices := r.preview(p)
	done, err := r.wallet.Present(r.t.Context(), p.ID, shown.Digest, choices)
	if err != nil {
		r.t.Fatalf("present: %v", err)
	}
	return *done.Digital
}
