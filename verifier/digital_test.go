package verifier_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/audit"
	"facet/credentials"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/verifier"
)

const pageOrigin = "http://news.localhost:8083"

// beginDigital asks through the browser's API.
func (r *rig) beginDigital(policyID string) begun {
	r.t.Helper()
	a := r.api(keyNews, "POST", "/v1/requests", `{"policy":"`+policyID+`","flow":"dc_api","origin":"`+pageOrigin+`"}`)
	var b begun
	if err := json.Unmarshal(a.body, &b); a.status != http.StatusCreated || err != nil || len(b.Links) != 0 {
		r.t.Fatalf("begin: %d %s", a.status, a.body)
	}
	return b
}

// askDigital is the wallet getting the request from the browser.
func (r *rig) askDigital(m openid4vp.DigitalMessage) *openid4vp.Request {
	r.t.Helper()
	u, err := openid4vp.ParseDigital(m, openid4vp.Caller{Origin: pageOrigin, InsecureLoopback: true})
	if err != nil {
		r.t.Fatal(err)
	}
	who := r.authority()
	if m.Protocol == openid4vp.ProtocolUnsigned {
		who.Verifiers = anybody{}
	}
	req, err := u.Authenticate(r.t.Context(), who)
	if err != nil {
		r.t.Fatal(err)
	}
	return req
}

// encryptDigital makes the DigitalCredential the request demands.
func (a *answer) encryptDigital() {
	a.protocol = openid4vp.ProtocolSigned
	if a.req.Key() == nil {
		a.protocol = openid4vp.ProtocolUnsigned
	}
	if a.req.ResponseMode == openid4vp.ModeDCAPI {
		a.data = map[string]any{"vp_token": a.token}
		return
	}
	payload, err := json.Marshal(map[string]any{"vp_token": a.token})
	check(err)
	key := a.req.ClientMetadata.Keys[0]
	jwe, err := jose.Encrypt(payload, key.Key, jose.EncryptOptions{Kid: key.Kid, Enc: openid4vp.EncA256GCM})
	check(err)
	a.data = map[string]any{"response": jwe}
}

// hand gives the answer to the verifier as the platform's server does.
func (a *answer) hand(key string) reply {
	body, err := json.Marshal(map[string]any{"protocol": a.protocol, "data": a.data})
	check(err)
	return a.r.api(key, "POST", "/v1/requests/"+a.id+"/answer", string(body))
}

// TestDigitalExchange follows one presentation through the browser's API.
func TestDigitalExchange(t *testing.T) {
	r := newRig(t)
	b := r.beginDigital("home")
	if len(b.Digital.Requests) != 1 || b.Digital.Requests[0].Protocol != openid4vp.ProtocolSigned {
		t.Fatalf("asked with %+v", b.Digital.Requests)
	}
	a := r.compose(b, twist{})
	if a.req.ResponseMode != openid4vp.ModeDCAPIJWT || a.req.State != "" || a.req.ResponseURI != "" || a.req.RedirectURI != "" ||
		len(a.req.ExpectedOrigins) != 1 || a.req.ExpectedOrigins[0] != pageOrigin || !strings.HasPrefix(a.req.ClientID, "x509_hash:") {
		t.Errorf("the request: %+v", a.req.RequestObject)
	}
	offer, err := a.req.PolicyOffer()
	if err != nil || offer == nil || offer.Flow != openid4vp.FlowDCAPI {
		t.Fatalf("policy offer: %+v, %v", offer, err)
	}
	r.result(keyNews, b.ID, "").want(t, http.StatusConflict, "invalid_request", "result_not_ready")
	done := a.hand(keyNews)
	code := done.field("response_code")
	if done.status != http.StatusOK || code == "" {
		t.Fatalf("answer: %d %s", done.status, done.body)
	}
	if !strings.Contains(r.figures(), `verifier_act_seconds_count{act="finish"} 1`) {
		t.Error("the answer is in no figure")
	}
	r.result(keyNews, b.ID, "").want(t, http.StatusForbidden, "access_denied", "response_code_required")
	res := r.result(keyNews, b.ID, code)
	if res.status != http.StatusOK || res.field("flow") != "dc_api" || !strings.Contains(string(res.body), `"plus"`) {
		t.Fatalf("result: %d %s", res.status, res.body)
	}
	receipt := r.receipt(a, offer.ReceiptEndpoint)
	trust, err := audit.TrustLog(offer.Log.Key, offer.Log.Origin)
	check(err)
	checked, err := trust.VerifyReceipt(receipt)
	if err != nil || checked.Entry().(*audit.Result).Flow != audit.DCAPI {
		t.Fatalf("receipt: %v", err)
	}
	if erasure := r.prove(a, "member", "withdraw", offer.WithdrawalEndpoint); erasure.status != http.StatusOK {
		t.Fatalf("withdraw: %d %s", erasure.status, erasure.body)
	}
	r.result(keyNews, b.ID, code).want(t, http.StatusGone, "invalid_request", "result_withdrawn")
	r.wantEntries(audit.KindConfig, audit.KindPolicy, audit.KindRequest, audit.KindResult, audit.KindWithdrawal, audit.KindErasure)
}

