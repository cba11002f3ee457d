package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Signature types of signed notes (C2SP signed-note, tlog-cosignature).
const (
	algEd25519  = 0x01
	algCosigned = 0x04
)

// parseVKey reads a verifier key, name+hash+base64(type || key), of either type.
func parseVKey(vkey string) (name string, alg byte, key ed25519.PublicKey, err error) {
	bad := fault(ReasonSignature, "not a verifier key")
	name, rest, ok1 := strings.Cut(vkey, "+")
	hash, b64, ok2 := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.DecodeString(b64)
	if !ok1 || !ok2 || name == "" || strings.ContainsAny(name, " \t\r\n") || err != nil || len(raw) != 1+ed25519.PublicKeySize {
		return "", 0, nil, bad
	}
	alg, key = raw[0], raw[1:]
	if alg != algEd25519 && alg != algCosigned || hash != fmt.Sprintf("%08x", keyID(name, alg, key)) {
		return "", 0, nil, bad
	}
	return name, alg, key, nil
}

func keyID(name string, alg byte, key ed25519.PublicKey) uint32 {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%c%s", name, alg, key)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// WitnessVKey writes the verifier key of a cosigner (C2SP tlog-cosignature).
func WitnessVKey(name string, key ed25519.PublicKey) string {
	raw := append([]byte{algCosigned}, key...)
	return fmt.Sprintf("%s+%08x+%s", name, keyID(name, algCosigned, key), base64.StdEncoding.EncodeToString(raw))
}

// A cosigner verifies timestamped signatures of one key.
type cosigner struct {
	name string
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return keyID(c.name, algCosigned, c.key) }

func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	return at <= math.MaxInt64 && ed25519.Verify(c.key, cosigned(at, msg), sig[8:])
}

// cosigned is the message of an Ed25519 cosignature.
func cosigned(at uint64, msg []byte) []byte {
	return fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, msg)
}

// cosignedAt returns the time of the cosigner's verified signature.
func cosignedAt(n *note.Note, c cosigner) (time.Time, bool) {
	for _, s := range n.Sigs { // verified by note.Open
		if s.Name != c.Name() || s.Hash != c.KeyHash() {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(s.Base64)
		if err != nil || len(raw) < 12 {
			return time.Time{}, false
		}
		return time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0).UTC(), true
	}
	return time.Time{}, false
}

// A Cosigner makes timestamped signatures on checkpoints: a witness, or a log
// saying that this is still its whole tree.
type Cosigner struct {
	cosigner
	private ed25519.PrivateKey
	now     func() time.Time
}

// NewCosigner returns a signer of that name. Its times are those of now, in seconds.
func NewCosigner(name string, key ed25519.PrivateKey, now func() time.Time) *Cosigner {
	return &Cosigner{cosigner{name, key.Public().(ed25519.PublicKey)}, key, now}
}

// Sign signs the text of a checkpoint (note.Signer).
func (c *Cosigner) Sign(msg []byte) ([]byte, error) {
	at := c.now().Unix()
	if at <= 0 {
		return nil, fault(ReasonSignature, "no time to sign with")
	}
	sig := binary.BigEndian.AppendUint64(nil, uint64(at))
	return append(sig, ed25519.Sign(c.private, cosigned(uint64(at), msg))...), nil
}
