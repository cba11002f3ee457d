package sdjwt

import "hash/maphash"

// A digestSet numbers different digests in the order they come: open
// addressing over 16-bit numbers, which Verify's limits always fit. It takes a
// third of the memory of a map, which was most of what a large credential cost.
type digestSet struct {
	texts []string
	slots []uint16 // number + 1, or 0; a power of two, at least twice len(texts)
}

var digestSeed = maphash.MakeSeed() // nobody outside can make digests collide

func newDigestSet(expected int) *digestSet {
	slots := 16
	for slots < 2*expected {
		slots *= 2
	}
	return &digestSet{texts: make([]string, 0, expected), slots: make([]uint16, slots)}
}

// add returns the number of a digest and whether it is new.
func (s *digestSet) add(digest string) (number int, added bool) {
	if 2*(len(s.texts)+1) > len(s.slots) {
		s.grow()
	}
	slot := s.find(digest)
	if n := s.slots[slot]; n != 0 {
		return int(n) - 1, false
	}
	s.texts = append(s.texts, digest)
	s.slots[slot] = uint16(len(s.texts))
	return len(s.texts) - 1, true
}

// find returns the slot that holds the digest, or the free one it belongs in.
func (s *digestSet) find(digest string) uint64 {
	mask := uint64(len(s.slots) - 1)
	slot := maphash.String(digestSeed, digest) & mask
	for s.slots[slot] != 0 && s.texts[s.slots[slot]-1] != digest {
		slot = (slot + 1) & mask
	}
	return slot
}

func (s *digestSet) grow() {
	s.slots = make([]uint16, 2*len(s.slots))
	for i, text := range s.texts {
		s.slots[s.find(text)] = uint16(i + 1)
	}
}
