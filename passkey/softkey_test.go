package passkey

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
	"testing"
)

// A softKey is an authenticator in software: it makes and uses one passkey.
// Its fields are what an attacker, or a broken one, gets to choose.
type softKey struct {
	id      []byte
	key     *ecdsa.PrivateKey
	handle  []byte
	counter uint32

	origin    string // of clientDataJSON
	rpID      string
	challenge string // overrides the one asked for
	flags     byte
}

const (
	flagUP = 1 << 0
	flagUV = 1 << 2
	flagAT = 1 << 6
)

func newSoftKey(t *testing.T) *softKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &softKey{id: random(16), key: key, origin: testURL, rpID: "wallet.localhost", flags: flagUP | flagUV}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (k *softKey) clientData(kind string, options json.RawMessage) []byte {
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
		k.handle, _ = base64.RawURLEncoding.DecodeString(o.PublicKey.User.ID)
	}
	challenge := o.PublicKey.Challenge
	if k.challenge != "" {
		challenge = k.challenge
	}
	return fmt.Appendf(nil, `{"type":%q,"challenge":%q,"origin":%q,"crossOrigin":false}`, kind, challenge, k.origin)
}

// authData is WebAuthn L3 §6.1.
func (k *softKey) authData(extra byte) []byte {
	rp := sha256.Sum256([]byte(k.rpID))
	d := append(rp[:], k.flags|extra)
	return binary.BigEndian.AppendUint32(d, k.counter)
}

// register answers creation options, as a browser would send it.
func (k *softKey) register(options json.RawMessage) []byte {
	client := k.clientData("webauthn.create", options)
	auth := append(k.authData(flagAT), make([]byte, 16)...) // AAGUID 0
	auth = binary.BigEndian.AppendUint16(auth, uint16(len(k.id)))
	auth = append(append(auth, k.id...), k.coseKey()...)
	var object bytes.Buffer // {"fmt": "none", "attStmt": {}, "authData": bytes}
	object.WriteString("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59")
	binary.Write(&object, binary.BigEndian, uint16(len(auth)))
	object.Write(auth)
	return fmt.Appendf(nil, `{"id":%q,"rawId":%q,"type":"public-key","response":{"clientDataJSON":%q,"attestationObject":%q,"transports":["internal"]}}`,
		b64(k.id), b64(k.id), b64(client), b64(object.Bytes()))
}

// coseKey is {1: 2, 3: -7, -1: 1, -2: x, -3: y} (RFC 9052 §7).
func (k *softKey) coseKey() []byte {
	point, err := k.key.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	c := []byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}
	c = append(c, point[1:33]...)
	c = append(c, 0x22, 0x58, 32)
	return append(c, point[33:]...)
}

// assert answers request options.
func (k *softKey) assert(options json.RawMessage) []byte {
	client := k.clientData("webauthn.get", options)
	auth := k.authData(0)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(bytes.Clone(auth), hash[:]...))
	sig, err := ecdsa.SignASN1(rand.Reader, k.key, digest[:])
	if err != nil {
		panic(err)
	}
	return fmt.Appendf(nil, `{"id":%q,"rawId":%q,"type":"public-key","response":{"clientDataJSON":%q,"authenticatorData":%q,"signature":%q,"userHandle":%q}}`,
		b64(k.id), b64(k.id), b64(client), b64(auth), b64(sig), b64(k.handle))
}
