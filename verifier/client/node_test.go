package client_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/credentials/openid4vp"
	"facet/web"
)

// TestTypeScriptClient runs the built /client.js in node against the running
// verifier. What it checks is in testdata/client.mjs.
func TestTypeScriptClient(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		leaveOut(t, "no Node")
	}
	bundle, err := web.Built()
	if errors.Is(err, web.ErrNotBuilt) {
		leaveOut(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	asset, ok := bundle.Asset("client.js")
	if !ok {
		t.Fatal("the bundle has no client.js")
	}
	script, err := fs.ReadFile(bundle.Files, asset.Path)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "client.mjs")
	if err := os.WriteFile(file, script, 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	p := &peer{r: r}
	r.onRoad(p.serve)
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	address := strings.Replace(r.url, "verifier.localhost", "127.0.0.1", 1) // node asks the system's resolver
	cmd := exec.CommandContext(ctx, node, "testdata/client.mjs", file, address, apiKey, returnURI, whsec(r.secret))
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	checks := 0
	for lines := bufio.NewScanner(out); lines.Scan(); checks++ {
		var v struct{ Name, Problem string }
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s", lines.Text())
		}
		t.Run(v.Name, func(t *testing.T) {
			if v.Problem != "" {
				t.Error(v.Problem)
			}
		})
	}
	if err := cmd.Wait(); err != nil || checks != 14 {
		t.Errorf("%d checks, %v\n%s", checks, err, &said)
	}
}

func leaveOut(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// peer is what the node script can do to its world, below /test/, and what
// happens on the road meanwhile.
type peer struct {
	r    *rig
	mu   sync.Mutex
	what string // happens
	left int    // times
	n    int
	keys []string
}

func (p *peer) serve(w http.ResponseWriter, req *http.Request) bool {
	if act, ok := strings.CutPrefix(req.URL.Path, "/test/"); ok {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			p.r.t.Error(err)
		}
		if err := json.NewEncoder(w).Encode(p.act(act, string(body))); err != nil {
			p.r.t.Error(err)
		}
		return true
	}
	if !strings.HasPrefix(req.URL.Path, "/v1/") && req.URL.Path != "/stolen" {
		return false // the wallet's way is free
	}
	p.mu.Lock()
	p.n++
	p.keys = append(p.keys, req.Header.Get("Idempotency-Key"))
	what := p.what
	if p.left--; p.left < 0 {
		what = ""
	}
	p.mu.Unlock()
	return p.happen(what, w, req)
}

func (p *peer) happen(what string, w http.ResponseWriter, req *http.Request) bool {
	stream := strings.HasSuffix(req.URL.Path, "/events")
	switch {
	case what == "lose":
		p.r.http.ServeHTTP(&nowhere{http.Header{}}, req)
		panic(http.ErrAbortHandler)
	case what == "busy", what == "streamless" && stream:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		code := map[string]string{"busy": "unavailable", "streamless": "streams_exhausted"}[what]
		fmt.Fprintf(w, `{"code":%q,"detail":"d","fix":"f"}`, code)
	case what == "redirect":
		http.Redirect(w, req, "/stolen", http.StatusFound)
	case what == "endless":
		for chunk := strings.Repeat("[", 64<<10); ; {
			if _, err := io.WriteString(w, chunk); err != nil {
				return true
			}
		}
	case what == "cut" && stream:
		ctx, cut := context.WithTimeout(req.Context(), 200*time.Millisecond)
		defer cut()
		p.r.http.ServeHTTP(w, req.WithContext(ctx))
		panic(http.ErrAbortHandler)
	default:
		return false
	}
	return true
}

func (p *peer) act(name, body string) map[string]any {
	switch name {
	case "approve":
		back := p.r.approve(body)
		return map[string]any{"code": back.Query().Get("response_code"), "fragment": back.EscapedFragment()}
	case "digital", "refuse":
		var m openid4vp.DigitalMessage
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			p.r.t.Error(err)
		}
		m = p.r.digital(m, name == "refuse")
		return map[string]any{"protocol": m.Protocol, "data": m.Data}
	case "road":
		p.mu.Lock()
		defer p.mu.Unlock()
		p.what, p.left, p.n, p.keys = body, 1000, 0, nil
		fmt.Sscanf(body, "%s %d", &p.what, &p.left)
	case "calls":
		p.mu.Lock()
		defer p.mu.Unlock()
		return map[string]any{"n": p.n, "keys": p.keys}
	case "hook":
		return p.hook()
	}
	return map[string]any{}
}

// hook is a webhook the verifier sent, for an answer to a fresh request.
func (p *peer) hook() map[string]any {
	t := p.r.t
	b := begin(t, p.r.client())
	p.r.approve(b.Links[0].URL)
	for {
		p.r.engine.Deliver(t.Context(), nil, func(err error) { t.Error(err) })
		hook := <-p.r.hooks
		body, err := io.ReadAll(hook.Body)
		if err != nil {
			t.Error(err)
		}
		if !strings.Contains(string(body), b.ID) {
			continue // of an earlier request
		}
		headers := map[string]string{}
		for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
			headers[name] = hook.Header.Get(name)
		}
		return map[string]any{"headers": headers, "body": string(body), "id": b.ID}
	}
}
