package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/json"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// MaxJWK is the most bytes a JWK text may have.
const MaxJWK = 8 << 10

// MaxKeys is the most keys ParseKeySet accepts.
const MaxKeys = 32

// A PublicKey verifies signatures or receives encrypted tokens: P-256, P-384
// or Ed25519. It never changes after it was made.
type PublicKey struct {
	key              crypto.PublicKey // *ecdsa.PublicKey or ed25519.PublicKey
	alg              string           // what it verifies with
	kid, use, forAlg string           // as its JWK said
	crv, x, y        string           // public members, canonical base64url
}

// ParsePublicKey reads a JWK (RFC 7517 §4). Reasons: jwk_malformed,
// jwk_unsupported for another kind of key, jwk_private if a private member is
// there; those of ParseObject.
func ParsePublicKey(text []byte) (*PublicKey, error) {
	members, err := ParseObject(text, Limits{MaxSize: MaxJWK})
	if err != nil {
		return nil, err
	}
	return PublicKeyFromMap(members)
}

// PublicKeyFromMap is ParsePublicKey for a JWK that was decoded already.
func PublicKeyFromMap(members map[string]any) (*PublicKey, error) {
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k", "oth"} {
		if _, there := members[private]; there {
			return nil, refuse("jwk_private", "a private member in a public key")
		}
	}
	return publicMembers(members)
}

func publicMembers(members map[string]any) (*PublicKey, error) {
	var kty, crv, x, y string
	k := new(PublicKey)
	for _, m := range [...]struct {
		name string
		to   *string
	}{{"kty", &kty}, {"crv", &crv}, {"x", &x}, {"y", &y}, {"kid", &k.kid}, {"use", &k.use}, {"alg", &k.forAlg}} {
		v, there := members[m.name]
		s, ok := v.(string)
		if there && !ok {
			return nil, refuse("jwk_malformed", "member %s is not a string", m.name)
		}
		*m.to = s
	}
	if len(k.kid) > MaxKid {
		return nil, refuse("jwk_malformed", "kid longer than %d bytes", MaxKid)
	}
	switch {
	case kty == "EC" && crv == "P-256":
		return k.setP256(x, y)
	case kty == "EC" && crv == "P-384", kty == "OKP" && crv == "Ed25519":
		return k.setByLibrary(kty, crv, x, y)
	}
	return nil, refuse("jwk_unsupported", "kind of key")
}

