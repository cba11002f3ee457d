package verifier_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"facet/verifier/server"
)

// raw writes bytes to the verifier over TCP, ends its own half of the
// connection and returns the answer.
func raw(t *testing.T, addr, text string) reply {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := fmt.Fprint(c, text); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, body}
}

// TestBrokenBodies: a body that stops halfway is its sender's fault, at every
// address that takes one.
func TestBrokenBodies(t *testing.T) {
	r := newRig(t)
	s := httptest.NewServer(r.http)
	defer s.Close()
	b := r.begin("access", "same_device")
	req := r.ask(b)
	offer, err := req.PolicyOffer()
	if err != nil {
		t.Fatal(err)
	}
	for path, media := range map[string]string{
		"/v1/requests":                          "application/json",
		"/v1/requests/" + b.ID + "/result":      "application/json",
		"/ofrep/v1/evaluate/flags":              "application/json",
		b.uri[len(baseURL):]:                    "application/x-www-form-urlencoded",
		req.ResponseURI[len(baseURL):]:          "application/x-www-form-urlencoded",
		offer.ReceiptEndpoint[len(baseURL):]:    "application/jwt",
		offer.WithdrawalEndpoint[len(baseURL):]: "application/jwt",
	} {
		head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: verifier.localhost\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\n", path, keyNews, media)
		for name, rest := range map[string]string{
			"cut off":         "Content-Length: 1000\r\n\r\n{\"policy\":",
			"cut off chunk":   "Transfer-Encoding: chunked\r\n\r\n40\r\nabc",
			"malformed chunk": "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
		} {
			got := raw(t, s.Listener.Addr().String(), head+rest)
			if got.status != http.StatusBadRequest {
				t.Errorf("%s, %s: %d %s", path, name, got.status, got.body)
			} else if code := got.field("code"); code != "body_incomplete" && path != "/ofrep/v1/evaluate/flags" {
				t.Errorf("%s, %s: %s", path, name, got.body)
			}
		}
	}
	big := call{method: "POST", url: baseURL + "/ofrep/v1/evaluate/flags", key: keyNews, contentType: "application/json", body: strings.Repeat(" ", server.MaxBody+1)}
	if got := r.do(big); got.status != http.StatusBadRequest || got.field("errorCode") != "PARSE_ERROR" {
		t.Errorf("too large for OFREP: %d %s", got.status, got.body)
	}
}
