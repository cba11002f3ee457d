package openid4vp

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"facet/credentials/claims"
	"facet/credentials/dcql"
	"facet/credentials/jose"
)

const algECDHES = "ECDH-ES"

// readParams reads the claims of a request object into r, strictly. Unknown
// parameters are ignored; of transaction_data every unknown form is refused
// (§5.1).
func readParams(m map[string]any) (r RequestObject, err error) {
	p := params{m: m}
	r = RequestObject{
		ClientID:     p.text("client_id", MaxClientID),
		ResponseType: p.text("response_type", 64),
		ResponseMode: p.text("response_mode", 64),
		ResponseURI:  p.text("response_uri", maxURI),
		RedirectURI:  p.text("redirect_uri", maxURI),
		Nonce:        p.text("nonce", MaxNonce),
		State:        p.text("state", MaxState),
		WalletNonce:  p.text("wallet_nonce", MaxNonce),
		Audience:     p.text("aud", maxURI),
		IssuedAt:     p.time("iat"),
		ExpiresAt:    p.time("exp"),
	}
	if p.err != nil {
		return r, p.err
	}
	if err := checkParams(r); err != nil {
		return r, err
	}
	if r.DCQL, err = readQuery(m); err != nil {
		return r, err
	}
	if r.ClientMetadata, err = readMetadata(m["client_metadata"]); err != nil {
		return r, err
	}
	if r.TransactionData, err = readTransactionData(m, r.DCQL); err != nil {
		return r, err
	}
	r.VerifierInfo, err = readInfo(m["verifier_info"])
	return r, err
}

const maxURI = 2048

// checkParams holds the rules on single parameters (§5.1, §5.2, §8.2).
func checkParams(r RequestObject) error {
	posts := r.ResponseMode == ModeDirectPost || r.ResponseMode == ModeDirectPostJWT
	returns := r.ResponseMode == ModeFragment
	switch {
	case r.ResponseType != ResponseType:
		return refuse("response_type_unsupported", "response_type is not vp_token")
	case !posts && !returns && !isDigitalMode(r.ResponseMode):
		return refuse("response_mode_unsupported", "response_mode is missing or unknown")
	case len(r.Nonce) < MinNonce || !urlSafe(r.Nonce):
		return refuse("nonce_invalid", "nonce is missing, short or outside the URL-safe characters")
	case !printable(r.State):
		return refuse("state_invalid", "state holds characters other than printable ASCII")
	case posts && r.RedirectURI != "":
		return refuse("redirect_uri_with_direct_post", "redirect_uri stands beside response_uri")
	case posts && r.ResponseURI == "", returns && r.RedirectURI == "":
		return refuse("response_uri_missing", "there is nowhere to answer")
	}
	return nil
}

func isDigitalMode(mode string) bool { return mode == ModeDCAPI || mode == ModeDCAPIJWT }

func readQuery(m map[string]any) (*dcql.Query, error) {
	raw, hasQuery := m["dcql_query"]
	_, hasScope := m["scope"]
	if !hasQuery || hasScope {
		return nil, refuse("query_missing", "exactly one dcql_query and no scope is taken")
	}
	b, err := json.Marshal(raw)
	if err != nil {
		return nil, refuse("dcql_malformed", "dcql_query is no JSON object")
	}
	q, err := dcql.Parse(b)
	if err != nil {
		return nil, &Error{Code: CodeInvalidRequest, reason: "dcql_malformed", err: err}
	}
	return q, nil
}

func readMetadata(raw any) (ClientMetadata, error) {
	var out ClientMetadata
	if raw == nil {
		return out, nil
	}
	m, ok := raw.(map[string]any)
	if !ok {
		return out, refuse("client_metadata_malformed", "client_metadata is no object")
	}
	var err error
	if jwks, ok := m["jwks"]; ok {
		if out.Keys, out.keysPresented, err = readKeys(jwks); err != nil {
			return out, err
		}
	}
	if out.EncSupported, err = texts(m["encrypted_response_enc_values_supported"]); err != nil {
		return out, err
	}
	if formats, ok := m["vp_formats_supported"]; ok {
		out.VPFormats, err = readFormats(formats)
	}
	return out, err
}

// readFormats reads vp_formats_supported (§11.1) and refuses a verifier that
// could not take what this wallet has: SD-JWT VCs and key bindings signed with
// ES256 (§8.5, vp_formats_not_supported).
func readFormats(raw any) (map[string]map[string]any, error) {
	all, ok := raw.(map[string]any)
	if !ok {
		return nil, refuse("client_metadata_malformed", "vp_formats_supported is no object")
	}
	out := make(map[string]map[string]any, len(all))
	for name, f := range all {
		if f, ok := f.(map[string]any); ok {
			out[name] = f
		}
	}
	f, ok := out[FormatSDJWT]
	if !ok {
		return nil, unsupported("the verifier does not take dc+sd-jwt")
	}
	for _, name := range []string{"sd-jwt_alg_values", "kb-jwt_alg_values"} {
		algs, err := texts(f[name])
		if err != nil {
			return nil, err
		}
		if algs != nil && !slices.Contains(algs, jose.ES256) {
			return nil, unsupported("the verifier does not take ES256")
		}
	}
	return out, nil
}

