package verifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"facet/audit"
	"facet/store"
)

// Due records say when to look at a transaction: "due/<unix time>/<id>". There
// is one for each, first at its expiry and holding its request entry, then at
// the end of its retention and empty.
const duePrefix = "due/"

func dueKey(at time.Time, tx string) string {
	return fmt.Sprintf("%s%012d/%s", duePrefix, at.Unix(), tx)
}

func parseDue(key string) (at time.Time, tx string, ok bool) {
	stamp, tx, ok := strings.Cut(strings.TrimPrefix(key, duePrefix), "/")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	return time.Unix(seconds, 0), tx, ok && err == nil
}

// Sweep does what is due: it ends requests nobody answered, deletes at the end
// of retention and logs both, drives on what a crash or an outage stopped, and
// sends webhooks, for which it may wait.
// The first call that can looks at every transaction. Call it every few seconds; several
// processes may. It goes on after an error and returns all of them.
func (v *Verifier) Sweep(ctx context.Context) error {
	now := v.cfg.Now()
	all := !v.swept.Load()
	var errs []error
	for key, err := range v.cfg.Store.Keys(ctx, duePrefix, "") {
		if err != nil {
			return errors.Join(append(errs, unavailable("list what is due", err))...)
		}
		at, tx, ok := parseDue(key)
		if !ok || !all && at.After(now) {
			break
		}
		if err := v.sweepOne(ctx, key, tx); err != nil {
			v.stuck.Store(tx, true)
			errs = append(errs, err)
		}
	}
	if all {
		if err := v.sweepTies(ctx); err != nil {
			return errors.Join(append(errs, err)...)
		}
		v.swept.Store(true)
	}
	v.stuck.Range(func(tx, _ any) bool {
		if err := v.resume(ctx, tx.(string)); err != nil {
			errs = append(errs, err)
		}
		return ctx.Err() == nil
	})
	return errors.Join(append(errs, v.deliver(ctx))...)
}

// resume drives one transaction on, wherever it stopped.
func (v *Verifier) resume(ctx context.Context, tx string) error {
	t, err := v.load(ctx, tx)
	if reasonOf(err, "") == ReasonUnknown {
		v.stuck.Delete(tx)
		return nil
	}
	if err != nil {
		return err
	}
	_, err = v.drive(ctx, t)
	return err
}

func (v *Verifier) sweepOne(ctx context.Context, key, tx string) error {
	now := v.cfg.Now()
	at, _, _ := parseDue(key)
	t, err := v.load(ctx, tx)
	if reasonOf(err, "") == ReasonUnknown {
		return v.sweepLost(ctx, key, tx, at)
	}
	if err != nil {
		return err
	}
	if t.State == Open && !now.Before(t.expires()) {
		next := *t
		next.State, next.ClosedAt = Expired, t.ExpiresAt
		if t.Tries > 0 {
			next.State = Rejected
		}
		if t, err = v.swap(ctx, t, next); errors.Is(err, errMoved) {
			return nil // answered this very moment; the next Sweep sees it
		} else if err != nil {
			return err
		}
		v.cfg.Count(audit.Expired, "")
	}
	if t, err = v.drive(ctx, t); err != nil {
		return err
	}
	if now.Before(at) { // the first Sweep came early
		return nil
	}
	if later := t.forgetAt(); at.Before(later) {
		if _, err := v.cfg.Store.Swap(ctx, dueKey(later, tx), 0, nil); err != nil && !errors.Is(err, store.ErrConflict) {
			return unavailable("note deadline", err)
		}
		return v.remove(ctx, key)
	}
	return v.forgetTransaction(ctx, key, t)
}

// forgetTransaction deletes at the end of retention. The key goes first: from
// then on nothing can be read, whatever fails after.
func (v *Verifier) forgetTransaction(ctx context.Context, due string, t *transaction) error {
	if err := v.forget(ctx, t.ID); err != nil {
		return err
	}
	if t.State == Released {
		entry := audit.NewRetention(v.ids.entry(audit.KindRetention, t.ID), t.keep(), *t.Index)
		if _, err := v.append(ctx, entry); err != nil {
			return err
		}
	}
	for _, key := range []string{t.Idem, keyOf(t.ID), due} {
		if key == "" {
			continue
		}
		if err := v.remove(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// sweepLost handles a due record without a transaction. With a leaf, Begin
// crashed before it was stored: its request may be in the log and needs an
// ending. Without, the transaction was forgotten already.
func (v *Verifier) sweepLost(ctx context.Context, key, tx string, at time.Time) error {
	if v.cfg.Now().Before(at) {
		return nil // Begin may still be at it
	}
	leaf, _, err := v.cfg.Store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return unavailable("read deadline", err)
	}
	if len(leaf) > 0 {
		if err := v.closeLost(ctx, tx, leaf, at); err != nil {
			return err
		}
	}
	if err := v.forget(ctx, tx); err != nil {
		return err
	}
	return v.remove(ctx, key)
}

func (v *Verifier) closeLost(ctx context.Context, tx string, leaf []byte, at time.Time) error {
	entry, err := audit.Parse(leaf)
	if err != nil {
		return err
	}
	request, ok := entry.(*audit.Request)
	if !ok {
		return fail(ReasonUnavailable, "a due record holds no request entry")
	}
	index, err := v.appendLeaf(ctx, request.ID, leaf)
	if err != nil {
		return err
	}
	_, err = v.append(ctx, audit.NewUnanswered(v.ids.entry(audit.KindResult, tx), at, request.Asked, index, audit.Expired))
	return err
}

// remove deletes a key, whatever version it has.
func (v *Verifier) remove(ctx context.Context, key string) error {
	for {
		_, version, err := v.cfg.Store.Get(ctx, key)
		if err == nil {
			err = v.cfg.Store.Delete(ctx, key, version)
		}
		switch {
		case err == nil, errors.Is(err, store.ErrNotFound):
			return nil
		case !errors.Is(err, store.ErrConflict):
			return unavailable("delete record", err)
		}
	}
}

// sweepTies frees the idempotency keys of transactions that a crash kept from
// being stored. All others go with their transaction.
func (v *Verifier) sweepTies(ctx context.Context) error {
	for key, err := range v.cfg.Store.Keys(ctx, idemPrefix, "") {
		if err == nil {
			err = v.sweepTie(ctx, key)
		}
		if err != nil {
			return unavailable("free idempotency keys", err)
		}
	}
	return nil
}

func (v *Verifier) sweepTie(ctx context.Context, key string) error {
	raw, version, err := v.cfg.Store.Get(ctx, key)
	if err != nil {
		return ifThere(err)
	}
	var tie idempotent
	if json.Unmarshal(raw, &tie) == nil { // a damaged one holds nothing
		if v.cfg.Now().Sub(time.Unix(tie.At, 0)) < TTL {
			return nil // Begin may still be at it
		}
		if _, _, err := v.cfg.Store.Get(ctx, keyOf(tie.Tx)); !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return ifThere(v.cfg.Store.Delete(ctx, key, version))
}

// ifThere takes it as done when somebody else did it.
func ifThere(err error) error {
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}
