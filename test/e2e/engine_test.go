package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The vault's vectors pass in the browser as they do natively (see
// wallet/vault's TestVectors): the same test, compiled to WebAssembly.
func TestVaultVectorsInTheBrowser(t *testing.T) {
	wasm := filepath.Join(t.TempDir(), "vault.wasm")
	cmd := exec.Command("go", "test", "-c", "-o", wasm, "facet/wallet/vault")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compiling: %v\n%s", err, said)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	origin, serve := listen(t, "vectors.localhost")
	mux := http.NewServeMux()
	mux.HandleFunc("/vault.wasm", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, wasm) })
	mux.HandleFunc("/exec.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(strings.TrimSpace(string(root)), "lib/wasm/wasm_exec.js"))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><link rel=icon href="data:,"><script src="/exec.js"></script>`)
	})
	serve(mux)
	device := startBrowser(t).device(t, laptop)
	device.open(origin + "/")
	var out string
	device.eval(`(async () => {
		let out = "";
		console.log = (line) => { out += line + "\n"; };
		const go = new Go();
		go.argv = ["vault", "-test.v", "-test.run=TestVectors|TestRoundTrip"];
		let code = -1;
		go.exit = (c) => { code = c; };
		const {instance} = await WebAssembly.instantiateStreaming(fetch("/vault.wasm"), go.importObject);
		await go.run(instance);
		return out + "exit code " + code;
	})()`, &out)
	if !strings.Contains(out, "--- PASS: TestVectors/VLT-023") || !strings.Contains(out, "exit code 0") {
		t.Fatalf("in the browser:\n%s", out)
	}
}
