package jose

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

// Limits of a certificate chain.
const (
	MaxChain       = 5        // certificates in x5c
	MaxCertificate = 16 << 10 // bytes of one, as DER
	MaxNames       = 64       // alternative names, and name constraints, of one certificate
)

// A ChainRule says which chains to believe. Its zero value believes none.
type ChainRule struct {
	Anchors []*x509.Certificate // the only roots; the system's are never asked
	Now     time.Time           // when the chain must be valid; required
	DNSName string              // exact dNSName the leaf must have; "" asks for none

	// EKU is the extended key usage the leaf must name. With nil, a leaf that
	// names usages must name one that is not for TLS; "any" never counts.
	EKU asn1.ObjectIdentifier

	CRLs []*x509.RevocationList // revocation lists; see ParseCRLs
}

// A Chain is a certificate chain that VerifyChain believed.
type Chain struct {
	Leaf   *x509.Certificate
	Key    *PublicKey        // the leaf's
	Anchor *x509.Certificate // the root from ChainRule.Anchors

	until time.Time // when some certificate or list of it runs out
}

// VerifyChain checks an x5c header (RFC 7515 §4.1.6, RFC 5280 §6.1): leaf
// first, each signed by the next, the last by an anchor, and the anchor itself
// not among them (HAIP 1.0 §5). The result is cached for at most five minutes.
// Reasons: cert_chain_limit, cert_malformed, cert_weak_crypto,
// cert_root_in_chain, cert_chain_order, cert_untrusted, cert_expired,
// cert_not_yet_valid, cert_not_ca, cert_key_usage, cert_eku, cert_san_missing,
// cert_san_wildcard, cert_san_mismatch, cert_revoked.
func VerifyChain(x5c []string, r ChainRule) (*Chain, error) {
	if len(x5c) == 0 {
		return nil, refuse("cert_malformed", "no certificate")
	}
	if len(x5c) > MaxChain {
		return nil, refuse("cert_chain_limit", "more than %d certificates", MaxChain)
	}
	key := chainKey(x5c, r)
	if c := chains.get(key, r); c != nil {
		return c, nil
	}
	c, err := r.verify(x5c)
	if err != nil {
		return nil, err
	}
	chains.put(key, c, r)
	return c, nil
}

// LeafHash returns the x509_hash client identifier of a chain's leaf: the
// base64url SHA-256 of its DER (OpenID4VP 1.0 §5.9.3), or "" if there is none.
func LeafHash(x5c []string) string {
	if len(x5c) == 0 || len(x5c[0]) > base64.StdEncoding.EncodedLen(MaxCertificate) {
		return ""
	}
	der, err := decodeDER(x5c[0])
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return EncodeBase64URL(sum[:])
}

// LeafKey returns the key of a chain's leaf. It believes nobody: VerifyChain, or
// a trust list, says whether the chain may be.
func LeafKey(x5c []string) (*PublicKey, error) {
	if len(x5c) == 0 || len(x5c[0]) > base64.StdEncoding.EncodedLen(MaxCertificate) {
		return nil, refuse("cert_malformed", "there is no certificate of bounded size")
	}
	der, err := decodeDER(x5c[0])
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, refuse("cert_malformed", "the certificate does not parse")
	}
	return PublicKeyFromCrypto(leaf.PublicKey)
}

