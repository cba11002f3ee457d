package audit

import (
	"bytes"
	"encoding/json"

	"github.com/go-json-experiment/json/jsontext"
)

// Encode returns the leaf of an entry: canonical JSON (RFC 8785). It refuses,
// with reason entry_schema, an entry that does not follow the schema, so that
// nothing else can ever be written.
func Encode(e Entry) ([]byte, error) {
	if err := validate(e); err != nil {
		return nil, err
	}
	leaf, err := marshal(e)
	if err != nil {
		return nil, err
	}
	if len(leaf) > MaxEntry {
		return nil, fault(ReasonSchema, "larger than %d bytes", MaxEntry)
	}
	return leaf, nil
}

// Parse reads a leaf. It accepts exactly what Encode writes: an unknown or
// repeated member, another order, other white space or a missing member is
// refused with reason entry_schema.
func Parse(leaf []byte) (Entry, error) {
	if len(leaf) > MaxEntry {
		return nil, fault(ReasonSchema, "larger than %d bytes", MaxEntry)
	}
	if e := readCanonical(leaf); e != nil {
		return e, nil
	}
	return parse(leaf)
}

// parse is Parse for every kind, and says what is wrong.
func parse(leaf []byte) (Entry, error) {
	if v := jsontext.Value(leaf); !v.IsValid() || v.Kind() != '{' { // UTF-8, no repeated names
		return nil, fault(ReasonSchema, "not one JSON object")
	}
	var peek struct {
		V    int  `json:"v"`
		Kind Kind `json:"kind"`
	}
	if json.Unmarshal(leaf, &peek) != nil || peek.V != Version {
		return nil, fault(ReasonSchema, "not of schema version %d", Version)
	}
	e := blank(peek.Kind)
	if e == nil {
		return nil, fault(ReasonSchema, "unknown kind")
	}
	d := json.NewDecoder(bytes.NewReader(leaf))
	d.DisallowUnknownFields()
	if d.Decode(e) != nil {
		return nil, fault(ReasonSchema, "members do not fit the kind %q", peek.Kind)
	}
	if err := validate(e); err != nil {
		return nil, err
	}
	// Writing it again must give the same bytes: one entry has one leaf.
	again, err := marshalAny(e)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, leaf) {
		return nil, fault(ReasonSchema, "not in canonical form")
	}
	return e, nil
}

func blank(k Kind) Entry {
	switch k {
	case KindPolicy:
		return new(Policy)
	case KindRequest:
		return new(Request)
	case KindResult:
		return new(Result)
	case KindWithdrawal:
		return new(Withdrawal)
	case KindErasure:
		return new(Erasure)
	case KindRetention:
		return new(Retention)
	case KindConfig:
		return new(Config)
	}
	return nil
}

func marshal(e Entry) ([]byte, error) {
	switch e := e.(type) {
	case *Request:
		return e.write(), nil
	case *Result:
		return e.write(), nil
	}
	return marshalAny(e)
}

// marshalAny writes every kind.
func marshalAny(e Entry) ([]byte, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fault(ReasonSchema, "cannot be written as JSON")
	}
	return canonical(b)
}

// canonical returns b in the form of RFC 8785.
func canonical(b []byte) ([]byte, error) {
	v := jsontext.Value(bytes.Clone(b))
	if err := v.Canonicalize(); err != nil {
		return nil, fault(ReasonSchema, "not JSON")
	}
	return v, nil
}
