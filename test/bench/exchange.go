package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"facet/store/bolt"
	"facet/store/keyfile"
	"facet/verifier"
	"facet/verifier/auditlog"
)

// One exchange with one issued and one minted credential signs the policy
// offer and the request, and verifies issuer, holder, and holder twice more.
const (
	exchangeSigns    = 2
	exchangeVerifies = 4

	inFlight        = 64
	exchangeRounds  = 6
	exchangesARound = 4 * inFlight
)

// exchangeWorks run the verifier as it runs in earnest: bbolt, key file, real
// log, encrypted answers, 64 exchanges in flight. What the wallet does is made
// between the verifier's two halves and not measured.
func exchangeWorks() ([]work, error) {
	return []work{{name: "whole exchange, verifier's side", check: func() (string, bool) {
		ratio, p50, err := wholeExchange()
		if err != nil {
			return err.Error(), false
		}
		return fmt.Sprintf("%.2f × its %d ECDSA operations, p50 %v (≤ 3, ≤ 25ms)", ratio, exchangeSigns+exchangeVerifies, p50.Round(100*time.Microsecond)),
			ratio <= 3 && p50 <= 25*time.Millisecond
	}}}, nil
}

func wholeExchange() (ratio float64, p50 time.Duration, err error) {
	dir, err := os.MkdirTemp("", "facet-bench-*")
	if err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(dir)
	w, err := newWorld()
	if err != nil {
		return 0, 0, err
	}
	v, stop, err := w.durable(dir)
	if err != nil {
		return 0, 0, err
	}
	defer stop()
	var spent, floor time.Duration
	var took []time.Duration
	for round := range exchangeRounds + 1 {
		cost, bare, xs, err := w.round(v)
		if err != nil {
			return 0, 0, err
		}
		if round == 0 {
			continue // warms up
		}
		spent, floor = spent+cost, floor+bare
		for _, x := range xs {
			took = append(took, x.took)
		}
	}
	slices.Sort(took)
	return float64(spent) / float64(floor), took[len(took)/2], nil
}

// durable is a verifier on disk.
func (w *world) durable(dir string) (v *verifier.Verifier, stop func(), err error) {
	db, err := bolt.Open(filepath.Join(dir, "store.db"))
	if err != nil {
		return nil, nil, err
	}
	keys, err := keyfile.Open(keyfile.Config{Path: filepath.Join(dir, "keys")})
	if err != nil {
		return nil, nil, err
	}
	log, err := auditlog.Open(context.Background(), auditlog.Config{Dir: filepath.Join(dir, "log"), Origin: "bench.example/log"})
	if err != nil {
		return nil, nil, err
	}
	stop = func() {
		_ = log.Close() // the folder goes with them
		_ = keys.Close()
		_ = db.Close()
	}
	v, err = w.verifier(db, keys, log, false)
	return v, stop, err
}

// round runs exchangesARound exchanges and returns the CPU time of the
// verifier's halves and of the bare operations among them.
func (w *world) round(v *verifier.Verifier) (spent, bare time.Duration, xs []*exchange, err error) {
	ctx := context.Background()
	xs = make([]*exchange, exchangesARound)
	before := cpu()
	err = each(len(xs), func(i int) (err error) {
		start := time.Now()
		xs[i], err = begin(ctx, v, "home")
		if err == nil {
			xs[i].took = time.Since(start)
		}
		return err
	})
	spent = cpu() - before
	if err != nil {
		return 0, 0, nil, err
	}
	if err := each(len(xs), func(i int) error { return w.answer(ctx, xs[i]) }); err != nil {
		return 0, 0, nil, err
	}
	before = cpu()
	err = each(len(xs), func(i int) error {
		start := time.Now()
		err := xs[i].end(ctx, v)
		xs[i].took += time.Since(start)
		return err
	})
	spent += cpu() - before
	if err != nil {
		return 0, 0, nil, err
	}
	bare, err = bareOperations(len(xs))
	return spent, bare, xs, err
}

// bareOperations is the CPU time of the ECDSA in n exchanges.
func bareOperations(n int) (time.Duration, error) {
	floors, err := floors()
	if err != nil {
		return 0, err
	}
	before := cpu()
	for _, f := range floors {
		times := exchangeSigns
		if f.name == floorVerify {
			times = exchangeVerifies
		}
		for range times * n {
			if err := f.run(); err != nil {
				return 0, err
			}
		}
	}
	return cpu() - before, nil
}

// each calls f for every i below n, inFlight at a time, and returns one of the
// errors.
func each(n int, f func(i int) error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	failed := make(chan error, inFlight)
	for range inFlight {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := f(i); err != nil {
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
