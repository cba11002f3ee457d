package audit

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// MaxFindings is the most findings one verification reports.
const MaxFindings = 1000

// A Report is the outcome of recomputing a log. The log is intact if it has no
// findings; warnings do not touch its integrity.
type Report struct {
	Checkpoint *Checkpoint
	Findings   []*Error
	Warnings   []Warning
	Entries    uint64 // read and hashed
	Duplicates uint64 // entries whose id occurred before; they count once
}

// OK reports whether every entry was found as signed and of the schema.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

// Err returns the first finding, or nil.
func (r *Report) Err() error {
	if r.OK() {
		return nil
	}
	return r.Findings[0]
}

// A Warning is something odd that a correct log can contain.
type Warning struct {
	Index uint64 `json:"index"`
	Code  string `json:"code"`
}

// WarnClockBack says that an entry's hour is more than one before that of the
// entry ahead of it. The order of a log is that of its indices, never that of hours.
const WarnClockBack = "clock_back"

// Verify recomputes the whole tree of a checkpoint from the published entries,
// compares every published tile with it, and reads every entry. each, if not
// nil, is called with every entry of the schema, in order, also when the tree
// turns out to be wrong: look at the report before using what it got. The error
// is about reading, not about the log; what is wrong with the log is in the
// report. Memory: 33 bytes an entry.
func Verify(ctx context.Context, src Source, c *Checkpoint, each func(index uint64, e Entry, leaf []byte)) (*Report, error) {
	v := &verification{ctx: ctx, src: src, each: each, seen: map[ID]struct{}{}, report: &Report{Checkpoint: c}}
	if err := v.entries(); err != nil {
		return nil, err
	}
	if err := v.tree(); err != nil {
		return nil, err
	}
	return v.report, nil
}

type verification struct {
	ctx    context.Context // of the one call of Verify
	src    Source
	each   func(uint64, Entry, []byte)
	report *Report
	seen   map[ID]struct{}
	hour   Hour
	leaves []tlog.Hash // of the published entries
	cut    bool        // entries are missing; leaves ends there
}

func (v *verification) find(e *Error) {
	if len(v.report.Findings) < MaxFindings {
		v.report.Findings = append(v.report.Findings, e)
	}
}

// entries hashes and parses every entry.
func (v *verification) entries() error {
	size := v.report.Checkpoint.Size()
	for first := uint64(0); first < size; first += tileWidth {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		want := int(min(tileWidth, size-first))
		b, err := readTile(v.ctx, v.src, tlog.Tile{H: tileHeight, L: -1, N: int64(first / tileWidth), W: want})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		leaves, broken := splitBundle(b)
		for i, leaf := range leaves[:min(want, len(leaves))] {
			v.entry(first+uint64(i), leaf)
		}
		if broken != nil || len(leaves) < want {
			v.cut = true
			return nil
		}
	}
	return nil
}

func (v *verification) entry(index uint64, leaf []byte) {
	v.report.Entries++
	v.leaves = append(v.leaves, tlog.RecordHash(leaf))
	e, err := Parse(leaf)
	if err != nil {
		v.find(faultAt(index, ReasonSchema, "not of the schema").because(err))
		return
	}
	h := e.Common()
	if _, twice := v.seen[h.ID]; twice {
		v.report.Duplicates++
	}
	v.seen[h.ID] = struct{}{}
	if h.Hour.Time().Before(v.hour.Time().Add(-time.Hour)) { // a retry may cross the hour
		v.report.Warnings = append(v.report.Warnings, Warning{index, WarnClockBack})
	}
	v.hour = h.Hour
	if v.each != nil {
		v.each(index, e, leaf)
	}
}

// tree builds the tree over the published entries and compares it with the
// signed root and the published tiles.
func (v *verification) tree() error {
	levels := build(v.leaves)
	c := v.report.Checkpoint
	intact := !v.cut && root(levels, len(v.leaves)) == c.tree.Hash
	for level := 0; level == 0 || c.tree.N>>(tileHeight*level) > 0; level++ {
		var mine []tlog.Hash
		if level < len(levels) {
			mine = levels[level]
		}
		if err := v.compare(level, mine, intact); err != nil {
			return err
		}
		if !intact {
			break // only the leaves can say which entry it is
		}
	}
	if !intact && v.report.OK() {
		v.find(fault(ReasonRoot, "the published entries do not have the signed root"))
	}
	return nil
}

