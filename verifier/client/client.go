// Package client speaks a verifier's platform API: what the server of a site
// needs to ask, to hear how it stands, and to read the answer.
//
//	facet, err := client.New(client.Config{URL: "https://verifier.example", APIKey: key})
//	begun, err := facet.Begin(ctx, client.Request{Policy: "home", Flow: client.SameDevice, ReturnURI: back})
//	// … show begun.Links, keep begun.ID in the visitor's session …
//	result, err := facet.Result(ctx, client.Reading{ID: id, ResponseCode: code})
//
// It repeats what may be repeated and bounds what it reads. It keeps nothing
// between calls, checks no credential (the verifier did), and is never for a
// browser: the key it holds opens all of a platform's results. It does not
// evaluate flags either: OpenFeature's own OFREP provider does, with a result's
// hint token or the platform's key.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Limits of one call.
const (
	MaxBody     = 1 << 20          // bytes of an answer of the verifier
	CallTimeout = 10 * time.Second // of one attempt
	MaxAttempts = 4
	MaxWait     = 5 * time.Second // between two attempts; who is told to wait longer gets the Problem
)

// Config says where the verifier is and who asks.
type Config struct {
	URL    string       // base of the platform API, "https://verifier.example"
	APIKey string       // the platform's key
	HTTP   *http.Client // nil: one that also finds *.localhost. Its redirects and Timeout are not used

	// InsecureHTTP allows http to other machines: whoever is on the way reads
	// the key and every result.
	InsecureHTTP bool
}

// A Client is safe for many goroutines. Make one with New.
type Client struct {
	base, key string
	http      *http.Client
}

// New checks the configuration and connects to nothing.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("client: URL is not the address of a verifier")
	case u.Scheme == "http" && !cfg.InsecureHTTP && !loopback(u.Hostname()):
		return nil, errors.New("client: URL is http and of another machine; the API key would cross the network in the clear")
	case cfg.APIKey == "" || strings.ContainsFunc(cfg.APIKey, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("client: APIKey is empty or has characters no key has")
	}
	h := http.Client{Transport: transport()}
	if cfg.HTTP != nil {
		h = *cfg.HTTP
	}
	h.Timeout = 0 // attempts have theirs, and event streams outlast it
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{base: strings.TrimSuffix(cfg.URL, "/"), key: cfg.APIKey, http: &h}, nil
}

// loopback reports whether a host name is this machine by definition (RFC 6761 §6.3).
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

// transport reaches names under .localhost too: the system's resolver often
// does not know that they are this machine.
func transport() *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 16
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err == nil && strings.HasSuffix(host, ".localhost") {
			address = net.JoinHostPort("127.0.0.1", port)
		}
		return dialer.DialContext(ctx, network, address)
	}
	return t
}

// A call is one request to the platform API. All of them may be repeated: what
// changes something has a key that tells repetitions.
type call struct {
	method, path, key string
	in, out           any
}

// do calls until there is an answer, the attempts are used up, or ctx ends.
func (c *Client) do(ctx context.Context, r call) error {
	var body []byte
	if r.in != nil {
		var err error
		if body, err = json.Marshal(r.in); err != nil {
			return fmt.Errorf("client: encode: %w", err)
		}
	}
	for n := 1; ; n++ {
		err := c.once(ctx, r, body)
		wait, again := pause(err, n)
		if err == nil || !again || n == MaxAttempts || !sleep(ctx, wait) {
			return err
		}
	}
}

// once makes one attempt.
func (c *Client) once(ctx context.Context, r call, body []byte) error {
	ctx, stop := context.WithTimeout(ctx, CallTimeout)
	defer stop()
	req, err := c.request(ctx, r, body)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("client: call: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	switch {
	case err != nil:
		return fmt.Errorf("client: read answer: %w", err)
	case len(answer) > MaxBody:
		return errTooLarge
	case resp.StatusCode/100 != 2:
		return problemOf(resp, answer)
	}
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	if err := d.Decode(r.out); err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	return nil
}

var (
	errTooLarge  = errors.New("client: the verifier's answer is too large")
	errMalformed = errors.New("client: the verifier's answer is not the JSON expected here")
)

func (c *Client) request(ctx context.Context, r call, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Accept", "application/json")
	if r.in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	return req, nil
}

// sleep waits; false means that ctx ended, or would before the wait does.
func sleep(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
