package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Codes of a Problem that sites branch on. The rest are in the verifier's
// /openapi.yaml.
const (
	CodeNotReady     = "result_not_ready"       // no answer yet
	CodeNone         = "result_none"            // the request ended without one
	CodeWithdrawn    = "result_withdrawn"       // taken back: delete what you derived
	CodeMismatch     = "response_code_mismatch" // of another request, perhaps another browser's
	CodeUsed         = "response_code_used"     // read before
	CodeUnknown      = "transaction_unknown"    // no such request of this platform
	CodeUnavailable  = "unavailable"            // nothing happened; try later
	codeBusy         = "idempotency_in_progress"
	codeNoMoreStream = "streams_exhausted"
)

// A Problem is what the verifier answers when it does not do as asked (RFC
// 9457). It holds no value, key or token.
type Problem struct {
	Status int    `json:"status"` // of HTTP
	Code   string `json:"code"`   // stable; "http_404" and the like when something else than a verifier answered
	Detail string `json:"detail"` // one sentence
	Fix    string `json:"fix"`    // what to do about it

	retryAfter time.Duration
}

func (p *Problem) Error() string { return fmt.Sprintf("client: %d %s: %s", p.Status, p.Code, p.Detail) }

// Reason returns the stable code.
func (p *Problem) Reason() string { return p.Code }

// CodeOf returns the code of a Problem, CodeUnavailable for an error that is
// none, and "" for nil.
func CodeOf(err error) string {
	var p *Problem
	switch {
	case err == nil:
		return ""
	case errors.As(err, &p):
		return p.Code
	}
	return CodeUnavailable
}

func problemOf(resp *http.Response, body []byte) error {
	p := &Problem{}
	if json.Unmarshal(body, p) != nil || p.Code == "" {
		*p = Problem{Code: fmt.Sprintf("http_%d", resp.StatusCode), Detail: "Something else than a verifier's platform API answered.", Fix: "Check the verifier's address."}
	}
	p.Status = resp.StatusCode
	p.retryAfter = retryAfter(resp.Header.Get("Retry-After"))
	return p
}

// retryAfter is how long to wait (RFC 9110 §10.2.3); 0: nobody says.
func retryAfter(text string) time.Duration {
	seconds, err := strconv.ParseUint(text, 10, 32)
	if err == nil || errors.Is(err, strconv.ErrRange) { // the longest there is
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// pause says whether the n-th attempt may be followed by another, and after how
// long: what the verifier says, else longer each time, never in step with others.
func pause(err error, n int) (wait time.Duration, again bool) {
	var p *Problem
	switch {
	case errors.Is(err, errTooLarge), errors.Is(err, errMalformed):
		return 0, false
	case errors.As(err, &p):
		again = p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests || p.Code == codeBusy
		if p.retryAfter > 0 {
			return p.retryAfter, again && p.retryAfter <= MaxWait
		}
	default:
		again = err != nil // the connection broke
	}
	most := 250 * time.Millisecond << n
	return most/2 + rand.N(most/2), again
}
