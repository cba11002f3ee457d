package sdjwt

import (
	"errors"

	"facet/credentials/claims"
	"facet/credentials/jose"
)

// VerifyOptions narrow what Verify accepts; the zero value is strict.
type VerifyOptions struct {
	// Hashes are the digest algorithms accepted; nil means all of Hashes.
	Hashes []string
}

// Verified is an SD-JWT whose issuer signature was verified with the key the
// caller named and whose disclosures all belong to it. It says nothing about
// the issuer being trusted, about exp and nbf, or about key binding.
type Verified struct {
	sd          *SDJWT
	header      jose.Header
	hash        string
	claims      claims.Set
	disclosures []Disclosure
}

// Claims is the processed payload (RFC 9901 §7.1): disclosed claims in their
// places, _sd, _sd_alg and undisclosed array elements removed. Callers must
// not change it.
func (v *Verified) Claims() claims.Set { return v.claims }

// Header is the issuer-signed JWT's protected header.
func (v *Verified) Header() jose.Header { return v.header }

// Disclosures are the disclosures, in the order received, with their places.
func (v *Verified) Disclosures() []Disclosure { return v.disclosures }

// SDJWT is what was verified.
func (v *Verified) SDJWT() *SDJWT { return v.sd }

// Hash is the digest algorithm in use (_sd_alg).
func (v *Verified) Hash() string { return v.hash }

// Verify checks the issuer's signature with pub and then, and only then, reads
// the disclosures and processes the payload (RFC 9901 §7.1 steps 2 to 5). It
// may be called any number of times.
func (s *SDJWT) Verify(pub *jose.PublicKey, o VerifyOptions) (*Verified, error) {
	token, err := s.issuer.Verify(pub)
	if err != nil {
		return nil, signatureError(err)
	}
	v := &Verified{sd: s, header: token.Header()}
	payload := token.Claims()
	if v.hash, err = hashName(payload); err != nil {
		return nil, err
	}
	if o.Hashes != nil && !contains(o.Hashes, v.hash) {
		return nil, fail("sdjwt_hash_unsupported", "_sd_alg is not allowed here")
	}
	p, err := newProcessor(v.hash, s.disclosures, payload)
	if err != nil {
		return nil, err
	}
	if v.claims, err = p.run(payload); err != nil {
		return nil, err
	}
	v.disclosures = p.disclosures
	return v, nil
}

// signatureError keeps jose's reason where it says more than "the signature
// is wrong".
func signatureError(err error) error {
	var r interface{ Reason() string }
	if errors.As(err, &r) && r.Reason() != "jose_signature_invalid" {
		return err
	}
	return wrap("issuer_signature_invalid", "issuer signature", err)
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}
