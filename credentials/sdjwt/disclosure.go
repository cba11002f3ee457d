package sdjwt

import (
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
	v, err := jose.ParseEncoded(encoded, disclosureLimits)
	if err != nil {
		return d, wrap("sdjwt_disclosure_malformed", "disclosure is not strict JSON in base64url", err)
	}
	parts, ok := v.([]any)
	if !ok {
		return d, fail("sdjwt_disclosure_malformed", "disclosure is not an array")
	}
	if len(parts) != 2 && len(parts) != 3 {
		return d, fail("sdjwt_disclosure_arity", "disclosure does not have 2 or 3 elements")
	}
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

// disclosureLimits let the value inside the array nest as deep as a payload.
var disclosureLimits = jose.Limits{MaxSize: MaxSize, MaxDepth: 1 + MaxDepth}

// reserved reports whether name may not be a claim's name (RFC 9901 §4.1.1,
// §7.1 step 3.c.ii).
func reserved(name string) bool {
	return name == "_sd" || name == "..." || name == "_sd_alg"
}
