package auditlog

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"facet/audit"
)

// A journal holds entries that are acknowledged and not in the tree yet, each
// with its place. It is a folder of segments: written one after the other, each
// removed when the tree holds all of it. Files are named by their order; where
// two have an entry for one place, the later file is right, for the earlier
// one's was never acknowledged.
type journal struct {
	dir string

	mu     sync.Mutex        // guards all below
	file   *os.File          // the segment being written, or nil
	number uint64            // of the newest segment
	last   map[uint64]uint64 // by segment: the highest place that may be in it
}

// A record is a header and a leaf. Before the records of a batch stands a mark: a
// record whose leaf is the number of their bytes. A batch is written once the one
// before it is on disk: only the last of a segment may be damaged by a power
// failure, which leaves any of its blocks unwritten.
const (
	recordHeader = 4 + 4 + 8 // CRC-32 of all that follows, length of the leaf, place
	markLeaf     = 4         // no entry is as short
)

// openJournal opens the journal in dir and makes it on first use.
func openJournal(dir string) (*journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	j := &journal{dir: dir, last: map[uint64]uint64{}}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return nil, err
	}
	numbers, err := j.segments()
	if len(numbers) > 0 {
		j.number = numbers[len(numbers)-1]
	}
	return j, err
}

func (j *journal) path(number uint64) string {
	return filepath.Join(j.dir, fmt.Sprintf("%016x", number))
}

// segments are the numbers of all segments, in order.
func (j *journal) segments() (numbers []uint64, err error) {
	files, err := os.ReadDir(j.dir)
	for _, f := range files {
		var n uint64
		if c, _ := fmt.Sscanf(f.Name(), "%16x", &n); c == 1 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, err
}

// from returns the entries from place first on. What is damaged of a segment's
// last batch was never acknowledged and is left out; it is ErrLost if other
// batches are damaged, or an entry is missing before others.
func (j *journal) from(first uint64) ([][]byte, error) {
	numbers, err := j.segments()
	if err != nil {
		return nil, err
	}
	found := map[uint64][]byte{}
	for _, n := range numbers {
		raw, err := os.ReadFile(j.path(n))
		if err != nil {
			return nil, err
		}
		j.last[n] = 0
		rest := raw
		for place, leaf := range records(raw) {
			j.last[n] = max(j.last[n], place)
			if rest = rest[recordHeader+len(leaf):]; len(leaf) == markLeaf {
				continue
			}
			if place >= first {
				found[place] = leaf
			}
		}
		if batchIn(rest) {
			return nil, fmt.Errorf("%w (segment %016x of the journal is damaged)", ErrLost, n)
		}
	}
	var leaves [][]byte
	for place := first; found[place] != nil; place++ {
		leaves = append(leaves, found[place])
	}
	if len(leaves) < len(found) {
		return nil, fmt.Errorf("%w (entry %d is missing from the journal)", ErrLost, first+uint64(len(leaves)))
	}
	return leaves, nil
}

// batchIn reports whether a batch begins in b, which begins with something
// damaged: then that was acknowledged.
func batchIn(b []byte) bool {
	for ; len(b) >= recordHeader+markLeaf; b = b[1:] {
		if binary.BigEndian.Uint32(b[4:]) != markLeaf {
			continue
		}
		for range records(b[:recordHeader+markLeaf]) {
			return true
		}
	}
	return false
}

// records yields what is whole in a segment, marks and all, up to what is not.
func records(raw []byte) iter.Seq2[uint64, []byte] {
	return func(yield func(uint64, []byte) bool) {
		for len(raw) >= recordHeader {
			size := recordHeader + int(binary.BigEndian.Uint32(raw[4:]))
			if size > min(len(raw), recordHeader+audit.MaxEntry) || crc32.ChecksumIEEE(raw[4:size]) != binary.BigEndian.Uint32(raw) {
				return
			}
			if !yield(binary.BigEndian.Uint64(raw[8:]), raw[recordHeader:size]) {
				return
			}
			raw = raw[size:]
		}
	}
}

// append writes the leaves, which come at place first and after, and returns
// when they are on disk. After an error they may be, and the next ones go to
// another segment.
func (j *journal) append(first uint64, leaves [][]byte) error {
	size := 0
	for _, leaf := range leaves {
		size += recordHeader + len(leaf)
	}
	out := make([]byte, 0, recordHeader+markLeaf+size)
	out = appendRecord(out, first, binary.BigEndian.AppendUint32(nil, uint32(size)))
	for i, leaf := range leaves {
		out = appendRecord(out, first+uint64(i), leaf)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.begin(); err != nil {
		return err
	}
	j.last[j.number] = first + uint64(len(leaves)) - 1
	_, err := j.file.Write(out)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.end()
	}
	return err
}

func appendRecord(out []byte, place uint64, leaf []byte) []byte {
	at := len(out)
	out = append(out, 0, 0, 0, 0)
	out = binary.BigEndian.AppendUint32(out, uint32(len(leaf)))
	out = binary.BigEndian.AppendUint64(out, place)
	out = append(out, leaf...)
	binary.BigEndian.PutUint32(out[at:], crc32.ChecksumIEEE(out[at+4:]))
	return out
}

// begin opens a new segment if none is being written; the caller holds mu.
func (j *journal) begin() (err error) {
	if j.file != nil {
		return nil
	}
	j.number++
	if j.file, err = os.OpenFile(j.path(j.number), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return err
	}
	j.last[j.number] = 0
	if err = syncDir(j.dir); err != nil {
		j.end()
	}
	return err
}

// end closes the segment being written; the caller holds mu.
func (j *journal) end() {
	if j.file != nil {
		_ = j.file.Close() // what was acknowledged is flushed
		j.file = nil
	}
}

// rotate ends the segment being written, so that it can be removed one day.
func (j *journal) rotate() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.end()
}

// forget removes the ended segments that hold nothing from place size on.
// A file that stays is harmless: its entries are skipped at the next start.
func (j *journal) forget(size uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for n, last := range j.last {
		if last < size && (j.file == nil || n != j.number) && os.Remove(j.path(n)) == nil {
			delete(j.last, n)
		}
	}
}
