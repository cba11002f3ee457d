package credentials

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"testing"
	"time"

	"facet/credentials/jose"
)

func TestVerifier(t *testing.T) {
	r := newRig(t)
	stranger := newAuthority(t).leaf(t, "Morgenblatt Verlag", "news.example")
	other := r.root.leaf(t, "Another Verlag", "news.example")
	for _, tt := range []struct {
		name, client string
		x5c          []string
		want         string
	}{
		{"by hash", "x509_hash:" + jose.LeafHash(r.asker.x5c), r.asker.x5c, ""},
		{"by name", "x509_san_dns:news.example", r.asker.x5c, ""},
		{"hash of another", "x509_hash:" + jose.LeafHash(other.x5c), r.asker.x5c, "client_id_mismatch"},
		{"name of another", "x509_san_dns:other.example", r.asker.x5c, "cert_san_mismatch"},
		{"not the leaf listed", "x509_hash:" + jose.LeafHash(other.x5c), other.x5c, "verifier_unknown"},
		{"another root", "x509_hash:" + jose.LeafHash(stranger.x5c), stranger.x5c, "verifier_unknown"},
		{"no certificate", "redirect_uri:https://news.example", nil, "verifier_unknown"},
		{"prefix without certificate", "redirect_uri:https://news.example", r.asker.x5c, "verifier_unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			party, err := r.trust.Verifier(t.Context(), tt.client, tt.x5c, now)
			if reason(err) != tt.want {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if err == nil && (party.ID != "news" || party.Name != "Morgenblatt" || party.Domain != "news.example" || party.Register["de"] != "Register") {
				t.Errorf("%+v", party)
			}
		})
	}
}

// statusSigning is from the arc for examples; trust lists name their own.
var statusSigning = asn1.ObjectIdentifier{2, 999, 1}

// revoked is a revocation list of the authority, as the trust list has it.
func (a *authority) revoked(t *testing.T, x5c []string) string {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(x5c[0])
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: now.Add(-time.Minute), NextUpdate: now.Add(time.Minute),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: leaf.SerialNumber, RevocationTime: now.Add(-time.Minute)}},
	}, a.crt, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(list)
}

// TestTrustListRevokes: what the list's revocation lists name neither issues,
// signs status lists nor asks; the others still do.
func TestTrustListRevokes(t *testing.T) {
	t.Run("X509-022", func(t *testing.T) {
		r := newRig(t)
		ask := func() error {
			_, err := r.trust.Verifier(t.Context(), "x509_hash:"+jose.LeafHash(r.asker.x5c), r.asker.x5c, now)
			return err
		}
		status := func(l *leaf) error {
			_, _, err := r.trust.StatusKey(t.Context(), l.x5c, now)
			return err
		}
		r.trust = r.list(map[string]any{"crls": []string{r.root.revoked(t, r.a.x5c)}})
		if got := reason(second(r.verify(r.forge(nil)))); got != "cert_revoked" {
			t.Errorf("a revoked issuer: %q", got)
		}
		if got := reason(status(r.a)); got != "cert_revoked" {
			t.Errorf("a revoked signer of status lists: %q", got)
		}
		if err := errors.Join(status(r.b), ask()); err != nil {
			t.Errorf("the others: %v", err)
		}
		r.trust = r.list(map[string]any{"crls": []string{r.root.revoked(t, r.asker.x5c)}})
		if got := reason(ask()); got != "cert_revoked" {
			t.Errorf("a revoked verifier: %q", got)
		}
	})
}

