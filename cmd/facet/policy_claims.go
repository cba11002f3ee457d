package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"facet/credentials/claims"
	"facet/policy"
	"facet/schemas"
)

// claimsOf reads "member.tier=plus" arguments into claims by the policy's
// credential names. Only claims the policy reads may be given.
func claimsOf(c *policy.Compiled, given []string) (map[string]claims.Set, error) {
	out := map[string]claims.Set{}
	for name := range c.Policy.Credentials {
		out[name] = claims.Set{}
	}
	for _, arg := range given {
		name, text, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, fmt.Errorf("%w: %q is not claim=value", errUsage, arg)
		}
		found := false
		for i := range c.Policy.Hints {
			for _, ref := range c.Policy.Hints[i].Refs() {
				if ref.String() == name {
					found = true
					if err := out[ref.Credential].Assign(ref.Path, claimValue(ref.Path, text)); err != nil {
						return nil, err
					}
				}
			}
		}
		if !found {
			return nil, fmt.Errorf("%w: the policy does not read %s", errUsage, name)
		}
	}
	return out, nil
}

// claimValue reads a value the way its claim is kept.
func claimValue(path claims.Path, text string) any {
	switch schemas.ClaimKind(path) {
	case schemas.KindList, schemas.KindTopics, schemas.KindLanguages:
		list := []any{}
		for _, v := range strings.Split(text, ",") {
			list = append(list, v)
		}
		return list
	case schemas.KindNumber:
		return json.Number(text)
	case schemas.KindFlag:
		return text == "true"
	}
	return text
}
