package verifier_test

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"facet/audit"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/verifier"
	"facet/verifier/server"
)

// released runs one honest same-device exchange and returns its response code.
func (r *rig) released() (begun, string) {
	r.t.Helper()
	b, got := r.finish("access", twist{})
	if got.status != http.StatusOK {
		r.t.Fatalf("answer: %d %s", got.status, got.body)
	}
	return b, r.code(got)
}

func TestResultReaders(t *testing.T) {
	r := newRig(t)
	b, code := r.released()
	other, otherCode := r.released()
	t.Run("SES-001", func(t *testing.T) {
		r.result(keyNews, b.ID, "").wantRow(t, "SES-001")
	})
	t.Run("SES-002", func(t *testing.T) {
		for _, guess := range []string{otherCode, code[:len(code)-1], code + "A", strings.ToLower(code) + "-"} {
			r.result(keyNews, b.ID, guess).wantRow(t, "SES-002")
		}
	})
	t.Run("SES-003", func(t *testing.T) {
		if got := r.result(keyNews, other.ID, otherCode); got.status != http.StatusOK {
			t.Fatalf("first read: %d %s", got.status, got.body)
		}
		r.result(keyNews, other.ID, otherCode).wantRow(t, "SES-003")
		for range 3 { // and it stays so, for other readers too
			r.do(call{method: "POST", url: baseURL + "/v1/requests/" + other.ID + "/result", key: keyNews, contentType: "application/json",
				body: `{"response_code":"` + otherCode + `"}`, header: map[string]string{"Idempotency-Key": "reader-2"}}).wantRow(t, "SES-003")
		}
	})
	t.Run("the same reader for a minute", func(t *testing.T) {
		b, code := r.released()
		read := func() reply {
			return r.do(call{method: "POST", url: baseURL + "/v1/requests/" + b.ID + "/result", key: keyNews, contentType: "application/json",
				body: `{"response_code":"` + code + `"}`, header: map[string]string{"Idempotency-Key": "reader-1"}})
		}
		first, again := read(), read()
		if first.status != http.StatusOK || !bytes.Equal(first.body, again.body) {
			t.Errorf("got %d, then %d", first.status, again.status)
		}
		r.clock.advance(verifier.RetryWindow + time.Second)
		read().want(t, http.StatusForbidden, "access_denied", "response_code_used")
	})
	t.Run("SES-005", func(t *testing.T) {
		b := r.begin("access", "same_device")
		req := r.ask(b)
		offer, err := req.PolicyOffer()
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]string{
			"state": req.State, "nonce": req.Nonce, "request": path.Base(b.uri), "response": path.Base(req.ResponseURI),
			"receipt": path.Base(offer.ReceiptEndpoint), "withdraw": path.Base(offer.WithdrawalEndpoint),
		}
		seen := map[string]bool{b.ID: true}
		for name, id := range names {
			if raw, err := jose.DecodeBase64URL(id); name != "nonce" && (err != nil || len(raw) < 16 || seen[id]) {
				t.Errorf("%s is not a name of its own with 128 bits", name)
			}
			seen[id] = true
			r.api(keyNews, "GET", "/v1/requests/"+id, "").wantRow(t, "SES-005")
			r.result(keyNews, id, "").wantRow(t, "SES-005")
			if name != "request" {
				if got := r.do(call{method: "GET", url: baseURL + "/wallet/request/" + id}); got.status != http.StatusNotFound {
					t.Errorf("%s opens the request: %d", name, got.status)
				}
			}
		}
	})
	t.Run("SES-009", func(t *testing.T) {
		b, code := r.released()
		for name, ask := range map[string]func(id string) reply{
			"state":  func(id string) reply { return r.api(keyOther, "GET", "/v1/requests/"+id, "") },
			"events": func(id string) reply { return r.api(keyOther, "GET", "/v1/requests/"+id+"/events", "") },
			"result": func(id string) reply { return r.result(keyOther, id, code) },
		} {
			unknown, foreign := ask("AAAAAAAAAAAAAAAAAAAAAA"), ask(b.ID)
			foreign.wantRow(t, "SES-009")
			if unknown.status != foreign.status || !bytes.Equal(unknown.body, foreign.body) || !maps.EqualFunc(unknown.header, foreign.header, slices.Equal) {
				t.Errorf("tenant_isolation, %s: %d %s, unknown is %d %s", name, foreign.status, foreign.body, unknown.status, unknown.body)
			}
		}
		if got := r.result(keyNews, b.ID, code); got.status != http.StatusOK {
			t.Errorf("its own platform, after that: %d %s", got.status, got.body)
		}
	})
	t.Run("SES-007", func(t *testing.T) {
		b, code := r.released()
		for _, site := range []string{"cross-site", "same-site", "same-origin"} { // the platform API is for servers only
			for path, body := range map[string]string{
				"/v1/requests": `{"policy":"access"}`, "/v1/requests/" + b.ID + "/result": `{"response_code":"` + code + `"}`,
			} {
				r.do(call{method: "POST", url: baseURL + path, key: keyNews, contentType: "application/json", body: body,
					header: map[string]string{"Sec-Fetch-Site": site}}).wantRow(t, "SES-007")
			}
		}
		if got := r.result(keyNews, b.ID, code); got.status != http.StatusOK {
			t.Errorf("the platform's server, after that: %d %s", got.status, got.body)
		}
	})
	t.Run("SES-015", func(t *testing.T) { // cors_denied
		for _, origin := range []string{"null", "https://evil.example"} {
			for _, at := range []struct{ method, path string }{
				{"POST", "/v1/requests"}, {"OPTIONS", "/v1/requests"}, {"GET", "/v1/requests/" + b.ID},
				{"POST", "/v1/requests/" + b.ID + "/result"}, {"OPTIONS", "/v1/requests/" + b.ID + "/result"},
			} {
				got := r.do(call{method: at.method, url: baseURL + at.path, key: keyNews, contentType: "application/json", body: "{}",
					header: map[string]string{"Origin": origin, "Access-Control-Request-Method": "POST"}})
				for name := range got.header {
					if strings.HasPrefix(name, "Access-Control-") {
						t.Errorf("%s %s from %s: %s", at.method, at.path, origin, name)
					}
				}
			}
		}
	})
	t.Run("SES-006", func(t *testing.T) { // last: it uses up the platform's misses
		limited := false
		for range server.GuessRate + 1 {
			id, err := jose.GenerateKey()
			check(err)
			got := r.result(keyOther, id.Public().Thumbprint()[:22], "guess")
			if got.status == http.StatusTooManyRequests {
				got.wantRow(t, "SES-006")
				limited = true
			}
		}
		if !limited {
			t.Error("guessing was not slowed down")
		}
		_, code := r.released()
		if raw, err := jose.DecodeBase64URL(code); err != nil || len(raw) < 16 {
			t.Errorf("a response code of %d bytes", len(raw))
		}
	})
}

