package claims

import (
	"encoding/json"
	"fmt"
)

// A Set is a decoded JSON object of claims. Numbers are json.Number, so that
// nothing is rounded on the way through.
type Set map[string]any

// Get returns what the path selects, in document order (OpenID4VP 1.0 §7.1).
// The error wraps ErrNoMatch when nothing is there and ErrPath when the path
// asks an object for an index, an array for a name, or is malformed.
// The values are shared with the set, not copied.
func (s Set) Get(p Path) ([]any, error) {
	if _, err := NewPath(p); err != nil {
		return nil, err
	}
	selected := []any{map[string]any(s)}
	for _, c := range p {
		next := make([]any, 0, len(selected))
		for _, v := range selected {
			var err error
			if next, err = step(next, v, c); err != nil {
				return nil, err
			}
		}
		if len(next) == 0 {
			return nil, fmt.Errorf("%w: %s", ErrNoMatch, p)
		}
		selected = next
	}
	return selected, nil
}

// step appends to out what component c selects in v.
func step(out []any, v, c any) ([]any, error) {
	switch c := c.(type) {
	case string:
		object, ok := asObject(v)
		if !ok {
			return nil, fmt.Errorf("%w: a name is asked of something that is no object", ErrPath)
		}
		if member, ok := object[c]; ok {
			out = append(out, member)
		}
	case int:
		array, ok := v.([]any)
		if !ok {
			return nil, fmt.Errorf("%w: an index is asked of something that is no array", ErrPath)
		}
		if c < len(array) {
			out = append(out, array[c])
		}
	default:
		array, ok := v.([]any)
		if !ok {
			return nil, fmt.Errorf("%w: elements are asked of something that is no array", ErrPath)
		}
		out = append(out, array...)
	}
	return out, nil
}

func asObject(v any) (map[string]any, bool) {
	switch v := v.(type) {
	case map[string]any:
		return v, true
	case Set:
		return v, true
	}
	return nil, false
}

// Assign puts value at a path of names, making the objects on the way. It
// never replaces a value that is not an object by one. The error wraps ErrPath.
func (s Set) Assign(p Path, value any) error {
	if _, err := NewPath(p); err != nil {
		return err
	}
	at := map[string]any(s)
	for i, c := range p {
		name, ok := c.(string)
		if !ok {
			return fmt.Errorf("%w: only names can be assigned", ErrPath)
		}
		if i == len(p)-1 {
			at[name] = value
			return nil
		}
		below, there := at[name]
		if !there {
			below = map[string]any{}
			at[name] = below
		}
		if at, ok = asObject(below); !ok {
			return fmt.Errorf("%w: %s runs through something that is no object", ErrPath, p)
		}
	}
	return nil
}

// Merge copies the members of other into s, object by object. A member that is
// there already, and is not an object in both, is an error that wraps ErrPath:
// claims never silently replace each other.
func (s Set) Merge(other Set) error { return merge(s, other) }

func merge(to, from map[string]any) error {
	for name, v := range from {
		have, there := to[name]
		if !there {
			to[name] = Clone(v)
			continue
		}
		a, okA := asObject(have)
		b, okB := asObject(v)
		if !okA || !okB {
			return fmt.Errorf("%w: a claim is there twice", ErrPath)
		}
		if err := merge(a, b); err != nil {
			return err
		}
	}
	return nil
}

// Clone returns a deep copy of the set.
func (s Set) Clone() Set {
	if s == nil {
		return nil
	}
	return Set(Clone(map[string]any(s)).(map[string]any))
}

// Clone returns a deep copy of a decoded JSON value.
func Clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		c := make(map[string]any, len(v))
		for name, member := range v {
			c[name] = Clone(member)
		}
		return c
	case Set:
		return Clone(map[string]any(v))
	case []any:
		c := make([]any, len(v))
		for i, element := range v {
			c[i] = Clone(element)
		}
		return c
	}
	return v
}

// Equal reports whether two decoded JSON values are the same: same kind, same
// content. Numbers are compared by value, exactly (1 equals 1.0; nothing is
// rounded); a string never equals a number.
func Equal(a, b any) bool {
	if x, ok := asObject(a); ok {
		y, ok := asObject(b)
		return ok && equalObjects(x, y)
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case bool:
		b, ok := b.(bool)
		return ok && a == b
	case string:
		b, ok := b.(string)
		return ok && a == b
	case []any:
		b, ok := b.([]any)
		return ok && equalArrays(a, b)
	}
	x, okX := number(a)
	y, okY := number(b)
	return okX && okY && equalNumbers(x, y)
}

func equalObjects(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	for name, v := range a {
		if w, ok := b[name]; !ok || !Equal(v, w) {
			return false
		}
	}
	return true
}

func equalArrays(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// number returns the literal of any numeric value met in claims.
func number(v any) (json.Number, bool) {
	switch v := v.(type) {
	case json.Number:
		return v, validNumber(string(v))
	case int, int64, uint64:
		return json.Number(fmt.Sprint(v)), true
	case float64:
		b, err := json.Marshal(v)
		return json.Number(b), err == nil
	}
	return "", false
}

// validNumber reports whether s is exactly one JSON number (RFC 8259 §6).
func validNumber(s string) bool {
	return s != "" && (s[0] == '-' || s[0] >= '0' && s[0] <= '9') && json.Valid([]byte(s)) && s[len(s)-1] != ' '
}
