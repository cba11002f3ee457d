package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"facet/verifier"
)

// outage is how long things are away: a minute under FACET_SOAK.
func outage() time.Duration {
	if os.Getenv("FACET_SOAK") == "1" {
		return time.Minute
	}
	return 4 * time.Second
}

// raw sends one call to one node and returns the whole answer.
func rawCall(t *testing.T, base string, s step) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequest(s.method, base+s.path, strings.NewReader(s.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", s.contentType)
	if strings.HasPrefix(s.path, "/v1/") {
		req.Header.Set("Authorization", "Bearer "+nodeKey)
	}
	if s.idempotency != "" {
		req.Header.Set("Idempotency-Key", s.idempotency)
	}
	res, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		t.Fatalf("%s: %v", s.path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

// wantAway fails unless a call is answered 503 with Retry-After and the code for
// "nothing was decided".
func (o trouble) wantAway(t *testing.T, base string, s step) {
	t.Helper()
	res, body := rawCall(t, base, s)
	if o.partly && res.StatusCode < 500 {
		return
	}
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || !bytes.Contains(body, []byte(`"`+verifier.ReasonUnavailable+`"`)) {
		t.Errorf("%s %s while it is away: %d, Retry-After %q, %s", s.method, s.path, res.StatusCode, res.Header.Get("Retry-After"), body)
	}
}

var beginStep = step{method: "POST", path: "/v1/requests", contentType: "application/json", body: `{"policy":"access","flow":"cross_device"}`}

// An asked request has been fetched by a wallet, which is about to answer.
type asked struct {
	id      string
	respond step
}

func ask(t *testing.T, base string, w testWallet) asked {
	t.Helper()
	res, body := rawCall(t, base, beginStep)
	var begun struct {
		ID    string
		Links []struct{ URL string }
	}
	if err := json.Unmarshal(body, &begun); err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("begin: %d %s", res.StatusCode, body)
	}
	path, err := w.requestPath(begun.Links[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	res, body = rawCall(t, base, step{method: "GET", path: path})
	if res.StatusCode != http.StatusOK {
		t.Fatalf("request: %d %s", res.StatusCode, body)
	}
	a, err := w.answer(string(body))
	if err != nil {
		t.Fatal(err)
	}
	return asked{begun.ID, step{method: "POST", path: a.path, contentType: "application/x-www-form-urlencoded", body: a.form}}
}

func (a asked) read() step {
	return step{method: "POST", path: "/v1/requests/" + a.id + "/result", contentType: "application/json", body: `{}`, idempotency: "reader-" + a.id}
}

// A trouble is how something goes away and comes back.
type trouble struct {
	away, back func()
	lasts      time.Duration
	partly     bool
}

// survive is what every outage must come to. Before it one request waits for its
// answer and one result waits to be read; while it lasts everything is 503 and
// decides nothing; after it, without a restart, the same answer is taken, the
// result read once, and new requests are opened.
//
// A full disk may still have room for a few bytes: then (partly) a call may get
// through, but nothing in between.
func (o trouble) survive(t *testing.T, base string, w testWallet) {
	t.Helper()
	open, done := ask(t, base, w), ask(t, base, w)
	if res, body := rawCall(t, base, done.respond); res.StatusCode != http.StatusOK {
		t.Fatalf("answer: %d %s", res.StatusCode, body)
	}
	o.away()
	for end := time.Now().Add(o.lasts); ; time.Sleep(time.Second) {
		o.wantAway(t, base, beginStep)
		o.wantAway(t, base, open.respond)
		if time.Now().After(end) {
			break
		}
	}
	o.back()
	eventually(t, "recovery", func() bool { res, _ := rawCall(t, base, beginStep); return res.StatusCode == http.StatusCreated })
	eventually(t, "the waiting answer", func() bool {
		res, body := rawCall(t, base, open.respond)
		return res.StatusCode == http.StatusOK || bytes.Contains(body, []byte("transaction_already_used"))
	})
	for _, a := range []asked{open, done} {
		eventually(t, "the result", func() bool { res, _ := rawCall(t, base, a.read()); return res.StatusCode == http.StatusOK })
		again := a.read()
		again.idempotency = "somebody else"
		if res, body := rawCall(t, base, again); res.StatusCode != http.StatusForbidden {
			t.Errorf("read twice: %d %s", res.StatusCode, body)
		}
	}
}

// TestStoreGone stops PostgreSQL under three nodes and starts it again.
func TestStoreGone(t *testing.T) {
	c := startCluster(t)
	w := testWallet{paper: c.ids[demoParties[1].file]}
	trouble{away: c.pg.Kill, back: func() { c.pg.Start(t) }, lasts: outage()}.survive(t, c.nodes[1].url, w)
	res, _ := rawCall(t, c.nodes[2].url, step{method: "GET", path: "/ready"})
	if res.StatusCode != http.StatusNoContent {
		t.Errorf("another node afterwards: ready %d", res.StatusCode)
	}
}

// TestLogGone stops the log under three nodes and starts it again.
func TestLogGone(t *testing.T) {
	c := startCluster(t)
	w := testWallet{paper: c.ids[demoParties[1].file]}
	trouble{lasts: outage(), back: c.log.start, away: func() {
		c.log.kill()
		if res, _ := rawCall(t, c.nodes[0].url, step{method: "GET", path: "/ready"}); res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a node without its log is ready: %d", res.StatusCode)
		}
	}}.survive(t, c.nodes[1].url, w)
}

// TestDiskFull fills the disk a lone verifier's folder is on, a small tmpfs, and
// makes room again: nothing is lost, and it goes on by itself.
func TestDiskFull(t *testing.T) {
	p := newPatient(t)
	disk := filepath.Join(p.dir, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=48m,mode=700"); err != nil {
		t.Skipf("LEFT OUT: no tmpfs may be mounted here (%v); verifier: TestNoSpace injects the error", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	p.config["store"] = filepath.Join(disk, "data")
	stop, out := p.runWith()
	t.Cleanup(stop) // before the disk goes
	ids, err := demoPKI(filepath.Join(p.dir, "pki"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(disk, "filler")
	fill := func() {
		f, err := os.Create(filler)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		block := make([]byte, 1<<16)
		for size := len(block); size > 0; {
			if _, err = f.Write(block[:size]); errors.Is(err, syscall.ENOSPC) {
				size /= 2
			} else if err != nil {
				t.Fatal(err)
			}
		}
		// what is there already is still writable: use it up
		for range 200 {
			if res, _ := rawCall(t, p.config["url"].(string), beginStep); res.StatusCode == http.StatusServiceUnavailable {
				return
			}
		}
		t.Fatal("the full disk is never noticed")
	}
	empty := func() {
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	}
	trouble{away: fill, back: empty, lasts: 2 * time.Second, partly: true}.survive(t, p.config["url"].(string), testWallet{paper: ids[demoParties[1].file]})
	if !strings.Contains(out.String(), "no space left on device") {
		t.Error("the journal does not say why")
	}
}

// TestTakeover: of three nodes one sweeps; killed, another one takes over within
// 15 s, and stopped, at once.
func TestTakeover(t *testing.T) {
	c := prepareCluster(t)
	admin := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		admin[i] = freeAddr(t)
		file := n.args[len(n.args)-1]
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		replace(t, file, bytes.Replace(raw, []byte(`{`), []byte(`{"admin_addr":"`+admin[i]+`",`), 1))
		n.start()
	}
	leader := func() (at int) {
		at = -1
		for i := range c.nodes {
			res, err := http.Get("http://" + admin[i] + "/metrics")
			if err != nil {
				continue // it is dead
			}
			text, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err == nil && bytes.Contains(text, []byte("\nverifier_worker_leads 1\n")) {
				at = i
			}
		}
		return at
	}
	first := -1
	eventually(t, "a node that sweeps", func() bool { first = leader(); return first >= 0 })
	c.nodes[first].kill()
	killed, second := time.Now(), -1
	eventually(t, "another one", func() bool { second = leader(); return second >= 0 })
	if took := time.Since(killed); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
	c.nodes[second].end(syscall.SIGTERM)
	stopped, third := time.Now(), -1
	eventually(t, "the third", func() bool { third = leader(); return third >= 0 })
	if took := time.Since(stopped); took > 5*time.Second {
		t.Errorf("after a graceful stop it took %v", took)
	}
	if third == first || third == second {
		t.Errorf("%d, %d, %d swept", first, second, third)
	}
}

// TestBehindAProxy runs a verifier behind a proxy as the page describes it: each
// reader has a budget, however many lie about where they are, and the doctor has
// nothing to say about what comes through.
func TestBehindAProxy(t *testing.T) {
	p := newPatient(t)
	target, err := url.Parse("http://" + p.config["addr"].(string))
	if err != nil {
		t.Fatal(err)
	}
	from := func(r *http.Request) string { return r.Header.Get("Test-Reader") } // who opened the connection, for the proxy
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
		forwarded := append(r.In.Header.Values("X-Forwarded-For"), from(r.In)) // $proxy_add_x_forwarded_for
		r.Out.Header.Set("X-Forwarded-For", strings.Join(forwarded, ", "))
	}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	front := &http.Server{Handler: proxy}
	go func() { _ = front.Serve(listener) }() // ends with Close
	t.Cleanup(func() { front.Close() })
	p.config["url"] = "http://" + listener.Addr().String()
	p.config["trusted_proxies"] = []string{"127.0.0.1"}
	p.config["limits"] = map[string]any{"wallet": 5}
	stop := p.run()
	defer stop()
	call := func(reader, header string) int {
		req, err := http.NewRequest("GET", p.config["url"].(string)+"/wallet/request/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Test-Reader", reader)
		if header != "" {
			req.Header.Set("X-Forwarded-For", header)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	for reader := range 3 {
		passed := 0
		for i := range 10 {
			if call(fmt.Sprintf("198.51.%d.7", reader), fmt.Sprintf("203.0.113.%d", i)) != http.StatusTooManyRequests {
				passed++
			}
		}
		if passed != 5 {
			t.Errorf("reader %d: %d calls", reader, passed)
		}
	}
	p.begin()
	eventually(t, "the doctor's consent", func() bool { code, _ := facetDoctor(p.file()); return code == 0 })
}
