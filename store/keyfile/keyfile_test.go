package keyfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"facet/store"
	"facet/store/keyfile"
	"facet/store/storetest"
)

func open(t *testing.T, c keyfile.Config) *keyfile.File {
	t.Helper()
	f, err := keyfile.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, keyfile.Config{Path: filepath.Join(t.TempDir(), "keys")})
	})
}

// TestDeletedValuesLeaveTheFile is decision record 0012: after the delay the
// file holds none of the deleted values, and all others.
func TestDeletedValuesLeaveTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	f := open(t, keyfile.Config{Path: path, Delay: 20 * time.Millisecond})
	versions := make([]store.Version, 300)
	for i := range versions {
		v, err := f.Swap(t.Context(), fmt.Sprint("key/", i), 0, secret(i))
		if err != nil {
			t.Fatal(err)
		}
		versions[i] = v
	}
	for i, v := range versions[:200] {
		if err := f.Delete(t.Context(), fmt.Sprint("key/", i), v); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	for found(t, path, 0, 200) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d of 200 deleted values are still in the file", found(t, path, 0, 200))
		}
		time.Sleep(10 * time.Millisecond)
	}
	if kept := found(t, path, 200, 300); kept != 100 {
		t.Fatalf("%d of 100 other values are in the file", kept)
	}
}

func TestReplacedValuesLeaveTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	f := open(t, keyfile.Config{Path: path, Delay: time.Hour})
	v, err := f.Swap(t.Context(), "k", 0, secret(0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = f.Swap(t.Context(), "k", v, secret(1)); err != nil {
		t.Fatal(err)
	}
	if found(t, path, 0, 1) != 1 {
		t.Fatal("the test looks in the wrong place")
	}
	if err := f.Compact(); err != nil {
		t.Fatal(err)
	}
	if found(t, path, 0, 1) != 0 || found(t, path, 1, 2) != 1 {
		t.Fatal("the replaced value is still in the file, or the new one is not")
	}
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	f := open(t, keyfile.Config{Path: path})
	kept, _ := f.Swap(t.Context(), "kept", 0, secret(1))
	gone, _ := f.Swap(t.Context(), "gone", 0, secret(2))
	if err := errors.Join(f.Delete(t.Context(), "gone", gone), f.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Swap(t.Context(), "late", 0, nil); !errors.Is(err, store.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	f = open(t, keyfile.Config{Path: path})
	if value, v, err := f.Get(t.Context(), "kept"); err != nil || v != kept || !bytes.Equal(value, secret(1)) {
		t.Errorf("kept: version %d, %v", v, err)
	}
	if v, err := f.Swap(t.Context(), "gone", 0, nil); err != nil || v <= gone {
		t.Errorf("version %d after %d was deleted, %v", v, gone, err)
	}
}

// TestTornWrite cuts the file at every length: what was acknowledged before
// the last record is always there, and nothing is invented.
func TestTornWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	f := open(t, keyfile.Config{Path: path})
	for i := range 2 {
		if _, err := f.Swap(t.Context(), fmt.Sprint(i), 0, secret(i)); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.Index(whole, secret(0)) + len(secret(0))
	for cut := first; cut < len(whole); cut++ {
		torn := filepath.Join(t.TempDir(), "torn")
		if err := os.WriteFile(torn, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		g := open(t, keyfile.Config{Path: torn})
		if value, _, err := g.Get(t.Context(), "0"); err != nil || !bytes.Equal(value, secret(0)) {
			t.Fatalf("cut at %d: first value lost: %v", cut, err)
		}
		if _, _, err := g.Get(t.Context(), "1"); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("cut at %d: half a record was read: %v", cut, err)
		}
	}
	damaged := bytes.Clone(whole)
	damaged[first-1] ^= 1
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keyfile.Open(keyfile.Config{Path: path}); err == nil {
		t.Fatal("a damaged record in the middle went unnoticed")
	}
}

func secret(i int) []byte { return []byte(fmt.Sprintf("<%04d>", i) + strings.Repeat("s", 32)) }

// found counts the secrets from..to-1 that stand anywhere in the folder.
func found(t *testing.T, path string, from, to int) (n int) {
	t.Helper()
	var all []byte
	files, err := filepath.Glob(filepath.Dir(path) + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue // renamed meanwhile
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, raw...)
	}
	for i := from; i < to; i++ {
		if bytes.Contains(all, secret(i)) {
			n++
		}
	}
	return n
}
