package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"facet/credentials/jose"
	"facet/policy"
	"facet/store/bolt"
	"facet/verifier"
)

// A demoSite is a site of one's own that is tried out with the demo's wallet
// and issuers. The zero demoSite is none.
type demoSite struct {
	url      string
	files    []string
	policies []*policy.Policy
	id       demoIdentity
	secret   []byte // of its webhook
}

// siteParty is who the demo's trust list says a tried-out site is: nobody whose
// name was looked at, so that the wallet says it, too.
var siteParty = demoParty{file: "site", organization: "A site that is tried out", domain: "site.example", anchor: "media"}

// check reads the policies, and says in words what is wrong with the flags.
func (s *demoSite) check() error {
	switch {
	case s.url == "" && len(s.files) == 0:
		return nil
	case s.url == "" || len(s.files) == 0:
		return fmt.Errorf("%w: --site and --policy belong together", errUsage)
	}
	s.url = strings.TrimSuffix(s.url, "/")
	if u, err := url.Parse(s.url); err != nil || !webAddress(s.url, true) || u.Path != "" || u.Scheme != "http" {
		return fmt.Errorf("%w: --site is where your own server listens on this machine, such as http://localhost:3000", errUsage)
	}
	for _, file := range s.files {
		p, err := readPolicyFile(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		s.policies = append(s.policies, p)
	}
	return nil
}

// open makes the site's identity and its webhook secret at the first start.
// They are apart from the demo's own: those stay as they are.
func (s *demoSite) open(dir string, now time.Time) error {
	if s.url == "" {
		return nil
	}
	ids, err := partiesPKI(filepath.Join(dir, "site"), []demoParty{siteParty}, now)
	if err != nil {
		return err
	}
	s.id = ids[siteParty.file]
	text, err := kept(filepath.Join(dir, "site.whsec"), func(raw []byte) string { return "whsec_" + base64.StdEncoding.EncodeToString(raw) })
	if err != nil {
		return err
	}
	s.secret, _, err = readSecret(strings.TrimSpace(text))
	return err
}

// name is what the wallet calls it: whom its policy names.
func (s *demoSite) name() string { return s.policies[0].Controller.Name }

// platform is the site as the verifier knows it.
func (s *demoSite) platform(wallets []verifier.Wallet) (verifier.Platform, error) {
	signer, err := jose.PrivateKeyFromCrypto(s.id.key)
	return verifier.Platform{
		ID: siteParty.file, Name: s.name(), Signer: signer, X5C: s.id.x5c, Policies: s.policies, Wallets: wallets,
		ReturnURIs: []string{s.url + "/facet/back"},
		Webhook:    &verifier.Webhook{URL: s.url + "/facet/hook", Secrets: [][]byte{s.secret}},
	}, err
}

// vouched is the site's line in the trust list.
func (s *demoSite) vouched() map[string]any {
	return map[string]any{
		"id": siteParty.file, "name": s.name(), "domain": siteParty.domain, "anchor": s.id.anchor,
		"register": map[string]string{"de": "Vorführung, von niemandem geprüft", "en": "demonstration, checked by nobody"},
		"leaf":     map[string]string{"organization": siteParty.organization, "san": siteParty.domain},
	}
}

// announce says what the site's server needs to know.
func (s *demoSite) announce(env *environ, d *demo) {
	if s.url == "" {
		return
	}
	var names []string
	for _, p := range s.policies {
		names = append(names, p.ID[strings.LastIndexByte(p.ID, '/')+1:])
	}
	pki := filepath.Join(d.data, "pki")
	fmt.Fprintf(env.stdout, `
Your site, %[1]s, may ask as “%[2]s”, by these policies: %[3]s

  FACET_URL=%[4]s
  FACET_KEY=$(cat %[5]s)
  FACET_WEBHOOK_SECRET=$(cat %[6]s)

Visitors come back to %[1]s/facet/back, webhooks go to %[1]s/facet/hook.
Changed policies, with a higher version, are read at the next start.
`, s.url, s.name(), strings.Join(names, ", "), strings.Replace(d.urls.verifier, "verifier.localhost", "localhost", 1),
		filepath.Join(pki, "site.apikey"), filepath.Join(pki, "site.whsec"))
}

// deliver sends the site's webhooks until ctx ends.
func (d *demo) deliver(ctx context.Context, env *environ) {
	tick := time.NewTicker(demoSweep)
	defer tick.Stop()
	d.engine.Deliver(ctx, tick.C, func(err error) { fmt.Fprintf(env.stderr, "facet demo: webhooks: %v\n", err) })
}

// kept is a secret that is made at the first start.
func kept(path string, form func(raw []byte) string) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return string(b), err
	}
	var raw [32]byte
	rand.Read(raw[:]) // never fails (crypto/rand)
	text := form(raw[:])
	return text, bolt.WriteFile(path, []byte(text))
}
