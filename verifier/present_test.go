package verifier_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/verifier"
)

// kb returns a twist that edits the claims of the membership's key binding.
func kb(edit func(a *answer, m map[string]any)) twist {
	return twist{parts: func(a *answer) { edit(a, a.parts["member"].kb) }}
}

// issued returns a twist that presents a membership issued otherwise.
func issued(change func(*credentials.Issuance, *identity)) twist {
	return twist{parts: func(a *answer) { a.parts["member"] = a.r.member(change) }}
}

// crafted returns a twist that presents a membership whose payload the issuer
// signed as edited, whatever credentials.Issue would refuse.
func crafted(edit func(payload map[string]any, p *part)) twist {
	return twist{parts: func(a *answer) {
		p := a.parts["member"]
		payload := map[string]any{
			"vct": vctMember, "tier": "plus", "exp": a.r.clock.Now().Add(time.Hour).Unix(),
			"cnf": map[string]any{"jwk": p.key.Public().JWK()},
		}
		edit(payload, p)
		raw, err := json.Marshal(payload)
		check(err)
		jws, err := jose.Sign(a.r.t.Context(), a.r.w.issuer.key, map[string]any{"typ": credentials.Type, "x5c": a.r.w.issuer.x5c}, raw)
		check(err)
		p.sd = jws + "~"
	}}
}

// jweHeader returns a twist that replaces text in the answer's JWE header.
func jweHeader(old, with string) twist {
	return twist{form: func(a *answer) {
		header, rest, _ := strings.Cut(a.form.Get("response"), ".")
		raw, err := jose.DecodeBase64URL(header)
		check(err)
		a.form.Set("response", jose.EncodeBase64URL([]byte(strings.Replace(string(raw), old, with, 1)))+"."+rest)
	}}
}

// A badAnswer is one row of badcases.tsv of class PRESENT that is refused.
type badAnswer struct {
	name, policy string
	twist        twist
	reason       string
	check        verifier.Check
	status       int // 0: 400
}

var foreignKey = sync.OnceValue(func() *jose.PrivateKey {
	k, err := jose.GenerateKey()
	check(err)
	return k
})

