package credentials

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
	"maps"
	"math/big"
	"net/http"
	"testing"
	"time"

	"facet/credentials/jose"
	"facet/credentials/sdjwt"
	"facet/fetch"
)

const (
	ageVCT   = "urn:facet:age:1"
	prefsVCT = "urn:facet:media-preferences:1"
)

var now = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

// A rig is a trust list with two issuers and a verifier, and their keys.
type rig struct {
	t      *testing.T
	root   *authority
	a, b   *leaf // issuers
	asker  *leaf
	holder *jose.PrivateKey
	trust  *TrustList
}

type authority struct {
	der []byte
	key *ecdsa.PrivateKey
	crt *x509.Certificate
}

type leaf struct {
	key *jose.PrivateKey
	x5c []string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, root: newAuthority(t), holder: newKey(t)}
	r.a = r.root.leaf(t, "Bürgeramt Lindenstadt", "a.example")
	r.b = r.root.leaf(t, "Morgenblatt", "b.example")
	r.asker = r.root.leaf(t, "Morgenblatt Verlag", "news.example")
	r.trust = r.list(nil)
	return r
}

// list is the rig's trust list, with members of its own.
func (r *rig) list(more map[string]any) *TrustList {
	r.t.Helper()
	anchor := base64.StdEncoding.EncodeToString(r.root.der)
	members := map[string]any{
		"version": 1, "status_eku": statusSigning.String(), "name": map[string]any{"de": "Liste", "en": "List"},
		"issuers": []any{
			map[string]any{"id": "issuer-a", "name": "Bürgeramt", "vct": []string{ageVCT}, "anchor": anchor, "leaf": map[string]any{"organization": "Bürgeramt Lindenstadt"}},
			map[string]any{"id": "issuer-b", "name": map[string]any{"de": "Morgenblatt", "en": "Morning"}, "vct": []string{ageVCT, "urn:other"}, "anchor": anchor, "leaf": map[string]any{"san": "b.example"}},
		},
		"verifiers": []any{map[string]any{
			"id": "news", "name": "Morgenblatt", "domain": "news.example", "register": map[string]any{"de": "Register", "en": "Register"},
			"anchor": anchor, "leaf": map[string]any{"organization": "Morgenblatt Verlag", "san": "news.example"},
		}},
	}
	maps.Copy(members, more)
	text, err := json.Marshal(members)
	if err != nil {
		r.t.Fatal(err)
	}
	list, err := ParseTrustList(text)
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

func newKey(t testing.TB) *jose.PrivateKey {
	t.Helper()
	key, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Root"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte("root"),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	crt, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{der, key, crt}
}

func (a *authority) leaf(t *testing.T, organization, name string, twist ...func(*x509.Certificate)) *leaf {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Organization: []string{organization}}, DNSNames: []string{name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	for _, f := range twist {
		f(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.crt, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := jose.PrivateKeyFromCrypto(key)
	if err != nil {
		t.Fatal(err)
	}
	return &leaf{private, []string{base64.StdEncoding.EncodeToString(der)}}
}

// rule is a strict verifier's.
func (r *rig) rule() Rule {
	return Rule{Trust: r.trust, VCTs: []string{ageVCT}, SelfAsserted: []string{prefsVCT}, Now: now, Leeway: time.Minute, KB: kbRule()}
}

func kbRule() *sdjwt.KBRule {
	return &sdjwt.KBRule{Nonce: "nonce", Audience: "x509_san_dns:news.example", NotBefore: now.Add(-time.Minute), NotAfter: now.Add(time.Minute)}
}

func (r *rig) issuance() Issuance {
	return Issuance{
		VCT: ageVCT, Subject: map[string]any{"age_equal_or_over": map[string]any{"18": true}},
		Holder: r.holder.Public(), IssuedAt: now, ExpiresAt: now.Add(time.Hour),
	}
}

// forge signs any payload as issuer a, with a holder key unless there is a cnf.
func (r *rig) forge(payload map[string]any, disclosures ...string) string {
	r.t.Helper()
	return r.forgeAs(r.a, map[string]any{"typ": Type, "x5c": r.a.x5c}, payload, disclosures...)
}

func (r *rig) forgeAs(by *leaf, header, payload map[string]any, disclosures ...string) string {
	r.t.Helper()
	full := map[string]any{"vct": ageVCT, "exp": now.Add(time.Hour).Unix(), "cnf": map[string]any{"jwk": r.holder.Public().JWK()}}
	for name, v := range payload {
		full[name] = v
		if v == nil {
			delete(full, name)
		}
	}
	b, err := json.Marshal(full)
	if err != nil {
		r.t.Fatal(err)
	}
	jwt, err := jose.Sign(r.t.Context(), by.key, header, b)
	if err != nil {
		r.t.Fatal(err)
	}
	token := jwt + "~"
	for _, d := range disclosures {
		token += d + "~"
	}
	return r.bind(token)
}

func (r *rig) bind(sd string) string {
	r.t.Helper()
	kb := kbRule()
	out, err := sdjwt.Bind(r.t.Context(), sd, r.holder, sdjwt.KBClaims{Nonce: kb.Nonce, Audience: kb.Audience, IssuedAt: now})
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

func (r *rig) verify(token string, twist ...func(*Rule)) (*Credential, error) {
	rule := r.rule()
	for _, f := range twist {
		f(&rule)
	}
	return Verify(r.t.Context(), token, rule)
}

// hidden encodes a disclosure of an object member and returns its digest too.
func hidden(name string, v any) (disclosure, digest string) {
	b, _ := json.Marshal([]any{"c2FsdHNhbHRzYWx0c2FsdA", name, v})
	disclosure = base64.RawURLEncoding.EncodeToString(b)
	sum := sha256.Sum256([]byte(disclosure))
	return disclosure, base64.RawURLEncoding.EncodeToString(sum[:])
}

func reason(err error) string {
	var r interface{ Reason() string }
	if errors.As(err, &r) {
		return r.Reason()
	}
	if err != nil {
		return "no reason: " + err.Error()
	}
	return ""
}

// A web answers by URL and counts what it was asked.
type web struct {
	pages map[string]string
	asked int
}

func (w *web) Do(_ context.Context, r fetch.Request) (*fetch.Response, error) {
	w.asked++
	body, ok := w.pages[r.URL]
	if !ok {
		return &fetch.Response{Status: http.StatusNotFound, Body: []byte("not here")}, nil
	}
	return &fetch.Response{Status: http.StatusOK, ContentType: "application/json", Body: []byte(body)}, nil
}