func TestRequestObject(t *testing.T) {
	r := newRig(t)
	post := func(uri, nonce string) (*openid4vp.Request, error) {
		got := r.do(call{method: "POST", url: uri, contentType: "application/x-www-form-urlencoded",
			body: url.Values{"wallet_nonce": {nonce}, "wallet_metadata": {"{}"}, "unknown": {"x"}}.Encode()})
		if got.status != http.StatusOK || got.header.Get("Content-Type") != openid4vp.RequestMediaType || got.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Fatalf("request object: %d %s", got.status, got.body)
		}
		u, err := openid4vp.ParseRequest(string(got.body), openid4vp.Expect{ClientID: "x509_hash:" + jose.LeafHash(r.w.news.x5c), WalletNonce: nonce})
		if err != nil {
			return nil, err
		}
		return u.Authenticate(t.Context(), r.authority())
	}
	b := r.begin("access", "same_device")
	t.Run("SES-012", func(t *testing.T) {
		first, err := post(b.uri, "nonce-one")
		if err != nil {
			t.Fatal(err)
		}
		second, err := post(b.uri, "nonce-two")
		if err != nil {
			t.Fatal(err)
		}
		if rows()["SES-012"].status != http.StatusOK || first.WalletNonce != "nonce-one" || second.WalletNonce != "nonce-two" || first.Nonce != second.Nonce {
			t.Error("each object must echo its own wallet_nonce and ask the same")
		}
	})
	t.Run("SES-013", func(t *testing.T) {
		if req, err := post(r.begin("access", "same_device").uri, "nonce-three"); err != nil || req.WalletNonce != "nonce-three" || rows()["SES-013"].status != http.StatusOK {
			t.Errorf("wallet_nonce is not echoed: %v", err)
		}
		if req := r.ask(b); req.WalletNonce != "" {
			t.Error("a GET got a wallet_nonce")
		}
	})
	t.Run("a key for each request", func(t *testing.T) {
		a, b := r.ask(b), r.ask(r.begin("access", "same_device"))
		if a.ClientMetadata.Keys[0].Key.Equal(b.ClientMetadata.Keys[0].Key) || a.Nonce == b.Nonce || a.State == b.State {
			t.Error("two requests share a key, nonce or state")
		}
	})
	t.Run("over", func(t *testing.T) {
		if got := r.compose(b, twist{}).send(); got.status != http.StatusOK {
			t.Fatalf("answer: %d %s", got.status, got.body)
		}
		r.do(call{method: "GET", url: b.uri}).want(t, http.StatusGone, "invalid_request", "transaction_already_used")
		late := r.begin("access", "same_device")
		r.clock.advance(verifier.TTL)
		r.do(call{method: "GET", url: late.uri}).want(t, http.StatusGone, "invalid_request", "transaction_expired")
	})
}

