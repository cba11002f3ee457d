package did

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"math/big"
	"slices"
	"strings"

	"facet/credentials/jose"
)

// maxBase58 bounds what is decoded: a P-384 key has 69 characters, and the
// work grows with the square of the length.
const maxBase58 = 128

// multicodecs are the prefixes of the keys known here, as varints
// (https://github.com/multiformats/multicodec: p256-pub, p384-pub, ed25519-pub).
var multicodecs = []struct {
	prefix []byte
	curve  elliptic.Curve // nil: Ed25519
}{
	{[]byte{0x80, 0x24}, elliptic.P256()},
	{[]byte{0x81, 0x24}, elliptic.P384()},
	{[]byte{0xed, 0x01}, nil},
}

// Key returns the did:key of a key.
func Key(key *jose.PublicKey) (string, error) {
	switch pub := key.Crypto().(type) {
	case *ecdsa.PublicKey:
		for _, m := range multicodecs {
			if m.curve != pub.Curve {
				continue
			}
			point, err := pub.Bytes()
			if err != nil {
				break
			}
			half := (len(point) - 1) / 2
			compressed := append([]byte{2 + point[len(point)-1]&1}, point[1:1+half]...)
			return "did:key:z" + encodeBase58(append(slices.Clone(m.prefix), compressed...)), nil
		}
	case ed25519.PublicKey:
		return "did:key:z" + encodeBase58(append([]byte{0xed, 0x01}, pub...)), nil
	}
	return "", NewError("did_malformed", "kind of key", nil)
}

type keyMethod struct{}

// Resolve reads the key out of a did:key. Its only verification method is the
// identifier itself.
func (keyMethod) Resolve(_ context.Context, didURL string) (*jose.PublicKey, error) {
	u, err := Parse(didURL)
	if err != nil {
		return nil, err
	}
	if u.Method != "key" {
		return nil, NewError("did_method_unsupported", "not a did:key", nil)
	}
	if u.Fragment != "" && u.Fragment != u.ID {
		return nil, NewError("did_key_unknown", "a did:key has one key, named like itself", nil)
	}
	encoded, ok := strings.CutPrefix(u.ID, "z")
	raw, decoded := decodeBase58(encoded)
	if !ok || !decoded {
		return nil, NewError("did_malformed", "not base58btc", nil)
	}
	for _, m := range multicodecs {
		if key, ok := bytes.CutPrefix(raw, m.prefix); ok {
			return publicKey(m.curve, key)
		}
	}
	return nil, NewError("did_method_unsupported", "kind of key", nil)
}

func publicKey(curve elliptic.Curve, raw []byte) (*jose.PublicKey, error) {
	if curve == nil {
		key, err := jose.PublicKeyFromCrypto(ed25519.PublicKey(raw))
		if err != nil {
			return nil, NewError("did_malformed", "not an Ed25519 key", err)
		}
		return key, nil
	}
	x, y := elliptic.UnmarshalCompressed(curve, raw)
	if x == nil {
		return nil, NewError("did_malformed", "point is not on the curve", nil)
	}
	size := (curve.Params().BitSize + 7) / 8
	point := make([]byte, 1+2*size)
	point[0] = 4
	x.FillBytes(point[1 : 1+size])
	y.FillBytes(point[1+size:])
	pub, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, NewError("did_malformed", "point is not on the curve", err)
	}
	return jose.PublicKeyFromCrypto(pub)
}

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

func encodeBase58(b []byte) string {
	var out []byte
	n, mod := new(big.Int).SetBytes(b), new(big.Int)
	for n.Sign() > 0 {
		n.DivMod(n, big.NewInt(58), mod)
		out = append(out, base58[mod.Int64()])
	}
	for i := 0; i < len(b) && b[i] == 0; i++ {
		out = append(out, '1')
	}
	slices.Reverse(out)
	return string(out)
}

func decodeBase58(s string) ([]byte, bool) {
	if s == "" || len(s) > maxBase58 {
		return nil, false
	}
	n := new(big.Int)
	for i := range len(s) {
		digit := strings.IndexByte(base58, s[i])
		if digit < 0 {
			return nil, false
		}
		n.Mul(n, big.NewInt(58)).Add(n, big.NewInt(int64(digit)))
	}
	zeros := len(s) - len(strings.TrimLeft(s, "1"))
	return append(make([]byte, zeros), n.Bytes()...), true
}
