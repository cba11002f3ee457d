package mutation

const (
	inKeyBinding = "credentials/sdjwt/keybinding.go"
	inSatisfied  = "credentials/dcql/satisfied.go"
	inGuard      = "fetch/transport_native.go"
	inURL        = "fetch/url.go"
	inFetch      = "fetch/fetch.go"
	inResponse   = "credentials/openid4vp/response.go"
	inVerifier   = "verifier"        // any of its files
	inServer     = "verifier/server" // the same
	inPolicy     = "policy"

	// answered are all tests of what a verifier answers, so that a mutation
	// shows which of them notice it.
	answered = "verifier.Test(AnswersRefused|AnswerOnce|AnswerForms|ResultReaders|RequestObject)"
	texts    = "policy.TestPolicyTexts"
	fetched  = "fetch.Test(HostileAddresses|GuardedNames|URLs|Redirects|Limits)"
)

// presentMutations take what a verifier checks of a presentation away and let
// the verifier's own test notice, whole exchanges away from the check.
var presentMutations = []mutation{
	{ids("PRES-001"), answered, []edit{never(inKeyBinding, `v.sd.keyBinding == ""`)}},
	{ids("PRES-003"), answered, []edit{never(inKeyBinding, "!ok || !equal(nonce, r.Nonce)")}},
	{ids("PRES-004 PRES-005"), answered, []edit{never(inKeyBinding, "!equal(aud, r.Audience)")}},
	{ids("PRES-006"), answered, []edit{{inKeyBinding, "if !ok {\n\t\treturn fail(\"kb_aud_type\"", "if !ok && false {\n\t\treturn fail(\"kb_aud_type\""}}},
	{ids("PRES-007 PRES-008"), answered, []edit{{inKeyBinding, "token.Verify(key)\n\tif err != nil {", "token.Verify(key)\n\tif token.Header().JWK != nil {\n\t\tkey = token.Header().JWK\n\t}\n\tif verified, err = token.Verify(key); err != nil && false {"}}},
	{ids("PRES-009 PRES-010"), answered, []edit{never(inKeyBinding, "!ok || !equal(sum, digest(v.hash, v.sd.signed))")}},
	{ids("PRES-011"), answered, []edit{{inKeyBinding, "case !present:", "case false:"}}},
	{ids("PRES-013"), answered, []edit{{inKeyBinding, "case iat.Before(r.NotBefore) || iat.After(r.NotAfter):", "case iat.IsZero():"}}},
	{ids("PRES-014"), answered, []edit{never(inKeyBinding, "present && !now.Before(exp.Add(r.Leeway))")}},
	{ids("PRES-015"), answered, []edit{{inKeyBinding, `return nil, fail("kb_cnf_missing", "the credential is not bound to a key")`, "return v.sd.issuer.Header().JWK, nil"}}},
	{ids("PRES-016"), answered, []edit{{inKey, `return nil, refuse("jwk_private", "a private member in a public key")`, "continue"}}},
	{ids("PRES-023"), answered, []edit{
		{inSatisfied, "case c == nil:", "case c == nil && len(list) == 0:"}, {inVerifier, "asked := e.tx.policy.Queries[id]; !asked {", "asked := e.tx.policy.Queries[id]; false && !asked {"}}},
	{ids("PRES-025"), answered, []edit{
		{inSatisfied, "case len(list) > 1 && !c.MayRepeat():", "case false:"}, never(inVerifier, "len(list) != 1")}},
	{ids("PRES-026"), answered, []edit{{inSatisfied, "case ClaimAbsent:", `case "-":`}}},
	{ids("PRES-027"), answered, []edit{{inSatisfied, "case ValueMismatch:", `case "-":`}}},
	{ids("PRES-029"), answered, []edit{{"credentials/trust.go", `return nil, untrusted(err, "issuer_untrusted", "no issuer's anchor signed this chain")`,
		`key, _ := jose.LeafKey(q.X5C)
		return &Issuer{Key: key, ID: "anyone", Name: "Anyone", Mechanism: "x5c"}, nil`}}},
}

