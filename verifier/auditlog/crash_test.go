package auditlog

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"facet/audit"
)

// The test binary runs itself as a log writer in another process.
const (
	envDir   = "FACET_TEST_LOG_DIR"
	envLimit = "FACET_TEST_FILE_LIMIT" // bytes a file may have: the disk is full beyond
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envDir); dir != "" {
		os.Exit(writer(dir, os.Getenv(envLimit)))
	}
	os.Exit(m.Run())
}

// writer appends from eight goroutines until it is killed or refused, and says
// on stdout what was acknowledged: index and leaf.
func writer(dir, limit string) int {
	if limit != "" {
		var bytes uint64
		fmt.Sscan(limit, &bytes)
		signal.Ignore(syscall.SIGXFSZ) // then writing fails with EFBIG, as a full disk does with ENOSPC
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: bytes}); err != nil {
			return 3
		}
	}
	l, err := Open(context.Background(), Config{Dir: dir, Origin: origin, Interval: 100 * time.Millisecond})
	if err != nil {
		fmt.Println("refused", reason(err))
		return 1
	}
	fmt.Println("open")
	var wg sync.WaitGroup
	var out sync.Mutex
	for range 8 {
		wg.Go(func() {
			for {
				id := audit.NewID()
				b, err := audit.Encode(audit.NewRequest(id, testHour, asked()))
				if err != nil {
					panic(err)
				}
				n, err := l.Append(context.Background(), string(id), b)
				if err != nil {
					out.Lock()
					fmt.Println("failed", reason(err))
					out.Unlock()
					return
				}
				out.Lock()
				fmt.Println("ack", n, base64.StdEncoding.EncodeToString(b))
				out.Unlock()
			}
		})
	}
	wg.Wait()
	return 2
}

// run starts a writer and collects what it acknowledged until it ends, or until
// kill after it opened the log.
func run(t *testing.T, dir, limit string, kill time.Duration) (acks map[uint64][]byte, other []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envDir+"="+dir, envLimit+"="+limit)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acks = map[uint64][]byte{}
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		var n uint64
		var b64 string
		if lines.Text() == "open" {
			if kill > 0 {
				time.AfterFunc(kill, func() { cmd.Process.Kill() })
			}
			continue
		}
		if c, _ := fmt.Sscanf(lines.Text(), "ack %d %s", &n, &b64); c != 2 {
			other = append(other, lines.Text())
			continue
		}
		b, err := base64.StdEncoding.DecodeString(b64)
		if err != nil {
			continue // the line the kill cut
		}
		acks[n] = b
	}
	cmd.Wait() // killed, or exit code 1 or 2
	return acks, other
}

