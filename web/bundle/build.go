package main

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"facet/web"
)

const placeholder = ".placeholder" // keeps web/dist in git, so that a fresh clone compiles

// A build is one run. Files are kept in memory until finish; what is already
// in web/dist under the same content is left alone.
type build struct {
	root    string // holds go.mod
	src     string // web/src
	dist    string // web/dist
	quality int    // brotli

	manifest web.Manifest
	content  map[string][]byte // by asset path
	before   web.Manifest      // of the last run
}

func newBuild(root string, quality int) *build {
	b := &build{
		root: root, src: filepath.Join(root, "web", "src"), dist: filepath.Join(root, "web", "dist"), quality: quality,
		manifest: web.Manifest{Files: map[string]web.Asset{}}, content: map[string][]byte{},
	}
	if last, err := web.Open(os.DirFS(b.dist)); err == nil {
		b.before = last.Manifest
	}
	return b
}

// add takes a built file under its lasting name. Hashed names are below assets/.
func (b *build) add(name string, content []byte) web.Asset {
	ext := path.Ext(name)
	sum := sha256.Sum256(content)
	hash := base32.StdEncoding.EncodeToString(sum[:10])
	return b.addAs(name, "assets/"+strings.TrimSuffix(name, ext)+"-"+hash+ext, content)
}

// addAs takes a built file with its path decided.
func (b *build) addAs(name, at string, content []byte) web.Asset {
	sum := sha512.Sum384(content)
	a := web.Asset{
		Path:      at,
		Integrity: "sha384-" + base64.StdEncoding.EncodeToString(sum[:]),
		Size:      int64(len(content)),
		Immutable: strings.HasPrefix(at, "assets/"),
	}
	b.manifest.Files[name] = a
	b.content[at] = content
	return a
}

// finish writes what changed, then the manifest, then removes what no longer
// belongs: a server reading web/dist meanwhile never finds a gap.
func (b *build) finish() error {
	keep := map[string]bool{placeholder: true, "manifest.json": true}
	for at, content := range b.content {
		keep[at] = true
		if err := b.write(at, content); err != nil {
			return err
		}
	}
	m, err := json.MarshalIndent(b.manifest, "", "  ")
	if err != nil {
		return err
	}
	if err := b.write("manifest.json", append(m, '\n')); err != nil {
		return err
	}
	return fs.WalkDir(os.DirFS(b.dist), ".", func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || keep[at] || keep[strings.TrimSuffix(strings.TrimSuffix(at, ".br"), ".gz")] {
			return err
		}
		return os.Remove(filepath.Join(b.dist, filepath.FromSlash(at)))
	})
}

// write puts content into web/dist unless it is there already.
func (b *build) write(at string, content []byte) error {
	file := filepath.Join(b.dist, filepath.FromSlash(at))
	if old, err := os.ReadFile(file); err == nil && string(old) == string(content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}

func (b *build) report(w io.Writer) {
	for _, name := range slices.Sorted(maps.Keys(b.manifest.Files)) {
		a := b.manifest.Files[name]
		fmt.Fprintf(w, "%-28s %9d bytes  %8d brotli\n", name, a.Size, a.Brotli)
	}
}
