package main

import (
	"os"
	"testing"
)

// TestMemoryIsFlat: whatever passed through a verifier, nothing of it is left
// once its time is over, neither stored (transactions, keys, deadlines) nor in
// memory. 100,000 transactions under FACET_SOAK.
func TestMemoryIsFlat(t *testing.T) {
	n := 2 * memoryBatch
	if os.Getenv("FACET_SOAK") != "" {
		n = 100_000
	}
	grown, left, err := outlive(n)
	if err != nil {
		t.Fatal(err)
	}
	if grown > budgetGrowth {
		t.Errorf("%d transactions left %d bytes on the heap, want at most %d", n, grown, budgetGrowth)
	}
	if len(left) > 0 {
		t.Errorf("%d records are left, such as %s", len(left), left[0])
	}
	t.Logf("%d transactions, %d bytes", n, grown)
}
