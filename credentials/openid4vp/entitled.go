package openid4vp

import (
	"context"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/dcql"
	"facet/credentials/jose"
)

// An Excess is something a request asks for that was not registered. It names
// claims and never holds a value.
type Excess struct {
	Query string
	Type  string
	Path  claims.Path // nil: no claim of this type was registered
}

func (e Excess) String() string {
	if e.Path == nil {
		return e.Type
	}
	return e.Type + " " + e.Path.String()
}

// Beyond lists what the query asks for beyond the registration; nil is what one
// wants to see.
func (r *Registration) Beyond(q *dcql.Query) []Excess {
	var out []Excess
	for i := range q.Credentials {
		out = append(out, r.beyond(&q.Credentials[i])...)
	}
	return out
}

// beyond looks at one credential query. Every type it would take must be
// registered, and every claim for each of them.
func (r *Registration) beyond(c *dcql.CredentialQuery) []Excess {
	types := c.Meta.VCTValues
	if c.Meta.DoctypeValue != "" {
		types = []string{c.Meta.DoctypeValue}
	}
	if len(types) == 0 {
		return []Excess{{Query: c.ID, Type: c.Format}} // any type at all
	}
	var out []Excess
	for _, t := range types {
		registered, found := r.claimsOf(c.Format, t)
		if !found {
			out = append(out, Excess{Query: c.ID, Type: t})
			continue
		}
		for _, asked := range c.Claims {
			if !slices.ContainsFunc(registered, func(q dcql.ClaimQuery) bool { return within(asked, q) }) {
				out = append(out, Excess{Query: c.ID, Type: t, Path: asked.Path})
			}
		}
	}
	return out
}

// claimsOf are the claims registered for one type, from all its entries.
func (r *Registration) claimsOf(format, t string) (out []dcql.ClaimQuery, found bool) {
	for _, c := range r.Credentials {
		if c.Format == format && slices.Contains(c.Types, t) {
			out, found = append(out, c.Claims...), true
		}
	}
	return out, found
}

// within reports whether a claim asked for is one that was registered: the same
// path, or one below it, and no other values than registered ones. All elements
// of a list are the list.
func within(asked, registered dcql.ClaimQuery) bool {
	for i, c := range registered.Path {
		if i >= len(asked.Path) {
			if c != nil {
				return false
			}
			continue
		}
		_, element := asked.Path[i].(int)
		if c != asked.Path[i] && !(c == nil && element) {
			return false
		}
	}
	if registered.Values == nil {
		return true
	}
	return asked.Values != nil && !slices.ContainsFunc(asked.Values, func(v any) bool {
		return !slices.ContainsFunc(registered.Values, func(w any) bool { return claims.Equal(v, w) })
	})
}

// Allows reports whether the certificate covers a closed purpose, or "" where a
// request has none. One that names none is not compared: its words are the
// registrar's own.
func (r *Registration) Allows(purpose string) bool {
	named := r.Purposes()
	return purpose == "" || len(named) == 0 || slices.Contains(named, purpose)
}

// The attributes of a subject that hold a semantic identifier (ETSI EN 319
// 412-1 §5.1.3, §5.1.4).
var (
	oidOrganizationIdentifier = asn1.ObjectIdentifier{2, 5, 4, 97}
	oidSerialNumber           = asn1.ObjectIdentifier{2, 5, 4, 5}
)

// IsFor reports whether the registration is for the client whose certificate
// chain x5c is: the certificate must hold the registered identifier (of the
// intermediary, if one acts; ETSI TS 119 475 GEN-5.1.1-04). One that holds no
// identifier is compared by the legal name, exactly. A DID client has no
// certificate: the registered identifier must be its DID.
func (r *Registration) IsFor(c ClientID, x5c []string) bool {
	id := r.Subject
	if r.Acting != "" {
		id = r.Acting
	}
	switch c.Prefix {
	case PrefixDID:
		return id == c.ID
	case PrefixX509Hash, PrefixX509SANDNS:
		leaf, err := leafOf(x5c)
		return err == nil && r.isOf(leaf, id)
	}
	return false
}

func (r *Registration) isOf(leaf *x509.Certificate, id string) bool {
	for _, oid := range []asn1.ObjectIdentifier{oidOrganizationIdentifier, oidSerialNumber} {
		for _, n := range leaf.Subject.Names {
			if held, ok := n.Value.(string); ok && n.Type.Equal(oid) {
				return held == id
			}
		}
	}
	return r.Acting == "" && r.LegalName != "" && slices.Contains(leaf.Subject.Organization, r.LegalName)
}

