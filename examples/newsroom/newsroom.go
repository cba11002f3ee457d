// Package newsroom is Morgenblatt, an invented newspaper: an example of a media
// site that adapts to what its readers chose to say, and says why beside
// everything it adapted.
//
// It is a client of the verifier's platform API and nothing more: it sees no
// credential, checks no signature and keeps hints only until their promised
// end. It sets no cookie before a reader asks for something.
package newsroom

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"facet/policy"
	"facet/policy/lint"
	"facet/store"
	"facet/verifier/client"
)

//go:embed policies/*.yaml
var policyFiles embed.FS

//go:embed assets
var assetFiles embed.FS

//go:embed templates/*.html
var templateFiles embed.FS

// Config says where the newsroom is and how it reaches its verifier.
type Config struct {
	URL         string // the site's own address, "http://news.localhost:8083"
	VerifierURL string // base of the platform API
	APIKey      string // the platform's key; never leaves the server
	Store       store.Store
	ElementsJS  []byte // the script of <wallet-request> and <hint-why>; nil: plain forms only
	Now         func() time.Time
}

// Policies reads the newsroom's policies, as its verifier must be given them.
func Policies() ([]*policy.Policy, error) {
	entries, err := policyFiles.ReadDir("policies")
	if err != nil {
		return nil, err
	}
	var out []*policy.Policy
	for _, e := range entries {
		text, err := policyFiles.ReadFile("policies/" + e.Name())
		if err != nil {
			return nil, err
		}
		p, err := lint.Load(text)
		if err != nil {
			return nil, fmt.Errorf("newsroom: policy %s: %w", e.Name(), err)
		}
		out = append(out, p)
	}
	return out, nil
}

// ReturnURI is the address to register for same-device answers.
func ReturnURI(site string) string { return strings.TrimSuffix(site, "/") + "/facet/callback" }

// site is the running newsroom.
type site struct {
	cfg      Config
	verifier *client.Client
	sessions sessions
	policies map[string]*policy.Policy // by the last part of their id
	articles []*article
	pages    *template.Template
	place    *time.Location
	secure   bool
}

// New checks the configuration and returns the site.
func New(cfg Config) (http.Handler, error) {
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return nil, errors.New("newsroom: URL must be the site's address")
	case cfg.Store == nil || cfg.Now == nil:
		return nil, errors.New("newsroom: Store and Now are needed")
	}
	s := &site{cfg: cfg, secure: u.Scheme == "https", policies: map[string]*policy.Policy{}}
	if s.verifier, err = client.New(client.Config{URL: cfg.VerifierURL, APIKey: cfg.APIKey}); err != nil {
		return nil, fmt.Errorf("newsroom: %w", err)
	}
	s.sessions = sessions{store: cfg.Store, now: cfg.Now}
	ps, err := Policies()
	if err != nil {
		return nil, err
	}
	for _, p := range ps {
		s.policies[path.Base(p.ID)] = p
	}
	if s.articles, err = loadArticles(); err != nil {
		return nil, err
	}
	if s.pages, err = template.New("").Funcs(functions).ParseFS(templateFiles, "templates/*.html"); err != nil {
		return nil, fmt.Errorf("newsroom: templates: %w", err)
	}
	if s.place, err = time.LoadLocation("Europe/Berlin"); err != nil {
		s.place = time.UTC
	}
	return s.handler(), nil
}

func (s *site) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.front)
	mux.HandleFunc("GET /artikel/{slug}", s.article)
	mux.HandleFunc("GET /newsletter", s.newsletter)
	mux.HandleFunc("GET /deine-daten", s.yourData)
	mux.HandleFunc("GET /deine-daten.json", s.copyOfData)
	mux.HandleFunc("POST /deine-daten/loeschen", s.deleteData)
	mux.HandleFunc("GET /impressum", s.imprint)
	mux.HandleFunc("GET /sprache/{lang}", s.chooseLanguage)
	mux.HandleFunc("GET /assets/{name}", s.asset)
	mux.HandleFunc("POST /facet/begin/{policy}", s.begin)
	mux.HandleFunc("GET /facet/events/{id}", s.events)
	mux.HandleFunc("POST /facet/answer", s.answer)
	mux.HandleFunc("GET /facet/callback", s.callback)
	mux.HandleFunc("/", s.notFound)
	return secured(http.NewCrossOriginProtection().Handler(mux))
}

// contentSecurity lets the site's own files run and nothing else. Lit's Trusted
// Types policy is the only one.
const contentSecurity = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html"

func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurity)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer") // the response code stays out of other people's logs
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "private, no-store")
		next.ServeHTTP(w, r)
	})
}

func (s *site) asset(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache")
	name := r.PathValue("name")
	if name == "elements.js" && s.cfg.ElementsJS != nil {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Write(s.cfg.ElementsJS)
		return
	}
	media, known := map[string]string{".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}[path.Ext(name)]
	b, err := assetFiles.ReadFile("assets/" + name)
	if err != nil || !known {
		s.notFound(w, r)
		return
	}
	w.Header().Set("Content-Type", media)
	w.Write(b)
}
