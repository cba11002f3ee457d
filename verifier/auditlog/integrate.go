package auditlog

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/transparency-dev/tessera"
)

// errOrder says that the tree put an entry elsewhere than the journal had
// promised. Only another writer in the folder can cause it.
var errOrder = errors.New("the tree is not in the journal's order: something else wrote to it")

// integrateUntil moves the journal into the tree twice an interval, until stop
// is closed. The tree costs six fsyncs and more a batch, the journal one: this
// way an interval's entries share them (decision record 0033).
func (l *Log) integrateUntil(stop <-chan struct{}) {
	tick := time.NewTicker(l.interval / 2)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.integrate()
		case <-stop:
			return
		}
	}
}

// integrate hands what is in the journal to Tessera. If that fails the entries
// stay in the journal, the next call tries again, and meanwhile Append takes no
// others: what the tree cannot hold must not be promised for long.
func (l *Log) integrate() error {
	l.integrating.Lock()
	defer l.integrating.Unlock()
	l.index.mu.Lock()
	first, leaves := l.index.size, l.index.pending
	l.index.mu.Unlock()
	if len(leaves) == 0 {
		return nil
	}
	l.journal.rotate()
	size, err := l.extend(context.Background(), first, leaves)
	l.index.mu.Lock()
	l.index.pending = slices.Clone(l.index.pending[size-l.index.size:]) // lets go of what the tree holds
	l.index.size, l.index.trouble = size, err
	l.index.mu.Unlock()
	l.journal.forget(size)
	return err
}

// extend makes the tree hold leaves from place first on and returns how many
// entries it has then.
func (l *Log) extend(ctx context.Context, first uint64, leaves [][]byte) (uint64, error) {
	size, err := l.extended(ctx, first, leaves)
	if err != nil {
		return first, err
	}
	for size < first+uint64(len(leaves)) {
		rest := leaves[size-first:]
		futures := make([]tessera.IndexFuture, 0, batchEntries)
		for _, leaf := range rest[:min(len(rest), batchEntries)] {
			futures = append(futures, l.appender.Add(ctx, tessera.NewEntry(leaf)))
		}
		for _, future := range futures {
			at, err := future()
			if err != nil {
				return size, err
			}
			if at.Index != size {
				return size, errOrder
			}
			size++
		}
	}
	return size, nil
}

// extended returns how many entries the tree has: first, or more if an earlier
// call failed after the tree was stored.
func (l *Log) extended(ctx context.Context, first uint64, leaves [][]byte) (uint64, error) {
	size, err := l.reader.IntegratedSize(ctx)
	switch {
	case err != nil || size == first:
		return size, err
	case size < first || size > first+uint64(len(leaves)):
		return 0, errOrder
	}
	for place := first; place < size; place++ {
		if err := l.sameLeaf(ctx, place, nil, leaves[place-first]); err != nil {
			return 0, errors.Join(errOrder, err)
		}
	}
	return size, nil
}
