package sdjwt

import (
	"context"
	"strconv"
	"strings"

	"facet/credentials/claims"
	"facet/credentials/jose"
)

// A Holding is a stored SD-JWT together with the place of each of its
// disclosures, so that presenting decodes and hashes nothing again. It holds
// claim values in the clear: whoever stores it must seal it.
//
// Its text form (MarshalText) is one line with version and digest algorithm,
// one with the issuer-signed JWT, and one for each disclosure: index of the
// parent, the disclosure, its claims path.
type Holding struct {
	hash    string
	jwt     string
	entries []entry
}

type entry struct {
	parent  int
	encoded string
	path    string // canonical JSON
}

const holdingVersion = "facet-sdjwt-1"

// NewHolding indexes a verified SD-JWT. A key binding JWT is dropped.
func NewHolding(v *Verified) *Holding {
	h := &Holding{hash: v.hash, jwt: v.sd.issuer.Raw(), entries: make([]entry, len(v.disclosures))}
	for i, d := range v.disclosures {
		h.entries[i] = entry{d.Parent, d.Encoded, d.Path.String()}
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
// paths name and everything below it, with the parents that recursive
// disclosures need (RFC 9901 §4.2.6) and nothing else. The paths count array
// elements of the full credential. A path that names only what is never hidden
// adds nothing; whether it names anything at all is not checked.
func (h *Holding) Select(paths []claims.Path) (string, error) {
	chosen := make([]bool, len(h.entries))
	for _, q := range paths {
		if len(q) == 0 {
			return "", fail("path_invalid", "an empty claims path selects nothing")
		}
		m := newMatcher(q)
		for i := range h.entries {
			if chosen[i] {
				continue
			}
			related, err := m.related(h.entries[i].path)
			if err != nil {
				return "", err
			}
			if related {
				h.choose(chosen, i)
			}
		}
	}
	return h.compact(chosen), nil
}

// choose marks entry i and its ancestors.
func (h *Holding) choose(chosen []bool, i int) {
	for i >= 0 && !chosen[i] {
		chosen[i] = true
		i = h.entries[i].parent
	}
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

// A matcher compares a query path with stored ones; without null elements that
// is a comparison of canonical texts.
type matcher struct {
	path claims.Path
	text string // without the closing bracket; "" if the path has a null
}

func newMatcher(q claims.Path) matcher {
	for _, e := range q {
		if e == nil {
			return matcher{path: q}
		}
	}
	s := q.String()
	return matcher{path: q, text: s[:len(s)-1]}
}

// related reports whether the stored path is the query's, above it or below it.
func (m matcher) related(stored string) (bool, error) {
	if m.text != "" {
		a, b := m.text, stored[:len(stored)-1]
		if len(a) > len(b) {
			a, b = b, a
		}
		return strings.HasPrefix(b, a) && (len(a) == len(b) || b[len(a)] == ','), nil
	}
	p, err := claims.ParsePath([]byte(stored))
	if err != nil {
		return false, wrap("holding_format", "stored claims path", err)
	}
	for i := range min(len(p), len(m.path)) {
		_, index := p[i].(int)
		if m.path[i] != p[i] && !(m.path[i] == nil && index) {
			return false, nil
		}
	}
	return true, nil
}

// MarshalText implements encoding.TextMarshaler.
func (h *Holding) MarshalText() ([]byte, error) {
	b := make([]byte, 0, 2*len(h.jwt)+256*len(h.entries))
	b = append(b, holdingVersion+" "+h.hash+"\n"+h.jwt...)
	for _, e := range h.entries {
		b = append(b, '\n')
		b = strconv.AppendInt(b, int64(e.parent), 10)
		b = append(b, ' ')
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
		parent, rest, ok1 := strings.Cut(line, " ")
		encoded, path, ok2 := strings.Cut(rest, " ")
		n, err := strconv.Atoi(parent)
		if !ok1 || !ok2 || err != nil || n < -1 || n >= len(entries) || len(path) < 2 {
			return fail("holding_format", "line %d is damaged", i+3)
		}
		entries[i] = entry{n, encoded, path}
	}
	*h = Holding{hash: hash, jwt: lines[1], entries: entries}
	return nil
}
