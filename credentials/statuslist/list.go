// Package statuslist implements the JWT form of the Token Status List
// (draft-ietf-oauth-status-list): making a list and its token, decoding one
// within bounds, looking up an index, and a Checker that fetches, verifies and
// caches lists and fails closed.
//
// It does not verify the credential whose status is asked about; that must
// have happened before, so that a forged credential causes no request (§8.3).
// It knows neither the CWT form, nor aggregation, nor historical lists.
package statuslist

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"io"

	"facet/credentials/jose"
)

// MaxInflated is the largest list read, in bytes after decompression.
const MaxInflated = 16 << 20

// A Status is one entry (§7.1).
type Status uint8

// The statuses the specification names; 3 and 0x0C to 0x0F belong to
// applications, the rest is reserved.
const (
	Valid     Status = 0
	Invalid   Status = 1
	Suspended Status = 2
)

// A List is a status list: entries of 1, 2, 4 or 8 bits, the first in the
// least significant bits of the first byte (§4.1). Reading is safe for
// concurrent use, Set is not.
type List struct {
	bits int
	size int // in bytes
	// Blocks of blockSize bytes, the last may be shorter: a list of unknown
	// length grows without being copied.
	blocks [][]byte
}

const blockSize = 64 << 10

// Encoded is the status_list member of a token (§4.2).
type Encoded struct {
	Bits int    `json:"bits"`
	List string `json:"lst"`
}

// New makes a list of at least n entries, all Valid.
func New(bits, n int) (*List, error) {
	if !validBits(bits) {
		return nil, fail("status_malformed", "entries have 1, 2, 4 or 8 bits")
	}
	size := (n*bits + 7) / 8
	if n < 1 || size > MaxInflated {
		return nil, fail("status_size_limit", "a list has between 1 entry and %d bytes", MaxInflated)
	}
	l := &List{bits: bits, size: size}
	for left := size; left > 0; left -= blockSize {
		l.blocks = append(l.blocks, make([]byte, min(left, blockSize)))
	}
	return l, nil
}

// Decode inflates a list (§4.2, §4.3). Reasons: status_malformed,
// status_size_limit.
func Decode(e Encoded) (*List, error) {
	if !validBits(e.Bits) {
		return nil, fail("status_malformed", "entries have 1, 2, 4 or 8 bits")
	}
	compressed, err := jose.DecodeBase64URL(e.List)
	if err != nil {
		return nil, wrap("status_malformed", "lst is not base64url", err)
	}
	l := &List{bits: e.Bits}
	if err := l.inflate(compressed); err != nil {
		return nil, err
	}
	if l.size == 0 {
		return nil, fail("status_malformed", "the list is empty")
	}
	return l, nil
}

func (l *List) inflate(compressed []byte) error {
	in := bytes.NewReader(compressed)
	z, err := zlib.NewReader(in)
	if err != nil {
		return wrap("status_malformed", "lst is not zlib", err)
	}
	for {
		block := make([]byte, blockSize)
		n, err := io.ReadFull(z, block)
		if l.size += n; l.size > MaxInflated {
			return fail("status_size_limit", "the list is larger than %d bytes", MaxInflated)
		}
		if n > 0 {
			l.blocks = append(l.blocks, block[:n])
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) && !isShort(z, err) {
			return wrap("status_malformed", "lst does not inflate", err)
		}
		if in.Len() != 0 {
			return fail("status_malformed", "bytes after the compressed list")
		}
		return nil
	}
}

// isShort tells a last block that is not full from a stream that was cut off:
// io.ReadFull gives io.ErrUnexpectedEOF for both. Only after the real end does
// reading on give io.EOF.
func isShort(z io.Reader, err error) bool {
	if err != io.ErrUnexpectedEOF {
		return false
	}
	_, again := z.Read(make([]byte, 1))
	return again == io.EOF
}

// Len is the number of entries.
func (l *List) Len() uint64 { return uint64(l.size) * 8 / uint64(l.bits) }

// Bits is the number of bits of one entry.
func (l *List) Bits() int { return l.bits }

// Get returns entry i. Reason status_index beyond the list.
func (l *List) Get(i uint64) (Status, error) {
	if i >= l.Len() {
		return 0, fail("status_index", "the index is beyond the list")
	}
	bit := i * uint64(l.bits)
	b := l.blocks[bit/8/blockSize][bit/8%blockSize]
	return Status(b>>(bit%8)) & l.mask(), nil
}

// Set changes entry i. Reason status_index beyond the list, status_malformed
// for a status the entries have no room for.
func (l *List) Set(i uint64, s Status) error {
	if i >= l.Len() {
		return fail("status_index", "the index is beyond the list")
	}
	if s > l.mask() {
		return fail("status_malformed", "the status does not fit into %d bits", l.bits)
	}
	bit := i * uint64(l.bits)
	b := &l.blocks[bit/8/blockSize][bit/8%blockSize]
	*b = *b&^(byte(l.mask())<<(bit%8)) | byte(s)<<(bit%8)
	return nil
}

// Encode compresses the list (§4.2).
func (l *List) Encode() (Encoded, error) {
	var out bytes.Buffer
	z, err := zlib.NewWriterLevel(&out, zlib.BestCompression)
	if err != nil {
		return Encoded{}, wrap("status_malformed", "compress", err)
	}
	for _, block := range l.blocks {
		if _, err := z.Write(block); err != nil {
			return Encoded{}, wrap("status_malformed", "compress", err)
		}
	}
	if err := z.Close(); err != nil {
		return Encoded{}, wrap("status_malformed", "compress", err)
	}
	return Encoded{Bits: l.bits, List: base64.RawURLEncoding.EncodeToString(out.Bytes())}, nil
}

func (l *List) mask() Status { return Status(1<<l.bits - 1) }

func validBits(bits int) bool { return bits == 1 || bits == 2 || bits == 4 || bits == 8 }
