package jose

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits of JSON texts.
const (
	MaxJSONDepth  = 16  // nested objects and arrays, the outermost counted
	MaxJSONNumber = 400 // bytes of one number literal
)

// Limits bounds one JSON text; a zero field means the package's maximum.
type Limits struct {
	MaxSize  int // bytes; zero: MaxToken
	MaxDepth int // nesting; zero: MaxJSONDepth
}

// ParseObject reads one strict JSON object: UTF-8, no member twice, no two
// members that differ only by case, bounded size and depth (RFC 8259, RFC 7493).
// Numbers become json.Number. Reasons: size_limit, json_depth_limit,
// json_duplicate_member, json_case_collision, json_malformed.
func ParseObject(text []byte, l Limits) (map[string]any, error) {
	v, err := ParseValue(text, l)
	return asObject(v, err)
}

func asObject(v any, err error) (map[string]any, error) {
	if err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, refuse("json_malformed", "not a JSON object")
	}
	return object, nil
}

// ParseValue reads one strict JSON value of any kind; see ParseObject.
func ParseValue(text []byte, l Limits) (any, error) {
	r := readers.Get().(*reader)
	defer r.release()
	return r.parse(text, l)
}

// ParseEncoded is ParseValue for a text in canonical base64url. Reasons
// besides those: jose_base64_not_canonical.
func ParseEncoded(encoded string, l Limits) (any, error) {
	r := readers.Get().(*reader)
	defer r.release()
	if rawURL.DecodedLen(len(encoded)) > l.size() {
		return nil, refuse(ReasonSize, "JSON text longer than %d bytes", l.size())
	}
	text, err := appendBase64URL(r.decoded[:0], encoded)
	if err != nil {
		return nil, err
	}
	r.decoded = text
	return r.parse(text, l)
}

func (l Limits) size() int {
	if l.MaxSize == 0 {
		return MaxToken
	}
	return l.MaxSize
}

func (r *reader) parse(text []byte, l Limits) (any, error) {
	if r.maxDepth = l.MaxDepth; r.maxDepth == 0 {
		r.maxDepth = MaxJSONDepth
	}
	if len(text) > l.size() {
		return nil, refuse(ReasonSize, "JSON text longer than %d bytes", l.size())
	}
	r.in, r.text = *bytes.NewBuffer(text), string(text)
	v, err := r.value()
	if err != nil {
		return nil, err
	}
	if _, err := r.d.ReadToken(); err != io.EOF {
		return nil, refuse("json_malformed", "text after the JSON value")
	}
	return v, nil
}

// A reader reads one text. Readers are used again and again: a decoder of its
// own would cost a short text more than reading it.
type reader struct {
	d        jsontext.Decoder
	in       bytes.Buffer
	text     string // what in held; strings without escapes are parts of it
	maxDepth int
	elements []any  // of the arrays being read, the innermost last
	decoded  []byte // room for a text that came encoded
}

var readers = sync.Pool{New: func() any { return new(reader).reset() }}

// Bounds of the room a reader keeps between texts.
const (
	maxKeptElements = 1024
	maxKeptBytes    = 16 << 10
)

// reset lets go of the text and makes the decoder ready for the next.
func (r *reader) reset() *reader {
	r.in, r.text = bytes.Buffer{}, ""
	r.d.Reset(&r.in)
	return r
}

func (r *reader) release() {
	r.reset()
	if clear(r.elements); cap(r.elements) > maxKeptElements {
		r.elements = nil
	}
	if clear(r.decoded); cap(r.decoded) > maxKeptBytes {
		r.decoded = nil
	}
	r.elements, r.decoded = r.elements[:0], r.decoded[:0]
	readers.Put(r)
}

func (r *reader) value() (any, error) {
	switch r.d.PeekKind() {
	case '"':
		return r.string()
	case '0':
		literal, err := r.raw()
		if err != nil {
			return nil, err
		}
		if len(literal) > MaxJSONNumber {
			return nil, refuse("json_malformed", "number longer than %d bytes", MaxJSONNumber)
		}
		return json.Number(literal), nil
	}
	t, err := r.d.ReadToken()
	if err != nil {
		return nil, jsonError(err)
	}
	switch t.Kind() {
	case '{':
		return r.object()
	case '[':
		return r.array()
	case 't', 'f':
		return t.Bool(), nil
	}
	return nil, nil // null; the decoder lets no other kind through here
}

// raw reads a string or number and returns its place in the text.
func (r *reader) raw() (string, error) {
	v, err := r.d.ReadValue()
	if err != nil {
		return "", jsonError(err)
	}
	end := int(r.d.InputOffset())
	return r.text[end-len(v) : end], nil
}

func (r *reader) string() (string, error) {
	quoted, err := r.raw()
	if err != nil {
		return "", err
	}
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1], nil
	}
	plain, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		return "", jsonError(err)
	}
	return string(plain), nil
}

func (r *reader) object() (any, error) {
	if r.d.StackDepth() > r.maxDepth {
		return nil, refuse("json_depth_limit", "JSON nested deeper than %d", r.maxDepth)
	}
	object := make(map[string]any)
	folds := false // some name is not plainly lower case
	for kind := r.d.PeekKind(); kind != '}'; kind = r.d.PeekKind() {
		if kind != '"' {
			return nil, refuse("json_malformed", "not strict JSON")
		}
		name, err := r.string()
		if err != nil {
			return nil, err
		}
		folds = folds || !plainName(name)
		if object[name], err = r.value(); err != nil {
			return nil, err
		}
	}
	if _, err := r.d.ReadToken(); err != nil {
		return nil, jsonError(err)
	}
	if folds && caseCollision(object) {
		return nil, refuse("json_case_collision", "two member names differ only by case")
	}
	return object, nil
}

func (r *reader) array() (any, error) {
	if r.d.StackDepth() > r.maxDepth {
		return nil, refuse("json_depth_limit", "JSON nested deeper than %d", r.maxDepth)
	}
	first := len(r.elements)
	for r.d.PeekKind() != ']' {
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		r.elements = append(r.elements, v)
	}
	if _, err := r.d.ReadToken(); err != nil {
		return nil, jsonError(err)
	}
	array := make([]any, len(r.elements)-first)
	copy(array, r.elements[first:])
	clear(r.elements[first:])
	r.elements = r.elements[:first]
	return array, nil
}

func jsonError(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return refuse("json_duplicate_member", "a member name occurs twice")
	}
	return refuse("json_malformed", "not strict JSON") // the library's text quotes the input
}

// plainName reports whether a name cannot collide with another plain one.
func plainName(name string) bool {
	for i := 0; i < len(name); i++ {
		if c := name[i]; c >= 'A' && c <= 'Z' || c >= 0x80 {
			return false
		}
	}
	return true
}

func caseCollision(object map[string]any) bool {
	seen := make(map[string]bool, len(object))
	for name := range object {
		folded := strings.Map(fold, name)
		if seen[folded] {
			return true
		}
		seen[folded] = true
	}
	return false
}

// fold maps a rune to the least of its case orbit, so that K, k and the Kelvin
// sign meet, as they do in encoding/json.
func fold(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}