// setP256 is every presentation's path, so it goes straight to the standard
// library, which checks that the point is on the curve.
func (k *PublicKey) setP256(x, y string) (*PublicKey, error) {
	point := make([]byte, 1, 65)
	point[0] = 4
	for _, coordinate := range []string{x, y} {
		b, err := DecodeBase64URL(coordinate)
		if err != nil || len(b) != 32 {
			return nil, refuse("jwk_malformed", "coordinate is not 32 bytes of base64url")
		}
		point = append(point, b...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, refuse("jwk_malformed", "point is not on the curve")
	}
	k.key, k.alg, k.crv, k.x, k.y = key, ES256, "P-256", x, y
	return k, nil
}

func (k *PublicKey) setByLibrary(kty, crv, x, y string) (*PublicKey, error) {
	size := map[string]int{"P-384": 48, "Ed25519": 32}[crv]
	members := map[string]string{"kty": kty, "crv": crv, "x": x}
	if kty == "EC" {
		members["y"] = y
	}
	for _, name := range []string{"x", "y"} {
		coordinate, there := members[name]
		if !there {
			continue
		}
		if b, err := DecodeBase64URL(coordinate); err != nil || len(b) != size {
			return nil, refuse("jwk_malformed", "coordinate is not %d bytes of base64url", size)
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		return nil, refuse("jwk_malformed", "members do not encode")
	}
	parsed, err := jwk.ParseKey(text)
	if err != nil {
		return nil, refuse("jwk_malformed", "key does not parse")
	}
	var raw any
	if err := parsed.Raw(&raw); err != nil {
		return nil, refuse("jwk_malformed", "key does not parse")
	}
	made, err := PublicKeyFromCrypto(raw)
	if err != nil {
		return nil, err
	}
	made.kid, made.use, made.forAlg = k.kid, k.use, k.forAlg
	return made, nil
}

// PublicKeyFromCrypto wraps a key of the standard library. Reasons:
// jwk_unsupported, jwk_malformed.
func PublicKeyFromCrypto(pub crypto.PublicKey) (*PublicKey, error) {
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		point, err := pub.Bytes() // fails off the curve
		if err != nil {
			return nil, refuse("jwk_malformed", "point is not on the curve")
		}
		n := (len(point) - 1) / 2
		k := &PublicKey{key: pub, x: EncodeBase64URL(point[1 : 1+n]), y: EncodeBase64URL(point[1+n:])}
		switch pub.Curve {
		case elliptic.P256():
			k.alg, k.crv = ES256, "P-256"
			return k, nil
		case elliptic.P384():
			k.alg, k.crv = ES384, "P-384"
			return k, nil
		}
	case ed25519.PublicKey:
		if len(pub) != ed25519.PublicKeySize {
			return nil, refuse("jwk_malformed", "key has the wrong length")
		}
		return &PublicKey{key: pub, alg: EdDSA, crv: "Ed25519", x: EncodeBase64URL(pub)}, nil
	}
	return nil, refuse("jwk_unsupported", "kind of key")
}

// JWK returns the public members only: kty, crv, x, and y for elliptic curves.
func (k *PublicKey) JWK() map[string]any {
	if k.y == "" {
		return map[string]any{"kty": "OKP", "crv": k.crv, "x": k.x}
	}
	return map[string]any{"kty": "EC", "crv": k.crv, "x": k.x, "y": k.y}
}

// MarshalJSON returns the members JWK returns, in canonical order.
func (k *PublicKey) MarshalJSON() ([]byte, error) { return []byte(k.canonical()), nil }

// canonical is the thumbprint's input (RFC 7638 §3). No member needs escaping.
func (k *PublicKey) canonical() string {
	if k.y == "" {
		return `{"crv":"` + k.crv + `","kty":"OKP","x":"` + k.x + `"}`
	}
	return `{"crv":"` + k.crv + `","kty":"EC","x":"` + k.x + `","y":"` + k.y + `"}`
}

// Thumbprint returns the base64url SHA-256 thumbprint (RFC 7638).
func (k *PublicKey) Thumbprint() string {
	sum := sha256.Sum256([]byte(k.canonical()))
	return EncodeBase64URL(sum[:])
}

// Kid returns the key id its JWK gave, or "".
func (k *PublicKey) Kid() string { return k.kid }

// Use returns the use its JWK gave ("sig", "enc"), or "".
func (k *PublicKey) Use() string { return k.use }

// IntendedAlg returns the alg member its JWK gave, such as ECDH-ES, or "".
func (k *PublicKey) IntendedAlg() string { return k.forAlg }

// Alg returns the signature algorithm this kind of key verifies with.
func (k *PublicKey) Alg() string { return k.alg }

// Curve returns the JWK name of the curve: P-256, P-384 or Ed25519.
func (k *PublicKey) Curve() string { return k.crv }

// Crypto returns the standard library's key.
func (k *PublicKey) Crypto() crypto.PublicKey { return k.key }

// Equal reports whether both are the same key; key ids do not matter.
func (k *PublicKey) Equal(other *PublicKey) bool {
	return k != nil && other != nil && k.crv == other.crv && k.x == other.x && k.y == other.y
}

// A KeySet is a JWK Set (RFC 7517 §5).
type KeySet []*PublicKey

// ParseKeySet reads a decoded JWK Set. Keys of a kind this package does not
// know are left out; a malformed or private one refuses the set, and so do two
// keys with one kid. Reasons: jwk_malformed, jwk_private.
func ParseKeySet(members map[string]any) (KeySet, error) {
	list, ok := members["keys"].([]any)
	if !ok || len(list) > MaxKeys {
		return nil, refuse("jwk_malformed", "not a set of at most %d keys", MaxKeys)
	}
	var set KeySet
	for _, v := range list {
		object, ok := v.(map[string]any)
		if !ok {
			return nil, refuse("jwk_malformed", "key is not an object")
		}
		k, err := PublicKeyFromMap(object)
		if e, ok := err.(*Error); ok && e.reason == "jwk_unsupported" {
			continue
		}
		if err != nil {
			return nil, err
		}
		if _, err := set.Find(k.kid); err == nil && k.kid != "" {
			return nil, refuse("jwk_malformed", "two keys with one kid")
		}
		set = append(set, k)
	}
	return set, nil
}

// Find returns the key with exactly this id. Reason jose_kid_unknown.
func (s KeySet) Find(kid string) (*PublicKey, error) {
	for _, k := range s {
		if kid != "" && k.kid == kid {
			return k, nil
		}
	}
	return nil, refuse(ReasonKid, "no key has this id")
}
