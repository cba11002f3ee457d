package auditlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"facet/audit"
)

// MaxInFlight is the most entries that may wait for the disk at once; more are
// refused with reason log_unavailable.
const MaxInFlight = 4096

var errBusy = errors.New("too many entries are waiting for the disk")

// index maps entry ids to places in the log, so that a repeated Append gives
// the same answer. It is rebuilt from the log itself at every start: a scan of
// the bundles and about 50 bytes of memory an entry buy one source of truth.
type index struct {
	mu      sync.Mutex // guards all below
	places  map[audit.ID]uint64
	flying  map[audit.ID]*flight
	waiting []*flight      // of flying, those not yet written to the journal, in order
	wake    chan struct{}  // holds one token if waiting may have entries; closed by close
	idle    sync.WaitGroup // flights under way
	closed  bool

	size    uint64   // entries in the tree
	pending [][]byte // those in the journal that come next in the tree
	trouble error    // why the tree did not take them; nothing more is taken on until it does
}

// A flight is one entry on its way to the disk. place and err may be read once
// done is closed.
type flight struct {
	id    audit.ID
	leaf  []byte
	done  chan struct{}
	place uint64
	err   error
}

// Append sequences a leaf and returns its index when it is on disk. The leaf
// must be an entry (audit.Parse) whose id is entryID; reason entry_schema
// otherwise. The same entry appended again, also while the first call still
// runs or after a restart, is in the log once and has one index; another leaf
// with its id is ErrConflict. After any other error nothing was acknowledged
// and the caller may try again. If ctx ends first the entry may still be logged.
func (l *Log) Append(ctx context.Context, entryID string, leaf []byte) (uint64, error) {
	place, err := l.append(ctx, audit.ID(entryID), leaf)
	if err != nil {
		return 0, failed("appending", err)
	}
	return place, nil
}

