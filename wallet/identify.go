package wallet

import (
	"fmt"
	"math"

	"facet/credentials/claims"
	"facet/schemas"
)

// Bounds of the identify levels, in bits: 2^10 is one in about a thousand.
const (
	barelyBelow   = 4
	somewhatBelow = 10
)

// minShare is assumed for a value the table of shares does not know: rare
// until known otherwise.
const minShare = 1.0 / 4096

// A shown claim is what one answer discloses, by type.
type shown struct {
	Query string
	VCT   string
	Path  claims.Path
	Value any
	Self  bool
}

// identify adds up how rare the disclosed values are: the sum of −log2(share).
// Values are taken as independent, so it says at most too much.
func identify(all []shown) Identify {
	id := Identify{Parts: []IdentifyPart{}}
	for _, s := range all {
		bits := bitsOf(s.Path, s.Value)
		if bits == 0 {
			continue
		}
		id.Bits += bits
		id.Parts = append(id.Parts, IdentifyPart{Label: metadataOf(s.VCT).label(s.Path)})
	}
	id.Bits = math.Round(id.Bits*10) / 10
	switch {
	case id.Bits < barelyBelow:
		id.Level = IdentifyBarely
	case id.Bits < somewhatBelow:
		id.Level = IdentifySomewhat
	default:
		id.Level = IdentifyStrongly
	}
	return id
}

// bitsOf is 0 for a value that says nothing.
func bitsOf(p claims.Path, v any) float64 {
	if neutral, ok := schemas.Neutral(p); ok && claims.Equal(neutral, v) {
		return 0
	}
	if list, ok := v.([]any); ok {
		var sum float64
		for _, e := range list {
			sum += bitsOf(p, e)
		}
		return sum
	}
	if object, ok := v.(map[string]any); ok {
		var sum float64
		for name, e := range object {
			sum += bitsOf(append(p[:len(p):len(p)], name), e)
		}
		return sum
	}
	share := schemas.Share(p, fmt.Sprint(v))
	if !(share >= minShare) {
		share = minShare
	}
	return -math.Log2(min(share, 1))
}
