package openid4vp

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/dcql"
	"facet/credentials/jose"
	"facet/schemas"
)

// A registration certificate says what a verifier registered to ask for: the
// format of its entry in verifier_info (ETSI TS 119 472-2) and the typ of its
// token (ETSI TS 119 475 §5.2.2).
const (
	RegistrationFormat = "registration_cert"
	RegistrationType   = "rc-wrp+jwt"
)

// Limits of a registration certificate.
const (
	MaxRegistration          = 16 << 10 // bytes of the token
	MaxRegistrationLife      = 366 * 24 * time.Hour
	MaxRegisteredCredentials = 32
	MaxRegisteredClaims      = 128 // in one credential
	maxRegisteredText        = 2048
)

// A Registration is one intended use as a registrar wrote it down (ETSI TS 119
// 475 §5.2.4): who asks, why, and for what.
type Registration struct {
	Subject     string // semantic identifier of who registered, such as NTRDE-HRB12345
	Name        string // trade name
	LegalName   string // of a legal person
	Acting      string // identifier of an intermediary that asks for Subject; "" if there is none
	IntendedUse string // the registrar's id of the use; may be ""
	Purpose     map[string]string
	Registry    string // where the register answers
	Credentials []RegisteredCredential
	IssuedAt    time.Time
	ExpiresAt   time.Time // a certificate without exp ends MaxRegistrationLife after iat
}

// A RegisteredCredential is a kind of credential that may be asked for. Without
// Claims nothing that is selectively disclosed may be (DCQL's reading of a query
// without claims, OpenID4VP §6.4.1).
type RegisteredCredential struct {
	Format string
	Types  []string // vct values, or the doctype
	Claims []dcql.ClaimQuery
}

// An UnverifiedRegistration came from anyone.
type UnverifiedRegistration struct {
	token *jose.Token
	read  Registration
}

// A VerifiedRegistration was signed by a registrar that is believed, and is
// valid now. Who it is for, and whether it covers a request, is still to be
// asked: IsFor, Beyond.
type VerifiedRegistration struct {
	Registration
	Registrar *credentials.Registrar
	verified  bool
}

// ParseRegistration reads a registration certificate as a JWT (ETSI TS 119 475
// §5.2): form and limits only. Reasons: registration_malformed and those of
// jose.Parse.
func ParseRegistration(compact string) (*UnverifiedRegistration, error) {
	token, err := jose.Parse(compact, jose.Rule{
		Typ: []string{RegistrationType}, Algs: []string{jose.ES256, jose.ES384, jose.EdDSA}, MaxSize: MaxRegistration, AllowX5C: true,
	})
	if err != nil {
		return nil, err
	}
	if len(token.Header().X5C) == 0 {
		return nil, refuse("registration_malformed", "the registration certificate says not who signed it (x5c)")
	}
	r := registrationReader{params: params{m: token.UnverifiedClaims()}}
	read := r.registration()
	if r.err != nil {
		return nil, &Error{Code: CodeInvalidRequest, reason: "registration_malformed", err: r.err}
	}
	return &UnverifiedRegistration{token, read}, nil
}

// Unverified is what it says, whoever wrote it.
func (u *UnverifiedRegistration) Unverified() Registration { return u.read }

// X5C is the chain of whoever says to have signed it.
func (u *UnverifiedRegistration) X5C() []string { return u.token.Header().X5C }

// CheckSignature verifies the signature with the key of the certificate's own
// chain, which may be anybody's. Reason registration_invalid.
func (u *UnverifiedRegistration) CheckSignature() error {
	key, err := jose.LeafKey(u.X5C())
	if err == nil {
		_, err = u.token.Verify(key)
	}
	if err != nil {
		return &Error{Code: CodeInvalidRequest, reason: "registration_invalid", err: err}
	}
	return nil
}

// CheckTimes says whether it is valid at a time. Reason registration_expired.
func (r *Registration) CheckTimes(now time.Time) error {
	switch {
	case r.IssuedAt.After(now.Add(Leeway)):
		return refuse("registration_expired", "the registration certificate is from the future")
	case now.After(r.ExpiresAt.Add(Leeway)):
		return refuse("registration_expired", "the registration certificate ended on %s", r.ExpiresAt.UTC().Format(time.DateOnly))
	}
	return nil
}

// Verify checks who signed and when. Whether the registrar has taken it back
// (its status list) is not looked up. Reasons: registrar_unknown,
// registration_invalid, registration_expired and jose's for chains.
func (u *UnverifiedRegistration) Verify(ctx context.Context, by credentials.Registrars, now time.Time) (*VerifiedRegistration, error) {
	if by == nil {
		return nil, refuse("registrar_unknown", "nobody says who registers verifiers")
	}
	registrar, err := by.Registrar(ctx, u.X5C(), now)
	if err != nil {
		return nil, &Error{Code: CodeInvalidRequest, reason: reasonOf(err, "registrar_unknown"), err: err}
	}
	if _, err := u.token.Verify(registrar.Key); err != nil {
		return nil, &Error{Code: CodeInvalidRequest, reason: "registration_invalid", err: err}
	}
	if err := u.read.CheckTimes(now); err != nil {
		return nil, err
	}
	return &VerifiedRegistration{Registration: u.read, Registrar: registrar, verified: true}, nil
}

