package openid4vci

import (
	"net/url"
	"slices"
	"strings"
)

// A TokenRequest redeems a pre-authorized code (§6.1).
type TokenRequest struct {
	Code      Secret
	TxCode    Secret // meaningful if HasTxCode
	HasTxCode bool   // the parameter was sent, even if empty
	ClientID  string // "" for an anonymous wallet
}

// Form returns the request's body, application/x-www-form-urlencoded.
func (r TokenRequest) Form() []byte {
	form := url.Values{"grant_type": {GrantPreAuthorized}, "pre-authorized_code": {string(r.Code)}}
	if r.HasTxCode {
		form.Set("tx_code", string(r.TxCode))
	}
	if r.ClientID != "" {
		form.Set("client_id", r.ClientID)
	}
	return []byte(form.Encode())
}

// ParseTokenRequest reads a form body. Reasons: size_limit, request_malformed,
// grant_unsupported.
func ParseTokenRequest(body []byte) (*TokenRequest, error) {
	if len(body) > MaxMessage {
		return nil, NewError(CodeInvalidRequest, "size_limit", "request is too large")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, NewError(CodeInvalidRequest, "request_malformed", "not a form")
	}
	for _, values := range form {
		if len(values) != 1 { // RFC 6749 §3.2: no parameter twice
			return nil, NewError(CodeInvalidRequest, "request_malformed", "a parameter is there twice")
		}
	}
	if g := form.Get("grant_type"); g != GrantPreAuthorized {
		if g == "" {
			return nil, NewError(CodeInvalidRequest, "request_malformed", "grant_type is absent")
		}
		return nil, NewError(CodeUnsupportedGrant, "grant_unsupported", "only the pre-authorized code grant is known here")
	}
	r := &TokenRequest{
		Code: Secret(form.Get("pre-authorized_code")), TxCode: Secret(form.Get("tx_code")),
		HasTxCode: form.Has("tx_code"), ClientID: form.Get("client_id"),
	}
	if r.Code == "" || len(r.Code) > maxCodeBytes || len(r.TxCode) > MaxTxCode {
		return nil, NewError(CodeInvalidRequest, "request_malformed", "a code is absent or too long")
	}
	return r, nil
}

// A TokenResponse is the answer to a TokenRequest (§6.2).
type TokenResponse struct {
	AccessToken Secret                    `json:"access_token"`
	TokenType   string                    `json:"token_type"`
	ExpiresIn   int                       `json:"expires_in,omitempty"`            // seconds
	Details     []AuthorizedConfiguration `json:"authorization_details,omitempty"` // what the token is good for
}

// AuthorizedConfiguration names what may be asked for with a token.
type AuthorizedConfiguration struct {
	Type            string   `json:"type"` // always openid_credential
	ConfigurationID string   `json:"credential_configuration_id"`
	Identifiers     []string `json:"credential_identifiers"`
}

// Identifier returns the credential_identifier to use for a configuration, or
// "" if the configuration id is to be used itself (§8.2).
func (t *TokenResponse) Identifier(configurationID string) string {
	for _, d := range t.Details {
		if d.ConfigurationID == configurationID && len(d.Identifiers) > 0 {
			return d.Identifiers[0]
		}
	}
	return ""
}

// ParseTokenResponse reads the answer of a token endpoint. Reason
// token_malformed.
func ParseTokenResponse(text []byte) (*TokenResponse, error) {
	o, err := parseObject(text, MaxMessage)
	if err != nil {
		return nil, because("", "token_malformed", "token response is not strict JSON", err)
	}
	t := &TokenResponse{AccessToken: Secret(o.text("access_token")), TokenType: o.text("token_type"), ExpiresIn: o.number("expires_in")}
	for _, d := range o.objects("authorization_details") {
		t.Details = append(t.Details, AuthorizedConfiguration{d.text("type"), d.text("credential_configuration_id"), d.texts("credential_identifiers")})
	}
	if *o.wrong != "" || !bearerToken(string(t.AccessToken)) {
		return nil, NewError("", "token_malformed", "a member is missing or has the wrong kind")
	}
	if !strings.EqualFold(t.TokenType, "Bearer") {
		return nil, NewError("", "token_malformed", "token is of another type than Bearer")
	}
	return t, nil
}

// bearerToken holds a token to RFC 6750 §2.1, so that it cannot break a header.
func bearerToken(s string) bool {
	const signs = "-._~+/="
	return s != "" && len(s) <= maxCodeBytes && !slices.ContainsFunc([]byte(s), func(c byte) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(signs, c) >= 0)
	})
}

// BearerToken returns the token of an Authorization header (RFC 6750 §2.1).
// Reason token_missing.
func BearerToken(authorization string) (Secret, error) {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") || !bearerToken(token) {
		return "", NewError(CodeInvalidToken, "token_missing", "no bearer token")
	}
	return Secret(token), nil
}
