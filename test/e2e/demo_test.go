package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A demo is `facet demo`, the real binary in a process of its own.
type demo struct {
	wallet, verifier, issuer, news string

	data string
	port int
	bin  string // another build of facet; "" = binary
	cmd  *exec.Cmd
	out  *output
}

// output is what a process said, safe to read while it speaks.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

var build struct {
	once sync.Once
	path string
	err  error
}

// binary builds facet once for all tests of the package.
func binary(t *testing.T) string {
	t.Helper()
	build.once.Do(func() {
		dir, err := os.MkdirTemp("", "facet-bin-*")
		if err != nil {
			build.err = err
			return
		}
		build.path = filepath.Join(dir, "facet")
		if out, err := exec.Command("go", "build", "-o", build.path, "facet/cmd/facet").CombinedOutput(); err != nil {
			build.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if build.err != nil {
		t.Fatal(build.err)
	}
	return build.path
}

func TestMain(m *testing.M) {
	code := m.Run()
	if build.path != "" {
		os.RemoveAll(filepath.Dir(build.path))
	}
	os.Exit(code)
}

// startDemo starts the demo on four free ports and an empty data folder.
func startDemo(t *testing.T) *demo {
	t.Helper()
	d := &demo{data: filepath.Join(t.TempDir(), "data"), port: freePorts(t, 4)}
	at := func(name string, n int) string { return fmt.Sprintf("http://%s.localhost:%d", name, d.port+n) }
	d.wallet, d.verifier, d.issuer, d.news = at("wallet", 0), at("verifier", 1), at("issuer", 2), at("news", 3)
	d.start(t)
	t.Cleanup(func() {
		d.stop(t, syscall.SIGINT)
		if dir := os.Getenv("FACET_LOOK"); dir != "" {
			d.keepLogs(t, dir)
		}
	})
	return d
}

func (d *demo) start(t *testing.T) {
	t.Helper()
	d.out = &output{}
	if d.bin == "" {
		d.bin = binary(t)
	}
	d.cmd = exec.Command(d.bin, "demo", "--data", d.data, "--port", fmt.Sprint(d.port))
	d.cmd.Stdout, d.cmd.Stderr = d.out, d.out
	d.cmd.Env = append(os.Environ(), "FACET_EPHEMERAL=")
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if bytes.Contains([]byte(d.out.String()), []byte("Facet is running")) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("the demo did not come up:\n%s", d.out)
}

// stop ends the demo and waits until it is gone.
func (d *demo) stop(t *testing.T, how syscall.Signal) {
	t.Helper()
	if d.cmd == nil {
		return
	}
	if err := d.cmd.Process.Signal(how); err != nil {
		t.Errorf("stopping the demo: %v", err)
	}
	err := d.cmd.Wait()
	if how != syscall.SIGKILL && err != nil {
		t.Errorf("the demo ended with %v:\n%s", err, d.out)
	}
	d.cmd = nil
}

// keepLogs copies what the demo wrote for its operator.
func (d *demo) keepLogs(t *testing.T, dir string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(d.data, "demo.log"))
	if err != nil {
		t.Error(err)
	}
	for name, content := range map[string][]byte{"demo.log": b, "demo.out": []byte(d.out.String())} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Error(err)
		}
	}
}

// freePorts finds n ports in a row that nobody uses.
func freePorts(t *testing.T, n int) int {
	t.Helper()
next:
	for first := 20000 + os.Getpid()%20000; first < 60000; first += n {
		for port := first; port < first+n; port++ {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				continue next
			}
			l.Close()
		}
		return first
	}
	t.Fatal("no free ports")
	return 0
}

// facet runs a command of the binary to its end.
func facet(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	b, err := exec.Command(binary(t), args...).CombinedOutput()
	if err == nil {
		return string(b), 0
	}
	exit, ok := err.(*exec.ExitError)
	if !ok {
		t.Fatal(err)
	}
	return string(b), exit.ExitCode()
}
