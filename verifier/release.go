package verifier

import (
	"context"
	"errors"
	"slices"
	"time"

	"facet/audit"
)

// answerOnce takes the last step of an answered transaction and gives its
// answer to exactly one caller; every other gets ReasonUsed. That the wallet is
// told is noted in the same Swap (decision record 0032): until it is stored, the
// identical answer may come again; from a platform also for a while after.
func (v *Verifier) answerOnce(ctx context.Context, e *evidence) (*transaction, error) {
	for t := e.tx; ; {
		if e.again(t, v.cfg.Now()) {
			return t, nil
		}
		if t.Answered || !slices.Contains([]State{Accepted, Logged, Released, Refused}, t.State) {
			return nil, fail(ReasonUsed, "the request was answered")
		}
		next := *t
		if err := v.step(ctx, &next); err != nil {
			v.stuck.Store(t.ID, true)
			return nil, err
		}
		next.Answered = true
		answered, err := v.swap(ctx, t, next)
		if err == nil {
			return answered, nil
		}
		if errors.Is(err, errMoved) {
			t, err = v.load(ctx, t.ID)
		}
		if err != nil {
			v.stuck.Store(next.ID, true)
			return nil, err
		}
	}
}

// drive takes a transaction from wherever it stopped to a state that waits for
// somebody. Each step is one Swap and may be repeated by anyone at any time,
// which is what makes crashes and retransmissions harmless.
func (v *Verifier) drive(ctx context.Context, t *transaction) (*transaction, error) {
	for t.unfinished() {
		next := *t
		err := v.step(ctx, &next)
		if err == nil {
			t, err = v.swapOrLoad(ctx, t, next)
		}
		if err != nil {
			v.stuck.Store(next.ID, true)
			return nil, err
		}
	}
	v.stuck.Delete(t.ID)
	return t, nil
}

// swapOrLoad stores next in place of t, or returns what somebody else stored.
func (v *Verifier) swapOrLoad(ctx context.Context, t *transaction, next transaction) (*transaction, error) {
	swapped, err := v.swap(ctx, t, next)
	if errors.Is(err, errMoved) {
		return v.load(ctx, t.ID)
	}
	return swapped, err
}

// unfinished reports whether there is a step to take.
func (t *transaction) unfinished() bool {
	switch t.State {
	case Accepted, Logged, Withdrawing:
		return true
	case Refused, Rejected, Expired:
		return t.Index == nil
	}
	return false
}

// step does the one thing to do next, if there is any, and changes t to what is
// to be stored then. An answer's entry is logged and the result released in one
// step: appending is idempotent, so nothing need be stored in between.
func (v *Verifier) step(ctx context.Context, t *transaction) error {
	if !t.unfinished() {
		return nil
	}
	switch t.State {
	case Accepted:
		index, err := v.appendLeaf(ctx, v.ids.entry(audit.KindResult, t.ID), t.Leaf)
		if err != nil {
			return err
		}
		t.State, t.Index = Released, &index
		return v.announce(ctx, t, Released, t.closed())
	case Logged:
		t.State = Released
		return v.announce(ctx, t, Released, t.closed())
	case Withdrawing:
		if err := v.erase(ctx, t); err != nil {
			return err
		}
		return v.announce(ctx, t, Withdrawn, t.taken())
	}
	if err := v.logUnanswered(ctx, t); err != nil {
		return err
	}
	return v.announce(ctx, t, t.State, t.closed())
}

// logUnanswered closes the request's entry and drops the keys of an answer that
// will not come.
func (v *Verifier) logUnanswered(ctx context.Context, t *transaction) error {
	if t.policy == nil {
		return unavailable("log outcome", errors.New("the policy is no longer configured"))
	}
	index, err := v.append(ctx, t.unanswered(v.ids.entry(audit.KindResult, t.ID)))
	if err != nil {
		return err
	}
	t.Index, t.EncKey = &index, nil
	return v.forget(ctx, t.ID)
}

func (t *transaction) unanswered(id audit.ID) *audit.Result {
	asked := t.policy.askedIn(t.Flow)
	outcome, check := t.outcome()
	if outcome == audit.Rejected {
		return audit.NewRejected(id, t.closed(), asked, t.Request, string(check))
	}
	return audit.NewUnanswered(id, t.closed(), asked, t.Request, outcome)
}

// erase makes everything of a withdrawn result unreadable, then says so in the
// log and to the holder.
func (v *Verifier) erase(ctx context.Context, t *transaction) error {
	if err := v.forget(ctx, t.ID); err != nil {
		return err
	}
	at := t.taken()
	withdrawal, err := v.append(ctx, audit.NewWithdrawal(v.ids.entry(audit.KindWithdrawal, t.ID), at, *t.Index))
	if err != nil {
		return err
	}
	id := v.ids.entry(audit.KindErasure, t.ID)
	erasure, err := v.append(ctx, audit.NewErasure(id, at, withdrawal))
	if err != nil {
		return err
	}
	t.State = Withdrawn
	t.Erasure, err = v.signErasure(ctx, t, erased{entry: id, index: erasure, at: at})
	return err
}

func (t *transaction) taken() time.Time { return time.Unix(t.TakenAt, 0) }
