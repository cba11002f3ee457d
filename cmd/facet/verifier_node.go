package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"facet/credentials"
	"facet/credentials/openid4vp"
	"facet/fetch"
	"facet/store"
	"facet/verifier"
	"facet/verifier/auditlog"
	"facet/verifier/server"
	"facet/web"
)

// sweepEvery is how often the verifier looks for what is due.
const sweepEvery = 2 * time.Second

// webhookTimeout is how long a platform's server may take (Standard Webhooks
// recommends 15 to 30 s).
const webhookTimeout = 20 * time.Second

// readyTimeout is how long /ready waits for store and log.
const readyTimeout = 3 * time.Second

// A verifierSetup says what one verifier process is made of.
type verifierSetup struct {
	dir              string // locked: store, keys and log are below it; or
	database         string // postgres://…
	baseURL          string
	origin           string // of the log
	logURL, logKey   string // of `facet log serve`; empty: the log is in dir
	trust            *credentials.TrustList
	lists            trustLists
	platforms        []platformSetup
	source           source
	keys             []server.APIKey
	limits           server.Limits
	each             map[string]server.Limits // of single platforms
	proxies          []netip.Prefix
	tls              *certFile // nil: TLS is in front
	logger           *slog.Logger
	insecureLoopback bool
	now              func() time.Time // time.Now; tests have clocks that are off
}

// A platformSetup is a platform and the file its identity came from.
type platformSetup struct {
	verifier.Platform
	file  string
	stamp fileStamp
	ends  time.Time // of its certificate; zero for a DID

	trust      *credentials.TrustList
	registered []registrationFile
}

// A verifierNode is a running verifier: its engine, its log and their handler.
// Run its worker, and Close it.
type verifierNode struct {
	setup       verifierSetup
	engine      *verifier.Verifier
	store, keys store.Store
	log         *nodeLog
	fetch       fetch.Fetcher
	server      *server.Server
	admin       http.Handler // figures, health and readiness, for operators
	metrics     *server.Metrics
	logger      *slog.Logger
	now         func() time.Time
	checks      []func(context.Context) error // what must answer for the node to be ready
	close       []func() error                // in the order they were opened
	clockErr    atomic.Pointer[error]         // set while the clock is too far from the store's
}

// openVerifier opens everything the setup names. Event streams end with ctx.
func openVerifier(ctx context.Context, s verifierSetup) (*verifierNode, error) {
	if s.now == nil {
		s.now = time.Now
	}
	n := &verifierNode{setup: s, now: s.now, logger: s.logger, metrics: server.NewMetrics()}
	if err := n.open(ctx); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *verifierNode) open(ctx context.Context) error {
	s := n.setup
	if err := n.openStores(ctx); err != nil {
		return err
	}
	if err := n.openLog(ctx); err != nil {
		return err
	}
	n.fetch = outside(s)
	dids, err := didResolver(n.fetch, s.insecureLoopback)
	if err != nil {
		return err
	}
	c := verifier.Config{
		Store: n.store, Keys: n.keys, Log: n.log, Trust: s.trust, Now: s.now, BaseURL: s.baseURL,
		LogInfo:          openid4vp.LogInfo{Origin: n.log.origin, Key: n.log.vkey, URL: s.baseURL + auditlog.Prefix},
		Count:            n.metrics.Presentation,
		Fetch:            fetch.New(fetch.Config{Timeout: webhookTimeout, InsecureLoopback: s.insecureLoopback}),
		DIDs:             dids,
		CountWebhook:     n.metrics.Webhook,
		InsecureLoopback: s.insecureLoopback,
	}
	if s.database == "" {
		c.Node = "the only one" // its folder is locked, so a restart need not wait for its own lease
	}
	if c.Platforms, err = n.platforms(s); err != nil {
		return err
	}
	if n.engine, err = verifier.New(ctx, c); err != nil {
		return err
	}
	n.metrics.Watch(n.engine.Duties)
	n.admin = n.serveAdmin()
	n.server, err = n.serve(ctx)
	return err
}

// serveAdmin answers what operators ask. It belongs on an address the public
// cannot reach.
func (n *verifierNode) serveAdmin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", n.metrics.Handler())
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		if err := n.ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func (n *verifierNode) serve(ctx context.Context) (*server.Server, error) {
	ui, err := web.Built()
	if errors.Is(err, web.ErrNotBuilt) {
		n.logger.Warn("the web UI is not in this binary: the auditor's console and the page elements are missing")
	} else if err != nil {
		return nil, err
	}
	console, err := server.NewConsole(server.ConsoleConfig{Source: n.log.source, Origin: n.log.origin, VKey: n.log.vkey}, ui)
	if err != nil {
		return nil, err
	}
	who := n.setup.callers()
	return server.New(server.Config{
		Engine: n.engine, Log: n.log.handler, Console: console, UI: ui,
		APIKeys: who.APIKeys, Limits: who.Limits, Each: who.Each, Trusted: who.TrustedProxies,
		Logger: n.logger, Metrics: n.metrics, Now: n.now, Ready: n.ready, Stopping: ctx.Done(),
	})
}

// ready asks store and log whether they answer.
func (n *verifierNode) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	for _, check := range n.checks {
		if err := check(ctx); err != nil {
			return err
		}
	}
	return nil
}

// work does what nobody asks for until ctx ends: it sweeps, and sends webhooks
// beside that. Errors are logged: the next turn tries again.
func (n *verifierNode) work(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	var beside sync.WaitGroup
	swept := make(chan time.Time, 1)
	beside.Go(func() {
		n.engine.Deliver(ctx, swept, func(err error) { n.logger.Error("webhooks", "error", err) })
	})
	beside.Go(func() { n.compare(ctx) })
	defer beside.Wait()
	_ = n.ready() // compares clocks; who is not ready says so when asked
	for {
		if err := n.clockErr.Load(); err == nil {
			n.sweep(ctx)
		} else { // it would end other nodes' requests at its own time
			n.logger.Error("not sweeping", "error", *err)
			n.resign(ctx)
		}
		select {
		case swept <- time.Now():
		default: // it is still at the last one
		}
		select {
		case <-ctx.Done():
			n.resign(context.WithoutCancel(ctx))
			return
		case <-tick.C:
		}
	}
}

func (n *verifierNode) sweep(ctx context.Context) {
	start := time.Now()
	if err := n.engine.Sweep(ctx); err != nil && ctx.Err() == nil {
		n.logger.Error("sweep", "error", err)
	}
	n.metrics.Sweep(time.Since(start))
}

// resign lets another node sweep without waiting for the end of the lease.
func (n *verifierNode) resign(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := n.engine.Resign(ctx); err != nil {
		n.logger.Warn("resign", "error", err)
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
