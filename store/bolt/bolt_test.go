package bolt_test

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"facet/store"
	"facet/store/bolt"
	"facet/store/storetest"
)

func open(t *testing.T, path string) *bolt.DB {
	t.Helper()
	db, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, filepath.Join(t.TempDir(), "db")) })
}

func TestReopenKeepsValuesAndVersions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := open(t, path)
	v1, err := db.Swap(t.Context(), "a", 0, []byte("kept"))
	if err != nil {
		t.Fatal(err)
	}
	gone, err := db.Swap(t.Context(), "b", 0, []byte("gone"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Delete(t.Context(), "b", gone), db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.Get(t.Context(), "a"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("after Close: %v, want ErrClosed", err)
	}
	db = open(t, path)
	if value, v, err := db.Get(t.Context(), "a"); err != nil || v != v1 || string(value) != "kept" {
		t.Errorf("got %q, %d, %v", value, v, err)
	}
	if v, err := db.Swap(t.Context(), "b", 0, nil); err != nil || v <= gone {
		t.Errorf("version %d after %d was deleted, %v", v, gone, err)
	}
}

func TestOpenTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	open(t, path)
	if _, err := bolt.Open(path); !errors.Is(err, bolt.ErrLocked) {
		t.Fatalf("got %v, want ErrLocked", err)
	}
}

func TestManyWriters(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "db"))
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			key := string(rune('A' + i))
			var v store.Version
			for range 10 {
				next, err := db.Swap(t.Context(), key, v, []byte(key))
				if err != nil || next <= v {
					t.Errorf("%s: version %d after %d, %v", key, next, v, err)
					return
				}
				v = next
			}
		})
	}
	wg.Wait()
}

func TestDataDir(t *testing.T) {
	path := filepath.Join(t.TempDir(), "verifier")
	dir, err := bolt.DataDir(path, "verifier")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.DataDir(path, "verifier"); !errors.Is(err, bolt.ErrLocked) {
		t.Errorf("second owner: got %v, want ErrLocked", err)
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.DataDir(path, "wallet"); !errors.Is(err, bolt.ErrOtherKind) {
		t.Errorf("other service: got %v, want ErrOtherKind", err)
	}
	newer := []byte(`{"facet":"verifier","format":999}`)
	if err := os.WriteFile(filepath.Join(path, "FORMAT"), newer, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.DataDir(path, "verifier"); !errors.Is(err, bolt.ErrNewerFormat) {
		t.Errorf("newer format: got %v, want ErrNewerFormat", err)
	}
	if after, _ := os.ReadFile(filepath.Join(path, "FORMAT")); string(after) != string(newer) {
		t.Error("the FORMAT file of a newer version was changed")
	}
}

func BenchmarkSwap64Writers(b *testing.B) {
	db, err := bolt.Open(filepath.Join(b.TempDir(), "db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		var v store.Version
		key := rand.Text()
		for pb.Next() {
			var err error
			if v, err = db.Swap(b.Context(), key, v, make([]byte, 400)); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
