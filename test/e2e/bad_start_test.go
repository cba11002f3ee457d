package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestBadInputStart starts the demo where it cannot run. It says why in one
// sentence, ends with 1, and touches nothing.
func TestBadInputStart(t *testing.T) {
	d := startDemo(t)
	free := fmt.Sprint(freePorts(t, 4))
	refuses := func(t *testing.T, sentence string, args ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		out, err := exec.CommandContext(ctx, binary(t), append([]string{"demo"}, args...)...).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !bytes.Contains(out, []byte(sentence)) ||
			trace.Match(out) || bytes.Count(out, []byte("\n")) != 1 {
			t.Errorf("ended with %v, want 1 and one line with %q:\n%s", err, sentence, out)
		}
	}
	t.Run("ports are taken", func(t *testing.T) {
		refuses(t, fmt.Sprintf("port %d is taken by another program (is a demo running already?)", d.port), "--data", t.TempDir(), "--port", fmt.Sprint(d.port))
	})
	t.Run("data of a running demo", func(t *testing.T) {
		refuses(t, "it is in use by another running Facet", "--data", d.data, "--port", free)
	})
	d.stop(t, syscall.SIGINT)
	for _, service := range []string{"issuer", "log", "news", "verifier", "wallet"} {
		name := filepath.Join(d.data, service, "FORMAT")
		mine, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for content, sentence := range map[string]string{
			fmt.Sprintf(`{"facet":%q,"format":99}`, service): "it was written by a newer version of Facet",
			`{"facet":"other","format":1}`:                   "it belongs to another Facet service",
			`{"facet":`:                                      "its FORMAT file is damaged",
		} {
			t.Run(service+" "+sentence, func(t *testing.T) {
				if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				refuses(t, sentence, "--data", d.data, "--port", free)
				if now, err := os.ReadFile(name); err != nil || string(now) != content {
					t.Errorf("the refused folder was changed: %s (%v)", now, err)
				}
			})
		}
		if err := os.WriteFile(name, mine, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.start(t) // nothing was harmed
}

// TestBadInputKill kills the demo while it starts and while it works, and
// starts it again on the same data: it comes up, knows everything it had
// confirmed, and its log verifies.
func TestBadInputKill(t *testing.T) {
	d := startDemo(t)
	t.Run("while it starts for the first time", func(t *testing.T) {
		for n := range 12 {
			young := &demo{data: filepath.Join(t.TempDir(), "data"), port: freePorts(t, 4)}
			young.launch(t)
			time.Sleep(time.Duration(10+20*n) * time.Millisecond)
			young.stop(t, syscall.SIGKILL)
			young.start(t) // or fails
			young.stop(t, syscall.SIGINT)
		}
	})
	t.Run("while it is asked", func(t *testing.T) {
		var confirmed []string
		for _, how := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT, syscall.SIGKILL} {
			confirmed = append(confirmed, d.endsWhileAsked(t, how)...)
			d.start(t)
		}
		if len(confirmed) < 3 {
			t.Fatalf("only %d requests were confirmed", len(confirmed))
		}
		for _, id := range confirmed {
			if state := d.state(t, id); state != "open" {
				t.Errorf("request %s is %q after the restarts", id, state)
			}
		}
		if out, code := facet(t, "audit", "verify", d.verifier); code != 0 {
			t.Errorf("audit verify: %d\n%s", code, out)
		}
	})
}

// launch starts the process and waits for nothing.
func (d *demo) launch(t *testing.T) {
	t.Helper()
	d.out = &output{}
	d.cmd = exec.Command(binary(t), "demo", "--data", d.data, "--port", fmt.Sprint(d.port))
	d.cmd.Stdout, d.cmd.Stderr = d.out, d.out
	d.cmd.Env = append(os.Environ(), "FACET_EPHEMERAL=")
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

// endsWhileAsked ends the demo while platforms ask, and returns the requests
// that were confirmed to them.
func (d *demo) endsWhileAsked(t *testing.T, how syscall.Signal) (confirmed []string) {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(d.data, "pki", "newsroom.apikey"))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				id, err := d.tryAsk(t.Context(), string(key))
				if err != nil {
					return
				}
				mu.Lock()
				confirmed = append(confirmed, id)
				mu.Unlock()
			}
		})
	}
	time.Sleep(time.Duration(150+rand.IntN(150)) * time.Millisecond)
	d.stop(t, how)
	all.Wait()
	return confirmed
}

func (d *demo) tryAsk(ctx context.Context, key string) (id string, err error) {
	r, err := http.NewRequestWithContext(ctx, "POST", fmt.Sprintf("http://127.0.0.1:%d/v1/requests", d.port+1), strings.NewReader(`{"policy":"agegate","flow":"cross_device"}`))
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("status %d", res.StatusCode)
	}
	return strings.TrimPrefix(res.Header.Get("Location"), "/v1/requests/"), nil
}
