//go:build !js

package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func serve(t *testing.T, h http.HandlerFunc) (url string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "127.0.0.1", "name.localhost", 1)
}

func loopback() *Client { return New(Config{InsecureLoopback: true, Timeout: time.Second}) }

func TestURLs(t *testing.T) {
	t.Run("SSRF-022", func(t *testing.T) {
		for _, host := range []string{"2130706433", "0177.0.0.1", "0x7f.1", "0x7f000001", "127.1", "127.0.0.1."} {
			_, err := New(Config{}).Do(t.Context(), Request{URL: "https://" + host + "/"})
			wantReason(t, err, ReasonBlocked)
		}
	})
	t.Run("SSRF-025", func(t *testing.T) {
		for _, port := range []string{"22", "25", "6379", "8080", ""} {
			_, err := New(Config{}).Do(t.Context(), Request{URL: "https://example.org:" + port + "/"})
			wantReason(t, err, ReasonPort)
		}
	})
	for _, raw := range []string{
		"http://example.org/", "file:///etc/passwd", "data:text/plain,x", "javascript:alert(1)", "//example.org/",
		"https://user@example.org/", "https://example.org/#x", "https:///x", "https:example.org", "https://exa mple.org/",
		"HTTPS\n://example.org", `https://example.org\@evil.example/`, "",
	} {
		t.Run("not https "+raw, func(t *testing.T) { wantReason(t, CheckURL(raw), ReasonURL) })
	}
	if err := CheckURL("https://example.org/a?b=c"); err != nil {
		t.Fatal(err)
	}
}

func TestInsecureLoopbackReachesNothingElse(t *testing.T) {
	for _, host := range []string{"example.org", "10.0.0.1", "1.1.1.1", "localhost.example.org", "[fe80::1]"} {
		_, err := loopback().Do(t.Context(), Request{URL: "http://" + host + "/"})
		wantReason(t, err, ReasonBlocked)
	}
	_, err := dialLoopback(t.Context(), "tcp", "example.org:80")
	wantReason(t, err, ReasonBlocked)
}

func TestLoopbackNeedsTheSwitch(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	_, err := New(Config{}).Do(t.Context(), Request{URL: "https://localhost/"})
	wantReason(t, err, ReasonBlocked)
	_, err = New(Config{}).Do(t.Context(), Request{URL: s.URL})
	wantReason(t, err, ReasonPort)
}

func TestRequestAndResponse(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(r.Method + " " + r.Header.Get("Accept") + " " + r.Header.Get("Authorization") + " " + string(body)))
	})
	got, err := loopback().Do(t.Context(), Request{
		Method: "POST", URL: url, Accept: []string{"application/json"}, Body: []byte("x=1"),
		ContentType: "application/x-www-form-urlencoded", Header: map[string]string{"Authorization": "Bearer a"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "POST application/json Bearer a x=1"; string(got.Body) != want || got.Status != 201 || got.ContentType != "application/json" {
		t.Fatalf("got %d %q %q, want body %q", got.Status, got.ContentType, got.Body, want)
	}
	if err := got.OK(); err != nil {
		t.Fatal(err)
	}
	wantReason(t, (&Response{Status: 404}).OK(), ReasonStatus)
	_, err = loopback().Do(t.Context(), Request{URL: url, Accept: []string{"application/jwt"}})
	wantReason(t, err, ReasonContentType)
	_, err = loopback().Do(t.Context(), Request{URL: url, Method: "DELETE"})
	wantReason(t, err, ReasonURL)
}

func TestRedirects(t *testing.T) {
	var posts int
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/public":
			http.Redirect(w, r, "http://10.0.0.1/internal", http.StatusFound)
		case "/post":
			posts++
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/one":
			http.Redirect(w, r, "/", http.StatusFound)
		default:
			_, _ = w.Write([]byte("here"))
		}
	})
	t.Run("SSRF-023", func(t *testing.T) {
		_, err := loopback().Do(t.Context(), Request{URL: url + "/public"})
		wantReason(t, err, ReasonRedirect)
		_, err = loopback().Do(t.Context(), Request{URL: url + "/public", MaxRedirects: 2})
		wantReason(t, err, ReasonBlocked) // followed when asked for, but every hop is checked
	})
	_, err := loopback().Do(t.Context(), Request{URL: url + "/loop", MaxRedirects: 99})
	wantReason(t, err, ReasonRedirect)
	_, err = loopback().Do(t.Context(), Request{Method: "POST", URL: url + "/post", MaxRedirects: 2})
	wantReason(t, err, ReasonRedirect)
	if posts != 1 {
		t.Fatalf("posted %d times, want once", posts)
	}
	got, err := loopback().Do(t.Context(), Request{URL: url + "/one", MaxRedirects: 1})
	if err != nil || string(got.Body) != "here" {
		t.Fatalf("got %v, %v", got, err)
	}
}

func TestLimits(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := io.CopyN(z, zeros{}, 64<<20); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/large":
			w.Header().Set("Content-Length", "104857600")
			_, _ = io.CopyN(w, zeros{}, 100<<20)
		case "/endless":
			_, _ = io.Copy(w, zeros{})
		case "/drip":
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte{'x'})
				w.(http.Flusher).Flush()
				time.Sleep(50 * time.Millisecond)
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		case "/br":
			w.Header().Set("Content-Encoding", "br")
			_, _ = w.Write([]byte("x"))
		case "/exact":
			_, _ = io.CopyN(w, zeros{}, 1000)
		}
	})
	t.Run("SSRF-027", func(t *testing.T) {
		for _, path := range []string{"/large", "/endless", "/drip", "/bomb"} {
			_, err := loopback().Do(t.Context(), Request{URL: url + path})
			wantReason(t, err, ReasonLimit)
		}
	})
	_, err := loopback().Do(t.Context(), Request{URL: url + "/br"})
	wantReason(t, err, ReasonContentType)
	if got, err := loopback().Do(t.Context(), Request{URL: url + "/exact", MaxBytes: 1000}); err != nil || len(got.Body) != 1000 {
		t.Fatalf("an answer of exactly the limit: %v", err)
	}
	_, err = loopback().Do(t.Context(), Request{URL: url + "/exact", MaxBytes: 999})
	wantReason(t, err, ReasonLimit)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = loopback().Do(ctx, Request{URL: url + "/exact"})
	wantReason(t, err, ReasonNetwork)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"https://example.org/", "https://2130706433/", "https://[::1]/", "https://a:443", "https://a%2eb/", "https://①②⑦.0.0.1/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if CheckURL(raw) != nil {
			return
		}
		u, err := (&Client{}).checkURL(raw)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Hostname() == "" || u.Port() != "" && u.Port() != "443" {
			t.Fatalf("accepted %q as %v, %v", raw, u, err)
		}
	})
}
