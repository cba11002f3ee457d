package openid4vp

import "fmt"

// A Code is an error word of the wire (§8.5, RFC 6749 §4.1.2.1).
type Code string

// The words this package uses.
const (
	CodeInvalidRequest         Code = "invalid_request"
	CodeInvalidClient          Code = "invalid_client"
	CodeAccessDenied           Code = "access_denied"
	CodeInvalidTransactionData Code = "invalid_transaction_data"
	CodeInvalidRequestMethod   Code = "invalid_request_uri_method"
	CodeFormatsNotSupported    Code = "vp_formats_not_supported"
	CodeWalletUnavailable      Code = "wallet_unavailable"
)

// An Error says why a message was refused. Code is what the other side may be
// told, and only once it is authenticated.
type Error struct {
	Code   Code
	reason string
	err    error
}

func (e *Error) Error() string {
	if e.err == nil {
		return "openid4vp: " + e.reason
	}
	return fmt.Sprintf("openid4vp: %s: %v", e.reason, e.err)
}

// Unwrap returns the cause, if there is one.
func (e *Error) Unwrap() error { return e.err }

// Reason returns the stable code of the refusal.
func (e *Error) Reason() string { return e.reason }

// refuse makes an invalid_request Error. The format's text must not quote
// values of the message beyond its parameter names.
func refuse(reason, format string, args ...any) error {
	return &Error{Code: CodeInvalidRequest, reason: reason, err: fmt.Errorf(format, args...)}
}
