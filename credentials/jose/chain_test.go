package jose

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"
)

// statusSigning stands for the usage a deployment marks its signers of status
// lists with; it is from the arc for examples.
var statusSigning = asn1.ObjectIdentifier{2, 999, 1}

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestSoundChains(t *testing.T) {
	p := newPKI(t)
	c, err := VerifyChain(p.chain(p.leaf()), p.rule())
	if err != nil {
		t.Fatal(err)
	}
	want, err := PublicKeyFromCrypto(p.leafKey.Public())
	if err != nil || !c.Key.Equal(want) || !c.Anchor.Equal(p.root) {
		t.Fatalf("another leaf or anchor came back, %v", err)
	}
	direct := encode(p.make(p.leaf(), p.root, p.leafKey.Public(), p.rootKey))
	if _, err := VerifyChain(direct, p.rule()); err != nil {
		t.Fatalf("a leaf directly below the anchor: %v", err)
	}
	if LeafHash(direct) == "" || LeafHash(direct) == LeafHash(p.chain(p.leaf())) || LeafHash(nil) != "" || LeafHash([]string{"*"}) != "" {
		t.Fatal("leaf hash")
	}
	_, err = VerifyChain(nil, p.rule())
	wantReason(t, err, "cert_malformed")
	_, err = VerifyChain(direct, ChainRule{Now: now})
	wantReason(t, err, "cert_untrusted")
}

