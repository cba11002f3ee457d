package hints

import (
	"cmp"
	"math"
	"slices"

	"facet/credentials/claims"
	"facet/schemas"
)

// How far an answer narrows down who its holder is.
const (
	Barely   = "barely"   // under BarelyBits
	Somewhat = "somewhat" // under SomewhatBits
	Strongly = "strongly"

	BarelyBits   = 4
	SomewhatBits = 10
)

// Identifiability is the sum of −log2(share) over everything told: each bit
// halves the crowd the holder disappears in. It is an estimate from assumed
// shares, taken as independent, and meant for comparing answers.
type Identifiability struct {
	Level string
	Bits  float64
	Parts []Part // the most telling first
}

// Part is one claim's share of the figure.
type Part struct {
	Label Text
	Bits  float64
}

// Identify weighs everything in the inputs. Claims that say nothing weigh
// nothing.
func Identify(in map[string]Input) Identifiability {
	id := Identifiability{Level: Barely}
	names := make([]string, 0, len(in))
	for name := range in {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		id.add(nil, map[string]any(in[name].Claims))
	}
	slices.SortStableFunc(id.Parts, func(a, b Part) int {
		return cmp.Or(cmp.Compare(b.Bits, a.Bits), cmp.Compare(a.Label["en"], b.Label["en"]))
	})
	for _, p := range id.Parts {
		id.Bits += p.Bits
	}
	switch {
	case id.Bits >= SomewhatBits:
		id.Level = Strongly
	case id.Bits >= BarelyBits:
		id.Level = Somewhat
	}
	return id
}

func (id *Identifiability) add(path claims.Path, v any) {
	if neutral, ok := schemas.Neutral(path); ok && claims.Equal(v, neutral) {
		return
	}
	if object, ok := v.(map[string]any); ok && schemas.ClaimKind(path) != schemas.KindObject {
		for name, below := range object {
			id.add(append(slices.Clone(path), name), below)
		}
		return
	}
	values := []any{v}
	if list, ok := v.([]any); ok {
		values = list
	}
	part := Part{Label: schemas.ClaimLabel(path)}
	for _, v := range values {
		text, _ := scalar(v)
		part.Bits -= math.Log2(schemas.Share(path, text))
	}
	if len(values) > 0 {
		id.Parts = append(id.Parts, part)
	}
}
