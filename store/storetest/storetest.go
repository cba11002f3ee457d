// Package storetest holds the conformance suite every store.Store must pass,
// and Faulty, a store that fails on purpose.
//
// It does not measure speed and does not test what only one backend promises
// (locks, formats, recovery from a damaged file).
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"facet/store"
)

// Run checks that the stores made by open keep the contract. Each call of open
// must return an empty store, and close it when the test ends.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	for _, tt := range []struct {
		name string
		run  func(*testing.T, store.Store)
	}{
		{"absent key", absentKey},
		{"swap needs the current version", swapVersions},
		{"versions are never reused", versionsGrow},
		{"delete needs the current version", deleteVersions},
		{"values belong to the caller", valuesAreCopies},
		{"empty value exists", emptyValue},
		{"keys are ordered, filtered and resumable", orderedKeys},
		{"keys holds nothing across yields", writeWhileListing},
		{"one of many swaps wins", racingSwaps},
		{"a counter loses no increment", counter},
		{"limits", limits},
		{"ended context", endedContext},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, open(t)) })
	}
}

func absentKey(t *testing.T, s store.Store) {
	if _, _, err := s.Get(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get: got %v, want ErrNotFound", err)
	}
	if err := s.Delete(t.Context(), "a", 1); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Delete: got %v, want ErrNotFound", err)
	}
	if _, err := s.Swap(t.Context(), "a", 7, []byte("x")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Swap of a version that never was: got %v, want ErrConflict", err)
	}
}

func swapVersions(t *testing.T, s store.Store) {
	v1 := must(t, s, "a", 0, "one")
	if _, err := s.Swap(t.Context(), "a", 0, []byte("again")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("creating twice: got %v, want ErrConflict", err)
	}
	v2 := must(t, s, "a", v1, "two")
	if _, err := s.Swap(t.Context(), "a", v1, []byte("late")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("stale version: got %v, want ErrConflict", err)
	}
	value, v, err := s.Get(t.Context(), "a")
	if err != nil || v != v2 || string(value) != "two" {
		t.Errorf("Get: %q, version %d, %v; want two, %d", value, v, err, v2)
	}
}

func versionsGrow(t *testing.T, s store.Store) {
	var last store.Version
	for range 3 {
		v := must(t, s, "a", 0, "x")
		if v <= last {
			t.Fatalf("version %d after %d", v, last)
		}
		last = v
		if err := s.Delete(t.Context(), "a", v); err != nil {
			t.Fatal(err)
		}
	}
}

func deleteVersions(t *testing.T, s store.Store) {
	v1 := must(t, s, "a", 0, "one")
	v2 := must(t, s, "a", v1, "two")
	if err := s.Delete(t.Context(), "a", v1); !errors.Is(err, store.ErrConflict) {
		t.Errorf("stale version: got %v, want ErrConflict", err)
	}
	if err := s.Delete(t.Context(), "a", v2); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if _, _, err := s.Get(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get after Delete: got %v, want ErrNotFound", err)
	}
}

func valuesAreCopies(t *testing.T, s store.Store) {
	mine := []byte("value")
	if _, err := s.Swap(t.Context(), "a", 0, mine); err != nil {
		t.Fatal(err)
	}
	mine[0] = 'X'
	got, _, err := s.Get(t.Context(), "a")
	if err != nil || string(got) != "value" {
		t.Fatalf("the store kept the caller's slice: %q, %v", got, err)
	}
	got[0] = 'Y'
	if again, _, _ := s.Get(t.Context(), "a"); string(again) != "value" {
		t.Fatalf("the caller changed the store's slice: %q", again)
	}
}

func emptyValue(t *testing.T, s store.Store) {
	v := must(t, s, "a", 0, "")
	got, gotV, err := s.Get(t.Context(), "a")
	if err != nil || gotV != v || len(got) != 0 {
		t.Fatalf("got %q, version %d, %v", got, gotV, err)
	}
}

