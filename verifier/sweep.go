package verifier

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"facet/audit"
	"facet/store"
)

// How Sweep works: so many transactions at a time, so many failures in a row
// before it leaves the rest to the next call, and so many that are not due yet
// in one call.
const (
	sweepAtOnce  = 16
	sweepGivesUp = 32
	lookSlice    = 4096
)

// Due records say when to look at a transaction: "due/<unix time>/<id>". There
// is one for each, first at its expiry and holding its request entry, then at
// the end of its retention and empty. A withdrawal adds one for itself.
const duePrefix = "due/"

// keyLook holds the wish of a process that starts: somebody should look at what
// a crash may have left unfinished.
const keyLook = "lease/look"

func dueKey(at time.Time, tx string) string {
	return fmt.Sprintf("%s%012d/%s", duePrefix, at.Unix(), tx)
}

func parseDue(key string) (at time.Time, tx string, ok bool) {
	stamp, tx, ok := strings.Cut(strings.TrimPrefix(key, duePrefix), "/")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	return time.Unix(seconds, 0), tx, ok && err == nil
}

// A worker is what Sweep remembers between calls.
type worker struct {
	mu     sync.Mutex // held by the Sweep that does what is due
	passed string     // the due record behind which the next Sweep goes on; empty: at the first
	look   string     // the same for the look at what is not due yet
	lookAt store.Version
	ties   string // the idempotency record behind which the look goes on

	signs signs

	wish atomic.Bool // to be written to keyLook
	last atomic.Int64
}

// Sweep does what is due: it ends requests nobody answered, deletes at the end
// of retention and logs both, and drives on what a crash or an outage stopped.
// Of the processes that share a Store, the one with the lease does so; each
// drives on what it knows to have failed itself. Call it every few seconds. It
// goes on after an error and returns what it met.
func (v *Verifier) Sweep(ctx context.Context) error {
	w := &v.worker
	w.mu.Lock()
	defer w.mu.Unlock()
	errs := []error{v.sweepStuck(ctx), v.wishLook(ctx)}
	leads, err := v.lead(ctx)
	errs = append(errs, err)
	switch {
	case leads:
		errs = append(errs, v.missing(ctx), v.sweepDue(ctx), v.wishLook(ctx), v.sweepEarly(ctx))
		if ctx.Err() == nil {
			w.last.Store(v.cfg.Now().Unix())
		}
	case err == nil:
		errs = append(errs, v.giveSign(ctx))
	}
	return errors.Join(errs...)
}

// sweepStuck drives on what failed in this process: no other knows of it before
// it is due.
func (v *Verifier) sweepStuck(ctx context.Context) error {
	r := v.newRound(ctx)
	v.stuck.Range(func(tx, _ any) bool {
		return r.do(func(ctx context.Context) error { return v.resume(ctx, tx.(string)) })
	})
	return r.wait()
}

// sweepDue looks at every transaction whose time has come, oldest first. When
// it gives up, the next one goes on behind: records that always fail must not
// keep the others waiting.
func (v *Verifier) sweepDue(ctx context.Context) error {
	now, r, passed := v.cfg.Now(), v.newLeadersRound(ctx), v.worker.passed
	v.worker.passed = ""
	for key, err := range v.cfg.Store.Keys(ctx, duePrefix, passed) {
		if err != nil {
			r.note(unavailable("list what is due", err))
			break
		}
		at, tx, ok := parseDue(key)
		if ok && at.After(now) {
			break
		}
		if ok && !r.do(func(ctx context.Context) error { return v.sweepOne(ctx, key, tx) }) {
			v.worker.passed = key
			break
		}
	}
	return r.wait()
}

