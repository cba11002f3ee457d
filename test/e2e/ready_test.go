package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"facet/web"
)

// maxEngine is what a holder loads before the first page is alive
// (docs/architecture.md §7).
const maxEngine = 2_200_000

// TestReady weighs the engine as it is served, and says how long a browser with
// nothing in its cache takes from starting the worker to the first answer. The
// time is for people to read (go test -v); a loaded machine must not fail it.
func TestReady(t *testing.T) {
	built, err := web.Built()
	if err != nil {
		t.Fatal(err)
	}
	worker, ok := built.Asset("worker.js")
	if !ok {
		t.Fatal("no worker.js was built")
	}
	// A page of the wallet's origin without its policies, which would not let a
	// test start workers.
	w := startWallet(t, besides("/ready", `<!doctype html><link rel=icon href="data:,">`, "text/html"))
	t.Run("weight", func(t *testing.T) { weigh(t, w.origin, built) })

	device := startBrowser(t).device(t, laptop)
	device.allow("status of 40[14]") // nobody is signed in
	device.open(w.origin + "/ready")
	var took struct {
		Cold, Warm float64
		State      string
	}
	device.eval(fmt.Sprintf(`(async () => {
		const start = async () => {
			const from = performance.now();
			const worker = new Worker(%q, {type: "module"});
			const answer = new Promise((resolve, reject) => {
				worker.onmessage = (e) => e.data.error ? reject(new Error(e.data.error.reason)) : resolve(e.data.result);
				worker.onerror = () => reject(new Error("the worker does not start"));
			});
			worker.postMessage({id: 1, method: "vault.status", params: {}});
			const {state} = await answer;
			worker.terminate();
			return {took: performance.now() - from, state};
		};
		const cold = await start(), warm = await start();
		return {Cold: cold.took, Warm: warm.took, State: cold.state};
	})()`, worker.URL()), &took)
	if took.State != "none" {
		t.Fatalf("the vault's state is %q", took.State)
	}
	t.Logf("from starting the worker to the first answer: %.0f ms cold, %.0f ms from the cache (budget 500)", took.Cold, took.Warm)
}

func weigh(t *testing.T, origin string, built *web.Bundle) {
	engine, ok := built.Asset("engine.wasm")
	if !ok {
		t.Fatal("no engine was built")
	}
	if !regexp.MustCompile(`^assets/engine-[A-Z2-7]{16}\.wasm$`).MatchString(engine.Path) {
		t.Errorf("the engine's name %s does not change with its content", engine.Path)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(origin, "wallet.localhost", "127.0.0.1", 1)+engine.URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = strings.TrimPrefix(origin, "http://")
	req.Header.Set("Accept-Encoding", "gzip, deflate, br, zstd")
	answer, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for name, want := range map[string]string{
		"Content-Encoding": "br", "Content-Type": "application/wasm", "Cache-Control": "public, max-age=31536000, immutable",
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	weight, err := io.Copy(io.Discard, answer.Body)
	if err != nil || weight != engine.Brotli {
		t.Fatalf("%d bytes are served of %d: %v", weight, engine.Brotli, err)
	}
	t.Logf("the engine: %d bytes, %d in brotli %d (budget %d)", engine.Size, weight, engine.Quality, maxEngine)
	if engine.Quality < 11 {
		t.Skip("web/dist was built with -fast, which is not what is released")
	}
	if weight > maxEngine {
		t.Errorf("the engine weighs %d bytes, %d more than the budget", weight, weight-maxEngine)
	}
}

// besides serves one more page.
func besides(path, page, mediaType string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != path {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", mediaType)
			fmt.Fprint(w, page)
		})
	}
}

// TestApproveInTheBrowser runs the wallet's benchmark of approving (one issued
// and one minted credential) in a worker. It fails if approving does; how long
// it takes is for people to read.
func TestApproveInTheBrowser(t *testing.T) {
	wasm := filepath.Join(t.TempDir(), "wallet.wasm")
	cmd := exec.Command("go", "test", "-c", "-o", wasm, "facet/wallet")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compiling: %v\n%s", err, said)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	origin, serve := listen(t, "approve.localhost")
	mux := http.NewServeMux()
	mux.HandleFunc("/wallet.wasm", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, wasm) })
	mux.HandleFunc("/exec.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(strings.TrimSpace(string(root)), "lib/wasm/wasm_exec.js"))
	})
	mux.Handle("/worker.js", besides("/worker.js", `importScripts("/exec.js");
		let out = "", code = -1;
		console.log = (line) => { out += line + "\n"; };
		const go = new Go();
		go.argv = ["wallet", "-test.run=^$", "-test.bench=^BenchmarkApprove$", "-test.benchtime=20x", "-test.count=4"];
		go.exit = (c) => { code = c; };
		WebAssembly.instantiateStreaming(fetch("/wallet.wasm"), go.importObject)
			.then(({instance}) => go.run(instance)).then(() => postMessage(out + "exit code " + code), (e) => postMessage("" + e)).then(() => close());`, "text/javascript")(nil))
	mux.Handle("/", besides("/", `<!doctype html><link rel=icon href="data:,">`, "text/html")(http.NotFoundHandler()))
	serve(mux)
	device := startBrowser(t).device(t, laptop)
	device.allow("Go program has already exited") // a timer of the test binary's
	device.open(origin + "/")
	device.eval(`new Worker("/worker.js").onmessage = (e) => { globalThis.said = e.data; }, null`, nil)
	device.await("the benchmark's end", "globalThis.said")
	var out string
	device.eval("globalThis.said", &out)
	if !strings.Contains(out, "BenchmarkApprove") || !strings.Contains(out, "exit code 0") {
		t.Fatalf("in the browser:\n%s", out)
	}
	for _, m := range regexp.MustCompile(`(\d+) ns/op`).FindAllStringSubmatch(out, -1) {
		t.Logf("approve: %s ns (budget 8000000; the first run compiles)", m[1])
	}
}
