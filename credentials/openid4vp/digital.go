package openid4vp

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"facet/credentials/jose"
)

// The exchange protocols of the Digital Credentials API (App. A.1). Requests
// with several signatures are refused.
const (
	ProtocolUnsigned    = "openid4vp-v1-unsigned"
	ProtocolSigned      = "openid4vp-v1-signed"
	ProtocolMultisigned = "openid4vp-v1-multisigned"
)

// MaxOrigins is how many expected_origins a request may have.
const MaxOrigins = 32

// A DigitalMessage is what crosses the Digital Credentials API: a request in
// the list a page hands to the browser, or the DigitalCredential it gets back.
type DigitalMessage struct {
	Protocol string          `json:"protocol"`
	Data     json.RawMessage `json:"data"`
}

// SignedDigital makes the message of a signed request object (App. A.3.2.1).
func SignedDigital(jar string) (DigitalMessage, error) {
	return digitalMessage(ProtocolSigned, map[string]any{"request": jar})
}

// UnsignedDigital makes the message of an unsigned request (App. A.3.1). What
// needs a signature or a client identifier is left out.
func (r RequestObject) UnsignedDigital() (DigitalMessage, error) {
	m := r.claims()
	for _, name := range []string{"client_id", "expected_origins", "verifier_info", "aud", "iat", "exp"} {
		delete(m, name)
	}
	return digitalMessage(ProtocolUnsigned, m)
}

func digitalMessage(protocol string, data any) (DigitalMessage, error) {
	raw, err := json.Marshal(data)
	return DigitalMessage{Protocol: protocol, Data: raw}, err
}

// A Caller is the page that hands over a request, as its browser names it.
type Caller struct {
	Origin           string // as the browser serialises it
	InsecureLoopback bool   // take http origins of this machine
}

// ParseDigital reads a request that came through the Digital Credentials API.
// It checks shape only. Of an unsigned request the caller's origin is the
// client, whatever it says of itself. Reasons: origin_forbidden,
// protocol_unsupported, multisigned_unsupported, request_malformed,
// client_id_signing_rule and those of ParseClientID and jose.Parse.
func ParseDigital(msg DigitalMessage, by Caller) (*UnverifiedRequest, error) {
	if !safeOrigin(by.Origin, by.InsecureLoopback) {
		return nil, refuse("origin_forbidden", "the caller's origin is none a request is taken from")
	}
	data, err := jose.ParseObject(msg.Data, jose.Limits{MaxSize: MaxRequest})
	if err != nil {
		return nil, err
	}
	u := &UnverifiedRequest{raw: data, caller: by, protocol: msg.Protocol}
	switch msg.Protocol {
	case ProtocolUnsigned:
		u.client = ClientID{Prefix: prefixOrigin, ID: by.Origin}
		return u, nil
	case ProtocolSigned:
		if err := u.readSigned(data["request"]); err != nil {
			return nil, err
		}
		return u, nil
	case ProtocolMultisigned:
		return nil, refuse("multisigned_unsupported", "requests with several signatures are not taken")
	}
	return nil, refuse("protocol_unsupported", "the exchange protocol is not supported")
}

func (u *UnverifiedRequest) readSigned(raw any) (err error) {
	compact, ok := raw.(string)
	if !ok {
		return refuse("request_malformed", "request is no request object in compact form")
	}
	if u.token, err = jose.Parse(compact, jose.Rule{Typ: []string{RequestType}, MaxSize: MaxRequest, AllowX5C: true}); err != nil {
		return err
	}
	clientID, _ := u.token.UnverifiedClaims()["client_id"].(string)
	if u.client, err = ParseClientID(clientID); err != nil {
		return err
	}
	if !u.client.Signed() {
		return refuse("client_id_signing_rule", "%s does not allow a signed request", u.client.Prefix)
	}
	u.expect.ClientID = clientID
	return nil
}

// digital reports whether the request came through the Digital Credentials API.
func (u *UnverifiedRequest) digital() bool { return u.protocol != "" }

// digitalParams are the parameters that mean something here (App. A.2); all
// others are as if they were not there, state and response_uri among them.
var digitalParams = []string{
	"response_type", "response_mode", "nonce", "client_metadata", "dcql_query", "transaction_data",
}

// known keeps what a digital request may say: of an unsigned one neither who
// asks nor from where.
func (u *UnverifiedRequest) known(m map[string]any) map[string]any {
	names := digitalParams
	if u.token != nil {
		names = append([]string{"client_id", "verifier_info", "expected_origins", "aud", "iat", "exp"}, names...)
	}
	out := make(map[string]any, len(names))
	for _, name := range names {
		if v, ok := m[name]; ok {
			out[name] = v
		}
	}
	if u.token == nil {
		out["client_id"] = u.client.String()
	}
	return out
}

// checkOrigin compares the caller with whom the asker expects, as plain text
// (App. A.2): a request signed for another page was carried here by somebody
// else.
func (u *UnverifiedRequest) checkOrigin(m map[string]any) (origins []string, err error) {
	if u.token == nil {
		return nil, nil
	}
	list, _ := m["expected_origins"].([]any)
	if len(list) == 0 || len(list) > MaxOrigins {
		return nil, refuse("expected_origins_missing", "expected_origins is no list of 1 to %d origins", MaxOrigins)
	}
	for _, raw := range list {
		origin, ok := raw.(string)
		switch {
		case !ok || origin == "" || len(origin) > maxURI:
			return nil, refuse("request_malformed", "an entry of expected_origins is no text")
		case !allowedOrigin(origin, u.caller.InsecureLoopback):
			return nil, refuse("origin_forbidden", "expected_origins names an origin that must not be used")
		}
		origins = append(origins, origin)
	}
	if !slices.Contains(origins, u.caller.Origin) {
		return nil, refuse("origin_mismatch", "the request was made for another page")
	}
	return origins, nil
}

