package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"facet/verifier/server"
)

func hashOf(key string) string {
	sum := server.HashKey(key)
	return hex.EncodeToString(sum[:])
}

// replace puts a file in the place of another, as the page says.
func replace(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// A journal is what a process wrote, read while it writes.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.text.Reset()
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// eventually waits for what the page calls "within seconds".
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it did not happen", what)
		}
	}
}

// TestReload follows "Changes without a restart": keys, a policy, a limit and a
// platform change under a running verifier; a file with mistakes changes nothing
// and all of them are in the journal; what cannot change is said.
func TestReload(t *testing.T) {
	p := newPatient(t)
	const fresh = "another-key-with-enough-entropy-01234"
	stop, out := p.runWith()
	defer stop()
	status := func(key, body string) int {
		status, _ := p.call(key, "POST", "/v1/requests", body)
		return status
	}
	const access, home = `{"policy":"access","flow":"cross_device"}`, `{"policy":"home","flow":"cross_device"}`
	if a, b, c := status(nodeKey, access), status(fresh, access), status(nodeKey, home); a != 201 || b != 401 || c != 404 {
		t.Fatalf("at first: %d, %d, %d", a, b, c)
	}
	id := p.begin()

	policy, err := filepath.Abs("../../examples/newsroom/policies/home.yaml")
	if err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(5 * time.Second).Truncate(time.Second)
	p.platform()["api_keys_sha256"] = []any{hashOf(fresh), map[string]any{"sha256": hashOf(nodeKey), "until": end.Format(time.RFC3339)}}
	p.platform()["policies"] = append(p.platform()["policies"].([]string), policy)
	p.file()
	eventually(t, "the new key", func() bool { return status(fresh, access) == 201 })
	if got := status(fresh, home); got != 201 {
		t.Errorf("the new policy: %d", got)
	}
	if time.Now().Before(end.Add(-time.Second)) && status(nodeKey, access) != 201 {
		t.Error("the old key, before its end")
	}
	if got, raw := p.call(fresh, "GET", "/v1/requests/"+id, ""); got != 200 || !bytes.Contains(raw, []byte(`"open"`)) {
		t.Errorf("what was begun before: %d %s", got, raw)
	}
	time.Sleep(time.Until(end) + 10*time.Millisecond)
	if got := status(nodeKey, access); got != 401 {
		t.Errorf("the old key, after its end: %d", got)
	}

	good, url := p.config["trust"], p.config["url"]
	p.config["trust"] = "nowhere.json"
	p.config["url"] = "http://localhost:1"
	p.platform()["policies"] = []string{"gone.yaml"}
	p.platform()["api_keys_sha256"] = []any{hashOf(nodeKey), "short"}
	p.file()
	p.config["url"] = url
	eventually(t, "the refusal", func() bool { return strings.Contains(out.String(), "the old one stays in force") })
	for _, part := range []string{"trust: nowhere.json: open ", "policy gone.yaml: open ", "api_keys_sha256 is no SHA-256", "url: it cannot change while the verifier runs"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is missing in the journal:\n%s", part, out)
		}
	}
	if a, b := status(fresh, home), status(nodeKey, access); a != 201 || b != 401 {
		t.Errorf("after the refusal: %d, %d", a, b)
	}
	time.Sleep(2 * watchEvery)
	if n := strings.Count(out.String(), "the old one stays in force"); n != 1 {
		t.Errorf("it was said %d times", n)
	}

	p.config["trust"] = good
	p.platform()["policies"] = []string{policy}
	p.platform()["api_keys_sha256"] = []string{hashOf(fresh)}
	p.platform()["limits"] = map[string]any{"calls": 3}
	p.file()
	eventually(t, "the mended file", func() bool { return status(fresh, access) == 404 })
	refused := 0
	for range 10 {
		if status(fresh, home) == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused < 6 {
		t.Errorf("the new limit refused %d of 10", refused)
	}
}

