package vault

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// After Lock nothing alive holds the vault's key: once the memory that hashing
// left behind has been used again, the key is nowhere in the process. That is
// as far as Go goes without runtime/secret; what the operating system swapped
// out, and keys derived from this one in ciphers not yet collected, the test
// does not see. In a browser, ending the worker gives all its memory back.
func TestLockForgetsTheKey(t *testing.T) {
	t.Run("VLT-024", func(t *testing.T) {
		v, _ := fresh(t)
		s := sealed(t, v)
		reopened := must(Open(s, passkey(1), HighWater{}))(t)
		sum := sha256.Sum256(v.keys.secret) // a hash to look for, not a copy
		if hits := scan(t, sum); hits == 0 {
			t.Fatal("the scan does not find the key of an open vault")
		}
		v.Lock()
		reopened.Lock()
		kept := reuse()
		if hits := scan(t, sum); hits != 0 {
			t.Fatalf("the key is in memory %d times after locking", hits)
		}
		runtime.KeepAlive(kept)
	})
}

// reuse fills freed memory of every size with zeros, as further work would.
func reuse() (kept [][]byte) {
	for range 2 {
		runtime.GC()
	}
	for size := 16; size <= 8<<10; size += size/4/16*16 + 16 {
		for range (8 << 20) / size {
			kept = append(kept, make([]byte, size))
		}
	}
	return kept
}

// scan counts 32-byte windows, at multiples of 8, with this hash. Hashing every
// window would take minutes: windows poor in different bytes are no keys.
func scan(t *testing.T, sum [32]byte) (hits int) {
	t.Helper()
	maps, err := os.Open("/proc/self/maps")
	check(t, err)
	defer maps.Close()
	mem, err := os.Open("/proc/self/mem")
	check(t, err)
	defer mem.Close()
	page := make([]byte, 1<<16)
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		span, mode, _ := strings.Cut(lines.Text(), " ")
		if !strings.HasPrefix(mode, "rw") {
			continue
		}
		var from, to int64
		_, err := fmt.Sscanf(span, "%x-%x", &from, &to)
		check(t, err)
		for at := from; at < to; at += int64(len(page)) {
			n, err := mem.ReadAt(page[:min(int64(len(page)), to-at)], at)
			if err != nil {
				continue // not readable
			}
			for o := 0; o+keySize <= n; o += 8 {
				if w := page[o : o+keySize]; varied(w) && sha256.Sum256(w) == sum {
					hits++
				}
			}
		}
	}
	clear(page)
	return hits
}

// varied reports whether a window could be a random key: one has 18 or more
// different bytes but for odds of about 2^-40.
func varied(w []byte) bool {
	if bytes.Count(w, []byte{0}) > 6 {
		return false
	}
	var seen [256]bool
	n := 0
	for _, b := range w {
		if !seen[b] {
			seen[b] = true
			n++
		}
	}
	return n >= 18
}
