package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"facet/policy/hints"
	"facet/verifier"
)

// An apiError is a failure of this package itself, by its reason. The note is
// for the caller and may repeat names the caller sent; it is not written down.
type apiError struct{ reason, note string }

func (e *apiError) Error() string { return "server: " + e.reason }

// Reason returns the stable code of the failure.
func (e *apiError) Reason() string { return e.reason }

// A meaning is how a reason is told to a platform's developer.
type meaning struct {
	status      int
	detail, fix string
}

// meanings is the only place that knows status codes of the platform API.
var meanings = map[string]meaning{
	verifier.ReasonUnknown:             {404, "There is no such request.", "Use the id that POST /v1/requests returned, with the key of the same platform."},
	verifier.ReasonNotReady:            {409, "There is no answer yet.", "Wait for the state \"released\", by polling or by the event stream."},
	verifier.ReasonNoResult:            {409, "The request ended without a result.", "Ask again only if the person wants to."},
	verifier.ReasonGone:                {410, "The holder took the result back, or its retention is over.", "Delete what you derived from it."},
	verifier.ReasonCodeRequired:        {403, "A same-device result needs the response code from the browser that returned.", "Send response_code from the query of your return address."},
	verifier.ReasonCodeMismatch:        {403, "The response code belongs to another request.", "Take request id and response code from the same browser session; if they differ, somebody may be handing over a link."},
	verifier.ReasonCodeUsed:            {403, "The result was read before.", "Keep what you read; to be able to retry within a minute, send an Idempotency-Key."},
	verifier.ReasonExpired:             {409, "The request has expired.", "Open a new request."},
	verifier.ReasonUsed:                {409, "The request was answered.", "Open a new request."},
	verifier.ReasonUnavailable:         {503, "The verifier cannot do this right now. Nothing was lost.", "Try again in a few seconds."},
	verifier.ReasonPlatformUnavailable: {503, "Wallets could not tell who asks: the platform's DID document is not there.", "Publish it again; the verifier looks every few seconds and goes on by itself."},
	verifier.ReasonProof:               {403, "The proof does not show that this presentation was yours.", "Sign it with a key that was used in the presentation."},
	verifier.ReasonToken:               {401, "The hint token is not valid.", "Read the result first, and use its hint_token until it ends."},
	verifier.ReasonOutput:              {403, "The policy does not let hints leave this way.", "Add the output to the policy, if its purpose allows it."},
	"policy_unknown":                   {404, "The platform has no such policy.", "Use the id of a policy the verifier was configured with for this platform, or what follows its last slash."},
	"flow_invalid":                     {400, "flow must be same_device, cross_device or dc_api.", "Use same_device when the wallet opens in the same browser."},
	"return_uri_unregistered":          {400, "return_uri is not registered, or does not belong to this flow.", "For same_device send one of the registered addresses, character by character; leave it out for cross_device and dc_api."},
	"origin_unregistered":              {400, "origin does not fit.", "Send location.origin of the page that asks, for dc_api only, and register it at the verifier."},
	"response_mode_invalid":            {400, "response_mode must be fragment, in the same_device flow.", "Leave it out: the wallet then answers the verifier directly."},
	"response_mode_not_allowed":        {403, "Answers in a fragment are not allowed for this platform.", "Leave response_mode out; a fragment carries the answer unencrypted through the browser and needs insecure_fragment."},
	"wallet_unknown":                   {400, "wallet does not fit.", "Use the name of one of the platform's wallets, or leave it out; with dc_api the browser chooses."},
	"registration_expired":             {403, "The platform's registration certificate has ended.", "Let the operator put a new one beside the platform's identity."},
	"answer_unexpected":                {409, "This request is not answered this way.", "Hand over what the browser gave your page: a DigitalCredential for dc_api, the fragment for response_mode fragment."},
	"protocol_mismatch":                {400, "The answer is to a protocol the request was not made with.", "Hand protocol and data over as the browser gave them."},
	"idempotency_mismatch":             {422, "The Idempotency-Key was used for another request, or is too long.", "Use a new key for a new request, of up to 200 bytes."},
	"idempotency_in_progress":          {409, "The same request is being opened right now.", "Try again in a second."},
	"api_key_invalid":                  {401, "The API key is missing or wrong.", "Send Authorization: Bearer with the platform's key, from your server only."},
	"rate_limited":                     {429, "Too many requests.", "Slow down; Retry-After says for how long."},
	"csrf":                             {403, "A browser sent this from another site.", "Call the platform API from your server only."},
	"body_malformed":                   {400, "The body is not the JSON expected here.", "See /openapi.yaml."},
	"body_incomplete":                  {400, "The body did not arrive whole.", "Send it again."},
	"content_type":                     {415, "The body has another type than expected here.", "See /openapi.yaml."},
	"size_limit":                       {413, "The body is too large.", "See /openapi.yaml."},
	"streams_exhausted":                {503, "Too many event streams are open.", "Poll GET /v1/requests/{id} instead."},
	"not_found":                        {404, "There is nothing here, or not by this method.", "See /openapi.yaml."},
	"method_not_allowed":               {405, "This address does not take that method.", "See /openapi.yaml."},
}