// wantAll opens the log again, checks that everything acknowledged is where it
// was said to be, that the whole tree verifies, and that it can go on.
func wantAll(t *testing.T, dir string, acks map[uint64][]byte) {
	t.Helper()
	l := openTest(t, dir)
	_, _, last := appendOne(t, l)
	if _, err := l.ReceiptProof(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	c, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	report, err := audit.Verify(t.Context(), l.Source(), c, func(n uint64, _ audit.Entry, leaf []byte) {
		if want, ok := acks[n]; ok && !bytes.Equal(leaf, want) {
			lost++
		}
	})
	if err != nil || !report.OK() {
		t.Fatal(err, report.Findings)
	}
	for n := range acks {
		if n >= c.Size() {
			lost++
		}
	}
	if lost > 0 {
		t.Fatalf("%d of %d acknowledged entries are lost", lost, len(acks))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestKilled(t *testing.T) {
	dir := t.TempDir()
	all := map[uint64][]byte{}
	for range 5 {
		acks, _ := run(t, dir, "", time.Duration(50+rand.IntN(250))*time.Millisecond)
		for n, b := range acks {
			if _, twice := all[n]; twice {
				t.Fatalf("index %d was given twice", n)
			}
			all[n] = b
		}
	}
	if len(all) < 50 {
		t.Fatalf("only %d entries were acknowledged: nothing was tested", len(all))
	}
	wantAll(t, dir, all)
}

func TestDiskFull(t *testing.T) {
	t.Run("LOG-021", func(t *testing.T) {
		dir := t.TempDir()
		acks, other := run(t, dir, "30000", 0) // about sixty entries fit into a bundle
		if len(acks) == 0 || len(other) == 0 {
			t.Fatalf("%d acknowledged, %v", len(acks), other)
		}
		for _, line := range other {
			if line != "failed "+ReasonUnavailable {
				t.Errorf("the writer said %q", line)
			}
		}
		wantAll(t, dir, acks)
	})
}

func TestOneWriter(t *testing.T) {
	t.Run("LOG-022", func(t *testing.T) {
		dir := t.TempDir()
		l := openTest(t, dir)
		if _, other := run(t, dir, "", 5*time.Second); len(other) != 1 || other[0] != "refused "+ReasonLocked {
			t.Errorf("a second process: %v", other)
		}
		if _, err := Open(t.Context(), Config{Dir: dir, Origin: origin}); !errors.Is(err, ErrLocked) {
			t.Errorf("the same process: %v", err)
		}
		appendOne(t, l) // the first one is not disturbed
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		openTest(t, dir)
	})
}

func TestClock(t *testing.T) {
	t.Run("LOG-023", func(t *testing.T) {
		dir := t.TempDir()
		now := time.Now()
		l, err := Open(t.Context(), Config{Dir: dir, Origin: origin, Interval: 100 * time.Millisecond, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		var signed []time.Time
		for _, jump := range []time.Duration{0, -24 * time.Hour, 365 * 24 * time.Hour, -24 * time.Hour} {
			now = now.Add(jump)
			id := audit.NewID()
			b, err := audit.Encode(audit.NewRequest(id, now, asked()))
			if err != nil {
				t.Fatal(err)
			}
			n, err := l.Append(t.Context(), string(id), b)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.ReceiptProof(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			c, err := l.Checkpoint(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			signed = append(signed, c.Signed())
		}
		for i := 1; i < len(signed); i++ {
			if signed[i].Before(signed[i-1]) {
				t.Errorf("signed at %v after %v", signed[i], signed[i-1])
			}
		}
		c, _ := l.Checkpoint(t.Context())
		report, err := audit.Verify(t.Context(), l.Source(), c, nil)
		if err != nil || !report.OK() {
			t.Fatal(err, report.Findings)
		}
		want := []audit.Warning{{Index: 1, Code: audit.WarnClockBack}, {Index: 3, Code: audit.WarnClockBack}}
		if fmt.Sprint(report.Warnings) != fmt.Sprint(want) {
			t.Errorf("warnings %v, want %v", report.Warnings, want)
		}
	})
	t.Run("file from the future", func(t *testing.T) {
		dir := t.TempDir()
		l := openTest(t, dir)
		_, _, n := appendOne(t, l)
		if _, err := l.ReceiptProof(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		future := time.Now().Add(24 * time.Hour)
		if err := os.Chtimes(l.src.file(audit.CheckpointPath), future, future); err != nil {
			t.Fatal(err)
		}
		_, _, n = appendOne(t, l)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := l.ReceiptProof(ctx, n); err != nil {
			t.Fatal("nothing is published until the clock catches up:", err)
		}
	})
}

func TestLost(t *testing.T) {
	t.Run("LOG-024", func(t *testing.T) {
		for name, lose := range map[string]func(t *testing.T, tree string){
			"everything": func(t *testing.T, tree string) { os.RemoveAll(tree) },
			"checkpoint": func(t *testing.T, tree string) { os.Remove(filepath.Join(tree, "checkpoint")) },
			"tree state": func(t *testing.T, tree string) { os.Remove(filepath.Join(tree, ".state", "treeState")) },
			"hidden state": func(t *testing.T, tree string) {
				os.RemoveAll(filepath.Join(tree, ".state"))
			},
			"bundles": func(t *testing.T, tree string) { os.RemoveAll(filepath.Join(tree, "tile", "entries")) },
		} {
			t.Run(name, func(t *testing.T) {
				r := newRig(t, 5, nil)
				lose(t, filepath.Join(r.dir, treeDir))
				l, err := Open(t.Context(), Config{Dir: r.dir, Origin: origin})
				if err == nil {
					l.Close()
				}
				if !errors.Is(err, ErrLost) || reason(err) != ReasonLost {
					t.Fatalf("opening: %v", err)
				}
			})
		}
		t.Run("rolled back", func(t *testing.T) {
			r := newRig(t, 5, nil)
			old := filepath.Join(t.TempDir(), "old")
			if err := os.CopyFS(old, os.DirFS(filepath.Join(r.dir, treeDir))); err != nil {
				t.Fatal(err)
			}
			l := openTest(t, r.dir)
			_, _, n := appendOne(t, l)
			if _, err := l.ReceiptProof(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			l.Close()
			tree := filepath.Join(r.dir, treeDir)
			if err := errors.Join(os.RemoveAll(tree), os.CopyFS(tree, os.DirFS(old))); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(t.Context(), Config{Dir: r.dir, Origin: origin}); !errors.Is(err, ErrLost) {
				t.Fatalf("opening a restored backup: %v", err)
			}
		})
		t.Run("signing", func(t *testing.T) {
			r := newRig(t, 5, nil)
			g, err := openGuard(r.key, filepath.Join(r.dir, guardFile), r.source())
			if err != nil {
				t.Fatal(err)
			}
			root := base64.StdEncoding.EncodeToString(make([]byte, 32))
			for _, size := range []int{4, 5, 6} {
				if _, err := g.Sign(fmt.Appendf(nil, "%s\n%d\n%s\n", origin, size, root)); err == nil {
					t.Errorf("signed another tree of %d entries", size)
				}
			}
			if _, err := g.Sign(r.checkpoint[:bytes.Index(r.checkpoint, []byte("\n\n"))+1]); err != nil {
				t.Errorf("its own tree again: %v", err)
			}
		})
	})
}

func TestOverHTTP(t *testing.T) {
	l := openTest(t, t.TempDir())
	key := strings.Repeat("k", MinWriterKey)
	w, err := NewWriter(l, key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w.Handler())
	c := &Client{HTTP: server.Client(), URL: server.URL, Key: key}
	id, b := leaf(t)
	for range 2 { // the second is a retry
		if n, err := c.Append(t.Context(), id, b); err != nil || n != 0 {
			t.Fatal(n, err)
		}
	}
	proof, err := c.ReceiptProof(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.trust.VerifyProof(b, proof); err != nil {
		t.Fatal(err)
	}
	other, err := audit.Encode(audit.NewConfig(audit.ID(id), testHour, nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Append(t.Context(), id, other); reason(err) != ReasonConflict {
		t.Errorf("another leaf: %v", err)
	}
	thief := &Client{HTTP: server.Client(), URL: server.URL, Key: strings.Repeat("x", MinWriterKey)}
	id2, b2 := leaf(t)
	if _, err := thief.Append(t.Context(), id2, b2); reason(err) != ReasonUnavailable {
		t.Errorf("another key: %v", err)
	}
	for path, want := range map[string]int{
		"/log/checkpoint": 200, "/log/tile/entries/000.p/1": 200, "/log/tile/0/000.p/1": 200, "/log/vkey": 200,
		"/log/tile/0/000.p/2": 404, "/log/.state/treeState": 404, "/log/../log.key": 404, "/log/": 404, "/proof/0": 401,
	} {
		res, err := server.Client().Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("GET %s: %d, want %d", path, res.StatusCode, want)
		}
	}
	res, err := server.Client().Post(server.URL+"/log/checkpoint", "text/plain", nil)
	if err != nil || res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("writing to the published log: %v, %v", res.Status, err)
	}
	t.Run("away", func(t *testing.T) {
		server.Close()
		id, b := leaf(t)
		if _, err := c.Append(t.Context(), id, b); reason(err) != ReasonUnavailable {
			t.Fatalf("appending to a log that is away: %v", err)
		}
	})
}
