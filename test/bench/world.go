package main

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
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"path"
	"time"

	"facet/audit"
	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/credentials/sdjwt"
	"facet/examples/newsroom"
	"facet/fetch"
	"facet/policy"
	"facet/store"
	"facet/verifier"
)

const (
	baseURL     = "http://verifier.localhost:8081"
	returnURI   = "http://news.localhost:8083/facet/callback"
	vctMember   = "urn:facet:media-membership:1"
	vctPrefs    = "urn:facet:media-preferences:1"
	platformID  = "news"
	issuerName  = "Morgenblatt Abo"
	platformOrg = "Morgenblatt"
)

// An identity is a key and the chain that vouches for it.
type identity struct {
	key *jose.PrivateKey
	x5c []string
}

// A world is everybody but the verifier: a register, an issuer of
// memberships, the newsroom and its policies.
type world struct {
	trust    *credentials.TrustList
	issuer   identity
	news     identity
	policies map[string]*policy.Policy // by the last part of their id
	now      func() time.Time
}

func newWorld() (*world, error) {
	anchor, key, err := certificate("Register", true, nil, nil)
	if err != nil {
		return nil, err
	}
	w := &world{policies: map[string]*policy.Policy{}, now: time.Now}
	for name, id := range map[string]*identity{issuerName: &w.issuer, platformOrg: &w.news} {
		leaf, leafKey, err := certificate(name, false, anchor, key)
		if err != nil {
			return nil, err
		}
		if id.key, err = jose.PrivateKeyFromCrypto(leafKey); err != nil {
			return nil, err
		}
		id.x5c = []string{base64.StdEncoding.EncodeToString(leaf.Raw)}
	}
	if w.trust, err = credentials.ParseTrustList(register(anchor)); err != nil {
		return nil, err
	}
	policies, err := newsroom.Policies()
	for _, p := range policies {
		w.policies[path.Base(p.ID)] = p
	}
	return w, err
}

// certificate is an anchor's, or one that ca vouches for.
func certificate(organization string, isCA bool, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: organization, Organization: []string{organization}},
		NotBefore: time.Now().AddDate(0, -1, 0), NotAfter: time.Now().AddDate(1, 0, 0), BasicConstraintsValid: true,
		IsCA: isCA, KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{"morgenblatt.example"},
	}
	if isCA {
		c.KeyUsage, c.DNSNames, ca, caKey = x509.KeyUsageCertSign, nil, c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, ca, key.Public(), caKey)
	if err != nil {
		return nil, nil, err
	}
	c, err = x509.ParseCertificate(der)
	return c, key, err
}

func register(anchor *x509.Certificate) []byte {
	entry := func(id, organization string, more map[string]any) map[string]any {
		e := map[string]any{"id": id, "name": organization, "anchor": base64.StdEncoding.EncodeToString(anchor.Raw), "leaf": map[string]any{"organization": organization}}
		for k, v := range more {
			e[k] = v
		}
		return e
	}
	list, err := json.Marshal(map[string]any{
		"version": 1, "name": "bench",
		"issuers":   []any{entry("abo", issuerName, map[string]any{"vct": []string{vctMember}})},
		"verifiers": []any{entry("news", platformOrg, map[string]any{"domain": "morgenblatt.example"})},
	})
	if err != nil {
		panic(err) // strings only
	}
	return list
}

// verifier opens one for the newsroom.
func (w *world) verifier(s, keys store.Store, log verifier.Log, plain bool) (*verifier.Verifier, error) {
	var policies []*policy.Policy
	for _, p := range w.policies {
		policies = append(policies, p)
	}
	return verifier.New(context.Background(), verifier.Config{
		Store: s, Keys: keys, Log: log, Trust: w.trust, Now: w.now, BaseURL: baseURL, InsecureLoopback: true,
		LogInfo: openid4vp.LogInfo{Origin: "bench.example/log", Key: "bench.example/log+00000000+AA==", URL: baseURL + "/log/"},
		Platforms: []verifier.Platform{{
			ID: platformID, Name: platformOrg, ReturnURIs: []string{returnURI}, Signer: w.news.key, X5C: w.news.x5c, Policies: policies,
			Wallets: []verifier.Wallet{{Name: "Facet", URL: "http://wallet.localhost:8080"}}, InsecureUnencrypted: plain,
		}},
	})
}

// An exchange is one transaction between its steps.
type exchange struct {
	begun *verifier.Begun
	jar   string // the request object
	id    string // of the response_uri
	body  []byte // the wallet's form
	took  time.Duration
}

