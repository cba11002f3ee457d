package mutation

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// moduleMutations take away what the modules of the OpenID Foundation's
// conformance suite for verifiers look at, under the modules' names. Three of
// them are about what must be served: there the mutation refuses it.
var moduleMutations = []mutation{
	{ids("invalid-kb-jwt-signature"), conformance, []edit{{inKeyBinding, "token.Verify(key)\n\tif err != nil {", "token.Verify(key)\n\tif err != nil && false {"}, {inKeyBinding, "kb := &KeyBinding{key: key, claims: verified.Claims()}", "_ = verified\n\tkb := &KeyBinding{key: key, claims: token.UnverifiedClaims()}"}}},
	{ids("invalid-credential-signature"), conformance, []edit{never(inVerify, "!pub.verify(t.signed, t.signature)")}},
	{ids("invalid-sd-hash"), conformance, []edit{never(inKeyBinding, "!ok || !equal(sum, digest(v.hash, v.sd.signed))")}},
	{ids("invalid-kb-jwt-nonce"), conformance, []edit{never(inKeyBinding, "!ok || !equal(nonce, r.Nonce)")}},
	{ids("invalid-kb-jwt-aud"), conformance, []edit{never(inKeyBinding, "!equal(aud, r.Audience)")}},
	{ids("kb-jwt-iat-in-past"), conformance, []edit{{inKeyBinding, "iat.Before(r.NotBefore) || iat.After(r.NotAfter)", "iat.After(r.NotAfter)"}}},
	{ids("kb-jwt-iat-in-future"), conformance, []edit{{inKeyBinding, "iat.Before(r.NotBefore) || iat.After(r.NotAfter)", "iat.Before(r.NotBefore)"}}},
	{ids("request-uri-method-post"), conformance, []edit{{inVerifier, "r.WalletNonce = walletNonce", ""}}},
	{ids("request-uri-fetched-twice"), conformance, []edit{{inVerifier, "\"wallet_nonce is too long\")\n\t}", "\"wallet_nonce is too long\")\n\t}\n\tif walletNonce == \"\" && t.Fetched {\n\t\treturn \"\", fail(ReasonUsed, \"fetched before\")\n\t}"}}},
	{ids("minimal-cnf-jwk"), conformance, []edit{{inKeyBinding, `jwk, ok := cnf["jwk"].(map[string]any)`, "jwk, ok := cnf[\"jwk\"].(map[string]any)\n\tok = ok && jwk[\"kid\"] != nil"}}},
	{ids("happy-flow"), conformance, []edit{{inVerifier, "Nonce: newID() + newID(),", "Nonce: \"the-same-nonce-for-everybody\","}}},
	{ids("happy-flow"), conformance, []edit{{inVerifier, "openid4vp.EncA128GCM, openid4vp.EncA256GCM}", "openid4vp.EncA256GCM}"}}},
}

const conformance = "verifier.TestConformance"

// module reads how a module went: client identifier prefix, response mode, name.
var module = regexp.MustCompile(`--- (FAIL|PASS): TestConformance/(\S+)/(direct_post\S*)/(\S+) `)

// TestModulesAreNoticed demands that a module fails in every way of asking it
// runs in, or, where only the sealed answer is meant, in each of those.
func TestModulesAreNoticed(t *testing.T) {
	if os.Getenv("FACET_SOAK") == "" {
		t.Skip("takes minutes: FACET_SOAK")
	}
	for _, m := range moduleMutations {
		t.Run(m.name(), func(t *testing.T) {
			out := m.output(t, m.overlay(t), "/./direct_post/^"+m.ids[0]+"$")
			failed, passed := 0, []string{}
			for _, f := range module.FindAllStringSubmatch(out, -1) {
				switch {
				case f[1] == "FAIL":
					failed++
				case f[3] == "direct_post" && strings.Contains(m.edits[0].old, "Enc"):
				default:
					passed = append(passed, f[2]+"/"+f[3])
				}
			}
			if failed < 3 || len(passed) > 0 {
				t.Errorf("%s does not notice in %v that %q is gone (%d failed)", m.ids[0], passed, m.edits[0].old, failed)
			}
		})
	}
}
