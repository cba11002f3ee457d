package openid4vci

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"facet/fetch"
)

func loopback(t *testing.T, h http.HandlerFunc) (url string, c Client) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL, Client{fetch.New(fetch.Config{InsecureLoopback: true})}
}

func TestFetchingAnOffer(t *testing.T) {
	url, c := loopback(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/good":
			_, _ = w.Write([]byte(offerText))
		case "/redirect":
			http.Redirect(w, r, "/good", http.StatusFound)
		case "/large":
			_, _ = w.Write([]byte(`{"x":"` + strings.Repeat("a", 5<<20) + `"}`))
		case "/html":
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<p>hello"))
		case "/gone":
			w.WriteHeader(http.StatusGone)
		case "/expired":
			w.WriteHeader(http.StatusGone)
			_, _ = w.Write([]byte(`{"error":"invalid_request","code":"offer_expired"}`))
		case "/used":
			w.WriteHeader(http.StatusGone)
			_, _ = w.Write([]byte(`{"error":"invalid_request","code":"code_used"}`))
		case "/strange":
			w.WriteHeader(http.StatusGone)
			_, _ = w.Write([]byte(`{"error":"invalid_request","code":"vault_deleted"}`))
		}
	})
	for path, reason := range map[string]string{"/expired": "offer_expired", "/used": "code_used", "/strange": "offer_fetch"} {
		_, err := c.Offer(t.Context(), url+path)
		wantReason(t, err, reason)
	}
	if o, err := c.Offer(t.Context(), url+"/good"); err != nil || o.CredentialIssuer != issuerURL {
		t.Fatalf("%+v, %v", o, err)
	}
	t.Run("VCI-026", func(t *testing.T) {
		for _, path := range []string{"/redirect", "/large", "/html", "/gone"} {
			_, err := c.Offer(t.Context(), url+path)
			wantReason(t, err, "offer_fetch")
		}
		_, err := Client{fetch.New(fetch.Config{})}.Offer(t.Context(), url+"/good") // http
		wantReason(t, err, "offer_fetch")
	})
}

func TestRefusalsKeepTheirReason(t *testing.T) {
	answer := ""
	url, c := loopback(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(answer))
	})
	i := &Issuer{Server: &ServerMetadata{TokenEndpoint: url}, Metadata: &IssuerMetadata{}}
	for text, want := range map[string]string{
		`{"error":"invalid_grant","code":"tx_code_wrong","tries_left":3}`: "tx_code_wrong",
		`{"error":"invalid_grant","code":"<script>"}`:                     "invalid_grant",
		`{"error":"invalid_grant"}`:                                       "invalid_grant",
		`<html>`:                                                          "fetch_status",
	} {
		answer = text
		_, err := c.Token(t.Context(), i, TokenRequest{Code: "c"})
		wantReason(t, err, want)
		if e, ok := err.(*Error); ok && want == "tx_code_wrong" && e.TriesLeft != 3 {
			t.Errorf("%d tries left, want 3", e.TriesLeft)
		}
	}
	if n, err := c.Nonce(t.Context(), i); n != "" || err != nil {
		t.Errorf("an issuer without nonces: %q, %v", n, err)
	}
}

func TestIssuerIsWhoTheOfferNames(t *testing.T) {
	var metadata, server string
	url, c := loopback(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasPrefix(r.URL.Path, WellKnownIssuer) {
			_, _ = w.Write([]byte(metadata))
			return
		}
		_, _ = w.Write([]byte(server))
	})
	sound := `{"credential_issuer":"` + url + `","credential_endpoint":"` + url + `/c","credential_configurations_supported":{"age":{"format":"dc+sd-jwt"}}}`
	server = `{"issuer":"` + url + `","token_endpoint":"` + url + `/t"}`
	offer := &Offer{CredentialIssuer: url, ConfigurationIDs: []string{"age"}, Grants: Grants{PreAuthorized: &PreAuthorizedGrant{Code: "c"}}}
	metadata = sound
	if i, err := c.Issuer(t.Context(), offer); err != nil || i.Server.TokenEndpoint != url+"/t" {
		t.Fatalf("%+v, %v", i, err)
	}
	metadata = strings.Replace(sound, url, "https://evil.example", 1)
	_, err := c.Issuer(t.Context(), offer)
	wantReason(t, err, "issuer_mismatch")
	metadata = strings.Replace(sound, `"age"`, `"other"`, 1)
	_, err = c.Issuer(t.Context(), offer)
	wantReason(t, err, "unknown_configuration")
	metadata = sound
	offer.Grants.PreAuthorized.AuthorizationServer = "https://evil.example"
	_, err = c.Issuer(t.Context(), offer)
	wantReason(t, err, "authorization_server_unknown")
}
