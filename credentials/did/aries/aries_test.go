//go:build !js

package aries

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"facet/credentials/did"
	"facet/credentials/jose"
	"facet/fetch"
)

func wantReason(t *testing.T, err error, reason string) {
	t.Helper()
	var e interface{ Reason() string }
	if !errors.As(err, &e) || e.Reason() != reason {
		t.Fatalf("got %v, want reason %q", err, reason)
	}
}

func newKey(t *testing.T) *jose.PublicKey {
	t.Helper()
	k, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k.Public()
}

// site serves whatever document is set, and returns its did:web.
func site(t *testing.T, serve func(w http.ResponseWriter, r *http.Request)) (id string, r did.Methods) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(serve))
	t.Cleanup(s.Close)
	r, err := Methods(Config{Fetch: fetch.New(fetch.Config{InsecureLoopback: true}), InsecureHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	return "did:web:" + strings.Replace(strings.TrimPrefix(s.URL, "http://"), ":", "%3A", 1), r
}

func document(id string, k *jose.PublicKey, about, controller, relation string) string {
	jwk, _ := json.Marshal(k)
	return `{"@context":["https://www.w3.org/ns/did/v1"],"id":"` + about + `","verificationMethod":[{"id":"` + id +
		`#k1","type":"JsonWebKey2020","controller":"` + controller + `","publicKeyJwk":` + string(jwk) + `}],"` + relation + `":["` + id + `#k1"]}`
}

func TestWeb(t *testing.T) {
	k := newKey(t)
	var body, contentType string
	var status int
	id, r := site(t, func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path != "/.well-known/did.json" && q.URL.Path != "/a/b/did.json" {
			status = http.StatusNotFound
		}
		w.Header().Set("Content-Type", contentType)
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
	good := document(id, k, id, id, "assertionMethod")
	for name, tt := range map[string]struct {
		body, contentType, url, reason string
		status                         int
	}{
		"sound":              {good, "application/did+json", id + "#k1", "", 200},
		"for authentication": {document(id, k, id, id, "authentication"), "application/json", id + "#k1", "", 200},
		"no fragment":        {good, "application/json", id, "did_key_unknown", 200},
		"other key":          {good, "application/json", id + "#k2", "did_key_unknown", 200},
		"only to encrypt":    {document(id, k, id, id, "keyAgreement"), "application/json", id + "#k1", "did_key_unknown", 200},
		"other controller":   {document(id, k, id, "did:web:evil.example", "assertionMethod"), "application/json", id + "#k1", "did_key_unknown", 200},
		"about another":      {document(id, k, "did:web:evil.example", id, "assertionMethod"), "application/json", id + "#k1", "did_mismatch", 200},
		"html":               {good, "text/html", id + "#k1", "content_type", 200},
		"gone":               {good, "application/json", id + "#k1", "fetch_status", 410},
		"redirect":           {good, "application/json", id + "#k1", "redirect_not_allowed", 302},
		"large":              {`{"x":"` + strings.Repeat("a", MaxDocument) + `"}`, "application/json", id + "#k1", "fetch_limit", 200},
		"member twice":       {`{"id":"a",` + good[1:], "application/json", id + "#k1", "json_duplicate_member", 200},
		"deep":               {strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50), "application/json", id + "#k1", "json_depth_limit", 200},
		"empty":              {`{}`, "application/json", id + "#k1", "did_malformed", 200},
	} {
		t.Run(name, func(t *testing.T) {
			body, contentType, status = tt.body, tt.contentType, tt.status
			got, err := r.Resolve(t.Context(), tt.url)
			if tt.reason != "" {
				wantReason(t, err, tt.reason)
				return
			}
			if err != nil || !got.Equal(k) {
				t.Fatalf("%v", err)
			}
		})
	}
	body, contentType, status = strings.ReplaceAll(good, id, id+":a:b"), "application/json", 200
	if got, err := r.Resolve(t.Context(), id+":a:b#k1"); err != nil || !got.Equal(k) {
		t.Fatalf("below a path: %v", err)
	}
}

func TestWebReachesNoOtherAddress(t *testing.T) {
	var asked int
	id, r := site(t, func(http.ResponseWriter, *http.Request) { asked++ })
	for _, bad := range []string{
		id + "%2Fpath", id + ":..", id + ":a:..:b", id + ":", "did:web:user%40" + strings.TrimPrefix(id, "did:web:"),
		"did:web:a%3Fb", "did:web:%2F%2Fevil.example", "did:web:-a", "did:web:a%3A999999",
	} {
		_, err := r.Resolve(t.Context(), bad+"#k1")
		wantReason(t, err, "did_malformed")
	}
	strict, err := Methods(Config{Fetch: fetch.New(fetch.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	_, err = strict.Resolve(t.Context(), "did:web:169.254.169.254#k1")
	wantReason(t, err, "url_blocked")
	_, err = strict.Resolve(t.Context(), id+"#k1")
	wantReason(t, err, "url_port")
	if asked != 0 {
		t.Fatalf("%d requests were made", asked)
	}
	if _, err := Methods(Config{}); err == nil {
		t.Fatal("resolves without a fetcher")
	}
}

// TestKeyAgreesWithOurs: two implementations read the same key.
func TestKeyAgreesWithOurs(t *testing.T) {
	r, err := Methods(Config{Fetch: fetch.New(fetch.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	large, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	list := []*jose.PublicKey{newKey(t)}
	for _, raw := range []any{pub, &large.PublicKey} {
		k, err := jose.PublicKeyFromCrypto(raw)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, k)
	}
	for _, k := range list {
		id, err := did.Key(k)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := r.Resolve(t.Context(), id)
		if err != nil || !theirs.Equal(k) {
			t.Errorf("%s %s: %v", k.Alg(), id, err)
		}
	}
	_, err = r.Resolve(t.Context(), "did:key:zzz")
	wantReason(t, err, "did_malformed")
}