func orderedKeys(t *testing.T, s store.Store) {
	for _, k := range []string{"t/3", "t/1", "u", "t/2", "s", "t/10", "t"} {
		must(t, s, k, 0, k)
	}
	for _, tt := range []struct {
		prefix, after string
		want          []string
	}{
		{"", "", []string{"s", "t", "t/1", "t/10", "t/2", "t/3", "u"}},
		{"t/", "", []string{"t/1", "t/10", "t/2", "t/3"}},
		{"t/", "t/10", []string{"t/2", "t/3"}},
		{"t/", "t/15", []string{"t/2", "t/3"}},
		{"t/", "a", []string{"t/1", "t/10", "t/2", "t/3"}},
		{"t/", "z", nil},
		{"none", "", nil},
	} {
		if got := list(t, s, tt.prefix, tt.after); !slices.Equal(got, tt.want) {
			t.Errorf("Keys(%q, %q): got %q, want %q", tt.prefix, tt.after, got, tt.want)
		}
	}
}

// writeWhileListing deletes every key from inside the loop; a backend holding a
// lock or a read transaction across yields hangs or deletes too little here.
func writeWhileListing(t *testing.T, s store.Store) {
	const n = 700 // more than any backend reads at once
	for i := range n {
		must(t, s, fmt.Sprintf("k/%04d", i), 0, "x")
	}
	seen := 0
	for key, err := range s.Keys(t.Context(), "k/", "") {
		if err != nil {
			t.Fatal(err)
		}
		_, v, err := s.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), key, v); err != nil {
			t.Fatal(err)
		}
		seen++
	}
	if left := list(t, s, "k/", ""); seen != n || len(left) != 0 {
		t.Fatalf("saw %d of %d keys, %d left", seen, n, len(left))
	}
}

func racingSwaps(t *testing.T, s store.Store) {
	v := must(t, s, "a", 0, "start")
	const n = 32
	wins := make(chan int, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			_, err := s.Swap(context.Background(), "a", v, fmt.Appendf(nil, "%d", i))
			switch {
			case err == nil:
				wins <- i
			case !errors.Is(err, store.ErrConflict):
				t.Errorf("Swap: %v", err)
			}
		})
	}
	wg.Wait()
	close(wins)
	if len(wins) != 1 {
		t.Fatalf("%d of %d swaps won, want 1", len(wins), n)
	}
	winner := fmt.Sprint(<-wins)
	if got, _, err := s.Get(t.Context(), "a"); err != nil || string(got) != winner {
		t.Fatalf("stored %q, %v; the winner was %s", got, err, winner)
	}
}

func counter(t *testing.T, s store.Store) {
	must(t, s, "n", 0, "")
	const workers, each = 8, 10
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for done := 0; done < each; {
				value, v, err := s.Get(context.Background(), "n")
				if err != nil {
					t.Errorf("Get: %v", err)
					return
				}
				if _, err = s.Swap(context.Background(), "n", v, append(value, '|')); err == nil {
					done++
				} else if !errors.Is(err, store.ErrConflict) {
					t.Errorf("Swap: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	if got, _, _ := s.Get(t.Context(), "n"); len(got) != workers*each {
		t.Fatalf("counted %d, want %d", len(got), workers*each)
	}
}

func limits(t *testing.T, s store.Store) {
	long := strings.Repeat("k", store.MaxKey)
	must(t, s, long, 0, "x")
	for name, key := range map[string]string{"empty key": "", "key too long": long + "k"} {
		if _, err := s.Swap(t.Context(), key, 0, nil); !errors.Is(err, store.ErrTooLarge) {
			t.Errorf("%s: got %v, want ErrTooLarge", name, err)
		}
	}
	big := bytes.Repeat([]byte{7}, store.MaxValue+1)
	if _, err := s.Swap(t.Context(), "big", 0, big); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("value too large: got %v, want ErrTooLarge", err)
	}
}

func endedContext(t *testing.T, s store.Store) {
	v := must(t, s, "a", 0, "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Get(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: got %v", err)
	}
	if _, err := s.Swap(ctx, "a", v, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Swap: got %v", err)
	}
	if err := s.Delete(ctx, "a", v); !errors.Is(err, context.Canceled) {
		t.Errorf("Delete: got %v", err)
	}
	for _, err := range s.Keys(ctx, "", "") {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Keys: got %v", err)
		}
	}
}

func must(t *testing.T, s store.Store, key string, old store.Version, value string) store.Version {
	t.Helper()
	v, err := s.Swap(t.Context(), key, old, []byte(value))
	if err != nil {
		t.Fatalf("Swap %s: %v", key, err)
	}
	if v == 0 {
		t.Fatalf("Swap %s: version zero", key)
	}
	return v
}

func list(t *testing.T, s store.Store, prefix, after string) []string {
	t.Helper()
	var keys []string
	for key, err := range s.Keys(t.Context(), prefix, after) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}
