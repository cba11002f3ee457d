package audit

import (
	"cmp"
	"context"
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
