package verifier_test

import (
	"crypto/aes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"facet/audit"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/verifier"
)

// newReturning opens a verifier whose platform lets holders bring answers back.
func newReturning(t *testing.T, change ...func(*verifier.Platform)) *rig {
	t.Helper()
	return newRig(t, func(r *rig) {
		r.change = func(p *verifier.Platform) {
			p.InsecureFragment = true
			for _, c := range change {
				c(p)
			}
		}
	})
}

const askReturning = `{"policy":"access","flow":"same_device","return_uri":"` + returnURI + `","response_mode":"fragment"}`

func (r *rig) beginReturning() begun {
	r.t.Helper()
	a := r.api(keyNews, "POST", "/v1/requests", askReturning)
	var b begun
	if err := json.Unmarshal(a.body, &b); a.status != http.StatusCreated || err != nil || len(b.Links) != 1 {
		r.t.Fatalf("begin: %d %s", a.status, a.body)
	}
	return b
}

// bring hands over the fragment of the address the holder came back to.
func (a *answer) bring(key string) reply {
	body, err := json.Marshal(map[string]string{"fragment": a.form.Encode()})
	check(err)
	return a.r.api(key, "POST", "/v1/requests/"+a.id+"/answer", string(body))
}

// TestFragmentExchange follows one presentation in the address the holder
// returns to. The wallet is the library's own: it sends nothing.
func TestFragmentExchange(t *testing.T) {
	r := newReturning(t)
	b := r.beginReturning()
	a := r.compose(b, twist{})
	if a.req.ResponseMode != openid4vp.ModeFragment || a.req.RedirectURI != returnURI || a.req.ResponseURI != "" || len(a.req.ClientMetadata.Keys) != 0 {
		t.Errorf("the request: %+v", a.req.RequestObject)
	}
	offer, err := a.req.PolicyOffer()
	if err != nil || offer == nil {
		t.Fatalf("policy offer: %v", err)
	}
	token := openid4vp.VPToken{"member": {a.token["member"].([]any)[0].(string)}}
	back, err := a.req.Answer(t.Context(), nil, token) // a nil Fetcher: nothing can be sent
	to, fragment, ok := strings.Cut(back, "#")
	if err != nil || !ok || to != returnURI {
		t.Fatalf("%s, %v", back, err)
	}
	body, err := json.Marshal(map[string]string{"fragment": "#" + fragment}) // as location.hash has it
	check(err)
	done := r.api(keyNews, "POST", "/v1/requests/"+b.ID+"/answer", string(body))
	if done.status != http.StatusOK || done.field("response_code") == "" {
		t.Fatalf("answer: %d %s", done.status, done.body)
	}
	r.result(keyNews, b.ID, "").want(t, http.StatusForbidden, "access_denied", "response_code_required")
	if res := r.result(keyNews, b.ID, done.field("response_code")); res.status != http.StatusOK || res.field("flow") != "same_device" {
		t.Fatalf("result: %d %s", res.status, res.body)
	}
	r.receipt(a, offer.ReceiptEndpoint)
	if erasure := r.prove(a, "member", "withdraw", offer.WithdrawalEndpoint); erasure.status != http.StatusOK {
		t.Fatalf("withdraw: %d %s", erasure.status, erasure.body)
	}
	entries := r.wantEntries(audit.KindConfig, audit.KindPolicy, audit.KindRequest, audit.KindResult, audit.KindWithdrawal, audit.KindErasure)
	if config := entries[0].(*audit.Config); strings.Join(config.Weakenings, " ") != "InsecureFragment InsecureLoopback" {
		t.Errorf("logged: %v", config.Weakenings)
	}
}

