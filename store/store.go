// Package store is the storage contract every engine of Facet is written
// against, and the backend that keeps everything in memory.
//
// A store is a durable map with compare-and-swap. It does not know deadlines,
// indexes, transactions over several keys, or what its values mean: engines
// that need those build them from Swap (architecture §3, ports).
package store

import (
	"context"
	"errors"
	"iter"
)

// A Version names one state of one key. Zero means "does not exist". Versions
// grow and are never reused, not even after Delete.
type Version uint64

// MaxKey is the longest key in bytes every backend accepts; MaxValue the
// largest value.
const (
	MaxKey   = 512
	MaxValue = 8 << 20
)

// ErrNotFound says the key does not exist.
var ErrNotFound = errors.New("key does not exist")

// ErrConflict says the key is not in the version the caller expected. Nothing
// was changed.
var ErrConflict = errors.New("key changed meanwhile")

// ErrClosed says the store was closed; what was acknowledged before is kept.
var ErrClosed = errors.New("store is closed")

// ErrTooLarge says a key is empty or longer than MaxKey, or a value larger
// than MaxValue.
var ErrTooLarge = errors.New("key or value outside the limits")

// A Store is a durable map from keys to values, linearizable per key, safe for
// many goroutines and, for shared backends, many processes. A nil error from
// Swap or Delete means the change survives a crash; any error other than
// ErrNotFound, ErrConflict and ErrTooLarge means the change may or may not
// have happened, and the caller must Get to find out.
type Store interface {
	// Get returns the value and its version, or ErrNotFound. The value is the
	// caller's to keep.
	Get(ctx context.Context, key string) (value []byte, v Version, err error)

	// Swap replaces the value if the key is in version old, and returns the new
	// version. An old of zero means the key must not exist. Otherwise it
	// returns ErrConflict. The store keeps no reference to value.
	Swap(ctx context.Context, key string, old Version, value []byte) (Version, error)

	// Delete removes the key if it is in version old. It returns ErrNotFound
	// when there is nothing to delete and ErrConflict when the version differs.
	Delete(ctx context.Context, key string, old Version) error

	// Keys yields, in byte order, the keys that begin with prefix and are
	// greater than after. It holds no transaction or lock across yields: keys
	// written or deleted meanwhile may or may not appear. An error ends the
	// sequence and is yielded with an empty key.
	Keys(ctx context.Context, prefix, after string) iter.Seq2[string, error]
}

// CheckSize reports ErrTooLarge for a key or value no backend may accept.
func CheckSize(key string, value []byte) error {
	if key == "" || len(key) > MaxKey || len(value) > MaxValue {
		return ErrTooLarge
	}
	return nil
}
