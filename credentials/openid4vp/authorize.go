package openid4vp

import (
	"net/url"
	"strings"
)

// AuthorizeParams are the parameters of an authorization URL: either a
// reference to a request object or, for redirect_uri clients only, the
// unsigned request itself (§5.10, §5.9.3).
type AuthorizeParams struct {
	ClientID         string
	RequestURI       string
	RequestURIMethod string     // "get", "post", or empty for get
	Unsigned         url.Values // the whole request when RequestURI is empty
}

// ParseAuthorize reads the parameters of an authorization URL from its
// fragment or, when that is empty, its query. Reasons: parameter_duplicated,
// request_uri_method, client_id_signing_rule, request_malformed.
func ParseAuthorize(rawURL string) (AuthorizeParams, error) {
	if len(rawURL) > MaxAuthorize {
		return AuthorizeParams{}, refuse("request_malformed", "authorization URL has %d bytes", len(rawURL))
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return AuthorizeParams{}, refuse("request_malformed", "authorization URL is malformed")
	}
	params := u.EscapedFragment()
	if params == "" {
		params = u.RawQuery
	}
	return ParseAuthorizeParams(params)
}

// ParseAuthorizeParams reads the form-encoded parameters themselves.
func ParseAuthorizeParams(encoded string) (AuthorizeParams, error) {
	v, err := parseForm(encoded)
	if err != nil {
		return AuthorizeParams{}, err
	}
	p := AuthorizeParams{ClientID: v.Get("client_id"), RequestURI: v.Get("request_uri"), RequestURIMethod: v.Get("request_uri_method")}
	id, err := ParseClientID(p.ClientID)
	if err != nil {
		return AuthorizeParams{}, err
	}
	switch {
	case v.Has("request"):
		return AuthorizeParams{}, refuse("request_by_value", "request objects are taken by reference only")
	case p.RequestURI == "" && (v.Has("request_uri") || v.Has("request_uri_method")):
		return AuthorizeParams{}, refuse("request_malformed", "request_uri is empty or missing")
	case p.RequestURI == "" && id.Signed(), p.RequestURI != "" && !id.Signed():
		return AuthorizeParams{}, refuse("client_id_signing_rule", "%s does not allow this form of request", id.Prefix)
	case p.RequestURI == "":
		p.Unsigned = v
	}
	if m := p.RequestURIMethod; v.Has("request_uri_method") && m != "get" && m != "post" {
		return AuthorizeParams{}, &Error{Code: CodeInvalidRequestMethod, reason: "request_uri_method"}
	}
	return p, nil
}

// BuildAuthorizeURL makes the link that opens a web wallet with a request. The
// parameters stand in the fragment, which no server's access log sees.
func BuildAuthorizeURL(walletURL string, p AuthorizeParams) string {
	v := url.Values{"client_id": {p.ClientID}, "request_uri": {p.RequestURI}}
	if p.RequestURIMethod != "" {
		v.Set("request_uri_method", p.RequestURIMethod)
	}
	return strings.TrimRight(walletURL, "/") + "/authorize#" + v.Encode()
}

// parseForm reads form encoding in which no parameter may repeat (RFC 6749
// §3.1).
func parseForm(encoded string) (url.Values, error) {
	v, err := url.ParseQuery(encoded)
	if err != nil {
		return nil, refuse("request_malformed", "parameters are not form-encoded")
	}
	for _, values := range v {
		if len(values) > 1 {
			return nil, refuse("parameter_duplicated", "a parameter stands twice")
		}
	}
	return v, nil
}
