package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"facet/store"
	"facet/store/keyfile"
	"facet/store/postgres"
	"facet/store/storetest"
)

// rateWorks count whole exchanges a second, the verifier's side, on each store
// that keeps what it acknowledges. There is no budget: the machine decides.
func rateWorks() ([]work, error) {
	return []work{
		{name: "whole exchanges a second, bbolt", check: func() (string, bool) { return rate(onBolt) }},
		{name: "whole exchanges a second, PostgreSQL", check: func() (string, bool) { return rate(onPostgres) }},
	}, nil
}

func rate(on func(dir string, f func(s, keys store.Store) error) error) (string, bool) {
	dir, err := os.MkdirTemp("", "facet-bench-*")
	if err != nil {
		return err.Error(), false
	}
	defer os.RemoveAll(dir)
	var all rounds
	err = on(dir, func(s, keys store.Store) (err error) {
		all, err = exchanges(dir, s, keys)
		return err
	})
	if missing := (noServer)(""); errors.As(err, &missing) {
		return "left out: " + string(missing), true
	}
	if err != nil {
		return err.Error(), false
	}
	return fmt.Sprintf("%.0f/s, %d in flight", float64(len(all.took))/all.busy.Seconds(), inFlight), true
}

// onPostgres calls f with two tables of a server that is started for it on this
// machine and flushes what it commits.
func onPostgres(_ string, f func(s, keys store.Store) error) (err error) {
	h := &host{}
	defer h.end()
	url, err := h.start()
	if err != nil {
		return err
	}
	ctx := context.Background()
	db, err := postgres.Open(ctx, postgres.Config{URL: url})
	if err != nil {
		return err
	}
	keys, err := postgres.Open(ctx, postgres.Config{URL: url, Table: "facet_keys", Forget: keyfile.MaxDelay})
	if err != nil {
		return errors.Join(err, db.Close())
	}
	return errors.Join(f(db, keys), keys.Close(), db.Close())
}

// noServer says why no server could be started.
type noServer string

func (n noServer) Error() string { return string(n) }

// A host stands in for the test that storetest starts its server for. Of a
// testing.TB it has what StartPostgres calls.
type host struct {
	testing.TB
	undo []func()
}

func (h *host) Helper()                   {}
func (h *host) Name() string              { return "bench" }
func (h *host) Cleanup(f func())          { h.undo = append(h.undo, f) }
func (h *host) Fatal(args ...any)         { panic(noServer(fmt.Sprint(args...))) }
func (h *host) Fatalf(s string, a ...any) { panic(noServer(fmt.Sprintf(s, a...))) }
func (h *host) Skip(args ...any)          { panic(noServer(fmt.Sprint(args...))) }

// start returns the address of a new server, or a noServer.
func (h *host) start() (url string, err error) {
	defer func() {
		if why := recover(); why != nil {
			missing, ours := why.(noServer)
			if !ours {
				panic(why)
			}
			err = missing
		}
	}()
	return storetest.StartPostgres(h, "fsync=on").URL, nil
}

func (h *host) end() {
	for i := len(h.undo) - 1; i >= 0; i-- {
		h.undo[i]()
	}
}
