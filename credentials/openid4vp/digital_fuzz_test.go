package openid4vp_test

import (
	"slices"
	"strings"
	"testing"

	"facet/credentials/openid4vp"
)

// FuzzDigital: a request through the browser's API is refused with a reason, or
// asks something, is answered through that API alone, and binds the answer to
// the page that asked.
func FuzzDigital(f *testing.F) {
	const page = "https://news.example"
	query := `{"credentials":[{"id":"a","format":"dc+sd-jwt","meta":{"vct_values":["urn:x"]}}]}`
	f.Add(openid4vp.ProtocolUnsigned, `{"response_type":"vp_token","response_mode":"dc_api","nonce":"bm9uY2Utb2YtdGhlLXRlc3Q","dcql_query":`+query+`}`, page)
	f.Add(openid4vp.ProtocolUnsigned, `{"client_id":"x509_hash:a","expected_origins":["https://evil.example"],"response_uri":"https://evil.example","response_type":"vp_token","response_mode":"dc_api","nonce":"bm9uY2Utb2YtdGhlLXRlc3Q","dcql_query":`+query+`}`, page)
	f.Add(openid4vp.ProtocolSigned, `{"request":"e30.e30.e30"}`, page)
	f.Add(openid4vp.ProtocolSigned, `{"request":{"payload":"e30","signatures":[]}}`, page)
	f.Add(openid4vp.ProtocolMultisigned, `{}`, "http://localhost:1")
	f.Fuzz(func(t *testing.T, protocol, data, origin string) {
		u, err := openid4vp.ParseDigital(openid4vp.DigitalMessage{Protocol: protocol, Data: []byte(data)}, openid4vp.Caller{Origin: origin})
		typed(t, err)
		if err != nil {
			if u != nil {
				t.Fatal("a refused request came back")
			}
			return
		}
		if !strings.HasPrefix(origin, "https://") {
			t.Fatalf("a request was taken from %q", origin)
		}
		r, err := u.Authenticate(t.Context(), openid4vp.Authority{Verifiers: anyone{}, Now: now})
		typed(t, err)
		if err != nil {
			if r != nil {
				t.Fatal("a refused request came back")
			}
			return
		}
		signed := r.Key() != nil
		switch {
		case r.DCQL == nil || r.Nonce == "":
			t.Fatalf("%q asks nothing", data)
		case r.AnswerAudience() != "origin:"+origin:
			t.Fatalf("bound to %q", r.AnswerAudience())
		case signed && !slices.Contains(r.ExpectedOrigins, origin), !signed && (r.ExpectedOrigins != nil || r.ClientID != "origin:"+origin):
			t.Fatalf("client %q, origins %v", r.ClientID, r.ExpectedOrigins)
		case r.ResponseURI != "" || r.RedirectURI != "" || r.State != "":
			t.Fatal("it says where else the answer goes")
		}
		if _, err := r.Answer(t.Context(), nil, openid4vp.VPToken{}); err == nil {
			t.Fatal("the answer was sent somewhere")
		}
	})
}

// FuzzBrowserAnswer: what a page hands over is refused with a reason, or holds
// exactly one answer.
func FuzzBrowserAnswer(f *testing.F) {
	f.Add(`{"response":"e30.e30.e30.e30.e30"}`)
	f.Add(`{"vp_token":{"a":["x"]}}`)
	f.Add(`{"error":"access_denied"}`)
	f.Add(`{"error":"<script>","vp_token":{}}`)
	f.Add("#vp_token=%7B%22a%22%3A%5B%22x%22%5D%7D&state=s")
	f.Add("error=access_denied&error_description=%00&state=s")
	f.Add("vp_token=%7B%7D&vp_token=%7B%7D")
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func() (*openid4vp.Post, error){
			func() (*openid4vp.Post, error) { return openid4vp.ParseDigitalAnswer([]byte(text)) },
			func() (*openid4vp.Post, error) { return openid4vp.ParseFragment(text) },
		} {
			post, err := read()
			typed(t, err)
			if err != nil {
				continue
			}
			kinds := 0
			for _, there := range []bool{post.Encrypted != "", len(post.VPToken) > 0, post.Error != ""} {
				if there {
					kinds++
				}
			}
			if kinds != 1 || strings.ContainsAny(post.ErrorText, "<>&\"'\x00\n") {
				t.Fatalf("%q reads as %+v", text, post)
			}
		}
	})
}
