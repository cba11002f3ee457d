package auditlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"facet/audit"

	"github.com/transparency-dev/tessera"
)

// MaxInFlight is the most entries that may wait for the disk at once; more are
// refused with reason log_unavailable.
const MaxInFlight = 4096

var errBusy = errors.New("too many entries are waiting for the disk")

// index maps entry ids to places in the log, so that a repeated Append gives
// the same answer. It is rebuilt from the log itself at every start: a scan of
// the bundles and about 50 bytes of memory an entry buy one source of truth.
type index struct {
	mu      sync.Mutex // guards places, flying, waiting and closed
	places  map[audit.ID]uint64
	flying  map[audit.ID]*flight
	waiting []*flight      // of flying, those not yet handed to Tessera, in order
	wake    chan struct{}  // holds one token if waiting may have entries; closed by close
	idle    sync.WaitGroup // flights under way
	closed  bool
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
		l.index.mu.Unlock()
		return place, l.sameLeaf(ctx, place, leaf)
	}
	f := l.index.flying[id]
	if f == nil {
		if len(l.index.flying) >= MaxInFlight {
			l.index.mu.Unlock()
			return 0, errBusy
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

// write hands what is waiting to Tessera, one batch after the other, until the
// index is closed. Everything that arrives while a batch is being written makes
// up the next one: a batch costs the same few fsyncs whatever its size.
func (l *Log) write() {
	for range l.index.wake {
		for batch := l.index.take(); len(batch) > 0; batch = l.index.take() {
			futures := make([]tessera.IndexFuture, len(batch))
			for i, f := range batch {
				futures[i] = l.appender.Add(context.Background(), tessera.NewEntry(f.leaf))
			}
			for i, f := range batch {
				at, err := futures[i]()
				l.index.land(f, at.Index, err)
			}
			if len(batch) > 1 {
				l.index.gather()
			}
		}
	}
}

// How gather waits: a few looks at the queue, far below what a batch costs.
const (
	gatherLooks = 10
	gatherPause = 100 * time.Microsecond
)

// gather waits as long as entries keep coming, a millisecond at most. Writers
// that were just told of a batch bring their next entries within that time;
// without it batches alternate between those who came in time and the rest, and
// a batch of all costs what a batch of half of them does.
func (x *index) gather() {
	had := -1
	for range gatherLooks {
		x.mu.Lock()
		have := len(x.waiting)
		x.mu.Unlock()
		if have == had || have >= batchEntries {
			return
		}
		had = have
		time.Sleep(gatherPause)
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

func (x *index) land(f *flight, place uint64, err error) {
	x.mu.Lock()
	delete(x.flying, f.id)
	// After an error the entry may be on disk all the same. It is not looked up:
	// what was not acknowledged may not be durable, and a second copy is legal.
	if f.place, f.err = place, err; err == nil {
		x.places[f.id] = place
	}
	x.mu.Unlock()
	close(f.done)
	x.idle.Done()
}

// sameLeaf returns ErrConflict unless the entry at place is leaf.
func (l *Log) sameLeaf(ctx context.Context, place uint64, leaf []byte) error {
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
