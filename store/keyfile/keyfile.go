// Package keyfile is a small store whose deleted values leave the disk: its
// file is rewritten without them. It is for keys that must be unreadable once
// deleted, such as the key that seals one presentation (decision record 0012).
//
// It keeps everything in memory, so it is for many small values, not for large
// ones. It does not overwrite the old file's blocks: what a file system, its
// snapshots, backups or an SSD keep of them is in SECURITY.md.
package keyfile

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"facet/store"
)

// MaxDelay is how long a deleted value may stay in the file when New is given
// no other.
const MaxDelay = 60 * time.Second

const magic = "facet keyfile 1\n"

// A File is a store.Store in one file, which Open locks against nobody: the
// data folder around it is locked.
type File struct {
	path    string
	delay   time.Duration
	commits store.Committer[*change]

	mu     sync.RWMutex // guards all below; writers also hold the commit's turn
	file   *os.File
	rows   map[string]row
	last   store.Version
	broken error       // the file's end is unknown after a failed write; mended by rewriting it
	timer  *time.Timer // runs Compact once something was deleted
}

type row struct {
	version store.Version
	value   []byte
}

// A change is one Swap, Delete or compaction on its way to the file.
type change struct {
	key             string
	old, version    store.Version
	value           []byte
	remove, rewrite bool
	err             error
}

// Config says where the file is and how long deleted values may stay in it.
type Config struct {
	Path  string
	Delay time.Duration // zero: MaxDelay
}

// Open reads the file and writes it anew, or creates it. What a crash or a power
// failure left of the last batch was never acknowledged, and what is damaged of
// it is dropped; damage anywhere else is an error.
func Open(c Config) (*File, error) {
	f := &File{path: c.Path, delay: c.Delay, rows: make(map[string]row)}
	if f.delay == 0 {
		f.delay = MaxDelay
	}
	f.commits.Commit = f.commit
	raw, err := os.ReadFile(c.Path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		if err := f.load(raw); err != nil {
			return nil, fmt.Errorf("read %s: %w", c.Path, err)
		}
	}
	if err := f.rewrite(); err != nil {
		return nil, err
	}
	return f, nil
}

// Close waits for running changes, rewrites the file if something was deleted,
// and closes it.
func (f *File) Close() error {
	err := f.Compact()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	if f.timer != nil { // a rewrite that failed
		f.timer.Stop()
	}
	err = errors.Join(err, f.file.Close())
	f.file, f.broken = nil, store.ErrClosed
	return err
}

// Compact rewrites the file now if it holds deleted values.
func (f *File) Compact() error {
	f.mu.RLock()
	pending := f.timer != nil
	f.mu.RUnlock()
	if !pending {
		return nil
	}
	return f.commits.Do(&change{rewrite: true})
}

// Get implements store.Store.
func (f *File) Get(ctx context.Context, key string) ([]byte, store.Version, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.file == nil {
		return nil, 0, store.ErrClosed
	}
	r, ok := f.rows[key]
	if !ok {
		return nil, 0, store.ErrNotFound
	}
	return slices.Clone(r.value), r.version, nil
}

// Swap implements store.Store.
func (f *File) Swap(ctx context.Context, key string, old store.Version, value []byte) (store.Version, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := store.CheckSize(key, value); err != nil {
		return 0, err
	}
	c := &change{key: key, old: old, value: slices.Clone(value)}
	if err := f.commits.Do(c); err != nil {
		return 0, err
	}
	return c.version, c.err
}

// Delete implements store.Store. The deletion is durable when it returns; the
// value leaves the file within the delay.
func (f *File) Delete(ctx context.Context, key string, old store.Version) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &change{key: key, old: old, remove: true}
	if err := f.commits.Do(c); err != nil {
		return err
	}
	return c.err
}

// Keys implements store.Store. It takes one snapshot of the matching keys.
func (f *File) Keys(ctx context.Context, prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		f.mu.RLock()
		keys := slices.Sorted(maps.Keys(f.rows))
		f.mu.RUnlock()
		for _, key := range keys {
			if !strings.HasPrefix(key, prefix) || key <= after {
				continue
			}
			if err := ctx.Err(); err != nil {
				yield("", err)
				return
			}
			if !yield(key, nil) {
				return
			}
		}
	}
}

// commit appends a batch to the file, flushes once, and only then shows the
// changes to readers. Only one commit runs at a time.
func (f *File) commit(batch []*change) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return f.broken
	}
	if f.broken != nil { // there may be room again
		if err := f.rewrite(); err != nil {
			return err
		}
	}
	var out []byte
	var done []*change
	rewrite, last := false, f.last
	next := make(map[string]store.Version) // versions this batch has made so far
	for _, c := range batch {
		if c.rewrite {
			rewrite = true
			continue
		}
		current, changed := next[c.key]
		if !changed {
			current = f.rows[c.key].version
		}
		switch {
		case c.remove && current == 0:
			c.err = store.ErrNotFound
			continue
		case current != c.old:
			c.err = store.ErrConflict
			continue
		}
		last++
		next[c.key] = last
		if c.remove {
			next[c.key] = 0
		}
		c.version = last
		out, done = appendRecord(out, c), append(done, c)
	}
	if err := f.write(out); err != nil {
		return err
	}
	f.last = last
	for _, c := range done {
		f.show(c)
	}
	if rewrite {
		return f.rewrite()
	}
	return nil
}

func (f *File) write(out []byte) error {
	if len(out) == 0 {
		return nil
	}
	_, err := f.file.Write(append(appendMark(nil, f.last, len(out)), out...))
	if err == nil {
		err = f.file.Sync()
	}
	if err != nil {
		f.broken = fmt.Errorf("keyfile: write: %w", err)
	}
	return f.broken
}

// show applies a durable change to what readers see.
func (f *File) show(c *change) {
	if !c.remove {
		if len(f.rows[c.key].value) > 0 {
			f.compactLater() // the old value is in the file, too
		}
		f.rows[c.key] = row{version: c.version, value: c.value}
		return
	}
	clear(f.rows[c.key].value)
	delete(f.rows, c.key)
	f.compactLater()
}

func (f *File) compactLater() {
	if f.timer == nil {
		f.timer = time.AfterFunc(f.delay, func() { _ = f.Compact() }) // after an error it is tried again
	}
}

// rewrite replaces the file by one that holds the current rows only. If that
// fails, the next change and the timer try again.
func (f *File) rewrite() error {
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
	out := appendRecord([]byte(magic), &change{version: f.last, remove: true}) // an empty key: the version counter
	for _, key := range slices.Sorted(maps.Keys(f.rows)) {
		r := f.rows[key]
		out = appendRecord(out, &change{key: key, version: r.version, value: r.value})
	}
	file, err := replace(f.path, appendMark(out, f.last, 0))
	if err != nil {
		f.broken = fmt.Errorf("keyfile: rewrite: %w", err)
		if f.file != nil {
			f.compactLater()
		}
		return f.broken
	}
	if f.file != nil {
		_ = f.file.Close() // the replaced file; nothing more is read from it
	}
	f.file, f.broken = file, nil
	return nil
}

// replace writes the content beside path, flushes it, renames it into place
// and returns it open for appending.
func replace(path string, content []byte) (*os.File, error) {
	tmp := path + ".new"
	file, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = file.Write(content); err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
