package vault

import (
	"golang.org/x/crypto/cryptobyte"
)

// What a sealed vault may hold.
const (
	MaxSealed     = 4 << 20   // bytes of one sealed vault
	MaxRecords    = 8192      // records in one vault
	MaxRecord     = 256 << 10 // bytes of one record's plaintext
	MaxRecipients = 16        // passkeys and the recovery code
	maxManifest   = 3 << 20
	maxWrapped    = 2 << 10
)

// magic names the format and its version.
const magic = "facet-vault\x01"

// A sealed vault, taken apart. Nothing in it is authentic yet.
//
//	magic  vault-id[16]
//	n:u8   n × ( recipient-id[16]  wrapped:u16-prefixed  mac[32] )
//	header-mac[32]
//	manifest:u24-prefixed                        nonce ‖ ciphertext ‖ tag
//	n:u16  n × ( record-id[16]  generation:u64  box:u24-prefixed )
type envelope struct {
	vaultID  []byte
	stanzas  []stanza
	mac      []byte
	manifest []byte
	records  []sealedRecord
}

type sealedRecord struct {
	rid        ident
	generation uint64
	box        []byte
}

var errFormat = &Error{ReasonFormat, "this is not a sealed vault of a format this version reads"}

// parse checks shape and limits only. Every count is checked before anything
// is allocated for it.
func parse(sealed []byte) (*envelope, error) {
	if len(sealed) > MaxSealed {
		return nil, &Error{ReasonSize, "a sealed vault is at most 4 MiB"}
	}
	in := cryptobyte.String(sealed)
	var head []byte
	e := new(envelope)
	if !in.ReadBytes(&head, len(magic)) || string(head) != magic || !in.ReadBytes(&e.vaultID, idSize) {
		return nil, errFormat
	}
	if err := e.readStanzas(&in); err != nil {
		return nil, err
	}
	if !in.ReadBytes(&e.mac, 32) || !readBox(&in, &e.manifest, maxManifest) {
		return nil, errFormat
	}
	if err := e.readRecords(&in); err != nil {
		return nil, err
	}
	if !in.Empty() {
		return nil, errFormat
	}
	return e, nil
}

func (e *envelope) readStanzas(in *cryptobyte.String) error {
	var n uint8
	if !in.ReadUint8(&n) {
		return errFormat
	}
	if n > MaxRecipients {
		return &Error{ReasonSize, "a vault has at most 16 recipients"}
	}
	for range n {
		var s stanza
		var wrapped cryptobyte.String
		if !in.CopyBytes(s.id[:]) || !in.ReadUint16LengthPrefixed(&wrapped) || len(wrapped) > maxWrapped || !in.ReadBytes(&s.mac, 32) {
			return errFormat
		}
		s.wrapped = wrapped
		e.stanzas = append(e.stanzas, s)
	}
	return nil
}

func (e *envelope) readRecords(in *cryptobyte.String) error {
	var n uint16
	if !in.ReadUint16(&n) {
		return errFormat
	}
	if n > MaxRecords {
		return &Error{ReasonSize, "a vault has at most 8192 records"}
	}
	for range n {
		var r sealedRecord
		if !in.CopyBytes(r.rid[:]) || !in.ReadUint64(&r.generation) || !readBox(in, &r.box, MaxRecord+boxOverhead+padding) {
			return errFormat
		}
		e.records = append(e.records, r)
	}
	return nil
}

func readBox(in *cryptobyte.String, out *[]byte, max int) bool {
	var s cryptobyte.String
	if !in.ReadUint24LengthPrefixed(&s) || len(s) > max {
		return false
	}
	*out = s
	return true
}

// header is what the header MAC covers: everything before it.
func (e *envelope) header() []byte {
	var b cryptobyte.Builder
	e.addHeader(&b)
	return b.BytesOrPanic()
}

func (e *envelope) addHeader(b *cryptobyte.Builder) {
	b.AddBytes([]byte(magic))
	b.AddBytes(e.vaultID)
	b.AddUint8(uint8(len(e.stanzas)))
	for _, s := range e.stanzas {
		b.AddBytes(s.id[:])
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(s.wrapped) })
		b.AddBytes(s.mac)
	}
}

// bytes writes the envelope; parse reads it back to the same value.
func (e *envelope) bytes() ([]byte, error) {
	var b cryptobyte.Builder
	e.addHeader(&b)
	b.AddBytes(e.mac)
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(e.manifest) })
	b.AddUint16(uint16(len(e.records)))
	for _, r := range e.records {
		b.AddBytes(r.rid[:])
		b.AddUint64(r.generation)
		b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(r.box) })
	}
	out, err := b.Bytes()
	if err != nil || len(out) > MaxSealed {
		return nil, &Error{ReasonSize, "the vault has grown beyond 4 MiB"}
	}
	return out, nil
}
