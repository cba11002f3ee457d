package storetest

import (
	"context"
	"errors"
	"iter"
	"sync"

	"facet/store"
)

// ErrFault is what a Faulty store returns when it fails on purpose.
var ErrFault = errors.New("store failed on purpose")

// A Fault says what happens to one call.
type Fault int

// The faults a Decide function chooses from.
const (
	None         Fault = iota // the call works
	FailBefore                // the call fails and nothing changed
	FailAfter                 // the change is kept, but the caller is told it failed
	LoseConflict              // the call reports ErrConflict though nothing changed
)

// A Call describes one call of a store. N counts from 1 over all calls.
type Call struct {
	N   int
	Op  string // "get", "swap", "delete", "keys"
	Key string
}

// Faulty is a Store that fails when Decide says so. With a nil Decide it
// behaves like the store beneath.
type Faulty struct {
	Store  store.Store
	Decide func(Call) Fault

	mu sync.Mutex // guards n
	n  int
}

// Calls reports how many calls were made so far.
func (f *Faulty) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

func (f *Faulty) decide(op, key string) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	if f.Decide == nil {
		return None
	}
	return f.Decide(Call{N: f.n, Op: op, Key: key})
}

// Get implements store.Store.
func (f *Faulty) Get(ctx context.Context, key string) ([]byte, store.Version, error) {
	if f.decide("get", key) != None {
		return nil, 0, ErrFault
	}
	return f.Store.Get(ctx, key)
}

// Swap implements store.Store.
func (f *Faulty) Swap(ctx context.Context, key string, old store.Version, value []byte) (store.Version, error) {
	switch f.decide("swap", key) {
	case FailBefore:
		return 0, ErrFault
	case FailAfter:
		if _, err := f.Store.Swap(ctx, key, old, value); err != nil {
			return 0, err
		}
		return 0, ErrFault
	case LoseConflict:
		return 0, store.ErrConflict
	}
	return f.Store.Swap(ctx, key, old, value)
}

// Delete implements store.Store.
func (f *Faulty) Delete(ctx context.Context, key string, old store.Version) error {
	switch f.decide("delete", key) {
	case FailBefore:
		return ErrFault
	case FailAfter:
		if err := f.Store.Delete(ctx, key, old); err != nil {
			return err
		}
		return ErrFault
	case LoseConflict:
		return store.ErrConflict
	}
	return f.Store.Delete(ctx, key, old)
}

// Keys implements store.Store.
func (f *Faulty) Keys(ctx context.Context, prefix, after string) iter.Seq2[string, error] {
	if f.decide("keys", prefix) != None {
		return func(yield func(string, error) bool) { yield("", ErrFault) }
	}
	return f.Store.Keys(ctx, prefix, after)
}
