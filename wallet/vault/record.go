package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
)

const (
	// MaxType and MaxID bound a record's type and id, in bytes.
	MaxType = 64
	MaxID   = 512

	boxOverhead = 28  // nonce and tag
	padding     = 256 // plaintexts are padded to a multiple of this
)

// keys are the vault key and what it derives.
type keys struct {
	secret   []byte
	header   []byte
	manifest cipher.AEAD
	record   cipher.AEAD
}

func newKeys(vaultID, secret []byte) *keys {
	return &keys{
		secret:   secret,
		header:   expand(secret, vaultID, "facet-vault/1 header", keySize),
		manifest: newAEAD(expand(secret, vaultID, "facet-vault/1 manifest", keySize)),
		record:   newAEAD(expand(secret, vaultID, "facet-vault/1 record", keySize)),
	}
}

// newAEAD is AES-256-GCM with a random nonce in front of each box. At one save
// a second for a century a repeated nonce has a chance below 2^-30.
func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("vault: aes: " + err.Error()) // the key is 32 bytes
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("vault: gcm: " + err.Error())
	}
	return aead
}

func (k *keys) headerMAC(header []byte) []byte {
	h := hmac.New(sha256.New, k.header)
	h.Write(header)
	return h.Sum(nil)
}

// Put stores a record, replacing the one of the same type and id.
func (v *Vault) Put(kind, id string, plaintext []byte) error {
	switch {
	case v.keys == nil:
		return ErrLocked
	case kind == "" || id == "" || len(kind) > MaxType || len(id) > MaxID:
		return &Error{ReasonArgument, "a record needs a type and an id of bounded length"}
	case len(plaintext) > MaxRecord:
		return &Error{ReasonSize, "a record is at most 256 KiB"}
	}
	sum := sha256.Sum256(plaintext)
	e := v.m.find(kind, id)
	switch {
	case e == nil && len(v.m.Records) >= MaxRecords:
		return &Error{ReasonSize, "a vault has at most 8192 records"}
	case e == nil:
		v.noteChange(change{Type: kind, ID: id})
		v.m.Records = append(v.m.Records, entry{RID: ident(random(idSize)), Type: kind, ID: id})
		e = &v.m.Records[len(v.m.Records)-1]
	case bytes.Equal(e.Sum, sum[:]):
		return nil
	default:
		v.noteChange(change{Type: kind, ID: id, Generation: e.Generation, Sum: e.Sum})
	}
	e.Generation++
	e.Sum = sum[:]
	v.boxes[e.RID] = v.seal(e, plaintext)
	v.sealed = nil
	return nil
}

// Get returns a record's plaintext, or an error wrapping ErrNotFound.
func (v *Vault) Get(kind, id string) ([]byte, error) {
	if v.keys == nil {
		return nil, ErrLocked
	}
	e := v.m.find(kind, id)
	if e == nil {
		return nil, ErrNotFound
	}
	return v.open(e, v.boxes[e.RID])
}

// List returns the ids of all records of a type, in order.
func (v *Vault) List(kind string) []string {
	var ids []string
	for _, e := range v.m.Records {
		if e.Type == kind {
			ids = append(ids, e.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// Delete removes a record, or returns an error wrapping ErrNotFound.
func (v *Vault) Delete(kind, id string) error {
	if v.keys == nil {
		return ErrLocked
	}
	e := v.m.find(kind, id)
	if e == nil {
		return ErrNotFound
	}
	v.noteChange(change{Type: kind, ID: id, Generation: e.Generation, Sum: e.Sum})
	delete(v.boxes, e.RID)
	v.m.Records = slices.DeleteFunc(v.m.Records, func(r entry) bool { return r.Type == kind && r.ID == id })
	v.sealed = nil
	return nil
}

// noteChange remembers the state a record had when the host last accepted a
// save; only the first change since then counts.
func (v *Vault) noteChange(c change) {
	for _, old := range v.m.Changes {
		if old.Type == c.Type && old.ID == c.ID {
			return
		}
	}
	v.m.Changes = append(v.m.Changes, c)
}

func (v *Vault) seal(e *entry, plaintext []byte) sealedRecord {
	padded := make([]byte, (len(plaintext)/padding+1)*padding)
	copy(padded, plaintext)
	padded[len(plaintext)] = 0x80 // ISO/IEC 7816-4
	defer clear(padded)
	return sealedRecord{e.RID, e.Generation, v.keys.record.Seal(nil, nil, padded, v.recordAAD(e, e.Generation))}
}

// open checks a box against its entry. A box that is authentic for an earlier
// generation is told apart from a forged one.
func (v *Vault) open(e *entry, box sealedRecord) ([]byte, error) {
	padded, err := v.keys.record.Open(nil, nil, box.box, v.recordAAD(e, box.generation))
	if err != nil || box.rid != e.RID {
		return nil, errAuth
	}
	if box.generation < e.Generation {
		return nil, &Error{ReasonRecordOld, "an older generation of a record was put back"}
	}
	plaintext := bytes.TrimRight(padded, "\x00")
	if len(plaintext) == 0 || plaintext[len(plaintext)-1] != 0x80 {
		return nil, errAuth
	}
	plaintext = plaintext[:len(plaintext)-1]
	if sum := sha256.Sum256(plaintext); box.generation != e.Generation || !bytes.Equal(sum[:], e.Sum) {
		return nil, errAuth
	}
	return plaintext, nil
}

func (v *Vault) recordAAD(e *entry, generation uint64) []byte {
	return labelled("facet-vault/1 record", v.id, e.RID[:], []byte(e.Type), []byte(e.ID),
		binary.BigEndian.AppendUint64(nil, generation))
}

// openRecords checks that the sealed records are exactly the manifest's and
// that each opens; the plaintexts are dropped again.
func (v *Vault) openRecords(e *envelope) error {
	v.boxes = make(map[ident]sealedRecord, len(e.records))
	for _, r := range e.records {
		r.box = slices.Clone(r.box)
		v.boxes[r.rid] = r
	}
	if len(v.boxes) != len(e.records) || len(e.records) != len(v.m.Records) {
		return errAuth
	}
	for i := range v.m.Records {
		r := &v.m.Records[i]
		box, ok := v.boxes[r.RID]
		if !ok {
			return errAuth
		}
		plaintext, err := v.open(r, box)
		if err != nil {
			return err
		}
		clear(plaintext)
	}
	return nil
}

// conflictType is where Merge keeps the other version of a record of a type.
func conflictType(kind string) string {
	if strings.HasPrefix(kind, ConflictPrefix) {
		return kind
	}
	return ConflictPrefix + kind
}
