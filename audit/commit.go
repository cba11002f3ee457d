package audit

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

// A Commitment fixes one value without showing it: HMAC-SHA256 under a key that
// only the holder's receipt and, until deletion, the verifier have.
type Commitment [sha256.Size]byte

// MarshalText writes the commitment in base64url.
func (c Commitment) MarshalText() ([]byte, error) { return c.AppendText(nil) }

// AppendText is MarshalText at the end of b.
func (c Commitment) AppendText(b []byte) ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(b, c[:]), nil
}

// UnmarshalText reads exactly what MarshalText writes.
func (c *Commitment) UnmarshalText(b []byte) error {
	if !isBytes(string(b), len(c)) {
		return fault(ReasonSchema, "a commitment is 256 bits in base64url")
	}
	_, err := base64.RawURLEncoding.Decode(c[:], b)
	return err
}

// Commitments are aligned with the [Paths] they belong to.
type Commitments map[string][]Commitment

func (c Commitments) fit(ps Paths) bool {
	if len(c) != len(ps) {
		return false
	}
	for query, paths := range ps {
		if list, ok := c[query]; !ok || list == nil || len(list) != len(paths) {
			return false
		}
	}
	return true
}

// A Key is the secret of one entry, or of one slot of it. Whoever has an
// entry's key can open and guess all of its slots; a slot's key opens that slot
// only. 256 random bits; never logged, deleted with the claims.
type Key [32]byte

// NewKey returns a random key for one entry.
func NewKey() Key {
	var k Key
	rand.Read(k[:]) // never fails (crypto/rand)
	return k
}

// A Slot is a place for one commitment: a path of a query and its position there.
type Slot struct {
	Query string
	Path  string // canonical JSON
	Index int    // position in Paths[Query]
}

const slotLabel = "facet/audit/v1/claim"

// key derives the key of the slot, k_i = HKDF(entry key, slot), from the
// extracted entry key.
func (s Slot) key(prk []byte) Key {
	info := []byte(slotLabel)
	for _, part := range []string{s.Query, s.Path} {
		info = binary.BigEndian.AppendUint32(info, uint32(len(part)))
		info = append(info, part...)
	}
	info = binary.BigEndian.AppendUint32(info, uint32(s.Index))
	return expand(prk, info)
}

// extract and expand are the halves of HKDF-SHA-256 (RFC 5869): the first is the
// same for all slots of an entry.
func extract(entry Key) []byte {
	prk, err := hkdf.Extract(sha256.New, entry[:], nil)
	if err != nil {
		panic("audit: HKDF: " + err.Error()) // impossible: SHA-256 is always allowed
	}
	return prk
}

func expand(prk, info []byte) Key {
	b, err := hkdf.Expand(sha256.New, prk, string(info), len(Key{}))
	if err != nil {
		panic("audit: HKDF of one block: " + err.Error()) // impossible: 32 bytes of SHA-256
	}
	return Key(b)
}

// Commit returns the slot's key and the commitment to value, which must be
// canonical JSON. A path that selects several array elements has one value, the
// array of them: the number of elements must not show.
func Commit(entry Key, s Slot, value []byte) (Key, Commitment) {
	return s.commit(extract(entry), value)
}

func (s Slot) commit(prk, value []byte) (Key, Commitment) {
	k := s.key(prk)
	return k, mac(k, value)
}

// Open reports whether the commitment was made to value with the slot's key.
func Open(slot Key, value []byte, c Commitment) bool {
	m := mac(slot, value)
	return hmac.Equal(m[:], c[:])
}

func mac(k Key, value []byte) Commitment {
	h := hmac.New(sha256.New, k[:])
	h.Write(value)
	return Commitment(h.Sum(nil))
}

// An Opening lets its owner show, or check, what one slot committed to.
type Opening struct {
	Query string `json:"query"`
	Path  string `json:"path"`
	Index int    `json:"index"`
	Key   string `json:"key"` // base64url of the slot's key
}

// Values are the values received: query id -> path -> canonical JSON.
type Values map[string]map[string][]byte

// Seal commits to every path asked. A path without a value gets random bytes in
// place of a commitment and no opening: outside, granted and withheld look the
// same. It fails if a value belongs to no path asked.
func Seal(entry Key, asked Paths, values Values) (Commitments, []Opening, error) {
	out := make(Commitments, len(asked))
	var openings []Opening
	prk, left := extract(entry), 0
	for _, v := range values {
		left += len(v)
	}
	for _, query := range sortedKeys(asked) {
		list := make([]Commitment, len(asked[query]))
		for i, path := range asked[query] {
			v, ok := values[query][path]
			if !ok {
				list[i] = Commitment(NewKey())
				continue
			}
			left--
			var k Key
			k, list[i] = Slot{query, path, i}.commit(prk, v)
			openings = append(openings, Opening{query, path, i, base64.RawURLEncoding.EncodeToString(k[:])})
		}
		out[query] = list
	}
	if left != 0 {
		return nil, nil, fault(ReasonSchema, "a value was received that no path asked for")
	}
	return out, openings, nil
}

// SealConsent commits to the consent digest of a presentation. The digest
// itself must not be public: it covers the holder's choices, and those are few
// enough to be guessed.
func SealConsent(entry Key, digest []byte) (Key, *Commitment) {
	k := expand(extract(entry), []byte("facet/audit/v1/consent"))
	c := mac(k, digest)
	return k, &c
}
