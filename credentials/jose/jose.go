// Package jose is the only door to JOSE: signed tokens (JWS, RFC 7515),
// encrypted ones (JWE, RFC 7516), keys (JWK, RFC 7517) and certificate chains.
//
// One strict parser stands in front of every token: compact serialization,
// canonical base64url, JSON without duplicate or case-colliding members,
// depth and size bounded before anything is allocated, exact lists of what
// "typ" and "alg" may be, no "crit", no "zip", no header that points at a
// remote key. ES256, the algorithm of every profile here, goes straight to
// crypto/ecdsa, and so do JWEs that are opened to crypto/ecdh; ES384, EdDSA and
// encryption go through jwx.
//
// It trusts nobody: a signature that verifies says only that the holder of
// that key made it. Which key to believe, and whether a token is still valid,
// is the caller's job. It opens no connection and reads no file.
package jose

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// Algorithms this package signs and verifies with (RFC 7518 §3.1, RFC 8037).
const (
	ES256 = "ES256"
	ES384 = "ES384"
	EdDSA = "EdDSA"
)

// Limits of every token.
const (
	MaxToken  = 256 << 10 // bytes of a compact token, unless a Rule says less or more
	MaxHeader = 128 << 10 // bytes of its encoded header
	MaxKid    = 1024      // bytes of a key id; a did:jwk URL has about 200
)

// Reasons an Error of this package gives, for callers that branch on them.
const (
	ReasonSize        = "size_limit"
	ReasonSignature   = "jose_signature_invalid"
	ReasonTyp         = "jose_typ_unexpected"
	ReasonKid         = "jose_kid_unknown"
	ReasonClaimType   = "claim_type"
	ReasonClaimAbsent = "claim_missing"
	ReasonDecrypt     = "jwe_decrypt_failed"
)

// An Error says why a token, key, chain or JSON text was refused. It never
// holds a claim value, a key or a token.
type Error struct {
	reason string
	detail string
	cause  error
}

// Error returns the reason and one plain sentence.
func (e *Error) Error() string { return "jose: " + e.reason + ": " + e.detail }

// Reason returns the stable code of the refusal, such as jose_alg_not_allowed.
func (e *Error) Reason() string { return e.reason }

// Unwrap returns what a library said, if one spoke.
func (e *Error) Unwrap() error { return e.cause }

func refuse(reason, format string, args ...any) *Error {
	return &Error{reason: reason, detail: fmt.Sprintf(format, args...)}
}

var rawURL = base64.RawURLEncoding.Strict()

// DecodeBase64URL decodes canonical base64url only: no padding, no line ends,
// no bits left over (RFC 7515 §2, RFC 4648 §3.5). Reason
// jose_base64_not_canonical.
func DecodeBase64URL(s string) ([]byte, error) {
	return appendBase64URL(make([]byte, 0, rawURL.DecodedLen(len(s))), s)
}

func appendBase64URL(dst []byte, s string) ([]byte, error) {
	if strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0 { // which encoding/base64 skips
		return nil, refuse("jose_base64_not_canonical", "line end inside base64url")
	}
	b, err := rawURL.AppendDecode(dst, []byte(s))
	if err != nil {
		return nil, refuse("jose_base64_not_canonical", "not canonical base64url")
	}
	return b, nil
}

// EncodeBase64URL encodes without padding.
func EncodeBase64URL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
