package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"facet/store"
	"facet/verifier"
)

const (
	memoryTransactions = 3000
	memoryBatch        = 500
	budgetGrowth       = 1 << 20 // bytes, however many transactions
)

// memoryWorks look at what is left of transactions whose time is over: nothing
// stored, and no memory. The test of this package does the same with 100,000
// under FACET_SOAK.
func memoryWorks() ([]work, error) {
	return []work{{name: fmt.Sprintf("memory kept after %d transactions", memoryTransactions), check: func() (string, bool) {
		grown, left, err := outlive(memoryTransactions)
		if err != nil {
			return err.Error(), false
		}
		return fmt.Sprintf("%d KiB, %d records (≤ %d KiB, 0)", grown>>10, len(left), budgetGrowth>>10), grown <= budgetGrowth && len(left) == 0
	}}}, nil
}

// A hand is a clock that is moved on.
type hand struct {
	mu sync.Mutex // guards at
	at time.Time
}

func (h *hand) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *hand) move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

// outlive runs n transactions on memory stores and outlives them, batch by
// batch: three of four are answered and read, the fourth expires. It returns by
// how many bytes the heap has grown since the end of the first batch, and the
// keys of what is still stored about transactions.
func outlive(n int) (grown int64, left []string, err error) {
	w, err := newWorld()
	if err != nil {
		return 0, nil, err
	}
	clock := &hand{at: time.Now()}
	w.now = clock.now
	s, keys := store.Memory(), store.Memory()
	v, err := w.verifier(s, keys, &nullLog{}, false)
	if err != nil {
		return 0, nil, err
	}
	first := int64(0)
	for done := 0; done < n; done += memoryBatch {
		if err := w.batch(v, clock); err != nil {
			return 0, nil, err
		}
		if done == 0 {
			first = heap()
		}
	}
	grown = heap() - first
	for _, from := range []store.Store{s, keys} {
		for key, err := range from.Keys(context.Background(), "", "") {
			if err != nil {
				return 0, nil, err
			}
			if kept := []string{"weakenings", "lease/sweep", "verifier/secret"}; !slices.Contains(kept, key) && !strings.HasPrefix(key, "policy/") {
				left = append(left, key)
			}
		}
	}
	runtime.KeepAlive(v)
	return grown, left, nil
}

// batch runs memoryBatch transactions and sweeps until their time is over.
func (w *world) batch(v *verifier.Verifier, clock *hand) error {
	ctx := context.Background()
	err := each(memoryBatch, func(i int) error {
		x, err := begin(ctx, v, "access")
		if err != nil || i%4 == 0 {
			return err
		}
		return errors.Join(w.answer(ctx, x), x.end(ctx, v))
	})
	for _, wait := range []time.Duration{verifier.TTL, verifier.Grace, 12 * time.Hour} { // the policy's PT12H
		if err != nil {
			return err
		}
		clock.move(wait + time.Second)
		err = v.Sweep(ctx)
	}
	return err
}

// heap is what is in use once all garbage is collected.
func heap() int64 {
	var m runtime.MemStats
	for range 2 { // the second sees what finalizers let go
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
