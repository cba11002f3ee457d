// Package bolt is the embedded storage backend: one file, one process. It is
// the only door to bbolt, and keeps the folder lock every native Facet service
// takes on its data.
//
// It does not encrypt, does not shrink its file, and does not make deleted
// values unreadable: free pages keep them (architecture §5, decision 33). Keys that must
// vanish belong into store/keyfile.
package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"facet/store"
)

// Format is the newest file format this code reads and the one it writes.
const Format = 1

// page is how many keys Keys reads in one transaction.
const page = 256

var (
	bucketRows = []byte("rows") // key -> version (8 bytes, big endian), value
	bucketMeta = []byte("meta")
	keyFormat  = []byte("format")
)

// A DB is a store.Store in one bbolt file.
type DB struct {
	db      *bbolt.DB
	commits store.Committer[*change]
}

// A change is one Swap or Delete on its way through a commit.
type change struct {
	key     []byte
	old     store.Version
	value   []byte
	remove  bool
	version store.Version // out
	err     error         // out: ErrConflict, ErrNotFound
}

// Open opens or creates the file at path. It returns ErrLocked when another
// process has it open and ErrNewerFormat when a newer Facet wrote it.
func Open(path string) (*DB, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, FreelistType: bbolt.FreelistMapType})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, &DirError{Path: path, Err: ErrLocked}
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	d := &DB{db: db}
	d.commits.Commit = d.commit
	if err := d.prepare(); err != nil {
		return nil, errors.Join(&DirError{Path: path, Err: err}, db.Close())
	}
	return d, nil
}

func (d *DB) prepare() error {
	return d.db.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucketIfNotExists(bucketMeta)
		if err != nil {
			return err
		}
		if _, err := tx.CreateBucketIfNotExists(bucketRows); err != nil {
			return err
		}
		switch f := meta.Get(keyFormat); {
		case f == nil:
			return meta.Put(keyFormat, binary.BigEndian.AppendUint64(nil, Format))
		case len(f) != 8 || binary.BigEndian.Uint64(f) > Format:
			return ErrNewerFormat
		}
		return nil
	})
}

// Close waits for running calls and releases the file.
func (d *DB) Close() error { return d.db.Close() }

// Get implements store.Store.
func (d *DB) Get(ctx context.Context, key string) (value []byte, v store.Version, err error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	err = d.db.View(func(tx *bbolt.Tx) error {
		raw := tx.Bucket(bucketRows).Get([]byte(key))
		if raw == nil {
			return store.ErrNotFound
		}
		v, value = split(raw)
		value = bytes.Clone(value)
		return nil
	})
	return value, v, closed(err)
}

// Swap implements store.Store.
func (d *DB) Swap(ctx context.Context, key string, old store.Version, value []byte) (store.Version, error) {
	if err := store.CheckSize(key, value); err != nil {
		return 0, err
	}
	c := &change{key: []byte(key), old: old, value: value}
	err := d.do(ctx, c)
	return c.version, err
}

// Delete implements store.Store.
func (d *DB) Delete(ctx context.Context, key string, old store.Version) error {
	return d.do(ctx, &change{key: []byte(key), old: old, remove: true})
}

func (d *DB) do(ctx context.Context, c *change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := d.commits.Do(c); err != nil {
		c.version = 0
		return closed(err)
	}
	return c.err
}

// commit applies a batch in one transaction. A conflict is its own change's
// affair; an error of the file fails the whole batch.
func (d *DB) commit(batch []*change) error {
	return d.db.Update(func(tx *bbolt.Tx) error {
		rows := tx.Bucket(bucketRows)
		for _, c := range batch {
			if err := c.apply(rows); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *change) apply(rows *bbolt.Bucket) error {
	var current store.Version
	if raw := rows.Get(c.key); raw != nil {
		current, _ = split(raw)
	}
	switch {
	case c.remove && current == 0:
		c.err = store.ErrNotFound
		return nil
	case current != c.old:
		c.err = store.ErrConflict
		return nil
	case c.remove:
		return rows.Delete(c.key)
	}
	seq, err := rows.NextSequence() // kept in the file, so a version is never reused
	if err != nil {
		return err
	}
	c.version = store.Version(seq)
	return rows.Put(c.key, append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(c.value)), seq), c.value...))
}

// Keys implements store.Store. It reads pages of keys, each in a transaction
// of its own that ends before the first key is yielded.
func (d *DB) Keys(ctx context.Context, prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for {
			keys, err := d.page(ctx, prefix, after)
			if err != nil {
				yield("", closed(err))
				return
			}
			for _, key := range keys {
				if !yield(key, nil) {
					return
				}
			}
			if len(keys) < page {
				return
			}
			after = keys[len(keys)-1]
		}
	}
}

func (d *DB) page(ctx context.Context, prefix, after string) (keys []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = d.db.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketRows).Cursor()
		k, _ := c.Seek([]byte(max(prefix, after)))
		if k != nil && string(k) == after {
			k, _ = c.Next()
		}
		for ; k != nil && bytes.HasPrefix(k, []byte(prefix)) && len(keys) < page; k, _ = c.Next() {
			keys = append(keys, string(k))
		}
		return nil
	})
	return keys, err
}

func split(raw []byte) (store.Version, []byte) {
	return store.Version(binary.BigEndian.Uint64(raw)), raw[8:]
}

func closed(err error) error {
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return store.ErrClosed
	}
	return err
}
