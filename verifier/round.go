package verifier

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// maxErrors is how many errors a round returns in full.
const maxErrors = 8

// A round is one pass over transactions, some at a time. It gives up after
// sweepGivesUp failures in a row, because then it is store or log that fails,
// and, if the lease is needed for it, as soon as that is lost.
type round struct {
	ctx    context.Context
	cancel context.CancelFunc
	lead   func(context.Context) (bool, error) // nil: no lease is needed
	turns  chan struct{}
	wg     sync.WaitGroup

	mu     sync.Mutex // guards the rest
	errs   []error
	more   int // errors beyond maxErrors
	failed int // in a row
}

func (v *Verifier) newRound(ctx context.Context) *round {
	r := &round{turns: make(chan struct{}, sweepAtOnce)}
	r.ctx, r.cancel = context.WithCancel(ctx)
	return r
}

func (v *Verifier) newLeadersRound(ctx context.Context) *round {
	r := v.newRound(ctx)
	r.lead = v.lead
	return r
}

// do starts act when there is a place for it, and reports whether to go on. The
// lease is asked for before each: a process that was paused must not act on
// what it knew before.
func (r *round) do(act func(context.Context) error) bool {
	r.turns <- struct{}{}
	if !r.goesOn() {
		<-r.turns
		return false
	}
	r.wg.Go(func() { // ends in wait
		defer func() { <-r.turns }()
		r.note(act(r.ctx))
	})
	return true
}

func (r *round) goesOn() bool {
	r.mu.Lock()
	failed := r.failed
	r.mu.Unlock()
	if failed >= sweepGivesUp || r.ctx.Err() != nil {
		return false
	}
	if r.lead == nil {
		return true
	}
	leads, err := r.lead(r.ctx)
	if err != nil {
		r.note(err)
	}
	if !leads {
		r.cancel() // what is under way stops at its next step
	}
	return leads
}

// note remembers how one act ended.
func (r *round) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.failed = 0
		return
	case r.ctx.Err() != nil && errors.Is(err, context.Canceled):
		return
	case len(r.errs) < maxErrors:
		r.errs = append(r.errs, err)
	default:
		r.more++
	}
	r.failed++
}

// wait ends the round and returns what failed.
func (r *round) wait() error {
	r.wg.Wait()
	r.cancel()
	if r.more > 0 {
		r.errs = append(r.errs, fmt.Errorf("and %d more", r.more))
	}
	return errors.Join(r.errs...)
}
