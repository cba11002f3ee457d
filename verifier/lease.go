package verifier

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"facet/store"
)

// LeaseTTL is how long a process that does not renew its lease keeps it: of all
// processes that share a Store, one sweeps. Another takes over once it has seen
// the same lease for this long, and it takes a Sweep to notice either.
const LeaseTTL = 9 * time.Second

// keyLease is where the lease is, whatever the number of processes.
const keyLease = "lease/sweep"

// A lease says who sweeps. The times are the holder's and for operators only:
// who may take over is decided by how long the record has been in one version,
// each process by its own clock, so that no two clocks are ever compared
// (decision record 0036).
type lease struct {
	Holder string `json:"holder"`
	Since  int64  `json:"since"`
	Until  int64  `json:"until"`
}

// A tenure is what this process knows of the lease.
type tenure struct {
	mu      sync.Mutex // guards the rest; held while the record is read or written
	mine    bool
	version store.Version // of the record as last seen
	seen    time.Time     // when it was first seen in that version; if mine, when it was last renewed
	since   time.Time     // of the tenure, if mine
}

// lead takes the lease or renews it, and reports whether this process has it.
// It costs nothing while the lease is fresh, so call it before each step: the
// version fences, and who has lost the lease learns it from the first renewal.
func (v *Verifier) lead(ctx context.Context) (bool, error) {
	l := &v.tenure
	l.mu.Lock()
	defer l.mu.Unlock()
	now := v.cfg.Now()
	if l.mine && now.Sub(l.seen) < LeaseTTL/3 {
		return true, nil
	}
	if l.mine {
		return v.renewLease(ctx, now)
	}
	raw, version, err := v.cfg.Store.Get(ctx, keyLease)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, unavailable("read lease", err)
	}
	var theirs lease
	if err == nil {
		if err := json.Unmarshal(raw, &theirs); err != nil {
			return false, unavailable("read lease", err)
		}
	}
	if version != l.version {
		l.version, l.seen = version, now
	}
	if version != 0 && theirs.Holder != v.cfg.Node && now.Sub(l.seen) < LeaseTTL {
		return false, nil
	}
	return v.takeLease(ctx, now)
}

// takeLease begins a tenure, unless another process was first. The caller holds
// the lock.
func (v *Verifier) takeLease(ctx context.Context, now time.Time) (bool, error) {
	l := &v.tenure
	version, err := v.writeLease(ctx, now, now)
	switch {
	case errors.Is(err, store.ErrConflict):
		return false, nil
	case err != nil:
		return false, unavailable("take lease", err)
	}
	l.mine, l.version, l.seen, l.since = true, version, now, now
	v.worker.wish.Store(true) // whoever had it may have left something behind
	return true, nil
}

// renewLease prolongs the tenure. After an error nobody knows whether it did,
// so this process stops as if it had not. The caller holds the lock.
func (v *Verifier) renewLease(ctx context.Context, now time.Time) (bool, error) {
	l := &v.tenure
	version, err := v.writeLease(ctx, l.since, now)
	if err != nil {
		l.mine, l.version = false, 0
	}
	switch {
	case errors.Is(err, store.ErrConflict):
		return false, nil
	case err != nil:
		return false, unavailable("renew lease", err)
	}
	l.version, l.seen = version, now
	return true, nil
}

func (v *Verifier) writeLease(ctx context.Context, since, now time.Time) (store.Version, error) {
	raw, err := json.Marshal(lease{v.cfg.Node, since.Unix(), now.Add(LeaseTTL).Unix()})
	if err != nil {
		return 0, err
	}
	return v.cfg.Store.Swap(ctx, keyLease, v.tenure.version, raw)
}

// Resign gives the lease back, if this process has it, so that another one need
// not wait for its end. Call it when Sweep will not be called any more.
func (v *Verifier) Resign(ctx context.Context) error {
	v.worker.mu.Lock()
	defer v.worker.mu.Unlock()
	if v.Duties().Stuck == 0 { // or whoever leads should look at what is left behind
		if err := v.takeSign(ctx); err != nil {
			return err
		}
	}
	l := &v.tenure
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.mine {
		return nil
	}
	l.mine = false
	err := v.cfg.Store.Delete(ctx, keyLease, l.version)
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrConflict) {
		return unavailable("give lease back", err)
	}
	return nil
}

// leads reports whether this process had the lease when it last looked.
func (v *Verifier) leads() bool {
	v.tenure.mu.Lock()
	defer v.tenure.mu.Unlock()
	return v.tenure.mine
}