// forbiddenSchemes must not be the scheme of an expected origin (App. A.2).
var forbiddenSchemes = []string{"ftp", "javascript", "data", "ws", "wss", "file", "blob", "about"}

// allowedOrigin reports whether an expected origin is one that may be named.
// Those of apps and other schemes are never a caller here, and so harmless.
func allowedOrigin(origin string, insecureLoopback bool) bool {
	scheme, _, ok := strings.Cut(origin, ":")
	if scheme = strings.ToLower(scheme); !ok || slices.Contains(forbiddenSchemes, scheme) {
		return false
	}
	return scheme != "http" || safeOrigin(origin, insecureLoopback)
}

// safeOrigin reports whether an origin is that of a page whose requests are
// taken: https, or http on this machine where that is allowed.
func safeOrigin(origin string, insecureLoopback bool) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || len(origin) > maxURI || u.Scheme+"://"+u.Host != origin {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && insecureLoopback && loopback(u.Hostname())
}

// IsDigital reports whether the answer goes through the browser's API.
func (r *Request) IsDigital() bool { return r.protocol != "" }

// Origin is the page that asked through the browser's API, as the browser named
// it; empty for any other way.
func (r *Request) Origin() string { return r.origin }

// ClientID is who the request says it is from, in full; nobody has checked it.
func (u *UnverifiedRequest) ClientID() string { return u.client.String() }

// AnswerAudience is whom a presentation for this request is bound to: the page
// for the Digital Credentials API, signed or not, else the client (App. A.4).
func (r *Request) AnswerAudience() string {
	if r.IsDigital() {
		return prefixOrigin + ":" + r.origin
	}
	return r.ClientID
}

// AnswerDigital makes the answer for whoever called the Digital Credentials
// API. It is encrypted if the request wants that, anew in each call.
func (r *Request) AnswerDigital(token VPToken) (DigitalMessage, error) {
	switch {
	case r == nil || r.Party == nil || !r.IsDigital():
		return DigitalMessage{}, ErrUnauthenticated
	case r.ResponseMode == ModeDCAPI:
		return digitalMessage(r.protocol, map[string]any{"vp_token": token})
	}
	key, enc, err := r.encryption()
	if err != nil {
		return DigitalMessage{}, err
	}
	jwe, err := EncryptResponse(Response{VPToken: token}, key, enc)
	if err != nil {
		return DigitalMessage{}, err
	}
	return digitalMessage(r.protocol, map[string]any{"response": jwe})
}

// RefuseDigital makes the answer that there will be no presentation: the word
// and nothing else (App. A.4). Call it only after the holder said so.
func (r *Request) RefuseDigital(code Code) (DigitalMessage, error) {
	if r == nil || r.Party == nil || !r.IsDigital() {
		return DigitalMessage{}, ErrUnauthenticated
	}
	return digitalMessage(r.protocol, map[string]any{"error": code})
}

// ParseDigitalAnswer reads the data of a DigitalCredential (App. A.4). Nothing
// in the result is authentic; members that mean nothing here are ignored.
// Reasons: size_limit, parameter_duplicated, response_malformed,
// vp_token_malformed and those of jose.ParseObject.
func ParseDigitalAnswer(data []byte) (*Post, error) {
	if len(data) > MaxResponse {
		return nil, refuse("size_limit", "the response is too large")
	}
	m, err := jose.ParseObject(data, jose.Limits{MaxSize: MaxResponse})
	if err != nil {
		return nil, err
	}
	kinds := 0
	for _, name := range []string{"response", "vp_token", "error"} {
		if _, there := m[name]; there {
			kinds++
		}
	}
	jwe, _ := m["response"].(string)
	code, _ := m["error"].(string)
	token, plain := m["vp_token"]
	switch {
	case kinds > 1:
		return nil, refuse("parameter_duplicated", "an answer and another kind of answer stand side by side")
	case plain:
		vp, err := readVPToken(token)
		if err != nil {
			return nil, err
		}
		return &Post{VPToken: vp}, nil
	case jwe != "":
		return &Post{Encrypted: jwe}, nil
	case code == "":
		return nil, refuse("response_malformed", "there is no answer")
	case !knownCode(Code(code)):
		code = string(CodeInvalidRequest)
	}
	return &Post{Error: Code(code)}, nil
}

// ParseFragment reads the fragment of the address a holder came back to in the
// response mode of that name (§5.6), with or without its leading #. Nothing in
// the result is authentic. Reasons: size_limit and those of ParsePost.
func ParseFragment(fragment string) (*Post, error) {
	if len(fragment) > MaxResponse {
		return nil, refuse("size_limit", "the response is too large")
	}
	v, err := parseForm(strings.TrimPrefix(fragment, "#"))
	if err != nil {
		return nil, err
	}
	return readPost(v)
}
