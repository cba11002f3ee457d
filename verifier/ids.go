package verifier

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"

	"facet/audit"
	"facet/credentials/jose"
)

// A purpose is one place where a transaction is named. Each has names of its
// own, so that whoever holds one cannot make another (OpenID4VP §13.3).
type purpose string

const (
	forRequest  purpose = "request"
	forResponse purpose = "response"
	forReceipt  purpose = "receipt"
	forWithdraw purpose = "withdraw"
	forHints    purpose = "hints"
)

// identifiers derives every public name of a transaction from its random
// 128-bit id: AES under a key of the purpose is a permutation, so names are
// distinct, cannot be guessed or turned into one another, and need no index.
type identifiers struct {
	blocks map[purpose]cipher.Block
	mac    []byte // names entries and holder keys
}

func newIdentifiers(secret []byte) (*identifiers, error) {
	out := &identifiers{blocks: make(map[purpose]cipher.Block)}
	for _, p := range []purpose{forRequest, forResponse, forReceipt, forWithdraw, forHints} {
		key, err := hkdf.Key(sha256.New, secret, nil, "facet/verifier/v1/id/"+string(p), 32)
		if err != nil {
			return nil, err
		}
		if out.blocks[p], err = aes.NewCipher(key); err != nil {
			return nil, err
		}
	}
	var err error
	out.mac, err = hkdf.Key(sha256.New, secret, nil, "facet/verifier/v1/mac", 32)
	return out, err
}

// newID returns a random 128-bit name.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return jose.EncodeBase64URL(b[:])
}

// name returns the public name of transaction tx for the purpose.
func (n *identifiers) name(p purpose, tx string) string {
	b, err := decodeID(tx)
	if err != nil {
		panic("verifier: a transaction id that is none") // ours, from newID
	}
	n.blocks[p].Encrypt(b, b)
	return jose.EncodeBase64URL(b)
}

// transaction returns the id of the transaction that name belongs to. A made
// up name gives an id that does not exist.
func (n *identifiers) transaction(p purpose, name string) (string, error) {
	b, err := decodeID(name)
	if err != nil {
		return "", err
	}
	n.blocks[p].Decrypt(b, b)
	return jose.EncodeBase64URL(b), nil
}

func decodeID(s string) ([]byte, error) {
	b, err := jose.DecodeBase64URL(s)
	if err != nil || len(b) != 16 {
		return nil, fail(ReasonUnknown, "an identifier is malformed")
	}
	return b, nil
}

// entry returns the id of the log entry of that kind about transaction tx. It
// is the same whenever it is asked for, which makes appending idempotent.
func (n *identifiers) entry(k audit.Kind, tx string) audit.ID {
	return audit.ID(base64.RawURLEncoding.EncodeToString(n.sum("entry/" + string(k) + "/" + tx)[:16]))
}

// holder returns the mark by which a transaction remembers a holder key
// without storing anything that two transactions have in common.
func (n *identifiers) holder(tx string, key *jose.PublicKey) string {
	return base64.RawURLEncoding.EncodeToString(n.sum("holder/" + tx + "/" + key.Thumbprint()))
}

func (n *identifiers) sum(text string) []byte {
	h := hmac.New(sha256.New, n.mac)
	h.Write([]byte(text))
	return h.Sum(nil)
}
