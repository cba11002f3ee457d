package jose

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// A Signer is a private key that may live elsewhere: in memory, in WebCrypto,
// in an HSM. Sign gets the JWS signing input and returns the raw JOSE
// signature (RFC 7515 §5.1); it may block until ctx ends. Implementations are
// safe for concurrent use.
type Signer interface {
	Public() *PublicKey
	Alg() string
	Sign(ctx context.Context, signingInput []byte) ([]byte, error)
}

// A PrivateKey is a Signer in memory: P-256, P-384 or Ed25519. It prints as
// its thumbprint, never as its secret.
type PrivateKey struct {
	key    crypto.Signer // *ecdsa.PrivateKey or ed25519.PrivateKey
	public *PublicKey
}

// GenerateKey makes a fresh P-256 key (ES256).
func GenerateKey() (*PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("jose: generate key: %w", err)
	}
	return PrivateKeyFromCrypto(key)
}

// PrivateKeyFromCrypto wraps a key of the standard library. Reason
// jwk_unsupported for another kind.
func PrivateKeyFromCrypto(key crypto.Signer) (*PrivateKey, error) {
	switch key.(type) {
	case *ecdsa.PrivateKey, ed25519.PrivateKey:
		public, err := PublicKeyFromCrypto(key.Public())
		if err != nil {
			return nil, err
		}
		return &PrivateKey{key, public}, nil
	}
	return nil, refuse("jwk_unsupported", "kind of key")
}

// Public returns the public half.
func (k *PrivateKey) Public() *PublicKey { return k.public }

// Alg returns the signature algorithm of this kind of key.
func (k *PrivateKey) Alg() string { return k.public.alg }

// Sign returns the raw signature over the signing input.
func (k *PrivateKey) Sign(_ context.Context, signingInput []byte) ([]byte, error) {
	if k.public.alg == ES256 {
		digest := sha256.Sum256(signingInput)
		r, s, err := ecdsa.Sign(rand.Reader, k.key.(*ecdsa.PrivateKey), digest[:])
		if err != nil {
			return nil, fmt.Errorf("jose: sign: %w", err)
		}
		signature := make([]byte, 64)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
		return signature, nil
	}
	signer, err := jws.NewSigner(jwa.SignatureAlgorithm(k.public.alg))
	if err != nil {
		return nil, fmt.Errorf("jose: sign: %w", err)
	}
	return signer.Sign(signingInput, k.key)
}

// Sign makes a compact JWS. It sets alg by the signer; the header must not.
func Sign(ctx context.Context, s Signer, header map[string]any, payload []byte) (string, error) {
	if _, there := header["alg"]; there {
		return "", refuse("jose_alg_not_allowed", "alg is the signer's to set")
	}
	full := maps.Clone(header)
	if full == nil {
		full = map[string]any{}
	}
	full["alg"] = s.Alg()
	text, err := json.Marshal(full)
	if err != nil {
		return "", fmt.Errorf("jose: encode header: %w", err)
	}
	encoding := base64.RawURLEncoding
	token := make([]byte, 0, encoding.EncodedLen(len(text))+encoding.EncodedLen(len(payload))+maxSignatureText)
	token = append(encoding.AppendEncode(token, text), '.')
	token = encoding.AppendEncode(token, payload)
	signature, err := s.Sign(ctx, token)
	if err != nil {
		return "", err
	}
	return string(encoding.AppendEncode(append(token, '.'), signature)), nil
}

// maxSignatureText is how long two full stops and the signature of any key here
// are: P-384's 96 bytes.
const maxSignatureText = 2 + 128

// MarshalPKCS8 returns the secret as PKCS #8 DER.
func (k *PrivateKey) MarshalPKCS8() ([]byte, error) { return x509.MarshalPKCS8PrivateKey(k.key) }

// ParsePKCS8PrivateKey reads what MarshalPKCS8 wrote. Reasons: jwk_malformed,
// jwk_unsupported.
func ParsePKCS8PrivateKey(der []byte) (*PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, refuse("jwk_malformed", "not a PKCS #8 private key")
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, refuse("jwk_unsupported", "kind of key")
	}
	return PrivateKeyFromCrypto(key)
}

// MarshalJWK returns the secret as a JWK with its private member d. It is for
// sealed storage only.
func (k *PrivateKey) MarshalJWK() ([]byte, error) {
	members := k.public.JWK()
	switch key := k.key.(type) {
	case *ecdsa.PrivateKey:
		d, err := key.Bytes()
		if err != nil {
			return nil, fmt.Errorf("jose: encode key: %w", err)
		}
		members["d"] = EncodeBase64URL(d)
	case ed25519.PrivateKey:
		members["d"] = EncodeBase64URL(key.Seed())
	}
	return json.Marshal(members)
}

// ParsePrivateJWK reads what MarshalJWK wrote and checks that both halves
// belong together. Reasons: jwk_malformed, jwk_unsupported.
func ParsePrivateJWK(text []byte) (*PrivateKey, error) {
	members, err := ParseObject(text, Limits{MaxSize: MaxJWK})
	if err != nil {
		return nil, err
	}
	public, err := publicMembers(members)
	if err != nil {
		return nil, err
	}
	encoded, _ := members["d"].(string)
	d, err := DecodeBase64URL(encoded)
	if err != nil {
		return nil, refuse("jwk_malformed", "private member is not base64url")
	}
	key, err := rawPrivate(public, d)
	if err != nil {
		return nil, refuse("jwk_malformed", "private member does not make a key")
	}
	k, err := PrivateKeyFromCrypto(key)
	if err != nil || !k.public.Equal(public) {
		return nil, refuse("jwk_malformed", "private and public halves differ")
	}
	return k, nil
}

func rawPrivate(public *PublicKey, d []byte) (crypto.Signer, error) {
	if pub, ok := public.key.(*ecdsa.PublicKey); ok {
		return ecdsa.ParseRawPrivateKey(pub.Curve, d)
	}
	if len(d) != ed25519.SeedSize {
		return nil, refuse("jwk_malformed", "private member has the wrong length")
	}
	return ed25519.NewKeyFromSeed(d), nil
}

// Format prints the thumbprint, whatever the verb: a private key is never text.
func (k *PrivateKey) Format(w fmt.State, _ rune) {
	_, _ = io.WriteString(w, "[private key "+k.public.Thumbprint()+"]")
}

// MarshalJSON fails: only MarshalJWK writes the secret, and says so.
func (k *PrivateKey) MarshalJSON() ([]byte, error) {
	return nil, refuse("jwk_private", "a private key is not written by accident")
}
