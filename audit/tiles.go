package audit

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// CheckpointPath is where a log publishes its checkpoint.
const CheckpointPath = "checkpoint"

// tilePath writes a tile's path as C2SP tlog-tiles does; x/mod adds the height.
func tilePath(t tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(strings.Replace(t.Path(), "/data/", "/entries/", 1), "tile/8/")
}

// IsTilePath reports whether path is that of a tile or an entry bundle.
func IsTilePath(path string) bool {
	rest, ok := strings.CutPrefix(path, "tile/")
	if !ok {
		return false
	}
	if n, ok := strings.CutPrefix(rest, "entries/"); ok {
		rest = "data/" + n
	} else if strings.HasPrefix(rest, "data/") {
		return false
	}
	_, err := tlog.ParseTilePath("tile/8/" + rest)
	return err == nil
}

// readTile reads a tile or bundle; a partial one that is gone is cut out of the
// full one, which must then exist (C2SP tlog-tiles, partial tiles).
func readTile(ctx context.Context, src Source, t tlog.Tile) ([]byte, error) {
	b, err := src.Read(ctx, tilePath(t))
	if err == nil || t.W == tileWidth || !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	full := t
	full.W = tileWidth
	b, err = src.Read(ctx, tilePath(full))
	if err != nil {
		return nil, err
	}
	if t.L < 0 {
		return b, nil // bundles are cut by their reader
	}
	if len(b) != tileWidth*tlog.HashSize {
		return nil, fault(ReasonTile, "%s is not full", tilePath(full))
	}
	return b[:t.W*tlog.HashSize], nil
}

// tiles adapts a Source to tlog.TileReader.
type tiles struct {
	ctx context.Context // of the one call that made this reader
	src Source
}

func (r *tiles) Height() int                     { return tileHeight }
func (r *tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (r *tiles) ReadTiles(ts []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(ts))
	for i, t := range ts {
		b, err := readTile(r.ctx, r.src, t)
		if err != nil {
			return nil, err
		}
		if len(b) != t.W*tlog.HashSize {
			return nil, fault(ReasonTile, "%s has %d bytes", tilePath(t), len(b))
		}
		out[i] = b
	}
	return out, nil
}

// ReadEntries returns the leaves [first, first+n) where n is at most one bundle
// and the range does not cross a bundle's end. size is the tree's size. The
// leaves are not verified.
func ReadEntries(ctx context.Context, src Source, size, first uint64, n int) ([][]byte, error) {
	bundle := first / tileWidth
	width := int(min(size-bundle*tileWidth, tileWidth))
	skip := int(first % tileWidth)
	if first >= size || n < 0 || skip+n > width {
		return nil, fault(ReasonMissing, "entries %d to %d are not in one bundle", first, first+uint64(n))
	}
	b, err := readTile(ctx, src, tlog.Tile{H: tileHeight, L: -1, N: int64(bundle), W: width})
	if err != nil {
		return nil, err
	}
	leaves, err := splitBundle(b)
	if err != nil {
		return nil, err
	}
	if len(leaves) < skip+n {
		return nil, faultAt(bundle*tileWidth+uint64(len(leaves)), ReasonMissing, "not in its bundle")
	}
	return leaves[skip : skip+n], nil
}

// splitBundle cuts an entry bundle into leaves.
func splitBundle(b []byte) ([][]byte, error) {
	var leaves [][]byte
	for len(b) > 0 {
		if len(b) < 2 || len(leaves) == tileWidth {
			return leaves, fault(ReasonMissing, "an entry bundle is cut short or too long")
		}
		n := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; len(b) < n {
			return leaves, fault(ReasonMissing, "an entry bundle is cut short or too long")
		}
		leaves = append(leaves, b[:n])
		b = b[n:]
	}
	return leaves, nil
}
