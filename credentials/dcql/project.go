package dcql

import (
	"slices"
	"strings"

	"facet/credentials/claims"
)

// technical are the claims of SD-JWT VC that say how a credential works, not
// what it states; presenting them is never surplus.
var technical = []string{"iss", "iat", "nbf", "exp", "vct", "vct#integrity", "aka_vcts", "cnf", "status"}

// Project returns the part of set that the paths select, in the same places.
// Array elements that no path selects are left out, so indexes close up.
func Project(set claims.Set, paths []claims.Path) claims.Set {
	out, _ := project(map[string]any(set), paths).(map[string]any)
	if out == nil {
		return claims.Set{}
	}
	return out
}

// project returns what paths select of v, or absent.
func project(v any, paths []claims.Path) any {
	if slices.ContainsFunc(paths, func(p claims.Path) bool { return len(p) == 0 }) {
		return claims.Clone(v) // selected as a whole
	}
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, member := range v {
			if below := follow(paths, name); below != nil {
				if kept := project(member, below); kept != absent {
					out[name] = kept
				}
			}
		}
		if len(out) > 0 {
			return out
		}
	case []any:
		out := []any{}
		for i, element := range v {
			if below := follow(paths, i); below != nil {
				if kept := project(element, below); kept != absent {
					out = append(out, kept)
				}
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return absent
}

// absent marks that nothing was selected; no JSON value equals it.
var absent any = &struct{ _ byte }{}

// follow returns the rests of the paths that go on through step.
func follow(paths []claims.Path, step any) []claims.Path {
	var below []claims.Path
	_, index := step.(int)
	for _, p := range paths {
		if p[0] == step || (p[0] == nil && index) {
			below = append(below, p[1:])
		}
	}
	return below
}

// surplus returns the paths of the leaves that no wanted path covers.
func surplus(set claims.Set, wanted []claims.Path) []claims.Path {
	var out []claims.Path
	for name, v := range set {
		if !slices.Contains(technical, name) {
			out = append(out, leaves(v, claims.Path{name}, follow(wanted, name))...)
		}
	}
	slices.SortFunc(out, func(a, b claims.Path) int { return strings.Compare(a.String(), b.String()) })
	return out
}

func leaves(v any, at claims.Path, wanted []claims.Path) []claims.Path {
	if slices.ContainsFunc(wanted, func(p claims.Path) bool { return len(p) == 0 }) {
		return nil
	}
	var out []claims.Path
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			out = append(out, leaves(member, append(slices.Clip(at), name), follow(wanted, name))...)
		}
	case []any:
		for i, element := range v {
			out = append(out, leaves(element, append(slices.Clip(at), i), follow(wanted, i))...)
		}
	default:
		out = append(out, at)
	}
	return out
}
