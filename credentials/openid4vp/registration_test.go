package openid4vp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/dcql"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
)

// A register issues registration certificates, and is an authority for askers.
type register struct {
	t     *testing.T
	ca    *x509.Certificate
	caKey *ecdsa.PrivateKey
	key   *jose.PrivateKey
	x5c   []string
	trust *credentials.TrustList
}

const semanticID = "NTRDE-HRB12345"

var oidOrganizationIdentifier = asn1.ObjectIdentifier{2, 5, 4, 97}

func newRegister(t *testing.T, more map[string]any) *register {
	t.Helper()
	r := &register{t: t}
	var err error
	r.caKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "register"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &r.caKey.PublicKey, r.caKey)
	must(t, err)
	r.ca, err = x509.ParseCertificate(der)
	must(t, err)
	r.key, r.x5c = r.certify(pkix.Name{Organization: []string{"Medienregister"}})
	anchor := base64.StdEncoding.EncodeToString(der)
	entry := map[string]any{"id": "register", "name": "Medienregister", "anchor": anchor, "leaf": map[string]any{"organization": "Medienregister"}}
	maps.Copy(entry, more)
	list, err := json.Marshal(map[string]any{"version": 1, "name": "test", "issuers": []any{}, "registrars": []any{entry}, "verifiers": []any{
		map[string]any{"id": "news", "name": "Morgenblatt", "domain": "morgenblatt.example", "anchor": anchor},
		map[string]any{"id": "news-did", "name": "Morgenblatt", "domain": "morgenblatt.example", "did": "did:web:morgenblatt.example"},
	}})
	must(t, err)
	r.trust, err = credentials.ParseTrustList(list)
	must(t, err)
	return r
}

func (r *register) certify(subject pkix.Name) (*jose.PrivateKey, []string) {
	r.t.Helper()
	key, err := jose.GenerateKey()
	must(r.t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: subject, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{host},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, r.ca, key.Public().Crypto(), r.caKey)
	must(r.t, err)
	return key, []string{base64.StdEncoding.EncodeToString(der)}
}

// registration is a good payload: one membership claim, one preference.
func registration() map[string]any {
	return map[string]any{
		"name": "Morgenblatt", "sub": semanticID, "sub_ln": "Morgenblatt Verlag GmbH", "country": "DE", "registry_uri": "https://register.example/api",
		"entitlements": []any{"https://uri.etsi.org/19475/Entitlement/Service_Provider"},
		"iat":          now.Add(-time.Hour).Unix(), "exp": now.AddDate(0, 6, 0).Unix(),
		"purpose": []any{map[string]any{"lang": "en", "value": "Access with your subscription"}, map[string]any{"lang": "de", "value": "Zugang mit deinem Abo"}},
		"credentials": []any{
			map[string]any{"format": "dc+sd-jwt", "meta": map[string]any{"vct_values": []any{"urn:facet:media-membership:1"}},
				"claim": []any{map[string]any{"path": []any{"tier"}}, map[string]any{"path": []any{"entitlements", nil}}}},
		},
	}
}

func (r *register) sign(payload, header map[string]any) string {
	r.t.Helper()
	h := map[string]any{"typ": openid4vp.RegistrationType, "x5c": r.x5c, "iat": now.Unix()}
	for name, v := range header {
		if h[name] = v; v == nil {
			delete(h, name)
		}
	}
	b, err := json.Marshal(payload)
	must(r.t, err)
	out, err := jose.Sign(r.t.Context(), r.key, h, b)
	must(r.t, err)
	return out
}

