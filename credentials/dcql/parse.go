package dcql

import (
	"encoding/json"

	"facet/credentials/claims"
	"facet/credentials/jose"
)

// Parse reads a query strictly: one JSON object without duplicate members,
// every known member of the right type; unknown members are ignored, as §6
// demands. The result has passed Validate.
func Parse(b []byte) (*Query, error) {
	o, err := jose.ParseObject(b, jose.Limits{MaxSize: MaxSize, MaxDepth: MaxDepth})
	if err != nil {
		return nil, err
	}
	return FromMap(o)
}

// FromMap is Parse for an object that jose.ParseObject has read already, such
// as the dcql_query member of a request object.
func FromMap(o map[string]any) (*Query, error) {
	r := &reader{}
	q := &Query{}
	for _, c := range r.objects(o, "credentials") {
		q.Credentials = append(q.Credentials, r.credential(c))
	}
	for _, s := range r.objects(o, "credential_sets") {
		q.CredentialSets = append(q.CredentialSets, CredentialSet{
			Options: r.stringLists(s, "options"), Required: r.boolean(s, "required"),
		})
	}
	if r.err != nil {
		return nil, r.err
	}
	if err := q.Validate(); err != nil {
		return nil, err
	}
	return q, nil
}

// A reader takes typed members out of decoded objects and keeps the first
// error. A member that is there must have the right type and, if it is an
// array, must not be empty: no array of the language may be (§6).
type reader struct{ err error }

func (r *reader) fail(name, want string) {
	if r.err == nil {
		r.err = invalid("%s is not %s", name, want)
	}
}

func (r *reader) credential(o map[string]any) CredentialQuery {
	c := CredentialQuery{
		ID:                   r.text(o, "id"),
		Format:               r.text(o, "format"),
		Multiple:             r.boolean(o, "multiple"),
		RequireHolderBinding: r.boolean(o, "require_cryptographic_holder_binding"),
		ClaimSets:            r.stringLists(o, "claim_sets"),
	}
	if meta, ok := o["meta"].(map[string]any); ok {
		c.Meta = Meta{
			VCTValues:    r.texts(meta, "vct_values"),
			DoctypeValue: r.text(meta, "doctype_value"),
			TypeValues:   r.stringLists(meta, "type_values"),
		}
	} else {
		r.fail("meta", "an object")
	}
	for _, a := range r.objects(o, "trusted_authorities") {
		c.TrustedAuthorities = append(c.TrustedAuthorities,
			TrustedAuthority{Type: r.text(a, "type"), Values: r.texts(a, "values")})
	}
	for _, q := range r.objects(o, "claims") {
		c.Claims = append(c.Claims, r.claim(q))
	}
	return c
}

func (r *reader) claim(o map[string]any) ClaimQuery {
	c := ClaimQuery{ID: r.text(o, "id")}
	var err error
	if c.Path, err = claims.NewPath(r.array(o, "path")); err != nil {
		r.fail("path", "a claims path")
	}
	c.Values = append(c.Values, r.array(o, "values")...)
	return c
}

func (r *reader) array(o map[string]any, name string) []any {
	v, ok := o[name]
	if !ok {
		return nil
	}
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		r.fail(name, "an array with something in it")
	}
	return list
}

func (r *reader) objects(o map[string]any, name string) []map[string]any {
	var out []map[string]any
	for _, e := range r.array(o, name) {
		m, ok := e.(map[string]any)
		if !ok {
			r.fail(name, "an array of objects")
		}
		out = append(out, m)
	}
	return out
}

func (r *reader) texts(o map[string]any, name string) []string {
	return r.strings(name, r.array(o, name))
}

func (r *reader) strings(name string, list []any) []string {
	var out []string
	for _, e := range list {
		s, ok := e.(string)
		if !ok || s == "" {
			r.fail(name, "an array of strings")
		}
		out = append(out, s)
	}
	return out
}

func (r *reader) stringLists(o map[string]any, name string) [][]string {
	var out [][]string
	for _, e := range r.array(o, name) {
		list, ok := e.([]any)
		if !ok || len(list) == 0 {
			r.fail(name, "an array of arrays of strings")
		}
		out = append(out, r.strings(name, list))
	}
	return out
}

func (r *reader) text(o map[string]any, name string) string {
	v, ok := o[name]
	if !ok {
		return ""
	}
	s, ok := v.(string)
	if !ok || s == "" {
		r.fail(name, "a string with something in it")
	}
	return s
}

func (r *reader) boolean(o map[string]any, name string) *bool {
	v, ok := o[name]
	if !ok {
		return nil
	}
	b, ok := v.(bool)
	if !ok {
		r.fail(name, "true or false")
	}
	return &b
}

// integer reports whether n is a whole number as JSON writes one.
func integer(n json.Number) bool {
	s := n.String()
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && !(i == 0 && s[i] == '-') {
			return false
		}
	}
	return s != "" && s != "-"
}
