package verifier

import (
	"errors"
	"fmt"
)

// Reasons of an Error that callers branch on. Others are reasons of the
// packages below, passed on.
const (
	ReasonUnavailable         = "unavailable"              // nothing happened that cannot be tried again
	ReasonPlatformUnavailable = "platform_unavailable"     // its DID document is not there: wait, see Verifier.Prove
	ReasonUnknown             = "transaction_unknown"      // no such transaction, or not this caller's
	ReasonExpired             = "transaction_expired"      // too late
	ReasonUsed                = "transaction_already_used" // answered before
	ReasonNotReady            = "result_not_ready"         // no answer yet
	ReasonNoResult            = "result_none"              // the transaction ended without a result
	ReasonGone                = "result_withdrawn"         // the holder took it back
	ReasonCodeRequired        = "response_code_required"   // same-device results need the code
	ReasonCodeMismatch        = "response_code_mismatch"
	ReasonCodeUsed            = "response_code_used"
	ReasonPending             = "receipt_pending" // no checkpoint covers the entry yet
	ReasonProof               = "holder_proof_invalid"
	ReasonToken               = "hint_token_invalid"
	ReasonOutput              = "output_not_allowed" // the policy does not let hints leave this way
)

// An Error says why an act of the engine failed. It never holds a claim value,
// a key or a token.
type Error struct {
	reason string
	err    error
}

func (e *Error) Error() string {
	if e.err == nil {
		return "verifier: " + e.reason
	}
	return fmt.Sprintf("verifier: %s: %v", e.reason, e.err)
}

// Unwrap returns the cause, if there is one.
func (e *Error) Unwrap() error { return e.err }

// Reason returns the stable code of the failure.
func (e *Error) Reason() string { return e.reason }

func fail(reason, format string, args ...any) error {
	return &Error{reason: reason, err: fmt.Errorf(format, args...)}
}

// unavailable marks a failure of store, log or signer: nothing was decided.
func unavailable(act string, err error) error {
	return &Error{reason: ReasonUnavailable, err: fmt.Errorf("%s: %w", act, err)}
}

// A RejectError says which check an answer failed. Err is for operators; it may
// quote identifiers, never claim values.
type RejectError struct {
	Check Check
	Err   error

	reason string
}

func (e *RejectError) Error() string { return fmt.Sprintf("verifier: check %s: %v", e.Check, e.Err) }

// Unwrap returns the cause.
func (e *RejectError) Unwrap() error { return e.Err }

// Reason returns the stable code of the failed check.
func (e *RejectError) Reason() string { return e.reason }

// reasonOf returns the reason err carries, or otherwise.
func reasonOf(err error, otherwise string) string {
	var r interface{ Reason() string }
	if errors.As(err, &r) {
		return r.Reason()
	}
	return otherwise
}
