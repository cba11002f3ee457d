package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"facet/verifier/auditlog"
	"facet/verifier/server"
)

// TestRemoteLogAway: what a verifier passes on from a log that is away is 503,
// to be asked again.
func TestRemoteLogAway(t *testing.T) {
	l, err := auditlog.Open(t.Context(), auditlog.Config{Dir: filepath.Join(t.TempDir(), "log"), Origin: "verifier.test/log"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	remote := httptest.NewServer(l.Handler())
	log, err := openRemoteLog(t.Context(), verifierSetup{logURL: remote.URL, origin: "verifier.test/log"})
	if err != nil {
		t.Fatal(err)
	}
	get := func() *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		log.handler.ServeHTTP(rec, httptest.NewRequest("GET", "http://verifier.test/log/vkey", nil))
		return rec
	}
	if got := get(); got.Code != http.StatusOK {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	remote.Close()
	if got := get(); got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" {
		t.Errorf("the log is away: %d %v", got.Code, got.Header())
	}
}

// TestServerBounds: no client can hold a connection as long as it likes.
func TestServerBounds(t *testing.T) {
	s := server.HTTP(http.NotFoundHandler())
	for name, d := range map[string]time.Duration{
		"header": s.ReadHeaderTimeout, "body": s.ReadTimeout, "answer": s.WriteTimeout, "idle": s.IdleTimeout,
	} {
		if d <= 0 || d > 10*time.Minute {
			t.Errorf("the time for a connection's %s is %v", name, d)
		}
	}
	if s.MaxHeaderBytes <= 0 || s.MaxHeaderBytes > 64<<10 {
		t.Errorf("headers may have %d bytes", s.MaxHeaderBytes)
	}
}
