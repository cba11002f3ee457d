package credentials

import "fmt"

// An Error says why a credential, trust list or metadata document was refused.
// It never holds a claim value, key or token.
type Error struct {
	Code   string
	Detail string
	Err    error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err != nil {
		return "credentials: " + e.Detail + ": " + e.Err.Error()
	}
	return "credentials: " + e.Detail
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
