package verifier

import (
	"context"
	"errors"
	"time"

	"facet/store"
)

// DeadAfter is how long the one who sweeps sees no sign of life of another
// process before it looks at what that may have left unfinished.
const DeadAfter = 2 * LeaseTTL

// keyAlive is where processes without the lease give signs of life, each under
// its own name, by new versions of an empty record.
const keyAlive = "lease/node/"

// A sighting is when another process's record was first seen in a version.
type sighting struct {
	version store.Version
	at      time.Time
}

// signs are what this process gives and sees. Only Sweep and Resign touch them,
// under the worker's lock.
type signs struct {
	own   store.Version // of this process's record; 0: there is none
	given time.Time
	seen  map[string]sighting // of others, while this process has the lease
}

// giveSign says that this process lives. It costs a call of the store every few
// seconds.
func (v *Verifier) giveSign(ctx context.Context) error {
	s, now := &v.worker.signs, v.cfg.Now()
	s.seen = nil
	if s.own != 0 && now.Sub(s.given) < LeaseTTL/3 {
		return nil
	}
	version, err := v.cfg.Store.Swap(ctx, keyAlive+v.cfg.Node, s.own, nil)
	if errors.Is(err, store.ErrConflict) { // it was taken for dead, or lives a second time under its name
		_, version, err = v.cfg.Store.Get(ctx, keyAlive+v.cfg.Node)
		if errors.Is(err, store.ErrNotFound) {
			version, err = 0, nil
		}
		s.own = version
		return mark("give sign of life", err)
	}
	if err == nil {
		s.own, s.given = version, now
	}
	return mark("give sign of life", err)
}

// takeSign takes this process's own record away: who has the lease shows it by
// that, and who stops in order leaves nothing to look for.
func (v *Verifier) takeSign(ctx context.Context) error {
	s := &v.worker.signs
	if s.own == 0 {
		return nil
	}
	err := v.cfg.Store.Delete(ctx, keyAlive+v.cfg.Node, s.own)
	if s.own = 0; errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
		err = nil
	}
	return mark("take sign of life away", err)
}

// missing wishes for a look if a process gives no signs any more, however many
// do. By its own clock, as with the lease.
func (v *Verifier) missing(ctx context.Context) error {
	s, now := &v.worker.signs, v.cfg.Now()
	if err := v.takeSign(ctx); err != nil {
		return err
	}
	seen := make(map[string]sighting, len(s.seen))
	defer func() { s.seen = seen }()
	for key, err := range v.cfg.Store.Keys(ctx, keyAlive, "") {
		if err != nil {
			return unavailable("list signs of life", err)
		}
		_, version, err := v.cfg.Store.Get(ctx, key)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return unavailable("read sign of life", err)
		}
		last, known := s.seen[key]
		if !known || last.version != version {
			last = sighting{version, now}
		}
		if seen[key] = last; now.Sub(last.at) < DeadAfter {
			continue
		}
		v.worker.wish.Store(true)
		if err := v.wishLook(ctx); err != nil {
			return err
		}
		if err := v.cfg.Store.Delete(ctx, key, version); err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrConflict) {
			return unavailable("delete sign of life", err)
		}
		delete(seen, key)
	}
	return nil
}

// mark is unavailable, for an error.
func mark(act string, err error) error {
	if err == nil {
		return nil
	}
	return unavailable(act, err)
}
