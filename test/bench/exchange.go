package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"facet/store"
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
	var all rounds
	err = onBolt(dir, func(s, keys store.Store) (err error) {
		all, err = exchanges(dir, s, keys)
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	slices.Sort(all.took)
	return float64(all.spent) / float64(all.bare), all.took[len(all.took)/2], nil
}

// rounds are what several rounds of exchanges came to.
type rounds struct {
	spent, bare time.Duration   // CPU of the verifier's halves, and of their bare operations
	busy        time.Duration   // how long those halves took
	took        []time.Duration // by exchange
}

// exchanges runs exchangeRounds rounds on these stores and a real log in dir.
func exchanges(dir string, s, keys store.Store) (all rounds, err error) {
	w, err := newWorld()
	if err != nil {
		return all, err
	}
	log, err := auditlog.Open(context.Background(), auditlog.Config{Dir: filepath.Join(dir, "log"), Origin: "bench.example/log"})
	if err != nil {
		return all, err
	}
	defer func() { _ = log.Close() }() // the folder goes with it
	v, err := w.verifier(s, keys, log, false)
	if err != nil {
		return all, err
	}
	for n := range exchangeRounds + 1 {
		if n == 1 {
			all = rounds{} // the first warms up
		}
		if err := w.round(v, &all); err != nil {
			return all, err
		}
	}
	return all, nil
}

// onBolt calls f with stores on disk.
func onBolt(dir string, f func(s, keys store.Store) error) error {
	db, err := bolt.Open(filepath.Join(dir, "store.db"))
	if err != nil {
		return err
	}
	keys, err := keyfile.Open(keyfile.Config{Path: filepath.Join(dir, "keys")})
	if err != nil {
		return errors.Join(err, db.Close())
	}
	return errors.Join(f(db, keys), keys.Close(), db.Close())
}

// round runs exchangesARound exchanges and adds up what the verifier's halves
// cost.
func (w *world) round(v *verifier.Verifier, all *rounds) error {
	ctx := context.Background()
	xs := make([]*exchange, exchangesARound)
	err := all.measure(len(xs), func(i int) (err error) {
		start := time.Now()
		xs[i], err = begin(ctx, v, "home")
		if err == nil {
			xs[i].took = time.Since(start)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := each(len(xs), func(i int) error { return w.answer(ctx, xs[i]) }); err != nil {
		return err
	}
	err = all.measure(len(xs), func(i int) error {
		start := time.Now()
		err := xs[i].end(ctx, v)
		xs[i].took += time.Since(start)
		return err
	})
	if err != nil {
		return err
	}
	for _, x := range xs {
		all.took = append(all.took, x.took)
	}
	bare, err := bareOperations(len(xs))
	all.bare += bare
	return err
}

// measure calls f as each does and adds what that took.
func (all *rounds) measure(n int, f func(i int) error) error {
	began, before := time.Now(), cpu()
	err := each(n, f)
	all.spent, all.busy = all.spent+cpu()-before, all.busy+time.Since(began)
	return err
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
