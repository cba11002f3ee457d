package main

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"facet/credentials/dcql"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/credentials/statuslist"
)

// lookJWT shows any compact JWT.
func (in *inspection) lookJWT(text string) *view {
	typ, err := typeOf(text)
	if err != nil {
		return malformed("not a token, query, offer or receipt", err)
	}
	t, err := jose.Parse(text, jose.Rule{
		Typ: []string{typ}, Algs: []string{jose.ES256, jose.ES384, jose.EdDSA}, MaxSize: maxInspect,
		AllowJWK: true, AllowX5C: true, AllowJWT: true,
	})
	kind := map[string]string{
		"oauth-authz-req+jwt": "Request object", statuslist.TokenType: "Status list token",
		"kb+jwt": "Key binding JWT", "openid4vci-proof+jwt": "Key proof",
		openid4vp.RegistrationType: "Registration certificate", "facet-policy-offer+jwt": "Policy offer", "facet-holder-proof+jwt": "Holder proof", "facet-erasure+jwt": "Erasure receipt",
	}[typ]
	if kind == "" {
		kind = "JWT"
	}
	if err != nil {
		return malformed(kind, err)
	}
	v := &view{Kind: kind}
	if jwk := t.Header().JWK; jwk != nil && len(in.keys) == 0 {
		v.try("signature", t, jwk, "the key in its own header, which proves possession and nothing else")
	} else {
		in.checkSignature(v, "signature", t)
	}
	v.add("Header", header(t.Header()))
	v.add("Claims", t.UnverifiedClaims())
	if typ == openid4vp.RegistrationType {
		v.registration(text, in.now)
	}
	if typ == statuslist.TokenType {
		v.statusList(t)
		if err := statuslist.CheckTimes(t.UnverifiedClaims(), in.now); err != nil {
			v.refused("dates", err, "")
		}
	}
	if q, ok := t.UnverifiedClaims()["dcql_query"].(map[string]any); ok {
		v.query(q)
	}
	in.checkDates(v, t.UnverifiedClaims())
	return v
}

// typeOf reads the typ of a compact token's header.
func typeOf(text string) (string, error) {
	encoded, _, _ := strings.Cut(text, ".")
	raw, err := jose.DecodeBase64URL(encoded)
	if err != nil {
		return "", err
	}
	members, err := jose.ParseObject(raw, jose.Limits{})
	if err != nil {
		return "", err
	}
	typ, _ := members["typ"].(string)
	return typ, nil
}

// lookEncrypted shows all that can be seen of a JWE: its header.
func lookEncrypted(text string) *view {
	encoded, _, _ := strings.Cut(text, ".")
	raw, err := jose.DecodeBase64URL(encoded)
	if err != nil {
		return malformed("Encrypted token (JWE)", err)
	}
	members, err := jose.ParseObject(raw, jose.Limits{})
	if err != nil {
		return malformed("Encrypted token (JWE)", err)
	}
	v := &view{Kind: "Encrypted token (JWE)"}
	if err := jose.CheckEncrypted(text); err != nil {
		v.Problem = explain(err)
	}
	v.open("content", "only the holder of the private key can read it")
	v.add("Header", members)
	return v
}

func (v *view) statusList(t *jose.Token) {
	list, _ := t.UnverifiedClaims()["status_list"].(map[string]any)
	lst, _ := list["lst"].(string)
	bits := 0
	_, _ = fmt.Sscan(fmt.Sprint(list["bits"]), &bits)
	l, err := statuslist.Decode(statuslist.Encoded{Bits: bits, List: lst})
	if err != nil {
		v.Problem = explain(err)
		return
	}
	counts := map[statuslist.Status]int{}
	for i := range l.Len() {
		s, _ := l.Get(i)
		counts[s]++
	}
	out := map[string]any{"entries": l.Len(), "bits each": bits}
	for s, n := range counts {
		name := map[statuslist.Status]string{0: "valid", 1: "invalid", 2: "suspended"}[s]
		if name == "" {
			name = fmt.Sprintf("status %d", s)
		}
		out[name] = n
	}
	v.add("Status list", out)
}