func TestBegin(t *testing.T) {
	r := newRig(t)
	for _, tt := range []struct {
		name, body string
		status     int
		reason     string
	}{
		{"unknown policy", `{"policy":"everything","flow":"cross_device"}`, 404, "policy_unknown"},
		{"a query", `{"policy":"access","flow":"cross_device","dcql_query":{}}`, 400, "body_malformed"},
		{"foreign return address", `{"policy":"access","return_uri":"https://evil.example/"}`, 400, "return_uri_unregistered"},
		{"return address with more", `{"policy":"access","return_uri":"` + returnURI + `?x=1"}`, 400, "return_uri_unregistered"},
		{"cross device returns nowhere", `{"policy":"access","flow":"cross_device","return_uri":"` + returnURI + `"}`, 400, "return_uri_unregistered"},
		{"unknown flow", `{"policy":"access","flow":"any"}`, 400, "flow_invalid"},
		{"duplicate member", `{"policy":"access","policy":"home"}`, 400, "body_malformed"},
		{"not JSON", `policy=access`, 400, "body_malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := r.api(keyNews, "POST", "/v1/requests", tt.body)
			if got.status != tt.status || got.field("code") != tt.reason || got.field("fix") == "" || got.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
	t.Run("no key", func(t *testing.T) {
		for _, key := range []string{"", "wrong", strings.ToUpper(keyNews)} {
			if got := r.api(key, "POST", "/v1/requests", `{"policy":"access"}`); got.status != http.StatusUnauthorized {
				t.Errorf("key %q: %d", key, got.status)
			}
		}
	})
	t.Run("idempotent", func(t *testing.T) {
		post := func(policyID string) reply {
			return r.do(call{method: "POST", url: baseURL + "/v1/requests", key: keyNews, contentType: "application/json",
				body: `{"policy":"` + policyID + `","flow":"cross_device"}`, header: map[string]string{"Idempotency-Key": "k1"}})
		}
		first, again := post("access"), post("access")
		if first.status != http.StatusCreated || first.field("id") != again.field("id") {
			t.Errorf("got %s, then %s", first.body, again.body)
		}
		if other := post("home"); other.status != http.StatusUnprocessableEntity {
			t.Errorf("another request with the same key: %d %s", other.status, other.body)
		}
	})
	t.Run("health", func(t *testing.T) {
		for _, p := range []string{"/health", "/ready"} {
			if got := r.do(call{method: "GET", url: baseURL + p}); got.status != http.StatusNoContent {
				t.Errorf("%s: %d", p, got.status)
			}
		}
		if got := r.do(call{method: "GET", url: baseURL + "/openapi.yaml"}); !strings.HasPrefix(string(got.body), "openapi: 3.1") {
			t.Errorf("OpenAPI: %d", got.status)
		}
	})
}

// TestOpened: the platform that asked sees that its request was fetched, and
// nobody else sees anything; the log has no entry of it.
func TestOpened(t *testing.T) {
	r := newRig(t)
	b := r.begin("access", "cross_device")
	state := func() string { return r.api(keyNews, "GET", "/v1/requests/"+b.ID, "").field("state") }
	if got := state(); got != "open" {
		t.Fatalf("before: %s", got)
	}
	for range 2 {
		if a := r.do(call{method: "GET", url: b.uri}); a.status != http.StatusOK {
			t.Fatalf("request object: %d", a.status)
		}
		if got := state(); got != "opened" {
			t.Fatalf("after it was fetched: %s", got)
		}
	}
	if a := r.api(keyOther, "GET", "/v1/requests/"+b.ID, ""); a.status != http.StatusNotFound {
		t.Fatalf("another platform: %d %s", a.status, a.body)
	}
	r.wantEntries(audit.KindConfig, audit.KindPolicy, audit.KindRequest)
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
	defer stop()
	req := httptest.NewRequestWithContext(ctx, "GET", baseURL+"/v1/requests/"+b.ID+"/events", nil)
	req.Header.Set("Authorization", "Bearer "+keyNews)
	rec := httptest.NewRecorder()
	answer, sent := r.compose(b, twist{}), make(chan reply, 1)
	time.AfterFunc(3*server.EventInterval/2, func() { sent <- answer.send() })
	r.http.ServeHTTP(rec, req)
	if done := <-sent; done.status != http.StatusOK {
		t.Fatalf("answer: %d %s", done.status, done.body)
	}
	if first, _, _ := strings.Cut(rec.Body.String(), "\n\n"); !strings.Contains(first, `"state":"opened"`) || !strings.Contains(rec.Body.String(), `"state":"released"`) {
		t.Fatalf("events: %s", rec.Body)
	}
	if got := state(); got != "released" {
		t.Fatalf("after the answer: %s", got)
	}
}
