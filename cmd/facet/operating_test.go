package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/policy/lint"
	"facet/verifier/server"
)

// TestOperatingPage holds the page to the code: every member of the
// configuration is explained, every example is read strictly, every command
// exists.
func TestOperatingPage(t *testing.T) {
	raw, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	for _, of := range []reflect.Type{reflect.TypeFor[verifierConfig](), reflect.TypeFor[platformConfig]()} {
		for i := range of.NumField() {
			name := of.Field(i).Tag.Get("json")
			if name != "" && !regexp.MustCompile("(?m)^\\|.*`"+name+"`.*\\|").MatchString(page) {
				t.Errorf("%s of %s is not explained", name, of.Name())
			}
		}
	}
	examples := regexp.MustCompile("(?s)```(?:json|yaml)\n(.*?)```").FindAllStringSubmatch(page, -1)
	if len(examples) < 2 {
		t.Errorf("%d examples", len(examples))
	}
	for _, m := range examples {
		if problems := lint.Settings([]byte(m[1]), &verifierConfig{}); len(problems) > 0 {
			t.Errorf("an example: %v\n%s", problems, m[1])
		}
	}
	for _, m := range regexp.MustCompile(`(?m)(?:^|\x60|… )facet ([a-z]+)`).FindAllStringSubmatch(page, -1) {
		if _, ok := find(m[1:]); !ok {
			t.Errorf("there is no command %q", m[1])
		}
	}
	for _, m := range regexp.MustCompile("`(Test[A-Za-z]+)").FindAllStringSubmatch(page, -1) {
		found := false
		for _, pattern := range []string{"*_test.go", "../../store/*/*_test.go", "../../verifier/*_test.go"} {
			files, _ := filepath.Glob(pattern)
			for _, f := range files {
				text, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				found = found || bytes.Contains(text, []byte("func "+m[1]+"("))
			}
		}
		if !found {
			t.Errorf("there is no test %s", m[1])
		}
	}
}

// run starts the verifier on its configuration and returns what stops it.
func (p *patient) run() (stop func()) {
	stop, _ = p.runWith()
	return stop
}

// runWith is run, and returns what it writes into its journal.
func (p *patient) runWith() (stop func(), out *journal) {
	p.t.Helper()
	out = &journal{}
	file := p.file()
	ctx, cancel := context.WithCancel(p.t.Context())
	var wg sync.WaitGroup
	var ended error
	wg.Go(func() {
		ended = runVerifier(ctx, &environ{stdout: io.Discard, stderr: out}, []string{"serve", "--config", file})
	})
	stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
		if ended != nil {
			p.t.Errorf("verifier: %v", ended)
		}
	})
	p.t.Cleanup(stop)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if res, err := http.Get(p.config["url"].(string) + "/ready"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusNoContent {
				return stop, out
			}
		}
		if time.Now().After(deadline) {
			p.t.Fatal("it does not get ready")
		}
	}
}

// call calls the platform API with a key and returns status and body.
func (p *patient) call(key, method, path, body string) (int, []byte) {
	p.t.Helper()
	req, err := http.NewRequest(method, p.config["url"].(string)+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, raw
}

// begin opens a request and returns its id.
func (p *patient) begin() string {
	p.t.Helper()
	status, raw := p.call(nodeKey, "POST", "/v1/requests", `{"policy":"access","flow":"cross_device"}`)
	var begun struct{ ID string }
	if err := json.Unmarshal(raw, &begun); err != nil || status != http.StatusCreated {
		p.t.Fatalf("begin: %d %s", status, raw)
	}
	return begun.ID
}

// documented returns the one command of the page that begins like this, word by
// word as it stands there.
func documented(t *testing.T, begin string) []string {
	t.Helper()
	raw, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(raw)) {
		if command, _, _ := strings.Cut(line, "#"); strings.HasPrefix(command, begin+" ") {
			found = append(found, command)
		}
	}
	if len(found) != 1 {
		t.Fatalf("the page has %d commands %q", len(found), begin)
	}
	return strings.Fields(found[0])[1:]
}

// TestRestoredVerifier follows "Backup and restore", with the page's own
// commands: what was open before the backup goes on after it, in another folder,
// and the log with it.
func TestRestoredVerifier(t *testing.T) {
	p := newPatient(t)
	backup, restore := documented(t, "facet data backup"), documented(t, "facet data restore")
	check := documented(t, "facet doctor --config")
	t.Chdir(p.dir)
	stop := p.run()
	id := p.begin()
	env := &environ{stdout: io.Discard, stderr: io.Discard}
	if run(t.Context(), env, backup) == 0 {
		t.Error("a running verifier's folder was backed up")
	}
	stop()
	if code := run(t.Context(), env, backup); code != 0 {
		t.Fatalf("backup: exit code %d", code)
	}
	if err := os.RemoveAll("data"); err != nil { // the disk is lost
		t.Fatal(err)
	}
	if code := run(t.Context(), env, restore); code != 0 {
		t.Fatalf("restore: exit code %d", code)
	}
	p.config["store"] = restore[len(restore)-1]
	p.run()
	if status, raw := p.call(nodeKey, "GET", "/v1/requests/"+id, ""); status != http.StatusOK || !bytes.Contains(raw, []byte(`"open"`)) {
		t.Errorf("%d %s", status, raw)
	}
	p.begin()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		out := &journal{}
		p.file()
		if run(t.Context(), &environ{stdout: out, stderr: out}, check) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("doctor:\n%s", out)
		}
	}
}

// TestAPIKeyRotation follows "Rotation": both keys, then only the new one.
func TestAPIKeyRotation(t *testing.T) {
	p := newPatient(t)
	const fresh = "another-key-with-enough-entropy-01234"
	a, b := server.HashKey(nodeKey), server.HashKey(fresh)
	status := func(key string) int {
		status, _ := p.call(key, "POST", "/v1/requests", `{"policy":"access","flow":"cross_device"}`)
		return status
	}
	p.platform()["api_keys_sha256"] = []string{hex.EncodeToString(a[:]), hex.EncodeToString(b[:])}
	stop := p.run()
	if x, y := status(nodeKey), status(fresh); x != http.StatusCreated || y != http.StatusCreated {
		t.Errorf("side by side: %d, %d", x, y)
	}
	stop()
	p.platform()["api_keys_sha256"] = []string{hex.EncodeToString(b[:])}
	p.run()
	if x, y := status(nodeKey), status(fresh); x != http.StatusUnauthorized || y != http.StatusCreated {
		t.Errorf("the old one removed: %d, %d", x, y)
	}
}