func (r ChainRule) verify(x5c []string) (*Chain, error) {
	certs := make([]*x509.Certificate, len(x5c))
	for i, encoded := range x5c {
		var err error
		if certs[i], err = parseCertificate(encoded); err != nil {
			return nil, err
		}
	}
	if err := r.checkRoots(certs); err != nil {
		return nil, err
	}
	for i := range certs[1:] {
		if !signedBy(certs[i], certs[i+1]) {
			return nil, refuse("cert_chain_order", "a certificate is not signed by the next")
		}
	}
	path, err := r.anchor(certs)
	if err != nil {
		return nil, err
	}
	for _, check := range []func([]*x509.Certificate) error{
		r.checkValidity, checkCAs, r.checkLeaf, r.checkName, r.checkRevocation, r.checkAgain,
	} {
		if err := check(path); err != nil {
			return nil, err
		}
	}
	key, err := PublicKeyFromCrypto(path[0].PublicKey)
	if err != nil {
		return nil, refuse("cert_weak_crypto", "leaf key of another kind than P-256, P-384 or Ed25519")
	}
	return &Chain{Leaf: path[0], Key: key, Anchor: path[len(path)-1], until: r.validUntil(path)}, nil
}

func decodeDER(encoded string) ([]byte, error) {
	if strings.ContainsAny(encoded, "\r\n") {
		return nil, refuse("cert_malformed", "line end inside base64")
	}
	der, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, refuse("cert_malformed", "not base64 of DER")
	}
	return der, nil
}

func parseCertificate(encoded string) (*x509.Certificate, error) {
	if len(encoded) > base64.StdEncoding.EncodedLen(MaxCertificate) {
		return nil, refuse("cert_chain_limit", "certificate longer than %d bytes", MaxCertificate)
	}
	der, err := decodeDER(encoded)
	if err != nil {
		return nil, err
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, &Error{"cert_malformed", "not a certificate", err}
	}
	names := len(c.DNSNames) + len(c.EmailAddresses) + len(c.IPAddresses) + len(c.URIs)
	constraints := len(c.PermittedDNSDomains) + len(c.ExcludedDNSDomains) +
		len(c.PermittedIPRanges) + len(c.ExcludedIPRanges) +
		len(c.PermittedEmailAddresses) + len(c.ExcludedEmailAddresses) +
		len(c.PermittedURIDomains) + len(c.ExcludedURIDomains)
	if names > MaxNames || constraints > MaxNames {
		return nil, refuse("cert_chain_limit", "more than %d names in one certificate", MaxNames)
	}
	return c, checkStrength(c)
}

// strongSignatures are the signature algorithms a chain may use.
var strongSignatures = []x509.SignatureAlgorithm{
	x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512, x509.PureEd25519,
	x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA,
	x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS,
}

func checkStrength(c *x509.Certificate) error {
	switch key := c.PublicKey.(type) {
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P224() {
			return refuse("cert_weak_crypto", "curve P-224")
		}
	case *rsa.PublicKey:
		if key.N.BitLen() < 2048 {
			return refuse("cert_weak_crypto", "RSA key shorter than 2048 bits")
		}
	case ed25519.PublicKey:
	default: // DSA, and whatever the library parses but nobody should use
		return refuse("cert_malformed", "kind of key")
	}
	if !slices.Contains(strongSignatures, c.SignatureAlgorithm) {
		return refuse("cert_weak_crypto", "signature algorithm")
	}
	return nil
}

// checkRoots refuses anchors and self-signed certificates inside x5c.
func (r ChainRule) checkRoots(certs []*x509.Certificate) error {
	for i, c := range certs {
		if slices.ContainsFunc(r.Anchors, c.Equal) {
			return refuse("cert_root_in_chain", "the trust anchor is part of x5c")
		}
		if signedBy(c, c) {
			if i == 0 {
				return refuse("cert_untrusted", "leaf signed by itself")
			}
			return refuse("cert_root_in_chain", "a root is part of x5c")
		}
	}
	return nil
}

// signedBy looks at names and signature only; whether the parent may sign
// certificates is checkCAs' question.
func signedBy(child, parent *x509.Certificate) bool {
	return bytes.Equal(child.RawIssuer, parent.RawSubject) &&
		parent.CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature) == nil
}

