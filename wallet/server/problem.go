package server

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"facet/passkey"
	"facet/store"
)

// A problem is an answer that is not a success (RFC 9457). Code is the reason
// the page turns into words; Err is the protocol's word for it.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Err    string `json:"error"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"`
}

// Reason is the stable code.
func (p problem) Reason() string { return p.Code }

func (p problem) Error() string { return p.Code + ": " + p.Detail }

var (
	signedOut = problem{Status: http.StatusUnauthorized, Err: "access_denied", Code: "signed_out",
		Detail: "Nobody is signed in.", Fix: "Sign in with a passkey or the recovery code."}
	// notYours answers for what is another account's and for what does not
	// exist: the same bytes.
	notYours = problem{Status: http.StatusNotFound, Err: "access_denied", Code: "tenant_isolation",
		Detail: "There is nothing here for you."}
	malformed = problem{Status: http.StatusBadRequest, Err: "invalid_request", Code: "malformed",
		Detail: "The message is not what this address takes."}
	slowDown = problem{Status: http.StatusTooManyRequests, Err: "slow_down", Code: "quota",
		Detail: "Too many calls in a short time. Nothing was changed.", Fix: "Try again in a minute."}
	tooLarge = problem{Status: http.StatusRequestEntityTooLarge, Err: "slow_down", Code: "quota",
		Detail: "The message is larger than a vault may be. Nothing was changed."}
	broken = problem{Status: http.StatusInternalServerError, Err: "server_error", Code: "host_broken",
		Detail: "The wallet's host could not do this. What was saved before is kept.", Fix: "Try again."}
)

func unknown(echo.Context) error { return notYours }

// fail writes an error as an answer. It is the only place that knows statuses
// of engine errors.
func (s *server) fail(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := problemOf(err)
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte("{}")
	}
	if p.Status == http.StatusTooManyRequests {
		c.Response().Header().Set("Retry-After", "60")
	}
	if err := c.Blob(p.Status, "application/problem+json", body); err != nil {
		s.log.Warn("answer lost", "route", c.Path())
	}
}

func problemOf(err error) problem {
	var p problem
	var web *echo.HTTPError
	var key *passkey.Error
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &key):
		return passkeyProblem(key)
	case errors.As(err, &web) && web.Code < http.StatusInternalServerError:
		p = notYours
		p.Status = web.Code
		if web.Code == http.StatusRequestEntityTooLarge {
			p = tooLarge
		}
		return p
	case errors.Is(err, store.ErrTooLarge):
		return tooLarge
	}
	return broken
}

func passkeyProblem(err *passkey.Error) problem {
	p := problem{Status: http.StatusUnauthorized, Err: "access_denied", Code: err.Reason(),
		Detail: "The passkey's answer was not accepted.", Fix: "Try again."}
	switch err.Reason() {
	case passkey.ReasonSession:
		return signedOut
	case passkey.ReasonPRF:
		p.Status, p.Err = http.StatusBadRequest, "invalid_request"
		p.Detail, p.Fix = "The message carries what opens the vault. It was not kept.", "Update the wallet's page."
	case passkey.ReasonLast:
		p.Status = http.StatusConflict
		p.Detail, p.Fix = "The last passkey stays: nobody could sign in any more.", "Add another one first."
	case passkey.ReasonFull:
		p.Status = http.StatusConflict
		p.Detail, p.Fix = "There are as many passkeys as there may be.", "Remove one first."
	}
	return p
}
