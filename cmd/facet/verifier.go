package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"facet/verifier/server"
)

var verifierCommand = command{
	name:  "verifier",
	args:  "serve --config FILE | key",
	short: "ask wallets for platforms, by policy, with a public log",
	long: `
facet verifier serve runs the verifier, its presentation log and the auditor's console.
The configuration is YAML or JSON; paths in it are relative to it:

  url: https://verifier.example
  store: data
  log_origin: verifier.example/log
  trust: trust.json
  platforms:
    - id: news
      name: Morgenblatt
      identity: morgenblatt.pem
      api_keys_sha256: ["…"]
      return_uris: [https://news.example/facet/back]
      policies: [home.yaml]
      wallets: [{name: Facet, url: https://wallet.example}]

store is a folder, or postgres://… for several verifiers side by side. Those share one log:
log: https://log.internal names a ` + "`facet log serve`" + `, whose key is in FACET_LOG_KEY.

identity is a PEM file (mode 0600) with the platform's private key (PKCS #8) and its
certificate chain, leaf first, without the anchor. A renewed file is picked up by itself.

More members, and what to do at night: docs/operating.md. ` + "`facet doctor --config FILE`" + `
looks at all of it without serving. insecure_loopback: true allows http addresses of
this machine, for trying out only; the log says so.

facet verifier key makes an API key and prints it with its SHA-256, once.`,
	run: runVerifier,
}

func runVerifier(ctx context.Context, env *environ, args []string) error {
	if len(args) == 1 && args[0] == "key" {
		key := rand.Text()
		sum := server.HashKey(key)
		fmt.Fprintf(env.stdout, "key     %s\nsha256  %s\n", key, hex.EncodeToString(sum[:]))
		return nil
	}
	if len(args) == 0 || args[0] != "serve" {
		return fmt.Errorf("%w: say serve or key", errUsage)
	}
	f := flag.NewFlagSet("verifier serve", flag.ContinueOnError)
	f.SetOutput(new(strings.Builder))
	file := f.String("config", "", "")
	if err := f.Parse(args[1:]); err != nil || f.NArg() > 0 || *file == "" {
		return fmt.Errorf("%w: serve needs --config", errUsage)
	}
	c, s, found := readSetup(*file, time.Now())
	if err := problems(found); err != nil {
		return fmt.Errorf("%s:\n%w", *file, err)
	}
	s.logger = slog.New(slog.NewTextHandler(env.stderr, nil))
	server.PaceGC()
	return serveVerifier(ctx, env, c, s)
}

// problems joins the findings that keep a service from starting, one a line.
func problems(found []finding) error {
	var errs []error
	for _, f := range found {
		if f.Level == levelProblem {
			errs = append(errs, fmt.Errorf("  %s: %s. %s", f.Area, f.What, f.Mend))
		}
	}
	return errors.Join(errs...)
}

func serveVerifier(ctx context.Context, env *environ, c *verifierConfig, s verifierSetup) (err error) {
	n, err := openVerifier(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if s.insecureLoopback {
		fmt.Fprintln(env.stderr, "INSECURE: http addresses of this machine are allowed (insecure_loopback).")
	}
	fmt.Fprintf(env.stdout, "verifier %s\nlog      %s\nkey      %s\n", s.baseURL, n.log.origin, n.log.vkey)
	ctx, stop := context.WithCancel(ctx)
	var worker sync.WaitGroup
	worker.Go(func() { n.work(ctx) })
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGHUP)
	defer signal.Stop(told)
	worker.Go(func() { n.watch(ctx, told) })
	var adminErr error
	if c.AdminAddr != "" {
		worker.Go(func() {
			quiet := &environ{stdout: io.Discard, stderr: env.stderr}
			if adminErr = serveUntil(ctx, quiet, c.AdminAddr, n.admin); adminErr != nil {
				stop()
			}
		})
	}
	listener, err := c.listen()
	if err == nil {
		err = serveOn(ctx, env, listener, n.server)
	}
	stop()
	worker.Wait()
	return errors.Join(err, adminErr)
}

// listen opens the public address, with TLS if it ends here.
func (c *verifierConfig) listen() (net.Listener, error) {
	listener, err := net.Listen("tcp", c.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		err = fmt.Errorf("%s is taken by another program; stop that one, or name another addr: %w", c.Addr, err)
	}
	if err != nil || c.TLS == nil {
		return listener, err
	}
	return tls.NewListener(listener, &tls.Config{GetCertificate: c.tlsFiles().get, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}), nil
}
