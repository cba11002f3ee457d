package openid4vp

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"facet/credentials"
	"facet/credentials/jose"
)

// Leeway is the clock skew granted to request objects and policy offers.
const Leeway = time.Minute

// MaxRequestAge is how long ago a request object may have been made.
const MaxRequestAge = time.Hour

// Expect is what the wallet knows about a request before it reads it.
type Expect struct {
	ClientID    string   // from the authorization URL; the request object must name the same
	WalletNonce string   // sent with the POST to request_uri; empty if none was
	Audiences   []string // accepted aud values; nil means SelfIssuedAudience only
}

// An UnverifiedRequest came from anyone. Authenticate it before use; nothing
// may be sent to whoever wrote it.
type UnverifiedRequest struct {
	token  *jose.Token    // nil for an unsigned request
	raw    map[string]any // the request's parameters
	client ClientID
	expect Expect

	caller   Caller // who handed it over through the Digital Credentials API
	protocol string // of that API; empty for any other way
}

// ParseRequest reads a signed request object (§5, RFC 9101) for the client the
// authorization URL named. It checks shape only. Reasons: client_id_mismatch,
// client_id_signing_rule, wallet_nonce_mismatch and those of ParseClientID and
// jose.Parse.
func ParseRequest(compact string, e Expect) (*UnverifiedRequest, error) {
	client, err := ParseClientID(e.ClientID)
	if err != nil {
		return nil, err
	}
	if !client.Signed() {
		return nil, refuse("client_id_signing_rule", "%s does not allow a signed request", client.Prefix)
	}
	token, err := jose.Parse(compact, jose.Rule{Typ: []string{RequestType}, MaxSize: MaxRequest, AllowX5C: true})
	if err != nil {
		return nil, err
	}
	m := token.UnverifiedClaims()
	if m["client_id"] != e.ClientID {
		return nil, refuse("client_id_mismatch", "the request object names another client than the link")
	}
	if got, _ := m["wallet_nonce"].(string); got != e.WalletNonce {
		return nil, refuse("wallet_nonce_mismatch", "wallet_nonce is not the one that was sent")
	}
	return &UnverifiedRequest{token: token, raw: m, client: client, expect: e}, nil
}

// ParseUnsigned reads the request of a redirect_uri client from the parameters
// of the authorization URL (§5.9.3).
func ParseUnsigned(p AuthorizeParams) (*UnverifiedRequest, error) {
	client, err := ParseClientID(p.ClientID)
	if err != nil {
		return nil, err
	}
	if client.Signed() || p.Unsigned == nil {
		return nil, refuse("client_id_signing_rule", "%s needs a signed request", client.Prefix)
	}
	m := make(map[string]any, len(p.Unsigned))
	for name := range p.Unsigned {
		m[name] = p.Unsigned.Get(name)
	}
	for _, name := range []string{"client_metadata", "dcql_query", "verifier_info"} {
		text, ok := m[name].(string)
		if !ok {
			continue
		}
		if m[name], err = jose.ParseValue([]byte(text), jose.Limits{MaxSize: MaxAuthorize}); err != nil {
			return nil, err
		}
	}
	uri := "response_uri"
	if m["response_mode"] == ModeFragment {
		uri = "redirect_uri"
	}
	if _, given := m[uri]; !given {
		m[uri] = client.ID
	}
	delete(m, "iat") // numbers of a signed object only
	delete(m, "exp")
	return &UnverifiedRequest{raw: m, client: client, expect: Expect{ClientID: p.ClientID}}, nil
}

// A KeyResolver finds the key a DID URL names.
type KeyResolver interface {
	Resolve(ctx context.Context, didURL string) (*jose.PublicKey, error)
}

// Authority is whom the wallet believes about askers. DIDs may be nil, then
// DID clients are refused.
type Authority struct {
	Verifiers credentials.Verifiers
	DIDs      KeyResolver
	Now       time.Time
}