// TestFragmentsRefused: wrong fragments, each followed by the right one.
func TestFragmentsRefused(t *testing.T) {
	r := newReturning(t)
	edited := func(edit func(url.Values)) twist {
		return twist{form: func(a *answer) { edit(a.form) }}
	}
	for _, tt := range []struct {
		name   string
		twist  twist
		status int
		reason string
	}{
		{"another state", edited(func(v url.Values) { v.Set("state", "not-the-state") }), 404, "transaction_unknown"},
		{"no state", edited(func(v url.Values) { v.Del("state") }), 404, "transaction_unknown"},
		{"a refusal without its state", edited(func(v url.Values) { v.Del("vp_token"); v.Set("error", "access_denied"); v.Del("state") }), 404, "transaction_unknown"},
		{"no answer", edited(func(v url.Values) { v.Del("vp_token") }), 400, "response_malformed"},
		{"two answers", edited(func(v url.Values) { v.Add("vp_token", v.Get("vp_token")) }), 400, "parameter_duplicated"},
		{"two kinds of answer", edited(func(v url.Values) { v.Set("error", "access_denied") }), 400, "parameter_duplicated"},
		{"no JSON", edited(func(v url.Values) { v.Set("vp_token", "x") }), 400, "json_malformed"},
		{"encrypted, though nobody could ask for that", edited(func(v url.Values) { v.Del("vp_token"); v.Set("response", "e30.e30.e30.e30.e30") }), 400, "response_mode_mismatch"},
		{"another client", kb(func(_ *answer, m map[string]any) { m["aud"] = "origin:" + pageOrigin }), 400, "kb_aud_mismatch"},
		{"too large", edited(func(v url.Values) { v.Set("padding", strings.Repeat("A", 256<<10)) }), 413, "size_limit"},
		{"no form", edited(func(v url.Values) { clear(v); v.Set("%", "%") }), 400, "response_malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := r.beginReturning()
			r.compose(b, tt.twist).bring(keyNews).want(t, tt.status, "invalid_request", tt.reason)
			if good := r.compose(b, twist{}).bring(keyNews); good.status != http.StatusOK {
				t.Errorf("an honest answer after it: %d %s", good.status, good.body)
			}
		})
	}
	t.Run("replayed", func(t *testing.T) {
		a := r.compose(r.beginReturning(), twist{})
		a.bring(keyNews)
		r.clock.advance(verifier.RetryWindow + time.Second)
		a.bring(keyNews).want(t, http.StatusConflict, "invalid_request", "transaction_already_used")
	})
	t.Run("by another platform", func(t *testing.T) {
		r.compose(r.beginReturning(), twist{}).bring(keyOther).want(t, http.StatusNotFound, "invalid_request", "transaction_unknown")
	})
	t.Run("too late", func(t *testing.T) {
		a := r.compose(r.beginReturning(), twist{})
		r.clock.advance(verifier.TTL)
		a.bring(keyNews).want(t, http.StatusConflict, "invalid_request", "transaction_expired")
	})
	t.Run("a DigitalCredential instead", func(t *testing.T) {
		a := r.compose(r.beginReturning(), twist{})
		a.protocol, a.data = openid4vp.ProtocolSigned, map[string]any{"vp_token": a.token}
		a.hand(keyNews).want(t, http.StatusConflict, "invalid_request", "answer_unexpected")
	})
}

// TestFragmentRefusal: a refusal that comes back ends the request.
func TestFragmentRefusal(t *testing.T) {
	r := newReturning(t)
	b := r.beginReturning()
	back, err := r.ask(b).Refuse(t.Context(), nil, openid4vp.CodeAccessDenied)
	check(err)
	_, fragment, _ := strings.Cut(back, "#")
	got := r.api(keyNews, "POST", "/v1/requests/"+b.ID+"/answer", `{"fragment":"`+fragment+`"}`)
	if got.status != http.StatusOK || got.field("error") != "access_denied" || got.field("response_code") != "" {
		t.Errorf("%d %s", got.status, got.body)
	}
	r.result(keyNews, b.ID, "x").want(t, http.StatusConflict, "invalid_request", "result_none")
}

// TestFragmentAllowed: a platform must be allowed to, and its client identifier
// must admit the address.
func TestFragmentAllowed(t *testing.T) {
	w := theWorld()
	atHost := newIdentity(w.anchor, w.caKey, "Morgenblatt Verlag GmbH", "verifier.localhost")
	ask := func(r *rig) reply { return r.api(keyNews, "POST", "/v1/requests", askReturning) }
	ask(newRig(t)).want(t, http.StatusForbidden, "access_denied", "response_mode_not_allowed")
	r := newReturning(t, func(p *verifier.Platform) {
		p.Prefix, p.Signer, p.X5C = openid4vp.PrefixX509SANDNS, atHost.key, atHost.x5c
	})
	ask(r).want(t, http.StatusForbidden, "access_denied", "response_mode_not_allowed")
	for body, reason := range map[string]string{
		strings.Replace(askReturning, "fragment", "query", 1):                                                                 "response_mode_invalid",
		strings.Replace(askReturning, "fragment", "fragment.jwt", 1):                                                          "response_mode_invalid",
		strings.Replace(askReturning, `"flow":"same_device","return_uri":"`+returnURI, `"flow":"cross_device","origin":"`, 1): "response_mode_invalid",
	} {
		r.api(keyNews, "POST", "/v1/requests", body).want(t, http.StatusBadRequest, "invalid_request", reason)
	}
	r = newReturning(t, func(p *verifier.Platform) { p.Prefix, p.InsecureUnsigned = openid4vp.PrefixRedirectURI, true })
	a := r.compose(r.beginReturning(), twist{})
	if a.req.ClientID != "redirect_uri:"+returnURI || a.req.RedirectURI != returnURI {
		t.Errorf("unsigned: %+v", a.req.RequestObject)
	}
	if got := a.bring(keyNews); got.status != http.StatusOK {
		t.Errorf("unsigned: %d %s", got.status, got.body)
	}
}