// registration says who may ask for what.
func (v *view) registration(text string, now time.Time) {
	u, err := openid4vp.ParseRegistration(text)
	if err != nil {
		v.Problem = explain(err)
		return
	}
	reg := u.Unverified()
	if err := reg.CheckTimes(now); err != nil {
		v.refused("dates", err, "")
	}
	allowed := map[string]any{"who": strings.TrimSpace(reg.Subject + " " + reg.Name)}
	if purposes := reg.Purposes(); purposes != nil {
		allowed["purposes"] = strings.Join(purposes, " ")
	} else {
		allowed["purposes"] = "in the registrar's words only; nothing compares them with a policy's"
	}
	for i, c := range reg.Credentials {
		var paths []any
		for _, claim := range c.Claims {
			s := claim.Path.String()
			if claim.Values != nil {
				s += fmt.Sprintf(" one of %v", claim.Values)
			}
			paths = append(paths, s)
		}
		if paths == nil {
			paths = []any{"none: only what is never hidden"}
		}
		allowed[fmt.Sprintf("%d. %s %s", i+1, c.Format, strings.Join(c.Types, " "))] = paths
	}
	v.add("What it allows", allowed)
}

func (v *view) query(o map[string]any) {
	q, err := dcql.FromMap(o)
	if err != nil {
		v.Problem = explain(err)
		return
	}
	v.add("What it asks for", queryTree(q))
}

// queryTree says a query in words.
func queryTree(q *dcql.Query) map[string]any {
	out := map[string]any{}
	for i := range q.Credentials {
		c := &q.Credentials[i]
		one := map[string]any{"type": strings.Join(append(c.Meta.VCTValues, c.Meta.DoctypeValue), " "), "format": c.Format}
		var paths []any
		for _, claim := range c.Claims {
			s := claim.Path.String()
			if claim.Values != nil {
				s += fmt.Sprintf(" one of %v", claim.Values)
			}
			paths = append(paths, s)
		}
		if paths == nil {
			one["claims"] = "none: only what is never hidden"
		} else {
			one["claims"] = paths
		}
		if !c.NeedsHolderBinding() {
			one["key binding"] = "not wanted"
		}
		out[c.ID] = one
	}
	var sets []any
	for _, s := range q.CredentialSets {
		word := "optional"
		if s.IsRequired() {
			word = "required"
		}
		var options []string
		for _, o := range s.Options {
			options = append(options, strings.Join(o, " and "))
		}
		sets = append(sets, word+": "+strings.Join(options, ", or "))
	}
	if sets != nil {
		out["(sets)"] = sets
	}
	return out
}

// checkDates says in words how exp, nbf and iat relate to now.
func (in *inspection) checkDates(v *view, claims map[string]any) {
	var parts []string
	for _, name := range []string{"iat", "nbf", "exp"} {
		at, present, err := jose.NumericDate(claims, name)
		if err != nil {
			v.refused("dates", err, "It is "+name+".")
			return
		}
		if present {
			parts = append(parts, name+" "+at.UTC().Format(time.RFC3339))
		}
		if name == "exp" && present && !in.now.Before(at) {
			parts[len(parts)-1] += " (over)"
		}
		if name == "nbf" && present && in.now.Before(at) {
			parts[len(parts)-1] += " (not yet)"
		}
	}
	if parts != nil {
		v.add("Dates", strings.Join(parts, " · "))
	}
}

// certificates says what a chain claims, leaf first.
func certificates(x5c []string) []any {
	var out []any
	for _, encoded := range x5c {
		der, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			out = append(out, "not base64")
			continue
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			out = append(out, "not a certificate")
			continue
		}
		out = append(out, fmt.Sprintf("%s, issued by %s, until %s, names %s",
			c.Subject, c.Issuer, c.NotAfter.UTC().Format(time.DateOnly), strings.Join(c.DNSNames, " ")))
	}
	return out
}
