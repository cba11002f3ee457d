package mutation

const (
	inKeyBinding = "credentials/sdjwt/keybinding.go"
	inSatisfied  = "credentials/dcql/satisfied.go"
	inGuard      = "fetch/transport_native.go"
	inURL        = "fetch/url.go"
	inFinish     = "verifier/finish.go"
	inResult     = "verifier/result.go"
	inFetch      = "fetch/fetch.go"

	answersRefused = "verifier.TestAnswersRefused"
	resultReaders  = "verifier.TestResultReaders"
)

// presentMutations take what a verifier checks of a presentation away and let
// the verifier's own test notice, whole exchanges away from the check.
var presentMutations = []mutation{
	{ids("PRES-001"), answersRefused, []edit{never(inKeyBinding, `v.sd.keyBinding == ""`)}},
	{ids("PRES-003"), answersRefused, []edit{never(inKeyBinding, "!ok || !equal(nonce, r.Nonce)")}},
	{ids("PRES-004 PRES-005"), answersRefused, []edit{never(inKeyBinding, "!equal(aud, r.Audience)")}},
	{ids("PRES-006"), answersRefused, []edit{{inKeyBinding, "if !ok {\n\t\treturn fail(\"kb_aud_type\"", "if !ok && false {\n\t\treturn fail(\"kb_aud_type\""}}},
	{ids("PRES-007 PRES-008"), answersRefused, []edit{{inKeyBinding, "token.Verify(key)\n\tif err != nil {", "token.Verify(key)\n\tif token.Header().JWK != nil {\n\t\tkey = token.Header().JWK\n\t}\n\tif verified, err = token.Verify(key); err != nil && false {"}}},
	{ids("PRES-009 PRES-010"), answersRefused, []edit{never(inKeyBinding, "!ok || !equal(sum, digest(v.hash, v.sd.signed))")}},
	{ids("PRES-011"), answersRefused, []edit{{inKeyBinding, "case !present:", "case false:"}}},
	{ids("PRES-013"), answersRefused, []edit{{inKeyBinding, "case iat.Before(r.NotBefore) || iat.After(r.NotAfter):", "case iat.IsZero():"}}},
	{ids("PRES-014"), answersRefused, []edit{never(inKeyBinding, "present && !now.Before(exp.Add(r.Leeway))")}},
	{ids("PRES-015"), answersRefused, []edit{{inKeyBinding, `return nil, fail("kb_cnf_missing", "the credential is not bound to a key")`, "return v.sd.issuer.Header().JWK, nil"}}},
	{ids("PRES-016"), answersRefused, []edit{{inKey, `return nil, refuse("jwk_private", "a private member in a public key")`, "continue"}}},
	{ids("PRES-023"), answersRefused, []edit{
		{inSatisfied, "case c == nil:", "case c == nil && len(list) == 0:"}, {inFinish, "asked := e.tx.policy.Queries[id]; !asked {", "asked := e.tx.policy.Queries[id]; false && !asked {"}}},
	{ids("PRES-025"), answersRefused, []edit{
		{inSatisfied, "case len(list) > 1 && !c.MayRepeat():", "case false:"}, never(inFinish, "len(list) != 1")}},
	{ids("PRES-026"), answersRefused, []edit{{inSatisfied, "case ClaimAbsent:", `case "":`}}},
	{ids("PRES-027"), answersRefused, []edit{{inSatisfied, "case ValueMismatch:", `case "-":`}}},
	{ids("PRES-029"), answersRefused, []edit{{"credentials/trust.go", `return nil, untrusted(err, "issuer_untrusted", "no issuer's anchor signed this chain")`,
		`key, _ := jose.LeafKey(q.X5C)
		return &Issuer{Key: key, ID: "anyone", Name: "Anyone", Mechanism: "x5c"}, nil`}}},
}

// sessionMutations are about whose result it is and how often.
var sessionMutations = []mutation{
	{ids("PRES-020"), answersRefused, []edit{never(inFinish, "subtle.ConstantTimeCompare([]byte(got), []byte(t.WireState)) != 1")}},
	{ids("PRES-021"), answersRefused, []edit{{inFinish, "case e.post.Encrypted == \"\":", "case e.post.Encrypted == \"\":\n\t\te.answer = &openid4vp.Response{VPToken: e.post.VPToken, State: e.post.State}\n\t\treturn nil\n\tcase false:"}}},
	{ids("PRES-036"), "verifier.TestAnswerForms", []edit{never(inFinish, "!v.cfg.Now().Before(e.tx.expires())")}},
	{ids("SES-001"), resultReaders, []edit{{inResult, `case r.ResponseCode == "":`, "case false:"}}},
	{ids("SES-002"), resultReaders, []edit{{inResult, "case subtle.ConstantTimeCompare([]byte(r.ResponseCode), []byte(t.Code)) != 1:", "case false:"}}},
	{ids("SES-003"), resultReaders, []edit{{inResult, "if t.ReadAt == 0 {", "if true {"}}},
	{ids("SES-009"), resultReaders, []edit{{"verifier/transaction.go", "t.Platform != platformID || t.policy == nil", "t.policy == nil"}}},
	{ids("SES-007"), resultReaders, []edit{never("verifier/server/platform.go", `site != "" && site != "none"`)}},
}

var fetchMutations = []mutation{
	{ids("SSRF-002 SSRF-003 SSRF-004 SSRF-005 SSRF-006 SSRF-007 SSRF-008 SSRF-010 SSRF-011 SSRF-012 SSRF-013 SSRF-014 SSRF-015"),
		"fetch.TestHostileAddresses", []edit{{inGuard, "case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrInvalidHostPort):\n\t\treturn refuse(ReasonBlocked, \"address is not public\", err)",
			"case err != nil:\n\t\treturn nil"}}},
	{ids("SSRF-020"), "fetch.TestGuardedNames", []edit{
		{inGuard, "err := guardError(g.safe(\"tcp\"+family(a), net.JoinHostPort(a.String(), port), nil)); err != nil {", "err := error(nil); err != nil || !a.IsValid() {"},
		{inGuard, "return nil, guardError(err)\n}\n\nfunc (g *guard) lookup", "return nil, err\n}\n\nfunc (g *guard) lookup"}}},
	{ids("SSRF-021"), "fetch.TestGuardedNames", []edit{
		{inGuard, "err := guardError(g.safe(\"tcp\"+family(a), net.JoinHostPort(a.String(), port), nil)); err != nil {", "err := error(nil); err != nil || !a.IsValid() {"}}},
	{ids("SSRF-022"), "fetch.TestURLs", []edit{never(inURL, `last == "" || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(strings.ToLower(last), "0x")`)}},
	{ids("SSRF-025"), "fetch.TestURLs", []edit{never(inURL, `u.Port() != "" && u.Port() != "443" || strings.HasSuffix(u.Host, ":")`)}},
	{ids("SSRF-023"), "fetch.TestRedirects", []edit{{inFetch, "hops--; hops < 0 || r.Method", "hops--; false && hops < 0 || r.Method"}}},
	{ids("SSRF-027"), "fetch.TestLimits", []edit{{inFetch, "r.MaxBytes = DefaultMaxBytes", "r.MaxBytes = 1 << 40"}}},
}
