package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// An entry is a script or style sheet that pages load, by its lasting name.
type entry struct {
	name  string
	file  string // below web/src
	fixed string // path that must not change, instead of a hashed one
	plain bool   // left readable: for people who take it into their own programs
}

// entries in build order: a script may ask for the address of an earlier one.
var entries = []entry{
	{name: "worker.js", file: "worker/worker.ts"},
	{name: "wallet.css", file: "styles/wallet.css"},
	{name: "audit.css", file: "styles/audit.css"},
	{name: "wallet.js", file: "wallet/main.ts"},
	{name: "elements.js", file: "elements/index.ts", fixed: "elements.js"},
	{name: "audit.js", file: "audit/main.ts"},
	{name: "client.js", file: "client/client.ts", fixed: "client.js", plain: true},
}

// serviceWorker comes last: it knows the hashes of everything, pages included.
var serviceWorker = entry{name: "sw.js", file: "sw/sw.ts", fixed: "sw.js"}

func (b *build) scripts() error {
	if err := b.bundles(entries...); err != nil {
		return err
	}
	return b.clientTypes()
}

// clientTypes puts the source of client.js beside it: who imports the one has
// the other for its types.
func (b *build) clientTypes() error {
	source, err := os.ReadFile(filepath.Join(b.src, "client", "client.ts"))
	if err != nil {
		return err
	}
	b.addAs("client.ts", "client.ts", source)
	return nil
}

func (b *build) worker() error { return b.bundles(serviceWorker) }

func (b *build) bundles(entries ...entry) error {
	glue, _, err := b.glue()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := b.bundle(e, glue); err != nil {
			return fmt.Errorf("bundling %s: %w", e.name, err)
		}
	}
	return nil
}

func (b *build) bundle(e entry, glue []byte) error {
	options := b.options(filepath.Join(b.src, filepath.FromSlash(e.file)))
	options.Plugins = []api.Plugin{b.resolver(glue)}
	if e.plain {
		options.MinifyWhitespace, options.MinifyIdentifiers, options.MinifySyntax = false, false, false
	}
	out, err := esbuild(options)
	if err != nil {
		return err
	}
	if e.fixed != "" {
		b.addAs(e.name, e.fixed, out)
		return nil
	}
	b.add(e.name, out)
	return nil
}

func (b *build) options(file string) api.BuildOptions {
	return api.BuildOptions{
		EntryPoints:       []string{file},
		AbsWorkingDir:     b.root,
		Tsconfig:          filepath.Join(b.root, "web", "tsconfig.json"),
		Bundle:            true,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		LegalComments:     api.LegalCommentsEndOfFile,
		Charset:           api.CharsetUTF8,
		Loader:            map[string]api.Loader{".svg": api.LoaderText},
	}
}

// esbuild runs one build that makes one file.
func esbuild(options api.BuildOptions) ([]byte, error) {
	r := api.Build(options)
	if len(r.Errors) > 0 {
		texts := api.FormatMessages(r.Errors, api.FormatMessagesOptions{Kind: api.ErrorMessage})
		return nil, errors.New(strings.Join(texts, ""))
	}
	if len(r.Warnings) > 0 {
		texts := api.FormatMessages(r.Warnings, api.FormatMessagesOptions{Kind: api.WarningMessage})
		return nil, errors.New(strings.Join(texts, ""))
	}
	if len(r.OutputFiles) != 1 {
		return nil, fmt.Errorf("esbuild made %d files, want 1", len(r.OutputFiles))
	}
	return r.OutputFiles[0].Contents, nil
}

var (
	litImport  = `^lit(/.*)?$`
	ownImports = `^facet:(assets|wasm_exec)$`
	textImport = `\?text$`
	anything   = `.*`
)

// resolver knows the imports that are not files of ours:
//
//	lit, lit/…         the vendored module
//	facet:assets       addresses and integrity of what was built before
//	facet:wasm_exec    the toolchain's glue for engine.wasm
//	./x.css?text       a bundled style sheet as a string, for shadow roots
func (b *build) resolver(glue []byte) api.Plugin {
	lit := filepath.Join(b.root, "web", "vendor", "lit.js")
	own := func(contents string) (api.OnLoadResult, error) {
		return api.OnLoadResult{Contents: &contents, Loader: api.LoaderJS}, nil
	}
	return api.Plugin{Name: "facet", Setup: func(p api.PluginBuild) {
		p.OnResolve(api.OnResolveOptions{Filter: litImport}, func(api.OnResolveArgs) (api.OnResolveResult, error) {
			return api.OnResolveResult{Path: lit}, nil
		})
		p.OnResolve(api.OnResolveOptions{Filter: ownImports}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			return api.OnResolveResult{Path: a.Path, Namespace: "facet"}, nil
		})
		p.OnLoad(api.OnLoadOptions{Filter: anything, Namespace: "facet"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			if a.Path == "facet:wasm_exec" {
				return own(string(glue))
			}
			return own(b.assetsModule())
		})
		p.OnResolve(api.OnResolveOptions{Filter: textImport}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			file := filepath.Join(a.ResolveDir, strings.TrimSuffix(a.Path, "?text"))
			return api.OnResolveResult{Path: file, Namespace: "text"}, nil
		})
		p.OnLoad(api.OnLoadOptions{Filter: anything, Namespace: "text"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			css, err := esbuild(b.options(a.Path))
			text := string(css)
			return api.OnLoadResult{Contents: &text, Loader: api.LoaderText}, err
		})
	}}
}

// assetsModule exports `assets`: lasting name → {url, integrity}, of everything
// built so far. web/bundle/assets.d.ts has its type.
func (b *build) assetsModule() string {
	type asset struct {
		URL       string `json:"url"`
		Integrity string `json:"integrity"`
	}
	list := map[string]asset{}
	for name, a := range b.manifest.Files {
		list[name] = asset{a.URL(), a.Integrity}
	}
	j, err := json.Marshal(list)
	if err != nil {
		panic(err) // strings only
	}
	return "export const assets = " + string(j) + ";"
}

// static is copied as it is: icons, the web app's manifest.
const static = "static"

// asset finds `"facet:wallet.js"` in a page.
var asset = regexp.MustCompile(`"facet:([a-z_.]+)"`)

// pages writes every web/src/*/*.html, with "facet:NAME" replaced by the
// address of that asset and its integrity, and the static files.
func (b *build) pages() error {
	files, err := filepath.Glob(filepath.Join(b.src, "*", "*.html"))
	if err != nil {
		return err
	}
	for _, file := range files {
		page, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var missing error
		page = asset.ReplaceAllFunc(page, func(m []byte) []byte {
			name := string(asset.FindSubmatch(m)[1])
			a, ok := b.manifest.Files[name]
			if !ok {
				missing = fmt.Errorf("%s names %s, which was not built", file, name)
			}
			return []byte(`"` + a.URL() + `" integrity="` + a.Integrity + `"`)
		})
		if missing != nil {
			return missing
		}
		name := filepath.Base(filepath.Dir(file)) + ".html" // wallet/index.html → wallet.html
		b.addAs(name, name, page)
	}
	return b.copyStatic()
}

func (b *build) copyStatic() error {
	files, err := os.ReadDir(filepath.Join(b.src, static))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(b.src, static, f.Name()))
		if err != nil {
			return err
		}
		b.addAs(f.Name(), f.Name(), content)
	}
	return nil
}
