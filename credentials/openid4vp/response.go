package openid4vp

import (
	"cmp"
	"encoding/json"
	"mime"
	"net/url"
	"strings"

	"facet/credentials/jose"
)

// A VPToken holds the presentations by credential query id (§8.1).
type VPToken map[string][]string

// ParseVPToken reads a vp_token strictly: a JSON object of non-empty arrays of
// compact presentations. Reasons: vp_token_malformed and those of
// jose.ParseObject.
func ParseVPToken(text []byte) (VPToken, error) {
	m, err := jose.ParseObject(text, jose.Limits{MaxSize: MaxResponse})
	if err != nil {
		return nil, err
	}
	return readVPToken(m)
}

func readVPToken(raw any) (VPToken, error) {
	m, ok := raw.(map[string]any)
	if !ok || len(m) == 0 || len(m) > MaxQueries {
		return nil, refuse("vp_token_malformed", "vp_token is no object of 1 to %d entries", MaxQueries)
	}
	out := make(VPToken, len(m))
	for id, v := range m {
		list, ok := v.([]any)
		if !ok || len(list) == 0 || len(list) > MaxQueries {
			return nil, refuse("vp_token_malformed", "an entry of vp_token is no list of 1 to %d presentations", MaxQueries)
		}
		for _, p := range list {
			s, ok := p.(string)
			if !ok || s == "" {
				return nil, refuse("vp_token_malformed", "a presentation is not in compact form")
			}
			out[id] = append(out[id], s)
		}
	}
	return out, nil
}

// A Post is what arrived at a response_uri or through the browser: exactly one of Encrypted, VPToken
// and Error is set. Nothing in it is authentic.
type Post struct {
	Encrypted string  // a JWE (direct_post.jwt, dc_api.jwt)
	VPToken   VPToken // a plain answer (direct_post, fragment, dc_api)
	Error     Code    // a refusal
	ErrorText string  // its description, capped at MaxErrorText bytes, printable ASCII
	State     string  // empty when Encrypted: it is inside; the Digital Credentials API has none
}

// ParsePost reads the body of a POST to a response_uri (§8.2, §8.3.1).
// Reasons: content_type, size_limit, parameter_duplicated, response_malformed,
// vp_token_malformed.
func ParsePost(contentType string, body []byte) (*Post, error) {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, refuse("content_type", "a response is form-encoded")
	}
	if len(body) > MaxResponse {
		return nil, refuse("size_limit", "the response is too large")
	}
	v, err := parseForm(string(body))
	if err != nil {
		return nil, err
	}
	return readPost(v)
}

func readPost(v url.Values) (_ *Post, err error) {
	p := &Post{Encrypted: v.Get("response"), Error: Code(v.Get("error")), State: v.Get("state")}
	p.ErrorText = plain(v.Get("error_description"))
	kinds := 0
	for _, name := range []string{"response", "vp_token", "error"} {
		if v.Has(name) {
			kinds++
		}
	}
	switch {
	case kinds > 1:
		return nil, refuse("parameter_duplicated", "an answer and another kind of answer stand side by side")
	case kinds == 0 || v.Has("response") && p.Encrypted == "" || len(p.State) > MaxState:
		return nil, refuse("response_malformed", "there is no answer")
	case v.Has("error") && !knownCode(p.Error):
		p.Error = CodeInvalidRequest
	case v.Has("vp_token"):
		p.VPToken, err = ParseVPToken([]byte(v.Get("vp_token")))
	}
	return p, err
}

func knownCode(c Code) bool {
	switch c {
	case CodeInvalidRequest, CodeInvalidClient, CodeAccessDenied, CodeInvalidTransactionData,
		CodeInvalidRequestMethod, CodeFormatsNotSupported, CodeWalletUnavailable:
		return true
	}
	return false
}

// plain keeps what is harmless wherever it may be shown: printable ASCII
// without markup, at most MaxErrorText bytes.
func plain(s string) string {
	out := make([]byte, 0, MaxErrorText)
	for i := 0; i < len(s) && len(out) < MaxErrorText; i++ {
		c := s[i]
		if c < 0x20 || c > 0x7e || c == '<' || c == '>' || c == '&' || c == '"' || c == '\'' {
			c = '?'
		}
		out = append(out, c)
	}
	return string(out)
}