func unsupported(text string) error {
	return &Error{Code: CodeFormatsNotSupported, reason: string(CodeFormatsNotSupported), err: errors.New(text)}
}

// readKeys keeps the keys a response can be encrypted to and leaves the others
// out (RFC 7517 §5).
func readKeys(raw any) (keys []EncryptionKey, n int, err error) {
	set, _ := raw.(map[string]any)
	list, ok := set["keys"].([]any)
	if !ok || len(list) > 32 {
		return nil, 0, refuse("client_metadata_malformed", "jwks is no set of at most 32 keys")
	}
	for _, k := range list {
		m, ok := k.(map[string]any)
		if !ok || m["crv"] != "P-256" || m["alg"] != algECDHES {
			continue
		}
		kid, _ := m["kid"].(string)
		use, hasUse := m["use"]
		if kid == "" || hasUse && use != "enc" {
			continue
		}
		if key, err := jose.PublicKeyFromMap(m); err == nil {
			keys = append(keys, EncryptionKey{Kid: kid, Key: key})
		}
	}
	return keys, len(list), nil
}

func readInfo(raw any) ([]VerifierInfo, error) {
	if raw == nil {
		return nil, nil
	}
	list, ok := raw.([]any)
	if !ok || len(list) == 0 || len(list) > MaxInfo {
		return nil, refuse("verifier_info_malformed", "verifier_info is no list of 1 to %d entries", MaxInfo)
	}
	var out []VerifierInfo
	for _, e := range list {
		m, _ := e.(map[string]any)
		format, ok := m["format"].(string)
		if !ok {
			return nil, refuse("verifier_info_malformed", "an entry of verifier_info has no format")
		}
		ids, err := texts(m["credential_ids"])
		if err != nil {
			return nil, refuse("verifier_info_malformed", "credential_ids of verifier_info is no list of ids")
		}
		if data, ok := m["data"].(string); ok { // other shapes belong to formats we do not know
			out = append(out, VerifierInfo{Format: format, Data: data, CredentialIDs: ids})
		}
	}
	return out, nil
}

// params reads members of a JSON object and remembers the first error.
type params struct {
	m   map[string]any
	err error
}

func (p *params) text(name string, limit int) string {
	raw, ok := p.m[name]
	if !ok {
		return ""
	}
	s, ok := raw.(string)
	if p.err == nil && name == "nonce" && (!ok || s == "") {
		p.err = refuse("nonce_invalid", "nonce is no text")
	}
	if p.err == nil && name == "aud" && !ok {
		p.err = refuse("jar_aud_mismatch", "aud is no single text")
	}
	if p.err == nil && (!ok || s == "" || len(s) > limit) {
		p.err = refuse("request_malformed", "%s is no text of 1 to %d bytes", name, limit)
	}
	return s
}

func (p *params) time(name string) time.Time {
	raw, ok := p.m[name]
	if !ok {
		return time.Time{}
	}
	n, ok := raw.(json.Number)
	seconds, err := n.Int64()
	if p.err == nil && (!ok || err != nil || seconds <= 0 || seconds >= 1<<40) {
		p.err = refuse("request_malformed", "%s is no time", name)
	}
	return time.Unix(seconds, 0)
}

func texts(raw any) ([]string, error) {
	if raw == nil {
		return nil, nil
	}
	list, ok := raw.([]any)
	if !ok || len(list) == 0 || len(list) > 32 {
		return nil, refuse("client_metadata_malformed", "a list of values is empty or too long")
	}
	out := make([]string, len(list))
	for i, e := range list {
		if out[i], ok = e.(string); !ok {
			return nil, refuse("client_metadata_malformed", "a list of values holds something else")
		}
	}
	return out, nil
}

// urlSafe reports whether s has only unreserved characters (RFC 3986 §2.3).
func urlSafe(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
		default:
			return false
		}
	}
	return true
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// sameQuery compares two queries by their canonical JSON.
func sameQuery(a, b *dcql.Query) bool {
	x, errA := canonicalQuery(a)
	y, errB := canonicalQuery(b)
	return errA == nil && errB == nil && string(x) == string(y)
}

func canonicalQuery(q *dcql.Query) ([]byte, error) {
	raw, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	v, err := jose.ParseObject(raw, jose.Limits{MaxSize: MaxRequest, MaxDepth: 16})
	if err != nil {
		return nil, err
	}
	return claims.Canonical(v)
}