var badAnswers = []badAnswer{
	{name: "PRES-001", twist: twist{token: func(a *answer) {
		a.token["member"] = []any{a.parts["member"].sd}
	}}, reason: "kb_missing", check: verifier.CheckKeyBinding},
	{name: "PRES-003", twist: kb(func(_ *answer, m map[string]any) {
		m["nonce"] = "a-nonce-only-the-token-knows-0123"
	}), reason: "kb_nonce_mismatch", check: verifier.CheckKeyBinding},
	{name: "PRES-004", twist: kb(func(_ *answer, m map[string]any) {
		m["aud"] = "x509_hash:" + jose.LeafHash(theWorld().other.x5c)
	}), reason: "kb_aud_mismatch", check: verifier.CheckKeyBinding},
	{name: "PRES-005", twist: kb(func(a *answer, m map[string]any) {
		m["aud"] = strings.TrimPrefix(a.req.ClientID, "x509_hash:")
	}), reason: "kb_aud_mismatch", check: verifier.CheckKeyBinding},
	{name: "PRES-006", twist: kb(func(a *answer, m map[string]any) {
		m["aud"] = []any{a.req.ClientID}
	}), reason: "kb_aud_type", check: verifier.CheckKeyBinding},
	{name: "PRES-007", twist: twist{parts: func(a *answer) {
		a.parts["member"].key = foreignKey()
	}}, reason: "kb_signature_invalid", check: verifier.CheckKeyBinding},
	{name: "PRES-008", twist: twist{parts: func(a *answer) { // the header offers the attacker's key; only cnf counts
		p := a.parts["member"]
		p.header = map[string]any{"typ": "kb+jwt", "jwk": foreignKey().Public().JWK()}
		p.key = foreignKey()
	}}, reason: "kb_signature_invalid", check: verifier.CheckKeyBinding},
	{name: "PRES-009", twist: kb(func(_ *answer, m map[string]any) {
		m["sd_hash"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	}), reason: "kb_sd_hash_mismatch", check: verifier.CheckKeyBinding},
	{name: "PRES-010", twist: twist{token: func(a *answer) { // a disclosure dropped after signing
		parts := strings.Split(a.token["member"].([]any)[0].(string), "~")
		a.token["member"] = []any{parts[0] + "~" + parts[len(parts)-1]}
	}}, reason: "kb_sd_hash_mismatch", check: verifier.CheckKeyBinding},
	{name: "PRES-011", twist: kb(func(_ *answer, m map[string]any) {
		delete(m, "iat")
	}), reason: "kb_iat_missing", check: verifier.CheckKeyBinding},
	{name: "PRES-013", twist: kb(func(a *answer, m map[string]any) {
		m["iat"] = a.r.clock.Now().Add(time.Hour).Unix()
	}), reason: "kb_iat_out_of_window", check: verifier.CheckKeyBinding},
	{name: "PRES-014", twist: kb(func(a *answer, m map[string]any) {
		m["exp"] = a.r.clock.Now().Add(-time.Hour).Unix()
	}), reason: "kb_expired", check: verifier.CheckKeyBinding},
	{name: "PRES-015", twist: crafted(func(payload map[string]any, _ *part) {
		delete(payload, "cnf")
	}), reason: "kb_cnf_missing", check: verifier.CheckKeyBinding},
	{name: "PRES-020", twist: twist{parts: func(a *answer) {
		a.state = "not-the-state-of-this-transaction"
	}}, reason: "transaction_unknown", check: verifier.CheckTransaction},
	{name: "PRES-021", twist: twist{form: func(a *answer) {
		raw, err := json.Marshal(a.token)
		check(err)
		a.form = map[string][]string{"vp_token": {string(raw)}, "state": {a.req.State}}
	}}, reason: "response_not_encrypted", check: verifier.CheckDecrypt},
	{name: "PRES-022", twist: jweHeader(`"A256GCM"`, `"A192GCM"`), reason: "jwe_alg_not_allowed", check: verifier.CheckDecrypt},
	{name: "PRES-023", twist: twist{token: func(a *answer) {
		a.token["extra"] = a.token["member"]
	}}, reason: "vp_token_unexpected_id", check: verifier.CheckShape},
	{name: "PRES-025", twist: twist{token: func(a *answer) {
		p := a.token["member"].([]any)[0]
		a.token["member"] = []any{p, p}
	}}, reason: "dcql_too_many", check: verifier.CheckShape},
	{name: "PRES-026", twist: twist{parts: func(a *answer) {
		p := a.parts["member"]
		p.sd = p.sd[:strings.Index(p.sd, "~")+1]
	}}, reason: "dcql_claim_missing", check: verifier.CheckQuery},
	{name: "PRES-027", twist: issued(func(i *credentials.Issuance, _ *identity) {
		i.Subject["tier"] = "gold"
	}), reason: "dcql_value_mismatch", check: verifier.CheckQuery},
	{name: "PRES-029", twist: twist{parts: func(a *answer) {
		a.parts["member"] = a.r.member(func(_ *credentials.Issuance, by *identity) { *by = a.r.w.stranger })
	}}, reason: "issuer_untrusted", check: verifier.CheckIssuerTrust},
	{name: "PRES-032", twist: twist{form: func(a *answer) {
		a.media = "application/json"
	}}, reason: "content_type", check: verifier.CheckTransaction, status: http.StatusUnsupportedMediaType},
}

// wideMember issues a membership with a claim no policy here asks for, and
// selects its tier; full discloses everything.
func (r *rig) wideMember() (p *part, full string) {
	holder, err := jose.GenerateKey()
	check(err)
	full, err = credentials.Issue(r.t.Context(), r.w.issuer.key, r.w.issuer.x5c, credentials.Issuance{
		VCT: vctMember, Subject: map[string]any{"tier": "plus", "valid_until": "2031-canary"},
		Holder: holder.Public(), ExpiresAt: r.clock.Now().Add(time.Hour),
	})
	check(err)
	return &part{sd: r.disclose(full, r.w.issuer, claims.Path{"tier"}), key: holder}, full
}

func TestAnswersRefused(t *testing.T) {
	r := newRig(t)
	for _, tt := range badAnswers {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, r) })
	}
	for _, tt := range badVariants {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, r) })
	}
	for _, tt := range []badAnswer{
		{name: "issuer signature", twist: twist{parts: func(a *answer) {
			p := a.parts["member"]
			jws, rest, _ := strings.Cut(p.sd, "~")
			i := strings.LastIndex(jws, ".")
			p.sd = jws[:i+1] + strings.Repeat("A", len(jws)-i-1) + "~" + rest
		}}, reason: "issuer_signature_invalid", check: verifier.CheckIssuerSignature},
		{name: "expired credential", twist: issued(func(i *credentials.Issuance, _ *identity) {
			i.IssuedAt, i.ExpiresAt = i.IssuedAt.Add(-48*time.Hour), i.IssuedAt.Add(-24*time.Hour)
		}), reason: "credential_expired", check: verifier.CheckValidity},
		{name: "self-asserted membership", twist: twist{parts: func(a *answer) {
			p := a.r.prefs(map[string]any{"tier": "premium"})
			raw, err := credentials.Mint(a.r.t.Context(), p.key, credentials.Minted{VCT: vctMember, Claims: map[string]any{"tier": "premium"},
				IssuedAt: a.r.clock.Now(), ExpiresAt: a.r.clock.Now().Add(time.Hour)})
			check(err)
			p.sd = raw
			a.parts["member"] = p
		}}, reason: "issuer_untrusted", check: verifier.CheckIssuerTrust},
		{name: "two consents", policy: "home", twist: kb(func(_ *answer, m map[string]any) {
			m["consent"] = jose.EncodeBase64URL(make([]byte, 32))
		}), reason: "kb_consent_mismatch", check: verifier.CheckKeyBinding},
		{name: "status nobody can check", twist: crafted(func(payload map[string]any, _ *part) {
			payload["status"] = map[string]any{"status_list": map[string]any{"idx": 1, "uri": "https://issuer.example/status/1"}}
		}), reason: "status_unavailable", check: verifier.CheckStatus},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, r) })
	}
	t.Run("PRES-016", func(t *testing.T) {
		for name, jwk := range map[string]func(*part) map[string]any{
			"private member": func(p *part) map[string]any {
				m := maps.Clone(p.key.Public().JWK())
				m["d"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
				return m
			},
			"oct": func(*part) map[string]any { return map[string]any{"kty": "oct", "k": "AAAA"} },
		} {
			t.Run(name, func(t *testing.T) {
				badAnswer{name: "PRES-016 " + name, twist: crafted(func(payload map[string]any, p *part) {
					payload["cnf"] = map[string]any{"jwk": jwk(p)}
				}), reason: "kb_cnf_invalid", check: verifier.CheckKeyBinding}.run(t, r)
			})
		}
	})
}

