package dcql

import (
	"encoding/json"
	"slices"

	"facet/credentials/claims"
)

// Validate checks everything the language demands of a query (§6.1 to §6.3,
// §7) and the limits above. Two claims with the same path and the same values
// in one credential query are refused: a verifier must not send them.
func (q *Query) Validate() error {
	if len(q.Credentials) == 0 {
		return invalid("a query asks for at least one credential")
	}
	if len(q.Credentials) > MaxCredentials || len(q.CredentialSets) > MaxSets {
		return invalid("more than %d credentials or %d sets", MaxCredentials, MaxSets)
	}
	ids := make(map[string]bool, len(q.Credentials))
	for i := range q.Credentials {
		c := &q.Credentials[i]
		if !validID(c.ID) || ids[c.ID] {
			return invalid("credential query %d: the id is missing, malformed or not unique", i)
		}
		ids[c.ID] = true
		if err := c.validate(); err != nil {
			return err
		}
	}
	for i, s := range q.CredentialSets {
		if len(s.Options) == 0 || len(s.Options) > MaxSets {
			return invalid("credential set %d: no options, or more than %d", i, MaxSets)
		}
		for _, option := range s.Options {
			if err := validRefs(option, func(id string) bool { return ids[id] }); err != nil {
				return invalid("credential set %d: %v", i, err)
			}
		}
	}
	return nil
}

func (c *CredentialQuery) validate() error {
	bad := func(detail string) error {
		return &Error{Code: "dcql_malformed", Query: c.ID, Detail: detail}
	}
	switch {
	case c.Format == "":
		return bad("format is missing")
	case c.Format == SDJWTVC && len(c.Meta.VCTValues) == 0:
		return bad("vct_values is missing")
	case len(c.Meta.VCTValues) > MaxValues, len(c.Claims) > MaxClaims, len(c.ClaimSets) > MaxSets,
		len(c.TrustedAuthorities) > MaxValues:
		return bad("too many entries")
	case len(c.ClaimSets) > 0 && len(c.Claims) == 0:
		return bad("claim_sets without claims")
	}
	for _, a := range c.TrustedAuthorities {
		if a.Type == "" || len(a.Values) == 0 || len(a.Values) > MaxValues {
			return bad("a trusted authority needs a type and values")
		}
	}
	if err := c.validateClaims(); err != nil {
		return err
	}
	for _, set := range c.ClaimSets {
		if err := validRefs(set, func(id string) bool { return c.claim(id) != nil }); err != nil {
			return bad("claim_sets: " + err.Error())
		}
	}
	return nil
}

func (c *CredentialQuery) validateClaims() error {
	ids := make(map[string]bool, len(c.Claims))
	for i, q := range c.Claims {
		bad := func(detail string) error {
			return &Error{Code: "dcql_malformed", Query: c.ID, Path: q.Path, Detail: detail}
		}
		if _, err := claims.NewPath(q.Path); err != nil {
			return bad("a claims path is missing or malformed")
		}
		if q.ID == "" && len(c.ClaimSets) > 0 {
			return bad("claims need ids when there are claim_sets")
		}
		if q.ID != "" && (!validID(q.ID) || ids[q.ID]) {
			return bad("a claim's id is malformed or not unique")
		}
		ids[q.ID] = true
		if len(q.Values) > MaxValues || (q.Values != nil && len(q.Values) == 0) {
			return bad("values is empty or too long")
		}
		for _, v := range q.Values {
			if !validValue(v) {
				return bad("values holds something other than strings, integers and booleans")
			}
		}
		for _, other := range c.Claims[:i] {
			if other.Path.Equal(q.Path) && slices.EqualFunc(other.Values, q.Values, claims.Equal) {
				return bad("the same claim is asked for twice")
			}
		}
	}
	return nil
}

func validRefs(ids []string, known func(string) bool) error {
	if len(ids) == 0 || len(ids) > MaxClaims {
		return errEmptyOption
	}
	for _, id := range ids {
		if !known(id) {
			return errUnknownID
		}
	}
	return nil
}

var (
	errEmptyOption = invalid("an option is empty or too long")
	errUnknownID   = invalid("an option names an id that is not there")
)

// validID checks the character set of ids (§6.1, §6.3).
func validID(id string) bool {
	for i := range len(id) {
		c := id[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return id != "" && len(id) <= MaxID
}

func validValue(v any) bool {
	switch v := v.(type) {
	case string, bool, int, int64:
		return true
	case json.Number:
		return integer(v)
	}
	return false
}