// sessionMutations are about whose result it is and how often.
var sessionMutations = []mutation{
	{ids("PRES-017 PRES-018"), answered, []edit{ // only the first answer is told where to go on, whoever asks and however they got here
		{inVerifier, "e.resumes = !e.tx.Answered && bytes.Equal(", "e.resumes = bytes.Equal("}, {inVerifier, "if t.Answered || !slices", "if !slices"}}},
	{ids("PRES-018"), answered, []edit{{inVerifier, "if t.Answered || !slices", "if !slices"}}},
	{ids("PRES-020"), answered, []edit{never(inVerifier, "subtle.ConstantTimeCompare([]byte(got), []byte(t.WireState)) != 1")}},
	{ids("PRES-021"), answered, []edit{{inVerifier, "case e.post.Encrypted == \"\":", "case e.post.Encrypted == \"\":\n\t\te.answer = &openid4vp.Response{VPToken: e.post.VPToken, State: e.post.State}\n\t\treturn nil\n\tcase false:"}}},
	{ids("PRES-022"), answered, []edit{never(inResponse, "there && enc != EncA128GCM && enc != EncA256GCM")}},
	{ids("PRES-022"), answered, []edit{never("credentials/jose/jwe.go", `members["alg"] != "ECDH-ES"`)}},
	{ids("PRES-028"), answered, []edit{{inSatisfied, "Project(set, wanted))", "set)"}}},
	{ids("PRES-028"), answered, []edit{{inVerifier, "next.Surplus += len(surplus)", "_ = surplus"}}},
	{ids("PRES-031"), answered, []edit{never("credentials/openid4vp/authorize.go", "len(values) > 1")}},
	{ids("PRES-031"), answered, []edit{{inResponse, "case kinds > 1:", "case false:"}}},
	{ids("PRES-032"), answered, []edit{never(inResponse, `err != nil || media != "application/x-www-form-urlencoded"`)}},
	{ids("PRES-034"), answered, []edit{{inResponse, "c == '<' || c == '>' || ", ""}}},
	{ids("PRES-034"), answered, []edit{{inResponse, "i < len(s) && len(out) < MaxErrorText", "i < len(s)"}}},
	{ids("PRES-036"), answered, []edit{never(inVerifier, "!v.cfg.Now().Before(e.tx.expires())")}},
	{ids("SES-001"), answered, []edit{{inVerifier, `case r.ResponseCode == "":`, "case false:"}}},
	{ids("SES-002"), answered, []edit{{inVerifier, "case subtle.ConstantTimeCompare([]byte(r.ResponseCode), []byte(t.Code)) != 1:", "case false:"}}},
	{ids("SES-003"), answered, []edit{{inVerifier, "if t.ReadAt == 0 {", "if true {"}}},
	{ids("SES-005"), answered, []edit{{inVerifier, `"facet/verifier/v1/id/"+string(p)`, `"facet/verifier/v1/id/"`}}},
	{ids("SES-005"), answered, []edit{{inVerifier, "n.blocks[p].Encrypt(b, b)", ""}, {inVerifier, "n.blocks[p].Decrypt(b, b)", ""}}},
	{ids("SES-006"), answered, []edit{never(inServer, "spent != nil")}},
	{ids("SES-009"), answered, []edit{{inVerifier, "t.Platform != platformID || t.policy == nil", "t.policy == nil"}}},
	{ids("SES-007"), answered, []edit{never(inServer, `site != "" && site != "none"`)}},
	{ids("SES-011"), texts, []edit{{inPolicy, `} else if p.Purpose == "" {`, "} else if false {"}}},
	{ids("SES-011"), texts, []edit{{inPolicy, "case utf8.RuneCountInString(s) > MaxText:", "case false:"}}},
	{ids("SES-011"), texts, []edit{{inPolicy, "r >= 0x2028 && r <= 0x202e,", "false,"}}},
	{ids("SES-011"), texts, []edit{{inPolicy, "r >= 0x2060 && r <= 0x206f,", "false,"}}},
	{ids("SES-011"), texts, []edit{{inPolicy, "r >= 0x200b && r <= 0x200f,", "false,"}}},
	// Two rows are about what must be served: here the mutation refuses it.
	{ids("SES-012"), answered, []edit{{inVerifier, "\"wallet_nonce is too long\")\n\t}", "\"wallet_nonce is too long\")\n\t}\n\tif walletNonce != \"\" && t.Fetched {\n\t\treturn \"\", fail(ReasonUsed, \"fetched before\")\n\t}"}}},
	{ids("SES-012 SES-013"), answered, []edit{{inVerifier, "r.WalletNonce = walletNonce", ""}}},
	{ids("SES-015"), answered, []edit{{inServer, `e.Group("/v1", s.platform)`, `e.Group("/v1", public, s.platform)`}}},
}

var fetchMutations = []mutation{
	{ids("SSRF-002 SSRF-003 SSRF-004 SSRF-005 SSRF-006 SSRF-007 SSRF-008 SSRF-010 SSRF-011 SSRF-012 SSRF-013 SSRF-014 SSRF-015 SSRF-020 SSRF-021"),
		fetched, []edit{{inGuard, "case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrInvalidHostPort):\n\t\treturn refuse(ReasonBlocked, \"address is not public\", err)",
			"case err != nil:\n\t\treturn nil"}}},
	{ids("SSRF-020"), fetched, []edit{{inGuard, "g.dialer.DialContext(ctx, network, net.JoinHostPort(a.String(), port))", "g.dialer.DialContext(ctx, network, net.JoinHostPort(host+a.String()[:0], port))"}}},
	{ids("SSRF-021"), fetched, []edit{
		{inGuard, "err := guardError(g.safe(\"tcp\"+family(a), net.JoinHostPort(a.String(), port), nil)); err != nil {", "err := error(nil); err != nil || !a.IsValid() {"}}},
	{ids("SSRF-022"), fetched, []edit{never(inURL, `last == "" || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(strings.ToLower(last), "0x")`)}},
	{ids("SSRF-025"), fetched, []edit{never(inURL, `u.Port() != "" && u.Port() != "443" || strings.HasSuffix(u.Host, ":")`)}},
	{ids("SSRF-023"), fetched, []edit{{inFetch, "hops--; hops < 0 || r.Method", "hops--; false && hops < 0 || r.Method"}}},
	{ids("SSRF-027"), fetched, []edit{{inFetch, "r.MaxBytes = DefaultMaxBytes", "r.MaxBytes = 1 << 40"}}},
	{ids("SSRF-027"), fetched, []edit{never(inFetch, "errors.Is(ctx.Err(), context.DeadlineExceeded)")}},
}
