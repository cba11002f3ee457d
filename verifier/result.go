package verifier

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"facet/audit"
	"facet/credentials/claims"
	"facet/policy/hints"
)

// A Reading is a platform's wish to have a result.
type Reading struct {
	Platform     string
	ID           string // the transaction
	ResponseCode string // from the holder's browser; not cross-device
	Reader       string // optional, up to MaxIdempotencyKey bytes: who may read the same again within RetryWindow
}

// A Result is what the platform gets.
type Result struct {
	ID        string
	Purpose   string
	Policy    audit.PolicyRef
	Flow      audit.Flow
	ExpiresAt time.Time
	Hints     hints.HintSet         // if the policy's outputs allow
	Claims    map[string]claims.Set // by query id, if the policy's outputs allow
	Sources   map[string]Source     // by query id
	HintToken string                // for browsers, through OFREP, if the outputs allow
	TokenEnds time.Time
}

// Status returns where a platform's transaction stands. Nothing personal is in
// it, so it needs no response code.
func (v *Verifier) Status(ctx context.Context, platformID, id string) (State, error) {
	t, err := v.own(ctx, platformID, id)
	if err != nil {
		return "", err
	}
	switch {
	case t.State == Open && !v.cfg.Now().Before(t.expires()):
		return Expired, nil
	case t.State == Open && t.Fetched:
		return Opened, nil
	}
	return t.State, nil
}

// Result gives the result of a released transaction to one reader, once; the
// same reader may ask again within RetryWindow. In the same-device flow the
// response code proves that the browser that answered is the one that returned
// (OpenID4VP §13.3). Reasons: transaction_unknown, result_not_ready,
// result_none, result_withdrawn, response_code_required,
// response_code_mismatch, response_code_used, idempotency_mismatch.
func (v *Verifier) Result(ctx context.Context, r Reading) (*Result, error) {
	if len(r.Reader) > MaxIdempotencyKey {
		return nil, fail("idempotency_mismatch", "the reader's key is too long")
	}
	for {
		t, err := v.own(ctx, r.Platform, r.ID)
		if err != nil {
			return nil, err
		}
		if err := t.readable(v.cfg.Now()); err != nil {
			return nil, err
		}
		next, err := t.readBy(r, v.cfg.Now())
		if err != nil {
			return nil, err
		}
		out, err := v.outcome(ctx, t) // before the read is noted: what cannot be read now is not spent
		if err != nil {
			return nil, err
		}
		if next != nil {
			if t, err = v.swap(ctx, t, *next); errors.Is(err, errMoved) {
				continue
			}
			if err != nil {
				return nil, err
			}
		}
		return v.result(t, out), nil
	}
}

// readable reports whether there is a result at all.
func (t *transaction) readable(now time.Time) error {
	switch t.State {
	case Open, Accepted, Logged:
		if t.State == Open && !now.Before(t.expires()) {
			return fail(ReasonNoResult, "the request expired unanswered")
		}
		return fail(ReasonNotReady, "there is no answer yet")
	case Released:
		if now.Before(t.keep()) {
			return nil
		}
		return fail(ReasonGone, "its retention is over")
	case Withdrawing, Withdrawn:
		return fail(ReasonGone, "the holder took it back")
	}
	return fail(ReasonNoResult, "the request ended without a result")
}

// readBy checks that r may read, and returns the transaction with the first
// read noted, or nil if that was done before.
func (t *transaction) readBy(r Reading, now time.Time) (*transaction, error) {
	if t.Flow != audit.CrossDevice {
		switch {
		case r.ResponseCode == "":
			return nil, fail(ReasonCodeRequired, "the browser that returned brought no response code")
		case subtle.ConstantTimeCompare([]byte(r.ResponseCode), []byte(t.Code)) != 1:
			return nil, fail(ReasonCodeMismatch, "the response code belongs elsewhere")
		}
	}
	if t.ReadAt == 0 {
		next := *t
		next.ReadAt, next.Reader = now.Unix(), r.Reader
		return &next, nil
	}
	again := r.Reader != "" && subtle.ConstantTimeCompare([]byte(r.Reader), []byte(t.Reader)) == 1
	if again && now.Sub(time.Unix(t.ReadAt, 0)) <= RetryWindow {
		return nil, nil
	}
	return nil, fail(ReasonCodeUsed, "the result was read before")
}

func (v *Verifier) result(t *transaction, out *outcome) *Result {
	r := &Result{
		ID: t.ID, Purpose: t.policy.policy.Purpose, Policy: t.policy.asked.Policy, Flow: t.Flow,
		ExpiresAt: t.keep(), Sources: out.Sources,
	}
	if t.allows("hints") {
		r.Hints = out.Hints
	}
	if t.allows("result") {
		r.Claims = out.Claims
	}
	if t.allows("ofrep") {
		r.HintToken, r.TokenEnds = v.ids.name(forHints, t.ID), t.tokenEnds()
	}
	return r
}

func (t *transaction) allows(output string) bool {
	return slices.Contains(t.policy.policy.Outputs, output)
}

// tokenEnds is when the transaction's hint token stops working.
func (t *transaction) tokenEnds() time.Time {
	if end := time.Unix(t.ReadAt, 0).Add(TokenTTL); end.Before(t.keep()) {
		return end
	}
	return t.keep()
}

// outcome unseals what an accepted answer came to.
func (v *Verifier) outcome(ctx context.Context, t *transaction) (*outcome, error) {
	secret, err := v.secret(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	raw, err := unseal(secret, sealedResult, t.ID, t.Sealed)
	if err != nil {
		return nil, unavailable("unseal result", err)
	}
	var out outcome
	if err := json.Unmarshal(raw, &out, recorded); err != nil {
		return nil, unavailable("read result", err)
	}
	return &out, nil
}

// Hints returns the hints a browser's token stands for. The token works only
// after the platform read the result. Reasons: hint_token_invalid,
// result_withdrawn, output_not_allowed.
func (v *Verifier) Hints(ctx context.Context, token string) (hints.HintSet, error) {
	t, err := v.find(ctx, forHints, token)
	if reasonOf(err, "") == ReasonUnknown {
		return nil, fail(ReasonToken, "there is no such token")
	}
	if err != nil {
		return nil, err
	}
	return v.hintsOf(ctx, t)
}

// HintsByID is Hints for a platform's server, which names the transaction.
func (v *Verifier) HintsByID(ctx context.Context, platformID, id string) (hints.HintSet, error) {
	t, err := v.own(ctx, platformID, id)
	if err != nil {
		return nil, err
	}
	return v.hintsOf(ctx, t)
}

func (v *Verifier) hintsOf(ctx context.Context, t *transaction) (hints.HintSet, error) {
	now := v.cfg.Now()
	if err := t.readable(now); err != nil {
		return nil, err
	}
	switch {
	case !t.allows("ofrep"):
		return nil, fail(ReasonOutput, "the policy does not let hints leave through OFREP")
	case t.ReadAt == 0 || !now.Before(t.tokenEnds()):
		return nil, fail(ReasonToken, "the token is not valid now")
	}
	out, err := v.outcome(ctx, t)
	if err != nil {
		return nil, err
	}
	return out.Hints, nil
}
