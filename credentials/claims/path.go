// Package claims holds claim sets and claims paths: plain JSON values, how a
// path selects among them (OpenID4VP 1.0 §7), when two values are equal, and
// their canonical bytes (RFC 8785).
//
// It does not parse tokens, knows no keys and verifies nothing. A Set may come
// from a verified credential or from a holder's own words; the type does not
// say which.
package claims

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of a claims path.
const (
	MaxPathDepth  = 16   // components in one path
	MaxPathBytes  = 4096 // JSON form of one path
	MaxArrayIndex = 1<<31 - 1
)

// ErrPath says that a path is malformed, or that it meets a value of the wrong
// kind on its way (OpenID4VP 1.0 §7.1: "abort processing and return an error").
var ErrPath = errors.New("claims: path")

// ErrNoMatch says that a path is sound but selects nothing.
var ErrNoMatch = errors.New("claims: path selects nothing")

// A Path points at claims: each component is a string (member of an object),
// an int (index of an array, not negative) or nil (every element of an array).
// Its JSON form is an array, such as ["degrees",null,"type"]
// (OpenID4VP 1.0 §7).
type Path []any

// ParsePath reads the JSON form of a path. Every error wraps ErrPath.
func ParsePath(text []byte) (Path, error) {
	if len(text) > MaxPathBytes {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrPath, MaxPathBytes)
	}
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("%w: not UTF-8", ErrPath)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var raw []any
	if err := d.Decode(&raw); err != nil {
		return nil, fmt.Errorf("%w: not a JSON array", ErrPath)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: text after the array", ErrPath)
	}
	return NewPath(raw)
}

// NewPath makes a path of decoded JSON components and checks them.
func NewPath(components []any) (Path, error) {
	if len(components) == 0 || len(components) > MaxPathDepth {
		return nil, fmt.Errorf("%w: needs 1 to %d components", ErrPath, MaxPathDepth)
	}
	p := make(Path, len(components))
	for i, c := range components {
		checked, err := component(c)
		if err != nil {
			return nil, err
		}
		p[i] = checked
	}
	return p, nil
}

func component(c any) (any, error) {
	switch c := c.(type) {
	case nil:
		return nil, nil
	case string:
		// U+FFFD is what the decoder leaves of a lone surrogate.
		if !utf8.ValidString(c) || strings.ContainsRune(c, utf8.RuneError) {
			return nil, fmt.Errorf("%w: name is not Unicode text", ErrPath)
		}
		return c, nil
	case int:
		return index(strconv.Itoa(c))
	case json.Number:
		return index(c.String())
	}
	return nil, fmt.Errorf("%w: component is neither string, index nor null", ErrPath)
}

func index(digits string) (any, error) {
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || n > MaxArrayIndex || strconv.FormatUint(n, 10) != digits {
		return nil, fmt.Errorf("%w: index is not a whole number from 0", ErrPath)
	}
	return int(n), nil
}

// String returns the canonical JSON form, usable as a map key.
func (p Path) String() string {
	b := []byte{'['}
	for i, c := range p {
		if i > 0 {
			b = append(b, ',')
		}
		switch c := c.(type) {
		case nil:
			b = append(b, "null"...)
		case int:
			b = strconv.AppendInt(b, int64(c), 10)
		case string:
			b = appendString(b, c)
		default:
			b = append(b, `"?"`...)
		}
	}
	return string(append(b, ']'))
}

// Equal reports whether both paths have the same components.
func (p Path) Equal(q Path) bool {
	if len(p) != len(q) {
		return false
	}
	for i := range p {
		if p[i] != q[i] {
			return false
		}
	}
	return true
}

// MarshalJSON returns the canonical JSON form; it fails for a path that
// ParsePath would refuse.
func (p Path) MarshalJSON() ([]byte, error) {
	if _, err := NewPath(p); err != nil {
		return nil, err
	}
	return []byte(p.String()), nil
}

// UnmarshalJSON is ParsePath.
func (p *Path) UnmarshalJSON(text []byte) error {
	parsed, err := ParsePath(text)
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}
