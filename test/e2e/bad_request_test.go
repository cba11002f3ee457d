package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"facet/credentials/dcql"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
)

// A shady is a server that answers requests for a request object as it likes.
// Everything it gets is on its tape.
type shady struct {
	*tape
	origin string
	sent   atomic.Int64                                 // bytes somebody took
	answer func(w http.ResponseWriter, _ *http.Request) // of /request
}

func startShady(t *testing.T) *shady {
	t.Helper()
	s := &shady{tape: &tape{}}
	origin, serve := listen(t, "shady.localhost")
	s.origin = origin
	serve(s.record(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		s.answer(w, r)
	})))
	return s
}

// link is a link to the wallet that names the shady server's request.
func (s *shady) link(wallet, clientID, method string) string {
	q := url.Values{"client_id": {clientID}, "request_uri": {s.origin + "/request"}}
	if method != "" {
		q.Set("request_uri_method", method)
	}
	return wallet + "/authorize#" + q.Encode()
}

// flood writes a GiB, or as much as somebody takes.
func (s *shady) flood(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", openid4vp.RequestMediaType)
	block := []byte(strings.Repeat("A", 64<<10))
	for s.sent.Load() < 1<<30 {
		n, err := w.Write(block)
		s.sent.Add(int64(n))
		if err != nil {
			return
		}
	}
}

// TestBadInputRequest opens requests that are wrong: nothing is sent to anyone,
// the page says so, and the next good request works.
func TestBadInputRequest(t *testing.T) {
	x := startTrial(t)
	x.allow("status of (400|404|410|500)") // what the servers of this test answer
	x.receives("age")
	x.cards++
	shady := startShady(t)
	id, good := x.d.asks(t, "agegate")
	params := fragment(t, good)
	clientID, requestURI := params.Get("client_id"), params.Get("request_uri")
	method := params.Get("request_uri_method")

	for _, tt := range []struct {
		name, method, reason string
		answer               http.HandlerFunc
	}{
		{"404", "", "request_gone", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
		}},
		{"500 with a stack trace", "", "fetch_status", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprint(w, "panic: runtime error\n\ngoroutine 1 [running]:\nmain.go:7")
		}},
		{"302 to the real request", "", "redirect_not_allowed", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, requestURI, http.StatusFound)
		}},
		{"302 after a POST", "post", "redirect_not_allowed", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, requestURI, http.StatusTemporaryRedirect)
		}},
		{"HTML", "", "content_type", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<script>alert(1)</script>")
		}},
		{"a GiB", "", "fetch_limit", shady.flood},
		{"changed by one character", method, "jar_signature_invalid", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", openid4vp.RequestMediaType)
			fmt.Fprint(w, tamper(fetched(t, requestURI, r)))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x.t = t
			shady.answer = tt.answer
			x.opensLink(shady.link(x.d.wallet, clientID, tt.method))
			x.refuses(tt.reason, "sent.nothing")
		})
	}
	if n := shady.sent.Load(); n > 64<<20 {
		t.Errorf("%d bytes of a GiB were taken", n)
	}
	t.Run("signed by a stranger", func(t *testing.T) {
		x.t = t
		x.meetsStranger(shady)
	})
	if sent := x.verifier.requests("POST", "/wallet/response/"); len(sent) != 0 {
		t.Fatalf("%d answers were sent to the verifier", len(sent))
	}
	t.Run("the same answer twice", func(t *testing.T) {
		x.t = t
		x.asked(good)
		x.decide("approve")
		x.await("the sent page", find("h1", x.say("done.title")))
		sent := x.verifier.requests("POST", "/wallet/response/")
		if len(sent) != 1 {
			t.Fatalf("%d answers were sent", len(sent))
		}
		status, _, answer := call(t, "POST", "http://"+sent[0].url, string(sent[0].body), map[string]string{"Content-Type": sent[0].header.Get("Content-Type")})
		wantProblem(t, status, answer, http.StatusBadRequest, "transaction_already_used")
		if state := x.d.state(t, id); state != "released" {
			t.Errorf("the replay changed the state to %s", state)
		}
		x.opensLink(good)
		x.refuses("request_gone", "sent.nothing")
	})
}

// meetsStranger opens a request whose signature is right and whose signer
// nobody knows.
func (x *trial) meetsStranger(s *shady) {
	t := x.t
	t.Helper()
	who := newParty(t, "Morgenblatt", "shady.example")
	clientID := s.asksAs(t, who)
	before := len(s.requests("POST", ""))
	x.opensLink(s.link(x.d.wallet, clientID, ""))
	x.awaitText(x.say("unverified.nothing"))
	var can int
	x.eval(`document.querySelectorAll(".choice, main form, main button:not(.more button)").length`, &can)
	if can != 0 {
		t.Errorf("a stranger's request has %d buttons", can)
	}
	var said string
	x.eval("document.body.innerText", &said)
	if strings.Contains(said, "Morgenblatt") || trace.MatchString(said) {
		t.Errorf("the page believes what a stranger says of themselves:\n%s", said)
	}
	x.shot("bad-stranger")
	x.press(x.say("close"))
	x.keeps(x.cards)
	if n := len(s.requests("POST", "")); n != before {
		t.Errorf("%d messages went to a stranger", n-before)
	}
}

