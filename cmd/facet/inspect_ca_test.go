package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"testing"
	"time"

	"facet/credentials/jose"
)

// A testCA is a root and a leaf under it.
type testCA struct {
	root     []byte
	rootCert *x509.Certificate
	rootKey  *ecdsa.PrivateKey
	x5c      []string
	leafKey  *jose.PrivateKey
}

func newTestCA(t *testing.T) *testCA {
	t.Helper()
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test root"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Test leaf"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	ca := &testCA{rootKey: rootKey}
	if ca.root, err = x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey); err != nil {
		t.Fatal(err)
	}
	if ca.rootCert, err = x509.ParseCertificate(ca.root); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, root, leafKey.Public(), rootKey)
	if err != nil {
		t.Fatal(err)
	}
	ca.x5c = []string{base64.StdEncoding.EncodeToString(der)}
	if ca.leafKey, err = jose.PrivateKeyFromCrypto(leafKey); err != nil {
		t.Fatal(err)
	}
	return ca
}

// make signs a certificate with a key of its own; twist changes its template.
func (ca *testCA) make(t *testing.T, twist func(*x509.Certificate), parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return ca.sign(t, twist, parent, signer, key.Public()), key
}

func (ca *testCA) sign(t *testing.T, twist func(*x509.Certificate), parent *x509.Certificate, signer *ecdsa.PrivateKey, pub any) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{"client.example.org"},
	}
	template.Subject.CommonName = template.SerialNumber.String()
	if twist != nil {
		twist(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, signer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// leaf is a certificate directly below the root.
func (ca *testCA) leaf(t *testing.T, twist func(*x509.Certificate)) (*jose.PrivateKey, []string) {
	t.Helper()
	c, key := ca.make(t, twist, ca.rootCert, ca.rootKey)
	private, err := jose.PrivateKeyFromCrypto(key)
	if err != nil {
		t.Fatal(err)
	}
	return private, []string{base64.StdEncoding.EncodeToString(c.Raw)}
}
