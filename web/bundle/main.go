// Bundle builds the browser's side of Facet into web/dist: the engine (Go
// compiled to WebAssembly), scripts and styles (esbuild), pages, hashed names,
// integrity, brotli and gzip. It needs Go and nothing else.
//
//	go run ./web/bundle [-fast]
//
// It does not type-check TypeScript; `make check` does, where Node is there.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func main() {
	fast := flag.Bool("fast", false, "compress lightly: for work on the UI, not for release")
	root := flag.String("root", ".", "folder that holds go.mod")
	flag.Parse()
	if err := run(*root, *fast); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

func run(root string, fast bool) error {
	start := time.Now()
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	b := newBuild(root, 11)
	if fast {
		b.quality = 5
	}
	for _, step := range []func() error{b.engine, b.scripts, b.pages, b.worker, b.compress, b.finish} {
		if err := step(); err != nil {
			return err
		}
	}
	b.report(os.Stdout)
	fmt.Printf("built web/dist in %.1f s\n", time.Since(start).Seconds())
	return nil
}
