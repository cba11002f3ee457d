package credentials

import (
	"errors"
	"slices"

	"facet/credentials/claims"
)

// checkDisclosed holds a credential's claims to the type's rules that bind
// every receiver (§5.6.4): sd "always" must have come through a disclosure,
// "never" must not. Claims that are absent may just not be disclosed.
// Reason type_metadata_violation.
func (m *TypeMetadata) checkDisclosed(set claims.Set, disclosed []claims.Path) error {
	for _, c := range m.Claims {
		if c.SD != "always" && c.SD != "never" {
			continue
		}
		places, err := locate(set, c.Path)
		if err != nil {
			return err
		}
		for _, place := range places {
			hidden := slices.ContainsFunc(disclosed, place.Equal)
			if hidden != (c.SD == "always") {
				return fail("type_metadata_violation", "%s is not disclosed the way its type demands", c.Path)
			}
		}
	}
	return nil
}

// checkMandatory is for holders, who see everything: a mandatory claim must be
// there (§5.6.2).
func (m *TypeMetadata) checkMandatory(set claims.Set) error {
	for _, c := range m.Claims {
		if c.Mandatory == nil || !*c.Mandatory {
			continue
		}
		if _, err := set.Get(c.Path); err != nil {
			return fail("type_metadata_violation", "%s is mandatory and missing", c.Path)
		}
	}
	return nil
}

// locate returns the concrete paths that pattern selects: null replaced by
// indexes.
func locate(set claims.Set, pattern claims.Path) ([]claims.Path, error) {
	if _, err := set.Get(pattern); err != nil {
		if errors.Is(err, claims.ErrNoMatch) {
			return nil, nil
		}
		return nil, wrap("type_metadata_violation", "a claim has another shape than its type says", err)
	}
	type found struct {
		at    claims.Path
		value any
	}
	here := []found{{nil, map[string]any(set)}}
	for _, step := range pattern {
		var next []found
		for _, f := range here {
			for _, at := range steps(f.value, step) {
				next = append(next, found{append(slices.Clip(f.at), at), child(f.value, at)})
			}
		}
		here = next
	}
	out := make([]claims.Path, len(here))
	for i, f := range here {
		out[i] = f.at
	}
	return out, nil
}

// steps returns the concrete steps of v that step selects.
func steps(v, step any) []any {
	array, _ := v.([]any)
	switch s := step.(type) {
	case string:
		if o, ok := v.(map[string]any); ok {
			if _, there := o[s]; there {
				return []any{s}
			}
		}
	case int:
		if s < len(array) {
			return []any{s}
		}
	default:
		out := make([]any, len(array))
		for i := range array {
			out[i] = i
		}
		return out
	}
	return nil
}

func child(v, step any) any {
	if name, ok := step.(string); ok {
		return v.(map[string]any)[name]
	}
	return v.([]any)[step.(int)]
}
