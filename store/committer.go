package store

import "sync"

// MaxBatch is the most operations a Committer hands to one Commit.
const MaxBatch = 256

// A Committer is a group commit without a timer: an operation that arrives
// while nothing is under way is committed at once and alone; those that arrive
// meanwhile are committed together next. It starts no goroutine: one of the
// waiting callers does the work. For backends whose commit costs a disk flush.
type Committer[Op any] struct {
	// Commit makes a batch durable. Its error is every caller's error; what
	// differs between the operations of a batch belongs into Op itself.
	Commit func(batch []Op) error

	mu    sync.Mutex // guards all below
	busy  bool
	queue []*waiter[Op]
}

type waiter[Op any] struct {
	op   Op
	wake chan bool // true: you lead the next batch; false: err is set
	err  error
}

// Do returns when op was part of a batch that was committed, or failed.
func (c *Committer[Op]) Do(op Op) error {
	w := &waiter[Op]{op: op, wake: make(chan bool, 1)}
	c.mu.Lock()
	c.queue = append(c.queue, w)
	lead := !c.busy
	c.busy = true
	c.mu.Unlock()
	if !lead && !<-w.wake {
		return w.err
	}
	c.lead()
	return w.err
}

// lead commits one batch, whose first operation is the caller's, tells the
// others, and hands over to whoever came meanwhile.
func (c *Committer[Op]) lead() {
	c.mu.Lock()
	n := min(len(c.queue), MaxBatch)
	batch := c.queue[:n:n]
	c.queue = c.queue[n:]
	c.mu.Unlock()

	ops := make([]Op, n)
	for i, w := range batch {
		ops[i] = w.op
	}
	err := c.Commit(ops)
	for i, w := range batch {
		w.err = err
		if i > 0 {
			w.wake <- false
		}
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		c.busy, c.queue = false, nil
		return
	}
	c.queue[0].wake <- true
}
