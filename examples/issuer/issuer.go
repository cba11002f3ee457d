// Package issuer is a demonstration issuer: the OpenID4VCI endpoints of the
// issuer engine over HTTP, and a page on which anyone may fetch a proof of age
// from a made-up town hall and a subscription from a made-up newspaper.
//
// It asks nobody who they are: what it issues proves nothing outside a
// demonstration. The transaction code, which would come by post, is shown on
// the page as a letter.
package issuer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/openid4vci"
	engine "facet/issuer"
	"facet/schemas"
	"facet/store"
)

// An Authority is one of the bodies that issue here, and what it issues. Each
// is a credential issuer of its own, at Config.URL + "/" + ID, so that a wallet
// can say who it is before anything is signed.
type Authority struct {
	ID       string        // configuration id, such as "age"; a path segment
	Store    store.Store   // of this authority alone
	Name     string        // as on its letterhead
	VCT      string        // a type that schemas knows
	Signer   jose.Signer   // key of the leaf of X5C
	X5C      []string      // leaf first, without the anchor
	Subject  claims.Set    // what everybody is attested here; nil means an example
	Validity time.Duration // zero means one year
}

// Config of the demonstration issuer. All fields are required.
type Config struct {
	URL       string // of this issuer, such as http://issuer.localhost:8082
	WalletURL string // of the web wallet that the page links to
	Issuers   []Authority
	Now       func() time.Time
}

const year = 365 * 24 * time.Hour

// example returns the claims of the demonstration's one inhabitant.
func example(vct string, now time.Time) claims.Set {
	switch vct {
	case "urn:facet:age:1":
		return claims.Set{"age_equal_or_over": map[string]any{
			"12": true, "16": true, "18": true, "21": true, "65": false,
		}}
	case "urn:facet:media-membership:1":
		return claims.Set{
			"tier": "premium", "entitlements": []any{"articles", "archive", "newsletters"},
			"valid_until": now.UTC().Add(year).Format(time.DateOnly),
		}
	}
	return nil
}

// Identifier is the credential issuer identifier of an authority (OpenID4VCI
// §12.2.1).
func Identifier(site, id string) string { return strings.TrimSuffix(site, "/") + "/" + id }

// A Site is everything that issues here, and the page.
type Site struct {
	http.Handler
	issuers map[string]*engine.Issuer // by Authority.ID
}

// Sweep forgets offers, codes and tokens whose time is over. Whoever runs the
// site calls it now and then.
func (s *Site) Sweep(ctx context.Context) error {
	var errs []error
	for _, i := range s.issuers {
		errs = append(errs, i.Sweep(ctx))
	}
	return errors.Join(errs...)
}

// New returns the whole site.
func New(c Config) (*Site, error) {
	if c.WalletURL == "" || len(c.Issuers) == 0 {
		return nil, errors.New("examples/issuer: WalletURL and Issuers are required")
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, errors.New("examples/issuer: URL does not parse")
	}
	web := echo.New()
	web.HideBanner, web.HidePort = true, true
	site := &Site{Handler: web, issuers: map[string]*engine.Issuer{}}
	for _, a := range c.Issuers {
		e, err := authorityEngine(c, a)
		if err != nil {
			return nil, err
		}
		site.issuers[a.ID] = e
		(&endpoints{e, u.Path + "/" + a.ID}).Mount(web.Group(""))
	}
	pages, err := newPages(c, site.issuers)
	if err != nil {
		return nil, err
	}
	pages.Mount(web.Group(u.Path))
	return site, nil
}

func authorityEngine(c Config, a Authority) (*engine.Issuer, error) {
	k, err := configuration(a)
	if err != nil {
		return nil, err
	}
	return engine.New(context.Background(), engine.Config{
		URL: Identifier(c.URL, a.ID), Store: a.Store, Now: c.Now, Configurations: map[string]engine.Configuration{a.ID: k},
		Display: []openid4vci.Display{{Name: a.Name, Locale: "de"}, {Name: a.Name, Locale: "en"}},
	})
}

// configuration takes look, names and rules of disclosure from the type.
func configuration(a Authority) (engine.Configuration, error) {
	text, known := schemas.TypeMetadata(a.VCT)
	if !known {
		return engine.Configuration{}, fmt.Errorf("examples/issuer: %q is no type of this project", a.VCT)
	}
	t, err := credentials.ParseTypeMetadata(text)
	if err != nil {
		return engine.Configuration{}, fmt.Errorf("examples/issuer: %w", err)
	}
	if a.Validity == 0 {
		a.Validity = year
	}
	k := engine.Configuration{VCT: a.VCT, Signer: a.Signer, X5C: a.X5C, Validity: a.Validity}
	for _, d := range t.Display {
		look := openid4vci.CredentialDisplay{Name: d.Name, Locale: d.Locale, Description: d.Description}
		if d.Simple != nil {
			look.BackgroundColor, look.TextColor = d.Simple.BackgroundColor, d.Simple.TextColor
		}
		k.Display = append(k.Display, look)
	}
	for _, c := range t.Claims {
		described := openid4vci.ClaimDescription{Path: c.Path, Mandatory: c.Mandatory != nil && *c.Mandatory}
		for _, d := range c.Display {
			described.Display = append(described.Display, openid4vci.Display{Name: d.Label, Locale: d.Locale})
		}
		k.Claims = append(k.Claims, described)
		if c.SD != "never" {
			k.Disclose = append(k.Disclose, c.Path)
		}
	}
	return k, nil
}
