package vault

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

const (
	idSize  = 16 // vault, recipient and record ids
	keySize = 32

	// MaxCredentialID is the longest WebAuthn credential id (WebAuthn L3 §4).
	MaxCredentialID = 1023
	// PRFSize is the size of a WebAuthn PRF output (WebAuthn L3 §10.1.4).
	PRFSize = 32
)

// An ident names a vault's recipient or record without saying anything about it.
type ident [idSize]byte

// MarshalText writes the ident in hex.
func (i ident) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (i *ident) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != idSize {
		return errFormat
	}
	*i = ident(b)
	return nil
}

func (i ident) String() string { return hex.EncodeToString(i[:]) }

// A Key opens a vault: a Passkey or a recovery Code.
type Key interface {
	// recipient derives what this key is in one vault.
	recipient(vaultID []byte) (*recipient, error)
}

// A Passkey is one WebAuthn credential and the output of its PRF extension for
// the wallet's constant input. PRF never leaves the browser.
type Passkey struct {
	CredentialID []byte
	PRF          []byte
}

// A recipient is one way into one vault, with everything its key derives.
type recipient struct {
	id   ident
	kind string
	kem  hpke.PrivateKey
	auth []byte // authenticates stanzas made for this recipient

	credential []byte // a passkey's
}

const (
	// KindPasskey and KindCode are the kinds of recipients.
	KindPasskey = "passkey"
	KindCode    = "code"
)

func (p Passkey) recipient(vaultID []byte) (*recipient, error) {
	if len(p.PRF) != PRFSize || len(p.CredentialID) == 0 || len(p.CredentialID) > MaxCredentialID {
		return nil, &Error{ReasonArgument, "a passkey needs its credential id and a PRF output of 32 bytes"}
	}
	r := &recipient{id: passkeyID(vaultID, p.CredentialID), kind: KindPasskey, credential: slices.Clone(p.CredentialID)}
	return r, r.derive(p.PRF, vaultID, p.CredentialID)
}

func (c Code) recipient(vaultID []byte) (*recipient, error) {
	r := &recipient{id: ident(c.LookupID()), kind: KindCode}
	return r, r.derive(c.secret[:], vaultID, []byte(KindCode))
}

// derive is HKDF with the vault id as salt and the credential id as info, so
// one PRF output gives unrelated keys in two vaults.
func (r *recipient) derive(secret, vaultID, info []byte) error {
	seed := expand(secret, vaultID, "facet-vault/1 kem\x00"+string(info), keySize)
	defer clear(seed)
	kem, err := suite.kem.NewPrivateKey(seed)
	if err != nil {
		return fmt.Errorf("vault: deriving a recipient's key: %w", err)
	}
	r.kem = kem
	r.auth = expand(secret, vaultID, "facet-vault/1 auth\x00"+string(info), keySize)
	return nil
}

// suite is HPKE (RFC 9180) with the hybrid KEM ML-KEM-768 with X25519: a host
// that keeps sealed vaults for decades must not be able to open them then.
var suite = struct {
	kem  hpke.KEM
	kdf  hpke.KDF
	aead hpke.AEAD
}{hpke.MLKEM768X25519(), hpke.HKDFSHA256(), hpke.AES256GCM()}

// A stanza is the vault key, wrapped for one recipient. HPKE's base mode does
// not say who wrapped it; mac does, by a key only that recipient and holders
// of the opened manifest have.
type stanza struct {
	id      ident
	wrapped []byte
	mac     []byte
}

func wrap(vaultID, vaultKey []byte, m member) (stanza, error) {
	pub, err := suite.kem.NewPublicKey(m.PublicKey)
	if err != nil {
		return stanza{}, fmt.Errorf("vault: reading a recipient's public key: %w", err)
	}
	wrapped, err := hpke.Seal(pub, suite.kdf, suite.aead, stanzaInfo(vaultID, m.ID), vaultKey)
	if err != nil {
		return stanza{}, fmt.Errorf("vault: wrapping the vault key: %w", err)
	}
	s := stanza{id: m.ID, wrapped: wrapped}
	s.mac = s.authenticate(vaultID, m.Auth)
	return s, nil
}

// unwrap returns the vault key. The stanza's author is checked first.
func (r *recipient) unwrap(vaultID []byte, s stanza) ([]byte, error) {
	if !hmac.Equal(s.mac, s.authenticate(vaultID, r.auth)) {
		return nil, errUnwrap
	}
	key, err := hpke.Open(r.kem, suite.kdf, suite.aead, stanzaInfo(vaultID, s.id), s.wrapped)
	if err != nil || len(key) != keySize {
		return nil, errUnwrap
	}
	return key, nil
}

func (s stanza) authenticate(vaultID, auth []byte) []byte {
	h := hmac.New(sha256.New, auth)
	h.Write(stanzaInfo(vaultID, s.id))
	h.Write(s.wrapped)
	return h.Sum(nil)
}

func stanzaInfo(vaultID []byte, id ident) []byte {
	return labelled("facet-vault/1 stanza", vaultID, id[:])
}

func passkeyID(vaultID, credentialID []byte) ident {
	sum := sha256.Sum256(labelled("facet-vault/1 recipient", vaultID, credentialID))
	return ident(sum[:])
}

// labelled encodes a purpose and parts so that no two lists encode alike.
func labelled(label string, parts ...[]byte) []byte {
	var b cryptobyte.Builder
	for _, p := range append([][]byte{[]byte(label)}, parts...) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(p) })
	}
	return b.BytesOrPanic()
}

// expand is HKDF-SHA-256. It cannot fail for lengths below 8 KiB.
func expand(secret, salt []byte, info string, size int) []byte {
	out, err := hkdf.Key(sha256.New, secret, salt, info, size)
	if err != nil {
		panic("vault: hkdf: " + err.Error())
	}
	return out
}
