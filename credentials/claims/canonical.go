package claims

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxCanonicalDepth bounds the nesting that Canonical follows.
const MaxCanonicalDepth = 64

// ErrCanonical says that a value has no canonical form: a kind JSON does not
// have, text that is not Unicode, or a number that a double cannot hold.
var ErrCanonical = errors.New("claims: no canonical form")

// Canonical returns the JSON Canonicalization Scheme's bytes of a decoded JSON
// value (RFC 8785). Whole numbers that a double would round are refused rather
// than changed. Every error wraps ErrCanonical.
func Canonical(v any) ([]byte, error) { return appendCanonical(nil, v, MaxCanonicalDepth) }

func appendCanonical(b []byte, v any, depth int) ([]byte, error) {
	if depth == 0 {
		return nil, fmt.Errorf("%w: nested too deeply", ErrCanonical)
	}
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case string:
		if !utf8.ValidString(v) {
			return nil, fmt.Errorf("%w: text is not UTF-8", ErrCanonical)
		}
		return appendString(b, v), nil
	case map[string]any:
		return appendObject(b, v, depth)
	case Set:
		return appendObject(b, v, depth)
	case []any:
		return appendArray(b, v, depth)
	case Path:
		return appendArray(b, v, depth)
	case []string:
		array := make([]any, len(v))
		for i, s := range v {
			array[i] = s
		}
		return appendArray(b, array, depth)
	}
	return appendNumber(b, v)
}

func appendArray(b []byte, array []any, depth int) ([]byte, error) {
	b = append(b, '[')
	for i, element := range array {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendCanonical(b, element, depth-1); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// appendObject sorts member names by their UTF-16 code units (RFC 8785 §3.2.3).
func appendObject(b []byte, object map[string]any, depth int) ([]byte, error) {
	names := make([]string, 0, len(object))
	for name := range object {
		if !utf8.ValidString(name) {
			return nil, fmt.Errorf("%w: name is not UTF-8", ErrCanonical)
		}
		names = append(names, name)
	}
	slices.SortFunc(names, compareUTF16)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
		var err error
		if b, err = appendCanonical(b, object[name], depth-1); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// compareUTF16 differs from byte order only between U+E000–U+FFFF and the
// characters beyond the basic plane, whose surrogates sort below them.
func compareUTF16(a, b string) int {
	for a != "" && b != "" {
		x, n := utf8.DecodeRuneInString(a)
		y, m := utf8.DecodeRuneInString(b)
		if x != y {
			return slices.Compare(utf16.AppendRune(nil, x), utf16.AppendRune(nil, y))
		}
		a, b = a[n:], b[m:]
	}
	return len(a) - len(b)
}

// appendString writes s with the only escapes RFC 8785 §3.2.2.2 allows.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		if short := strings.IndexByte("\"\\\b\f\n\r\t", c); short >= 0 {
			b = append(b, '\\', `"\bfnrt`[short])
		} else {
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		from = i + 1
	}
	return append(append(b, s[from:]...), '"')
}

// appendNumber writes a number as ECMAScript does (RFC 8785 §3.2.2.3).
func appendNumber(b []byte, v any) ([]byte, error) {
	literal, ok := number(v)
	if !ok {
		return nil, fmt.Errorf("%w: a kind of value that JSON does not have", ErrCanonical)
	}
	f, err := strconv.ParseFloat(string(literal), 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, fmt.Errorf("%w: number out of range", ErrCanonical)
	}
	if isWhole(string(literal)) && math.Abs(f) >= 1<<53 &&
		!equalNumbers(literal, json.Number(strconv.FormatFloat(f, 'f', -1, 64))) {
		return nil, fmt.Errorf("%w: whole number beyond 2^53", ErrCanonical)
	}
	if f == 0 {
		return append(b, '0'), nil
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(b, f, 'f', -1, 64), nil
	}
	s := strconv.FormatFloat(f, 'e', -1, 64) // 1e-07 is 1e-7 in ECMAScript
	mantissa, exponent, _ := strings.Cut(s, "e")
	return append(b, mantissa+"e"+exponent[:1]+strings.TrimLeft(exponent[1:], "0")...), nil
}

func isWhole(literal string) bool { return !strings.ContainsAny(literal, ".eE") }

// equalNumbers compares two JSON number literals by value, without building
// numbers as large as their exponents.
func equalNumbers(a, b json.Number) bool {
	x, y := normalize(string(a)), normalize(string(b))
	return x == y
}

// A decimal is ±0.digits × 10^exponent, with no zeros at either end of digits.
type decimal struct {
	negative bool
	digits   string
	exponent int64
}

func normalize(literal string) decimal {
	var d decimal
	mantissa := literal
	if i := strings.IndexAny(literal, "eE"); i >= 0 {
		mantissa = literal[:i]
		e, err := strconv.ParseInt(literal[i+1:], 10, 32)
		if err != nil { // beyond any use: equal only to the same spelling
			return decimal{digits: literal}
		}
		d.exponent = e
	}
	mantissa, d.negative = strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	all := whole + fraction
	d.exponent += int64(len(whole))
	trimmed := strings.TrimLeft(all, "0")
	d.exponent -= int64(len(all) - len(trimmed))
	d.digits = strings.TrimRight(trimmed, "0")
	if d.digits == "" {
		return decimal{}
	}
	return d
}
