package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"facet/store/bolt"
)

const (
	demoAnchorYears = 5
	demoLeafYears   = 2
	demoRenewBefore = 30 * 24 * time.Hour
)

// A demoParty is somebody the demo vouches for.
type demoParty struct {
	file         string // below the PKI folder, without suffix
	organization string
	domain       string
	anchor       string // which register vouches
}

// The two registers of the demo are apart on purpose: who may issue is not who
// may ask.
var demoParties = []demoParty{
	{file: "buergeramt", organization: "Bürgeramt Lindenstadt", domain: "lindenstadt.example", anchor: "issuers"},
	{file: "morgenblatt-abo", organization: "Morgenblatt", domain: "abo.morgenblatt.example", anchor: "issuers"},
	{file: "morgenblatt", organization: "Morgenblatt", domain: "morgenblatt.example", anchor: "media"},
}

// A demoIdentity is a key and the chain that vouches for it, without the anchor
// (HAIP 1.0 §5).
type demoIdentity struct {
	key    *ecdsa.PrivateKey
	x5c    []string // base64 DER, leaf first
	anchor string   // base64 DER
}

// demoPKI reads the demo's identities from dir, making them at the first start
// and again 30 days before they expire. The anchors' private keys are thrown
// away once they have signed: nobody can vouch for a further party later.
func demoPKI(dir string, now time.Time) (map[string]demoIdentity, error) {
	return partiesPKI(dir, demoParties, now)
}

// partiesPKI is demoPKI for other parties.
func partiesPKI(dir string, parties []demoParty, now time.Time) (map[string]demoIdentity, error) {
	ids, err := readPKI(dir, parties, now)
	if err == nil {
		return ids, nil
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errRenew) {
		return nil, err
	}
	if err := makePKI(dir, parties, now); err != nil {
		return nil, fmt.Errorf("make the demo's certificates: %w", err)
	}
	return readPKI(dir, parties, now)
}

var errRenew = errors.New("a certificate expires soon")

func readPKI(dir string, parties []demoParty, now time.Time) (map[string]demoIdentity, error) {
	var anchors map[string]string
	b, err := os.ReadFile(filepath.Join(dir, "anchors.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &anchors); err != nil {
		return nil, fmt.Errorf("anchors.json: %w", err)
	}
	ids := map[string]demoIdentity{}
	for _, p := range parties {
		b, err := os.ReadFile(filepath.Join(dir, p.file+".pem"))
		if err != nil {
			return nil, err
		}
		id, err := parseIdentity(b, now)
		if err != nil {
			return nil, fmt.Errorf("%s.pem: %w", p.file, err)
		}
		id.anchor = anchors[p.anchor]
		ids[p.file] = id
	}
	return ids, nil
}

func parseIdentity(b []byte, now time.Time) (demoIdentity, error) {
	var id demoIdentity
	for {
		var block *pem.Block
		block, b = pem.Decode(b)
		if block == nil {
			break
		}
		switch block.Type {
		case "PRIVATE KEY":
			k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return id, err
			}
			key, ok := k.(*ecdsa.PrivateKey)
			if !ok {
				return id, errors.New("the key is not an EC key")
			}
			id.key = key
		case "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return id, err
			}
			if now.Add(demoRenewBefore).After(cert.NotAfter) {
				return id, errRenew
			}
			id.x5c = append(id.x5c, base64.StdEncoding.EncodeToString(block.Bytes))
		}
	}
	if id.key == nil || len(id.x5c) == 0 {
		return id, errors.New("no key or no certificate in it")
	}
	return id, nil
}

// makePKI replaces all identities. anchors.json goes first and comes last: who
// is killed in between finds none and makes them again.
func makePKI(dir string, parties []demoParty, now time.Time) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	published := filepath.Join(dir, "anchors.json")
	if err := os.Remove(published); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	type anchor struct {
		cert *x509.Certificate
		key  *ecdsa.PrivateKey
	}
	anchors, certificates := map[string]anchor{}, map[string]string{}
	for name, title := range map[string]string{"issuers": "Facet demo register of issuers", "media": "Facet demo media register"} {
		cert, key, err := demoAnchor(title, now)
		if err != nil {
			return err
		}
		anchors[name] = anchor{cert, key}
		certificates[name] = base64.StdEncoding.EncodeToString(cert.Raw)
	}
	for _, p := range parties {
		b, err := demoLeaf(p, anchors[p.anchor].cert, anchors[p.anchor].key, now)
		if err != nil {
			return err
		}
		if err := bolt.WriteFile(filepath.Join(dir, p.file+".pem"), b); err != nil {
			return err
		}
	}
	b, err := json.MarshalIndent(certificates, "", "  ")
	if err != nil {
		return err
	}
	return bolt.WriteFile(published, b)
}

func demoAnchor(title string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := serialNumber()
	if err != nil {
		return nil, nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: title, Organization: []string{"Facet demo"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(demoAnchorYears, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLen: 0, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: keyID(&key.PublicKey),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

// demoLeaf makes a key and its certificate, as PEM.
func demoLeaf(p demoParty, ca *x509.Certificate, caKey *ecdsa.PrivateKey, now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := serialNumber()
	if err != nil {
		return nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: p.organization, Organization: []string{p.organization}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(demoLeafYears, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{p.domain},
		BasicConstraintsValid: true, SubjectKeyId: keyID(&key.PublicKey), AuthorityKeyId: ca.SubjectKeyId,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca, &key.PublicKey, caKey)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	out := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	return append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...), nil
}

func serialNumber() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
}

// keyID is the subject key identifier of RFC 7093 §2 (1): the left 160 bits of
// SHA-256 over the public point.
func keyID(pub *ecdsa.PublicKey) []byte {
	point, err := pub.Bytes()
	if err != nil {
		return nil
	}
	sum := sha256.Sum256(point)
	return sum[:20]
}
