package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"facet/verifier/auditlog"
	"facet/verifier/server"
)

var logCommand = command{
	name:  "log",
	args:  "serve --dir FOLDER --origin NAME [--addr HOST:PORT]",
	short: "write one presentation log for several verifiers",
	long: `
facet log serve owns the folder of a presentation log: verifiers append to it over HTTP,
everyone may read it at /log/. Only one process can own a folder.

  --dir FOLDER        where the log and its key are kept
  --origin NAME       the log's name, such as verifier.example/log; fixed for good
  --addr 127.0.0.1:8085
  --interval 200ms    how often a grown log is signed
  --republish 10s     how often an unchanged one is signed again

FACET_LOG_KEY holds the key that verifiers send (at least 32 bytes). Put TLS in front.`,
	run: runLog,
}

func runLog(ctx context.Context, env *environ, args []string) error {
	if len(args) == 0 || args[0] != "serve" {
		return fmt.Errorf("%w: say serve", errUsage)
	}
	var cfg auditlog.Config
	f := flag.NewFlagSet("log serve", flag.ContinueOnError)
	f.SetOutput(new(strings.Builder))
	addr := f.String("addr", "127.0.0.1:8085", "")
	f.StringVar(&cfg.Dir, "dir", "", "")
	f.StringVar(&cfg.Origin, "origin", "", "")
	f.DurationVar(&cfg.Interval, "interval", auditlog.DefaultInterval, "")
	f.DurationVar(&cfg.Republish, "republish", auditlog.DefaultRepublish, "")
	if err := f.Parse(args[1:]); err != nil || f.NArg() > 0 || cfg.Dir == "" || cfg.Origin == "" {
		return fmt.Errorf("%w: serve needs --dir and --origin", errUsage)
	}
	l, err := auditlog.Open(ctx, cfg)
	if err != nil {
		return reasoned(err)
	}
	w, err := auditlog.NewWriter(l, os.Getenv("FACET_LOG_KEY"))
	if err != nil {
		return errors.Join(fmt.Errorf("FACET_LOG_KEY: %w", err), l.Close())
	}
	fmt.Fprintf(env.stdout, "log    %s\nkey    %s\n", l.Origin(), l.VKey())
	return errors.Join(serveUntil(ctx, env, *addr, w.Handler()), l.Close())
}

// serveUntil serves until ctx ends, then lets running calls finish.
func serveUntil(ctx context.Context, env *environ, addr string, h http.Handler) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return serveOn(ctx, env, listener, h)
}

// serveOn is serveUntil on a listener, which it closes.
func serveOn(ctx context.Context, env *environ, listener net.Listener, h http.Handler) error {
	s := server.HTTP(h)
	fmt.Fprintf(env.stdout, "ready  http://%s\n", listener.Addr())
	done := make(chan error, 1)
	go func() { done <- s.Serve(listener) }() // ends with Shutdown below, or by itself
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return s.Shutdown(ctx)
}
