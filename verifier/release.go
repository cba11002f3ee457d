package verifier

import (
	"context"
	"errors"
	"time"

	"facet/audit"
)

// answerOnce drives the transaction to its end and gives its answer to exactly
// one caller; every other gets ReasonUsed.
func (v *Verifier) answerOnce(ctx context.Context, t *transaction) (*transaction, error) {
	for {
		driven, err := v.drive(ctx, t)
		if err != nil {
			return nil, err
		}
		if driven.Answered || driven.State != Released && driven.State != Refused {
			return nil, fail(ReasonUsed, "the request was answered")
		}
		next := *driven
		next.Answered = true
		answered, err := v.swap(ctx, driven, next)
		if !errors.Is(err, errMoved) {
			return answered, err
		}
		if t, err = v.load(ctx, t.ID); err != nil {
			return nil, err
		}
	}
}

// drive takes a transaction from wherever it stopped to a state that waits for
// somebody. Each step is one Swap and may be repeated by anyone at any time,
// which is what makes crashes and retransmissions harmless.
func (v *Verifier) drive(ctx context.Context, t *transaction) (*transaction, error) {
	for {
		next, err := v.step(ctx, t)
		if err != nil {
			v.stuck.Store(t.ID, true)
			return nil, err
		}
		if next == nil {
			v.stuck.Delete(t.ID)
			return t, nil
		}
		swapped, err := v.swap(ctx, t, *next)
		if errors.Is(err, errMoved) {
			swapped, err = v.load(ctx, t.ID)
		}
		if err != nil {
			v.stuck.Store(t.ID, true)
			return nil, err
		}
		t = swapped
	}
}

// step is the one thing to do next, or nil if there is nothing.
func (v *Verifier) step(ctx context.Context, t *transaction) (*transaction, error) {
	next := *t
	switch t.State {
	case Accepted:
		index, err := v.appendLeaf(ctx, v.ids.entry(audit.KindResult, t.ID), t.Leaf)
		next.State, next.Index = Logged, &index
		return &next, err
	case Logged:
		next.State = Released
		return &next, v.announce(ctx, t, Released, t.closed())
	case Refused, Rejected, Expired:
		if t.Index != nil {
			return nil, nil
		}
		if err := v.logUnanswered(ctx, &next); err != nil {
			return nil, err
		}
		return &next, v.announce(ctx, t, t.State, t.closed())
	case Withdrawing:
		if err := v.erase(ctx, &next); err != nil {
			return nil, err
		}
		return &next, v.announce(ctx, t, Withdrawn, t.taken())
	}
	return nil, nil
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
