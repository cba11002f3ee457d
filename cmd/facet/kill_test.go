package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"facet/store/bolt"
	"facet/verifier/server"
)

// An ear hears webhooks.
type ear struct {
	mu    sync.Mutex // guards heard
	heard map[string]map[string]bool
}

func (e *ear) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var event struct {
		Type string
		Data struct{ ID string }
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &event) != nil {
		return
	}
	time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond) // time to be killed in
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.heard[event.Data.ID] == nil {
		e.heard[event.Data.ID] = map[string]bool{}
	}
	e.heard[event.Data.ID][event.Type] = true
}

// startAlone runs one verifier with everything in one folder: bolt, key file
// and log.
func startAlone(t *testing.T, hooks string) *cluster {
	t.Helper()
	dir := t.TempDir()
	ids, policy := furnish(t, dir)
	secret := filepath.Join(dir, "news.whsec")
	if err := os.WriteFile(secret, []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	addr, sum := freeAddr(t), server.HashKey(nodeKey)
	config, err := json.Marshal(map[string]any{
		"url": "https://morgenblatt.example", "addr": addr, "store": "data", "log_origin": "verifier.test/log", "trust": "trust.json", "insecure_loopback": true,
		"platforms": []any{map[string]any{
			"id": "news", "name": "Morgenblatt", "identity": "pki/morgenblatt.pem", "client_id_prefix": "x509_san_dns", // the same after a renewal
			"api_keys_sha256": []string{hex.EncodeToString(sum[:])}, "policies": []string{policy},
			"webhook": map[string]string{"url": hooks, "secret_file": "news.whsec"},
			"wallets": []any{map[string]any{"name": "Facet", "url": "http://wallet.localhost:8080"}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "verifier.json"), string(config))
	node := &process{t: t, url: "http://" + addr, up: "/ready", args: []string{"verifier", "serve", "--config", filepath.Join(dir, "verifier.json")}}
	node.start()
	t.Cleanup(node.kill)
	return &cluster{t: t, dir: dir, nodes: []*process{node}, ids: ids}
}

// withdraw takes an answer back, and expects the platform to get nothing more.
func (c *cluster) withdraw(tx string, a *answer) error {
	proof, err := a.prove()
	if err != nil {
		return err
	}
	status, body, err := c.send(step{method: "POST", path: strings.TrimPrefix(a.withdraw, "https://morgenblatt.example"), contentType: "application/jwt", body: proof})
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("withdraw: %d %s %w", status, body, err)
	}
	status, body, err = c.send(step{method: "POST", path: "/v1/requests/" + tx + "/result", contentType: "application/json", body: `{}`, idempotency: "reader-" + tx})
	if err != nil || status != http.StatusGone {
		return fmt.Errorf("read after the withdrawal: %d %s %w", status, body, err)
	}
	return nil
}

// renew gives the platform another certificate, in one step.
func (c *cluster) renew() {
	c.t.Helper()
	leaf, _ := newPEM(c.t, time.Now())
	file := filepath.Join(c.dir, "pki", "morgenblatt.pem")
	if err := os.WriteFile(file+".new", leaf, 0o600); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		c.t.Fatal(err)
	}
}

// TestKilledAlone kills a verifier that has everything in one folder at random
// moments: while it answers, deletes what was withdrawn, delivers webhooks,
// sweeps, or takes a new certificate. Every answer that was accepted is
// released to one reader, has one entry in the log and is told to the platform;
// what was withdrawn stays so.
func TestKilledAlone(t *testing.T) {
	hooks := &ear{heard: map[string]map[string]bool{}}
	platform := httptest.NewServer(hooks)
	defer platform.Close()
	c := startAlone(t, platform.URL)
	kills := 10
	if os.Getenv("FACET_SOAK") == "1" {
		kills = 200
	}
	stop := make(chan struct{})
	var mu sync.Mutex // guards done
	done := map[string]bool{}
	var workers sync.WaitGroup
	for worker := range 4 {
		workers.Go(func() {
			for n := worker; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				tx, a, err := c.present(0)
				withdrawn := err == nil && n%3 == 0
				if withdrawn {
					err = c.withdraw(tx, a)
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				done[tx] = withdrawn
				mu.Unlock()
			}
		})
	}
	for i := range kills {
		time.Sleep(time.Duration(50+rand.IntN(400)) * time.Millisecond)
		if i%4 == 0 {
			c.renew()
		}
		c.nodes[0].kill()
		time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
		c.nodes[0].start()
		if t.Failed() {
			break
		}
	}
	close(stop)
	workers.Wait()
	t.Logf("%d presentations, %d kills", len(done), kills)
	if len(done) < kills {
		t.Errorf("only %d presentations went through", len(done))
	}
	c.checkLog(len(done))
	c.nodes[0].end(syscall.SIGTERM)
	c.checkData(done, hooks)
}

// checkData reads the folder of the stopped verifier: each transaction has
// ended, and its webhook was heard or still waits.
func (c *cluster) checkData(done map[string]bool, hooks *ear) {
	c.t.Helper()
	db, err := bolt.Open(filepath.Join(c.dir, "data", "verifier.db"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	waiting := map[string]bool{}
	for key, err := range db.Keys(c.t.Context(), "hook/", "") {
		if err != nil {
			c.t.Fatal(err)
		}
		part := strings.Split(key, "/")
		waiting[part[len(part)-2]+"/request."+part[len(part)-1]] = true
	}
	for tx, withdrawn := range done {
		want := "released"
		if withdrawn {
			want = "withdrawn"
		}
		raw, _, err := db.Get(c.t.Context(), "tx/"+tx)
		var stored struct{ State string }
		if err == nil {
			err = json.Unmarshal(raw, &stored)
		}
		if err != nil || stored.State != want {
			c.t.Errorf("a transaction is %s, %v; want %s", stored.State, err, want)
		}
		if event := "request." + want; !hooks.heard[tx][event] && !waiting[tx+"/"+event] {
			c.t.Errorf("nobody is told %s", event)
		}
	}
}
