package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"net"
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
	trust, err := (&demo{ids: ids}).trustList()
	if err != nil {
		t.Fatal(err)
	}
	home, err := filepath.Abs("../../examples/newsroom/policies/home.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sum := server.HashKey("a-key-with-enough-entropy-0123456789")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()
	config, err := json.Marshal(map[string]any{
		"url": "http://" + addr, "addr": addr, "dir": "data", "log_origin": "verifier.test/log", "trust": "trust.json", "insecure_loopback": true,
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
		serveOnce(t, filepath.Join(dir, "verifier.json"), addr)
	}
}

func serveOnce(t *testing.T, config, addr string) {
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
	stop()
	if err := <-code; err != nil {
		t.Errorf("it stopped with %v", err)
	}
	if !strings.Contains(errs.String(), "INSECURE") {
		t.Error("the weakening is not announced")
	}
}

func TestVerifierConfigIsStrict(t *testing.T) {
	for name, text := range map[string]string{
		"misspelled":  `{"url":"https://v.example","log_origin":"v/log","trust":"t","dir":"d","platfroms":[{}]}`,
		"no platform": `{"url":"https://v.example","log_origin":"v/log","trust":"t","dir":"d"}`,
		"no log":      `{"url":"https://v.example","trust":"t","dir":"d","platforms":[{"id":"a"}]}`,
	} {
		file := filepath.Join(t.TempDir(), "verifier.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readVerifierConfig(file); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
