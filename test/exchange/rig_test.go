// Package exchange runs the three parties against one another in one process:
// the wallet's engine, the verifier behind its HTTP face with a real log, and
// the demonstration issuer. They share messages over HTTP and nothing else.
package exchange

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/did"
	"facet/credentials/did/aries"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/credentials/statuslist"
	examples "facet/examples/issuer"
	"facet/fetch"
	"facet/policy"
	"facet/policy/lint"
	"facet/store"
	"facet/verifier"
	"facet/verifier/auditlog"
	"facet/verifier/server"
	"facet/wallet"
	"facet/wallet/vault"
)

const returnURI = "http://news.localhost:8083/facet/callback"

type identity struct {
	key *jose.PrivateKey
	x5c []string
}

// A rig is everybody.
type rig struct {
	t        *testing.T
	now      time.Time
	wallet   *wallet.Wallet
	verifier *verifier.Verifier
	issuer   string                    // address
	policies map[string]*policy.Policy // by the last part of their id

	address string            // of the verifier
	site    string            // address of another site of the platform, or ""
	webhook *verifier.Webhook // of the platform, or nil

	did      string                   // of the newsroom, if wallets know it by one
	register identity                 // registers who may ask
	platform func(*verifier.Platform) // changes the newsroom, or nil
}

const apiKey = "a-key-of-the-platform-0123456789"

func newRig(t *testing.T, change ...func(*rig)) *rig {
	t.Helper()
	r := &rig{t: t, policies: map[string]*policy.Policy{}, now: time.Now().UTC().Truncate(time.Second)}
	for _, c := range change {
		c(r)
	}
	anchor, sign := newAnchor(t, r.now)
	office, paper, news := sign("Bürgeramt Lindenstadt", "lindenstadt.example"), sign("Morgenblatt Abo", "abo.morgenblatt.example"), sign("Morgenblatt", "morgenblatt.example")
	r.register = sign("Medienregister", "register.example")
	list := r.trustList(anchor)
	trust, err := credentials.ParseTrustList(list)
	if err != nil {
		t.Fatal(err)
	}
	r.startIssuer(office, paper)
	r.startVerifier(trust, news)
	r.openWallet(trust)
	return r
}

