package verifier_test

import (
	"net/http"
	"strings"
	"time"

	"facet/credentials/claims"
)

// badVariants break the check of a row in another way.
var badVariants = []badAnswer{
	{name: "PRES-003 another request's", twist: kb(func(a *answer, m map[string]any) {
		m["nonce"] = a.r.ask(a.r.begin("access", "same_device")).Nonce
	}), reason: "kb_nonce_mismatch"},
	{name: "PRES-003 absent", twist: kb(func(_ *answer, m map[string]any) { m["nonce"] = nil }), reason: "kb_nonce_mismatch"},
	{name: "PRES-006 number", twist: kb(func(_ *answer, m map[string]any) { m["aud"] = 7 }), reason: "kb_aud_type"},
	{name: "PRES-009 absent", twist: kb(func(_ *answer, m map[string]any) { m["sd_hash"] = nil }), reason: "kb_sd_hash_mismatch"},
	{name: "PRES-009 other hash", twist: kb(func(_ *answer, m map[string]any) {
		m["sd_hash"] = "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg_SpIdNs6c5H0NE8XYXysP-DGNKHfuwvY7kxvUdBeoGlODJ6-SfaPg"
	}), reason: "kb_sd_hash_mismatch"},
	{name: "PRES-010 added", twist: addedAfterSigning(), reason: "kb_sd_hash_mismatch"},
	{name: "PRES-014 not yet", twist: kb(func(a *answer, m map[string]any) {
		m["nbf"] = a.r.clock.Now().Add(time.Hour).Unix()
	}), reason: "kb_expired"},
	{name: "PRES-020 absent", twist: twist{parts: func(a *answer) { a.state = "" }}, reason: "transaction_unknown"},
	{name: "PRES-020 another request's", twist: twist{parts: func(a *answer) {
		a.state = a.r.ask(a.r.begin("access", "same_device")).State
	}}, reason: "transaction_unknown"},
	{name: "PRES-020 malformed", twist: twist{parts: func(a *answer) { a.state = a.req.State + "\x00" }}, reason: "transaction_unknown"},
	{name: "PRES-022 alg", twist: jweHeader(`"ECDH-ES"`, `"ECDH-ES+A128KW"`), reason: "jwe_alg_not_allowed"},
	{name: "PRES-022 CBC", twist: jweHeader(`"A256GCM"`, `"A128CBC-HS256"`), reason: "jwe_alg_not_allowed"},
	{name: "PRES-023 instead", twist: twist{token: func(a *answer) {
		a.token["extra"] = a.token["member"]
		delete(a.token, "member")
	}}, reason: "vp_token_unexpected_id"},
	{name: "PRES-032 multipart", twist: twist{form: func(a *answer) {
		a.media = "multipart/form-data; boundary=x"
	}}, reason: "content_type", status: http.StatusUnsupportedMediaType},
	{name: "PRES-032 none", twist: twist{form: func(a *answer) {
		a.media = ""
	}}, reason: "content_type", status: http.StatusUnsupportedMediaType},
}

// addedAfterSigning adds a disclosure the issuer did make to what the holder
// has signed.
func addedAfterSigning() twist {
	var wide string
	return twist{
		parts: func(a *answer) {
			p, full := a.r.wideMember()
			wide = a.r.disclose(full, a.r.w.issuer, claims.Path{"tier"}, claims.Path{"valid_until"})
			a.parts["member"] = p
		},
		token: func(a *answer) {
			signed := a.token["member"].([]any)[0].(string)
			a.token["member"] = []any{wide + signed[strings.LastIndex(signed, "~")+1:]}
		},
	}
}