// Purposes are the closed purposes the certificate names: by the id of its
// intended use, or in the words of their labels. There are none where the
// registrar used words of its own, which no machine compares.
func (r *Registration) Purposes() []string {
	var ids []string
	for _, p := range schemas.Purposes() {
		named := r.IntendedUse == p.ID
		for language, words := range r.Purpose {
			tag, _, _ := strings.Cut(language, "-")
			named = named || words == p.Label[strings.ToLower(tag)]
		}
		if named {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// A registrationReader reads the payload and keeps the first error.
type registrationReader struct{ params }

func (r *registrationReader) registration() Registration {
	out := Registration{
		Subject: r.text("sub", maxRegisteredText), Name: r.text("name", maxRegisteredText), LegalName: r.text("sub_ln", maxRegisteredText),
		IntendedUse: r.text("intended_use_id", maxRegisteredText), Registry: r.text("registry_uri", maxURI),
		IssuedAt: r.time("iat"), ExpiresAt: r.time("exp"),
	}
	latest := out.IssuedAt.Add(MaxRegistrationLife)
	switch {
	case out.Subject == "" || out.IssuedAt.IsZero():
		r.fail("sub or iat is missing")
	case out.ExpiresAt.IsZero():
		out.ExpiresAt = latest
	case !out.ExpiresAt.After(out.IssuedAt), out.ExpiresAt.After(latest):
		r.fail("exp is not within twelve months of iat") // GEN-5.2.4-08
	}
	if raw, present := r.m["entitlements"]; present {
		if list, ok := raw.([]any); !ok || len(list) == 0 {
			r.fail("entitlements is no list")
		}
	}
	if raw, present := r.m["intermediary"]; present {
		m, _ := raw.(map[string]any)
		inner := params{m: m}
		if out.Acting = inner.text("sub", maxRegisteredText); out.Acting == "" || inner.err != nil {
			r.fail("intermediary has no sub")
		}
	}
	out.Purpose = r.purpose()
	for _, m := range r.objects(r.m, "credentials", MaxRegisteredCredentials) {
		out.Credentials = append(out.Credentials, r.credential(m))
	}
	return out
}

func (r *registrationReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = refuse("registration_malformed", format, args...)
	}
}

// objects reads a list of objects that may be absent.
func (r *registrationReader) objects(m map[string]any, name string, most int) []map[string]any {
	raw, present := m[name]
	if !present {
		return nil
	}
	list, ok := raw.([]any)
	if !ok || len(list) == 0 || len(list) > most {
		r.fail("%s is no list of 1 to %d entries", name, most)
		return nil
	}
	out := make([]map[string]any, 0, len(list))
	for _, e := range list {
		o, ok := e.(map[string]any)
		if !ok {
			r.fail("an entry of %s is no object", name)
			return nil
		}
		out = append(out, o)
	}
	return out
}

// purpose reads texts by language (Annex B.2.6).
func (r *registrationReader) purpose() map[string]string {
	out := map[string]string{}
	for _, m := range r.objects(r.m, "purpose", 64) {
		inner := params{m: m}
		language, words := inner.text("lang", 35), inner.text("value", maxRegisteredText)
		if inner.err != nil || language == "" || words == "" {
			r.fail("an entry of purpose is no text in a language")
		}
		out[language] = words
	}
	return out
}

// credential reads one kind of credential (Annex B.2.9). The standard's tables
// call the list of claims claim; claims, as in a query, is taken as well.
func (r *registrationReader) credential(m map[string]any) RegisteredCredential {
	inner := params{m: m}
	out := RegisteredCredential{Format: inner.text("format", 64)}
	meta, ok := m["meta"].(map[string]any)
	if inner.err != nil || out.Format == "" || !ok {
		r.fail("a registered credential has no format or no meta")
		return out
	}
	out.Types = r.types(meta)
	name := "claim"
	if _, present := m["claims"]; present {
		if name = "claims"; m["claim"] != nil {
			r.fail("a registered credential lists its claims twice")
		}
	}
	for _, c := range r.objects(m, name, MaxRegisteredClaims) {
		out.Claims = append(out.Claims, r.claim(c))
	}
	return out
}

func (r *registrationReader) types(meta map[string]any) []string {
	if doctype, ok := meta["doctype_value"].(string); ok {
		return []string{doctype}
	}
	types, err := texts(meta["vct_values"])
	if err != nil {
		r.fail("vct_values is no list of types")
	}
	return types
}

func (r *registrationReader) claim(m map[string]any) dcql.ClaimQuery {
	list, _ := m["path"].([]any)
	components := slices.Clone(list)
	for i, c := range components {
		if n, ok := c.(json.Number); ok {
			index, err := n.Int64()
			if components[i] = int(index); err != nil || index < 0 || index > 1<<31 {
				r.fail("a registered claim's path is malformed")
			}
		}
	}
	path, err := claims.NewPath(components)
	if err != nil {
		r.fail("a registered claim's path is malformed")
	}
	q := dcql.ClaimQuery{Path: path}
	if raw, present := m["values"]; present {
		values, ok := raw.([]any)
		if q.Values = values; !ok || len(values) == 0 || len(values) > dcql.MaxValues {
			r.fail("the values of a registered claim are no list")
		}
	}
	return q
}