func TestStatusKey(t *testing.T) {
	r := newRig(t)
	onlyStatus := func(c *x509.Certificate) { c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{statusSigning} }
	signer := r.root.leaf(t, "Bürgeramt Lindenstadt", "status.a.example", onlyStatus)
	key, issuer, err := r.trust.StatusKey(t.Context(), signer.x5c, now)
	if err != nil || issuer != "issuer-a" || !key.Equal(signer.key.Public()) {
		t.Errorf("%v %q", err, issuer)
	}
	// The same certificate must not sign credentials.
	token := r.forgeAs(signer, map[string]any{"typ": Type, "x5c": signer.x5c}, nil)
	if got := reason(second(r.verify(token))); got != "cert_eku" {
		t.Errorf("a status list signer issued a credential: %q", got)
	}
	for name, l := range map[string]*leaf{
		"stranger": newAuthority(t).leaf(t, "Bürgeramt Lindenstadt", "a.example"), "not listed": r.root.leaf(t, "Somebody", "x.example"),
	} {
		if _, _, err := r.trust.StatusKey(t.Context(), l.x5c, now); reason(err) != "status_issuer_mismatch" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIssuerName(t *testing.T) {
	r := newRig(t)
	for iss, want := range map[string]string{
		"issuer-a": "", "a.example": "", "https://a.example/x": "", "https://a.example:8443": "",
		"https://evil.example/a.example": "issuer_cert_mismatch", "https://a.example.evil.example": "issuer_cert_mismatch", "A.example": "issuer_cert_mismatch",
	} {
		if got := reason(second(r.verify(r.forge(map[string]any{"iss": iss})))); got != want {
			t.Errorf("%s: got %q, want %q", iss, got, want)
		}
	}
}

func TestParseTrustListRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON":     `{`,
		"no version":   `{"name":"x","issuers":[],"verifiers":[]}`,
		"version 0":    `{"version":0,"name":"x","issuers":[],"verifiers":[]}`,
		"no name":      `{"version":1,"issuers":[],"verifiers":[]}`,
		"no issuers":   `{"version":1,"name":"x","verifiers":[]}`,
		"no anchor":    `{"version":1,"name":"x","issuers":[{"id":"a","name":"A","vct":["x"]}],"verifiers":[]}`,
		"bad anchor":   `{"version":1,"name":"x","issuers":[{"id":"a","name":"A","vct":["x"],"anchor":"AAAA"}],"verifiers":[]}`,
		"empty vct":    `{"version":1,"name":"x","issuers":[{"id":"a","name":"A","vct":[],"anchor":"AAAA"}],"verifiers":[]}`,
		"bad CRL":      `{"version":1,"name":"x","issuers":[],"verifiers":[],"crls":["AAAA"]}`,
		"no CRL":       `{"version":1,"name":"x","issuers":[],"verifiers":[],"crls":[]}`,
		"bad usage":    `{"version":1,"name":"x","issuers":[],"verifiers":[],"status_eku":"1.x"}`,
		"text for row": `{"version":1,"name":"x","issuers":["a"],"verifiers":[]}`,
		"twice":        `{"version":1,"version":1,"name":"x","issuers":[],"verifiers":[]}`,
	} {
		if _, err := ParseTrustList([]byte(text)); reason(err) != "trust_list_malformed" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseTrustList(f *testing.F) {
	f.Add([]byte(`{"version":1,"name":{"de":"x","en":"x"},"issuers":[{"id":"a","name":"A","vct":["x"],"anchor":"AAAA","leaf":{"san":"x"}}],"verifiers":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := ParseTrustList(b)
		if (l == nil) != (err != nil) || err != nil && reason(err) == "" {
			t.Fatalf("%v, %v", l, err)
		}
	})
}

func TestIssuerMetadata(t *testing.T) {
	r := newRig(t)
	key := newKey(t)
	jwk := key.Public().JWK()
	set := `{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","x":"` + jwk["x"].(string) + `","y":"` + jwk["y"].(string) + `"}]}`
	const iss = "https://issuer.example/tenant/"
	const at = "https://issuer.example/.well-known/jwt-vc-issuer/tenant"
	for _, tt := range []struct{ name, doc, kid, want string }{
		{"inline", `{"issuer":"` + iss + `","jwks":` + set + `}`, "k1", ""},
		{"by reference", `{"issuer":"` + iss + `","jwks_uri":"https://issuer.example/keys"}`, "k1", ""},
		{"without kid", `{"issuer":"` + iss + `","jwks":` + set + `}`, "", ""},
		{"unknown kid", `{"issuer":"` + iss + `","jwks":` + set + `}`, "k2", "jose_kid_unknown"},
		{"another issuer", `{"issuer":"https://issuer.example/tenant","jwks":` + set + `}`, "k1", "issuer_metadata"},
		{"both", `{"issuer":"` + iss + `","jwks":` + set + `,"jwks_uri":"https://issuer.example/keys"}`, "k1", "issuer_metadata"},
		{"neither", `{"issuer":"` + iss + `"}`, "k1", "issuer_metadata"},
		{"not JSON", `<html>`, "k1", "issuer_metadata"},
		{"missing", "", "k1", "fetch_status"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &web{pages: map[string]string{at: tt.doc, "https://issuer.example/keys": set}}
			if tt.doc == "" {
				delete(w.pages, at)
			}
			store := Mechanisms{X5C: r.trust, Metadata: &IssuerMetadata{Fetch: w, Issuers: map[string]KnownIssuer{iss: {ID: "known", Name: "Known", VCTs: []string{ageVCT}}}}}
			header := map[string]any{"typ": Type}
			if tt.kid != "" {
				header["kid"] = tt.kid
			}
			c, err := r.verify(r.forgeAs(&leaf{key: key}, header, map[string]any{"iss": iss}), func(x *Rule) { x.Trust = store })
			if reason(err) != tt.want {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if err == nil && (c.Issuer().ID != "known" || c.Issuer().Mechanism != "jwt-vc-issuer") {
				t.Errorf("%+v", c.Issuer())
			}
			asked := w.asked
			for _, unknown := range []map[string]any{{"iss": "https://other.example"}, {"iss": iss, "vct": "urn:x"}, {}} {
				if got := reason(second(r.verify(r.forgeAs(&leaf{key: key}, header, unknown), func(x *Rule) { x.Trust = store }))); got != "issuer_untrusted" {
					t.Errorf("unknown issuer: %q", got)
				}
			}
			if w.asked != asked {
				t.Error("an unknown issuer caused a request")
			}
		})
	}
}

func TestIssuerMetadataURL(t *testing.T) {
	for iss, want := range map[string]string{
		"https://example.com": "https://example.com/.well-known/jwt-vc-issuer", "https://example.com/": "https://example.com/.well-known/jwt-vc-issuer",
		"https://example.com/a/b": "https://example.com/.well-known/jwt-vc-issuer/a/b",
		"http://example.com":      "", "https://example.com?x=1": "", "https://u@example.com": "", "did:jwk:x": "", "https://example.com#x": "",
	} {
		got, err := IssuerMetadataURL(iss)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v", iss, got, err)
		}
	}
}
