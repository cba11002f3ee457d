package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"testing"
	"time"
)

// A pki is an anchor, one intermediate and the means to make leaves.
type pki struct {
	t               testing.TB
	root, between   *x509.Certificate
	rootKey, midKey crypto.Signer
	leafKey         crypto.Signer
	serial          int64
}

func newPKI(t testing.TB) *pki {
	t.Helper()
	p := &pki{t: t, rootKey: ecKey(t, elliptic.P256()), midKey: ecKey(t, elliptic.P256()), leafKey: ecKey(t, elliptic.P256())}
	p.root = p.make(p.ca("root"), nil, p.rootKey.Public(), p.rootKey)
	p.between = p.make(p.ca("between"), p.root, p.midKey.Public(), p.rootKey)
	return p
}

func ecKey(t testing.TB, c elliptic.Curve) crypto.Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (p *pki) ca(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

func (p *pki) leaf() *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: "leaf"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{"client.example.org"},
	}
}

// make signs a template; with no parent it signs itself.
func (p *pki) make(template, parent *x509.Certificate, pub crypto.PublicKey, signer crypto.Signer) *x509.Certificate {
	p.t.Helper()
	p.serial++
	if template.SerialNumber == nil {
		template.SerialNumber = big.NewInt(p.serial)
	}
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, signer)
	if err != nil {
		p.t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// chain signs a leaf below the intermediate.
func (p *pki) chain(leaf *x509.Certificate) []string {
	p.t.Helper()
	return encode(p.make(leaf, p.between, p.leafKey.Public(), p.midKey), p.between)
}

func encode(certs ...*x509.Certificate) []string {
	var x5c []string
	for _, c := range certs {
		x5c = append(x5c, base64.StdEncoding.EncodeToString(c.Raw))
	}
	return x5c
}

func (p *pki) rule() ChainRule {
	return ChainRule{Anchors: []*x509.Certificate{p.root}, Now: now, DNSName: "client.example.org"}
}

type tbsCertificate struct {
	Version    int `asn1:"optional,explicit,default:0,tag:0"`
	Serial     *big.Int
	Algorithm  pkix.AlgorithmIdentifier
	Issuer     asn1.RawValue
	Validity   asn1.RawValue
	Subject    asn1.RawValue
	Key        asn1.RawValue
	Extensions []pkix.Extension `asn1:"omitempty,optional,explicit,tag:3"`
}

// forged changes what no library would write and signs it again.
func (p *pki) forged(change func(*tbsCertificate)) string {
	p.t.Helper()
	c := p.make(p.leaf(), p.between, p.leafKey.Public(), p.midKey)
	var tbs tbsCertificate
	if _, err := asn1.Unmarshal(c.RawTBSCertificate, &tbs); err != nil {
		p.t.Fatal(err)
	}
	change(&tbs)
	raw, err := asn1.Marshal(tbs)
	if err != nil {
		p.t.Fatal(err)
	}
	digest := crypto.SHA256.New()
	digest.Write(raw)
	signature, err := p.midKey.Sign(rand.Reader, digest.Sum(nil), crypto.SHA256)
	if err != nil {
		p.t.Fatal(err)
	}
	der, err := asn1.Marshal(struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: raw}, tbs.Algorithm, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
	if err != nil {
		p.t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func many(n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("n%d.example.org", i))
	}
	return names
}

// oidTail is the encoded object identifier 1.2.840.113549.1.1.n.
func oidTail(n byte) []byte { return []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, n} }

func dnsNames(t *testing.T, name string) []byte {
	t.Helper()
	b, err := asn1.Marshal([]asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: 2, Bytes: []byte(name)}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// dsaKey is a SubjectPublicKeyInfo of a toy DSA key.
func dsaKey(t *testing.T) []byte {
	t.Helper()
	params, err := asn1.Marshal(struct{ P, Q, G *big.Int }{big.NewInt(23), big.NewInt(11), big.NewInt(4)})
	if err != nil {
		t.Fatal(err)
	}
	y, err := asn1.Marshal(big.NewInt(8))
	if err != nil {
		t.Fatal(err)
	}
	b, err := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}{
		pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}, Parameters: asn1.RawValue{FullBytes: params}},
		asn1.BitString{Bytes: y, BitLength: 8 * len(y)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// crl revokes one serial, and goes through the file reader as PEM and as DER.
func (p *pki) crl(t testing.TB, issuer *x509.Certificate, key crypto.Signer, serial *big.Int, next time.Time) []*x509.RevocationList {
	t.Helper()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: now.Add(-time.Hour), NextUpdate: next,
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: serial, RevocationTime: now.Add(-time.Minute)}},
	}, issuer, key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseCRLs(der); err != nil {
		t.Fatal(err)
	}
	lists, err := ParseCRLs(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
	if err != nil || len(lists) != 1 {
		t.Fatalf("%d lists, %v", len(lists), err)
	}
	_, err = ParseCRLs([]byte("-----BEGIN nothing"))
	wantReason(t, err, "crl_malformed")
	return lists
}
