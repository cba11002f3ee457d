package jose

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/json"
	"math"
	"math/big"
	"strconv"
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
	if !pub.verify([]byte(t.signed), t.signature) {
		return nil, refuse(ReasonSignature, "signature does not verify")
	}
	return &Verified{t, pub}, nil
}

// Header returns the protected header.
func (v *Verified) Header() Header { return v.token.header }

// Claims returns the payload. It is shared: do not change it.
func (v *Verified) Claims() map[string]any { return v.token.claims }

// Payload returns the payload's bytes as they were signed.
func (v *Verified) Payload() []byte { return v.token.payload }

// Key returns the key the signature was checked with.
func (v *Verified) Key() *PublicKey { return v.key }

func (k *PublicKey) verify(signed, signature []byte) bool {
	if k.alg == ES256 {
		if len(signature) != 64 {
			return false
		}
		digest := sha256.Sum256(signed)
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		return ecdsa.Verify(k.key.(*ecdsa.PublicKey), digest[:], r, s)
	}
	v, err := jws.NewVerifier(jwa.SignatureAlgorithm(k.alg))
	return err == nil && v.Verify(signed, signature, k.key) == nil
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
