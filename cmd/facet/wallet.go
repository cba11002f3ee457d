package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"facet/credentials"
	"facet/fetch"
	"facet/wallet"
	"facet/wallet/vault"
)

var walletCommand = command{
	name:  "wallet",
	args:  "serve | accept OFFER | present REQUEST | list | history | withdraw ID | receipt verify FILE | export FILE | import FILE | agent",
	short: "hold credentials here, or host the web wallet",
	long: `
facet wallet keeps a wallet in one sealed file, with the engine the web wallet runs.

  accept OFFER          fetch what an issuer offers (a link, quoted)
  present REQUEST       look at a site's request and answer it
  present --origin PAGE [FILE]
                        the same for a request that a page would hand to the
                        browser's Digital Credentials API: read it as JSON from
                        FILE or the standard input, print the answer as JSON.
                        PAGE is the page's origin, such as https://news.example
  list                  what is held
  history               what was shown to whom: kinds, never values
  withdraw ID           take an answer back
  receipt check ID      fetch the receipt of an answer and check it
  receipt verify FILE   check a receipt that somebody gives you, offline
  export FILE           write the sealed wallet to another file
  import FILE           take over a sealed wallet
  agent                 a test wallet that answers by a script, for development only
  serve                 host the web wallet for others; facet help wallet serve

  --wallet ./data/my.vault  the sealed file; made by the first accept
  --trust FILE              the trust list (JSON): who may issue, who may ask
  --tx-code CODE            accept: the code the issuer sent another way
  --choose KEY,KEY          present: which optional answers to give
  --yes                     do not ask before storing or sending; needed when
                            the request comes from the standard input
  --key VKEY --origin NAME  receipt verify: the log's key and name
  --insecure-loopback       allow http addresses of this machine: for trying out only

FACET_WALLET_CODE holds the recovery code, which opens the file; otherwise it is asked for.`,
	run: runWallet,
}

type verb func(ctx context.Context, env *environ, args []string) error

// walletVerbs are the words after "facet wallet".
var walletVerbs = map[string]verb{
	"serve": func(ctx context.Context, env *environ, args []string) error {
		return walletServeCommand.run(ctx, env, append([]string{"serve"}, args...))
	},
	"accept":   withWallet((*ownWallet).accept),
	"present":  withWallet((*ownWallet).present),
	"list":     withWallet((*ownWallet).list),
	"history":  withWallet((*ownWallet).history),
	"withdraw": withWallet((*ownWallet).withdraw),
	"receipt":  runReceipt,
	"export":   withWallet((*ownWallet).export),
	"import":   runImport,
	"agent":    runAgent,
}

func runWallet(ctx context.Context, env *environ, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: say what to do", errUsage)
	}
	run, ok := walletVerbs[args[0]]
	if !ok {
		return fmt.Errorf("%w: there is no %q", errUsage, args[0])
	}
	return run(ctx, env, args[1:])
}

// walletFlags are the flags all verbs share.
type walletFlags struct {
	file, trust, txCode, choose string
	key, origin                 string
	yes, insecureLoopback       bool
	args                        []string
}