// asksAs lets the server ask for one proof in somebody's name.
func (s *shady) asksAs(t *testing.T, who party, beside ...openid4vp.VerifierInfo) (clientID string) {
	t.Helper()
	query, err := dcql.Parse([]byte(`{"credentials":[{"id":"age","format":"dc+sd-jwt","meta":{"vct_values":["urn:facet:age:1"]},"claims":[{"path":["age_equal_or_over","18"]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	enc, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	clientID = "x509_hash:" + jose.LeafHash(who.x5c)
	request, err := openid4vp.SignRequest(t.Context(), who.key, who.x5c, openid4vp.RequestObject{
		ClientID: clientID, ResponseType: openid4vp.ResponseType, ResponseMode: openid4vp.ModeDirectPostJWT,
		ResponseURI: s.origin + "/response", Nonce: "0123456789abcdef0123456789abcdef", State: "state", DCQL: query,
		ClientMetadata: openid4vp.ClientMetadata{
			Keys:         []openid4vp.EncryptionKey{{Kid: "k", Key: enc.Public()}},
			EncSupported: []string{openid4vp.EncA128GCM}, VPFormats: openid4vp.SDJWTFormats(),
		},
		VerifierInfo: beside,
		Audience:     openid4vp.SelfIssuedAudience, IssuedAt: time.Now(), ExpiresAt: time.Now().Add(time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/response" {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, "{}")
			return
		}
		w.Header().Set("Content-Type", openid4vp.RequestMediaType)
		fmt.Fprint(w, request)
	}
	return clientID
}

func fragment(t *testing.T, link string) url.Values {
	t.Helper()
	_, words, _ := strings.Cut(link, "#")
	q, err := url.ParseQuery(words)
	if err != nil || q.Get("request_uri") == "" {
		t.Fatalf("no request in %s: %v", link, err)
	}
	return q
}

// fetched is the real request object, asked for as r asks.
func fetched(t *testing.T, uri string, r *http.Request) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	status, _, answer := call(t, r.Method, uri, string(body), map[string]string{"Content-Type": r.Header.Get("Content-Type")})
	if status != http.StatusOK {
		t.Errorf("the real request: %d %s", status, answer)
	}
	return string(answer)
}

// tamper asks for one claim more, or another; the signature stays.
func tamper(jar string) string {
	parts := strings.Split(jar, ".")
	payload, err := jose.DecodeBase64URL(parts[1])
	if err != nil || len(parts) != 3 {
		return jar
	}
	parts[1] = encode(strings.Replace(string(payload), `"18"`, `"65"`, 1))
	return strings.Join(parts, ".")
}

// TestBadInputAPI sends what is wrong to every door that machines use. Each
// answer has a stable code.
func TestBadInputAPI(t *testing.T) {
	d := startDemo(t)
	id, link := d.asks(t, "agegate")
	requestURI := fragment(t, link).Get("request_uri")
	_, _, jar := call(t, "GET", requestURI, "", nil)
	var asked struct {
		ResponseURI string `json:"response_uri"`
	}
	payload, err := jose.DecodeBase64URL(strings.Split(string(jar), ".")[1])
	if err != nil || json.Unmarshal(payload, &asked) != nil {
		t.Fatalf("the request object: %v", err)
	}
	jsonType, form := map[string]string{"Content-Type": "application/json"}, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	for _, tt := range []struct {
		name, method, url, body string
		header                  map[string]string
		status                  int
		code                    string
	}{
		{"no key", "POST", d.verifier + "/v1/requests", `{"policy":"home"}`, jsonType, 401, "api_key_invalid"},
		{"wrong key", "GET", d.verifier + "/v1/requests/" + id, "", map[string]string{"Authorization": "Bearer guess"}, 401, "api_key_invalid"},
		{"nothing there", "GET", d.verifier + "/v2", "", nil, 404, "not_found"},
		{"request nobody made", "GET", d.verifier + "/wallet/request/AAAAAAAAAAAAAAAAAAAAAA", "", nil, 404, "transaction_unknown"},
		{"answer to nobody", "POST", d.verifier + "/wallet/response/AAAAAAAAAAAAAAAAAAAAAA", "response=x", form, 400, "transaction_unknown"},
		{"answer of zeros", "POST", asked.ResponseURI, "response=" + strings.Repeat("0", 1000), form, 400, ""},
		{"answer in the clear", "POST", asked.ResponseURI, `vp_token={}&state=x`, form, 400, ""},
		{"answer of a MiB", "POST", asked.ResponseURI, "response=" + strings.Repeat("A", 1<<20), form, 413, "size_limit"},
		{"receipt without a proof", "POST", strings.Replace(asked.ResponseURI, "response", "receipt", 1), "proof=x", form, 0, ""},
		{"vault of nobody", "GET", d.wallet + "/api/vault", "", nil, 401, "signed_out"},
		{"passkey of nothing", "POST", d.wallet + "/api/passkey/login/finish", `{}`, jsonType, 401, "webauthn_invalid"},
		{"no JSON", "POST", d.wallet + "/api/recovery/login", `{"lookup_id"`, jsonType, 400, "malformed"},
		{"another name of the wallet", "GET", strings.Replace(d.wallet, "wallet.", "evil.", 1) + "/", "", nil, 421, "host_unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, contentType, answer := call(t, tt.method, tt.url, tt.body, tt.header)
			if tt.code == "" { // which of several it is, is for the engine's own tests
				var p struct{ Code string }
				if err := json.Unmarshal(answer, &p); err != nil || p.Code == "" {
					t.Fatalf("no code: %d %s", status, answer)
				}
				tt.code = p.Code
				if tt.status == 0 && status >= 400 && status < 500 {
					tt.status = status
				}
			}
			wantProblem(t, status, answer, tt.status, tt.code)
			if wire := strings.Contains(tt.url, "/wallet/"); !wire && contentType != "application/problem+json" {
				t.Errorf("content type %s", contentType)
			}
		})
	}
	if state := d.state(t, id); state != "open" && state != "opened" {
		t.Errorf("rubbish ended the request: %s", state)
	}
}
