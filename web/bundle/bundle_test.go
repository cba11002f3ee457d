package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"facet/web"
)

// moduleImporting is a WebAssembly module that imports functions of "gojs".
func moduleImporting(names ...string) []byte {
	var body []byte
	put := func(s string) { body = append(binary.AppendUvarint(body, uint64(len(s))), s...) }
	body = binary.AppendUvarint(body, uint64(len(names)))
	for _, n := range names {
		put("gojs")
		put(n)
		body = append(body, 0, 0) // a function of type 0
	}
	module := []byte("\x00asm\x01\x00\x00\x00\x01\x01\x00\x02") // an empty type section, then imports
	return append(binary.AppendUvarint(module, uint64(len(body))), body...)
}

func TestGlueFitsEngine(t *testing.T) {
	b := newBuild(repository(t), 5)
	glue, version, err := b.glue()
	check(t, err)
	if !strings.HasPrefix(version, "go1.") {
		t.Fatalf("version %q", version)
	}
	check(t, fits(moduleImporting("runtime.wasmExit", "syscall/js.valueGet"), glue))
	t.Run("WEB-008", func(t *testing.T) {
		if err := fits(moduleImporting("runtime.wasmExit", "runtime.ofAnotherVersion"), glue); err == nil || !strings.Contains(err.Error(), "another Go version") {
			t.Fatalf("an engine of another Go version is accepted: %v", err)
		}
		older := bytes.ReplaceAll(glue, []byte(`"runtime.wasmExit"`), []byte(`"runtime.exit"`))
		if err := fits(moduleImporting("runtime.wasmExit"), older); err == nil {
			t.Fatal("glue of another Go version is accepted")
		}
	})
	for n := range len(moduleImporting("a", "b")) {
		if err := fits(moduleImporting("a", "b")[:n], glue); err == nil {
			t.Fatalf("a module cut at %d bytes is accepted", n)
		}
	}
}

// workshop is a small source tree with the real vendored Lit.
func workshop(t *testing.T, files map[string]string) *build {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		file := filepath.Join(root, "web", name)
		check(t, os.MkdirAll(filepath.Dir(file), 0o755))
		check(t, os.WriteFile(file, []byte(content), 0o644))
	}
	for _, name := range []string{"web/vendor/lit.js", "web/tsconfig.json"} {
		content, err := os.ReadFile(filepath.Join(repository(t), name))
		check(t, err)
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		check(t, os.WriteFile(filepath.Join(root, name), content, 0o644))
	}
	return newBuild(root, 5)
}

func TestScripts(t *testing.T) {
	b := workshop(t, map[string]string{
		"src/a.ts": `import { html, render } from "lit"; import { live } from "lit/directives/live.js";
			import { assets } from "facet:assets"; import css from "./a.css?text"; import "facet:wasm_exec";
			const n: number = 1; render(html` + "`<p .x=${live(n)}>${assets[\"engine.wasm\"]!.url} ${css}</p>`" + `, document.body);`,
		"src/a.css":     `@import "./b.css"; p { color: red; }`,
		"src/b.css":     `i { color: blue; }`,
		"src/broken.ts": `import "./gone";`,
	})
	engine := b.add("engine.wasm", []byte("engine"))
	check(t, b.bundle(entry{name: "a.js", file: "a.ts"}, []byte("globalThis.Go = class {};")))
	a := b.manifest.Files["a.js"]
	js := string(b.content[a.Path])
	for _, part := range []string{engine.URL(), engine.Integrity, "i{color:#00f}p{color:red}", "globalThis.Go", "lit-html"} {
		if !strings.Contains(js, part) {
			t.Errorf("the script lacks %q", part)
		}
	}
	if !a.Immutable || !strings.HasPrefix(a.Path, "assets/a-") || strings.Contains(js, "import ") {
		t.Errorf("%+v", a)
	}
	if err := b.bundle(entry{name: "x.js", file: "broken.ts"}, nil); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a missing import is reported as %v", err)
	}
}

func TestPages(t *testing.T) {
	b := workshop(t, map[string]string{
		"src/wallet/index.html": `<script type="module" src="facet:wallet.js"></script>`,
		"src/static/icon.svg":   `<svg/>`,
	})
	if err := b.pages(); err == nil || !strings.Contains(err.Error(), "wallet.js") {
		t.Fatalf("a page without its script is reported as %v", err)
	}
	js := b.add("wallet.js", []byte("1"))
	check(t, b.pages())
	want := `<script type="module" src="` + js.URL() + `" integrity="` + js.Integrity + `"></script>`
	if got := string(b.content["wallet.html"]); got != want {
		t.Fatalf("page is %s", got)
	}
	if string(b.content["icon.svg"]) != "<svg/>" {
		t.Fatal("static files are missing")
	}
}

func TestCompressOnceAndTidy(t *testing.T) {
	b := workshop(t, nil)
	content := []byte(strings.Repeat("compressible ", 1000))
	run := func(quality int, content []byte) web.Asset {
		b = newBuild(b.root, quality)
		b.add("big.js", content)
		b.add("small.js", []byte("1"))
		check(t, b.compress())
		check(t, b.finish())
		return b.manifest.Files["big.js"]
	}
	first := run(5, content)
	br, err := os.Open(filepath.Join(b.dist, first.Path+".br"))
	check(t, err)
	defer br.Close()
	gz, err := os.Open(filepath.Join(b.dist, first.Path+".gz"))
	check(t, err)
	defer gz.Close()
	z, err := gzip.NewReader(gz)
	check(t, err)
	for _, r := range []io.Reader{brotli.NewReader(br), z} {
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content) {
			t.Fatalf("what was compressed comes back as %d bytes, %v", len(got), err)
		}
	}
	if s := b.manifest.Files["small.js"]; s.Brotli != 0 || s.Gzip != 0 {
		t.Errorf("a tiny file was compressed: %+v", s)
	}

	// The same content is not compressed again: a mark in the file survives.
	file := filepath.Join(b.dist, first.Path+".br")
	old := time.Unix(1_000_000_000, 0)
	check(t, os.Chtimes(file, old, old))
	touched := func() bool {
		info, err := os.Stat(file)
		check(t, err)
		return !info.ModTime().Equal(old)
	}
	if run(5, content); touched() {
		t.Error("unchanged content was compressed again")
	}
	if a := run(11, content); !touched() && a.Brotli != first.Brotli || a.Quality != 11 {
		t.Errorf("a better compression was not made: %+v", a)
	}
	second := run(5, append(content, '!'))
	if _, err := os.Stat(file); !os.IsNotExist(err) || second.Path == first.Path {
		t.Errorf("the old file is still there (%v)", err)
	}
}

func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	check(t, err)
	return root
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
