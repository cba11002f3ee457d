package jose

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/json"
	"hash"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// A Verified token carries a signature that was checked against one key.
// Only Verify makes one.
type Verified struct {
	token *Token
	key   *PublicKey
}

// Verify checks the signature with exactly this key. The key decides the
// algorithm; a token that names another is refused (RFC 8725 §3.1). Reasons:
// jose_alg_key_mismatch, jose_signature_invalid. It checks no claim.
func (t *Token) Verify(pub *PublicKey) (*Verified, error) {
	if pub == nil {
		return nil, refuse(ReasonKid, "no key to verify with")
	}
	if t.header.Alg != pub.Alg() {
		return nil, refuse("jose_alg_key_mismatch", "token's algorithm is not the key's")
	}
	if !pub.verify(t.signed, t.signature) {
		return nil, refuse(ReasonSignature, "signature does not verify")
	}
	return &Verified{t, pub}, nil
}

// Header returns the protected header.
func (v *Verified) Header() Header { return v.token.header }

// Claims returns the payload. It is shared: do not change it.
func (v *Verified) Claims() map[string]any { return v.token.claims }

// Payload returns the payload's bytes as they were signed.
func (v *Verified) Payload() []byte {
	b, _ := DecodeBase64URL(v.token.payload) // Parse decoded it before
	return b
}

// Key returns the key the signature was checked with.
func (v *Verified) Key() *PublicKey { return v.key }

func (k *PublicKey) verify(signed string, signature []byte) bool {
	if k.alg == ES256 {
		digest := sum256(signed)
		var asn1 [maxDER]byte
		return len(signature) == 64 && ecdsa.VerifyASN1(k.key.(*ecdsa.PublicKey), digest[:], appendDER(asn1[:0], signature))
	}
	v, err := jws.NewVerifier(jwa.SignatureAlgorithm(k.alg))
	return err == nil && v.Verify([]byte(signed), signature, k.key) == nil
}

// sum256 hashes a text piece by piece, so that none of it is copied to the
// heap.
func sum256(text string) (sum [sha256.Size]byte) {
	h := hashers.Get().(*hasher)
	defer hashers.Put(h)
	h.Reset()
	for text != "" {
		n := copy(h.piece[:], text)
		h.Write(h.piece[:n])
		text = text[n:]
	}
	copy(sum[:], h.Sum(h.piece[:0]))
	return sum
}

type hasher struct {
	hash.Hash
	piece [1024]byte
}

var hashers = sync.Pool{New: func() any { return &hasher{Hash: sha256.New()} }}

// maxDER is the longest ES256 signature in ASN.1.
const maxDER = 2 + 2*(2+1+32)

// appendDER appends a raw signature (r and s, 32 bytes each, RFC 7518 §3.4) in
// the form crypto/ecdsa reads.
func appendDER(dst, raw []byte) []byte {
	dst = append(dst, 0x30, 0)
	for _, n := range [2][]byte{raw[:32], raw[32:]} {
		for len(n) > 1 && n[0] == 0 {
			n = n[1:]
		}
		sign := int(n[0] >> 7) // a leading bit would make it negative
		dst = append(dst, 0x02, byte(sign+len(n)))
		dst = append(dst, make([]byte, sign)...)
		dst = append(dst, n...)
	}
	dst[1] = byte(len(dst) - 2)
	return dst
}

// Bounds of a NumericDate: years 1 to 9999.
const (
	minDate = -62135596800
	maxDate = 253402300799
)

// NumericDate returns the time a claim names (RFC 7519 §2) and whether the
// claim is there. Anything but a number in range is an Error with reason
// claim_type.
func NumericDate(claims map[string]any, name string) (t time.Time, ok bool, err error) {
	v, there := claims[name]
	if !there {
		return time.Time{}, false, nil
	}
	var seconds float64
	switch v := v.(type) {
	case json.Number:
		if whole, err := strconv.ParseInt(v.String(), 10, 64); err == nil && whole >= minDate && whole <= maxDate {
			return time.Unix(whole, 0), true, nil
		}
		if seconds, err = strconv.ParseFloat(v.String(), 64); err != nil {
			seconds = math.Inf(1)
		}
	case int64:
		seconds = float64(v)
	case int:
		seconds = float64(v)
	default:
		seconds = math.Inf(1)
	}
	if !(seconds >= minDate && seconds <= maxDate) {
		return time.Time{}, false, refuse(ReasonClaimType, "%s is not a date", name)
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)), true, nil
}

// StringClaim returns a claim that must be a string, and not empty. Reasons:
// claim_missing, claim_type.
func StringClaim(claims map[string]any, name string) (string, error) {
	v, there := claims[name]
	if !there {
		return "", refuse(ReasonClaimAbsent, "%s is absent", name)
	}
	s, ok := v.(string)
	if !ok || s == "" {
		return "", refuse(ReasonClaimType, "%s is not a string", name)
	}
	return s, nil
}
