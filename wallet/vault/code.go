package vault

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
)

// CodeBits is the entropy of a recovery code. It is far beyond guessing, online
// or off, which is why its derived values need no slow hash.
const CodeBits = 160

const (
	codeSize     = CodeBits / 8
	codeSymbols  = CodeBits / 5
	checkSymbols = 4
	groupSize    = 4
	// CodeGroups is how many groups of four characters a code is written in.
	CodeGroups = (codeSymbols + checkSymbols) / groupSize
)

// alphabet is Crockford's base 32: no I, L, O or U.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// A Code is a recovery code: the way into a vault when no passkey opens it. It
// is shown once, before the first credential arrives, and never stored.
//
// Three values are derived from it, each separately: what the host looks the
// vault up by, what it asks for before handing it out, and the key that opens
// it. The first two say nothing about the third.
type Code struct{ secret [codeSize]byte }

// NewCode draws a recovery code.
func NewCode() Code {
	var c Code
	rand.Read(c.secret[:])
	return c
}

// ParseCode reads a code as people type it: any case, with or without spaces
// and dashes, with O for 0 and I or L for 1. The checksum is compared before
// anything is derived. It finds every mistake within four neighbouring
// characters, so any single typo and any swapped neighbours.
func ParseCode(s string) (Code, error) {
	symbols := make([]byte, 0, codeSymbols+checkSymbols)
	for _, r := range strings.ToUpper(s) {
		switch r {
		case ' ', '-', '\t', '\n', '\r', '\u00a0', '\u2013', '\u2011':
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		v := strings.IndexRune(alphabet, r)
		if v < 0 {
			return Code{}, &Error{ReasonCodeFormat, "a recovery code holds digits and letters without U only"}
		}
		if len(symbols) == cap(symbols) {
			return Code{}, &Error{ReasonCodeFormat, "a recovery code has 36 characters; this is longer"}
		}
		symbols = append(symbols, byte(v))
	}
	if len(symbols) < cap(symbols) {
		return Code{}, &Error{ReasonCodeFormat, "a recovery code has 36 characters; this is shorter"}
	}
	if remainder(symbols) != 0 {
		return Code{}, &Error{ReasonCodeChecksum, "the recovery code is mistyped"}
	}
	var c Code
	pack(c.secret[:], symbols[:codeSymbols])
	return c, nil
}

// String writes the code as nine groups of four, joined by dashes. It is the
// secret itself: show it, never log it.
func (c Code) String() string {
	symbols := append(unpack(c.secret[:]), 0, 0, 0, 0)
	check := remainder(symbols)
	for i := range checkSymbols {
		symbols[codeSymbols+i] = byte(check >> (5 * (checkSymbols - 1 - i)) & 31)
	}
	var b strings.Builder
	for i, v := range symbols {
		if i > 0 && i%groupSize == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(alphabet[v])
	}
	return b.String()
}

// Groups returns the nine groups of String, for asking the holder to type two.
func (c Code) Groups() []string { return strings.Split(c.String(), "-") }

// LookupID is what the host finds the sealed vault by (16 bytes). It is not
// secret from the host and unlinkable to the other two derived values.
func (c Code) LookupID() []byte {
	return expand(c.secret[:], nil, "facet-vault/1 recovery lookup", idSize)
}

// SignInSecret is what the host asks for before it hands out the vault found
// by LookupID (32 bytes). The host keeps its SHA-256 only.
func (c Code) SignInSecret() []byte {
	return expand(c.secret[:], nil, "facet-vault/1 recovery sign-in", sha256.Size)
}

// remainder divides the symbols, read as one polynomial over GF(2), by
// x^20 + x^3 + 1. Any error burst of up to 20 bits leaves a remainder.
func remainder(symbols []byte) uint32 {
	const poly = 1<<20 | 1<<3 | 1
	var r uint32
	for _, s := range symbols {
		for bit := 4; bit >= 0; bit-- {
			r = r<<1 | uint32(s>>bit&1)
			if r&(1<<20) != 0 {
				r ^= poly
			}
		}
	}
	return r
}

// pack writes five-bit symbols into whole bytes, most significant bit first.
func pack(dst, symbols []byte) {
	for i, s := range symbols {
		for bit := range 5 {
			at := 5*i + bit
			dst[at/8] |= s >> (4 - bit) & 1 << (7 - at%8)
		}
	}
}

// unpack is the inverse of pack.
func unpack(src []byte) []byte {
	symbols := make([]byte, len(src)*8/5)
	for at := range len(src) * 8 {
		symbols[at/5] |= src[at/8] >> (7 - at%8) & 1 << (4 - at%5)
	}
	return symbols
}