// A Request is authentic: it was made by the client its ClientID names, and
// that client is Party. What it asks for is still only a wish.
type Request struct {
	RequestObject
	Client ClientID
	Party  *credentials.Party // who that is, by the trust list

	key *jose.PublicKey // signed the request; nil for an unsigned one
	x5c []string        // its chain, if it has one
	to  *url.URL        // where the answer goes; nil when it goes through the browser's API
	now time.Time

	origin, protocol string // of the Digital Credentials API; empty for any other way
}

// Key is the key that signed the request, or nil for an unsigned one.
// Later statements of the same asker about it are signed by it, too.
func (r *Request) Key() *jose.PublicKey { return r.key }

// Authenticate checks who made the request by the rules of its client
// identifier's prefix, then every parameter. Nothing is read from the request
// before its signature was verified. Reasons: jar_signature_invalid,
// client_id_mismatch, cert_san_mismatch, verifier_unknown, jar_expired,
// jar_aud_mismatch, response_uri_mismatch, response_encryption_unavailable,
// expected_origins_missing, origin_mismatch, origin_forbidden and those of
// single parameters.
func (u *UnverifiedRequest) Authenticate(ctx context.Context, a Authority) (*Request, error) {
	if a.Verifiers == nil {
		return nil, refuse("verifier_unknown", "nobody says who may ask")
	}
	key, x5c, err := u.signerKey(ctx, a)
	if err != nil {
		return nil, err
	}
	m := u.raw
	if u.token != nil {
		v, err := u.token.Verify(key)
		if err != nil {
			return nil, &Error{Code: CodeInvalidRequest, reason: "jar_signature_invalid", err: err}
		}
		m = v.Claims()
	}
	party, err := a.Verifiers.Verifier(ctx, u.client.String(), x5c, a.Now)
	if err != nil {
		return nil, &Error{Code: CodeInvalidClient, reason: reasonOf(err, "verifier_unknown"), err: err}
	}
	r := &Request{Client: u.client, Party: party, key: key, x5c: x5c, now: a.Now, origin: u.caller.Origin, protocol: u.protocol}
	if err := u.fill(r, m); err != nil {
		return nil, err
	}
	return r, nil
}

// fill reads and checks every parameter of an authentic request.
func (u *UnverifiedRequest) fill(r *Request, m map[string]any) (err error) {
	var origins []string
	if u.digital() {
		if origins, err = u.checkOrigin(m); err != nil {
			return err
		}
		m = u.known(m)
	}
	if r.RequestObject, err = readParams(m); err != nil {
		return err
	}
	r.ExpectedOrigins = origins
	if isDigitalMode(r.ResponseMode) != u.digital() {
		return refuse("response_mode_unsupported", "response_mode does not belong to the way the request came")
	}
	if u.token != nil {
		if err := u.checkObject(r, r.now); err != nil {
			return err
		}
	}
	if !u.digital() {
		if err := r.checkTarget(); err != nil {
			return err
		}
	}
	if r.ResponseMode == ModeDirectPostJWT || r.ResponseMode == ModeDCAPIJWT {
		_, _, err = r.encryption()
	}
	return err
}

// signerKey finds the key that must have signed, by prefix (§5.9.3). Keys of
// client_metadata never count (§5.1).
func (u *UnverifiedRequest) signerKey(ctx context.Context, a Authority) (*jose.PublicKey, []string, error) {
	if u.token == nil {
		return nil, nil, nil
	}
	h := u.token.Header()
	if u.client.Prefix == PrefixDID {
		// Only the DID of somebody known is looked up: that may ask its host.
		if _, err := a.Verifiers.Verifier(ctx, u.client.String(), nil, a.Now); err != nil {
			return nil, nil, &Error{Code: CodeInvalidClient, reason: reasonOf(err, "verifier_unknown"), err: err}
		}
		key, err := resolveKid(ctx, a.DIDs, u.client.ID, h)
		return key, nil, err
	}
	leaf, err := leafOf(h.X5C)
	if err != nil {
		return nil, nil, err
	}
	switch u.client.Prefix {
	case PrefixX509Hash:
		if jose.LeafHash(h.X5C) != u.client.ID {
			return nil, nil, refuse("client_id_mismatch", "the certificate is not the one client_id names")
		}
	case PrefixX509SANDNS:
		if !slices.Contains(leaf.DNSNames, u.client.ID) {
			return nil, nil, refuse("cert_san_mismatch", "the certificate is not for the host client_id names")
		}
	}
	key, err := jose.PublicKeyFromCrypto(leaf.PublicKey)
	return key, h.X5C, err
}