func (l *Log) append(ctx context.Context, id audit.ID, leaf []byte) (uint64, error) {
	e, err := audit.Parse(leaf)
	if err != nil {
		return 0, err
	}
	if e.Common().ID != id {
		return 0, fmt.Errorf("%w: the leaf has another id", ErrConflict)
	}
	l.index.mu.Lock()
	if l.index.closed {
		l.index.mu.Unlock()
		return 0, ErrClosed
	}
	if place, ok := l.index.places[id]; ok {
		pending := l.index.pendingAt(place)
		l.index.mu.Unlock()
		return place, l.sameLeaf(ctx, place, pending, leaf)
	}
	f := l.index.flying[id]
	if f == nil {
		err := l.index.trouble
		if len(l.index.flying) >= MaxInFlight {
			err = errBusy
		}
		if err != nil {
			l.index.mu.Unlock()
			return 0, err
		}
		f = l.index.depart(id, bytes.Clone(leaf))
	}
	l.index.mu.Unlock()
	if !bytes.Equal(f.leaf, leaf) {
		return 0, ErrConflict
	}
	select {
	case <-f.done:
		return f.place, f.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// depart queues a leaf; the caller holds mu.
func (x *index) depart(id audit.ID, leaf []byte) *flight {
	f := &flight{id: id, leaf: leaf, done: make(chan struct{})}
	x.flying[id] = f
	x.waiting = append(x.waiting, f)
	x.idle.Add(1)
	select {
	case x.wake <- struct{}{}:
	default: // there is a token already
	}
	return f
}

// write puts what is waiting into the journal, one batch after the other, until
// the index is closed. Everything that arrives while a batch is being written
// makes up the next one: a batch costs one fsync whatever its size.
func (l *Log) write() {
	for range l.index.wake {
		for batch := l.index.take(); len(batch) > 0; batch = l.index.take() {
			leaves := make([][]byte, len(batch))
			for i, f := range batch {
				leaves[i] = f.leaf
			}
			first := l.index.next()
			full := l.index.land(batch, first, l.journal.append(first, leaves))
			if full {
				l.integrate()
			}
		}
	}
}

func (x *index) take() []*flight {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := min(len(x.waiting), batchEntries)
	batch := x.waiting[:n:n]
	x.waiting = x.waiting[n:]
	return batch
}

// next is the place of the entry that is journaled next. Only write adds some.
func (x *index) next() uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.size + uint64(len(x.pending))
}

// land tells a batch that it is in the journal, from place first on, or why
// not, and reports whether as much is pending as may be.
func (x *index) land(batch []*flight, first uint64, err error) (full bool) {
	x.mu.Lock()
	for i, f := range batch {
		delete(x.flying, f.id)
		// After an error the entry may be on disk all the same. It is not looked up:
		// what was not acknowledged may not be durable, and a second copy is legal.
		if f.place, f.err = first+uint64(i), err; err == nil {
			x.places[f.id] = f.place
			x.pending = append(x.pending, f.leaf)
		}
	}
	full = len(x.pending) >= maxPending
	x.mu.Unlock()
	for _, f := range batch {
		close(f.done)
		x.idle.Done()
	}
	return full
}

// pendingAt returns the entry at a place the tree has not reached, or nil; the
// caller holds mu.
func (x *index) pendingAt(place uint64) []byte {
	if place < x.size {
		return nil
	}
	return x.pending[place-x.size]
}

// sameLeaf returns ErrConflict unless the entry at place is leaf. It is pending,
// or in the tree if that is nil.
func (l *Log) sameLeaf(ctx context.Context, place uint64, pending, leaf []byte) error {
	if pending != nil {
		if !bytes.Equal(pending, leaf) {
			return ErrConflict
		}
		return nil
	}
	size, err := l.reader.IntegratedSize(ctx)
	if err != nil {
		return err
	}
	have, err := audit.ReadEntries(ctx, l.src, size, place, 1)
	if err != nil {
		return err
	}
	if !bytes.Equal(have[0], leaf) {
		return ErrConflict
	}
	return nil
}

// read fills the index from the log. The first of several entries with one id
// is the one that counts.
func (x *index) read(ctx context.Context, l *Log) error {
	x.places, x.flying, x.wake = map[audit.ID]uint64{}, map[audit.ID]*flight{}, make(chan struct{}, 1)
	size, err := l.reader.IntegratedSize(ctx)
	if err != nil {
		return err
	}
	for first := uint64(0); first < size; first += 256 {
		leaves, err := audit.ReadEntries(ctx, l.src, size, first, int(min(256, size-first)))
		if err != nil {
			return fmt.Errorf("%w (%w)", ErrLost, err)
		}
		for i, leaf := range leaves {
			id, ok := leafID(leaf)
			if _, have := x.places[id]; ok && !have {
				x.places[id] = first + uint64(i)
			}
		}
	}
	x.size = size
	return x.replay(l.journal)
}

// replay makes pending what a kill left in the journal, and writes it there once
// more: what is read now counts as acknowledged, and a flush that failed before
// the kill may have left it in memory only, where another flush finds no fault.
func (x *index) replay(j *journal) (err error) {
	if x.pending, err = j.from(x.size); err != nil || len(x.pending) == 0 {
		return err
	}
	if err := j.append(x.size, x.pending); err != nil {
		return err
	}
	for i, leaf := range x.pending {
		id, ok := leafID(leaf)
		if _, have := x.places[id]; ok && !have {
			x.places[id] = x.size + uint64(i)
		}
	}
	return nil
}

// leafID finds an entry's id without reading the whole entry. In canonical form
// only "check", "commitments", "consent", "flow" and "hour" stand before it, and
// none of them can hold the text "id":" (a query named id is followed by "[").
func leafID(leaf []byte) (audit.ID, bool) {
	const mark, size = `"id":"`, 22
	_, rest, ok := bytes.Cut(leaf, []byte(mark))
	if !ok || len(rest) < size {
		return "", false
	}
	return audit.ID(rest[:size]), true
}

// close refuses further entries, waits for those under way and ends write.
func (x *index) close() {
	x.mu.Lock()
	x.closed = true
	x.mu.Unlock()
	x.idle.Wait()
	close(x.wake)
}
