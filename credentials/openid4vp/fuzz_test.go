package openid4vp_test

import (
	"errors"
	"net/url"
	"testing"

	"facet/credentials/openid4vp"
)

// FuzzUnsigned: a request that comes unsigned in a link is refused with a
// reason, or asks something and says where the answer goes: to the address
// that is its client id.
func FuzzUnsigned(f *testing.F) {
	query := url.QueryEscape(`{"credentials":[{"id":"a","format":"dc+sd-jwt","meta":{"vct_values":["urn:x"]}}]}`)
	f.Add("openid4vp://?client_id=redirect_uri:https://v.example/cb&response_type=vp_token&response_mode=direct_post&nonce=bm9uY2Utb2YtdGhlLXRlc3Q&dcql_query=" + query)
	f.Add("openid4vp://?client_id=redirect_uri:https://v.example/cb&response_type=vp_token&response_mode=fragment&state=s&nonce=bm9uY2Utb2YtdGhlLXRlc3Q&dcql_query=" + query)
	f.Add("https://wallet.example/authorize#client_id=x509_hash:abc&request_uri=https://v.example/r")
	f.Add("openid4vp://?client_id=redirect_uri:https://v.example/cb&dcql_query={}")
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := openid4vp.ParseAuthorize(raw)
		typed(t, err)
		if err != nil {
			return
		}
		u, err := openid4vp.ParseUnsigned(p)
		typed(t, err)
		if err != nil {
			if u != nil {
				t.Fatal("a refused request came back")
			}
			return
		}
		if _, err := u.Authenticate(t.Context(), openid4vp.Authority{Now: now}); err == nil {
			t.Fatal("believed without anybody to ask")
		}
		r, err := u.Authenticate(t.Context(), openid4vp.Authority{Verifiers: anyone{}, Now: now})
		typed(t, err)
		if err != nil {
			if r != nil {
				t.Fatal("a refused request came back")
			}
			return
		}
		if r.DCQL == nil || r.Nonce == "" {
			t.Fatalf("%q asks nothing", raw)
		}
	})
}

func typed(t *testing.T, err error) {
	t.Helper()
	var e interface{ Reason() string }
	if err != nil && (!errors.As(err, &e) || e.Reason() == "") {
		t.Fatalf("a refusal without a reason: %v", err)
	}
}
