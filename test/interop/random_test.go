package interop

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"facet/credentials/claims"
)

// A dialect is what a peer can say at all; what is left out for its sake is a
// named difference (differences_test.go).
type dialect struct {
	name   string
	nulls  bool // null as a value
	empty  bool // empty objects and arrays
	markup bool // <, > and & in texts and names
	decoys bool // array elements are found among decoys
}

// A subject is one random credential before it is signed.
type subject struct {
	n      int // with the seed, enough to make it again
	claims map[string]any
	hidden []claims.Path
	decoys int
	hash   string
}

// String says what is special about a subject without its values.
func (s subject) String() string {
	paths := make([]string, len(s.hidden))
	for i, p := range s.hidden {
		paths[i] = p.String()
	}
	return fmt.Sprintf("credential %d (%s, %d decoys, hides %s)", s.n, s.hash, s.decoys, strings.Join(paths, " "))
}

const (
	randomDepth  = 4 // containers below the top
	randomWidth  = 4 // members or elements of a container
	randomClaims = 8 // at the top
)

var (
	words = []string{"length", "topics", "straße", "名前", "with space", "quo\"te", "slash/", "back\\slash", "tilde~", "0", "17", "über", "emoji🗞", "tab\t", "a-b_c", "café"}
	tags  = []string{"<b>", "a&b", ">"}
)

// random makes the n-th credential of a seed.
func random(seed uint64, n int, d dialect) subject {
	g := generator{rand.New(rand.NewPCG(seed, uint64(n))), d}
	s := subject{n: n, claims: map[string]any{}, decoys: g.IntN(3), hash: []string{"sha-256", "sha-256", "sha-384", "sha-512"}[g.IntN(4)]}
	for i := range 1 + g.IntN(randomClaims) {
		s.claims[g.name(i)] = g.value(0)
	}
	g.hide(s.claims, nil, 0.6, &s.hidden)
	if len(s.hidden) == 0 { // a credential without disclosures is drawn too, but seldom
		for name := range s.claims {
			if g.IntN(8) > 0 {
				s.hidden = append(s.hidden, claims.Path{name})
			}
			break
		}
	}
	if !d.decoys && slices.ContainsFunc(s.hidden, func(p claims.Path) bool { _, element := p[len(p)-1].(int); return element }) {
		s.decoys = 0
	}
	return s
}

type generator struct {
	*rand.Rand
	dialect
}

// name is unlike every other of its object, whatever its case.
func (g generator) name(i int) string {
	word := words[g.IntN(len(words))]
	if g.markup && g.IntN(6) == 0 {
		word = tags[g.IntN(len(tags))]
	}
	if i == 0 {
		return word
	}
	return word + strconv.Itoa(i)
}

func (g generator) value(depth int) any {
	kinds := 9
	if depth == randomDepth {
		kinds = 6
	}
	switch g.IntN(kinds) {
	case 0:
		return g.IntN(2) == 0
	case 1:
		return json.Number(strconv.FormatInt(g.Int64N(1<<53)-1<<52, 10)) // what a double holds exactly
	case 2:
		return json.Number(strconv.FormatFloat(float64(g.IntN(1<<20))/8, 'f', -1, 64))
	case 3:
		if g.nulls {
			return nil
		}
		return ""
	case 4, 5:
		return g.name(g.IntN(1000))
	case 6:
		object := map[string]any{}
		for i := range g.width() {
			object[g.name(i)] = g.value(depth + 1)
		}
		return object
	default:
		array := []any{}
		for range g.width() {
			array = append(array, g.value(depth+1))
		}
		return array
	}
}

func (g generator) width() int {
	if g.empty {
		return g.IntN(randomWidth + 1)
	}
	return 1 + g.IntN(randomWidth)
}

// hide draws which members and elements may be hidden, parents and children
// alike.
func (g generator) hide(v any, at claims.Path, chance float64, out *[]claims.Path) {
	each(v, func(step, below any) {
		p := append(at[:len(at):len(at)], step)
		if g.Float64() < chance {
			*out = append(*out, p)
		}
		g.hide(below, p, chance*0.7, out)
	})
}

// each visits the members of an object in the order of their names, or the
// elements of an array, with their step in a claims path.
func each(v any, visit func(step, below any)) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range sortedNames(v) {
			visit(name, v[name])
		}
	case []any:
		for i, e := range v {
			visit(i, e)
		}
	}
}

// A choice is what a holder shows: named are the paths a holder asks its wallet
// for, shown the hidden places that opens, by their text form.
type choice struct {
	named []claims.Path
	shown map[string]claims.Path
}

// choose draws what to show of a credential, the same for a place whatever
// else the credential holds, so that shrinking changes nothing else. The parents
// of what is named open too; what is below it only with down, which is how our
// wallet reads a path. The peers name each disclosure.
func (s subject) choose(seed uint64, down bool) choice {
	c := choice{shown: map[string]claims.Path{}}
	for _, p := range s.hidden {
		h := fnv.New64a()
		fmt.Fprintf(h, "%d %d %s", seed, s.n, p)
		if h.Sum64()>>7&1 == 0 {
			continue
		}
		c.named = append(c.named, p)
		for _, q := range s.hidden {
			if within(p, q) || down && within(q, p) {
				c.shown[q.String()] = q
			}
		}
	}
	return c
}

// within reports whether p is at or below q.
func within(p, q claims.Path) bool { return len(q) <= len(p) && q.Equal(p[:len(q)]) }

// everything shows all there is.
func (s subject) everything() choice {
	c := choice{named: s.hidden, shown: map[string]claims.Path{}}
	for _, p := range s.hidden {
		c.shown[p.String()] = p
	}
	return c
}

// visible is the oracle: what a verifier must read of the subject, found by
// leaving things out and not by any digest.
func (s subject) visible(c choice) map[string]any {
	hidden := map[string]bool{}
	for _, p := range s.hidden {
		_, shown := c.shown[p.String()]
		hidden[p.String()] = !shown
	}
	return withoutHidden(s.claims, nil, hidden).(map[string]any)
}

func withoutHidden(v any, at claims.Path, hidden map[string]bool) any {
	object := map[string]any{}
	array := []any{}
	each(v, func(step, below any) {
		p := append(at[:len(at):len(at)], step)
		if hidden[p.String()] {
			return
		}
		kept := withoutHidden(below, p, hidden)
		if name, ok := step.(string); ok {
			object[name] = kept
		} else {
			array = append(array, kept)
		}
	})
	switch v.(type) {
	case map[string]any:
		return object
	case []any:
		return array
	}
	return v
}

// shrink drops claims and hidden places as long as the subject still fails.
func shrink(s subject, fails func(subject) bool) subject {
	for again := true; again; {
		again = false
		for _, smaller := range s.smaller() {
			if fails(smaller) {
				s, again = smaller, true
				break
			}
		}
	}
	return s
}

func (s subject) smaller() []subject {
	var out []subject
	for name := range s.claims {
		if len(s.claims) == 1 {
			break
		}
		less := s
		less.claims = maps.Clone(s.claims)
		delete(less.claims, name)
		less.hidden = slices.DeleteFunc(slices.Clone(s.hidden), func(p claims.Path) bool { return p[0] == name })
		out = append(out, less)
	}
	for i := range s.hidden {
		less := s
		less.hidden = slices.Delete(slices.Clone(s.hidden), i, i+1)
		out = append(out, less)
	}
	if s.decoys > 0 {
		less := s
		less.decoys = 0
		out = append(out, less)
	}
	return out
}
