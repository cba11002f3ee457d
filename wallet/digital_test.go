package wallet_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/dcql"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/credentials/sdjwt"
	"facet/wallet"
)

const page = "https://www.morgenblatt.example"

// digital turns a question into one that a page asks through the browser.
func (q *question) digital() *question {
	delete(q.object, "response_uri")
	delete(q.object, "state")
	q.object["response_mode"] = "dc_api.jwt"
	q.object["expected_origins"] = []any{"https://morgenblatt.example", page}
	return q
}

// message signs the question as a page hands it to the browser.
func (r *rig) message(q *question) openid4vp.DigitalMessage {
	r.t.Helper()
	payload, err := json.Marshal(q.object)
	if err != nil {
		r.t.Fatal(err)
	}
	jar, err := jose.Sign(r.t.Context(), q.signer, map[string]any{"typ": openid4vp.RequestType, "x5c": q.signer.x5c}, payload)
	if err != nil {
		r.t.Fatal(err)
	}
	if q.edit != nil {
		jar = q.edit(jar)
	}
	m, err := openid4vp.SignedDigital(jar)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

// unsignedMessage is the same without a signature, with all its parameters.
func (r *rig) unsignedMessage(q *question) openid4vp.DigitalMessage {
	r.t.Helper()
	raw, err := json.Marshal(q.object)
	if err != nil {
		r.t.Fatal(err)
	}
	return openid4vp.DigitalMessage{Protocol: openid4vp.ProtocolUnsigned, Data: raw}
}

// TestDigitalRejects opens requests through the browser's API that must not be
// shown. WREQ-033 is the official suite's module wrong-expected-origins.
func TestDigitalRejects(t *testing.T) {
	origins := func(list ...any) func(*question) {
		return func(q *question) { q.object["expected_origins"] = list }
	}
	for _, tt := range []struct {
		id, name string
		twist    func(*question)
		want     string
	}{
		{"WREQ-033", "made for another page", origins("https://evil.example"), "origin_mismatch"},
		{"WREQ-033", "a slash at the end", origins(page + "/"), "origin_mismatch"},
		{"WREQ-033", "the default port", origins(page + ":443"), "origin_mismatch"},
		{"WREQ-033", "capitals", origins("https://WWW.morgenblatt.example"), "origin_mismatch"},
		{"WREQ-033", "the domain above", origins("https://morgenblatt.example"), "origin_mismatch"},
		{"WREQ-033", "the audience's spelling", origins("origin:" + page), "origin_mismatch"},
		{"origins", "none", func(q *question) { delete(q.object, "expected_origins") }, "expected_origins_missing"},
		{"origins", "empty", origins(), "expected_origins_missing"},
		{"origins", "one text", func(q *question) { q.object["expected_origins"] = page }, "expected_origins_missing"},
		{"origins", "a number", origins(page, 7), "request_malformed"},
		{"origins", "too many", func(q *question) {
			list := make([]any, openid4vp.MaxOrigins+1)
			for i := range list {
				list[i] = page
			}
			q.object["expected_origins"] = list
		}, "expected_origins_missing"},
		{"origins", "http", origins(page, "http://www.morgenblatt.example"), "origin_forbidden"},
		{"origins", "http on this machine", origins(page, "http://localhost:8083"), "origin_forbidden"},
		{"origins", "ftp", origins(page, "ftp://www.morgenblatt.example"), "origin_forbidden"},
		{"origins", "javascript", origins(page, "javascript:alert(1)"), "origin_forbidden"},
		{"origins", "data", origins(page, "data:text/html,"), "origin_forbidden"},
		{"origins", "ws", origins(page, "ws://www.morgenblatt.example"), "origin_forbidden"},
		{"origins", "wss", origins(page, "WSS://www.morgenblatt.example"), "origin_forbidden"},
		{"origins", "no scheme", origins(page, "null"), "origin_forbidden"},
		{"WREQ-004", "unknown prefix", func(q *question) { q.object["client_id"] = "foo:bar" }, "client_id_prefix_unsupported"},
		{"WREQ-005", "no prefix", func(q *question) { q.object["client_id"] = "morgenblatt" }, "client_not_registered"},
		{"WREQ-006", "capitals", func(q *question) { q.object["client_id"] = strings.ToUpper(q.clientID) }, "client_id_prefix_unsupported"},
		{"client", "none", func(q *question) { delete(q.object, "client_id") }, "client_not_registered"},
		{"WREQ-007", "redirect_uri", func(q *question) { q.object["client_id"] = "redirect_uri:" + page }, "client_id_signing_rule"},
		{"WREQ-010", "origin", func(q *question) { q.object["client_id"] = "origin:" + page }, "client_id_prefix_reserved"},
		{"client", "another certificate", func(q *question) {
			q.object["client_id"] = "x509_hash:Uvo3HtuIxuhC92rShpgqcT3YXwrqRxWEviRiA0OZszk"
		}, "client_id_mismatch"},
		{"WREQ-002", "alg none", func(q *question) {
			q.edit = func(jar string) string {
				return jose.EncodeBase64URL([]byte(`{"alg":"none","typ":"oauth-authz-req+jwt"}`)) + "." + strings.Split(jar, ".")[1] + "."
			}
		}, "jose_alg_not_allowed"},
		{"WREQ-001", "changed", func(q *question) {
			q.edit = func(jar string) string {
				head, rest, _ := strings.Cut(jar, ".")
				body, sig, _ := strings.Cut(rest, ".")
				raw, _ := jose.DecodeBase64URL(body)
				return head + "." + jose.EncodeBase64URL([]byte(strings.Replace(string(raw), page, "https://evil.example", 1))) + "." + sig
			}
		}, "jar_signature_invalid"},
		{"parameters", "posted to the asker", func(q *question) {
			q.object["response_mode"], q.object["response_uri"] = "direct_post.jwt", "https://morgenblatt.example/r"
		}, "response_uri_missing"},
		{"parameters", "into a fragment", func(q *question) {
			q.object["response_mode"], q.object["redirect_uri"] = "fragment", "https://morgenblatt.example/r"
		}, "response_uri_missing"},
		{"parameters", "no response_mode", func(q *question) { delete(q.object, "response_mode") }, "response_mode_unsupported"},
		{"WREQ-012", "no nonce", func(q *question) { delete(q.object, "nonce") }, "nonce_invalid"},
		{"WREQ-021", "no credentials", func(q *question) { q.object["dcql_query"] = map[string]any{"credentials": []any{}} }, "dcql_malformed"},
		{"WREQ-023", "transaction_data", func(q *question) { q.object["transaction_data"] = []any{"e30"} }, "transaction_data_unsupported"},
		{"WREQ-024", "no key", func(q *question) {
			delete(q.object["client_metadata"].(map[string]any), "jwks")
		}, "response_encryption_unavailable"},
		{"WREQ-031", "for another wallet", func(q *question) { q.object["aud"] = "https://wallet.example" }, "jar_aud_mismatch"},
		{"WREQ-031", "expired", func(q *question) { q.object["exp"] = start.Add(-2 * time.Minute).Unix() }, "jar_expired"},
	} {
		t.Run(tt.id+"/"+tt.name, func(t *testing.T) {
			r := newRig(t)
			q := r.question().digital()
			if _, err := r.wallet.AskDigital(t.Context(), r.message(q), page); err != nil {
				t.Fatalf("the unchanged request: %v", err)
			}
			tt.twist(q)
			p, err := r.wallet.AskDigital(t.Context(), r.message(q), page)
			if got := wallet.ReasonOf(err); err == nil || got != tt.want {
				t.Fatalf("got %v (kind %q), want %q", err, p.Kind, tt.want)
			}
			if home, err := r.wallet.Home(t.Context()); err != nil || len(home.Waiting) != 1 || len(r.posted()) != 0 {
				t.Errorf("%d wait, %d messages left, %v", len(home.Waiting), len(r.posted()), err)
			}
		})
	}
}

// TestDigitalEnvelope: what is around the request decides before it is read.
func TestDigitalEnvelope(t *testing.T) {
	r := newRig(t)
	good := r.message(r.question().digital())
	for name, tt := range map[string]struct {
		protocol, data, origin, want string
	}{
		"several signatures":     {openid4vp.ProtocolMultisigned, `{"request":{"payload":"e30","signatures":[]}}`, page, "multisigned_unsupported"},
		"an unknown protocol":    {"openid4vp-v2-signed", string(good.Data), page, "protocol_unsupported"},
		"no protocol":            {"", string(good.Data), page, "protocol_unsupported"},
		"capitals":               {"OpenID4VP-v1-signed", string(good.Data), page, "protocol_unsupported"},
		"JSON serialization":     {openid4vp.ProtocolSigned, `{"request":{"payload":"e30","signatures":[]}}`, page, "request_malformed"},
		"no request":             {openid4vp.ProtocolSigned, `{}`, page, "request_malformed"},
		"a list":                 {openid4vp.ProtocolSigned, `[]`, page, "json_malformed"},
		"a member twice":         {openid4vp.ProtocolSigned, `{"request":"a","request":"b"}`, page, "json_duplicate_member"},
		"signed as unsigned":     {openid4vp.ProtocolUnsigned, string(good.Data), page, "verifier_unknown"},
		"a page over http":       {good.Protocol, string(good.Data), "http://www.morgenblatt.example", "origin_forbidden"},
		"a page of this machine": {good.Protocol, string(good.Data), "http://localhost:8083", "origin_forbidden"},
		"no origin":              {good.Protocol, string(good.Data), "", "origin_forbidden"},
		"an opaque origin":       {good.Protocol, string(good.Data), "null", "origin_forbidden"},
		"a file":                 {good.Protocol, string(good.Data), "file:///tmp/a.html", "origin_forbidden"},
		"an address":             {good.Protocol, string(good.Data), page + "/news", "origin_forbidden"},
		"an address with user":   {good.Protocol, string(good.Data), "https://a@www.morgenblatt.example", "origin_forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := r.wallet.AskDigital(t.Context(), openid4vp.DigitalMessage{Protocol: tt.protocol, Data: []byte(tt.data)}, tt.origin)
			got := wallet.ReasonOf(err)
			if err == nil {
				got = p.Code
			}
			if got != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

// TestDigitalLoopback: pages of this machine ask only where that is allowed.
func TestDigitalLoopback(t *testing.T) {
	r := newRig(t)
	r.loopback = true
	r.open(nil)
	const local = "http://news.localhost:8083"
	q := r.question().digital()
	q.object["expected_origins"] = []any{local}
	if p, err := r.wallet.AskDigital(t.Context(), r.message(q), local); err != nil || p.Kind != wallet.KindForeign {
		t.Errorf("a page of this machine: %q, %v", p.Kind, err)
	}
	q.object["expected_origins"] = []any{local, "http://www.morgenblatt.example"}
	if _, err := r.wallet.AskDigital(t.Context(), r.message(q), local); wallet.ReasonOf(err) != "origin_forbidden" {
		t.Errorf("http elsewhere: %v", err)
	}
}

// TestDigitalAnswer: the answer is a message for the browser, bound to the page
// and not to the client, and nothing leaves the wallet.
func TestDigitalAnswer(t *testing.T) {
	for _, tt := range []struct{ mode, flow string }{{"dc_api.jwt", ""}, {"dc_api.jwt", "dc_api"}, {"dc_api", "dc_api"}} {
		t.Run(tt.mode+" "+tt.flow, func(t *testing.T) {
			r := newRig(t)
			r.prefer(liked)
			q := r.question().digital()
			q.flow = tt.flow
			q.prefer(t, r)
			q.object["response_mode"] = tt.mode
			// Mean nothing here, and so do nothing (App. A.2).
			q.object["state"], q.object["response_uri"], q.object["redirect_uri"] = "s", r.url("/response/1"), r.url("/back")
			delete(q.object, "aud")
			p, err := r.wallet.AskDigital(t.Context(), r.message(q), page)
			if err != nil || p.Kind != wallet.KindPolicy || p.CrossDevice {
				t.Fatalf("%+v, %v", p, err)
			}
			done, err := r.present(p, "home.topics")
			if err != nil || done.Digital == nil || done.RedirectURI != nil || len(r.posted()) != 0 {
				t.Fatalf("%+v, %d posts, %v", done, len(r.posted()), err)
			}
			token := r.digitalToken(q, *done.Digital)
			rule := credentials.Rule{
				SelfAsserted: []string{"urn:facet:media-preferences:1"}, Now: r.now, Leeway: time.Minute,
				KB: &sdjwt.KBRule{Nonce: fixedNonce, Audience: "origin:" + page, NotBefore: r.now.Add(-time.Minute), NotAfter: r.now.Add(time.Minute)},
			}
			if _, err := credentials.Verify(t.Context(), token["prefs"][0], rule); err != nil {
				t.Fatal(err)
			}
			rule.KB.Audience = q.clientID
			if _, err := credentials.Verify(t.Context(), token["prefs"][0], rule); wallet.ReasonOf(err) != "kb_aud_mismatch" {
				t.Errorf("bound to the client: %v", err)
			}
			item, err := r.wallet.HistoryItem(t.Context(), done.HistoryID)
			if err != nil || item.State != wallet.StateActive || !item.CanWithdraw {
				t.Errorf("history: %+v, %v", item, err)
			}
		})
	}
}

// digitalToken reads an answer as the page's verifier does.
func (r *rig) digitalToken(q *question, m openid4vp.DigitalMessage) openid4vp.VPToken {
	r.t.Helper()
	if m.Protocol != openid4vp.ProtocolSigned {
		r.t.Errorf("protocol %q", m.Protocol)
	}
	post, err := openid4vp.ParseDigitalAnswer(m.Data)
	if err != nil {
		r.t.Fatal(err)
	}
	if q.object["response_mode"] == "dc_api" {
		return post.VPToken
	}
	answer, err := openid4vp.DecryptResponse(post.Encrypted, q.enc, "k1")
	if err != nil || answer.State != "" {
		r.t.Fatalf("%+v, %v", answer, err)
	}
	return answer.VPToken
}

// TestDigitalRefuse: refusing is one word, as is approving nothing.
func TestDigitalRefuse(t *testing.T) {
	r := newRig(t)
	q := r.question().digital().prefer(t, r)
	for name, answer := range map[string]func(wallet.Proposal) (*openid4vp.DigitalMessage, error){
		"refuse": func(p wallet.Proposal) (*openid4vp.DigitalMessage, error) {
			done, err := r.wallet.Refuse(t.Context(), p.ID)
			return done.Digital, err
		},
		"approve nothing": func(p wallet.Proposal) (*openid4vp.DigitalMessage, error) {
			done, err := r.present(p)
			return done.Digital, err
		},
	} {
		p, err := r.wallet.AskDigital(t.Context(), r.message(q), page)
		if err != nil {
			t.Fatal(err)
		}
		m, err := answer(p)
		if err != nil || m == nil || string(m.Data) != `{"error":"access_denied"}` || m.Protocol != openid4vp.ProtocolSigned {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
}

// TestDigitalUnsigned: of an unsigned request only the page is known, whatever
// it says of itself, and nobody vouches for a page.
func TestDigitalUnsigned(t *testing.T) {
	r := newRig(t)
	r.prefer(liked)
	q := r.question().digital().prefer(t, r)
	p, err := r.wallet.AskDigital(t.Context(), r.unsignedMessage(q), page)
	if err != nil || p.Kind != wallet.KindUnverified || p.Asker.Domain != "www.morgenblatt.example" || p.Technical[0].Value != "origin:"+page {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, err := r.wallet.Present(t.Context(), p.ID, p.Digest, nil); wallet.ReasonOf(err) != wallet.CodeProposalGone {
		t.Errorf("answering a stranger: %v", err)
	}
	r.open(anyone{"www.morgenblatt.example"})
	r.prefer(liked)
	q.object["expected_origins"] = []any{"https://evil.example"}
	p, err = r.wallet.AskDigital(t.Context(), r.unsignedMessage(q), page)
	if err != nil || p.Kind != wallet.KindForeign {
		t.Fatalf("%+v, %v", p, err) // nor is an offer read that nobody signed
	}
	done, err := r.present(p)
	if err != nil || done.Digital == nil || done.Digital.Protocol != openid4vp.ProtocolUnsigned {
		t.Fatalf("%+v, %v", done, err)
	}
}

// TestDigitalOverasking: the policy offer bounds what a page may ask, too.
func TestDigitalOverasking(t *testing.T) {
	r := newRig(t)
	q := r.question().digital().prefer(t, r)
	more := *q.object["dcql_query"].(*dcql.Query)
	more.Credentials = append([]dcql.CredentialQuery{}, more.Credentials...)
	more.Credentials[0].Claims = append(append([]dcql.ClaimQuery{}, more.Credentials[0].Claims...), dcql.ClaimQuery{Path: claims.Path{"tone"}})
	q.object["dcql_query"] = &more
	if _, err := r.wallet.AskDigital(t.Context(), r.message(q), page); wallet.ReasonOf(err) != "policy_query_mismatch" {
		t.Errorf("got %v", err)
	}
}

// TestFlowsDoNotMix: a request that came one way and says it came another is
// none.
func TestFlowsDoNotMix(t *testing.T) {
	r := newRig(t)
	q := r.question()
	q.flow = "dc_api"
	r.refused(q.prefer(t, r), "policy_offer_invalid")
	q = r.question()
	q.object["response_mode"] = "dc_api.jwt"
	r.refused(q, "response_mode_unsupported")
	for _, flow := range []string{"same_device", "cross_device"} {
		q = r.question().digital()
		q.flow = flow
		if _, err := r.wallet.AskDigital(t.Context(), r.message(q.prefer(t, r)), page); wallet.ReasonOf(err) != "policy_offer_invalid" {
			t.Errorf("%s: %v", flow, err)
		}
	}
}

// TestFragment: the answer is in the address the holder returns to, and nothing
// is sent.
func TestFragment(t *testing.T) {
	r := newRig(t)
	r.prefer(liked)
	fragment := func() *question {
		q := r.question()
		delete(q.object, "response_uri")
		q.object["response_mode"], q.object["redirect_uri"] = "fragment", r.url("/back?from=wallet")
		return q.prefer(t, r)
	}
	back := func(to *string) *openid4vp.Post {
		t.Helper()
		if to == nil || len(r.posted()) != 0 {
			t.Fatalf("%v, %d posts", to, len(r.posted()))
		}
		u, err := url.Parse(*to)
		if err != nil || !strings.HasPrefix(*to, r.url("/back?from=wallet")+"#") {
			t.Fatalf("%s, %v", *to, err)
		}
		post, err := openid4vp.ParseFragment(u.EscapedFragment())
		if err != nil || post.State != "state-1" {
			t.Fatalf("%+v, %v", post, err)
		}
		return post
	}
	q := fragment()
	done, err := r.present(r.mustAsk(q), "home.topics")
	if err != nil || !done.Carried {
		t.Fatalf("%+v, %v", done, err)
	}
	_, err = credentials.Verify(t.Context(), back(done.RedirectURI).VPToken["prefs"][0], credentials.Rule{
		SelfAsserted: []string{"urn:facet:media-preferences:1"}, Now: r.now, Leeway: time.Minute,
		KB: &sdjwt.KBRule{Nonce: fixedNonce, Audience: q.clientID, NotBefore: r.now.Add(-time.Minute), NotAfter: r.now.Add(time.Minute)},
	})
	if err != nil {
		t.Error(err)
	}
	no, err := r.wallet.Refuse(t.Context(), r.mustAsk(fragment()).ID)
	if err != nil {
		t.Fatal(err)
	}
	if post := back(no.RedirectURI); post.Error != openid4vp.CodeAccessDenied || post.VPToken != nil {
		t.Errorf("%+v", post)
	}
}