// TestRevokedEverywhere takes an API key away on three nodes, telling each by
// SIGHUP: from then on every node answers 401 at once.
func TestRevokedEverywhere(t *testing.T) {
	c := startCluster(t)
	const fresh = "another-key-with-enough-entropy-01234"
	ask := func(n *process, key string) int {
		req, err := http.NewRequest("GET", n.url+"/v1/requests/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	for _, n := range c.nodes {
		if got := ask(n, nodeKey); got != http.StatusNotFound {
			t.Fatalf("before: %d", got)
		}
	}
	c.reconfigure(func(config map[string]any) {
		config["platforms"].([]any)[0].(map[string]any)["api_keys_sha256"] = []string{hashOf(fresh)}
	})
	for i, n := range c.nodes {
		if got := ask(n, nodeKey); got != http.StatusUnauthorized {
			t.Errorf("node %d still lets the key in: %d", i, got)
		}
		if got := ask(n, fresh); got != http.StatusNotFound {
			t.Errorf("node %d does not know the new key: %d", i, got)
		}
	}
}

// reconfigure changes the configuration of all nodes, tells them by SIGHUP, and
// returns when each has said that it took it over.
func (c *cluster) reconfigure(change func(map[string]any)) {
	c.t.Helper()
	for _, n := range c.nodes {
		file := n.args[len(n.args)-1]
		raw, err := os.ReadFile(file)
		if err != nil {
			c.t.Fatal(err)
		}
		var config map[string]any
		if err := json.Unmarshal(raw, &config); err != nil {
			c.t.Fatal(err)
		}
		change(config)
		if raw, err = json.Marshal(config); err != nil {
			c.t.Fatal(err)
		}
		before := strings.Count(n.out.String(), "configuration reloaded")
		replace(c.t, file, raw)
		n.mu.Lock()
		err = n.cmd.Process.Signal(syscall.SIGHUP)
		n.mu.Unlock()
		if err != nil {
			c.t.Fatal(err)
		}
		eventually(c.t, "the reload of "+filepath.Base(file), func() bool { return strings.Count(n.out.String(), "configuration reloaded") > before })
	}
}

// TestRenewalAcrossNodes renews a platform's certificate on nodes that share a
// store, one after the other, under load. Following the page (the new identity
// first goes into also_identities everywhere) nobody is told 503. With the file
// simply replaced node by node somebody is, which shows that this test looks.
func TestRenewalAcrossNodes(t *testing.T) {
	for _, follow := range []bool{true, false} {
		name := "as the page says"
		if !follow {
			name = "in one step"
		}
		t.Run(name, func(t *testing.T) {
			c := startCluster(t)
			ids, err := demoPKI(filepath.Join(c.dir, "renewed"), time.Now())
			if err != nil || len(ids) == 0 {
				t.Fatal(err)
			}
			identity := func(name string, also ...string) func(map[string]any) {
				return func(config map[string]any) {
					p := config["platforms"].([]any)[0].(map[string]any)
					p["identity"], p["also_identities"] = name, also
				}
			}
			const old, renewed = "pki/morgenblatt.pem", "renewed/morgenblatt.pem"
			if follow {
				c.reconfigure(identity(old, renewed))
			}
			unavailable := c.across(func() {
				for i := range c.nodes { // node by node, slowly
					one := *c
					one.nodes = c.nodes[i : i+1]
					one.reconfigure(identity(renewed, map[bool][]string{true: {old}}[follow]...))
					time.Sleep(300 * time.Millisecond)
				}
			})
			switch {
			case follow && unavailable > 0:
				t.Errorf("%d requests were refused", unavailable)
			case !follow && unavailable == 0:
				t.Error("nobody was refused: the test cannot fail")
			}
		})
	}
}

// across begins requests on each node and fetches them from each other while act
// runs, and returns how many were refused with 503.
func (c *cluster) across(act func()) (unavailable int) {
	c.t.Helper()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			from, to := c.nodes[i%3], c.nodes[(i/3)%3]
			status, body, err := c.once(from.url, step{"POST", "/v1/requests", "application/json", `{"policy":"access","flow":"cross_device"}`, "", 0})
			var begun struct{ Links []struct{ URL string } }
			if err != nil || status != http.StatusCreated || json.Unmarshal(body, &begun) != nil {
				c.t.Errorf("begin: %d %s %v", status, body, err)
				return
			}
			path, err := (&testWallet{}).requestPath(begun.Links[0].URL)
			if err != nil {
				c.t.Error(err)
				return
			}
			status, body, err = c.once(to.url, step{"GET", path, "", "", "", 0})
			switch {
			case err == nil && status == http.StatusServiceUnavailable:
				unavailable++
			case err != nil || status != http.StatusOK:
				c.t.Errorf("request: %d %s %v", status, body, err)
			}
		}
	})
	act()
	close(stop)
	wg.Wait()
	return unavailable
}

// TestClosedPlatform: a platform that left asks nothing any more; the verifier
// goes on for the others, and keeps what it promised.
func TestClosedPlatform(t *testing.T) {
	p := newPatient(t)
	first := p.platform()
	second := map[string]any{}
	for k, v := range first {
		second[k] = v
	}
	const other = "the-key-of-another-platform-0123456"
	second["id"], second["api_keys_sha256"] = "other", []string{hashOf(other)}
	p.config["platforms"] = []any{first, second}
	stop, _ := p.runWith()
	defer stop()
	id := p.begin()
	first["closed"] = true
	delete(first, "api_keys_sha256")
	p.file()
	eventually(t, "the key's end", func() bool { got, _ := p.call(nodeKey, "GET", "/v1/requests/"+id, ""); return got == 401 })
	if got, _ := p.call(other, "POST", "/v1/requests", `{"policy":"access","flow":"cross_device"}`); got != 201 {
		t.Errorf("the other platform: %d", got)
	}
	first["api_keys_sha256"] = []string{hashOf(nodeKey)}
	_, _, found := readSetup(p.file(), time.Now())
	if err := problems(found); err == nil || !strings.Contains(err.Error(), "it is closed, but has API keys") {
		t.Errorf("closed with a key: %v", err)
	}
}

// TestCallersConfig: mistakes in what says who may call.
func TestCallersConfig(t *testing.T) {
	for name, tt := range map[string]struct{ config, want string }{
		"everybody is a proxy": {`{"trusted_proxies":["0.0.0.0/0"]}`, "trusted_proxies: 0.0.0.0/0 is everybody"},
		"no address":           {`{"trusted_proxies":["proxy.internal"]}`, "trusted_proxies: "},
		"a negative limit":     {`{"limits":{"wallet":-1}}`, "limits: a limit is negative"},
		"a limit nobody knows": {`{"limits":{"walet":1}}`, "limits.walet: there is no such member here"},
		"a key with more":      {`{"platforms":[{"api_keys_sha256":[{"sha256":"00","untill":"x"}]}]}`, `unknown field "untill"`},
	} {
		file := filepath.Join(t.TempDir(), "verifier.json")
		write(t, file, tt.config)
		_, _, found := readSetup(file, time.Now())
		if err := problems(found); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
