package dcql

import (
	"fmt"

	"facet/credentials/claims"
)

// An Error says what is wrong with a query, or how presented credentials fail
// it. It names query ids and claims paths, never values.
type Error struct {
	Code   string
	Query  string      // credential query id, if one is concerned
	Path   claims.Path // claims path, if one is concerned
	Detail string
}

// Error implements error.
func (e *Error) Error() string {
	s := "dcql: " + e.Detail
	if e.Query != "" {
		s += " (credential query " + e.Query
		if e.Path != nil {
			s += ", " + e.Path.String()
		}
		s += ")"
	}
	return s
}

// Reason returns the reason code.
func (e *Error) Reason() string { return e.Code }

func invalid(format string, args ...any) error {
	return &Error{Code: "dcql_malformed", Detail: fmt.Sprintf(format, args...)}
}
