package postgres_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"facet/store"
	"facet/store/postgres"
	"facet/store/storetest"
)

func open(t *testing.T, c postgres.Config) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestPostgres is one test, so that it pays for one server.
func TestPostgres(t *testing.T) {
	pg := storetest.StartPostgres(t)
	var n atomic.Int32
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, postgres.Config{URL: pg.URL, Table: fmt.Sprintf("t%d", n.Add(1))})
	})
	for _, tt := range []struct {
		name string
		run  func(*testing.T, *storetest.Postgres)
	}{
		{"two processes at once", openTogether},
		{"versions grow across processes", versionsGrow},
		{"keys of any bytes", anyBytes},
		{"the end", closedStore},
		{"a newer table", newerTable},
		{"what is deleted leaves the files", forgets},
		{"a dump", dump},
		{"an outage", outage},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, pg) })
	}
}

// openTogether makes the table from ten places at once; the first that created
// a key wins everywhere.
func openTogether(t *testing.T, pg *storetest.Postgres) {
	var wg sync.WaitGroup
	var won atomic.Int32
	for range 10 {
		wg.Go(func() {
			db, err := postgres.Open(context.Background(), postgres.Config{URL: pg.URL, Table: "together"})
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			defer db.Close()
			if _, err := db.Swap(context.Background(), "a", 0, nil); err == nil {
				won.Add(1)
			} else if !errors.Is(err, store.ErrConflict) {
				t.Errorf("swap: %v", err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d created the key", won.Load())
	}
}

// versionsGrow creates and deletes one key from two sides as fast as it goes.
// Each side holds the key alone between its Swap and its Delete, so versions
// must grow in the order in which the marks are taken.
func versionsGrow(t *testing.T, pg *storetest.Postgres) {
	a, b := open(t, postgres.Config{URL: pg.URL, Table: "grow"}), open(t, postgres.Config{URL: pg.URL, Table: "grow"})
	var last atomic.Uint64
	var wg sync.WaitGroup
	for _, db := range []*postgres.DB{a, b, a, b} {
		wg.Go(func() {
			for range 100 {
				v, err := db.Swap(context.Background(), "k", 0, []byte("x"))
				if errors.Is(err, store.ErrConflict) {
					continue
				}
				if err != nil {
					t.Errorf("swap: %v", err)
					return
				}
				if before := last.Swap(uint64(v)); before >= uint64(v) {
					t.Errorf("version %d after %d", v, before)
				}
				if err := db.Delete(context.Background(), "k", v); err != nil {
					t.Errorf("delete: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func anyBytes(t *testing.T, pg *storetest.Postgres) {
	db := open(t, postgres.Config{URL: pg.URL, Table: "bytes"})
	for _, key := range []string{"\x00", "a\xff", "a\xff\xff", "b", "ä", "\xff\xff"} {
		if _, err := db.Swap(t.Context(), key, 0, []byte(key)); err != nil {
			t.Fatalf("%q: %v", key, err)
		}
	}
	for prefix, want := range map[string]int{"": 6, "a": 2, "a\xff": 2, "\xff": 1, "\xff\xff": 1, "c": 0} {
		n := 0
		for key, err := range db.Keys(t.Context(), prefix, "") {
			if err != nil || !strings.HasPrefix(key, prefix) {
				t.Fatalf("%q: %q, %v", prefix, key, err)
			}
			n++
		}
		if n != want {
			t.Errorf("prefix %q: %d keys, want %d", prefix, n, want)
		}
	}
}

func closedStore(t *testing.T, pg *storetest.Postgres) {
	db := open(t, postgres.Config{URL: pg.URL, Table: "closing"})
	if err := errors.Join(db.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	_, _, err := db.Get(t.Context(), "a")
	_, err2 := db.Swap(t.Context(), "a", 0, nil)
	for _, err := range []error{err, err2, db.Delete(t.Context(), "a", 1), db.Ping(t.Context())} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("after Close: %v, want ErrClosed", err)
		}
	}
	for _, c := range []postgres.Config{
		{URL: pg.URL, Table: "a; drop table b"},
		{URL: "postgres://user:secret@host:port/x"},
		{URL: "postgres:///x?host=" + filepath.Join(pg.Dir, "nowhere")},
	} {
		if _, err := postgres.Open(t.Context(), c); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func newerTable(t *testing.T, pg *storetest.Postgres) {
	open(t, postgres.Config{URL: pg.URL, Table: "newer"})
	if err := pg.Exec("COMMENT ON TABLE newer IS 'facet 2'"); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Open(t.Context(), postgres.Config{URL: pg.URL, Table: "newer"}); !errors.Is(err, postgres.ErrNewerFormat) {
		t.Fatalf("got %v", err)
	}
}

// forgets searches the server's own files. The write-ahead log is another
// matter, and docs/operating.md says so.
func forgets(t *testing.T, pg *storetest.Postgres) {
	db := open(t, postgres.Config{URL: pg.URL, Table: "forget", Forget: 50 * time.Millisecond})
	canary, kept := []byte(rand.Text()), []byte(rand.Text())
	v, err := db.Swap(t.Context(), "a", 0, canary)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Swap(t.Context(), "b", 0, kept); err != nil {
		t.Fatal(err)
	}
	if err := pg.Exec("CHECKPOINT"); err != nil {
		t.Fatal(err)
	}
	if !onDisk(t, pg, canary) {
		t.Fatal("the search finds nothing: it would not find a leak either")
	}
	if err := db.Delete(t.Context(), "a", v); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if err := pg.Exec("CHECKPOINT"); err != nil {
			t.Fatal(err)
		}
		if !onDisk(t, pg, canary) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the deleted value stays in the table's file")
		}
	}
	if !onDisk(t, pg, kept) {
		t.Error("the other value is gone too")
	}
}

func onDisk(t *testing.T, pg *storetest.Postgres, what []byte) (found bool) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(pg.Dir, "data", "base"), func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && d.IsDir() {
			return nil
		}
		if err != nil {
			return err
		}
		raw, err := os.ReadFile(p)
		found = found || bytes.Contains(raw, what)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// dump follows docs/operating.md: tables and their sequences, restored into an
// empty database.
func dump(t *testing.T, pg *storetest.Postgres) {
	db := open(t, postgres.Config{URL: pg.URL, Table: "facet_dump"})
	if _, err := db.Swap(t.Context(), "a", 0, []byte("kept\x00\xff")); err != nil {
		t.Fatal(err)
	}
	last, err := db.Swap(t.Context(), "b", 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Delete(t.Context(), "b", last); err != nil {
		t.Fatal(err)
	}
	restored, err := pg.DumpInto("restored", "facet_dump*")
	if err != nil {
		t.Fatal(err)
	}
	db = open(t, postgres.Config{URL: restored, Table: "facet_dump"})
	if got, _, err := db.Get(t.Context(), "a"); err != nil || string(got) != "kept\x00\xff" {
		t.Errorf("got %q, %v", got, err)
	}
	if v, err := db.Swap(t.Context(), "b", 0, nil); err != nil || v <= last {
		t.Errorf("version %d after %d was deleted, %v", v, last, err)
	}
}

// outage kills the server under writers. What was acknowledged is there
// afterwards, and the same DB goes on by itself.
func outage(t *testing.T, pg *storetest.Postgres) {
	db := open(t, postgres.Config{URL: pg.URL, Table: "outage"})
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				key := fmt.Sprintf("%d/%d", w, i)
				if _, err := db.Swap(context.Background(), key, 0, []byte(key)); err == nil {
					mu.Lock()
					acknowledged[key] = true
					mu.Unlock()
				}
			}
		})
	}
	time.Sleep(200 * time.Millisecond)
	pg.Kill()
	if _, err := db.Swap(t.Context(), "down", 0, nil); err == nil || errors.Is(err, store.ErrConflict) {
		t.Errorf("with the server gone: %v", err)
	}
	close(stop)
	wg.Wait()
	pg.Start(t)
	if len(acknowledged) < 10 {
		t.Fatalf("only %d writes before the outage", len(acknowledged))
	}
	for key := range acknowledged {
		if got, _, err := db.Get(t.Context(), key); err != nil || string(got) != key {
			t.Fatalf("%s was acknowledged: %q, %v", key, got, err)
		}
	}
}
