// Package web holds the browser's side of Facet as built by `go run
// ./web/bundle`: hashed assets with their integrity, pages, and the content
// security policies they run under.
//
// It does not serve: wallet/server and verifier/server do, each with the
// policy that is right for it.
package web

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// ErrNotBuilt says that this binary was compiled before the web UI was built.
var ErrNotBuilt = errors.New("the web UI was not built into this binary: run `go run ./web/bundle`, then build again")

//go:embed all:dist
var dist embed.FS

// An Asset is one built file.
type Asset struct {
	Path      string `json:"path"`      // below /, e.g. assets/wallet-5DTQ3L.js; also its name in Files
	Integrity string `json:"integrity"` // W3C Subresource Integrity, sha384-…
	Size      int64  `json:"size"`      // bytes as they are
	Brotli    int64  `json:"brotli"`    // bytes compressed, in Path + ".br"; 0: not worth it
	Gzip      int64  `json:"gzip"`      // bytes compressed, in Path + ".gz"; 0: not worth it
	Immutable bool   `json:"immutable"` // the name changes with the content
	Quality   int    `json:"quality"`   // brotli quality it was compressed with
}

// URL is where the asset is served.
func (a Asset) URL() string { return "/" + a.Path }

// A Manifest lists what was built, by lasting names: wallet.js, wallet.css,
// worker.js, engine.wasm, sw.js, index.html …
type Manifest struct {
	Go    string           `json:"go"` // toolchain of engine.wasm and its glue
	Files map[string]Asset `json:"files"`
}

// A Bundle is a built UI: its manifest and its files.
type Bundle struct {
	Manifest
	Files fs.FS
}

// Built returns the UI inside this binary, or ErrNotBuilt.
func Built() (*Bundle, error) {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, err
	}
	return Open(sub)
}

// Open reads a built UI, or returns ErrNotBuilt.
func Open(files fs.FS) (*Bundle, error) {
	raw, err := fs.ReadFile(files, "manifest.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotBuilt
	}
	if err != nil {
		return nil, fmt.Errorf("web: reading the manifest: %w", err)
	}
	b := &Bundle{Files: files}
	if err := json.Unmarshal(raw, &b.Manifest); err != nil {
		return nil, fmt.Errorf("web: reading the manifest: %w", err)
	}
	return b, nil
}

// Asset returns the built file of a lasting name.
func (b *Bundle) Asset(name string) (Asset, bool) {
	a, ok := b.Manifest.Files[name]
	return a, ok
}
