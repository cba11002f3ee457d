package sdjwt

import (
	"bytes"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"facet/credentials/claims"
	"facet/credentials/jose"
)

// A Disclosure reveals one object member or array element (RFC 9901 §4.2).
type Disclosure struct {
	Encoded      string // as received; the digest covers exactly these bytes
	Digest       string
	Salt         string
	Name         string // empty for an array element
	Value        any    // as disclosed: may still hold _sd and {"...": digest}
	ArrayElement bool

	// Path is where the value stands in the processed payload; Parent is the
	// index of the disclosure whose value holds it, or -1. Both are unset in a
	// disclosure that no digest refers to.
	Path       claims.Path
	Parent     int
	Referenced bool
}

// decodeDisclosure reads one disclosure: base64url of [salt, name, value] or
// [salt, value] (RFC 9901 §4.2.1, §4.2.2).
func decodeDisclosure(encoded string) (Disclosure, error) {
	d := Disclosure{Encoded: encoded, Parent: -1}
	raw, err := jose.DecodeBase64URL(encoded)
	if err != nil {
		return d, wrap("sdjwt_disclosure_malformed", "disclosure is not base64url", err)
	}
	parts, err := readElements(raw)
	if err != nil {
		return d, err
	}
	if len(parts) != 2 && len(parts) != 3 {
		return d, fail("sdjwt_disclosure_arity", "disclosure does not have 2 or 3 elements")
	}
	var ok bool
	if d.Salt, ok = parts[0].(string); !ok {
		return d, fail("sdjwt_disclosure_malformed", "the salt is not a string")
	}
	d.Value = parts[len(parts)-1]
	d.ArrayElement = len(parts) == 2
	if !d.ArrayElement {
		if d.Name, ok = parts[1].(string); !ok {
			return d, fail("sdjwt_disclosure_malformed", "the claim name is not a string")
		}
	}
	return d, nil
}

// decoders spares every disclosure a decoder of its own, which would cost more
// than reading it.
var decoders = sync.Pool{New: func() any { return new(jsontext.Decoder) }}

// readElements reads a JSON array of at most four elements, which is one more
// than any disclosure has. Texts are read here; other values go through the
// strict parser.
func readElements(raw []byte) ([]any, error) {
	d := decoders.Get().(*jsontext.Decoder)
	defer decoders.Put(d)
	d.Reset(bytes.NewBuffer(raw))
	malformed := func(err error) ([]any, error) {
		return nil, wrap("sdjwt_disclosure_malformed", "disclosure is not a strict JSON array", err)
	}
	if t, err := d.ReadToken(); err != nil || t.Kind() != '[' {
		return malformed(nil) // jsontext's own errors quote the input
	}
	parts := make([]any, 0, 4)
	for d.PeekKind() != ']' {
		if len(parts) == cap(parts) {
			return nil, fail("sdjwt_disclosure_arity", "disclosure has more than 3 elements")
		}
		v, err := d.ReadValue()
		if err != nil {
			return malformed(nil)
		}
		if v.Kind() == '"' {
			text, err := jsontext.AppendUnquote(nil, v)
			if err != nil {
				return malformed(nil)
			}
			parts = append(parts, string(text))
			continue
		}
		element, err := jose.ParseValue(v, disclosureLimits)
		if err != nil {
			return malformed(err)
		}
		parts = append(parts, element)
	}
	if _, err := d.ReadToken(); err != nil {
		return malformed(nil)
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return malformed(nil)
	}
	return parts, nil
}

var disclosureLimits = jose.Limits{MaxSize: MaxSize, MaxDepth: MaxDepth}

// reserved reports whether name may not be a claim's name (RFC 9901 §4.1.1,
// §7.1 step 3.c.ii).
func reserved(name string) bool {
	return name == "_sd" || name == "..." || name == "_sd_alg"
}
