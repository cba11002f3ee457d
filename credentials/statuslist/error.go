package statuslist

import "fmt"

// An Error says why a status could not be established, or that it is bad.
// Everything but a Valid entry is an error.
type Error struct {
	Code   string
	Detail string
	Err    error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err != nil {
		return "statuslist: " + e.Detail + ": " + e.Err.Error()
	}
	return "statuslist: " + e.Detail
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