// compare checks the published tiles of one level against the hashes computed
// from the entries. If the entries have the signed root, a difference is a bad
// tile; if not, the leaf tiles tell which entry is bad, provided that they have
// the signed root themselves.
func (v *verification) compare(level int, mine []tlog.Hash, intact bool) error {
	n := v.report.Checkpoint.tree.N >> (tileHeight * level)
	published := make([]tlog.Hash, 0, n)
	for first := int64(0); first < n; first += tileWidth {
		t := tlog.Tile{H: tileHeight, L: level, N: first / tileWidth, W: int(min(tileWidth, n-first))}
		b, err := readTile(v.ctx, v.src, t)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			v.find(fault(ReasonMissing, "%s is not published", tilePath(t)))
			return nil
		case err != nil:
			return err
		case len(b) != t.W*tlog.HashSize:
			v.find(fault(ReasonTile, "%s has %d bytes", tilePath(t), len(b)))
			return nil
		}
		for i := range t.W {
			h := tlog.Hash(b[i*tlog.HashSize:])
			published = append(published, h)
			if intact && h != mine[first+int64(i)] {
				v.find(fault(ReasonTile, "%s differs from the entries at hash %d", tilePath(t), i))
				break
			}
		}
	}
	if !intact {
		v.blame(published)
	}
	return nil
}

// blame names the entries that are not those of the signed tree.
func (v *verification) blame(published []tlog.Hash) {
	if root(build(published), len(published)) != v.report.Checkpoint.tree.Hash {
		v.find(fault(ReasonRoot, "neither the published entries nor the published hashes have the signed root"))
		return
	}
	for i, want := range published {
		switch {
		case i >= len(v.leaves):
			v.find(faultAt(uint64(i), ReasonRoot, "missing; nothing after it is proven"))
			return
		case v.leaves[i] == want:
		case i+1 < len(published) && v.leaves[i] == published[i+1]:
			v.find(faultAt(uint64(i), ReasonRoot, "removed, the following entries were shifted"))
			return
		default:
			v.find(faultAt(uint64(i), ReasonLeaf, "not the entry that was signed"))
		}
	}
}

// build returns, for each tile level, the hashes that its tiles hold.
func build(leaves []tlog.Hash) [][]tlog.Hash {
	levels := [][]tlog.Hash{leaves}
	for len(leaves) >= tileWidth {
		up := make([]tlog.Hash, 0, len(leaves)/tileWidth)
		for i := 0; i+tileWidth <= len(leaves); i += tileWidth {
			up = append(up, subtree(leaves[i:i+tileWidth]))
		}
		levels = append(levels, up)
		leaves = up
	}
	return levels
}

// root hashes the tree of n leaves: at each level the tail beside the full
// tiles, combined from the right (RFC 6962 §2.1).
func root(levels [][]tlog.Hash, n int) tlog.Hash {
	if n == 0 {
		h, _ := tlog.TreeHash(0, nil) // of nothing: never fails
		return h
	}
	var parts []tlog.Hash // perfect subtrees, left to right
	for l := len(levels) - 1; l >= 0; l-- {
		tail := levels[l][len(levels[l])/tileWidth*tileWidth:]
		for width := tileWidth / 2; width >= 1; width /= 2 {
			if len(tail)&width != 0 {
				parts = append(parts, subtree(tail[:width]))
				tail = tail[width:]
			}
		}
	}
	h := parts[len(parts)-1]
	for i := len(parts) - 2; i >= 0; i-- {
		h = tlog.NodeHash(parts[i], h)
	}
	return h
}

// subtree hashes a perfect tree over 2^k hashes.
func subtree(hs []tlog.Hash) tlog.Hash {
	if len(hs) == 1 {
		return hs[0]
	}
	return tlog.NodeHash(subtree(hs[:len(hs)/2]), subtree(hs[len(hs)/2:]))
}