func resolveKid(ctx context.Context, r KeyResolver, did string, h jose.Header) (*jose.PublicKey, error) {
	if r == nil {
		return nil, &Error{Code: CodeInvalidClient, reason: "client_id_prefix_unsupported", err: errors.New("this wallet resolves no DIDs")}
	}
	if owner, fragment, ok := strings.Cut(h.Kid, "#"); !ok || owner != did || fragment == "" {
		return nil, refuse("client_id_mismatch", "kid names no key of the client's DID")
	}
	key, err := r.Resolve(ctx, h.Kid)
	if err != nil {
		return nil, &Error{Code: CodeInvalidClient, reason: reasonOf(err, "did_unresolved"), err: err}
	}
	return key, nil
}

func leafOf(x5c []string) (*x509.Certificate, error) {
	if len(x5c) == 0 {
		return nil, refuse("cert_missing", "the request object carries no certificate")
	}
	der, err := base64.StdEncoding.Strict().DecodeString(x5c[0])
	if err != nil {
		return nil, refuse("cert_malformed", "the certificate is not base64 DER")
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, refuse("cert_malformed", "the certificate does not parse")
	}
	return leaf, nil
}

// checkObject holds the rules of the JWT around the parameters (RFC 9101).
func (u *UnverifiedRequest) checkObject(r *Request, now time.Time) error {
	audiences := u.expect.Audiences
	if audiences == nil {
		audiences = []string{SelfIssuedAudience}
	}
	unstated := u.digital() && r.Audience == "" // aud is no parameter of that API
	switch {
	case !unstated && !slices.Contains(audiences, r.Audience):
		return refuse("jar_aud_mismatch", "the request is meant for another wallet")
	case !r.ExpiresAt.IsZero() && now.After(r.ExpiresAt.Add(Leeway)):
		return refuse("jar_expired", "the request has expired")
	case !r.IssuedAt.IsZero() && now.Sub(r.IssuedAt) > MaxRequestAge+Leeway:
		return refuse("jar_expired", "the request is too old")
	case !r.IssuedAt.IsZero() && r.IssuedAt.Sub(now) > Leeway:
		return refuse("jar_expired", "the request is from the future")
	}
	return nil
}

// checkTarget ties where the answer goes to who asked.
func (r *Request) checkTarget() error {
	target := r.ResponseURI
	if r.ResponseMode == ModeFragment {
		target = r.RedirectURI
	}
	to, err := url.Parse(target)
	if err != nil || to.Host == "" || to.User != nil || to.Fragment != "" || to.Scheme != "https" && to.Scheme != "http" {
		return refuse("response_uri_malformed", "response_uri is no absolute web address")
	}
	switch {
	case r.Client.Prefix == PrefixRedirectURI && target != r.Client.ID,
		r.Client.Prefix == PrefixX509SANDNS && to.Hostname() != r.Client.ID:
		return refuse("response_uri_mismatch", "response_uri does not belong to the client")
	}
	r.to = to
	return nil
}

// reasonOf returns the reason err carries, or otherwise.
func reasonOf(err error, otherwise string) string {
	var r interface{ Reason() string }
	if errors.As(err, &r) {
		return r.Reason()
	}
	return otherwise
}