// run sends one bad answer and then a good one: garbage burns nothing.
func (tt badAnswer) run(t *testing.T, r *rig) {
	t.Helper()
	status, name := http.StatusBadRequest, "access"
	if tt.status != 0 {
		status = tt.status
	}
	if tt.policy != "" {
		name = tt.policy
	}
	b, got := r.finish(name, tt.twist)
	got.want(t, status, "invalid_request", tt.reason)
	if strings.HasPrefix(tt.name, "PRES-") {
		got.wantRow(t, tt.name)
	}
	if good := r.compose(b, twist{}).send(); good.status != http.StatusOK {
		t.Errorf("an honest answer after it: %d %s", good.status, good.body)
	}
	if tt.check != "" {
		b := r.begin(name, "same_device")
		a := r.compose(b, tt.twist)
		_, err := r.engine.Finish(t.Context(), verifier.Response{
			ID: a.req.ResponseURI[strings.LastIndex(a.req.ResponseURI, "/")+1:], ContentType: a.media, Body: []byte(a.form.Encode()),
		})
		rejected, ok := err.(*verifier.RejectError)
		if !ok || rejected.Check != tt.check {
			t.Errorf("got %v, want check %q", err, tt.check)
		}
	}
}

func TestAnswerOnce(t *testing.T) {
	r := newRig(t)
	t.Run("PRES-017", func(t *testing.T) {
		a := r.compose(r.begin("access", "same_device"), twist{})
		if first := a.send(); first.status != http.StatusOK {
			t.Fatalf("first: %d %s", first.status, first.body)
		}
		a.send().wantRow(t, "PRES-017")
	})
	t.Run("PRES-018", func(t *testing.T) {
		b := r.begin("access", "same_device")
		a := r.compose(b, twist{})
		replies := make([]reply, 100)
		var wg sync.WaitGroup
		for i := range replies {
			wg.Go(func() { replies[i] = a.send() })
		}
		wg.Wait()
		good := slices.DeleteFunc(slices.Clone(replies), func(a reply) bool { return a.status != http.StatusOK })
		if len(good) != 1 {
			t.Fatalf("%d of 100 identical posts were answered with 200", len(good))
		}
		for _, got := range replies {
			if got.status != http.StatusOK {
				got.wantRow(t, "PRES-018")
			}
		}
		if got := r.result(keyNews, b.ID, r.code(good[0])); got.status != http.StatusOK {
			t.Errorf("result: %d %s", got.status, got.body)
		}
	})
	t.Run("different answers", func(t *testing.T) {
		b := r.begin("access", "same_device")
		one, two := r.compose(b, twist{}), r.compose(b, twist{})
		var first, second reply
		var wg sync.WaitGroup
		wg.Go(func() { first = one.send() })
		wg.Go(func() { second = two.send() })
		wg.Wait()
		if first.status+second.status != http.StatusOK+http.StatusBadRequest {
			t.Fatalf("got %d and %d, want one 200 and one 400", first.status, second.status)
		}
	})
}