func TestHostileChains(t *testing.T) {
	p := newPKI(t)
	refused := func(t *testing.T, x5c []string, r ChainRule, reason string) {
		t.Helper()
		_, err := VerifyChain(x5c, r)
		wantReason(t, err, reason)
	}
	leafWith := func(change func(*x509.Certificate)) []string {
		l := p.leaf()
		change(l)
		return p.chain(l)
	}
	t.Run("X509-001", func(t *testing.T) {
		refused(t, leafWith(func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Second) }), p.rule(), "cert_expired")
		if _, err := VerifyChain(leafWith(func(c *x509.Certificate) { c.NotAfter = now }), p.rule()); err != nil {
			t.Fatalf("in its last second: %v", err)
		}
	})
	t.Run("X509-002", func(t *testing.T) {
		refused(t, leafWith(func(c *x509.Certificate) { c.NotBefore = now.Add(time.Second) }), p.rule(), "cert_not_yet_valid")
	})
	t.Run("X509-003", func(t *testing.T) {
		q := newPKI(t)
		old := q.ca("between")
		old.NotAfter = now.Add(-time.Second)
		q.between = q.make(old, q.root, q.midKey.Public(), q.rootKey)
		refused(t, q.chain(q.leaf()), q.rule(), "cert_expired")
		q = newPKI(t)
		old = q.ca("root")
		old.NotAfter = now.Add(-time.Second)
		q.root = q.make(old, nil, q.rootKey.Public(), q.rootKey)
		refused(t, q.chain(q.leaf()), q.rule(), "cert_expired")
	})
	t.Run("X509-005", func(t *testing.T) {
		// Somebody else's CA: sound in itself, and the system's roots are never asked.
		refused(t, newPKI(t).chain(p.leaf()), p.rule(), "cert_untrusted")
	})
	t.Run("X509-006", func(t *testing.T) {
		good := p.chain(p.leaf())
		refused(t, []string{good[1], good[0]}, p.rule(), "cert_chain_order")
		refused(t, []string{good[0], encode(newPKI(t).between)[0], good[1]}, p.rule(), "cert_chain_order")
		refused(t, []string{good[0], good[0], good[1]}, p.rule(), "cert_chain_order")
	})
	t.Run("X509-007", func(t *testing.T) {
		refused(t, append(p.chain(p.leaf()), encode(p.root)...), p.rule(), "cert_root_in_chain")
		refused(t, append(p.chain(p.leaf()), encode(newPKI(t).root)...), p.rule(), "cert_root_in_chain")
		refused(t, encode(p.root), p.rule(), "cert_root_in_chain")
		pinned := p.rule() // an anchor need not be self-signed
		pinned.Anchors = []*x509.Certificate{p.between}
		refused(t, p.chain(p.leaf()), pinned, "cert_root_in_chain")
		refused(t, encode(p.make(p.leaf(), nil, p.leafKey.Public(), p.leafKey)), p.rule(), "cert_untrusted")
	})
	t.Run("X509-008", func(t *testing.T) {
		q := newPKI(t)
		plain := q.ca("between")
		plain.IsCA, plain.BasicConstraintsValid, plain.KeyUsage = false, false, x509.KeyUsageDigitalSignature
		q.between = q.make(plain, q.root, q.midKey.Public(), q.rootKey)
		refused(t, q.chain(q.leaf()), q.rule(), "cert_not_ca")
		q = newPKI(t)
		short := q.ca("root")
		short.MaxPathLen, short.MaxPathLenZero = 0, true
		q.root = q.make(short, nil, q.rootKey.Public(), q.rootKey)
		refused(t, q.chain(q.leaf()), q.rule(), "cert_not_ca")
	})
	t.Run("X509-009", func(t *testing.T) {
		refused(t, leafWith(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }), p.rule(), "cert_key_usage")
		refused(t, leafWith(func(c *x509.Certificate) { c.KeyUsage = 0 }), p.rule(), "cert_key_usage")
		refused(t, leafWith(func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCertSign }), p.rule(), "cert_key_usage")
		q := newPKI(t)
		noSign := q.ca("between")
		noSign.KeyUsage = x509.KeyUsageCRLSign
		q.between = q.make(noSign, q.root, q.midKey.Public(), q.rootKey)
		refused(t, q.chain(q.leaf()), q.rule(), "cert_key_usage")
	})
	t.Run("X509-010", func(t *testing.T) {
		for _, u := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageAny} {
			refused(t, leafWith(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{u} }), p.rule(), "cert_eku")
		}
	})
	t.Run("X509-011", func(t *testing.T) {
		r := p.rule()
		r.EKU = statusSigning
		refused(t, p.chain(p.leaf()), r, "cert_eku")
		refused(t, leafWith(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }), r, "cert_eku")
		signer := leafWith(func(c *x509.Certificate) { c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{statusSigning} })
		if _, err := VerifyChain(signer, r); err != nil {
			t.Fatalf("a status list signer: %v", err)
		}
	})
	t.Run("X509-012", func(t *testing.T) {
		refused(t, leafWith(func(c *x509.Certificate) { c.DNSNames = []string{"evil.example"} }), p.rule(), "cert_san_mismatch")
	})
	t.Run("X509-013", func(t *testing.T) {
		refused(t, leafWith(func(c *x509.Certificate) { c.DNSNames, c.Subject.CommonName = nil, "client.example.org" }), p.rule(), "cert_san_missing")
	})
	t.Run("X509-014", func(t *testing.T) {
		refused(t, leafWith(func(c *x509.Certificate) { c.DNSNames = []string{"*.example.org"} }), p.rule(), "cert_san_wildcard")
	})
	t.Run("X509-015", func(t *testing.T) {
		for _, name := range []string{"client.example.org.", "CLIENT.example.org", "xn--clint-7ra.example.org"} {
			refused(t, leafWith(func(c *x509.Certificate) { c.DNSNames = []string{name} }), p.rule(), "cert_san_mismatch")
		}
		san := p.forged(func(tbs *tbsCertificate) {
			for i, e := range tbs.Extensions {
				if e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 17}) {
					tbs.Extensions[i].Value = dnsNames(t, "client.example.org\x00.evil")
				}
			}
		})
		refused(t, []string{san, encode(p.between)[0]}, p.rule(), "cert_san_mismatch")
	})
	t.Run("X509-017", func(t *testing.T) {
		small, err := rsa.GenerateKey(rand.Reader, 1024)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []crypto.Signer{small, ecKey(t, elliptic.P224())} {
			refused(t, encode(p.make(p.leaf(), p.between, key.Public(), p.midKey), p.between), p.rule(), "cert_weak_crypto")
			q := newPKI(t) // and not only the leaf's
			q.midKey = key
			q.between = q.make(q.ca("between"), q.root, key.Public(), q.rootKey)
			refused(t, q.chain(q.leaf()), q.rule(), "cert_weak_crypto")
		}
		large, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		q := newPKI(t)
		q.midKey = large
		q.between = q.make(q.ca("between"), q.root, large.Public(), q.rootKey)
		sha1 := q.leaf()
		sha1.SignatureAlgorithm = x509.SHA1WithRSA
		refused(t, q.chain(sha1), q.rule(), "cert_weak_crypto")
		// No library writes MD5 any more: change both algorithm identifiers of a SHA-256 signature.
		leaf := q.make(q.leaf(), q.between, q.leafKey.Public(), large)
		md5 := bytes.ReplaceAll(leaf.Raw, oidTail(11), oidTail(4))
		refused(t, []string{base64.StdEncoding.EncodeToString(md5), encode(q.between)[0]}, q.rule(), "cert_weak_crypto")
	})
	t.Run("X509-018", func(t *testing.T) {
		good := p.chain(p.leaf())
		refused(t, append(good, strings.Split(strings.Repeat(good[1]+" ", 98)[:98*(len(good[1])+1)-1], " ")...), p.rule(), "cert_chain_limit")
		refused(t, leafWith(func(c *x509.Certificate) { c.DNSNames = many(1000) }), p.rule(), "cert_chain_limit")
		refused(t, leafWith(func(c *x509.Certificate) { c.DNSNames = many(MaxNames + 1) }), p.rule(), "cert_chain_limit")
		for _, n := range []int{10000, MaxNames + 1} {
			q := newPKI(t)
			bound := q.ca("between")
			bound.PermittedDNSDomains = many(n)
			q.between = q.make(bound, q.root, q.midKey.Public(), q.rootKey)
			refused(t, q.chain(q.leaf()), q.rule(), "cert_chain_limit")
		}
	})
	t.Run("X509-019", func(t *testing.T) {
		good := p.chain(p.leaf())
		der, err := base64.StdEncoding.DecodeString(good[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{
			base64.RawURLEncoding.EncodeToString(der), good[0][:64] + "\n" + good[0][64:],
			string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
			base64.StdEncoding.EncodeToString(append(der, 0)), base64.StdEncoding.EncodeToString(der[:len(der)-1]), "", "AAAA",
		} {
			refused(t, []string{bad, good[1]}, p.rule(), "cert_malformed")
		}
	})
	t.Run("X509-022", func(t *testing.T) {
		leaf := p.make(p.leaf(), p.between, p.leafKey.Public(), p.midKey)
		r := p.rule()
		r.CRLs = p.crl(t, p.between, p.midKey, leaf.SerialNumber, now.Add(time.Hour))
		refused(t, encode(leaf, p.between), r, "cert_revoked")
		r.CRLs = p.crl(t, p.root, p.rootKey, p.between.SerialNumber, now.Add(time.Hour))
		refused(t, encode(leaf, p.between), r, "cert_revoked")
		r.CRLs = p.crl(t, p.between, p.midKey, big.NewInt(4711), now.Add(-time.Minute))
		refused(t, encode(leaf, p.between), r, "cert_revoked") // a stale list vouches for nobody
		r.CRLs = p.crl(t, p.between, p.midKey, big.NewInt(4711), now.Add(time.Hour))
		if _, err := VerifyChain(encode(leaf, p.between), r); err != nil {
			t.Fatalf("another serial is revoked: %v", err)
		}
	})
	t.Run("X509-023", func(t *testing.T) {
		for name, change := range map[string]func(*tbsCertificate){
			"DSA key":         func(tbs *tbsCertificate) { tbs.Key = asn1.RawValue{FullBytes: dsaKey(t)} },
			"negative serial": func(tbs *tbsCertificate) { tbs.Serial = big.NewInt(-7) },
			"name constraint": func(tbs *tbsCertificate) {
				tbs.Extensions = append(tbs.Extensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 30}, Critical: true, Value: []byte{0x30, 0x80}})
			},
			"empty constraint": func(tbs *tbsCertificate) {
				tbs.Extensions = append(tbs.Extensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 30}, Critical: true, Value: []byte{0x30, 0}})
			},
		} {
			_, err := VerifyChain([]string{p.forged(change), encode(p.between)[0]}, p.rule())
			if err == nil {
				t.Fatalf("%s: accepted", name)
			}
			wantReason(t, err, "cert_malformed")
		}
	})
	t.Run("name constraints bind", func(t *testing.T) {
		q := newPKI(t)
		bound := q.ca("between")
		bound.PermittedDNSDomainsCritical, bound.PermittedDNSDomains = true, []string{"example.net"}
		q.between = q.make(bound, q.root, q.midKey.Public(), q.rootKey)
		refused(t, q.chain(q.leaf()), q.rule(), "cert_untrusted")
	})
}

