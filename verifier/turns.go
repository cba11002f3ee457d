package verifier

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"

	"facet/credentials"
	"facet/credentials/statuslist"
)

// MaxQueued is how many wallets' calls of one platform wait for their turn; the
// next is told to come back.
const MaxQueued = 256

// How many answers are checked, and requests signed, at the same time for one
// platform and each processor. Signers may be elsewhere and let one wait.
const (
	answersEach  = 2
	requestsEach = 8
)

// turns bound how much of the machine's time the wallets' calls of one platform
// take at the same moment, so that a platform under siege, from however many
// addresses, leaves the others theirs. They are held while signatures and
// ciphertexts are worked on, never while waiting for
// the log or another host.
type turns struct {
	places  chan struct{}
	waiting atomic.Int32
}

// newTurns allows so many at once for each processor.
func newTurns(each int) *turns {
	return &turns{places: make(chan struct{}, each*runtime.GOMAXPROCS(0))}
}

// take waits for a turn; leave ends it. Reason unavailable.
func (t *turns) take(ctx context.Context) error {
	select {
	case t.places <- struct{}{}:
		return nil
	default:
	}
	defer t.waiting.Add(-1)
	if t.waiting.Add(1) > MaxQueued {
		return unavailable("wait for a turn", errors.New("too many wallets of this platform call at once"))
	}
	select {
	case t.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return unavailable("wait for a turn", ctx.Err())
	}
}

func (t *turns) leave() { <-t.places }

// A turn is one that is held, or not. Only the goroutine that answers touches it.
type turn struct {
	of   *turns
	held bool
}

func (t *turn) take(ctx context.Context, of *turns) error {
	err := of.take(ctx)
	t.of, t.held = of, err == nil
	return err
}

func (t *turn) leave() {
	if t.held {
		t.held = false
		t.of.leave()
	}
}

// A patient is a status checker that gives the turn away while it may wait for
// somebody's status list.
type patient struct {
	credentials.StatusChecker
	turn *turn
}

// Check implements credentials.StatusChecker. Who cannot have the turn back goes
// on without: the answer is all but checked.
func (p *patient) Check(ctx context.Context, q statuslist.Query) error {
	of := p.turn.of
	p.turn.leave()
	err := p.StatusChecker.Check(ctx, q)
	_ = p.turn.take(ctx, of)
	return err
}

// outside lets a checker wait outside the turn; nil stays nil, which refuses.
func (t *turn) outside(s credentials.StatusChecker) credentials.StatusChecker {
	if s == nil || !t.held {
		return s
	}
	return &patient{s, t}
}
