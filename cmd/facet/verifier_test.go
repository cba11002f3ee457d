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
	"strings"
	"sync"
	"testing"
	"time"

	"facet/verifier/server"
)

// TestVerifierServe starts the verifier as its operator does, asks it
// something, stops it, and starts it again on the same folder.
func TestVerifierServe(t *testing.T) {
	dir := t.TempDir()
	pki := filepath.Join(dir, "pki")
	ids, err := demoPKI(pki, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	trust, err := trustList(1, "", ids, demoSite{})
	if err != nil {
		t.Fatal(err)
	}
	home, err := filepath.Abs("../../examples/newsroom/policies/home.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sum := server.HashKey("a-key-with-enough-entropy-0123456789")
	addr, admin := freeAddr(t), freeAddr(t)
	config, err := json.Marshal(map[string]any{
		"url": "http://" + addr, "addr": addr, "admin_addr": admin, "store": "data", "log_origin": "verifier.test/log", "trust": "trust.json", "insecure_loopback": true,
		"platforms": []any{map[string]any{
			"id": "news", "name": "Morgenblatt", "identity": "pki/morgenblatt.pem", "api_keys_sha256": []string{hex.EncodeToString(sum[:])},
			"policies": []string{home}, "wallets": []any{map[string]any{"name": "Facet", "url": "http://wallet.localhost:8080"}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"trust.json": trust, "verifier.json": config} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		serveOnce(t, filepath.Join(dir, "verifier.json"), addr, admin)
	}
}

func serveOnce(t *testing.T, config, addr, admin string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var out, errs bytes.Buffer
	var wg sync.WaitGroup
	code := make(chan error, 1)
	wg.Go(func() {
		code <- runVerifier(ctx, &environ{stdout: &out, stderr: &errs}, []string{"serve", "--config", config})
	})
	defer wg.Wait()
	defer stop()
	url := "http://" + addr
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if res, err := http.Get(url + "/ready"); err == nil {
			res.Body.Close()
			break
		}
		select {
		case err := <-code:
			t.Fatalf("it ended: %v", err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not get ready")
		}
	}
	req, err := http.NewRequest("POST", url+"/v1/requests", strings.NewReader(`{"policy":"home","flow":"cross_device"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer a-key-with-enough-entropy-0123456789")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		t.Errorf("begin: %d", res.StatusCode)
	}
	for path, want := range map[string]string{"/metrics": `verifier_act_seconds_count{act="begin"} 1`, "/ready": "", "/health": ""} {
		res, err := http.Get("http://" + admin + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode > 299 || !strings.Contains(string(text), want) {
			t.Errorf("%s: %d %s %v", path, res.StatusCode, text, err)
		}
	}
	stop()
	if err := <-code; err != nil {
		t.Errorf("it stopped with %v", err)
	}
	if !strings.Contains(errs.String(), "INSECURE") {
		t.Error("the weakening is not announced")
	}
}

// TestVerifierConfigMistakes writes three mistakes into one file; the operator
// reads all three at once.
func TestVerifierConfigMistakes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "verifier.json")
	write(t, file, `{"url":"http://verifier.example","log_origin":"v/log","trust":"trust.json","store":"d","platfroms":[],
		"platforms":[{"id":"a","name":"A","identity":"a.pem","policies":["a.yaml"],"api_keys_sha256":["short"]}]}`)
	err := runVerifier(t.Context(), &environ{stdout: new(bytes.Buffer), stderr: new(bytes.Buffer)}, []string{"serve", "--config", file})
	if err == nil {
		t.Fatal("it started")
	}
	for _, part := range []string{`platfroms: there is no such member here (did you mean platforms?)`, "url: it is no https address", "trust: trust.json: open ", `platform "a": identity: open `,
		`platform "a": policy a.yaml: open `, "api_keys_sha256 is no SHA-256", "`facet verifier key` prints one"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in:\n%v", part, err)
		}
	}
}

func TestVerifierConfigIsStrict(t *testing.T) {
	t.Setenv("FACET_LOG_KEY", "")
	const rest = `"url":"https://v.example","log_origin":"v/log","trust":"t"`
	for name, tt := range map[string]struct{ text, want string }{
		"no JSON":          {`{`, "config: "},
		"no platform":      {`{` + rest + `,"store":"d"}`, "platforms: there is none"},
		"no store":         {`{` + rest + `}`, "store: it is not set"},
		"shared, no log":   {`{` + rest + `,"store":"postgres:///x"}`, "log: it is not set, but the store is shared"},
		"log in the clear": {`{` + rest + `,"store":"d","log":"http://log.internal"}`, "log: it is neither an https address"},
		"log without key":  {`{` + rest + `,"store":"d","log":"https://log.internal"}`, "log: FACET_LOG_KEY is not set"},
		"loopback":         {`{"url":"http://localhost"}`, "url: it is no https address"},
	} {
		file := filepath.Join(t.TempDir(), "verifier.json")
		write(t, file, tt.text)
		c, found := readVerifierConfig(file)
		_, more := c.resolve(time.Now())
		if err := problems(append(found, more...)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
