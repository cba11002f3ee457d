package auditlog

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"facet/audit"
)

const origin = "verifier.example/log"

func openTest(t testing.TB, dir string) *Log {
	t.Helper()
	l, err := Open(t.Context(), Config{Dir: dir, Origin: origin, Interval: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

var testHour = time.Date(2026, 11, 22, 3, 4, 5, 6, time.UTC)

// asked is what every test request asks.
func asked() audit.Asked {
	return audit.Asked{
		Platform:  "Morgenblatt",
		Policy:    audit.PolicyRef{ID: "morgenblatt.example/home", Version: 3, SHA256: "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"},
		Purpose:   "personalised-home",
		Retention: "P7D",
		Paths:     audit.Paths{"prefs": {`["depth"]`}, "member": {`["tier"]`}},
		Flow:      audit.SameDevice,
	}
}

func leaf(t testing.TB) (string, []byte) {
	t.Helper()
	id := audit.NewID()
	b, err := audit.Encode(audit.NewRequest(id, testHour, asked()))
	if err != nil {
		t.Fatal(err)
	}
	return string(id), b
}

func appendOne(t testing.TB, l *Log) (string, []byte, uint64) {
	t.Helper()
	id, b := leaf(t)
	n, err := l.Append(context.Background(), id, b)
	if err != nil {
		t.Fatal(err)
	}
	return id, b, n
}

func reason(err error) string {
	var r interface{ Reason() string }
	if errors.As(err, &r) {
		return r.Reason()
	}
	return fmt.Sprint(err)
}

func TestAppendAndProve(t *testing.T) {
	l := openTest(t, t.TempDir())
	trust, err := audit.TrustLog(l.VKey(), origin)
	if err != nil {
		t.Fatal(err)
	}
	for want := range uint64(5) {
		_, b, n := appendOne(t, l)
		if n != want {
			t.Fatalf("index %d, want %d", n, want)
		}
		proof, err := l.ReceiptProof(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		at, c, err := trust.VerifyProof(b, proof)
		if err != nil || at != n {
			t.Fatalf("proof of %d: %d, %v", n, at, err)
		}
		if age := time.Since(c.Signed()); age < 0 || age > time.Minute {
			t.Errorf("signed %v ago", age)
		}
	}
	if info, err := os.Stat(filepath.Join(filepath.Dir(l.src.dir), keyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", info.Mode(), err)
	}
}

func TestAppendOnce(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir)
	t.Run("LOG-015", func(t *testing.T) {
		id, b := leaf(t)
		var wg sync.WaitGroup
		got := make([]uint64, 16)
		for i := range got {
			wg.Go(func() {
				n, err := l.Append(t.Context(), id, b)
				if err != nil {
					t.Error(err)
				}
				got[i] = n
			})
		}
		wg.Wait()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = openTest(t, dir)
		again, err := l.Append(t.Context(), id, b)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range append(got, again) {
			if n != 0 {
				t.Fatalf("the entry got the indices %v and %d", got, again)
			}
		}
		if c, err := l.Checkpoint(t.Context()); err != nil || c.Size() != 1 {
			t.Fatalf("log of %d entries, %v", c.Size(), err)
		}
		other, err := audit.Encode(audit.NewConfig(audit.ID(id), testHour, nil))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(t.Context(), id, other); !errors.Is(err, ErrConflict) {
			t.Fatalf("another leaf with this id: %v", err)
		}
	})
}

func TestAppendRefuses(t *testing.T) {
	l := openTest(t, t.TempDir())
	id, b := leaf(t)
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	m["value"] = rand.Text()
	bad, _ := json.Marshal(m)
	if _, err := l.Append(t.Context(), id, bad); reason(err) != audit.ReasonSchema {
		t.Errorf("an entry with a value: %v", err)
	}
	if _, err := l.Append(t.Context(), string(audit.NewID()), b); reason(err) != ReasonConflict {
		t.Errorf("an entry under another id: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), id, b); reason(err) != ReasonClosed {
		t.Errorf("after Close: %v", err)
	}
}
