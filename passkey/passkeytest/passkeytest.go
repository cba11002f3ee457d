// Package passkeytest is an authenticator in software, for tests of whoever
// relies on passkeys. Everything an attacker or a broken authenticator gets to
// choose is a field.
//
// It knows ES256, attestation "none" and no extensions, and asks no user: it is
// no authenticator for people.
package passkeytest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// A Key makes and uses one passkey.
type Key struct {
	ID      []byte
	Private *ecdsa.PrivateKey
	Handle  []byte // of the account, as learned from Register
	Counter uint32

	Origin    string // of clientDataJSON
	RPID      string
	Challenge string // overrides the one asked for
	Flags     byte
}

// Flags of authenticator data (WebAuthn L3 §6.1).
const (
	FlagUP = 1 << 0
	FlagUV = 1 << 2
	flagAT = 1 << 6
)

// New returns an honest authenticator with a fresh key, for the pages of an
// origin.
func New(origin, rpID string) *Key {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	id := make([]byte, 16)
	rand.Read(id)
	return &Key{ID: id, Private: key, Origin: origin, RPID: rpID, Flags: FlagUP | FlagUV}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (k *Key) clientData(kind string, options json.RawMessage) []byte {
	var o struct {
		PublicKey struct {
			Challenge string `json:"challenge"`
			User      struct {
				ID string `json:"id"`
			} `json:"user"`
		} `json:"publicKey"`
	}
	if err := json.Unmarshal(options, &o); err != nil {
		panic(err)
	}
	if kind == "webauthn.create" {
		k.Handle, _ = base64.RawURLEncoding.DecodeString(o.PublicKey.User.ID)
	}
	challenge := o.PublicKey.Challenge
	if k.Challenge != "" {
		challenge = k.Challenge
	}
	return fmt.Appendf(nil, `{"type":%q,"challenge":%q,"origin":%q,"crossOrigin":false}`, kind, challenge, k.Origin)
}

// authData is WebAuthn L3 §6.1.
func (k *Key) authData(extra byte) []byte {
	rp := sha256.Sum256([]byte(k.RPID))
	d := append(rp[:], k.Flags|extra)
	return binary.BigEndian.AppendUint32(d, k.Counter)
}

// Register answers creation options, as a browser would send it.
func (k *Key) Register(options json.RawMessage) []byte {
	client := k.clientData("webauthn.create", options)
	auth := append(k.authData(flagAT), make([]byte, 16)...) // AAGUID 0
	auth = binary.BigEndian.AppendUint16(auth, uint16(len(k.ID)))
	auth = append(append(auth, k.ID...), k.coseKey()...)
	var object bytes.Buffer // {"fmt": "none", "attStmt": {}, "authData": bytes}
	object.WriteString("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59")
	binary.Write(&object, binary.BigEndian, uint16(len(auth)))
	object.Write(auth)
	return fmt.Appendf(nil, `{"id":%q,"rawId":%q,"type":"public-key","response":{"clientDataJSON":%q,"attestationObject":%q,"transports":["internal"]}}`,
		b64(k.ID), b64(k.ID), b64(client), b64(object.Bytes()))
}

// coseKey is {1: 2, 3: -7, -1: 1, -2: x, -3: y} (RFC 9052 §7).
func (k *Key) coseKey() []byte {
	point, err := k.Private.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	c := []byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}
	c = append(c, point[1:33]...)
	c = append(c, 0x22, 0x58, 32)
	return append(c, point[33:]...)
}

// Assert answers request options.
func (k *Key) Assert(options json.RawMessage) []byte {
	client := k.clientData("webauthn.get", options)
	auth := k.authData(0)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(bytes.Clone(auth), hash[:]...))
	sig, err := ecdsa.SignASN1(rand.Reader, k.Private, digest[:])
	if err != nil {
		panic(err)
	}
	return fmt.Appendf(nil, `{"id":%q,"rawId":%q,"type":"public-key","response":{"clientDataJSON":%q,"authenticatorData":%q,"signature":%q,"userHandle":%q}}`,
		b64(k.ID), b64(k.ID), b64(client), b64(auth), b64(sig), b64(k.Handle))
}
