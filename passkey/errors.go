package passkey

import "errors"

// Reasons a registration or sign-in fails.
const (
	ReasonInvalid = "webauthn_invalid" // anything about the answer is wrong; which thing is not told
	ReasonPRF     = "prf_refused"      // the message carries an extension output the host must not see
	ReasonFull    = "passkey_limit"    // the account has MaxPasskeys already
	ReasonLast    = "passkey_last"     // the last passkey of an account stays
	ReasonSession = "signed_out"       // no session, or it has ended
)

// An Error says why. Err is for operators; it never quotes the message.
type Error struct {
	reason string
	Err    error
}

// Reason is the stable code of the failure, one of the Reason constants.
func (e *Error) Reason() string { return e.reason }

func (e *Error) Error() string { return "passkey: " + e.reason + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

func invalid(err error) error { return &Error{ReasonInvalid, err} }

var errSignedOut = &Error{ReasonSession, errors.New("there is no such session")}
