package jose

import (
	"slices"
	"strings"
)

// A Rule says what kind of signed token is expected. Its zero value accepts
// no token, because no typ is allowed.
type Rule struct {
	Typ     []string // exact values of the typ header; "" stands for "no typ header"
	Algs    []string // exact values of alg; nil means ES256 only
	MaxSize int      // bytes of the compact token; zero means MaxToken

	AllowJWK bool // the header may carry a public key
	AllowX5C bool // the header may carry a certificate chain
	AllowJWT bool // the header may carry a token, such as an attestation (jwt)

	RawPayload bool // the payload is not a JSON object; Claims will be nil
}

// A Header is the protected header of a signed token.
type Header struct {
	Alg, Typ, Kid string
	X5C           []string       // certificate chain as received; see VerifyChain
	JWK           *PublicKey     // nil if there is none
	Extra         map[string]any // every other member; nil if there is none
}

// A Token is a signed token whose shape is sound. Nothing in it is authentic
// before Verify.
type Token struct {
	header    Header
	raw       string
	signed    string // the signing input
	payload   string // as encoded
	claims    map[string]any
	signature []byte
}

// Parse reads a compact JWS (RFC 7515 §7.1) and checks its shape against the
// rule. Nothing is verified. The Error's reason says what was wrong.
func Parse(compact string, r Rule) (*Token, error) {
	if r.MaxSize == 0 {
		r.MaxSize = MaxToken
	}
	if len(compact) > r.MaxSize {
		return nil, refuse(ReasonSize, "token longer than %d bytes", r.MaxSize)
	}
	encoded, rest, _ := strings.Cut(compact, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(signature, ".") {
		return nil, refuse("jose_type_confusion", "not a compact signed token of three parts")
	}
	t := &Token{raw: compact, signed: compact[:len(encoded)+1+len(payload)], payload: payload}
	members, err := headers.parse(encoded)
	if err != nil {
		return nil, err
	}
	if t.header, err = r.header(members); err != nil {
		return nil, err
	}
	if t.signature, err = DecodeBase64URL(signature); err != nil {
		return nil, err
	}
	if r.RawPayload {
		_, err = DecodeBase64URL(payload)
	} else {
		v, bad := ParseEncoded(payload, Limits{MaxSize: r.MaxSize})
		t.claims, err = asObject(v, bad)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Header returns the header, which is not authentic before Verify.
func (t *Token) Header() Header { return t.header }

// UnverifiedClaims returns the payload as anyone may have written it. It is
// shared: do not change it. It is nil under Rule.RawPayload.
func (t *Token) UnverifiedClaims() map[string]any { return t.claims }

// Raw returns the token as received.
func (t *Token) Raw() string { return t.raw }

func parseHeader(encoded string) (map[string]any, error) {
	if len(encoded) > MaxHeader {
		return nil, refuse(ReasonSize, "token header longer than %d bytes", MaxHeader)
	}
	v, err := ParseEncoded(encoded, Limits{})
	return asObject(v, err)
}

// header checks the members in the order of what must never be got wrong:
// algorithm, critical extensions, key sources, type.
func (r Rule) header(members map[string]any) (Header, error) {
	var h Header
	var err error
	if h.Alg, err = r.alg(members); err != nil {
		return h, err
	}
	if err := checkCrit(members); err != nil {
		return h, err
	}
	if err := r.checkKeySources(members); err != nil {
		return h, err
	}
	if h.Typ, err = r.typ(members); err != nil {
		return h, err
	}
	if h.Kid, err = kid(members); err != nil {
		return h, err
	}
	if h.X5C, err = x5c(members); err != nil {
		return h, err
	}
	if jwk, ok := members["jwk"]; ok {
		object, ok := jwk.(map[string]any)
		if !ok {
			return h, refuse("jwk_malformed", "jwk header is not an object")
		}
		if h.JWK, err = PublicKeyFromMap(object); err != nil {
			return h, err
		}
	}
	for name, v := range members {
		switch name {
		case "alg", "typ", "kid", "x5c", "jwk":
		default:
			if h.Extra == nil {
				h.Extra = map[string]any{}
			}
			h.Extra[name] = v
		}
	}
	return h, nil
}

// asymmetric are the only algorithms a Rule can allow at all; "none" and the
// MACs cannot be listed by mistake. Verify knows fewer.
var asymmetric = []string{
	ES256, ES384, EdDSA, "Ed25519", "ES512", "ES256K",
	"RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
}

func (r Rule) alg(members map[string]any) (string, error) {
	alg, _ := members["alg"].(string)
	allowed := r.Algs
	if allowed == nil {
		allowed = []string{ES256}
	}
	if !slices.Contains(allowed, alg) || !slices.Contains(asymmetric, alg) {
		return "", refuse("jose_alg_not_allowed", "signature algorithm is not on the list")
	}
	return alg, nil
}

// registered are header names that crit must not list (RFC 7515 §4.1.11).
var registered = []string{
	"alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit",
	"enc", "zip", "epk", "apu", "apv", "iv", "tag", "p2s", "p2c",
}

// checkCrit refuses every critical extension: none is supported here.
func checkCrit(members map[string]any) error {
	crit, ok := members["crit"]
	if !ok {
		if _, there := members["b64"]; there {
			return refuse("jose_crit_unsupported", "b64 header") // RFC 7797 needs crit beside it
		}
		return nil
	}
	names, ok := crit.([]any)
	if !ok || len(names) == 0 {
		return refuse("jose_crit_malformed", "crit is not a list of names")
	}
	seen := map[string]bool{}
	for _, n := range names {
		name, ok := n.(string)
		if _, there := members[name]; !ok || !there || seen[name] || slices.Contains(registered, name) {
			return refuse("jose_crit_malformed", "crit lists something it must not")
		}
		seen[name] = true
	}
	return refuse("jose_crit_unsupported", "critical header extension")
}

func (r Rule) checkKeySources(members map[string]any) error {
	for _, name := range []string{"jku", "x5u"} {
		if _, ok := members[name]; ok {
			return refuse("jose_remote_key_header", "header points at a remote key")
		}
	}
	for _, s := range []struct {
		name    string
		allowed bool
	}{{"jwk", r.AllowJWK}, {"x5c", r.AllowX5C}, {"jwt", r.AllowJWT}} {
		if _, ok := members[s.name]; ok && !s.allowed {
			return refuse("jose_key_header_not_allowed", "header %s has no place in this kind of token", s.name)
		}
	}
	return nil
}

func (r Rule) typ(members map[string]any) (string, error) {
	if _, nested := members["cty"]; nested {
		return "", refuse(ReasonTyp, "content type header")
	}
	v, there := members["typ"]
	typ, ok := v.(string)
	if there && (!ok || typ == "") || !slices.Contains(r.Typ, typ) {
		return "", refuse(ReasonTyp, "token is of another type than expected")
	}
	return typ, nil
}

func kid(members map[string]any) (string, error) {
	v, there := members["kid"]
	if !there {
		return "", nil
	}
	kid, ok := v.(string)
	if !ok || kid == "" || len(kid) > MaxKid || strings.ContainsFunc(kid, isControl) {
		return "", refuse(ReasonKid, "key id is not one that any key here can have")
	}
	return kid, nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

func x5c(members map[string]any) ([]string, error) {
	v, there := members["x5c"]
	if !there {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, refuse("cert_malformed", "x5c is not a list of certificates")
	}
	if len(list) > MaxChain {
		return nil, refuse("cert_chain_limit", "more than %d certificates", MaxChain)
	}
	chain := make([]string, len(list))
	for i, c := range list {
		if chain[i], ok = c.(string); !ok {
			return nil, refuse("cert_malformed", "x5c is not a list of certificates")
		}
	}
	return chain, nil
}

// CompactFromJSON turns the flattened JSON serialization of a JWS into the
// compact one and returns the unprotected header beside it (RFC 7515 §7.2.2).
// What the signature must cover cannot stand in the unprotected header:
// reason jose_alg_not_allowed for alg, jose_crit_malformed for crit.
func CompactFromJSON(text []byte) (compact string, unprotected map[string]any, err error) {
	members, err := ParseObject(text, Limits{})
	if err != nil {
		return "", nil, err
	}
	if v, there := members["header"]; there {
		var ok bool
		if unprotected, ok = v.(map[string]any); !ok {
			return "", nil, refuse("json_malformed", "unprotected header is not an object")
		}
	}
	for name, reason := range map[string]string{
		"alg": "jose_alg_not_allowed", "crit": "jose_crit_malformed", "b64": "jose_crit_unsupported",
		"jku": "jose_remote_key_header", "x5u": "jose_remote_key_header", "typ": ReasonTyp,
		"jwk": "jose_key_header_not_allowed", "x5c": "jose_key_header_not_allowed",
	} {
		if _, there := unprotected[name]; there {
			return "", nil, refuse(reason, "%s in the unprotected header", name)
		}
	}
	parts := make([]string, 3)
	for i, name := range []string{"protected", "payload", "signature"} {
		var ok bool
		if parts[i], ok = members[name].(string); !ok || strings.Contains(parts[i], ".") {
			return "", nil, refuse("json_malformed", "member %s of a flattened signature", name)
		}
	}
	return strings.Join(parts, "."), unprotected, nil
}
