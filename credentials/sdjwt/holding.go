package sdjwt

import (
	"context"
	"slices"
	"strings"

	"facet/credentials/claims"
	"facet/credentials/jose"
)

// A Holding is a stored SD-JWT together with the place of each of its
// disclosures, so that presenting decodes and hashes nothing again. It holds
// claim values in the clear: whoever stores it must seal it.
//
// Its text form (MarshalText) is one line with version and digest algorithm,
// one with the issuer-signed JWT, and one for each disclosure with its claims
// path.
type Holding struct {
	hash    string
	jwt     string
	entries []entry
}

type entry struct {
	encoded string
	path    string // canonical JSON
}

const holdingVersion = "facet-sdjwt-1"

// NewHolding indexes a verified SD-JWT. A key binding JWT is dropped.
func NewHolding(v *Verified) *Holding {
	h := &Holding{hash: v.hash, jwt: v.sd.issuer.Raw(), entries: make([]entry, len(v.disclosures))}
	for i, d := range v.disclosures {
		h.entries[i] = entry{d.Encoded, d.Path.String()}
	}
	return h
}

// SDJWT is the whole SD-JWT with all disclosures.
func (h *Holding) SDJWT() string {
	chosen := make([]bool, len(h.entries))
	for i := range chosen {
		chosen[i] = true
	}
	return h.compact(chosen)
}

// Claims processes the stored SD-JWT without verifying it again and returns
// every claim, disclosed or not, as the holder knows it.
func (h *Holding) Claims() (claims.Set, error) {
	sd, err := Parse(h.SDJWT())
	if err != nil {
		return nil, err
	}
	payload := sd.issuer.UnverifiedClaims()
	p, err := newProcessor(h.hash, sd.disclosures, payload)
	if err != nil {
		return nil, err
	}
	return p.run(payload)
}

// Select returns the SD-JWT (without key binding) that discloses what the
// paths name and everything below it, with what stands above it, which
// recursive disclosures need (RFC 9901 §4.2.6), and nothing else. Paths count
// array elements of the full credential. A path that names only what is never
// hidden adds nothing; whether it names anything at all is not checked.
func (h *Holding) Select(paths []claims.Path) (string, error) {
	m, err := newMatcher(paths)
	if err != nil {
		return "", err
	}
	chosen := make([]bool, len(h.entries))
	for i := range h.entries {
		if chosen[i], err = m.related(h.entries[i].path); err != nil {
			return "", err
		}
	}
	return h.compact(chosen), nil
}

// Present selects and binds in one step.
func (h *Holding) Present(ctx context.Context, paths []claims.Path, holder jose.Signer, c KBClaims) (string, error) {
	sd, err := h.Select(paths)
	if err != nil {
		return "", err
	}
	c.HashAlg = h.hash
	return Bind(ctx, sd, holder, c)
}

func (h *Holding) compact(chosen []bool) string {
	n := len(h.jwt) + 1
	for i, yes := range chosen {
		if yes {
			n += len(h.entries[i].encoded) + 1
		}
	}
	var b strings.Builder
	b.Grow(n)
	b.WriteString(h.jwt)
	b.WriteByte('~')
	for i, yes := range chosen {
		if yes {
			b.WriteString(h.entries[i].encoded)
			b.WriteByte('~')
		}
	}
	return b.String()
}

// A matcher finds stored paths that are a selected one, above it or below it.
// Paths without null are compared as canonical texts without the closing
// bracket: those selected, and those above one.
type matcher struct {
	texts map[string]place
	wild  []claims.Path
}

type place bool

const (
	above    place = false
	selected place = true
)

func newMatcher(paths []claims.Path) (*matcher, error) {
	m := &matcher{texts: make(map[string]place, 2*len(paths))}
	for _, p := range paths {
		if len(p) == 0 {
			return nil, fail("path_invalid", "an empty claims path selects nothing")
		}
		if slices.Contains(p, nil) {
			m.wild = append(m.wild, p)
			continue
		}
		for n := 1; n < len(p); n++ {
			if text := open(p[:n].String()); !bool(m.texts[text]) {
				m.texts[text] = above
			}
		}
		m.texts[open(p.String())] = selected
	}
	return m, nil
}

// open cuts the closing bracket off.
func open(path string) string { return path[:len(path)-1] }

func (m *matcher) related(stored string) (bool, error) {
	text := open(stored)
	if _, known := m.texts[text]; known {
		return true, nil
	}
	quoted := false
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted && m.texts[text[:i]] == selected:
			return true, nil
		}
	}
	if m.wild == nil {
		return false, nil
	}
	p, err := claims.ParsePath([]byte(stored))
	if err != nil {
		return false, wrap("holding_format", "stored claims path", err)
	}
	return slices.ContainsFunc(m.wild, func(w claims.Path) bool { return alongside(p, w) }), nil
}

// alongside reports whether the shorter of both paths leads to the longer,
// null in pattern standing for every index.
func alongside(p, pattern claims.Path) bool {
	for i := range min(len(p), len(pattern)) {
		_, index := p[i].(int)
		if pattern[i] != p[i] && !(pattern[i] == nil && index) {
			return false
		}
	}
	return true
}

// MarshalText implements encoding.TextMarshaler.
func (h *Holding) MarshalText() ([]byte, error) {
	b := make([]byte, 0, 2*len(h.jwt)+256*len(h.entries))
	b = append(b, holdingVersion+" "+h.hash+"\n"+h.jwt...)
	for _, e := range h.entries {
		b = append(b, '\n')
		b = append(b, e.encoded...)
		b = append(b, ' ')
		b = append(b, e.path...)
	}
	return b, nil
}

// UnmarshalText implements encoding.TextUnmarshaler. The text must come from
// MarshalText and from storage that nobody else can write.
func (h *Holding) UnmarshalText(text []byte) error {
	lines := strings.Split(string(text), "\n")
	version, hash, ok := strings.Cut(lines[0], " ")
	if !ok || version != holdingVersion || !contains(Hashes, hash) || len(lines) < 2 {
		return fail("holding_format", "not a stored SD-JWT of a version known here")
	}
	if len(lines)-2 > MaxDisclosures {
		return fail("holding_format", "too many disclosures")
	}
	entries := make([]entry, len(lines)-2)
	for i, line := range lines[2:] {
		encoded, path, ok := strings.Cut(line, " ")
		if !ok || encoded == "" || len(path) < 2 {
			return fail("holding_format", "line %d is damaged", i+3)
		}
		entries[i] = entry{encoded, path}
	}
	*h = Holding{hash: hash, jwt: lines[1], entries: entries}
	return nil
}