func TestParseRegistration(t *testing.T) {
	r := newRegister(t, nil)
	u, err := openid4vp.ParseRegistration(r.sign(registration(), nil))
	must(t, err)
	got := u.Unverified()
	if got.Subject != semanticID || got.LegalName != "Morgenblatt Verlag GmbH" || got.Purpose["de"] != "Zugang mit deinem Abo" ||
		len(got.Credentials) != 1 || len(got.Credentials[0].Claims) != 2 || !got.Credentials[0].Claims[1].Path.Equal(claims.Path{"entitlements", nil}) {
		t.Errorf("%+v", got)
	}
	v, err := u.Verify(t.Context(), r.trust, now)
	if err != nil || v.Registrar.ID != "register" {
		t.Errorf("%v", err)
	}
	credential := func(change map[string]any) func(map[string]any) {
		return func(m map[string]any) {
			c := m["credentials"].([]any)[0].(map[string]any)
			maps.Copy(c, change)
		}
	}
	set := func(name string, v any) func(map[string]any) {
		return func(m map[string]any) {
			if m[name] = v; v == nil {
				delete(m, name)
			}
		}
	}
	for name, tt := range map[string]struct {
		header map[string]any
		twist  func(map[string]any)
		want   string
	}{
		"another typ":               {map[string]any{"typ": "JWT"}, nil, "jose_typ_unexpected"},
		"no chain":                  {map[string]any{"x5c": nil}, nil, "registration_malformed"},
		"no sub":                    {nil, set("sub", nil), "registration_malformed"},
		"sub a number":              {nil, set("sub", 1), "registration_malformed"},
		"no iat":                    {nil, set("iat", nil), "registration_malformed"},
		"ends before it begins":     {nil, set("exp", now.Add(-2*time.Hour).Unix()), "registration_malformed"},
		"lives two years":           {nil, set("exp", now.AddDate(2, 0, 0).Unix()), "registration_malformed"},
		"purpose a text":            {nil, set("purpose", "x"), "registration_malformed"},
		"purpose without language":  {nil, set("purpose", []any{map[string]any{"value": "x"}}), "registration_malformed"},
		"credentials a text":        {nil, set("credentials", "x"), "registration_malformed"},
		"credentials empty":         {nil, set("credentials", []any{}), "registration_malformed"},
		"entitlements empty":        {nil, set("entitlements", []any{}), "registration_malformed"},
		"an intermediary unnamed":   {nil, set("intermediary", map[string]any{}), "registration_malformed"},
		"a credential without meta": {nil, credential(map[string]any{"meta": nil}), "registration_malformed"},
		"a claim listed twice":      {nil, credential(map[string]any{"claims": []any{map[string]any{"path": []any{"a"}}}}), "registration_malformed"},
		"a path of nothing":         {nil, credential(map[string]any{"claim": []any{map[string]any{"path": []any{}}}}), "registration_malformed"},
		"a path with a fraction":    {nil, credential(map[string]any{"claim": []any{map[string]any{"path": []any{1.5}}}}), "registration_malformed"},
		"no values":                 {nil, credential(map[string]any{"claim": []any{map[string]any{"path": []any{"a"}, "values": []any{}}}}), "registration_malformed"},
		"too large":                 {nil, set("name", strings.Repeat("x", openid4vp.MaxRegistration)), "size_limit"},
		"claims spelled as in DCQL": {nil, func(m map[string]any) {
			credential(map[string]any{"claims": []any{map[string]any{"path": []any{"tier"}}}})(m)
			delete(m["credentials"].([]any)[0].(map[string]any), "claim")
		}, ""},
		"members nobody knows":      {nil, set("act", map[string]any{"sub": "x"}), ""},
		"without an end":            {nil, set("exp", nil), ""},
		"no credentials registered": {nil, set("credentials", nil), ""},
		"an index in a path":        {nil, credential(map[string]any{"claim": []any{map[string]any{"path": []any{"a", 0}}}}), ""},
		"a critical header (JAdES)": {map[string]any{"crit": []string{"sigT"}, "sigT": "x"}, nil, "jose_crit_unsupported"},
		"a key at another address":  {map[string]any{"x5u": "https://register.example"}, nil, "jose_remote_key_header"},
	} {
		t.Run(name, func(t *testing.T) {
			m := registration()
			if tt.twist != nil {
				tt.twist(m)
			}
			_, err := openid4vp.ParseRegistration(r.sign(m, tt.header))
			if tt.want != "" {
				wantReason(t, err, tt.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestVerifyRegistration(t *testing.T) {
	r, stranger := newRegister(t, nil), newRegister(t, nil)
	parse := func(text string) *openid4vp.UnverifiedRegistration {
		u, err := openid4vp.ParseRegistration(text)
		must(t, err)
		return u
	}
	good := r.sign(registration(), nil)
	forged := parse(r.sign(registration(), map[string]any{"x5c": stranger.x5c}))
	_, err := parse(good).Verify(t.Context(), stranger.trust, now)
	wantReason(t, err, "registrar_unknown")
	_, err = parse(good).Verify(t.Context(), nil, now)
	wantReason(t, err, "registrar_unknown")
	_, err = forged.Verify(t.Context(), stranger.trust, now)
	wantReason(t, err, "registration_invalid")
	wantReason(t, forged.CheckSignature(), "registration_invalid")
	if err := parse(good).CheckSignature(); err != nil {
		t.Error(err)
	}
	_, asker := r.certify(pkix.Name{Organization: []string{"Morgenblatt"}})
	_, err = parse(r.sign(registration(), map[string]any{"x5c": asker})).Verify(t.Context(), r.trust, now)
	wantReason(t, err, "registrar_unknown") // a verifier's own certificate registers nobody
	for name, change := range map[string]map[string]any{
		"ended": {"iat": now.AddDate(0, -7, 0).Unix(), "exp": now.Add(-2 * time.Minute).Unix()}, "from the future": {"iat": now.Add(time.Hour).Unix()},
	} {
		m := registration()
		maps.Copy(m, change)
		if _, err := parse(r.sign(m, nil)).Verify(t.Context(), r.trust, now); err == nil {
			t.Errorf("%s: accepted", name)
		} else {
			wantReason(t, err, "registration_expired")
		}
	}
	withRoot := append(append([]string{}, r.x5c...), base64.StdEncoding.EncodeToString(r.ca.Raw))
	if _, err := parse(r.sign(registration(), map[string]any{"x5c": withRoot})).Verify(t.Context(), r.trust, now); err != nil {
		t.Errorf("a chain with its root: %v", err)
	}
}

func TestRegistrationIsFor(t *testing.T) {
	r := newRegister(t, nil)
	named := func(id string) pkix.Name {
		return pkix.Name{Organization: []string{"Morgenblatt Verlag GmbH"}, ExtraNames: []pkix.AttributeTypeAndValue{{Type: oidOrganizationIdentifier, Value: id}}}
	}
	hash := openid4vp.ClientID{Prefix: openid4vp.PrefixX509Hash, ID: "x"}
	for name, tt := range map[string]struct {
		client  openid4vp.ClientID
		subject *pkix.Name
		acting  string
		want    bool
	}{
		"its identifier":               {hash, ptr(named(semanticID)), "", true},
		"another, same name":           {hash, ptr(named("NTRDE-HRB99999")), "", false},
		"by serial number":             {hash, &pkix.Name{SerialNumber: semanticID}, "", true},
		"by legal name":                {hash, &pkix.Name{Organization: []string{"Morgenblatt Verlag GmbH"}}, "", true},
		"another legal name":           {hash, &pkix.Name{Organization: []string{"Morgenblatt Verlag"}}, "", false},
		"the intermediary":             {hash, ptr(named("NTRDE-HRB777")), "NTRDE-HRB777", true},
		"not the one who sent it":      {hash, ptr(named(semanticID)), "NTRDE-HRB777", false},
		"an intermediary by name":      {hash, &pkix.Name{Organization: []string{"Morgenblatt Verlag GmbH"}}, "NTRDE-HRB777", false},
		"no certificate":               {hash, nil, "", false},
		"an address":                   {openid4vp.ClientID{Prefix: openid4vp.PrefixRedirectURI, ID: semanticID}, ptr(named(semanticID)), "", false},
		"a DID that is not registered": {openid4vp.ClientID{Prefix: openid4vp.PrefixDID, ID: "did:web:morgenblatt.example"}, nil, "", false},
		"the DID":                      {openid4vp.ClientID{Prefix: openid4vp.PrefixDID, ID: semanticID}, nil, "", true},
	} {
		m := registration()
		if tt.acting != "" {
			m["intermediary"] = map[string]any{"sub": tt.acting, "sname": "Vermittler"}
		}
		u, err := openid4vp.ParseRegistration(r.sign(m, nil))
		must(t, err)
		var x5c []string
		if tt.subject != nil {
			_, x5c = r.certify(*tt.subject)
		}
		got := u.Unverified()
		if got.IsFor(tt.client, x5c) != tt.want {
			t.Errorf("%s: want %v", name, tt.want)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func asks(vct string, paths ...claims.Path) *dcql.Query {
	c := dcql.CredentialQuery{ID: "q", Format: dcql.SDJWTVC, Meta: dcql.Meta{VCTValues: strings.Split(vct, " ")}}
	for _, p := range paths {
		c.Claims = append(c.Claims, dcql.ClaimQuery{Path: p})
	}
	return &dcql.Query{Credentials: []dcql.CredentialQuery{c}}
}

func TestBeyondRegistration(t *testing.T) {
	const member = "urn:facet:media-membership:1"
	reg := openid4vp.Registration{Credentials: []openid4vp.RegisteredCredential{
		{Format: dcql.SDJWTVC, Types: []string{member}, Claims: []dcql.ClaimQuery{
			{Path: claims.Path{"tier"}}, {Path: claims.Path{"entitlements", nil}}, {Path: claims.Path{"address"}}, {Path: claims.Path{"roles", nil, "name"}},
			{Path: claims.Path{"level"}, Values: []any{"plus", "basic"}},
		}},
		{Format: dcql.SDJWTVC, Types: []string{"urn:bare"}},
		{Format: "mso_mdoc", Types: []string{"org.iso.18013.5.1.mDL"}, Claims: []dcql.ClaimQuery{{Path: claims.Path{"tier"}}}},
	}}
	valued := asks(member, claims.Path{"level"})
	valued.Credentials[0].Claims[0].Values = []any{"plus"}
	wider := asks(member, claims.Path{"level"})
	wider.Credentials[0].Claims[0].Values = []any{"plus", "gold"}
	for name, tt := range map[string]struct {
		query *dcql.Query
		want  string
	}{
		"what is registered":              {asks(member, claims.Path{"tier"}, claims.Path{"entitlements", nil}), ""},
		"one element of a list":           {asks(member, claims.Path{"entitlements", 0}), ""},
		"part of an object":               {asks(member, claims.Path{"address", "street"}), ""},
		"some of the values":              {valued, ""},
		"no claim at all":                 {asks(member), ""},
		"a type without claims":           {asks("urn:bare"), ""},
		"another claim":                   {asks(member, claims.Path{"valid_until"}), member + ` ["valid_until"]`},
		"a member where a list was named": {asks(member, claims.Path{"entitlements", "name"}), member + ` ["entitlements","name"]`},
		"the whole list":                  {asks(member, claims.Path{"entitlements"}), ""},
		"of each element of a list":       {asks(member, claims.Path{"roles", 0, "name"}), ""},
		"more of each element":            {asks(member, claims.Path{"roles", nil}), member + ` ["roles",null]`},
		"more of a list":                  {asks(member, claims.Path{"roles"}), member + ` ["roles"]`},
		"another type":                    {asks("urn:facet:age:1", claims.Path{"tier"}), "urn:facet:age:1"},
		"another type beside it":          {asks(member+" urn:facet:age:1", claims.Path{"tier"}), "urn:facet:age:1"},
		"a claim of a bare type":          {asks("urn:bare", claims.Path{"tier"}), `urn:bare ["tier"]`},
		"any value":                       {asks(member, claims.Path{"level"}), member + ` ["level"]`},
		"another value":                   {wider, member + ` ["level"]`},
		"a type of another format":        {asks("org.iso.18013.5.1.mDL", claims.Path{"tier"}), "org.iso.18013.5.1.mDL"},
		"any type":                        {&dcql.Query{Credentials: []dcql.CredentialQuery{{ID: "q", Format: dcql.SDJWTVC}}}, "dc+sd-jwt"},
		"an mdoc by its doctype":          {&dcql.Query{Credentials: []dcql.CredentialQuery{{ID: "q", Format: "mso_mdoc", Meta: dcql.Meta{DoctypeValue: "org.iso.18013.5.1.mDL"}, Claims: []dcql.ClaimQuery{{Path: claims.Path{"tier"}}}}}}, ""},
		"a list where a text was named":   {asks(member, claims.Path{"tier", nil}), ""},
	} {
		var got []string
		for _, b := range reg.Beyond(tt.query) {
			got = append(got, b.String())
		}
		if strings.Join(got, "; ") != tt.want {
			t.Errorf("%s: beyond %q, want %q", name, got, tt.want)
		}
	}
}

func TestRegisteredPurposes(t *testing.T) {
	for name, tt := range map[string]struct {
		reg    openid4vp.Registration
		allows map[string]bool
	}{
		"by label":         {openid4vp.Registration{Purpose: map[string]string{"de-DE": "Zugang mit deinem Abo"}}, map[string]bool{"subscription": true, "age-gate": false}},
		"by id":            {openid4vp.Registration{IntendedUse: "age-gate"}, map[string]bool{"subscription": false, "age-gate": true}},
		"in its own words": {openid4vp.Registration{IntendedUse: "use-1", Purpose: map[string]string{"en": "News"}}, map[string]bool{"subscription": true, "age-gate": true}},
	} {
		for purpose, want := range tt.allows {
			if tt.reg.Allows(purpose) != want {
				t.Errorf("%s: %s, want %v", name, purpose, want)
			}
			err := tt.reg.Covers(&dcql.Query{}, purpose)
			var over *openid4vp.OveraskingError
			if (err == nil) != want || !want && (!errors.As(err, &over) || over.Purpose != purpose) {
				t.Errorf("%s: %s: %v", name, purpose, err)
			}
		}
	}
}

// TestRegistrationsOfRequest takes certificates through the wallet's door.
func TestRegistrationsOfRequest(t *testing.T) {
	r, stranger := newRegister(t, map[string]any{"overasking": "stop"}), newRegister(t, nil)
	key, x5c := r.certify(pkix.Name{Organization: []string{"Morgenblatt Verlag GmbH"}})
	a := &asker{key: key, x5c: x5c, trust: r.trust}
	foreign := registration()
	foreign["sub_ln"] = "Abendpost"
	ended := registration()
	ended["iat"], ended["exp"] = now.AddDate(0, -7, 0).Unix(), now.Add(-time.Hour).Unix()
	good, elsewhere := r.sign(registration(), nil), map[string]any{"format": openid4vp.RegistrationFormat, "data": r.sign(registration(), nil), "credential_ids": []any{"another"}}
	use := registration()
	delete(use, "purpose")
	use["intended_use_id"] = "age-gate"
	use["credentials"].([]any)[0].(map[string]any)["claim"] = []any{map[string]any{"path": []any{"level"}}}
	gate := r.sign(use, nil)
	entry := func(data string) any { return map[string]any{"format": openid4vp.RegistrationFormat, "data": data} }
	for name, tt := range map[string]struct {
		info    []any
		path    string
		by      int
		beyond  int
		want    string
		purpose string
	}{
		"registered":                  {[]any{entry(good)}, "tier", 1, 0, "", ""},
		"encoded once more":           {[]any{entry(base64.RawURLEncoding.EncodeToString([]byte(good)))}, "tier", 1, 0, "", ""},
		"beyond it":                   {[]any{entry(good)}, "valid_until", 1, 1, "", ""},
		"for another query":           {[]any{elsewhere}, "tier", 1, 1, "", ""},
		"two, one of which covers it": {[]any{elsewhere, entry(good)}, "tier", 2, 0, "", ""},
		"by a register nobody knows":  {[]any{entry(stranger.sign(registration(), nil))}, "valid_until", 0, 0, "", ""},
		"in a form nobody knows":      {[]any{entry("not a token"), map[string]any{"format": "registrar_dataset", "data": map[string]any{}}}, "valid_until", 0, 0, "", ""},
		"that has ended":              {[]any{entry(r.sign(ended, nil))}, "valid_until", 0, 0, "", ""},
		"somebody else's":             {[]any{entry(r.sign(foreign, nil))}, "tier", 0, 0, "registration_mismatch", ""},
		"forged":                      {[]any{entry(stranger.sign(registration(), map[string]any{"x5c": r.x5c}))}, "tier", 0, 0, "registration_invalid", ""},
		"ids that are no list":        {[]any{map[string]any{"format": "x", "data": "y", "credential_ids": "member"}}, "tier", 0, 0, "verifier_info_malformed", ""},
		"one of two is for this":      {[]any{entry(good), entry(gate)}, "tier", 2, 0, "", "subscription"},
		"the other is for this":       {[]any{entry(good), entry(gate)}, "level", 2, 0, "", "age-gate"},
		"covered for another purpose": {[]any{entry(good), entry(gate)}, "level", 2, 1, "", "subscription"},
		"all for other purposes":      {[]any{entry(gate)}, "level", 1, 0, "", "subscription"},
	} {
		t.Run(name, func(t *testing.T) {
			m := a.params(t, a.hash())
			m["verifier_info"] = tt.info
			m["dcql_query"].(map[string]any)["credentials"].([]any)[0].(map[string]any)["claims"] = []any{map[string]any{"path": []any{tt.path}}}
			req, err := a.read(t, m, nil, openid4vp.Expect{ClientID: a.hash()})
			var got *openid4vp.Registered
			if err == nil {
				got, err = req.Registrations(t.Context(), r.trust, tt.purpose)
			}
			if tt.want != "" {
				wantReason(t, err, tt.want)
				return
			}
			must(t, err)
			if (got != nil) != (tt.by > 0) {
				t.Fatalf("got %+v", got)
			}
			if got != nil && (len(got.By) != tt.by || len(got.Beyond) != tt.beyond || !got.Stops()) {
				t.Errorf("%d certificates, beyond %v", len(got.By), got.Beyond)
			}
			if got != nil && (got.Purpose != "") != strings.HasPrefix(name, "all for other") {
				t.Errorf("not registered: %q", got.Purpose)
			}
			if none, err := req.Registrations(t.Context(), nil, tt.purpose); none != nil || err != nil {
				t.Errorf("a wallet without registrars: %v, %v", none, err)
			}
		})
	}
}
