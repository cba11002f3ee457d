package auditlog

import (
	"bytes"
	"context"
	"errors"
	"time"

	"facet/audit"
)

// Checkpoint returns the checkpoint now published, verified.
func (l *Log) Checkpoint(ctx context.Context) (*audit.Checkpoint, error) {
	b, err := l.src.Read(ctx, audit.CheckpointPath)
	if err != nil {
		return nil, failed("reading the checkpoint", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.checkpoint != nil && bytes.Equal(l.checkpoint.Note(), b) {
		return l.checkpoint, nil
	}
	c, err := l.trust.Checkpoint(b)
	if err != nil {
		return nil, failed("reading the checkpoint", err)
	}
	l.checkpoint = c
	return c, nil
}

// Proof returns the inclusion proof (C2SP tlog-proof) of the entry at index, or
// false if no published checkpoint covers it yet.
func (l *Log) Proof(ctx context.Context, index uint64) ([]byte, bool, error) {
	c, err := l.Checkpoint(ctx)
	if err != nil {
		return nil, false, err
	}
	if index >= c.Size() {
		return nil, false, nil
	}
	proof, err := audit.Prove(ctx, l.src, c, index)
	if err != nil {
		return nil, false, failed("proving", err)
	}
	return proof, true, nil
}

// ReceiptProof is Proof, but waits until a checkpoint covers the entry: at most
// about three intervals for an entry that was acknowledged. It returns the
// context's error if that ends first.
func (l *Log) ReceiptProof(ctx context.Context, index uint64) ([]byte, error) {
	tick := time.NewTicker(l.interval / 4)
	defer tick.Stop()
	for {
		proof, covered, err := l.Proof(ctx, index)
		if err != nil || covered {
			return proof, err
		}
		if err := errors.Join(l.guard.refused(), l.src.mendTime()); err != nil {
			return nil, failed("waiting for a checkpoint", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, failed("waiting for a checkpoint", ctx.Err())
		}
	}
}

// Leaf returns the published entry at index, unverified.
func (l *Log) Leaf(ctx context.Context, index uint64) ([]byte, error) {
	c, err := l.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	leaves, err := audit.ReadEntries(ctx, l.src, c.Size(), index, 1)
	if err != nil {
		return nil, failed("reading an entry", err)
	}
	return leaves[0], nil
}