// sweepEarly looks, once somebody wished for it, at the transactions that are
// not due yet but may be unfinished: those begun within the last TTL, for they
// are due when that is over. A slice at a time.
func (v *Verifier) sweepEarly(ctx context.Context) error {
	w := &v.worker
	if w.look == "" {
		_, version, err := v.cfg.Store.Get(ctx, keyLook)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return unavailable("read wish", err)
		}
		w.look, w.lookAt = dueKey(v.cfg.Now(), ""), version
	}
	now, r, n := v.cfg.Now(), v.newLeadersRound(ctx), 0
	for key, err := range v.cfg.Store.Keys(ctx, duePrefix, w.look) {
		if err != nil {
			r.note(unavailable("list what may be unfinished", err))
			return r.wait()
		}
		at, tx, ok := parseDue(key)
		if ok && at.After(now.Add(TTL+Skew)) {
			break
		}
		if n++; n > lookSlice || ok && !r.do(func(ctx context.Context) error { return v.sweepEarlyOne(ctx, key, tx) }) {
			return r.wait()
		}
		w.look = key
	}
	if done, err := v.sweepTies(r); err != nil || !done {
		r.note(err)
		return r.wait()
	}
	w.look, w.ties = "", ""
	err := v.cfg.Store.Delete(ctx, keyLook, w.lookAt) // a newer wish stays
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrConflict) {
		r.note(unavailable("delete wish", err))
	}
	return r.wait()
}

// sweepEarlyOne does not come again, so what fails is remembered.
func (v *Verifier) sweepEarlyOne(ctx context.Context, key, tx string) error {
	err := v.sweepOne(ctx, key, tx)
	if err != nil {
		v.stuck.Store(tx, true)
	}
	return err
}

// wishLook asks whoever has the lease for a look, if this process has reason to.
func (v *Verifier) wishLook(ctx context.Context) error {
	if !v.worker.wish.Swap(false) {
		return nil
	}
	_, version, err := v.cfg.Store.Get(ctx, keyLook)
	if err == nil || errors.Is(err, store.ErrNotFound) {
		_, err = v.cfg.Store.Swap(ctx, keyLook, version, nil)
	}
	if err != nil && !errors.Is(err, store.ErrConflict) { // another one wished this very moment
		v.worker.wish.Store(true)
		return unavailable("wish for a look", err)
	}
	return nil
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
	if t.policy == nil {
		if t.policy, err = v.askedBefore(ctx, key); err != nil {
			return err
		}
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
	if t, err = v.drive(ctx, t); reasonOf(err, "") == ReasonUnknown {
		return nil // forgotten this very moment, through another due record of its
	} else if err != nil {
		return err
	}
	if now.Before(at) { // the first Sweep came early
		return nil
	}
	if later := t.forgetAt(); at.Before(later) {
		if err := v.noteDue(ctx, later, tx); err != nil {
			return err
		}
		return v.remove(ctx, key)
	}
	return v.forgetTransaction(ctx, key, t)
}

// noteDue has Sweep look at a transaction when the time comes.
func (v *Verifier) noteDue(ctx context.Context, at time.Time, tx string) error {
	_, err := v.cfg.Store.Swap(ctx, dueKey(at, tx), 0, nil)
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return unavailable("note deadline", err)
	}
	return nil
}

// askedBefore is a policy that was taken out of the configuration, as far as an
// ending needs it: the request's own entry, which the due record holds.
func (v *Verifier) askedBefore(ctx context.Context, key string) (*compiled, error) {
	leaf, _, err := v.cfg.Store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) || err == nil && len(leaf) == 0 {
		return nil, nil // ended already
	}
	if err != nil {
		return nil, unavailable("read deadline", err)
	}
	request, err := parseRequest(leaf)
	if err != nil {
		return nil, err
	}
	return &compiled{asked: request.Asked}, nil
}

func parseRequest(leaf []byte) (*audit.Request, error) {
	entry, err := audit.Parse(leaf)
	if err != nil {
		return nil, err
	}
	request, ok := entry.(*audit.Request)
	if !ok {
		return nil, fail(ReasonUnavailable, "a due record holds no request entry")
	}
	return request, nil
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
	if err := v.forgetTie(ctx, t); err != nil {
		return err
	}
	err := v.cfg.Store.Delete(ctx, keyOf(t.ID), t.version)
	switch {
	case errors.Is(err, store.ErrConflict):
		return nil // changed this very moment; the next Sweep sees it
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return unavailable("delete transaction", err)
	}
	return v.remove(ctx, due)
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
	request, err := parseRequest(leaf)
	if err != nil {
		return err
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
