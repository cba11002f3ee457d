package auditlog

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"facet/audit"

	"github.com/transparency-dev/tessera"
)

// TestKilledBeforeTree: what was acknowledged and had not reached the tree when
// the process was killed is at its place after the next start.
func TestKilledBeforeTree(t *testing.T) {
	l, err := Open(t.Context(), Config{Dir: t.TempDir(), Origin: origin, Interval: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ids, acks := map[uint64]string{}, map[uint64][]byte{}
	for range 5 {
		id, b, n := appendOne(t, l)
		ids[n], acks[n] = id, b
	}
	if size, err := l.reader.IntegratedSize(t.Context()); err != nil || size != 0 {
		t.Fatalf("the tree has %d entries already, %v: nothing is tested", size, err)
	}
	killed := t.TempDir()
	if err := os.CopyFS(killed, os.DirFS(filepath.Dir(l.src.dir))); err != nil {
		t.Fatal(err)
	}
	again := openTest(t, killed)
	for n, id := range ids {
		if at, err := again.Append(t.Context(), id, acks[n]); err != nil || at != n {
			t.Errorf("entry %d again: %d, %v", n, at, err)
		}
		other, err := audit.Encode(audit.NewConfig(audit.ID(id), testHour, nil))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.Append(t.Context(), id, other); !errors.Is(err, ErrConflict) {
			t.Errorf("another entry with the id of %d: %v", n, err)
		}
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(killed, journaled)); err != nil || len(left) > 0 {
		t.Errorf("left in the journal after a clean end: %v, %v", left, err)
	}
	wantAll(t, killed, acks)
}

// TestTreeAway: while the tree does not take what the journal holds, nothing
// more is acknowledged; what was, gets there in the end.
func TestTreeAway(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir)
	acks := map[uint64][]byte{}
	_, b, n := appendOne(t, l)
	acks[n] = b
	if _, err := l.ReceiptProof(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	tiles := filepath.Join(dir, treeDir, "tile")
	if err := errors.Join(os.Rename(tiles, tiles+".away"), os.WriteFile(tiles, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	keep := func(want string) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			id, b := leaf(t)
			n, err := l.Append(t.Context(), id, b)
			got := ""
			if err == nil {
				acks[n] = b
			} else {
				got = reason(err)
			}
			if got == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("appending: %v", err)
			}
		}
	}
	keep(ReasonUnavailable)
	if err := errors.Join(os.Remove(tiles), os.Rename(tiles+".away", tiles)); err != nil {
		t.Fatal(err)
	}
	keep("")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	wantAll(t, dir, acks)
}

// TestTreeOfAnother: a tree that somebody else wrote to is never extended.
func TestTreeOfAnother(t *testing.T) {
	l := openTest(t, t.TempDir())
	_, b := leaf(t)
	for _, theirs := range [][][]byte{{[]byte("another")}, {b, []byte("another")}} {
		r := newRig(t, len(theirs), nil)
		l.src = r.source().(*dirSource)
		l.reader = fixedSize{l.reader, uint64(len(theirs))}
		if _, err := l.extended(t.Context(), 0, [][]byte{b}); !errors.Is(err, errOrder) {
			t.Errorf("a tree of %d entries: %v", len(theirs), err)
		}
	}
}

// fixedSize is a reader of a tree of so many entries.
type fixedSize struct {
	tessera.LogReader
	size uint64
}

func (f fixedSize) IntegratedSize(context.Context) (uint64, error) { return f.size, nil }

func reopened(t *testing.T, j *journal) *journal {
	t.Helper()
	again, err := openJournal(j.dir)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func size(t *testing.T, path string) int {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Size())
}

func TestJournal(t *testing.T) {
	one, two, three := []byte("one"), []byte("two"), []byte("three")
	open := func(t *testing.T) *journal {
		t.Helper()
		j, err := openJournal(filepath.Join(t.TempDir(), "journal"))
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	add := func(t *testing.T, j *journal, first uint64, leaves ...[]byte) {
		t.Helper()
		if err := j.append(first, leaves); err != nil {
			t.Fatal(err)
		}
	}
	want := func(t *testing.T, j *journal, first uint64, leaves ...[]byte) {
		t.Helper()
		got, err := reopened(t, j).from(first)
		if err != nil || !bytes.Equal(bytes.Join(got, []byte("|")), bytes.Join(leaves, []byte("|"))) {
			t.Errorf("from %d: %s, %v, want %s", first, got, err, leaves)
		}
	}
	t.Run("cut anywhere", func(t *testing.T) {
		j := open(t)
		add(t, j, 7, one, two)
		whole, err := os.ReadFile(j.path(1))
		if err != nil {
			t.Fatal(err)
		}
		for n := range whole {
			if err := os.WriteFile(j.path(1), whole[:n], 0o600); err != nil {
				t.Fatal(err)
			}
			if n < len(whole)-recordHeader-len(two) {
				want(t, j, 7)
			} else {
				want(t, j, 7, one)
			}
		}
		if err := os.WriteFile(j.path(1), whole, 0o600); err != nil {
			t.Fatal(err)
		}
		want(t, j, 7, one, two)
		want(t, j, 8, two)
		want(t, j, 9)
	})
	t.Run("power failure", func(t *testing.T) {
		j := open(t)
		add(t, j, 7, one, two)
		acknowledged := size(t, j.path(1))
		add(t, j, 9, three, bytes.Repeat(three, 20), two)
		whole, err := os.ReadFile(j.path(1))
		if err != nil {
			t.Fatal(err)
		}
		for from := range whole {
			for _, to := range []int{from + 1, from + 20, from + 64, len(whole)} {
				holed := bytes.Clone(whole)
				clear(holed[from:min(to, len(whole))])
				if bytes.Equal(holed, whole) {
					continue
				}
				if err := os.WriteFile(j.path(1), holed, 0o600); err != nil {
					t.Fatal(err)
				}
				got, err := reopened(t, j).from(7)
				switch {
				case from < acknowledged && to <= acknowledged && !errors.Is(err, ErrLost):
					t.Fatalf("what was acknowledged lacks bytes %d to %d: %s, %v", from, to, got, err)
				case from >= acknowledged && (err != nil || len(got) < 2 || !bytes.Equal(got[0], one) || !bytes.Equal(got[1], two)):
					t.Fatalf("the last batch begins at %d and lacks bytes %d to %d: %s, %v", acknowledged, from, to, got, err)
				}
			}
		}
	})
	t.Run("without marks", func(t *testing.T) { // as before decision record 0042
		j := open(t)
		text := appendRecord(appendRecord(nil, 7, one), 8, two)
		for cut := range 5 {
			if err := os.WriteFile(j.path(1), text[:len(text)-cut], 0o600); err != nil {
				t.Fatal(err)
			}
			if cut == 0 {
				want(t, j, 7, one, two)
			} else {
				want(t, j, 7, one)
			}
		}
	})
	t.Run("written again after a kill", func(t *testing.T) {
		j := open(t)
		add(t, j, 7, one, two)
		x := &index{places: map[audit.ID]uint64{}, size: 7}
		if err := x.replay(reopened(t, j)); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(j.path(1)); err != nil {
			t.Fatal(err)
		}
		want(t, j, 7, one, two)
	})
	t.Run("written again after a failure", func(t *testing.T) {
		j := open(t)
		add(t, j, 0, one, two)
		j.end() // as when the flush failed: one and two were refused
		add(t, j, 0, three)
		want(t, j, 0, three, two)
	})
	t.Run("a lost segment", func(t *testing.T) {
		j := open(t)
		add(t, j, 0, one)
		j.rotate()
		add(t, j, 1, two)
		if err := os.Remove(j.path(1)); err != nil {
			t.Fatal(err)
		}
		if _, err := j.from(0); !errors.Is(err, ErrLost) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("forgotten", func(t *testing.T) {
		j := open(t)
		add(t, j, 0, one, two)
		j.rotate()
		add(t, j, 2, three)
		j.forget(1) // two is not in the tree
		want(t, j, 0, one, two, three)
		j.forget(3) // three's segment is being written
		want(t, j, 2, three)
		if left, _ := j.segments(); len(left) != 1 {
			t.Errorf("segments %v", left)
		}
	})
}
