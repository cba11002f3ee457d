//go:build unix

package keyfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"facet/store"
	"facet/store/keyfile"
)

// fileLimit bounds every file this process writes, as a disk that is full does;
// zero takes the bound away.
func fileLimit(t *testing.T, size uint64) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ) // then writing fails with EFBIG
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur = limit.Max; size > 0 {
		limit.Cur = size
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk: what does not fit is refused and what was acknowledged stays
// readable; when there is room again the file goes on by itself, and what was
// deleted in between leaves it.
func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	f := open(t, keyfile.Config{Path: path, Delay: 20 * time.Millisecond})
	defer fileLimit(t, 0)
	fileLimit(t, 4<<10)
	kept := map[string]store.Version{}
	for i := 0; ; i++ {
		key := fmt.Sprint("key ", i)
		v, err := f.Swap(t.Context(), key, 0, bytes.Repeat([]byte("secret of "+key), 10))
		if err != nil {
			break
		}
		kept[key] = v
	}
	if len(kept) < 5 {
		t.Fatalf("only %d fitted", len(kept))
	}
	for key, v := range kept {
		if _, got, err := f.Get(t.Context(), key); err != nil || got != v {
			t.Fatalf("%s on a full disk: version %d, %v", key, got, err)
		}
	}
	if _, err := f.Swap(t.Context(), "more", 0, make([]byte, 8<<10)); err == nil {
		t.Fatal("what does not fit was acknowledged")
	}
	if _, _, err := f.Get(t.Context(), "more"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("what was refused: %v", err)
	}
	fileLimit(t, 0)
	if err := f.Delete(t.Context(), "key 0", kept["key 0"]); err != nil {
		t.Fatalf("with room again: %v", err)
	}
	delete(kept, "key 0")
	waitGone(t, path, "secret of key 0")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, keyfile.Config{Path: path})
	for key, v := range kept {
		if _, got, err := again.Get(t.Context(), key); err != nil || got != v {
			t.Errorf("%s after a restart: version %d, %v", key, got, err)
		}
	}
}

// TestFullDiskWhileForgetting: a rewrite that found no room is tried again.
func TestFullDiskWhileForgetting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	f := open(t, keyfile.Config{Path: path, Delay: 20 * time.Millisecond})
	if _, err := f.Swap(t.Context(), "large", 0, make([]byte, 8<<10)); err != nil {
		t.Fatal(err)
	}
	v, err := f.Swap(t.Context(), "gone", 0, []byte("a deleted secret"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Delete(t.Context(), "gone", v); err != nil {
		t.Fatal(err)
	}
	defer fileLimit(t, 0)
	fileLimit(t, 1<<10)
	time.Sleep(60 * time.Millisecond) // several rewrites come and fail
	fileLimit(t, 0)
	waitGone(t, path, "a deleted secret")
	if _, _, err := f.Get(t.Context(), "large"); err != nil {
		t.Error(err)
	}
}

// waitGone waits until the file does not hold the text any more.
func waitGone(t *testing.T, path, text string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(raw, []byte(text)) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q stays in the file", text)
		}
	}
}
