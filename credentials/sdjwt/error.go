package sdjwt

import "fmt"

// An Error says which rule of RFC 9901 an SD-JWT breaks. Code is the stable
// reason code; Detail is for operators and never holds a claim value, a key,
// or a part of a token.
type Error struct {
	Code   string
	Detail string
	Err    error // the cause, if another package found it
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err != nil {
		return "sdjwt: " + e.Detail + ": " + e.Err.Error()
	}
	return "sdjwt: " + e.Detail
}

// Reason returns the reason code.
func (e *Error) Reason() string { return e.Code }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func fail(code, format string, args ...any) error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

func wrap(code, detail string, err error) error {
	return &Error{Code: code, Detail: detail, Err: err}
}
