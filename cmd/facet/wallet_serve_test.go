package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWalletServe(t *testing.T) {
	env := &environ{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}
	for _, args := range [][]string{nil, {"run"}, {"serve"}, {"serve", "--url", "https://wallet.example"}, {"serve", "--trust", "x"}, {"serve", "--what"}} {
		if err := runWalletServe(context.Background(), env, args); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
	dir := t.TempDir()
	trust := filepath.Join(dir, "trust.json")
	serve := func(ctx context.Context, env *environ, url string) error {
		return runWalletServe(ctx, env, []string{"serve", "--url", url, "--trust", trust, "--dir", filepath.Join(dir, "data"), "--addr", "127.0.0.1:0"})
	}
	write(t, trust, "{")
	if err := serve(context.Background(), env, "https://wallet.example"); err == nil || !strings.Contains(err.Error(), "is not JSON") {
		t.Errorf("a broken trust list: %v", err)
	}
	write(t, trust, `{"version":1}`)
	if err := serve(context.Background(), env, "http://localhost:8080"); err == nil || !strings.Contains(err.Error(), "shared") {
		t.Errorf("a shared host: %v", err)
	}

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	out, say := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- serve(ctx, &environ{stdin: env.stdin, stdout: say, stderr: io.Discard}, "https://wallet.example")
		say.Close()
	}()
	said := make([]byte, 0, 200)
	for buf := make([]byte, 100); !strings.Contains(string(said), "ready  http://"); {
		n, err := out.Read(buf)
		if err != nil {
			t.Fatalf("it said %q and ended: %v", said, <-done)
		}
		said = append(said, buf[:n]...)
	}
	go io.Copy(io.Discard, out) // ends when say is closed
	_, addr, _ := strings.Cut(strings.TrimSpace(string(said)), "ready  ")
	req, err := http.NewRequest("GET", addr+"/api/config", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "wallet.example"
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || string(body) != `{"trust":{"version":1},"insecure_loopback":false,"logs":[]}` {
		t.Errorf("config %s, %v", body, err)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
