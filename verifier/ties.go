package verifier

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"facet/store"
)

// sweepTies frees the idempotency keys of transactions that a crash kept from
// being stored, a slice at a time, and reports whether it saw them all. All
// others go with their transaction.
func (v *Verifier) sweepTies(r *round) (bool, error) {
	n := 0
	for key, err := range v.cfg.Store.Keys(r.ctx, idemPrefix, v.worker.ties) {
		if err != nil {
			return false, unavailable("list idempotency keys", err)
		}
		if n++; n > lookSlice || !r.do(func(ctx context.Context) error { return v.sweepTie(ctx, key) }) {
			return false, nil
		}
		v.worker.ties = key
	}
	return true, nil
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
			return ifThere(err)
		}
	}
	return ifThere(v.cfg.Store.Delete(ctx, key, version))
}

// forgetTie frees a transaction's idempotency key, unless it stands for a newer one
// by now.
func (v *Verifier) forgetTie(ctx context.Context, t *transaction) error {
	if t.Idem == "" {
		return nil
	}
	raw, version, err := v.cfg.Store.Get(ctx, t.Idem)
	if err != nil {
		return ifThere(err)
	}
	var tie idempotent
	if json.Unmarshal(raw, &tie) == nil && tie.Tx != t.ID {
		return nil
	}
	return ifThere(v.cfg.Store.Delete(ctx, t.Idem, version))
}

// ifThere takes it as done when somebody else did it, and marks what else
// failed.
func ifThere(err error) error {
	if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
		return nil
	}
	return unavailable("free idempotency key", err)
}