func parseWalletFlags(args []string) (*walletFlags, error) {
	w := &walletFlags{}
	f := flag.NewFlagSet("wallet", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&w.file, "wallet", filepath.Join("data", "my.vault"), "")
	f.StringVar(&w.trust, "trust", "", "")
	f.StringVar(&w.txCode, "tx-code", "", "")
	f.StringVar(&w.choose, "choose", "", "")
	f.StringVar(&w.key, "key", "", "")
	f.StringVar(&w.origin, "origin", "", "")
	f.BoolVar(&w.yes, "yes", false, "")
	f.BoolVar(&w.insecureLoopback, "insecure-loopback", false, "")
	for len(args) > 0 {
		if err := f.Parse(args); err != nil {
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		if args = f.Args(); len(args) > 0 {
			w.args, args = append(w.args, args[0]), args[1:]
		}
	}
	return w, nil
}

// choices are the optional answers named on the command line.
func (w *walletFlags) choices() []string {
	return strings.FieldsFunc(w.choose, func(r rune) bool { return r == ',' })
}

// An ownWallet is the opened wallet of whoever runs the command.
type ownWallet struct {
	*walletFlags
	env    *environ
	stdin  *bufio.Reader
	engine *wallet.Wallet
	vault  *vault.Vault
}

func newOwnWallet(f *walletFlags, env *environ) *ownWallet {
	return &ownWallet{walletFlags: f, env: env, stdin: bufio.NewReader(env.stdin)}
}

// withWallet opens the wallet for one verb.
func withWallet(do func(*ownWallet, context.Context) error) verb {
	return func(ctx context.Context, env *environ, args []string) error {
		flags, err := parseWalletFlags(args)
		if err != nil {
			return err
		}
		w := newOwnWallet(flags, env)
		if err := w.open(); err != nil {
			return reasoned(err)
		}
		if err := do(w, ctx); err != nil {
			return reasoned(err)
		}
		return nil
	}
}

func (w *ownWallet) open() error {
	sealed, err := os.ReadFile(w.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = w.create()
	case err == nil:
		err = w.unseal(sealed)
	}
	if err != nil {
		return err
	}
	trust := []byte(`{"version":1,"name":"nobody","issuers":[],"verifiers":[]}`)
	if w.trust != "" {
		if trust, err = os.ReadFile(w.trust); err != nil {
			return err
		}
	}
	w.engine, err = newEngine(w.vault, trust, w.insecureLoopback, func(context.Context) error { return w.save() })
	return err
}

// newEngine makes a wallet over an open vault.
func newEngine(v *vault.Vault, trust []byte, insecureLoopback bool, save func(context.Context) error) (*wallet.Wallet, error) {
	list, err := credentials.ParseTrustList(trust)
	if err != nil {
		return nil, err
	}
	hosts, err := wallet.ParseHosts(trust)
	if err != nil {
		return nil, err
	}
	client := fetch.New(fetch.Config{InsecureLoopback: insecureLoopback})
	dids, err := didResolver(client, insecureLoopback)
	if err != nil {
		return nil, err
	}
	return wallet.New(wallet.Config{
		Vault: v, Trust: list, Verifiers: list, Registrars: list, DIDs: dids, Hosts: hosts, Now: time.Now, Location: time.Local,
		Fetch: client, InsecureLoopback: insecureLoopback, Save: save,
	})
}

// create makes a wallet that opens with a recovery code and nothing else: the
// passkey a vault is made for is thrown away here.
func (w *ownWallet) create() error {
	prf, id := make([]byte, vault.PRFSize), make([]byte, 32)
	rand.Read(prf)
	rand.Read(id)
	v, code, err := vault.Create(vault.Passkey{CredentialID: id, PRF: prf})
	if err != nil {
		return err
	}
	fmt.Fprintf(w.env.stderr, "A new wallet: %s\nIts recovery code is shown once. Only it opens the file:\n\n  %s\n\n", w.file, code)
	w.vault = v
	return w.save()
}

func (w *ownWallet) unseal(sealed []byte) error {
	typed := os.Getenv("FACET_WALLET_CODE")
	if typed == "" {
		fmt.Fprint(w.env.stderr, "Recovery code: ")
		var err error
		if typed, err = w.stdin.ReadString('\n'); err != nil && typed == "" {
			return fmt.Errorf("read the recovery code: %w", err)
		}
	}
	code, err := vault.ParseCode(strings.TrimSpace(typed))
	if err != nil {
		return err
	}
	var seen vault.HighWater
	if text, err := os.ReadFile(w.file + ".seen"); err == nil {
		if err := json.Unmarshal(text, &seen); err != nil {
			return fmt.Errorf("%s.seen is damaged: %w", w.file, err)
		}
	}
	w.vault, err = vault.Open(sealed, code, seen)
	return err
}

// save replaces the sealed file as a whole, then notes what was saved, so that
// an older file put in its place is noticed.
func (w *ownWallet) save() error {
	sealed, err := w.vault.Seal()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(w.file), 0o700); err != nil {
		return err
	}
	if err := replaceFile(w.file, sealed); err != nil {
		return err
	}
	w.vault.Saved()
	seen, err := json.Marshal(w.vault.Head())
	if err != nil {
		return err
	}
	return replaceFile(w.file+".seen", seen)
}

// replaceFile writes a file beside the old one and renames it over.
func replaceFile(name string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when renamed
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// confirm asks a question on the terminal; --yes answers it.
func (w *ownWallet) confirm(question string) error {
	if w.yes {
		return nil
	}
	fmt.Fprintf(w.env.stderr, "%s [y/N] ", question)
	answer, _ := w.stdin.ReadString('\n') // the end of input is a no
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return errDeclined
	}
	return nil
}

var errDeclined = errors.New("not done: you did not say yes")
