package auditlog

import "errors"

// What a caller can branch on.
var (
	ErrLocked   = errors.New("another process is writing this log")
	ErrLost     = errors.New("the log's entries are gone but its last checkpoint is not: restore the folder from a backup; a new log would contradict the old one")
	ErrConflict = errors.New("an entry with this id but other content is in the log already")
	ErrClosed   = errors.New("the log is closed")
	ErrKey      = errors.New("the log's key file is unreadable or belongs to another log")
)

// An Error says which act failed and why, with the reason code of its cause.
type Error struct {
	reason string
	act    string
	err    error
}

// Reasons of this package's errors; those of package audit pass through.
const (
	ReasonLocked      = "log_locked"
	ReasonLost        = "log_storage_lost"
	ReasonConflict    = "entry_conflict"
	ReasonClosed      = "log_closed"
	ReasonKey         = "log_key"
	ReasonUnavailable = "log_unavailable" // nothing was acknowledged; trying again is safe
)

func (e *Error) Error() string { return "auditlog: " + e.act + ": " + e.err.Error() }

// Reason returns the stable code of the failure.
func (e *Error) Reason() string { return e.reason }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.err }

func failed(act string, err error) *Error {
	for _, r := range []struct {
		err    error
		reason string
	}{
		{ErrLocked, ReasonLocked}, {ErrLost, ReasonLost}, {ErrConflict, ReasonConflict},
		{ErrClosed, ReasonClosed}, {ErrKey, ReasonKey},
	} {
		if errors.Is(err, r.err) {
			return &Error{r.reason, act, err}
		}
	}
	var reasoned interface{ Reason() string }
	if errors.As(err, &reasoned) {
		return &Error{reasoned.Reason(), act, err}
	}
	return &Error{ReasonUnavailable, act, err}
}