// A badDigital is one wrong answer through the browser's API.
type badDigital struct {
	name   string
	twist  twist
	status int
	reason string
	check  verifier.Check
}

// digitalData returns a twist that edits what the page got.
func digitalData(edit func(*answer)) twist { return twist{form: edit} }

var badDigitals = []badDigital{
	{"bound to another page", kb(func(_ *answer, m map[string]any) { m["aud"] = "origin:http://evil.localhost:8083" }), 400, "kb_aud_mismatch", verifier.CheckKeyBinding},
	{"bound to the client", kb(func(a *answer, m map[string]any) { m["aud"] = a.req.ClientID }), 400, "kb_aud_mismatch", verifier.CheckKeyBinding},
	{"bound to the bare origin", kb(func(_ *answer, m map[string]any) { m["aud"] = pageOrigin }), 400, "kb_aud_mismatch", verifier.CheckKeyBinding},
	{"bound to the origin with a slash", kb(func(_ *answer, m map[string]any) { m["aud"] = "origin:" + pageOrigin + "/" }), 400, "kb_aud_mismatch", verifier.CheckKeyBinding},
	{"another nonce", kb(func(_ *answer, m map[string]any) { m["nonce"] = "a-nonce-only-the-token-knows-0123" }), 400, "kb_nonce_mismatch", verifier.CheckKeyBinding},
	{"an expired key binding", kb(func(a *answer, m map[string]any) { m["exp"] = a.r.clock.Now().Add(-time.Hour).Unix() }), 400, "kb_expired", verifier.CheckKeyBinding},
	{"an issuer nobody knows", twist{parts: func(a *answer) {
		a.parts["member"] = a.r.member(func(_ *credentials.Issuance, by *identity) { *by = a.r.w.stranger })
	}}, 400, "issuer_untrusted", verifier.CheckIssuerTrust},
	{"a changed credential", twist{token: func(a *answer) {
		a.token["member"] = []any{flip(a.token["member"].([]any)[0].(string), 200)}
	}}, 400, "", ""},
	{"an answer nobody asked for", twist{token: func(a *answer) { a.token["extra"] = a.token["member"] }}, 400, "vp_token_unexpected_id", verifier.CheckShape},
	{"two answers to one query", twist{token: func(a *answer) {
		p := a.token["member"].([]any)[0]
		a.token["member"] = []any{p, p}
	}}, 400, "dcql_too_many", verifier.CheckShape},
	{"in the clear", digitalData(func(a *answer) { a.data = map[string]any{"vp_token": a.token} }), 400, "response_not_encrypted", verifier.CheckDecrypt},
	{"vp_token as text", digitalData(func(a *answer) {
		raw, err := json.Marshal(a.token)
		check(err)
		a.data = map[string]any{"vp_token": string(raw)}
	}), 400, "vp_token_malformed", verifier.CheckTransaction},
	{"a changed ciphertext", digitalData(func(a *answer) { a.data["response"] = flip(a.data["response"].(string), -30) }), 400, "jwe_decrypt_failed", verifier.CheckDecrypt},
	{"two kinds of answer", digitalData(func(a *answer) { a.data["error"] = "access_denied" }), 400, "parameter_duplicated", verifier.CheckTransaction},
	{"no answer", digitalData(func(a *answer) { a.data = map[string]any{"state": "s"} }), 400, "response_malformed", verifier.CheckTransaction},
	{"a response that is no text", digitalData(func(a *answer) { a.data["response"] = 7 }), 400, "response_malformed", verifier.CheckTransaction},
	{"an error that is no text", digitalData(func(a *answer) { a.data = map[string]any{"error": map[string]any{}} }), 400, "response_malformed", verifier.CheckTransaction},
	{"as unsigned", digitalData(func(a *answer) { a.protocol = openid4vp.ProtocolUnsigned }), 400, "protocol_mismatch", verifier.CheckTransaction},
	{"as signed by several", digitalData(func(a *answer) { a.protocol = openid4vp.ProtocolMultisigned }), 400, "protocol_mismatch", verifier.CheckTransaction},
	{"as another protocol", digitalData(func(a *answer) { a.protocol = "org-iso-mdoc" }), 400, "protocol_mismatch", verifier.CheckTransaction},
}

