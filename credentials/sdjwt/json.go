package sdjwt

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"facet/credentials/jose"
)

// ParseJSON reads a JWS JSON serialized SD-JWT, flattened or general (RFC 9901
// §8), by turning it into the compact form that sd_hash is defined over. Of a
// general serialization the first signature counts, the only one that may
// carry disclosures and kb_jwt; the others are neither verified nor kept.
// An unprotected alg is refused, other unprotected members but these two are
// ignored.
func ParseJSON(b []byte) (*SDJWT, error) {
	compact, err := compactFromJSON(b)
	if err != nil {
		return nil, err
	}
	return Parse(compact)
}

// ParseJSONWith is ParseJSON with the application's own rule.
func ParseJSONWith(b []byte, r jose.Rule) (*SDJWT, error) {
	compact, err := compactFromJSON(b)
	if err != nil {
		return nil, err
	}
	return ParseWith(compact, r)
}

func compactFromJSON(b []byte) (string, error) {
	o, err := jose.ParseObject(b, jose.Limits{MaxSize: MaxSize, MaxDepth: MaxDepth})
	if err != nil {
		return "", err
	}
	payload, ok := o["payload"].(string)
	if !ok {
		return "", fail("sdjwt_format", "the JWS JSON has no payload")
	}
	first, err := firstSignature(o)
	if err != nil {
		return "", err
	}
	protected, ok1 := first["protected"].(string)
	signature, ok2 := first["signature"].(string)
	if !ok1 || !ok2 || strings.ContainsAny(protected+payload+signature, ".~") {
		return "", fail("sdjwt_format", "protected, payload and signature are not one base64url string each")
	}
	var compact strings.Builder
	compact.WriteString(protected + "." + payload + "." + signature + "~")
	if err := writeUnprotected(&compact, first); err != nil {
		return "", err
	}
	return compact.String(), nil
}

// firstSignature returns the object that holds protected, header and signature.
func firstSignature(o map[string]any) (map[string]any, error) {
	list, general := o["signatures"]
	if !general {
		return o, nil
	}
	if o["signature"] != nil || o["protected"] != nil || o["header"] != nil {
		return nil, fail("sdjwt_format", "the JWS JSON mixes the flattened and the general form")
	}
	signatures, ok := list.([]any)
	if !ok || len(signatures) == 0 {
		return nil, fail("sdjwt_format", "signatures is not an array, or empty")
	}
	for i, s := range signatures {
		entry, ok := s.(map[string]any)
		if !ok {
			return nil, fail("sdjwt_format", "signature %d is not an object", i)
		}
		header, _ := entry["header"].(map[string]any)
		if i > 0 && (header["disclosures"] != nil || header["kb_jwt"] != nil) {
			return nil, fail("sdjwt_format", "only the first signature may carry disclosures and kb_jwt")
		}
	}
	return signatures[0].(map[string]any), nil
}

func writeUnprotected(compact *strings.Builder, signature map[string]any) error {
	h, present := signature["header"]
	if !present {
		return nil
	}
	header, ok := h.(map[string]any)
	if !ok {
		return fail("sdjwt_format", "the unprotected header is not an object")
	}
	if _, moved := header["alg"]; moved {
		return fail("jose_alg_not_allowed", "alg stands outside the protected header")
	}
	if list, present := header["disclosures"]; present {
		disclosures, ok := list.([]any)
		if !ok {
			return fail("sdjwt_format", "disclosures is not an array")
		}
		for i, d := range disclosures {
			s, ok := d.(string)
			if !ok || s == "" || strings.Contains(s, "~") {
				return fail("sdjwt_format", "disclosure %d is not one base64url string", i)
			}
			compact.WriteString(s + "~")
		}
	}
	if kb, present := header["kb_jwt"]; present {
		s, ok := kb.(string)
		if !ok || s == "" || strings.Contains(s, "~") {
			return fail("sdjwt_format", "kb_jwt is not a compact JWT")
		}
		compact.WriteString(s)
	}
	return nil
}

// FlattenedJSON is the flattened JWS JSON serialization (RFC 9901 §8). It
// fails for disclosures that are not text, which Parse leaves to Verify.
func (s *SDJWT) FlattenedJSON() ([]byte, error) {
	if err := s.checkText(); err != nil {
		return nil, err
	}
	o := s.jws()
	o["payload"] = s.part(1)
	return json.Marshal(o)
}

// GeneralJSON is the general JWS JSON serialization with one signature
// (RFC 9901 §8). It fails where FlattenedJSON does.
func (s *SDJWT) GeneralJSON() ([]byte, error) {
	if err := s.checkText(); err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"payload": s.part(1), "signatures": []any{s.jws()}})
}

func (s *SDJWT) checkText() error {
	if !utf8.ValidString(s.String()) {
		return fail("sdjwt_disclosure_malformed", "a disclosure is not base64url")
	}
	return nil
}

func (s *SDJWT) jws() map[string]any {
	header := map[string]any{"disclosures": s.Encoded()}
	if len(s.disclosures) == 0 {
		header["disclosures"] = []string{}
	}
	if s.keyBinding != "" {
		header["kb_jwt"] = s.keyBinding
	}
	return map[string]any{"protected": s.part(0), "signature": s.part(2), "header": header}
}

// part is the n-th dot-separated part of the issuer-signed JWT.
func (s *SDJWT) part(n int) string { return strings.Split(s.issuer.Raw(), ".")[n] }