func TestAnswerForms(t *testing.T) {
	r := newRig(t)
	t.Run("PRES-028", func(t *testing.T) {
		tw := twist{parts: func(a *answer) {
			p, full := r.wideMember()
			p.sd = r.disclose(full, r.w.issuer, claims.Path{"tier"}, claims.Path{"valid_until"})
			a.parts["member"] = p
		}}
		b, got := r.finish("claims", tw)
		if got.status != http.StatusOK || rows()["PRES-028"].status != http.StatusOK {
			t.Fatalf("surplus: %d %s", got.status, got.body)
		}
		res := r.result(keyNews, b.ID, r.code(got))
		if res.status != http.StatusOK || !strings.Contains(string(res.body), `"claims":{"member":{"tier":"plus"}}`) || strings.Contains(string(res.body), "canary") {
			t.Errorf("dcql_surplus_dropped: %d %s", res.status, res.body)
		}
		raw, _, err := r.store.Get(t.Context(), "tx/"+b.ID)
		if err != nil || !strings.Contains(string(raw), `"surplus":1`) || strings.Contains(string(raw), "canary") {
			t.Errorf("the surplus claim was not counted, or kept: %v", err)
		}
		b, got = r.finish("claims", twist{})
		if raw, _, err := r.store.Get(t.Context(), "tx/"+b.ID); got.status != http.StatusOK || err != nil || strings.Contains(string(raw), `"surplus"`) {
			t.Errorf("a surplus nobody sent was counted: %d, %v", got.status, err)
		}
	})
	t.Run("PRES-031", func(t *testing.T) {
		for name, edit := range map[string]func(*answer){
			"response twice": func(a *answer) { a.form["response"] = append(a.form["response"], a.form["response"]...) },
			"state twice":    func(a *answer) { a.form["state"] = []string{a.req.State, a.req.State} },
			"vp_token twice": func(a *answer) {
				a.form = map[string][]string{"vp_token": {"{}", "{}"}, "state": {a.req.State}}
			},
			"error and response": func(a *answer) { a.form["error"], a.form["state"] = []string{"access_denied"}, []string{a.req.State} },
			"error and vp_token": func(a *answer) {
				a.form = map[string][]string{"vp_token": {"{}"}, "error": {"access_denied"}, "state": {a.req.State}}
			},
		} {
			t.Run(name, func(t *testing.T) {
				b, got := r.finish("access", twist{form: edit})
				got.wantRow(t, "PRES-031")
				if good := r.compose(b, twist{}).send(); good.status != http.StatusOK {
					t.Errorf("an honest answer after it: %d %s", good.status, good.body)
				}
			})
		}
	})
	t.Run("PRES-034", func(t *testing.T) {
		b, got := r.finish("access", twist{form: func(a *answer) {
			a.form = map[string][]string{"error": {"access_denied"}, "state": {a.req.State},
				"error_description": {"<script>alert(1)</script> \x00" + strings.Repeat("x", 5000)}}
		}})
		if got.status != rows()["PRES-034"].status || got.field("redirect_uri") != returnURI+"?error=access_denied" {
			t.Fatalf("refusal: %d %s", got.status, got.body)
		}
		raw, _, err := r.store.Get(t.Context(), "tx/"+b.ID)
		var stored struct{ Refusal string }
		if err != nil || json.Unmarshal(raw, &stored) != nil || stored.Refusal != "?script?alert(1)?/script? ?"+strings.Repeat("x", openid4vp.MaxErrorText-27) {
			t.Errorf("stored refusal: %q, %v", stored.Refusal, err)
		}
		if got := r.api(keyNews, "GET", "/v1/requests/"+b.ID, ""); got.field("state") != "refused" {
			t.Errorf("state: %s", got.body)
		}
	})
	t.Run("PRES-036", func(t *testing.T) {
		inTime, late := r.compose(r.begin("access", "same_device"), twist{}), r.compose(r.begin("access", "same_device"), twist{})
		r.clock.advance(verifier.TTL - time.Second)
		defer r.clock.advance(-verifier.TTL)
		if got := inTime.send(); got.status != http.StatusOK {
			t.Errorf("a second before the end: %d %s", got.status, got.body)
		}
		r.clock.advance(time.Second)
		late.send().wantRow(t, "PRES-036")
	})
	t.Run("PRES-020 address", func(t *testing.T) { // unknown and malformed
		a := r.compose(r.begin("access", "same_device"), twist{})
		for _, id := range []string{"AAAAAAAAAAAAAAAAAAAAAA", "A", a.req.State, strings.Repeat("A", 5000), "%00", "..%2F"} {
			got := r.do(call{method: "POST", url: baseURL + "/wallet/response/" + id, contentType: a.media, body: a.form.Encode()})
			got.wantRow(t, "PRES-020")
		}
		if good := a.send(); good.status != http.StatusOK {
			t.Errorf("the same answer at its own address: %d %s", good.status, good.body)
		}
	})
	t.Run("too large", func(t *testing.T) {
		_, got := r.finish("access", twist{form: func(a *answer) { a.form.Set("response", strings.Repeat("A", 300<<10)) }})
		got.want(t, http.StatusRequestEntityTooLarge, "invalid_request", "size_limit")
	})
	t.Run("cross device", func(t *testing.T) {
		b := r.begin("access", "cross_device")
		got := r.compose(b, twist{}).send()
		if got.status != http.StatusOK || strings.TrimSpace(string(got.body)) != "{}" {
			t.Fatalf("answer: %d %s", got.status, got.body)
		}
		if res := r.result(keyNews, b.ID, ""); res.status != http.StatusOK || res.field("flow") != "cross_device" {
			t.Errorf("result: %d %s", res.status, res.body)
		}
	})
}