// TestDigitalAnswersRefused: a wrong answer gets the reason the response
// endpoint gives, fails the same check, and burns nothing.
func TestDigitalAnswersRefused(t *testing.T) {
	r := newRig(t)
	for _, tt := range badDigitals {
		t.Run(tt.name, func(t *testing.T) {
			b := r.beginDigital("access")
			bad := r.compose(b, tt.twist)
			got := bad.hand(keyNews)
			if tt.reason == "" { // which check notices depends on the byte
				tt.reason = got.field("code")
			}
			got.want(t, tt.status, "invalid_request", tt.reason)
			if got.header.Get("Content-Type") != "application/problem+json" || got.status == http.StatusOK {
				t.Errorf("%s", got.header.Get("Content-Type"))
			}
			raw, err := json.Marshal(bad.data)
			check(err)
			_, err = r.engine.Answer(t.Context(), verifier.Answer{Platform: "news", ID: b.ID, Protocol: bad.protocol, Data: raw})
			if rejected, ok := err.(*verifier.RejectError); !ok || tt.check != "" && rejected.Check != tt.check {
				t.Errorf("got %v, want check %q", err, tt.check)
			}
			if good := r.compose(b, twist{}).hand(keyNews); good.status != http.StatusOK {
				t.Errorf("an honest answer after it: %d %s", good.status, good.body)
			}
		})
	}
}

