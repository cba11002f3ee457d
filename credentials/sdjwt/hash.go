package sdjwt

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
)

// DefaultHash is the digest algorithm when _sd_alg is absent (RFC 9901 §4.1.1).
const DefaultHash = "sha-256"

// Hashes are the digest algorithms understood, by their names in the IANA
// "Named Information Hash Algorithm" registry. Truncated ones (sha-256-128 …)
// are not accepted: RFC 9901 §9.4 demands second-preimage resistance.
var Hashes = []string{"sha-256", "sha-384", "sha-512"}

// digest returns the base64url digest of the ASCII bytes of s. alg must be one
// of Hashes. buf is scratch space to spare an allocation per call.
func digest(alg, s string, buf *[]byte) string {
	*buf = append((*buf)[:0], s...)
	var out [88]byte
	switch alg {
	case "sha-384":
		sum := sha512.Sum384(*buf)
		return encode(&out, sum[:])
	case "sha-512":
		sum := sha512.Sum512(*buf)
		return encode(&out, sum[:])
	default:
		sum := sha256.Sum256(*buf)
		return encode(&out, sum[:])
	}
}

func encode(dst *[88]byte, sum []byte) string {
	base64.RawURLEncoding.Encode(dst[:], sum)
	return string(dst[:base64.RawURLEncoding.EncodedLen(len(sum))])
}

// digestSize is the length of a digest in bytes, for decoys.
func digestSize(alg string) int {
	switch alg {
	case "sha-384":
		return sha512.Size384
	case "sha-512":
		return sha512.Size
	default:
		return sha256.Size
	}
}

// hashName reads _sd_alg. The names are case-sensitive.
func hashName(payload map[string]any) (string, error) {
	v, ok := payload["_sd_alg"]
	if !ok {
		return DefaultHash, nil
	}
	name, _ := v.(string)
	for _, known := range Hashes {
		if name == known {
			return known, nil
		}
	}
	return "", fail("sdjwt_hash_unsupported", "_sd_alg is not one of %v", Hashes)
}
