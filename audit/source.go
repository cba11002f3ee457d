package audit

import (
	"cmp"
	"context"
	"io/fs"
	"maps"
	"slices"
)

// A Source gives the published resources of a log by their path below its
// prefix (C2SP tlog-tiles): "checkpoint", "tile/0/x001/067.p/3",
// "tile/entries/000". It must be safe for use by one goroutine; an absent
// resource is an error that wraps fs.ErrNotExist. What it returns is not trusted.
type Source interface {
	Read(ctx context.Context, path string) ([]byte, error)
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// A Folder reads a log from a file system, such as a bundle made for offline use.
type Folder struct{ FS fs.FS }

func (f Folder) Read(_ context.Context, path string) ([]byte, error) { return fs.ReadFile(f.FS, path) }

// KeyPath is where a log of this project also publishes its verifier key, and
// where a bundle keeps it. A key from there says who claims to be the log, not
// that it is true: compare it with one from elsewhere.
const KeyPath = "vkey"