// anchor returns the chain with the anchor at its end.
func (r ChainRule) anchor(certs []*x509.Certificate) ([]*x509.Certificate, error) {
	last := certs[len(certs)-1]
	for _, a := range r.Anchors {
		if a != nil && signedBy(last, a) {
			return append(slices.Clip(certs), a), nil
		}
	}
	return nil, refuse("cert_untrusted", "no anchor signed this chain")
}

func (r ChainRule) checkValidity(path []*x509.Certificate) error {
	for _, c := range path {
		if r.Now.Before(c.NotBefore) {
			return refuse("cert_not_yet_valid", "a certificate is not valid yet")
		}
		if r.Now.After(c.NotAfter) {
			return refuse("cert_expired", "a certificate has run out")
		}
	}
	return nil
}

func (r ChainRule) validUntil(path []*x509.Certificate) time.Time {
	until := path[0].NotAfter
	for _, c := range path[1:] {
		if c.NotAfter.Before(until) {
			until = c.NotAfter
		}
	}
	for _, l := range r.CRLs {
		if !l.NextUpdate.IsZero() && l.NextUpdate.Before(until) {
			until = l.NextUpdate
		}
	}
	return until
}

// checkCAs holds everything above the leaf to RFC 5280 §4.2.1.9 and §4.2.1.3.
func checkCAs(path []*x509.Certificate) error {
	for i, c := range path[1:] {
		if !c.BasicConstraintsValid || !c.IsCA {
			return refuse("cert_not_ca", "an issuer is no certificate authority")
		}
		// i intermediates stand between c and the leaf.
		if (c.MaxPathLen > 0 || c.MaxPathLenZero) && i > c.MaxPathLen {
			return refuse("cert_not_ca", "path length exceeded")
		}
		if c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0 {
			return refuse("cert_key_usage", "an issuer may not sign certificates")
		}
	}
	return nil
}

func (r ChainRule) checkLeaf(path []*x509.Certificate) error {
	leaf := path[0]
	if leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 || leaf.KeyUsage&x509.KeyUsageCertSign != 0 || leaf.IsCA {
		return refuse("cert_key_usage", "leaf is not for signatures, or for more than that")
	}
	if r.EKU != nil {
		if !slices.ContainsFunc(leaf.UnknownExtKeyUsage, r.EKU.Equal) {
			return refuse("cert_eku", "leaf is not for this purpose")
		}
		return nil
	}
	named := len(leaf.ExtKeyUsage) + len(leaf.UnknownExtKeyUsage)
	for _, u := range leaf.ExtKeyUsage {
		switch u {
		case x509.ExtKeyUsageAny:
			return refuse("cert_eku", "leaf is for any purpose")
		case x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth:
			named--
		}
	}
	if named == 0 && len(leaf.ExtKeyUsage) > 0 {
		return refuse("cert_eku", "leaf is for TLS only")
	}
	return nil
}

// checkName compares bytes: no wildcard, no common name, no case folding
// (OpenID4VP 1.0 §5.9.3).
func (r ChainRule) checkName(path []*x509.Certificate) error {
	if r.DNSName == "" {
		return nil
	}
	names := path[0].DNSNames
	if len(names) == 0 {
		return refuse("cert_san_missing", "leaf has no dNSName")
	}
	if slices.Contains(names, r.DNSName) && !strings.Contains(r.DNSName, "*") {
		return nil
	}
	_, parent, _ := strings.Cut(r.DNSName, ".")
	if slices.Contains(names, "*."+parent) {
		return refuse("cert_san_wildcard", "leaf has a wildcard name only")
	}
	return refuse("cert_san_mismatch", "leaf is for another name")
}

// checkAgain lets the standard library have the last word: it knows name
// constraints and critical extensions.
func (r ChainRule) checkAgain(path []*x509.Certificate) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(path[len(path)-1])
	for _, c := range path[1 : len(path)-1] {
		between.AddCert(c)
	}
	_, err := path[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: r.Now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return &Error{"cert_untrusted", "chain breaks a constraint", err}
	}
	return nil
}
