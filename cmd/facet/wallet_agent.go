package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"

	"facet/wallet"
	"facet/wallet/vault"
)

// An agent is a wallet without a person: it answers by a script. It exists for
// tests of verifiers and issuers, and keeps everything in memory.
type agent struct {
	flags  *walletFlags
	engine *wallet.Wallet
	mu     sync.Mutex // one question at a time
}

// runAgent starts the agent: facet wallet agent ADDR --trust FILE
// --insecure-loopback [--choose all|KEY,KEY|refuse].
func runAgent(ctx context.Context, env *environ, args []string) error {
	f, err := parseWalletFlags(args)
	if err != nil {
		return err
	}
	if !f.insecureLoopback {
		return errors.New("an agent approves without anybody looking: it runs for development only, say --insecure-loopback")
	}
	if len(f.args) != 1 || f.trust == "" {
		return fmt.Errorf("%w: agent HOST:PORT --trust FILE --insecure-loopback [--choose all|KEY,KEY|refuse]", errUsage)
	}
	if err := onlyHere(f.args[0]); err != nil {
		return err
	}
	trust, err := os.ReadFile(f.trust)
	if err != nil {
		return err
	}
	a, err := newAgent(f, trust)
	if err != nil {
		return reasoned(err)
	}
	fmt.Fprintf(env.stderr, "DEVELOPMENT ONLY: this wallet approves by itself (%s).\n", f.choose)
	return serveUntil(ctx, env, f.args[0], a.handler())
}

// onlyHere refuses an address that others could reach.
func onlyHere(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("an agent listens on this machine only, not on %q", host)
	}
	return nil
}

func newAgent(f *walletFlags, trust []byte) (*agent, error) {
	prf := make([]byte, vault.PRFSize)
	rand.Read(prf)
	v, _, err := vault.Create(vault.Passkey{CredentialID: []byte("agent"), PRF: prf})
	if err != nil {
		return nil, err
	}
	engine, err := newEngine(v, trust, true, func(context.Context) error { return nil })
	return &agent{flags: f, engine: engine}, err
}

func (a *agent) handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /authorize", a.authorize)
	m.HandleFunc("GET /receive", a.receive)
	return m
}

// authorize is an authorization endpoint: parameters in the query, an answer
// by the script, and back to where the verifier says.
func (a *agent) authorize(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next, err := a.answer(r.Context(), "/authorize?"+r.URL.RawQuery)
	switch {
	case err != nil:
		http.Error(w, wallet.ReasonOf(err)+": nothing was sent", http.StatusBadRequest)
	case next == nil:
		fmt.Fprintln(w, "answered")
	default:
		http.Redirect(w, r, *next, http.StatusSeeOther)
	}
}

func (a *agent) answer(ctx context.Context, request string) (*string, error) {
	p, err := a.engine.Ask(ctx, request)
	if err != nil {
		return nil, err
	}
	if p.Kind == wallet.KindUnverified {
		return nil, &wallet.Error{Code: p.Code}
	}
	if a.flags.choose == "refuse" {
		done, err := a.engine.Refuse(ctx, p.ID)
		return done.RedirectURI, err
	}
	var choices []string
	for _, i := range p.Optional {
		if a.flags.choose == "all" || slices.Contains(a.flags.choices(), i.Key) {
			choices = append(choices, i.Key)
		}
	}
	shown, err := a.engine.Preview(ctx, p.ID, choices)
	if err != nil {
		return nil, err
	}
	done, err := a.engine.Present(ctx, p.ID, shown.Digest, choices)
	return done.RedirectURI, err
}

// receive takes an offer; tx_code stands beside it in the query.
func (a *agent) receive(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	offer, err := a.engine.Offer(r.Context(), wallet.OfferSource{URL: "/receive?" + r.URL.RawQuery})
	if err == nil {
		_, err = a.engine.Accept(r.Context(), offer.OfferID, wallet.Acceptance{TxCode: r.URL.Query().Get("tx_code"), Confirmed: true})
	}
	if err != nil {
		http.Error(w, wallet.ReasonOf(err), http.StatusBadRequest)
		return
	}
	fmt.Fprintln(w, "received")
}