// TestBrowserAnswersAreNotPosted: what the browser carries has no address here.
// Nobody can know its name; this test knows the verifier's secret.
func TestBrowserAnswersAreNotPosted(t *testing.T) {
	r := newReturning(t)
	post := func(name string, a *answer) reply {
		return r.do(call{method: "POST", url: baseURL + "/wallet/response/" + r.nameOf("response", name), contentType: a.media, body: a.form.Encode()})
	}
	link := r.begin("access", "same_device")
	if got := post(link.ID, r.compose(link, twist{})); got.status != http.StatusOK {
		t.Fatalf("the name is not the verifier's: %d %s", got.status, got.body)
	}
	returning := r.compose(r.beginReturning(), twist{})
	post(returning.id, returning).want(t, http.StatusBadRequest, "invalid_request", "transaction_unknown")
	if got := returning.bring(keyNews); got.status != http.StatusOK {
		t.Errorf("brought back after it: %d %s", got.status, got.body)
	}
	digital := r.compose(r.beginDigital("access"), twist{})
	digital.form, digital.media = url.Values{"response": {digital.data["response"].(string)}}, "application/x-www-form-urlencoded"
	post(digital.id, digital).want(t, http.StatusBadRequest, "invalid_request", "transaction_unknown")
	r.do(call{method: "GET", url: baseURL + "/wallet/request/" + r.nameOf("request", digital.id)}).
		want(t, http.StatusNotFound, "invalid_request", "transaction_unknown")
	if got := digital.hand(keyNews); got.status != http.StatusOK {
		t.Errorf("handed over after it: %d %s", got.status, got.body)
	}
}

// nameOf derives a public name of a transaction as the verifier does.
func (r *rig) nameOf(purpose, id string) string {
	r.t.Helper()
	secret, _, err := r.keys.Get(r.t.Context(), "verifier/secret")
	check(err)
	key, err := hkdf.Key(sha256.New, secret, nil, "facet/verifier/v1/id/"+purpose, 32)
	check(err)
	block, err := aes.NewCipher(key)
	check(err)
	name, err := jose.DecodeBase64URL(id)
	check(err)
	block.Encrypt(name, name)
	return jose.EncodeBase64URL(name)
}

// TestBrowserAnswersResume: while the log is down nothing is decided for good;
// the same answer, handed over again, goes on where it stopped, also after a
// restart. Another one does not.
func TestBrowserAnswersResume(t *testing.T) {
	log := &valve{}
	r := newRig(t, withValve(log), func(r *rig) {
		r.change = func(p *verifier.Platform) { p.InsecureFragment = true }
	})
	for name, tt := range map[string]struct {
		begin func() begun
		hand  func(*answer, string) reply
	}{
		"dc_api":   {func() begun { return r.beginDigital("access") }, (*answer).hand},
		"fragment": {r.beginReturning, (*answer).bring},
	} {
		t.Run(name, func(t *testing.T) {
			b := tt.begin()
			a, other := r.compose(b, twist{}), r.compose(b, twist{})
			log.shut.Store(true)
			tt.hand(a, keyNews).want(t, http.StatusServiceUnavailable, "temporarily_unavailable", verifier.ReasonUnavailable)
			tt.hand(other, keyNews).want(t, http.StatusConflict, "invalid_request", verifier.ReasonUsed)
			r.result(keyNews, b.ID, "any").want(t, http.StatusConflict, "invalid_request", verifier.ReasonNotReady)
			log.shut.Store(false)
			r.start()
			done := tt.hand(a, keyNews)
			if done.status != http.StatusOK || r.result(keyNews, b.ID, done.field("response_code")).status != http.StatusOK {
				t.Errorf("the second try: %d %s", done.status, done.body)
			}
			r.clock.advance(verifier.RetryWindow + time.Second)
			tt.hand(a, keyNews).want(t, http.StatusConflict, "invalid_request", verifier.ReasonUsed)
		})
	}
}
