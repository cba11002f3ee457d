package jose

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// A DecryptionKey is a P-256 key that opens what was encrypted to its public
// half and signs nothing. It prints as its thumbprint, never as its secret.
type DecryptionKey struct {
	key    *ecdh.PrivateKey
	public *PublicKey
}

// GenerateDecryptionKey makes a fresh key.
func GenerateDecryptionKey() (*DecryptionKey, error) {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("jose: generate key: %w", err)
	}
	return decryptionKey(key)
}

// ParseDecryptionKey reads what Bytes wrote. Reason jwk_malformed.
func ParseDecryptionKey(scalar []byte) (*DecryptionKey, error) {
	key, err := ecdh.P256().NewPrivateKey(scalar)
	if err != nil {
		return nil, refuse("jwk_malformed", "not the secret of a P-256 key")
	}
	return decryptionKey(key)
}

func decryptionKey(key *ecdh.PrivateKey) (*DecryptionKey, error) {
	point := key.PublicKey().Bytes()
	public, err := new(PublicKey).setP256(EncodeBase64URL(point[1:33]), EncodeBase64URL(point[33:]))
	if err != nil {
		return nil, err
	}
	return &DecryptionKey{key, public}, nil
}

// Public returns the half to encrypt to.
func (k *DecryptionKey) Public() *PublicKey { return k.public }

// Bytes returns the secret, 32 bytes. It is for sealed storage only.
func (k *DecryptionKey) Bytes() []byte { return k.key.Bytes() }

// Format prints the thumbprint, whatever the verb: a private key is never text.
func (k *DecryptionKey) Format(w fmt.State, _ rune) {
	_, _ = io.WriteString(w, "[private key "+k.public.Thumbprint()+"]")
}

// MarshalJSON fails: only Bytes writes the secret, and says so.
func (k *DecryptionKey) MarshalJSON() ([]byte, error) {
	return nil, refuse("jwk_private", "a private key is not written by accident")
}

// An envelope is a compact JWE whose shape is sound. DecryptRule.checkHeader
// makes it; nothing in it is authentic.
type envelope struct {
	header   string // as encoded
	enc, kid string
	apu, apv []byte // agreement party info; nil if there is none
	epk      *PublicKey
	parts
}

// parts are what follows the header, decoded: an empty key, 12 bytes of iv, the
// ciphertext and 16 bytes of tag.
type parts [4][]byte

// open agrees on the key with the sender's ephemeral one and undoes AES-GCM
// under it (RFC 7518 §4.6, §5.3). Every answer the verifier gets comes through
// here, so it goes straight to the standard library (decision record 0041).
func (e *envelope) open(key *DecryptionKey) ([]byte, error) {
	epk, err := e.epk.key.(*ecdsa.PublicKey).ECDH()
	if err != nil {
		return nil, err
	}
	z, err := key.key.ECDH(epk)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(agreedKey(z, e.enc, e.apu, e.apv))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	iv, ciphertext, tag := e.parts[1], e.parts[2], e.parts[3]
	return aead.Open(nil, iv, slices.Concat(ciphertext, tag), []byte(e.header))
}

// agreedKey is the Concat KDF with SHA-256 in direct key agreement (RFC 7518
// §4.6.2). One round of it makes all the bytes A128GCM and A256GCM need.
func agreedKey(z []byte, enc string, apu, apv []byte) []byte {
	size := 32
	if enc == A128GCM {
		size = 16
	}
	in := binary.BigEndian.AppendUint32(make([]byte, 0, 256), 1) // the round
	in = append(in, z...)
	for _, info := range [][]byte{[]byte(enc), apu, apv} {
		in = binary.BigEndian.AppendUint32(in, uint32(len(info)))
		in = append(in, info...)
	}
	in = binary.BigEndian.AppendUint32(in, uint32(size*8)) // SuppPubInfo
	sum := sha256.Sum256(in)
	return sum[:size]
}
