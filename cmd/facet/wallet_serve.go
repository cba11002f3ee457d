package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"facet/store/bolt"
	"facet/wallet/server"
	"facet/web"
)

var walletServeCommand = command{
	name:  "wallet",
	args:  "serve --url ORIGIN --trust FILE [--dir FOLDER] [--addr HOST:PORT]",
	short: "host the web wallet",
	long: `
facet wallet serve hosts the web wallet's pages, sign-in by passkey and sealed vaults. It
stores ciphertext: it has no key to any vault.

  --url ORIGIN        where browsers reach it, such as https://wallet.example. Its host
                      name becomes the passkeys' name and can never change; no other
                      service may answer under it.
  --trust FILE        the trust list (JSON) wallets are given
  --logs FILE         known presentation logs (JSON) wallets are given
  --dir ./data/wallet where accounts and sealed vaults are kept
  --addr 127.0.0.1:8080
  --insecure-loopback let wallets call http addresses of this machine: for trying out only

Put TLS in front, on the same machine, with X-Forwarded-For (sign-ins are limited by
address), and nothing that adds scripts to pages.`,
	run: runWalletServe,
}

// A walletHost is the flags of facet wallet serve.
type walletHost struct {
	url, trust, logs, dir, addr string
	insecureLoopback            bool
}

// runWalletServe takes what follows "facet wallet", the word serve first.
func runWalletServe(ctx context.Context, env *environ, args []string) error {
	if len(args) == 0 || args[0] != "serve" {
		return fmt.Errorf("%w: say serve", errUsage)
	}
	var w walletHost
	f := flag.NewFlagSet("wallet serve", flag.ContinueOnError)
	f.SetOutput(new(strings.Builder))
	f.StringVar(&w.url, "url", "", "")
	f.StringVar(&w.trust, "trust", "", "")
	f.StringVar(&w.logs, "logs", "", "")
	f.StringVar(&w.dir, "dir", "./data/wallet", "")
	f.StringVar(&w.addr, "addr", "127.0.0.1:8080", "")
	f.BoolVar(&w.insecureLoopback, "insecure-loopback", false, "")
	if err := f.Parse(args[1:]); err != nil || f.NArg() > 0 || w.url == "" || w.trust == "" {
		return fmt.Errorf("%w: serve needs --url and --trust", errUsage)
	}
	return w.serve(ctx, env)
}

func (w walletHost) serve(ctx context.Context, env *environ) (err error) {
	config := server.Config{
		URL: w.url, InsecureLoopback: w.insecureLoopback, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(env.stderr, nil)),
	}
	if config.Assets, err = web.Built(); err != nil {
		return err
	}
	if config.Trust, err = readJSONFile(w.trust); err != nil {
		return err
	}
	if w.logs != "" {
		if config.Logs, err = readJSONFile(w.logs); err != nil {
			return err
		}
	}
	dir, err := bolt.DataDir(w.dir, "wallet")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	db, err := bolt.Open(dir.Path("wallet.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	config.Store = db
	handler, err := server.New(config)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "wallet %s\n", w.url)
	return serveUntil(ctx, env, w.addr, handler)
}

func readJSONFile(name string) (json.RawMessage, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if !json.Valid(raw) {
		return nil, fmt.Errorf("%s is not JSON", name)
	}
	return raw, nil
}
