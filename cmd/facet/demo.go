package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

var demoCommand = command{
	name: "demo", args: "[--data DIR] [--port N] [--site URL --policy FILE …]",
	short: "start issuer, wallet, verifier and newsroom on this machine",
	long: `
Starts the whole of Facet on this machine, for trying it out: the web wallet on port N
(8080), the verifier with its log on N+1, two demo issuers on N+2, and the newspaper
Morgenblatt on N+3. Open http://news.localhost:8083 first.

  --data DIR   where everything is kept (./data). With FACET_EPHEMERAL=1 a temporary
               folder is used and removed at the end.
  --port N     the first of the four ports
  --site URL --policy FILE …
               a server of your own on this machine, such as http://localhost:3000,
               that may ask by these policies; what it needs for that is printed

The demo sets InsecureLoopback: http instead of https, for addresses of this machine
only. Pages show that in a banner, and the log has an entry for it. Ctrl-C stops it;
it can be killed at any moment and started again.`,
	run: runDemo,
}

const (
	demoPort     = 8080
	demoSweep    = 2 * time.Second // how often due things are done
	demoShutdown = 5 * time.Second // how long open answers may take to end
)

// A demoURLs is the four addresses.
type demoURLs struct{ wallet, verifier, issuer, news string }

func urlsFrom(port int) demoURLs {
	at := func(name string, n int) string { return "http://" + name + ".localhost:" + strconv.Itoa(port+n) }
	return demoURLs{wallet: at("wallet", 0), verifier: at("verifier", 1), issuer: at("issuer", 2), news: at("news", 3)}
}

func runDemo(ctx context.Context, env *environ, args []string) error {
	f := flag.NewFlagSet("demo", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	data := f.String("data", "./data", "")
	port := f.Int("port", demoPort, "")
	var site demoSite
	f.StringVar(&site.url, "site", "", "")
	f.Func("policy", "", func(file string) error { site.files = append(site.files, file); return nil })
	if err := f.Parse(args); err != nil || f.NArg() > 0 || *port < 1 || *port > 65532 {
		return errUsage
	}
	if err := site.check(); err != nil {
		return err
	}
	if os.Getenv("FACET_EPHEMERAL") == "1" {
		dir, err := os.MkdirTemp("", "facet-demo-*")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		*data = dir
	}
	listeners, err := listen(*port, 4)
	if err != nil {
		return err
	}
	d, err := openDemo(ctx, &demo{data: *data, urls: urlsFrom(*port), site: site})
	if err != nil {
		for _, l := range listeners {
			l.Close()
		}
		return err
	}
	return errors.Join(d.serve(ctx, env, listeners), d.close())
}

// listen takes n ports from first on, on this machine only.
func listen(first, n int) ([]net.Listener, error) {
	var out []net.Listener
	for port := first; port < first+n; port++ {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			for _, l := range out {
				l.Close()
			}
			return nil, fmt.Errorf("port %d is taken by another program (is a demo running already?); stop that one, or choose others with --port: %w", port, err)
		}
		out = append(out, l)
	}
	return out, nil
}

// serve answers until ctx ends or a server fails.
func (d *demo) serve(ctx context.Context, env *environ, listeners []net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	handlers := []http.Handler{d.wallet, d.verifier, d.issuer, d.news}
	failed := make(chan error, len(handlers))
	var servers []*http.Server
	for i, h := range handlers {
		s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute,
			BaseContext: func(net.Listener) context.Context { return ctx }}
		servers = append(servers, s)
		go func() { failed <- s.Serve(listeners[i]) }()
	}
	var beside sync.WaitGroup
	beside.Go(func() { d.sweep(ctx, env) })
	beside.Go(func() { d.deliver(ctx, env) })
	d.announce(env)
	var err error
	select {
	case <-ctx.Done():
		fmt.Fprintln(env.stdout, "\nStopping …")
	case err = <-failed:
	}
	cancel() // ends event streams too
	beside.Wait()
	stop, done := context.WithTimeout(context.Background(), demoShutdown)
	defer done()
	for _, s := range servers {
		if s.Shutdown(stop) != nil {
			s.Close()
		}
	}
	return err
}

// sweep does what time leaves to do, in verifier and issuer.
func (d *demo) sweep(ctx context.Context, env *environ) {
	tick := time.NewTicker(demoSweep)
	defer tick.Stop()
	for {
		for name, act := range map[string]func(context.Context) error{"verifier": d.engine.Sweep, "issuer": d.sweepIssuer} {
			if err := act(ctx); err != nil && ctx.Err() == nil {
				fmt.Fprintf(env.stderr, "facet demo: %s: %v\n", name, err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (d *demo) announce(env *environ) {
	bold, plain := "", ""
	if env.colour {
		bold, plain = "\x1b[1m", "\x1b[0m"
	}
	where := d.data
	if rel, err := filepath.Rel(".", d.data); err == nil && !strings.HasPrefix(rel, "..") {
		where = "./" + rel
	}
	fmt.Fprintf(env.stdout, `Facet is running on this machine. Start at the newspaper.

  %[1]s%[3]s%[2]s       Morgenblatt, a newspaper that adapts to what you show
  %[1]s%[4]s%[2]s     Facet, the wallet only you can open
  %[1]s%[5]s%[2]s   the verifier; the auditor's console is at /audit
  %[1]s%[6]s%[2]s     two issuers: a proof of age and a subscription

Data is in %[7]s. InsecureLoopback is set: http, for addresses of this machine only.
Check the log yourself: facet audit verify %[5]s
Ctrl-C stops everything.
`, bold, plain, d.urls.news, d.urls.wallet, d.urls.verifier, d.urls.issuer, where)
	d.site.announce(env, d)
}
