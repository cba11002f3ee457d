package sdjwt

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"sync"
)

// DefaultHash is the digest algorithm when _sd_alg is absent (RFC 9901 §4.1.1).
const DefaultHash = "sha-256"

// Hashes are the digest algorithms understood, by their names in the IANA
// "Named Information Hash Algorithm" registry. Truncated ones (sha-256-128 …)
// are not accepted: RFC 9901 §9.4 demands second-preimage resistance.
var Hashes = []string{"sha-256", "sha-384", "sha-512"}

// A hasher reads texts piece by piece, so that none of them is copied to the
// heap. Hashers are used again and again.
type hasher struct {
	hash.Hash
	piece [1024]byte
}

var hashers = map[string]*sync.Pool{
	"sha-256": {New: func() any { return &hasher{Hash: sha256.New()} }},
	"sha-384": {New: func() any { return &hasher{Hash: sha512.New384()} }},
	"sha-512": {New: func() any { return &hasher{Hash: sha512.New()} }},
}

// appendDigests appends the base64url digests of the ASCII bytes of texts, one
// after the other. alg must be one of Hashes.
func appendDigests(dst []byte, alg string, texts ...string) []byte {
	pool := hashers[alg]
	h := pool.Get().(*hasher)
	defer pool.Put(h)
	for _, text := range texts {
		h.Reset()
		for text != "" {
			n := copy(h.piece[:], text)
			h.Write(h.piece[:n])
			text = text[n:]
		}
		dst = base64.RawURLEncoding.AppendEncode(dst, h.Sum(h.piece[:0]))
	}
	return dst
}

// digest is the base64url digest of one text.
func digest(alg, text string) string {
	var out [88]byte
	return string(appendDigests(out[:0], alg, text))
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