func newAnchor(t *testing.T, now time.Time) (*x509.Certificate, func(organization, host string) identity) {
	t.Helper()
	make1 := func(c, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if parent == nil {
			parent, signer = c, key
		}
		id := sha256.Sum256(key.X.Bytes())
		c.SubjectKeyId, c.BasicConstraintsValid = id[:20], true
		c.SerialNumber = new(big.Int).SetBytes(id[:12])
		c.NotBefore, c.NotAfter = now.AddDate(0, -1, 0), now.AddDate(1, 0, 0)
		der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert, key
	}
	ca, caKey := make1(&x509.Certificate{
		Subject: pkix.Name{CommonName: "Register", Organization: []string{"Register"}}, IsCA: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	return ca, func(organization, host string) identity {
		leaf, key := make1(&x509.Certificate{
			Subject: pkix.Name{CommonName: organization, Organization: []string{organization}}, DNSNames: []string{host},
			KeyUsage: x509.KeyUsageDigitalSignature,
		}, ca, caKey)
		private, err := jose.PrivateKeyFromCrypto(key)
		if err != nil {
			t.Fatal(err)
		}
		return identity{private, []string{base64.StdEncoding.EncodeToString(leaf.Raw)}}
	}
}

func (r *rig) trustList(anchor *x509.Certificate) []byte {
	r.t.Helper()
	der := base64.StdEncoding.EncodeToString(anchor.Raw)
	leaf := func(organization string) map[string]any { return map[string]any{"organization": organization} }
	verifiers := []any{map[string]any{"id": "morgenblatt", "name": "Morgenblatt", "domain": "morgenblatt.example",
		"register": map[string]string{"de": "Medienregister", "en": "media register"}, "anchor": der, "leaf": leaf("Morgenblatt")}}
	if r.did != "" {
		verifiers = append(verifiers, map[string]any{"id": "morgenblatt-did", "name": "Morgenblatt", "domain": "morgenblatt.example", "did": r.did})
	}
	list, err := json.Marshal(map[string]any{
		"version": 1, "name": "test",
		"registrars": []any{map[string]any{"id": "register", "name": "Medienregister", "anchor": der, "leaf": leaf("Medienregister"), "overasking": "stop"}},
		"issuers": []any{
			map[string]any{"id": "buergeramt", "name": "Bürgeramt Lindenstadt", "vct": []string{"urn:facet:age:1"}, "anchor": der, "leaf": leaf("Bürgeramt Lindenstadt")},
			map[string]any{"id": "abo", "name": "Morgenblatt", "vct": []string{"urn:facet:media-membership:1"}, "anchor": der, "leaf": leaf("Morgenblatt Abo")},
		},
		"verifiers": verifiers,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

// listen starts a server whose address is known before its handler is made.
func (r *rig) listen(name string, handler func(address string) http.Handler) string {
	r.t.Helper()
	s := httptest.NewUnstartedServer(nil)
	address := "http://" + name + ".localhost" + s.Listener.Addr().String()[strings.LastIndexByte(s.Listener.Addr().String(), ':'):]
	s.Config.Handler = handler(address)
	s.Start()
	r.t.Cleanup(s.Close)
	return address
}

func (r *rig) clock() time.Time { return r.now }

func (r *rig) startIssuer(office, paper identity) {
	r.issuer = r.listen("issuer", func(address string) http.Handler {
		h, err := examples.New(examples.Config{
			URL: address, WalletURL: "http://wallet.localhost:8080", Now: r.clock,
			Issuers: []examples.Authority{
				{ID: "age", Store: store.Memory(), Name: "Bürgeramt Lindenstadt", VCT: "urn:facet:age:1", Signer: office.key, X5C: office.x5c},
				{ID: "abo", Store: store.Memory(), Name: "Morgenblatt", VCT: "urn:facet:media-membership:1", Signer: paper.key, X5C: paper.x5c},
			},
		})
		if err != nil {
			r.t.Fatal(err)
		}
		return h
	})
}

// startVerifier runs the newsroom's own policies.
func (r *rig) startVerifier(trust *credentials.TrustList, news identity) {
	files, err := filepath.Glob("../../examples/newsroom/policies/*.yaml")
	if err != nil || len(files) == 0 {
		r.t.Fatalf("no policies: %v", err)
	}
	var policies []*policy.Policy
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			r.t.Fatal(err)
		}
		p, err := lint.Load(text)
		if err != nil {
			r.t.Fatalf("%s: %v", f, err)
		}
		policies = append(policies, p)
		r.policies[path.Base(p.ID)] = p
	}
	status, err := statuslist.NewChecker(statuslist.Config{Fetch: fetch.New(fetch.Config{InsecureLoopback: true}), Keys: trust, Leeway: time.Minute})
	if err != nil {
		r.t.Fatal(err)
	}
	log, err := auditlog.Open(r.t.Context(), auditlog.Config{Dir: r.t.TempDir(), Origin: "verifier.localhost/log", Interval: 100 * time.Millisecond})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = log.Close() })
	returns := []string{returnURI}
	if r.site != "" {
		returns = append(returns, r.site+"/facet/back")
	}
	platform := verifier.Platform{
		ID: "news", Name: "Morgenblatt", ReturnURIs: returns, Signer: news.key, X5C: news.x5c, Policies: policies, Webhook: r.webhook,
		Wallets:          []verifier.Wallet{{Name: "Facet", URL: "http://wallet.localhost:8080"}},
		InsecureFragment: true, Registrars: trust,
	}
	if r.platform != nil {
		r.platform(&platform)
	}
	r.address = r.listen("verifier", func(address string) http.Handler {
		r.verifier, err = verifier.New(context.Background(), verifier.Config{
			Store: store.Memory(), Keys: store.Memory(), Log: log, Trust: trust, Status: status, Now: r.clock, BaseURL: address,
			LogInfo:          openid4vp.LogInfo{Origin: log.Origin(), Key: log.VKey(), URL: address + auditlog.Prefix},
			Platforms:        []verifier.Platform{platform},
			DIDs:             r.dids(),
			Fetch:            fetch.New(fetch.Config{InsecureLoopback: true}),
			InsecureLoopback: true,
		})
		if err != nil {
			r.t.Fatal(err)
		}
		h, err := server.New(server.Config{
			Engine: r.verifier, Log: log.Handler(), Now: r.clock, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
			APIKeys: []server.APIKey{{Platform: "news", SHA256: server.HashKey(apiKey)}},
		})
		if err != nil {
			r.t.Fatal(err)
		}
		return h
	})
}

// dids resolves did:web over the guarded fetcher.
func (r *rig) dids() did.Methods {
	r.t.Helper()
	methods, err := aries.Methods(aries.Config{Fetch: fetch.New(fetch.Config{InsecureLoopback: true}), InsecureHTTP: true})
	if err != nil {
		r.t.Fatal(err)
	}
	return methods
}

func (r *rig) openWallet(trust *credentials.TrustList) {
	prf := make([]byte, vault.PRFSize)
	rand.Read(prf)
	v, _, err := vault.Create(vault.Passkey{CredentialID: []byte("a passkey"), PRF: prf})
	if err != nil {
		r.t.Fatal(err)
	}
	r.wallet, err = wallet.New(wallet.Config{
		Vault: v, Trust: trust, Verifiers: trust, Registrars: trust, DIDs: r.dids(), Fetch: fetch.New(fetch.Config{InsecureLoopback: true}),
		Now: r.clock, Save: func(context.Context) error { return nil }, InsecureLoopback: true,
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// receive visits the issuer like a person with a browser, and accepts.
func (r *rig) receive(id string) wallet.Accepted {
	r.t.Helper()
	answer, err := http.PostForm(strings.Replace(r.issuer, "issuer.localhost", "127.0.0.1", 1)+"/?lang=en", url.Values{"id": {id}})
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	link := regexp.MustCompile(`id="open-wallet" href="([^"]+)"`).FindSubmatch(page)
	digits := regexp.MustCompile(`id="tx-code"><span>(\d{3})</span><span>(\d{3})</span>`).FindSubmatch(page)
	if link == nil || digits == nil {
		r.t.Fatalf("no link or code on the issuer's page: %s", page)
	}
	offer, err := r.wallet.Offer(r.t.Context(), wallet.OfferSource{URL: html.UnescapeString(string(link[1]))})
	if err != nil {
		r.t.Fatalf("offer: %v", err)
	}
	got, err := r.wallet.Accept(r.t.Context(), offer.OfferID, wallet.Acceptance{TxCode: string(digits[1]) + string(digits[2]), Confirmed: true})
	if err != nil {
		r.t.Fatalf("accept: %v", err)
	}
	return got
}
