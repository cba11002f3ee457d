package keyfile

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strings"

	"facet/store"
)

var errDamaged = errors.New("the file is damaged")

// A file is its magic, the rows when it was last rewritten, the mark of an empty
// batch, and the batches that came since, each behind its mark.
const recordHeader = 4 + 8 + 1 + 2 + 4 // checksum, version, kind, key length, value length

// appendRecord writes one record: CRC-32 of the rest, version, kind, lengths,
// key, value.
func appendRecord(out []byte, c *change) []byte {
	at := len(out)
	out = append(out, 0, 0, 0, 0)
	out = binary.BigEndian.AppendUint64(out, uint64(c.version))
	kind := byte(0)
	if c.remove {
		kind = 1
	}
	out = append(out, kind)
	out = binary.BigEndian.AppendUint16(out, uint16(len(c.key)))
	out = binary.BigEndian.AppendUint32(out, uint32(len(c.value)))
	out = append(append(out, c.key...), c.value...)
	binary.BigEndian.PutUint32(out[at:], crc32.ChecksumIEEE(out[at+4:]))
	return out
}

// A mark is a record that deletes the empty key, which no row has, and says how
// many bytes its batch has. A batch is written once the one before it is on
// disk: only the last one of a file may be damaged by a power failure, which
// leaves any of its blocks unwritten.
const markSize = recordHeader + 4

func appendMark(out []byte, last store.Version, batch int) []byte {
	return appendRecord(out, &change{version: last, remove: true, value: binary.BigEndian.AppendUint32(nil, uint32(batch))})
}

// whole returns the size of the record at the beginning of b; 0 if it is cut
// off or damaged.
func whole(b []byte) int {
	if len(b) < recordHeader {
		return 0
	}
	keyLen, valueLen := keyLenOf(b), int(binary.BigEndian.Uint32(b[15:]))
	if keyLen > store.MaxKey || valueLen > store.MaxValue {
		return 0
	}
	size := recordHeader + keyLen + valueLen
	if size > len(b) || crc32.ChecksumIEEE(b[4:size]) != binary.BigEndian.Uint32(b) {
		return 0
	}
	return size
}

func keyLenOf(b []byte) int { return int(binary.BigEndian.Uint16(b[13:])) }

func isMark(record []byte) bool {
	return len(record) == markSize && record[12] == 1 && keyLenOf(record) == 0
}

// load replays a file up to what is damaged in its last batch, which was never
// acknowledged.
func (f *File) load(raw []byte) error {
	rest, ok := strings.CutPrefix(string(raw), magic)
	if !ok {
		return errDamaged
	}
	marked, batch := false, 0 // whether a mark was read; bytes left of the batch it began
	for b := []byte(rest); len(b) > 0; {
		size := whole(b)
		switch {
		case size > 0:
		case batch >= len(b), batch == 0 && (marked || cutOff(b)) && !batchIn(b):
			return nil
		default:
			return errDamaged
		}
		if batch = max(0, batch-size); isMark(b[:size]) {
			marked, batch = true, int(binary.BigEndian.Uint32(b[recordHeader:]))
		}
		f.replay(b[:size])
		b = b[size:]
	}
	return nil
}

// cutOff reports whether b may be the torn last record of a file without marks,
// as versions before decision record 0042 wrote them.
func cutOff(b []byte) bool {
	return len(b) < recordHeader || recordHeader+keyLenOf(b)+int(binary.BigEndian.Uint32(b[15:])) >= len(b)
}

// batchIn reports whether a batch begins in b.
func batchIn(b []byte) bool {
	for ; len(b) >= markSize; b = b[1:] {
		if isMark(b[:markSize]) && whole(b[:markSize]) == markSize {
			return true
		}
	}
	return false
}

func (f *File) replay(record []byte) {
	v := store.Version(binary.BigEndian.Uint64(record[4:]))
	f.last = max(f.last, v)
	value := recordHeader + keyLenOf(record)
	key := string(record[recordHeader:value])
	if record[12] == 1 {
		delete(f.rows, key)
		return
	}
	f.rows[key] = row{version: v, value: slices.Clone(record[value:])}
}
