package auditlog

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"facet/audit"
)

// BenchmarkAppend64 measures appends by 64 writers at once, each entry on disk.
func BenchmarkAppend64(b *testing.B) {
	l := openTest(b, b.TempDir())
	leaves := make([][]byte, b.N)
	ids := make([]string, b.N)
	for i := range leaves {
		ids[i], leaves[i] = leaf(b)
	}
	var next atomic.Int64
	b.SetParallelism(64)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := next.Add(1) - 1
			if _, err := l.Append(context.Background(), ids[i], leaves[i]); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkProof measures the inclusion proof of a log of 20,000 entries.
func BenchmarkProof(b *testing.B) {
	l := openTest(b, b.TempDir())
	const n = 20_000
	var writers sync.WaitGroup
	for range 64 {
		writers.Go(func() {
			for range n / 64 {
				appendOne(b, l)
			}
		})
	}
	writers.Wait()
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	c, err := l.Checkpoint(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := audit.Prove(b.Context(), l.src, c, c.Size()/2); err != nil {
			b.Fatal(err)
		}
	}
}