// TestDigitalAnswerOnce: what may happen to a right answer.
func TestDigitalAnswerOnce(t *testing.T) {
	r := newRig(t)
	t.Run("replayed", func(t *testing.T) {
		a := r.compose(r.beginDigital("access"), twist{})
		if first := a.hand(keyNews); first.status != http.StatusOK {
			t.Fatalf("%d %s", first.status, first.body)
		}
		r.clock.advance(verifier.RetryWindow + time.Second)
		a.hand(keyNews).want(t, http.StatusConflict, "invalid_request", "transaction_already_used")
	})
	t.Run("in another request", func(t *testing.T) {
		one, two := r.beginDigital("access"), r.beginDigital("access")
		a := r.compose(one, twist{})
		a.id = two.ID
		a.hand(keyNews).want(t, http.StatusBadRequest, "invalid_request", "jose_kid_unknown")
	})
	t.Run("many at once", func(t *testing.T) {
		r := newRig(t)
		a := r.compose(r.beginDigital("access"), twist{})
		replies := make([]reply, 30)
		var wg sync.WaitGroup
		for i := range replies {
			wg.Go(func() { replies[i] = a.hand(keyNews) })
		}
		wg.Wait()
		for _, got := range replies {
			if got.status != http.StatusOK || got.field("response_code") != replies[0].field("response_code") {
				t.Errorf("%d %s, another got %s", got.status, got.body, replies[0].body)
			}
		}
		if !strings.Contains(r.figures(), `presentations_total{check="",outcome="answered"} 1`) || strings.Contains(r.figures(), `outcome="rejected"`) {
			t.Error("30 identical answers were not counted as one")
		}
	})
	t.Run("by another platform", func(t *testing.T) {
		b := r.beginDigital("access")
		a := r.compose(b, twist{})
		a.hand(keyOther).want(t, http.StatusNotFound, "invalid_request", "transaction_unknown")
		if got := a.hand(keyNews); got.status != http.StatusOK {
			t.Errorf("its own platform: %d %s", got.status, got.body)
		}
	})
	t.Run("without a key", func(t *testing.T) {
		r.compose(r.beginDigital("access"), twist{}).hand("").want(t, http.StatusUnauthorized, "invalid_request", "api_key_invalid")
	})
	t.Run("refused", func(t *testing.T) {
		b := r.beginDigital("access")
		a := r.compose(b, digitalData(func(a *answer) { a.data = map[string]any{"error": "access_denied", "error_description": "ignored"} }))
		got := a.hand(keyNews)
		if got.status != http.StatusOK || string(got.body) != "{\"error\":\"access_denied\"}\n" {
			t.Errorf("%d %s", got.status, got.body)
		}
		if got := r.api(keyNews, "GET", "/v1/requests/"+b.ID, ""); got.field("state") != "refused" {
			t.Errorf("state: %s", got.body)
		}
		r.result(keyNews, b.ID, "x").want(t, http.StatusConflict, "invalid_request", "result_none")
		r.compose(r.beginDigital("access"), twist{}) // still askable
	})
	t.Run("with members that mean nothing", func(t *testing.T) {
		a := r.compose(r.beginDigital("access"), digitalData(func(a *answer) { a.data["state"], a.data["extra"] = "not-of-this-transaction", []any{1} }))
		if got := a.hand(keyNews); got.status != http.StatusOK {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
	t.Run("too many tries", func(t *testing.T) {
		b := r.beginDigital("access")
		bad := kb(func(a *answer, m map[string]any) { m["aud"] = a.req.ClientID })
		for range verifier.MaxTries {
			r.compose(b, bad).hand(keyNews).want(t, http.StatusBadRequest, "invalid_request", "kb_aud_mismatch")
		}
		if got := r.api(keyNews, "GET", "/v1/requests/"+b.ID, ""); got.field("state") != "rejected" {
			t.Errorf("state: %s", got.body)
		}
	})
	t.Run("too late", func(t *testing.T) {
		a := r.compose(r.beginDigital("access"), twist{})
		r.clock.advance(verifier.TTL)
		a.hand(keyNews).want(t, http.StatusConflict, "invalid_request", "transaction_expired")
	})
}

// TestDigitalDoors: an answer is taken where it was asked for and nowhere else.
func TestDigitalDoors(t *testing.T) {
	r := newRig(t)
	b := r.beginDigital("access")
	a := r.compose(b, twist{})
	link := r.begin("access", "same_device")
	posted := r.compose(link, twist{})
	at := func(id, body string) reply { return r.api(keyNews, "POST", "/v1/requests/"+id+"/answer", body) }
	for name, tt := range map[string]struct {
		got    reply
		status int
		reason string
	}{
		"a posted answer handed over": {at(link.ID, `{"protocol":"openid4vp-v1-signed","data":{"response":"`+posted.form.Get("response")+`"}}`), 409, "answer_unexpected"},
		"a posted answer as fragment": {at(link.ID, `{"fragment":"`+posted.form.Encode()+`"}`), 409, "answer_unexpected"},
		"a fragment for the API":      {at(b.ID, `{"fragment":"vp_token=%7B%7D"}`), 409, "answer_unexpected"},
		"both":                        {at(b.ID, `{"fragment":"a=b","protocol":"openid4vp-v1-signed","data":{}}`), 400, "body_malformed"},
		"neither":                     {at(b.ID, `{}`), 400, "body_malformed"},
		"no data":                     {at(b.ID, `{"protocol":"openid4vp-v1-signed"}`), 400, "body_malformed"},
		"no protocol":                 {at(b.ID, `{"data":{"error":"access_denied"}}`), 400, "body_malformed"},
		"data that is null":           {at(b.ID, `{"protocol":"openid4vp-v1-signed","data":null}`), 400, "json_malformed"},
		"data as text":                {at(b.ID, `{"protocol":"openid4vp-v1-signed","data":"{}"}`), 400, "json_malformed"},
		"another member":              {at(b.ID, `{"protocol":"openid4vp-v1-signed","data":{},"policy":"home"}`), 400, "body_malformed"},
		"a member twice":              {at(b.ID, `{"protocol":"openid4vp-v1-signed","data":{"error":"x","error":"y"}}`), 400, "body_malformed"},
		"too large":                   {at(b.ID, `{"protocol":"openid4vp-v1-signed","data":{"response":"`+strings.Repeat("A", 257<<10)+`"}}`), 413, "size_limit"},
		"no such request":             {at(strings.Repeat("A", 22), `{"protocol":"openid4vp-v1-signed","data":{"error":"access_denied"}}`), 404, "transaction_unknown"},
		"no id":                       {at("x", `{"protocol":"openid4vp-v1-signed","data":{"error":"access_denied"}}`), 404, "transaction_unknown"},
	} {
		t.Run(name, func(t *testing.T) { tt.got.want(t, tt.status, "invalid_request", tt.reason) })
	}
	if got := a.hand(keyNews); got.status != http.StatusOK {
		t.Errorf("after all that: %d %s", got.status, got.body)
	}
	if got := posted.send(); got.status != http.StatusOK {
		t.Errorf("after all that: %d %s", got.status, got.body)
	}
}
