package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"facet/credentials"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/credentials/statuslist"
	demoissuer "facet/examples/issuer"
	"facet/examples/newsroom"
	"facet/fetch"
	"facet/schemas"
	"facet/store/bolt"
	"facet/store/keyfile"
	"facet/verifier"
	"facet/verifier/auditlog"
	verifierserver "facet/verifier/server"
	walletserver "facet/wallet/server"
	"facet/web"
)

// A demo is everything `facet demo` runs.
type demo struct {
	data                           string
	urls                           demoURLs
	ids                            map[string]demoIdentity
	trust                          json.RawMessage
	list                           *credentials.TrustList
	log                            *auditlog.Log
	engine                         *verifier.Verifier
	sweepIssuer                    func(context.Context) error
	assets                         *web.Bundle
	logger                         *slog.Logger
	wallet, verifier, issuer, news http.Handler
	closers                        []func() error
}

// openDemo opens the data folders and builds the four services on them.
func openDemo(ctx context.Context, env *environ, data string, urls demoURLs) (_ *demo, err error) {
	d := &demo{data: data, urls: urls}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.assets, err = web.Built(); err != nil {
		return nil, err
	}
	for _, open := range []func(context.Context) error{d.openJournal, d.openTrust, d.openLog, d.openVerifier, d.openWallet, d.openIssuer, d.openNews} {
		if err := open(ctx); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// close ends what was opened, last first.
func (d *demo) close() error {
	var errs []error
	for i := len(d.closers) - 1; i >= 0; i-- {
		errs = append(errs, d.closers[i]())
	}
	d.closers = nil
	return errors.Join(errs...)
}

// folder locks one service's data folder and opens its store.
func (d *demo) folder(kind string) (*bolt.Dir, *bolt.DB, error) {
	dir, err := bolt.DataDir(filepath.Join(d.data, kind), kind)
	if err != nil {
		return nil, nil, err
	}
	d.closers = append(d.closers, dir.Close)
	db, err := bolt.Open(dir.Path("store.db"))
	if err != nil {
		return nil, nil, err
	}
	d.closers = append(d.closers, db.Close)
	return dir, db, nil
}

// openJournal opens the operator's log: what the servers write down about
// routes, durations and refusals, without personal data.
func (d *demo) openJournal(context.Context) error {
	if err := os.MkdirAll(d.data, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(d.data, "demo.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	d.closers = append(d.closers, f.Close)
	d.logger = slog.New(slog.NewJSONHandler(f, nil))
	return nil
}

func (d *demo) openTrust(context.Context) (err error) {
	if d.ids, err = demoPKI(filepath.Join(d.data, "pki"), time.Now()); err != nil {
		return err
	}
	if d.trust, err = demoTrust(filepath.Join(d.data, "pki"), d.urls.issuer, d.ids, time.Now()); err != nil {
		return err
	}
	d.list, err = credentials.ParseTrustList(d.trust)
	return err
}

func (d *demo) openLog(ctx context.Context) error {
	dir, err := bolt.DataDir(filepath.Join(d.data, "log"), "log")
	if err != nil {
		return err
	}
	d.closers = append(d.closers, dir.Close)
	d.log, err = auditlog.Open(ctx, auditlog.Config{Dir: dir.Path("tree"), Origin: "verifier.localhost/log"})
	if err != nil {
		return err
	}
	d.closers = append(d.closers, d.log.Close)
	return nil
}

func (d *demo) openVerifier(ctx context.Context) error {
	dir, db, err := d.folder("verifier")
	if err != nil {
		return err
	}
	keys, err := keyfile.Open(keyfile.Config{Path: dir.Path("keys")})
	if err != nil {
		return err
	}
	d.closers = append(d.closers, keys.Close)
	status, err := statuslist.NewChecker(statuslist.Config{
		Fetch: fetch.New(fetch.Config{InsecureLoopback: true}), Keys: d.list, Leeway: verifier.Skew,
	})
	if err != nil {
		return err
	}
	policies, err := newsroom.Policies()
	if err != nil {
		return err
	}
	paper := d.ids["morgenblatt"]
	signer, err := jose.PrivateKeyFromCrypto(paper.key)
	if err != nil {
		return err
	}
	d.engine, err = verifier.New(ctx, verifier.Config{
		Store: db, Keys: keys, Log: d.log, Trust: d.list, Status: status, Now: time.Now, BaseURL: d.urls.verifier, Node: "demo",
		LogInfo: openid4vp.LogInfo{Origin: d.log.Origin(), Key: d.log.VKey(), URL: d.urls.verifier + auditlog.Prefix},
		Platforms: []verifier.Platform{{
			ID: "morgenblatt", Name: "Morgenblatt", Signer: signer, X5C: paper.x5c, Policies: policies,
			ReturnURIs: []string{newsroom.ReturnURI(d.urls.news)},
			Wallets:    []verifier.Wallet{{Name: "Facet", URL: d.urls.wallet}},
		}},
		InsecureLoopback: true,
	})
	if err != nil {
		return err
	}
	key, err := d.apiKey()
	if err != nil {
		return err
	}
	console, err := verifierserver.NewConsole(verifierserver.ConsoleConfig{
		Source: d.log.Source(), Origin: d.log.Origin(), VKey: d.log.VKey(), Now: time.Now,
	}, d.assets)
	if err != nil {
		return err
	}
	d.verifier, err = verifierserver.New(verifierserver.Config{
		Engine: d.engine, Log: d.log.Handler(), Console: console, UI: d.assets, Logger: d.logger.With("service", "verifier"),
		Now: time.Now, Stopping: ctx.Done(),
		APIKeys: []verifierserver.APIKey{{Platform: "morgenblatt", SHA256: verifierserver.HashKey(key)}},
	})
	return err
}

// apiKey is the newsroom's key to the platform API, made at the first start.
func (d *demo) apiKey() (string, error) {
	path := filepath.Join(d.data, "pki", "newsroom.apikey")
	b, err := os.ReadFile(path)
	if err == nil {
		return string(b), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	var raw [32]byte
	rand.Read(raw[:]) // never fails (crypto/rand)
	key := base64.RawURLEncoding.EncodeToString(raw[:])
	return key, bolt.WriteFile(path, []byte(key))
}

func (d *demo) openWallet(context.Context) error {
	_, db, err := d.folder("wallet")
	if err != nil {
		return err
	}
	logs, err := json.Marshal([]openid4vp.LogInfo{{Origin: d.log.Origin(), Key: d.log.VKey(), URL: d.urls.verifier + auditlog.Prefix}})
	if err != nil {
		return err
	}
	d.wallet, err = walletserver.New(walletserver.Config{
		URL: d.urls.wallet, Store: db, Assets: d.assets, Trust: d.trust, Logs: logs, Now: time.Now,
		Log: d.logger.With("service", "wallet"), InsecureLoopback: true,
	})
	return err
}

func (d *demo) openIssuer(context.Context) error {
	dir, office, err := d.folder("issuer")
	if err != nil {
		return err
	}
	publisher, err := bolt.Open(dir.Path("abo.db"))
	if err != nil {
		return err
	}
	d.closers = append(d.closers, publisher.Close)
	town, abo := d.ids["buergeramt"], d.ids["morgenblatt-abo"]
	townKey, err := jose.PrivateKeyFromCrypto(town.key)
	if err != nil {
		return err
	}
	aboKey, err := jose.PrivateKeyFromCrypto(abo.key)
	if err != nil {
		return err
	}
	site, err := demoissuer.New(demoissuer.Config{
		URL: d.urls.issuer, WalletURL: d.urls.wallet, Now: time.Now,
		Issuers: []demoissuer.Authority{
			{ID: "age", Store: office, Name: "Bürgeramt Lindenstadt", VCT: schemas.Age, Signer: townKey, X5C: town.x5c},
			{ID: "abo", Store: publisher, Name: "Morgenblatt", VCT: schemas.MediaMembership, Signer: aboKey, X5C: abo.x5c},
		},
	})
	if err != nil {
		return err
	}
	d.issuer, d.sweepIssuer = site, site.Sweep
	return nil
}

func (d *demo) openNews(context.Context) error {
	_, db, err := d.folder("news")
	if err != nil {
		return err
	}
	key, err := d.apiKey()
	if err != nil {
		return err
	}
	elements, err := d.asset("elements.js")
	if err != nil {
		return err
	}
	d.news, err = newsroom.New(newsroom.Config{
		URL: d.urls.news, VerifierURL: d.urls.verifier, APIKey: key, Store: db, ElementsJS: elements, Now: time.Now,
	})
	return err
}

// asset is one built file, by its lasting name.
func (d *demo) asset(name string) ([]byte, error) {
	a, ok := d.assets.Asset(name)
	if !ok {
		return nil, fmt.Errorf("the web UI in this binary has no %s: run `make web`, then build again", name)
	}
	return fs.ReadFile(d.assets.Files, a.Path)
}
