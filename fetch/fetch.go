// Package fetch makes one guarded HTTP request: https to port 443 of public
// addresses only, no proxy, no cookies, redirects refused unless asked for,
// and time, size and media type bounded. It is the only door through which
// Facet opens a connection to an address that somebody else named.
//
// In a browser (GOOS=js) the platform's fetch does the connecting; addresses
// are then the browser's business, and only what a URL shows is checked here.
// It does not parse bodies, verify what they say, retry or cache.
package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Limits of one request.
const (
	DefaultMaxBytes = 256 << 10       // of a response body, after decompression
	DefaultTimeout  = 5 * time.Second // from the first name look-up to the last byte
	MaxURL          = 4096            // bytes
	MaxRedirects    = 3               // whatever a Request asks for
	maxHeaderBytes  = 64 << 10
)

// Reasons an Error gives.
const (
	ReasonURL         = "url_not_https"        // another scheme, user info, fragment, or no URL
	ReasonBlocked     = "url_blocked"          // an address that is not public
	ReasonPort        = "url_port"             // another port than 443
	ReasonRedirect    = "redirect_not_allowed" // a redirect, or one too many
	ReasonLimit       = "fetch_limit"          // too large or too slow
	ReasonContentType = "content_type"         // another media type than asked for
	ReasonStatus      = "fetch_status"         // see Response.OK
	ReasonNetwork     = "network"              // no connection, or a broken one
)

// A Fetcher makes one guarded request. Do blocks until the whole body is read,
// ctx ends or the fetcher's own time is up; it is safe for concurrent use.
// Every error is an *Error. A status outside 2xx is not an error.
type Fetcher interface {
	Do(ctx context.Context, r Request) (*Response, error)
}

// A Request is one GET or POST.
type Request struct {
	Method       string            // "" means GET
	URL          string            // https, port 443
	Accept       []string          // media types the body of a 2xx answer may have; nil means any
	Body         []byte            // of a POST
	ContentType  string            // of Body
	Header       map[string]string // more header fields, such as Authorization
	MaxBytes     int64             // zero means DefaultMaxBytes
	MaxRedirects int               // zero means none; only a GET is ever redirected
}

// A Response is a complete answer. Nothing in it is authentic beyond TLS.
type Response struct {
	Status      int
	ContentType string // media type without parameters, lower case
	Body        []byte
	Header      http.Header
}

// OK returns an Error with reason fetch_status unless the status is 2xx.
func (r *Response) OK() error {
	if r.Status < 200 || r.Status > 299 {
		return refuse(ReasonStatus, fmt.Sprintf("answered with status %d", r.Status), nil)
	}
	return nil
}

// An Error says why there is no Response.
type Error struct {
	reason string
	detail string
	cause  error
}

// Error returns the reason and one plain sentence, without the URL.
func (e *Error) Error() string { return "fetch: " + e.reason + ": " + e.detail }

// Reason returns the stable code of the refusal.
func (e *Error) Reason() string { return e.reason }

// Unwrap returns what the network said, if it was asked.
func (e *Error) Unwrap() error { return e.cause }

func refuse(reason, detail string, cause error) *Error { return &Error{reason, detail, cause} }

// Config of a Client. The zero value is strict.
type Config struct {
	Timeout time.Duration // of one Do; zero means DefaultTimeout

	// InsecureLoopback is for demonstrations and tests on one machine: http
	// and every port are allowed, names under .localhost mean 127.0.0.1, and
	// nothing but loopback can be reached at all.
	InsecureLoopback bool
}

// A Client is the Fetcher of this package.
type Client struct {
	config    Config
	transport http.RoundTripper
}

// New returns a Client.
func New(c Config) *Client {
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	return &Client{config: c, transport: newTransport(c)}
}

// Do makes the request.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return nil, refuse(ReasonURL, "only GET and POST are made", nil)
	}
	if r.MaxBytes <= 0 {
		r.MaxBytes = DefaultMaxBytes
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	hops := min(r.MaxRedirects, MaxRedirects)
	for {
		response, next, err := c.once(ctx, r)
		if err != nil || next == "" {
			return response, err
		}
		if hops--; hops < 0 || r.Method != http.MethodGet {
			return nil, refuse(ReasonRedirect, "the address redirects", nil)
		}
		if !sameOrigin(r.URL, next) {
			r.Header = nil // what was meant for one host is not for another
		}
		r.URL = next
	}
}

func sameOrigin(a, b string) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	return errX == nil && errY == nil && x.Scheme == y.Scheme && x.Host == y.Host
}

// once makes one request; next is where a redirect points.
func (c *Client) once(ctx context.Context, r Request) (response *Response, next string, err error) {
	u, err := c.checkURL(r.URL)
	if err != nil {
		return nil, "", err
	}
	request, err := newRequest(ctx, r, u)
	if err != nil {
		return nil, "", refuse(ReasonURL, "request does not make sense", err)
	}
	answer, err := c.transport.RoundTrip(request)
	if err != nil {
		return nil, "", networkError(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }() // nothing of a finished read can be lost
	if answer.StatusCode == 0 {
		return nil, "", refuse(ReasonRedirect, "the address redirects", nil) // a browser's opaque redirect
	}
	if answer.StatusCode >= 300 && answer.StatusCode <= 399 {
		location, err := answer.Location()
		if err != nil {
			return nil, "", refuse(ReasonRedirect, "the address redirects nowhere", nil)
		}
		return nil, location.String(), nil
	}
	response, err = read(ctx, r, answer)
	return response, "", err
}

func newRequest(ctx context.Context, r Request, u *url.URL) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, u.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	for name, v := range r.Header {
		request.Header.Set(name, v)
	}
	if len(r.Accept) > 0 {
		request.Header.Set("Accept", strings.Join(r.Accept, ", "))
	}
	if r.ContentType != "" {
		request.Header.Set("Content-Type", r.ContentType)
	}
	prepare(request, r)
	return request, nil
}

// read takes at most MaxBytes of the body, however it was compressed.
func read(ctx context.Context, r Request, answer *http.Response) (*Response, error) {
	out := &Response{Status: answer.StatusCode, Header: answer.Header}
	out.ContentType, _, _ = mime.ParseMediaType(answer.Header.Get("Content-Type")) // "" matches no Accept
	ok := out.Status >= 200 && out.Status <= 299
	if ok && out.Status != http.StatusNoContent && len(r.Accept) > 0 && !slices.Contains(r.Accept, out.ContentType) {
		return nil, refuse(ReasonContentType, "answered with another media type", nil)
	}
	if e := answer.Header.Get("Content-Encoding"); !decoded && e != "" && e != "identity" {
		return nil, refuse(ReasonContentType, "answered with an encoding nobody asked for", nil)
	}
	if answer.ContentLength > r.MaxBytes {
		return nil, refuse(ReasonLimit, "answer is too large", nil)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, r.MaxBytes+1))
	if err != nil {
		return nil, networkError(ctx, err)
	}
	if int64(len(body)) > r.MaxBytes {
		return nil, refuse(ReasonLimit, "answer is too large", nil)
	}
	out.Body = body
	return out, nil
}

func networkError(ctx context.Context, err error) error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return refuse(ReasonLimit, "answer took too long", ctx.Err())
	}
	return refuse(ReasonNetwork, "no answer", err)
}
