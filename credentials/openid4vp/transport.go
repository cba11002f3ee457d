package openid4vp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"facet/credentials/jose"
	"facet/fetch"
)

// ErrUnauthenticated says that an answer was about to go to someone who was
// not authenticated. Nothing was sent.
var ErrUnauthenticated error = &Error{reason: "unauthenticated_request", err: errors.New("the asker is not authenticated")}

// Retrieve gets the request object an authorization URL refers to (§5.10) and
// parses it; an unsigned request is parsed as it is. walletNonce is sent only
// when the link asks for POST; leave it empty to always use GET. Redirects are
// errors (§14.8).
func Retrieve(ctx context.Context, f fetch.Fetcher, p AuthorizeParams, walletNonce string) (*UnverifiedRequest, error) {
	if p.RequestURI == "" {
		return ParseUnsigned(p)
	}
	req := fetch.Request{Method: http.MethodGet, URL: p.RequestURI, Accept: []string{RequestMediaType}, MaxBytes: MaxRequest}
	expect := Expect{ClientID: p.ClientID}
	if p.RequestURIMethod == "post" && walletNonce != "" {
		expect.WalletNonce = walletNonce
		req.Method, req.ContentType = http.MethodPost, formType
		req.Body = []byte(url.Values{"wallet_nonce": {walletNonce}}.Encode())
	}
	res, err := f.Do(ctx, req)
	if err != nil {
		return nil, err
	}
	if res.Status != http.StatusOK {
		return nil, &Error{reason: statusReason(res.Status)}
	}
	return ParseRequest(string(res.Body), expect)
}

const formType = "application/x-www-form-urlencoded"

// Answer sends a presentation to who asked and returns where the holder's
// browser goes next, which may be nowhere (§8.2). In fragment mode nothing is
// sent: the answer is in that address (§5.6).
func (r *Request) Answer(ctx context.Context, f fetch.Fetcher, token VPToken) (next string, err error) {
	return r.answer(ctx, f, Response{VPToken: token})
}

// Refuse tells who asked that there will be no presentation (§8.5). Use
// CodeAccessDenied whether the holder refused or has nothing that fits
// (§15.4.1).
func (r *Request) Refuse(ctx context.Context, f fetch.Fetcher, code Code) (next string, err error) {
	return r.answer(ctx, f, Response{Error: code})
}

func (r *Request) answer(ctx context.Context, f fetch.Fetcher, a Response) (string, error) {
	if r == nil || r.Party == nil || r.to == nil {
		return "", ErrUnauthenticated
	}
	form, err := r.form(a)
	if err != nil {
		return "", err
	}
	if r.ResponseMode == ModeFragment {
		return r.to.String() + "#" + form.Encode(), nil
	}
	res, err := f.Do(ctx, fetch.Request{
		Method: http.MethodPost, URL: r.to.String(), ContentType: formType, Body: []byte(form.Encode()),
		Accept: []string{"application/json"}, MaxBytes: MaxReply,
	})
	if err != nil {
		return "", err
	}
	if res.Status != http.StatusOK {
		return "", &Error{reason: statusReason(res.Status)}
	}
	return readReply(res.Body)
}

// MaxReply is the most bytes read of a verifier's reply to a response.
const MaxReply = 16 << 10

// readReply reads the verifier's reply: an object whose only known member is
// redirect_uri (§8.2).
func readReply(body []byte) (string, error) {
	m, err := jose.ParseObject(body, jose.Limits{MaxSize: MaxReply})
	if err != nil {
		return "", err
	}
	raw, ok := m["redirect_uri"]
	if !ok {
		return "", nil
	}
	next, _ := raw.(string)
	u, err := url.Parse(next)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return "", &Error{reason: "redirect_uri_malformed"}
	}
	return next, nil
}

// loopback reports whether plain http to this host stays on this machine.
func loopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1" || strings.HasSuffix(host, ".localhost")
}

func statusReason(status int) string {
	switch {
	case status >= 300 && status < 400:
		return "redirect_not_allowed"
	case status == http.StatusNotFound || status == http.StatusGone:
		return "request_gone"
	}
	return "fetch_status"
}
