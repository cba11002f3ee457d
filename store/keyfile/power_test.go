package keyfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"facet/store"
	"facet/store/keyfile"
)

// TestPowerFailure: a power failure leaves any blocks of the last batch
// unwritten. What was acknowledged before is there, and damage to that is
// noticed.
func TestPowerFailure(t *testing.T) {
	whole := withBatch(t)
	reopen := func(content []byte) (*keyfile.File, error) {
		path := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return keyfile.Open(keyfile.Config{Path: path})
	}
	for from := whole.at; from < len(whole.file); from += 16 {
		for _, to := range []int{from + 1, from + 16, from + 200, len(whole.file)} {
			holed := bytes.Clone(whole.file)
			clear(holed[from:min(to, len(holed))])
			g, err := reopen(holed)
			if err != nil {
				t.Fatalf("zeros from %d to %d of %d, the last batch begins at %d: %v", from, to, len(holed), whole.at, err)
			}
			if value, _, err := g.Get(t.Context(), "acknowledged"); err != nil || !bytes.Equal(value, secret(0)) {
				t.Fatalf("zeros from %d to %d: what was acknowledged is lost: %v", from, to, err)
			}
			for i := range 24 {
				if value, _, err := g.Get(t.Context(), fmt.Sprint("late ", i)); err == nil && !bytes.Equal(value, secret(i+1)) {
					t.Fatalf("zeros from %d to %d: a value is damaged", from, to)
				}
			}
			_ = g.Close()
		}
	}
	for at := range whole.at {
		damaged := bytes.Clone(whole.file)
		damaged[at] ^= 1
		if g, err := reopen(damaged); err == nil {
			_, _, err := g.Get(t.Context(), "acknowledged")
			t.Fatalf("a byte of what was acknowledged changed, at %d of %d: opened, %v", at, whole.at, err)
		}
	}
}

// A batched file ends with a batch of at least two changes, which begins at at.
type batched struct {
	file []byte
	at   int
}

// withBatch writes until some of 24 changes at once waited while another was
// flushed, and so were written together: nearly always at the first try.
func withBatch(t *testing.T) batched {
	t.Helper()
	for range 50 {
		path := filepath.Join(t.TempDir(), "keys")
		f := open(t, keyfile.Config{Path: path})
		if _, err := f.Swap(t.Context(), "acknowledged", 0, secret(0)); err != nil {
			t.Fatal(err)
		}
		before := read(t, path)
		var wg sync.WaitGroup
		for i := range 24 {
			wg.Go(func() {
				if _, err := f.Swap(t.Context(), fmt.Sprint("late ", i), 0, secret(i+1)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if out := lastBatch(read(t, path), len(before)); out.file != nil {
			return out
		}
	}
	t.Fatal("no two changes were ever written together")
	return batched{}
}

// lastBatch finds where the last batch of at least two changes begins, and cuts
// the file after it.
func lastBatch(file []byte, from int) (out batched) {
	for from < len(file) {
		const mark = 4 + 8 + 1 + 2 + 4 + 4
		end := from + mark + int(file[from+mark-2])<<8 + int(file[from+mark-1])
		if end-from > 300 {
			out = batched{file[:end], from}
		}
		from = end
	}
	return out
}

// TestFormatBefore reads a file without marks, torn at its end.
func TestFormatBefore(t *testing.T) {
	path := filepath.Join("testdata", "unmarked")
	raw := read(t, path)
	for cut := range 30 {
		copied := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(copied, raw[:len(raw)-cut], 0o600); err != nil {
			t.Fatal(err)
		}
		f := open(t, keyfile.Config{Path: copied})
		if value, _, err := f.Get(t.Context(), "0"); err != nil || !bytes.Equal(value, secret(0)) {
			t.Fatalf("cut by %d: %v", cut, err)
		}
		if _, _, err := f.Get(t.Context(), "1"); (cut == 0) != (err == nil) || err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("cut by %d: the last value: %v", cut, err)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
