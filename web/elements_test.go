package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"facet/web"
)

// browser returns a Chromium, or leaves the test out: `make test` sees to it that one is there.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("FACET_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	leaveOut(t, "no Chromium; `make test` installs one")
	return ""
}

// A verdict is one check the page made, and what it says about it.
type verdict struct {
	Name, Problem string
}

// newPlatform is a site that carries the elements under a strict policy: no
// inline style, no inline script, nothing from elsewhere. It begins requests
// and reports their states; verdicts arrive on the channel.
func newPlatform(t *testing.T, elements []byte, verdicts chan<- verdict) *httptest.Server {
	t.Helper()
	page := func(name, contentType string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			b, err := os.ReadFile(filepath.FromSlash(name))
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'")
			w.Write(b)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", page("testdata/elements.html", "text/html; charset=utf-8"))
	mux.Handle("GET /page.js", page("testdata/elements.js", "text/javascript"))
	mux.Handle("GET /vectors.json", page("src/elements/testdata/qr-vectors.json", "application/json"))
	mux.HandleFunc("GET /elements.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		w.Write(elements)
	})
	mux.HandleFunc("POST /begin/{end}", func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ Flow, Policy string }
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Flow != "cross_device" || asked.Policy != "agegate" {
			t.Errorf("begin was asked %+v (%v)", asked, err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"id":"r1","links":[{"wallet":"Facet","url":"https://wallet.example/authorize#request_uri=x"}],"events":"/events/%s","expires_at":%q}`,
			r.PathValue("end"), time.Now().Add(time.Minute).Format(time.RFC3339))
	})
	mux.HandleFunc("POST /refused", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
		io.WriteString(w, `{"code":"slow_down"}`)
	})
	mux.HandleFunc("GET /events/{end}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, state := range []string{"open", "opened", "accepted", r.PathValue("end")} {
			fmt.Fprintf(w, "event: state\ndata: {\"state\":%q}\n\n", state)
			w.(http.Flusher).Flush()
			time.Sleep(150 * time.Millisecond)
		}
	})
	var handed []byte // by the page to its server
	mux.HandleFunc("/fragment", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Write(handed)
			return
		}
		handed, _ = io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"state":"released"}`)
	})
	mux.HandleFunc("POST /verdict", func(_ http.ResponseWriter, r *http.Request) {
		var v verdict
		if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
			t.Error(err)
		}
		verdicts <- v
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// TestElements runs the built /elements.js in Chromium on a site with a strict
// policy. What it checks is in testdata/elements.js: QR codes against another
// encoder's (src/elements/testdata), every end a request can have, the focus,
// the why-popover.
func TestElements(t *testing.T) {
	bundle, err := web.Built()
	if errors.Is(err, web.ErrNotBuilt) {
		leaveOut(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	asset, ok := bundle.Asset("elements.js")
	if !ok {
		t.Fatal("the bundle has no elements.js")
	}
	file, err := bundle.Files.Open(asset.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	elements, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	verdicts := make(chan verdict)
	site := newPlatform(t, elements, verdicts)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	chromium := exec.CommandContext(ctx, browser(t), "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+profile(t), "--remote-debugging-port=0", site.URL)
	if err := chromium.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cancel(); _ = chromium.Wait() }()
	for n := 0; ; n++ {
		select {
		case v := <-verdicts:
			if v.Name == "end" {
				if n < 8 {
					t.Errorf("the page made only %d checks", n)
				}
				return
			}
			t.Run(v.Name, func(t *testing.T) {
				if v.Problem != "" {
					t.Error(v.Problem)
				}
			})
		case <-ctx.Done():
			t.Fatal("the page did not finish")
		}
	}
}

// profile is an empty folder for Chromium, whose helpers may still write into
// it while they end: that is no failure of the test.
func profile(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "facet-elements-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// leaveOut skips a test for want of something that CI always has.
func leaveOut(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}
