package jose

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
)

// MaxCRLFile is the most bytes ParseCRLs reads.
const MaxCRLFile = 16 << 20

// ParseCRLs reads a file of certificate revocation lists: one as DER, or any
// number as PEM blocks "X509 CRL" (RFC 5280 §5). Their signatures are checked
// when a chain is. Reasons: size_limit, crl_malformed.
func ParseCRLs(file []byte) ([]*x509.RevocationList, error) {
	if len(file) > MaxCRLFile {
		return nil, refuse(ReasonSize, "revocation lists longer than %d bytes", MaxCRLFile)
	}
	if !bytes.Contains(file, []byte("-----BEGIN")) {
		l, err := x509.ParseRevocationList(file)
		if err != nil {
			return nil, &Error{"crl_malformed", "not a revocation list", err}
		}
		return []*x509.RevocationList{l}, nil
	}
	var lists []*x509.RevocationList
	for block, rest := pem.Decode(file); ; block, rest = pem.Decode(rest) {
		if block == nil {
			if len(bytes.TrimSpace(rest)) > 0 || len(lists) == 0 {
				return nil, refuse("crl_malformed", "text that is no PEM block")
			}
			return lists, nil
		}
		l, err := x509.ParseRevocationList(block.Bytes)
		if err != nil || block.Type != "X509 CRL" {
			return nil, &Error{"crl_malformed", "not a revocation list", err}
		}
		lists = append(lists, l)
	}
}

// checkRevocation looks every certificate below the anchor up in the lists of
// its issuer (RFC 5280 §6.3). An issuer without a list is not asked; a list
// that is badly signed or out of date counts against what it would vouch for.
func (r ChainRule) checkRevocation(path []*x509.Certificate) error {
	for i, c := range path[:len(path)-1] {
		issuer := path[i+1]
		for _, l := range r.CRLs {
			if !bytes.Equal(l.RawIssuer, issuer.RawSubject) {
				continue
			}
			if l.CheckSignatureFrom(issuer) != nil {
				return refuse("cert_revoked", "revocation list is not its issuer's")
			}
			if r.Now.Before(l.ThisUpdate) || !l.NextUpdate.IsZero() && r.Now.After(l.NextUpdate) {
				return refuse("cert_revoked", "revocation list is out of date")
			}
			for _, revoked := range l.RevokedCertificateEntries {
				if revoked.SerialNumber.Cmp(c.SerialNumber) == 0 {
					return refuse("cert_revoked", "certificate was revoked")
				}
			}
		}
	}
	return nil
}
