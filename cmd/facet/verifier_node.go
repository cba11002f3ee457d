package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"facet/credentials"
	"facet/credentials/openid4vp"
	"facet/credentials/statuslist"
	"facet/fetch"
	"facet/store/bolt"
	"facet/store/keyfile"
	"facet/verifier"
	"facet/verifier/auditlog"
	"facet/verifier/server"
	"facet/web"
)

// sweepEvery is how often the verifier looks for what is due.
const sweepEvery = 2 * time.Second

// A verifierSetup says what one verifier process is made of.
type verifierSetup struct {
	dir              string // locked: store, keys and log are below it
	baseURL          string
	origin           string // of the log
	trust            *credentials.TrustList
	platforms        []verifier.Platform
	keys             []server.APIKey
	logger           *slog.Logger
	insecureLoopback bool
}

// A verifierNode is a running verifier: its engine, its log and their handler.
// Run its worker, and Close it.
type verifierNode struct {
	engine  *verifier.Verifier
	log     *auditlog.Log
	handler http.Handler
	logger  *slog.Logger
	close   []func() error // in the order they were opened
}

// openVerifier opens everything below the folder. Event streams end with ctx.
func openVerifier(ctx context.Context, s verifierSetup) (*verifierNode, error) {
	n := &verifierNode{logger: s.logger}
	if err := n.open(ctx, s); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *verifierNode) open(ctx context.Context, s verifierSetup) error {
	dir, err := bolt.DataDir(s.dir, "verifier")
	if err != nil {
		return err
	}
	n.close = append(n.close, dir.Close)
	db, err := bolt.Open(dir.Path("verifier.db"))
	if err != nil {
		return err
	}
	n.close = append(n.close, db.Close)
	keys, err := keyfile.Open(keyfile.Config{Path: dir.Path("keys")})
	if err != nil {
		return err
	}
	n.close = append(n.close, keys.Close)
	if n.log, err = auditlog.Open(ctx, auditlog.Config{Dir: dir.Path("log"), Origin: s.origin}); err != nil {
		return err
	}
	n.close = append(n.close, n.log.Close)
	status, err := statuslist.NewChecker(statuslist.Config{
		Fetch: fetch.New(fetch.Config{InsecureLoopback: s.insecureLoopback}), Keys: s.trust,
	})
	if err != nil {
		return err
	}
	n.engine, err = verifier.New(ctx, verifier.Config{
		Store: db, Keys: keys, Log: n.log, Trust: s.trust, Status: status, Now: time.Now, BaseURL: s.baseURL,
		LogInfo:   openid4vp.LogInfo{Origin: n.log.Origin(), Key: n.log.VKey(), URL: s.baseURL + auditlog.Prefix},
		Platforms: s.platforms, InsecureLoopback: s.insecureLoopback,
	})
	if err != nil {
		return err
	}
	n.handler, err = n.serve(ctx, s)
	return err
}

func (n *verifierNode) serve(ctx context.Context, s verifierSetup) (http.Handler, error) {
	ui, err := web.Built()
	if errors.Is(err, web.ErrNotBuilt) {
		n.logger.Warn("the web UI is not in this binary: the auditor's console and the page elements are missing")
	} else if err != nil {
		return nil, err
	}
	console, err := server.NewConsole(server.ConsoleConfig{Source: n.log.Source(), Origin: n.log.Origin(), VKey: n.log.VKey()}, ui)
	if err != nil {
		return nil, err
	}
	return server.New(server.Config{
		Engine: n.engine, Log: n.log.Handler(), APIKeys: s.keys, Console: console, UI: ui,
		Logger: n.logger, Now: time.Now, Stopping: ctx.Done(),
	})
}

// work sweeps until ctx ends. Errors are logged: the next turn tries again.
func (n *verifierNode) work(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := n.engine.Sweep(ctx); err != nil && ctx.Err() == nil {
			n.logger.Error("sweep", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Close closes what was opened, last first.
func (n *verifierNode) Close() error {
	var errs []error
	for i := len(n.close) - 1; i >= 0; i-- {
		errs = append(errs, n.close[i]())
	}
	n.close = nil
	return errors.Join(errs...)
}
