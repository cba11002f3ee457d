package main

import (
	"context"
	"maps"
	"slices"
	"time"
)

// proveEvery is how often DID documents are looked for that are not there.
const proveEvery = 5 * time.Second

// prove looks again for the DID documents of platforms that cannot ask, or not
// with their newest key, until ctx ends.
func (n *verifierNode) prove(ctx context.Context) {
	tick := time.NewTicker(proveEvery)
	defer tick.Stop()
	var waiting map[string]string
	for {
		waiting = n.proveOnce(ctx, waiting)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// proveOnce says in the journal what changed since it was last called. It
// returns why platforms wait.
func (n *verifierNode) proveOnce(ctx context.Context, before map[string]string) map[string]string {
	failed := n.engine.Prove(ctx)
	if ctx.Err() != nil {
		return before
	}
	after, none := map[string]string{}, n.engine.Unavailable()
	for _, id := range slices.Sorted(maps.Keys(failed)) {
		text := "its newest key is not used: its DID document does not show it; the old one signs"
		if slices.Contains(none, id) {
			text = "nothing can begin for a platform: its DID document does not show its key"
			n.metrics.Unavailable(id)
		}
		if after[id] = text + failed[id].Error(); after[id] != before[id] {
			n.logger.Error(text, "platform", id, "error", failed[id])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		if after[id] == "" {
			n.metrics.Available(id)
			n.logger.Info("no longer waiting for a DID document", "platform", id)
		}
	}
	return after
}
