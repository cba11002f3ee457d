package main

import (
	"context"
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
	site                           demoSite // of whoever tries one out
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

// openDemo opens the data folders and builds the four services on them. Data,
// urls and site are set.
func openDemo(ctx context.Context, d *demo) (_ *demo, err error) {
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
	if err := d.site.open(filepath.Join(d.data, "pki"), time.Now()); err != nil {
		return err
	}
	if d.trust, err = demoTrust(filepath.Join(d.data, "pki"), d.urls.issuer, d.ids, d.site, time.Now()); err != nil {
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
	sealing, err := keyfile.Open(keyfile.Config{Path: dir.Path("keys")})
	if err != nil {
		return err
	}
	d.closers = append(d.closers, sealing.Close)
	status, err := statuslist.NewChecker(statuslist.Config{
		Fetch: fetch.New(fetch.Config{InsecureLoopback: true}), Keys: d.list, Leeway: verifier.Skew,
	})
	if err != nil {
		return err
	}
	platforms, err := d.platforms()
	if err != nil {
		return err
	}
	d.engine, err = verifier.New(ctx, verifier.Config{
		Store: db, Keys: sealing, Log: d.log, Trust: d.list, Status: status, Now: time.Now, BaseURL: d.urls.verifier, Node: "demo",
		LogInfo:   openid4vp.LogInfo{Origin: d.log.Origin(), Key: d.log.VKey(), URL: d.urls.verifier + auditlog.Prefix},
		Platforms: platforms, Fetch: fetch.New(fetch.Config{Timeout: webhookTimeout, InsecureLoopback: true}),
		InsecureLoopback: true,
	})
	if err != nil {
		return err
	}
	keys, err := d.apiKeys()
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
		APIKeys: keys,
	})
	return err
}

// platforms are the newspaper and, if there is one, the site that is tried out.
func (d *demo) platforms() ([]verifier.Platform, error) {
	policies, err := newsroom.Policies()
	if err != nil {
		return nil, err
	}
	paper := d.ids["morgenblatt"]
	signer, err := jose.PrivateKeyFromCrypto(paper.key)
	if err != nil {
		return nil, err
	}
	wallets := []verifier.Wallet{{Name: "Facet", URL: d.urls.wallet}}
	out := []verifier.Platform{{
		ID: "morgenblatt", Name: "Morgenblatt", Signer: signer, X5C: paper.x5c, Policies: policies,
		ReturnURIs: []string{newsroom.ReturnURI(d.urls.news)}, Wallets: wallets,
	}}
	if d.site.url == "" {
		return out, nil
	}
	own, err := d.site.platform(wallets)
	return append(out, own), err
}

// apiKeys are the platforms' keys to the API, kept from the first start on.
func (d *demo) apiKeys() (out []verifierserver.APIKey, err error) {
	files := map[string]string{"morgenblatt": "newsroom"}
	if d.site.url != "" {
		files[siteParty.file] = siteParty.file
	}
	for platform, file := range files {
		key, err := d.apiKey(file)
		if err != nil {
			return nil, err
		}
		out = append(out, verifierserver.APIKey{Platform: platform, SHA256: verifierserver.HashKey(key)})
	}
	return out, nil
}

func (d *demo) apiKey(file string) (string, error) {
	return kept(filepath.Join(d.data, "pki", file+".apikey"), base64.RawURLEncoding.EncodeToString)
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
	key, err := d.apiKey("newsroom")
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
