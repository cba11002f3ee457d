package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"facet/audit"
	"facet/store/storetest"
	"facet/verifier/server"
)

// TestMain lets tests run facet as processes of their own, to be killed.
func TestMain(m *testing.M) {
	if os.Getenv("FACET_TEST_RUN") == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

const (
	nodeKey   = "a-key-with-enough-entropy-0123456789"
	writerKey = "the-key-of-the-writer-0123456789abcdef"
)

// A process is facet, running.
type process struct {
	t    *testing.T
	args []string
	env  []string
	url  string // answers 2xx at /ready or /log/vkey when it is up
	up   string

	mu  sync.Mutex
	cmd *exec.Cmd
	out journal
}

func (p *process) start() {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.cmd = exec.Command(self, p.args...)
	p.cmd.Env = append(append(os.Environ(), "FACET_TEST_RUN=1"), p.env...)
	p.out.reset()
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	err = p.cmd.Start()
	p.mu.Unlock()
	if err != nil {
		p.t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if res, err := http.Get(p.url + p.up); err == nil {
			res.Body.Close()
			if res.StatusCode < 300 {
				return
			}
		}
		if time.Now().After(deadline) {
			p.kill()
			p.t.Fatalf("facet %s does not get ready:\n%s", strings.Join(p.args, " "), p.out.String())
		}
	}
}

// kill ends the process at once and waits until it is gone.
func (p *process) kill() { p.end(syscall.SIGKILL) }

func (p *process) end(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(s) // it may have ended already
	_ = p.cmd.Wait()            // ended by a signal, as asked
	p.cmd = nil
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A cluster is three verifiers on one PostgreSQL, and the log they share.
type cluster struct {
	t     *testing.T
	dir   string // has node0.json …
	log   *process
	nodes []*process
	ids   map[string]demoIdentity
	pg    *storetest.Postgres
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	c := prepareCluster(t)
	var wg sync.WaitGroup
	for _, n := range c.nodes { // at once: they make the tables and log the weakening together
		wg.Go(n.start)
	}
	wg.Wait()
	return c
}

// prepareCluster starts PostgreSQL and the log, and no verifier yet.
func prepareCluster(t *testing.T) *cluster {
	t.Helper()
	pg := storetest.StartPostgres(t)
	dir := t.TempDir()
	ids, policy := furnish(t, dir)
	env := []string{"FACET_LOG_KEY=" + writerKey}
	logAddr, public := freeAddr(t), ""
	c := &cluster{t: t, dir: dir, ids: ids, pg: pg}
	c.log = &process{t: t, env: env, url: "http://" + logAddr, up: "/log/vkey",
		args: []string{"log", "serve", "--dir", filepath.Join(dir, "log"), "--origin", "verifier.test/log", "--addr", logAddr}}
	c.log.start()
	t.Cleanup(c.log.kill)
	sum := server.HashKey(nodeKey)
	for i := range 3 {
		addr := freeAddr(t)
		if public == "" {
			public = addr // all nodes have the same public address: a load balancer's, which is the first here
		}
		config, err := json.Marshal(map[string]any{
			"url": "http://" + public, "addr": addr, "store": pg.URL, "log": "http://" + logAddr, "log_origin": "verifier.test/log",
			"trust": "trust.json", "insecure_loopback": true,
			"platforms": []any{map[string]any{
				"id": "news", "name": "Morgenblatt", "identity": "pki/morgenblatt.pem", "api_keys_sha256": []string{hex.EncodeToString(sum[:])},
				"policies": []string{policy}, "wallets": []any{map[string]any{"name": "Facet", "url": "http://wallet.localhost:8080"}},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, fmt.Sprintf("node%d.json", i))
		write(t, file, string(config))
		n := &process{t: t, env: env, url: "http://" + addr, up: "/ready", args: []string{"verifier", "serve", "--config", file}}
		t.Cleanup(n.kill)
		c.nodes = append(c.nodes, n)
	}
	return c
}

// A step is one call, sent to one node after another until one answers for
// good: a node may be dead, the store or the log away for a moment.
type step struct {
	method, path, contentType, body, idempotency string
	first                                        int // which node
}

func (c *cluster) send(s step) (int, []byte, error) {
	var last error
	for try := range 400 {
		node := c.nodes[(s.first+try)%len(c.nodes)]
		status, body, err := c.once(node.url, s)
		switch {
		case err != nil:
			last = err
		case status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests:
			last = fmt.Errorf("%d %s", status, body)
		case status >= 500:
			return 0, nil, fmt.Errorf("%s: %d %s", s.path, status, body)
		default:
			return status, body, nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	return 0, nil, fmt.Errorf("%s: no node answers: %w", s.path, last)
}

func (c *cluster) once(base string, s step) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, s.method, base+s.path, strings.NewReader(s.body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", s.contentType)
	if strings.HasPrefix(s.path, "/v1/") {
		req.Header.Set("Authorization", "Bearer "+nodeKey)
	}
	if s.idempotency != "" {
		req.Header.Set("Idempotency-Key", s.idempotency)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// present is one exchange over three nodes: begun on one, fetched from the
// next, answered there, read from the third. It returns the transaction and the answer.
func (c *cluster) present(first int) (string, *answer, error) {
	const jsonType = "application/json"
	status, body, err := c.send(step{"POST", "/v1/requests", jsonType, `{"policy":"access","flow":"cross_device"}`, "", first})
	if err != nil || status != http.StatusCreated {
		return "", nil, fmt.Errorf("begin: %d %s %w", status, body, err)
	}
	var begun struct {
		ID    string
		Links []struct{ URL string }
	}
	if err := json.Unmarshal(body, &begun); err != nil {
		return "", nil, err
	}
	w := testWallet{paper: c.ids[demoParties[1].file]}
	request, err := w.requestPath(begun.Links[0].URL)
	if err != nil {
		return "", nil, err
	}
	status, jar, err := c.send(step{"GET", request, "", "", "", first + 1})
	if err != nil || status != http.StatusOK {
		return "", nil, fmt.Errorf("request: %d %s %w", status, jar, err)
	}
	a, err := w.answer(string(jar))
	if err != nil {
		return "", nil, err
	}
	status, body, err = c.send(step{"POST", a.path, "application/x-www-form-urlencoded", a.form, "", first + 1})
	// A node that died after it had noted its answer leaves "already used" to
	// the retransmission; what counts is that the result is there.
	if err != nil || status != http.StatusOK && !bytes.Contains(body, []byte("transaction_already_used")) {
		return "", nil, fmt.Errorf("answer: %d %s %w", status, body, err)
	}
	read := step{"POST", "/v1/requests/" + begun.ID + "/result", jsonType, `{}`, "reader-" + begun.ID, first + 2}
	for range 200 { // a worker may have to drive it on
		if status, body, err = c.send(read); err != nil || status != http.StatusConflict {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil || status != http.StatusOK || !bytes.Contains(body, []byte(`"plus"`)) && !bytes.Contains(body, []byte(`access.tier`)) {
		return "", nil, fmt.Errorf("result: %d %s %w", status, body, err)
	}
	read.idempotency = "somebody else"
	if status, body, err = c.send(read); err != nil || status != http.StatusForbidden {
		return "", nil, fmt.Errorf("read twice: %d %s %w", status, body, err)
	}
	return begun.ID, a, nil
}

// TestThreeNodes begins on one verifier, finishes on another and reads from
// the third, then does so under load while all of them and the log are killed
// one after the other. Every presentation is released exactly once, and each
// has exactly one entry in the log.
func TestThreeNodes(t *testing.T) {
	c := startCluster(t)
	t.Setenv("FACET_LOG_KEY", writerKey)
	if code, out := facetDoctor(filepath.Join(c.dir, "node0.json")); code != 0 || !strings.Contains(out, "PostgreSQL answers") || !strings.Contains(out, "takes the writer key") {
		t.Errorf("doctor: %d\n%s", code, out)
	}
	for first := range 3 {
		if _, _, err := c.present(first); err != nil {
			t.Fatalf("node %d first: %v", first, err)
		}
	}
	kills := 10
	if os.Getenv("FACET_SOAK") == "1" {
		kills = 200
	}
	stop := make(chan struct{})
	var done atomic.Int64
	done.Store(3)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for first := worker; ; first++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, _, err := c.present(first); err != nil {
					t.Errorf("%v", err)
					return
				}
				done.Add(1)
			}
		})
	}
	all := append([]*process{c.log}, c.nodes...)
	for i := range kills {
		time.Sleep(time.Duration(50+rand.IntN(300)) * time.Millisecond)
		all[i%len(all)].kill()
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
		all[i%len(all)].start()
		if t.Failed() {
			break
		}
	}
	close(stop)
	wg.Wait()
	t.Logf("%d presentations, %d kills", done.Load(), kills)
	if done.Load() < int64(kills) {
		t.Errorf("only %d presentations went through", done.Load())
	}
	c.checkLog(int(done.Load()))
}

// checkLog recomputes the log and counts: entries are told apart by id, because
// a crash may repeat one.
func (c *cluster) checkLog(presented int) {
	c.t.Helper()
	source := &logSource{http.DefaultClient, c.nodes[0].url + "/log/"} // through a node, as the world sees it
	vkey, err := source.Read(c.t.Context(), audit.KeyPath)
	if err != nil {
		c.t.Fatal(err)
	}
	trust, err := audit.TrustLog(strings.TrimSpace(string(vkey)), "verifier.test/log")
	if err != nil {
		c.t.Fatal(err)
	}
	answered, requests, configs := map[audit.ID]uint64{}, map[audit.ID]bool{}, 0
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		raw, err := source.Read(c.t.Context(), audit.CheckpointPath)
		if err != nil {
			c.t.Fatal(err)
		}
		checkpoint, err := trust.Checkpoint(raw)
		if err != nil {
			c.t.Fatal(err)
		}
		report, err := audit.Verify(c.t.Context(), source, checkpoint, func(_ uint64, e audit.Entry, _ []byte) {
			switch e := e.(type) {
			case *audit.Request:
				requests[e.ID] = true
			case *audit.Result:
				if e.Outcome == audit.Answered {
					answered[e.ID] = e.Ref
				}
			case *audit.Config:
				configs++
			}
		})
		if err != nil || !report.OK() {
			c.t.Fatalf("the log: %v, %v", err, report.Err())
		}
		if len(answered) >= presented || time.Now().After(deadline) { // the last ones may lack a checkpoint
			break
		}
	}
	refs := map[uint64]bool{}
	for _, ref := range answered {
		if refs[ref] {
			c.t.Errorf("the request at %d was answered twice", ref)
		}
		refs[ref] = true
	}
	if len(answered) != presented || len(requests) < presented || configs == 0 {
		c.t.Errorf("%d presentations, but %d results and %d requests in the log; %d config entries", presented, len(answered), len(requests), configs)
	}
}
