// Package sdjwt implements Selective Disclosure for JWTs (RFC 9901): issuing
// with object, array and recursive disclosures, the compact and both JWS JSON
// serializations, choosing what to present, and key binding.
//
// It does not know SD-JWT VC (vct, status, type metadata), does not look at
// exp, nbf or iss, and trusts nobody: which issuer key to believe, and whether
// key binding is required, are the caller's decisions (package credentials).
package sdjwt

import (
	"strings"

	"facet/credentials/jose"
)

const (
	// MaxSize is the longest SD-JWT, with all its disclosures and its key
	// binding JWT, that Parse and ParseJSON read, in bytes.
	MaxSize = 256 << 10
	// MaxDisclosures is the most disclosures one SD-JWT may carry.
	MaxDisclosures = 512
	// MaxDigests is the most digests, decoys included, that the payload and
	// all disclosures together may hold.
	MaxDigests = 4096
	// MaxDepth is how deep the processed payload may nest; the payload itself
	// is level 1.
	MaxDepth = 16
)

// An SDJWT is a parsed SD-JWT or SD-JWT+KB (RFC 9901 §4). Nothing in it is
// authentic: only what Verify returns is. It is immutable and safe for
// concurrent use.
type SDJWT struct {
	issuer      *jose.Token
	signed      string // JWT~D1~…~Dn~ : what sd_hash is computed over
	disclosures []string
	keyBinding  string
}

// Parse reads the compact serialization (RFC 9901 §4), whatever the typ of its
// issuer-signed JWT: the RFC leaves that to the application (§9.11), which
// should use ParseWith. It checks shape and limits only and does not decode
// the disclosures. Every error is an *Error or one of package jose's.
func Parse(s string) (*SDJWT, error) {
	r, err := anyType(s)
	if err != nil {
		return nil, err
	}
	return ParseWith(s, r)
}

// anyType returns the most lenient rule for the JWT that s starts with.
func anyType(s string) (jose.Rule, error) {
	r := jose.Rule{
		Typ:     []string{""},
		Algs:    []string{jose.ES256, jose.ES384, jose.EdDSA},
		MaxSize: MaxSize, AllowX5C: true, AllowJWK: true,
	}
	header, _, found := strings.Cut(s, ".")
	if !found || len(header) > jose.MaxHeader || strings.Contains(header, "~") {
		return r, nil // for ParseWith to refuse
	}
	text, err := jose.DecodeBase64URL(header)
	if err != nil {
		return r, err
	}
	members, err := jose.ParseObject(text, jose.Limits{})
	if err != nil {
		return r, err
	}
	if typ, ok := members["typ"].(string); ok {
		r.Typ = []string{typ}
	}
	return r, nil
}

// ParseWith is Parse with the application's own rule for the issuer-signed
// JWT, above all its typ and the algorithms it allows.
func ParseWith(s string, r jose.Rule) (*SDJWT, error) {
	if len(s) > MaxSize {
		return nil, fail("size_limit", "SD-JWT is longer than %d bytes", MaxSize)
	}
	jwt, rest, found := strings.Cut(s, "~")
	if !found || jwt == "" {
		return nil, fail("sdjwt_format", "an SD-JWT is a JWT followed by '~' and its disclosures")
	}
	n := strings.Count(rest, "~")
	if n > MaxDisclosures {
		return nil, fail("size_limit", "more than %d disclosures", MaxDisclosures)
	}
	sd := &SDJWT{signed: s, disclosures: make([]string, n)}
	for i := range sd.disclosures {
		sd.disclosures[i], rest, _ = strings.Cut(rest, "~")
		if sd.disclosures[i] == "" {
			return nil, fail("sdjwt_format", "disclosure %d is empty", i)
		}
	}
	if rest != "" {
		if strings.Count(rest, ".") != 2 {
			return nil, fail("sdjwt_format", "what follows the last '~' is not a key binding JWT")
		}
		sd.keyBinding, sd.signed = rest, s[:len(s)-len(rest)]
	}
	var err error
	if sd.issuer, err = jose.Parse(jwt, r); err != nil {
		return nil, err
	}
	return sd, nil
}

// Issuer is the issuer-signed JWT, not verified.
func (s *SDJWT) Issuer() *jose.Token { return s.issuer }

// KeyBinding is the compact key binding JWT, or "" if there is none.
func (s *SDJWT) KeyBinding() string { return s.keyBinding }

// Encoded returns the disclosures as received, in order.
func (s *SDJWT) Encoded() []string { return append([]string(nil), s.disclosures...) }

// String is the compact serialization.
func (s *SDJWT) String() string { return s.signed + s.keyBinding }

// WithoutKeyBinding is the compact serialization up to and including the last
// '~', which is what sd_hash covers.
func (s *SDJWT) WithoutKeyBinding() string { return s.signed }
