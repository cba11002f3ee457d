package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const enginePackage = "./wallet/wasm"

// engineFlags leave out symbols and, but for the cryptography and what it
// stands on, inlining: every holder loads the engine, and copies of small
// functions were 6 % of it. Approving takes as long as before, starting less.
// (math/bits is on the list because Go does not compile it to instructions of
// WebAssembly; without it a signature takes three times as long.)
var engineFlags = []string{
	"-trimpath", "-ldflags=-s -w",
	"-gcflags=all=-l", "-gcflags=crypto/internal/...=", "-gcflags=internal/...=", "-gcflags=runtime/...=", "-gcflags=math/bits=",
}

// engine compiles the wallet's engine. Its glue, wasm_exec.js, is taken from
// the same toolchain, and the build fails if the two do not fit.
func (b *build) engine() error {
	out := filepath.Join(b.root, "bin", "engine.wasm")
	cmd := exec.Command("go", slices.Concat([]string{"build", "-o", out}, engineFlags, []string{enginePackage})...)
	cmd.Dir = b.root
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compiling the engine: %w\n%s", err, said)
	}
	wasm, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	glue, version, err := b.glue()
	if err != nil {
		return err
	}
	if err := fits(wasm, glue); err != nil {
		return err
	}
	b.manifest.Go = version
	b.add("engine.wasm", wasm)
	return nil
}

// glue returns wasm_exec.js of the toolchain that compiles, and its version.
func (b *build) glue() (js []byte, version string, err error) {
	cmd := exec.Command("go", "env", "GOROOT", "GOVERSION")
	cmd.Dir = b.root
	out, err := cmd.Output()
	if err != nil {
		return nil, "", fmt.Errorf("asking go for its version: %w", err)
	}
	goroot, version, ok := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if !ok {
		return nil, "", errors.New("go env gave no version")
	}
	written, err := os.ReadFile(filepath.Join(goroot, "VERSION"))
	if err != nil {
		return nil, "", fmt.Errorf("reading the toolchain's version: %w", err)
	}
	if first, _, _ := strings.Cut(string(written), "\n"); first != version {
		return nil, "", fmt.Errorf("the compiler is %s but its folder %s says %s", version, goroot, first)
	}
	js, err = os.ReadFile(filepath.Join(goroot, "lib", "wasm", "wasm_exec.js"))
	return js, version, err
}

// fits checks that the glue provides every function the engine imports. Go
// changes both together between versions; a mixture breaks at run time, in the
// holder's browser.
func fits(wasm, glue []byte) error {
	imports, err := wasmImports(wasm)
	if err != nil {
		return fmt.Errorf("reading the engine's imports: %w", err)
	}
	if len(imports) == 0 {
		return errors.New("the engine imports nothing: it was not compiled with GOOS=js")
	}
	for _, name := range imports {
		if !strings.Contains(string(glue), `"`+name+`"`) {
			return fmt.Errorf("wasm_exec.js is of another Go version: it lacks %s", name)
		}
	}
	return nil
}

var errWASM = errors.New("malformed WebAssembly")

// wasmImports lists the names of the imported functions (WebAssembly Core 2.0
// §5.5.5). The Go compiler imports functions only.
func wasmImports(wasm []byte) ([]string, error) {
	if len(wasm) < 8 || string(wasm[:4]) != "\x00asm" {
		return nil, errWASM
	}
	const importSection = 2
	for rest := wasm[8:]; len(rest) > 0; {
		id := rest[0]
		body, after, err := vector(rest[1:])
		if err != nil {
			return nil, err
		}
		if id == importSection {
			return importNames(body)
		}
		rest = after
	}
	return nil, nil
}

func importNames(body []byte) (names []string, err error) {
	count, n := binary.Uvarint(body)
	if n <= 0 {
		return nil, errWASM
	}
	body = body[n:]
	for range count {
		var name []byte
		if _, body, err = vector(body); err != nil { // module
			return nil, err
		}
		if name, body, err = vector(body); err != nil {
			return nil, err
		}
		if len(body) < 2 || body[0] != 0 { // kind: function
			return nil, errWASM
		}
		_, n := binary.Uvarint(body[1:])
		if n <= 0 {
			return nil, errWASM
		}
		body = body[1+n:]
		names = append(names, string(name))
	}
	return names, nil
}

// vector splits a length-prefixed run of bytes off.
func vector(b []byte) (run, rest []byte, err error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, nil, errWASM
	}
	return b[n : n+int(size)], b[n+int(size):], nil
}
