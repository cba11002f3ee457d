package store

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
)

// A MemoryStore is a Store that lives as long as its process. Use it in tests
// and for what may be lost.
type MemoryStore struct {
	mu   sync.RWMutex // guards all below
	last Version
	rows map[string]row
}

type row struct {
	value   []byte
	version Version
}

// Memory returns an empty store.
func Memory() *MemoryStore {
	return &MemoryStore{rows: make(map[string]row)}
}

// Get implements Store.
func (m *MemoryStore) Get(ctx context.Context, key string) ([]byte, Version, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	r, ok := m.rows[key]
	if !ok {
		return nil, 0, ErrNotFound
	}
	return slices.Clone(r.value), r.version, nil
}

// Swap implements Store.
func (m *MemoryStore) Swap(ctx context.Context, key string, old Version, value []byte) (Version, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := CheckSize(key, value); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows[key].version != old {
		return 0, ErrConflict
	}
	m.last++
	m.rows[key] = row{value: append([]byte{}, value...), version: m.last}
	return m.last, nil
}

// Delete implements Store.
func (m *MemoryStore) Delete(ctx context.Context, key string, old Version) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.rows[key]
	switch {
	case !ok:
		return ErrNotFound
	case r.version != old:
		return ErrConflict
	}
	delete(m.rows, key)
	return nil
}

// Keys implements Store. It takes one snapshot of the matching keys.
func (m *MemoryStore) Keys(ctx context.Context, prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, key := range m.matching(prefix, after) {
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

func (m *MemoryStore) matching(prefix, after string) []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var keys []string
	for key := range m.rows {
		if strings.HasPrefix(key, prefix) && key > after {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
