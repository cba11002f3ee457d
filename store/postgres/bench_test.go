package postgres_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"facet/store"
	"facet/store/bolt"
	"facet/store/postgres"
	"facet/store/storetest"
)

// BenchmarkTransaction is what one presentation does to a store, from 16 sides:
// create, four swaps, read, delete.
func BenchmarkTransaction(b *testing.B) {
	var n atomic.Int64
	run := func(b *testing.B, s store.Store) {
		b.SetParallelism(8)
		b.ResetTimer() // the server took its time to start
		value := make([]byte, 2048)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				ctx, key := context.Background(), fmt.Sprintf("tx/%d", n.Add(1))
				v, err := s.Swap(ctx, key, 0, value)
				for i := 0; i < 4 && err == nil; i++ {
					v, err = s.Swap(ctx, key, v, value)
				}
				if err == nil {
					_, _, err = s.Get(ctx, key)
				}
				if err == nil {
					err = s.Delete(ctx, key, v)
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	b.Run("bbolt", func(b *testing.B) {
		db, err := bolt.Open(filepath.Join(b.TempDir(), "db"))
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		run(b, db)
	})
	b.Run("PostgreSQL", func(b *testing.B) {
		pg := storetest.StartPostgres(b)
		db, err := postgres.Open(b.Context(), postgres.Config{URL: pg.URL})
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		run(b, db)
	})
}