// begin is the platform's and the wallet's first call.
func begin(ctx context.Context, v *verifier.Verifier, policy string) (*exchange, error) {
	x := &exchange{}
	var err error
	if x.begun, err = v.Begin(ctx, verifier.BeginRequest{Platform: platformID, Policy: policy, Flow: audit.SameDevice, ReturnURI: returnURI}); err != nil {
		return nil, err
	}
	x.jar, err = v.RequestObject(ctx, path.Base(x.begun.RequestURI), "")
	return x, err
}

// end is the wallet's answer and the platform's reading of the result.
func (x *exchange) end(ctx context.Context, v *verifier.Verifier) error {
	done, err := v.Finish(ctx, verifier.Response{ID: x.id, ContentType: "application/x-www-form-urlencoded", Body: x.body})
	if err != nil {
		return err
	}
	back, err := url.Parse(done.RedirectURI)
	if err != nil {
		return err
	}
	r, err := v.Result(ctx, verifier.Reading{Platform: platformID, ID: x.begun.ID, ResponseCode: back.Query().Get("response_code")})
	if err != nil {
		return err
	}
	if len(r.Hints) == 0 {
		return errors.New("released without a hint")
	}
	return nil
}

// answer makes the wallet's form: the membership's tier, and preferences
// minted for the occasion if they are asked for.
func (w *world) answer(ctx context.Context, x *exchange) error {
	u, err := openid4vp.ParseRequest(x.jar, openid4vp.Expect{ClientID: x.begun.ClientID})
	if err != nil {
		return err
	}
	r, err := u.Authenticate(ctx, openid4vp.Authority{Verifiers: w.trust, Now: w.now()})
	if err != nil {
		return err
	}
	token := openid4vp.VPToken{}
	consent := sha256.Sum256([]byte("the page that was shown"))
	kb := sdjwt.KBClaims{
		Nonce: r.Nonce, Audience: r.ClientID, IssuedAt: w.now(),
		Extra: map[string]any{"consent": base64.RawURLEncoding.EncodeToString(consent[:])},
	}
	for _, q := range r.DCQL.Credentials {
		var presentation string
		switch q.Meta.VCTValues[0] {
		case vctMember:
			presentation, err = w.member(ctx, kb)
		case vctPrefs:
			presentation, err = w.minted(ctx, kb)
		default:
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", q.ID, err)
		}
		token[q.ID] = []string{presentation}
	}
	x.id = path.Base(r.ResponseURI)
	_, err = r.Answer(ctx, (*keeper)(x), token)
	return err
}

// A keeper keeps what a wallet posts instead of sending it.
type keeper exchange

// Do implements fetch.Fetcher.
func (k *keeper) Do(_ context.Context, r fetch.Request) (*fetch.Response, error) {
	k.body = r.Body
	return &fetch.Response{Status: 200, ContentType: "application/json", Body: []byte("{}")}, nil
}

func (w *world) member(ctx context.Context, kb sdjwt.KBClaims) (string, error) {
	holder, err := jose.GenerateKey()
	if err != nil {
		return "", err
	}
	at := w.now()
	sd, err := credentials.Issue(ctx, w.issuer.key, w.issuer.x5c, credentials.Issuance{
		VCT: vctMember, Subject: map[string]any{"tier": "plus", "entitlements": []any{"archive", "audio"}, "valid_until": "2037-12-31"},
		Holder: holder.Public(), IssuedAt: at, ExpiresAt: at.Add(24 * time.Hour),
	})
	if err != nil {
		return "", err
	}
	c, err := credentials.VerifyReceived(ctx, sd, holder.Public(), credentials.Rule{Trust: w.trust, VCTs: []string{vctMember}, Now: at, Leeway: time.Minute})
	if err != nil {
		return "", err
	}
	return c.Holding().Present(ctx, []claims.Path{{"tier"}}, holder, kb)
}

func (w *world) minted(ctx context.Context, kb sdjwt.KBClaims) (string, error) {
	key, err := jose.GenerateKey()
	if err != nil {
		return "", err
	}
	at := w.now()
	sd, err := credentials.Mint(ctx, key, credentials.Minted{
		VCT: vctPrefs, IssuedAt: at, ExpiresAt: at.Add(time.Hour),
		Claims: map[string]any{"depth": "detail", "topics": []any{"483", "596"}, "languages": []any{"de"}},
	})
	if err != nil {
		return "", err
	}
	return sdjwt.Bind(ctx, sd, key, kb)
}