// A problem is an error as platforms see it (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Error  string `json:"error"` // the OAuth word nearest to it
	Code   string `json:"code"`  // stable
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"`
}

// A wireError is an error as wallets see it (RFC 6749 §5.2).
type wireError struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Code        string `json:"code"`
}

// fail answers every error, in the form of the part of the API it happened in.
func (s *Server) fail(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	reason, m := explain(err)
	if m.status >= 500 {
		s.cfg.Logger.Error("failed", "route", c.Path(), "error", err)
	}
	setRetryAfter(c, m.status, err)
	switch path := c.Request().URL.Path; {
	case strings.HasPrefix(path, "/wallet/"):
		status := walletStatus(c, reason, m)
		err = c.JSON(status, wireError{word(status), m.detail, reason})
	case strings.HasPrefix(path, "/ofrep/"):
		err = c.JSON(m.status, hints.EvaluationFailure{ErrorCode: "GENERAL", ErrorDetails: m.detail})
	default:
		err = writeProblem(c, reason, m)
	}
	if err != nil {
		s.cfg.Logger.Debug("answer not delivered", "route", c.Path())
	}
}

// setRetryAfter says when to come back: what is away may be there in a moment.
func setRetryAfter(c echo.Context, status int, err error) {
	var limit *limitError
	switch {
	case errors.As(err, &limit):
		c.Response().Header().Set("Retry-After", limit.seconds())
	case reasonOf(err) == verifier.ReasonPlatformUnavailable:
		c.Response().Header().Set("Retry-After", "5") // a site, and who looks at it, need longer
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		c.Response().Header().Set("Retry-After", "1")
	}
}

// reasonOf returns the reason err carries, or "".
func reasonOf(err error) string {
	var r interface{ Reason() string }
	if errors.As(err, &r) {
		return r.Reason()
	}
	return ""
}

func writeProblem(c echo.Context, reason string, m meaning) error {
	body, err := json.Marshal(problem{
		Type: "about:blank", Title: http.StatusText(m.status), Status: m.status, Error: word(m.status), Code: reason, Detail: m.detail, Fix: m.fix,
	})
	if err != nil {
		return err
	}
	return c.Blob(m.status, "application/problem+json", body)
}

// explain finds the reason of an error and what it means. An unknown reason of
// an engine is the caller's fault, an error without one is ours.
func explain(err error) (string, meaning) {
	var h *echo.HTTPError
	switch reason := reasonOf(err); {
	case reason != "":
		if m, ok := meanings[reason]; ok {
			var own *apiError
			if errors.As(err, &own) && own.note != "" {
				m.detail += " " + own.note
			}
			return reason, m
		}
		return reason, meaning{http.StatusBadRequest, "The answer failed a check.", ""}
	case errors.As(err, &h) && h.Code == http.StatusNotFound:
		return "not_found", meanings["not_found"]
	case errors.As(err, &h) && h.Code == http.StatusMethodNotAllowed:
		return "method_not_allowed", meanings["method_not_allowed"]
	}
	return "internal", meaning{http.StatusInternalServerError, "Something broke here. Nothing was lost.", "Try again; if it stays, tell the operator."}
}

// walletStatus is the status in OpenID4VP's terms: whatever is wrong with an
// answer is 400, and a request that is over is gone.
func walletStatus(c echo.Context, reason string, m meaning) int {
	over := reason == verifier.ReasonExpired || reason == verifier.ReasonUsed
	switch answering := strings.HasPrefix(c.Request().URL.Path, "/wallet/response/"); {
	case answering && (over || reason == verifier.ReasonUnknown):
		return http.StatusBadRequest
	case over:
		return http.StatusGone
	}
	return m.status
}

// word is the OAuth error word nearest to a status.
func word(status int) string {
	switch {
	case status >= 500:
		return "temporarily_unavailable"
	case status == http.StatusForbidden:
		return "access_denied"
	case status == http.StatusTooManyRequests:
		return "slow_down"
	}
	return "invalid_request"
}