// An OveraskingError says what a request asks for beyond its registration.
// Reason overasking.
type OveraskingError struct {
	Beyond  []Excess
	Purpose string // a closed purpose that was not registered; "" if it was
}

func (e *OveraskingError) Error() string {
	var parts []string
	for _, b := range e.Beyond {
		parts = append(parts, b.String())
	}
	if e.Purpose != "" {
		parts = append(parts, "the purpose "+e.Purpose)
	}
	return fmt.Sprintf("openid4vp: overasking: not registered: %s", strings.Join(parts, "; "))
}

// Reason returns the stable code of the refusal.
func (e *OveraskingError) Reason() string { return "overasking" }

// Covers compares a request with the registration: what it asks for, and its
// closed purpose, "" if it has none. The error is an *OveraskingError.
func (r *Registration) Covers(q *dcql.Query, purpose string) error {
	e := &OveraskingError{Beyond: r.Beyond(q)}
	if !r.Allows(purpose) {
		e.Purpose = purpose
	}
	if len(e.Beyond) == 0 && e.Purpose == "" {
		return nil
	}
	return e
}

// Registered is what registrars say about a request.
type Registered struct {
	By      []*VerifiedRegistration // those for the request's purpose first
	Beyond  []Excess
	Purpose string // the closed purpose of the request, if no certificate covers it
}

// Stops reports whether a registrar wants a request beyond its registration
// stopped instead of shown.
func (r *Registered) Stops() bool {
	return slices.ContainsFunc(r.By, func(v *VerifiedRegistration) bool { return v.Registrar.StopsOverasking })
}

// Registrations verifies the registration certificates in verifier_info (§5.11)
// and compares the query with them, and its closed purpose, "" if it has none. A
// certificate for another purpose covers nothing: who may ask for one thing to
// one end, and for another to another, may not ask for both to either.
//
// A certificate nobody vouches for, one in another form and one that has ended
// count as if they had not been sent: then, and if there is none, the result is
// nil. One that is forged, or somebody else's, is refused. Reasons:
// registration_invalid, registration_mismatch.
func (r *Request) Registrations(ctx context.Context, by credentials.Registrars, purpose string) (*Registered, error) {
	var fit, others []*VerifiedRegistration
	about := map[*VerifiedRegistration][]string{}
	for _, info := range r.VerifierInfo {
		v, err := r.registration(ctx, info, by)
		switch {
		case err != nil:
			return nil, err
		case v == nil:
			continue
		case v.Allows(purpose):
			fit = append(fit, v)
		default:
			others = append(others, v)
		}
		about[v] = info.CredentialIDs
	}
	out, counting := &Registered{By: slices.Concat(fit, others)}, fit
	switch {
	case len(out.By) == 0:
		return nil, nil
	case len(fit) == 0: // said once, not of every claim again
		out.Purpose, counting = purpose, others
	}
	for i := range r.DCQL.Credentials {
		c := &r.DCQL.Credentials[i]
		elsewhere := func(v *VerifiedRegistration) bool { return len(about[v]) > 0 && !slices.Contains(about[v], c.ID) }
		out.Beyond = append(out.Beyond, leastBeyond(c, slices.DeleteFunc(slices.Clone(counting), elsewhere))...)
	}
	return out, nil
}

// leastBeyond compares one credential query with the certificates that say to be
// about it; the one that covers most counts.
func leastBeyond(c *dcql.CredentialQuery, by []*VerifiedRegistration) []Excess {
	if len(by) == 0 {
		return (&Registration{}).beyond(c)
	}
	least := by[0].beyond(c)
	for _, v := range by[1:] {
		if b := v.beyond(c); len(b) < len(least) {
			least = b
		}
	}
	return least
}

// registration is nil for what does not count.
func (r *Request) registration(ctx context.Context, info VerifierInfo, by credentials.Registrars) (*VerifiedRegistration, error) {
	if info.Format != RegistrationFormat || by == nil || r.key == nil {
		return nil, nil
	}
	compact := info.Data
	if !strings.Contains(compact, ".") { // some send it encoded once more
		raw, err := jose.DecodeBase64URL(compact)
		if err != nil {
			return nil, nil
		}
		compact = string(raw)
	}
	u, err := ParseRegistration(compact)
	if err != nil {
		return nil, nil // of no form that is known here
	}
	v, err := u.Verify(ctx, by, r.now)
	switch {
	case err != nil && reasonOf(err, "") == "registration_invalid":
		return nil, err
	case err != nil:
		return nil, nil
	case !v.IsFor(r.Client, r.x5c):
		return nil, refuse("registration_mismatch", "the registration certificate is for somebody else")
	}
	return v, nil
}
