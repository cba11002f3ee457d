package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"facet/audit"
	"facet/verifier/auditlog"
)

const (
	logEntries = 100_000
	logFillers = 512 // writers while the log is only filled
)

// logWorks append with 64 writers to a real log, and prove entries of a log of
// 100,000.
func logWorks() ([]work, error) {
	return []work{
		{name: "log: 64 writers for 3 s", check: func() (string, bool) {
			rate, p50, err := appendRate(3*time.Second, 64)
			if err != nil {
				return err.Error(), false
			}
			return fmt.Sprintf("%.0f/s, p50 %v (≥ 8000/s, ≤ 10ms)", rate, p50.Round(100*time.Microsecond)), rate >= 8000 && p50 <= 10*time.Millisecond
		}},
		{name: "log: inclusion proof, 10^5 entries", check: func() (string, bool) {
			p50, err := proofTime(logEntries)
			if err != nil {
				return err.Error(), false
			}
			return fmt.Sprintf("p50 %v (≤ 500µs)", p50.Round(time.Microsecond)), p50 <= 500*time.Microsecond
		}},
	}, nil
}

// withLog calls f with a new log in a folder that is removed afterwards.
func withLog(f func(ctx context.Context, log *auditlog.Log) error) error {
	dir, err := os.MkdirTemp("", "facet-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	log, err := auditlog.Open(ctx, auditlog.Config{Dir: filepath.Join(dir, "log"), Origin: "bench.example/log"})
	if err != nil {
		return err
	}
	return errors.Join(f(ctx, log), log.Close())
}

// appendOne appends a fresh entry and returns how long that took.
func appendOne(ctx context.Context, log *auditlog.Log) (time.Duration, error) {
	e := audit.NewConfig(audit.NewID(), now, nil)
	leaf, err := audit.Encode(e)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	_, err = log.Append(ctx, string(e.ID), leaf)
	return time.Since(start), err
}

func appendRate(d time.Duration, writers int) (rate float64, p50 time.Duration, err error) {
	var mu sync.Mutex // guards took and failed
	var took []time.Duration
	var failed error
	err = withLog(func(ctx context.Context, log *auditlog.Log) error {
		var wg sync.WaitGroup
		end := time.Now().Add(d)
		for range writers {
			wg.Go(func() {
				var own []time.Duration
				var err error
				for err == nil && time.Now().Before(end) {
					var t time.Duration
					t, err = appendOne(ctx, log)
					own = append(own, t)
				}
				mu.Lock()
				defer mu.Unlock()
				took, failed = append(took, own...), errors.Join(failed, err)
			})
		}
		wg.Wait()
		return failed
	})
	if err != nil {
		return 0, 0, err
	}
	slices.Sort(took)
	return float64(len(took)) / d.Seconds(), took[len(took)/2], nil
}

// proofTime is the median time of a proof of a random entry of a log of n.
func proofTime(n int) (p50 time.Duration, err error) {
	err = withLog(func(ctx context.Context, log *auditlog.Log) error {
		if err := fill(ctx, log, n); err != nil {
			return err
		}
		for covered := false; !covered; time.Sleep(auditlog.DefaultInterval / 4) { // by a checkpoint
			var err error
			if _, covered, err = log.Proof(ctx, uint64(n-1)); err != nil {
				return err
			}
		}
		var took []time.Duration
		for range 2000 {
			at := rand.Uint64N(uint64(n))
			start := time.Now()
			if _, _, err := log.Proof(ctx, at); err != nil {
				return err
			}
			took = append(took, time.Since(start))
		}
		slices.Sort(took)
		p50 = took[len(took)/2]
		return nil
	})
	return p50, err
}

func fill(ctx context.Context, log *auditlog.Log, n int) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	failed := make(chan error, logFillers)
	for range logFillers {
		wg.Go(func() {
			for next.Add(1) <= int64(n) {
				if _, err := appendOne(ctx, log); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	return <-failed
}
