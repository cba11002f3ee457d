package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"
	"time"

	"facet/store"
	"facet/store/storetest"
	"facet/web"
)

const testURL = "http://wallet.localhost:8080"

// testAssets is a built UI small enough to read.
func testAssets(t *testing.T) *web.Bundle {
	t.Helper()
	files := fstest.MapFS{}
	m := web.Manifest{Files: map[string]web.Asset{}}
	for name, at := range map[string]string{
		page: page, "wallet.js": "assets/wallet-A.js", "worker.js": "assets/worker-A.js", "engine.wasm": "assets/engine-A.wasm", "sw.js": "sw.js",
	} {
		body := []byte("content of " + name)
		files[at] = &fstest.MapFile{Data: body}
		files[at+".br"] = &fstest.MapFile{Data: []byte("br " + name)}
		files[at+".gz"] = &fstest.MapFile{Data: []byte("gz " + name)}
		m.Files[name] = web.Asset{
			Path: at, Size: int64(len(body)), Brotli: int64(len("br " + name)), Gzip: int64(len("gz " + name)),
			Integrity: "sha384-" + fmt.Sprintf("%064x", name), Immutable: at != page && at != "sw.js",
		}
	}
	raw, err := json.Marshal(m)
	check(t, err)
	files["manifest.json"] = &fstest.MapFile{Data: raw}
	b, err := web.Open(files)
	check(t, err)
	return b
}

type rig struct {
	t      *testing.T
	s      *server
	faulty *storetest.Faulty
	http   http.Handler
	log    bytes.Buffer
	now    time.Time
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, now: time.Unix(1_800_000_000, 0), faulty: &storetest.Faulty{Store: store.Memory()}}
	s, err := newServer(Config{
		URL: testURL, Store: r.faulty, Assets: testAssets(t), Trust: json.RawMessage(`{"version":1}`),
		Now: func() time.Time { return r.now }, Log: slog.New(slog.NewTextHandler(&r.log, nil)),
	})
	check(t, err)
	r.s, r.http = s, s.handler()
	return r
}

// holder makes an account and returns its session's cookie. Signing in by
// passkey is tested in passkey, and in a real browser in test/e2e.
func (r *rig) holder(id string) string {
	r.t.Helper()
	_, err := r.faulty.Store.Swap(context.Background(), "passkey/account/"+id, 0, []byte(`{}`))
	check(r.t, err)
	secret, err := r.s.passkeys.OpenSession(context.Background(), id)
	check(r.t, err)
	return secret
}

type call struct {
	method, path, session string
	body                  []byte
	header                map[string]string
}

func (r *rig) do(c call) *http.Response {
	r.t.Helper()
	req := httptest.NewRequest(c.method, testURL+c.path, bytes.NewReader(c.body))
	for k, v := range c.header {
		req.Header.Set(k, v)
	}
	if c.session != "" {
		req.AddCookie(&http.Cookie{Name: sessionCookie, Value: c.session})
	}
	rec := httptest.NewRecorder()
	r.http.ServeHTTP(rec, req)
	return rec.Result()
}

func (r *rig) put(session, ifMatch string, sealed []byte) *http.Response {
	return r.do(call{method: "PUT", path: "/api/vault", session: session, body: sealed, header: map[string]string{"If-Match": ifMatch}})
}

func body(t *testing.T, r *http.Response) []byte {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	check(t, err)
	return b
}

// want checks status, protocol error and reason of a problem.
func want(t *testing.T, r *http.Response, status int, word, code string) {
	t.Helper()
	var p problem
	b := body(t, r)
	check(t, json.Unmarshal(b, &p))
	if r.StatusCode != status || p.Err != word || p.Code != code || r.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("got %d %s, want %d %s %s", r.StatusCode, b, status, word, code)
	}
}

func status(t *testing.T, r *http.Response, want int) *http.Response {
	t.Helper()
	if r.StatusCode != want {
		t.Fatalf("got %d %s, want %d", r.StatusCode, body(t, r), want)
	}
	return r
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
