package main

import (
	"context"
	"fmt"
	"time"

	"facet/verifier"
)

// clockEvery is how often a node compares its clock with the store's.
const clockEvery = 30 * time.Second

// agree compares this node's clock with that of the store it shares with
// others. One that is off by more than wallets are granted is not ready: what
// it signs would be refused, and what it sweeps would end at the wrong time.
func (n *verifierNode) agree(ctx context.Context, clock func(context.Context) (time.Time, error)) error {
	before := n.now()
	theirs, err := clock(ctx)
	if err != nil {
		return err
	}
	after := n.now()
	off := after.Sub(theirs)
	if before.After(theirs) { // by how much it is off at least, whenever they looked
		off = before.Sub(theirs)
	} else if !after.Before(theirs) {
		off = 0
	}
	n.clockErr.Store(nil)
	if off.Abs() <= verifier.Skew {
		return nil
	}
	err = fmt.Errorf("this node's clock is %v off from PostgreSQL's", off.Truncate(time.Second))
	n.clockErr.Store(&err)
	return err
}

// compare asks what must answer for the node to be ready, and so compares
// clocks, until ctx ends: nobody may be asking at /ready.
func (n *verifierNode) compare(ctx context.Context) {
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := n.ready(); err != nil && ctx.Err() == nil {
			n.logger.Error("not ready", "error", err)
		}
	}
}