func TestCachedChains(t *testing.T) {
	p := newPKI(t)
	leaf := p.make(p.leaf(), p.between, p.leafKey.Public(), p.midKey)
	x5c, r := encode(leaf, p.between), p.rule()
	first, err := VerifyChain(x5c, r)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := VerifyChain(x5c, r); err != nil || again != first {
		t.Fatalf("not the cached chain, %v", err)
	}
	later := r
	later.Now = now.Add(MaxChainAge + time.Second)
	if again, err := VerifyChain(x5c, later); err != nil || again == first {
		t.Fatalf("the cached chain after %v, %v", MaxChainAge, err)
	}
	for name, change := range map[string]struct {
		twist func(*ChainRule)
		want  string
	}{
		"anchor gone":  {func(r *ChainRule) { r.Anchors = nil }, "cert_untrusted"},
		"other name":   {func(r *ChainRule) { r.DNSName = "evil.example" }, "cert_san_mismatch"},
		"other use":    {func(r *ChainRule) { r.EKU = statusSigning }, "cert_eku"},
		"revoked":      {func(r *ChainRule) { r.CRLs = p.crl(t, p.between, p.midKey, leaf.SerialNumber, now.Add(time.Hour)) }, "cert_revoked"},
		"run out":      {func(r *ChainRule) { r.Now = now.Add(2 * time.Hour) }, "cert_expired"},
		"clock behind": {func(r *ChainRule) { r.Now = now.Add(-2 * time.Hour) }, "cert_not_yet_valid"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := VerifyChain(x5c, p.rule()); err != nil {
				t.Fatal(err)
			}
			twisted := p.rule()
			change.twist(&twisted)
			_, err := VerifyChain(x5c, twisted)
			wantReason(t, err, change.want)
		})
	}
}