// A Response is an answer whose encryption, if there was any, is undone.
type Response struct {
	VPToken VPToken
	Error   Code
	State   string
}

// EncryptResponse seals an answer for the verifier (§8.3). enc is EncA128GCM
// or EncA256GCM.
func EncryptResponse(r Response, to EncryptionKey, enc string) (string, error) {
	m := map[string]any{"vp_token": r.VPToken}
	if r.State != "" {
		m["state"] = r.State
	}
	payload, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	return jose.Encrypt(payload, to.Key, jose.EncryptOptions{Kid: to.Kid, Enc: enc})
}

// DecryptResponse undoes EncryptResponse with the key made for this one
// request. Reasons: those of jose.Decrypt (jwe_alg_not_allowed,
// jwe_decrypt_failed), vp_token_malformed, response_malformed.
func DecryptResponse(jwe string, key *jose.DecryptionKey, kid string) (*Response, error) {
	payload, err := jose.Decrypt(jwe, key, jose.DecryptRule{Kid: kid, Encs: []string{EncA128GCM, EncA256GCM}})
	if err != nil {
		return nil, cmp.Or(checkEnc(jwe), err)
	}
	m, err := jose.ParseObject(payload, jose.Limits{MaxSize: MaxResponse})
	if err != nil {
		return nil, err
	}
	raw, hasToken := m["vp_token"]
	code, hasError := m["error"].(string)
	state, ok := m["state"].(string)
	_, hasState := m["state"]
	switch {
	case hasToken == hasError, hasState && !ok, len(state) > MaxState:
		return nil, refuse("response_malformed", "the decrypted answer is neither a vp_token nor an error")
	case hasError:
		if !knownCode(Code(code)) {
			code = string(CodeInvalidRequest)
		}
		return &Response{Error: Code(code), State: state}, nil
	}
	token, err := readVPToken(raw)
	if err != nil {
		return nil, err
	}
	return &Response{VPToken: token, State: state}, nil
}

// checkEnc names the refusal of a content encryption that no request of ours
// offers; everything else about the header is jose's affair.
func checkEnc(jwe string) error {
	encoded, _, _ := strings.Cut(jwe, ".")
	header, err := jose.DecodeBase64URL(encoded)
	if err != nil {
		return err
	}
	m, err := jose.ParseObject(header, jose.Limits{MaxSize: jose.MaxHeader})
	if err != nil {
		return err
	}
	if enc, there := m["enc"]; there && enc != EncA128GCM && enc != EncA256GCM {
		return refuse("jwe_alg_not_allowed", "the content encryption was not offered")
	}
	return nil
}

// encryption picks the key and method to answer with: the first usable key,
// A256GCM if it is offered (§8.3, HAIP §5). Reason:
// response_encryption_unavailable.
func (r *Request) encryption() (EncryptionKey, string, error) {
	encs := r.ClientMetadata.EncSupported
	if encs == nil {
		encs = []string{EncA128GCM}
	}
	enc := ""
	for _, e := range encs {
		if e == EncA256GCM || e == EncA128GCM && enc == "" {
			enc = e
		}
	}
	if len(r.ClientMetadata.Keys) == 0 || enc == "" {
		return EncryptionKey{}, "", refuse("response_encryption_unavailable",
			"none of %d keys and %d methods can be used", r.ClientMetadata.keysPresented, len(encs))
	}
	return r.ClientMetadata.Keys[0], enc, nil
}

// form is the answer as form parameters, encrypted if the request wants that.
// Refusals go in the clear: they say nothing but the word (§8.3.1).
func (r *Request) form(a Response) (url.Values, error) {
	a.State = r.State
	switch {
	case a.Error != "":
		return r.withState(url.Values{"error": {string(a.Error)}}), nil
	case r.ResponseMode == ModeDirectPostJWT:
		key, enc, err := r.encryption()
		if err != nil {
			return nil, err
		}
		jwe, err := EncryptResponse(a, key, enc)
		return url.Values{"response": {jwe}}, err
	}
	token, err := json.Marshal(a.VPToken)
	return r.withState(url.Values{"vp_token": {string(token)}}), err
}

func (r *Request) withState(v url.Values) url.Values {
	if r.State != "" {
		v.Set("state", r.State)
	}
	return v
}
