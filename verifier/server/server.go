// Package server is the verifier's HTTP face: the platform API, the endpoints
// wallets use, OFREP for hints, the public log, and the place where the
// auditor's console is mounted.
//
// It decodes, calls the engine and encodes. It holds no rule of a protocol, no
// cryptography beyond comparing API keys, and writes no claim, token or
// address into its log.
package server

import (
	_ "embed"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"facet/verifier"
	"facet/verifier/auditlog"
	"facet/web"
)

// Limits of requests.
const (
	MaxBody        = 64 << 10 // bytes of a platform's request
	MaxProofBody   = 8 << 10  // bytes of a holder's proof
	PlatformRate   = 600      // requests a minute by one platform
	GuessRate      = 30       // failed look-ups of a result a minute by one platform
	MaxStreams     = 1000     // open event streams
	MaxStreamsEach = 400      // of one platform, so that none can take them all
	EventInterval  = time.Second / 2
)

// A Mounter adds routes of its own below a group; the auditor's console is one.
type Mounter interface{ Mount(*echo.Group) }

// Config is everything the handler needs. Engine, Log, APIKeys and Now must be
// set; without a Logger nothing is logged.
type Config struct {
	Engine   *verifier.Verifier
	Log      http.Handler // the published log, below auditlog.Prefix
	APIKeys  []APIKey     // these and the next three: see Callers, and Server.Admit
	Limits   Limits
	Each     map[string]Limits
	Trusted  []netip.Prefix
	Console  Mounter     // gets the root group; its pages are below /audit
	UI       *web.Bundle // has the <wallet-request> and <hint-why> elements, and the client
	Logger   *slog.Logger
	Metrics  *Metrics // nil: no figures are kept
	Now      func() time.Time
	Ready    func() error    // reports what is missing to serve
	Stopping <-chan struct{} // closed when event streams should end
}

// A Server answers HTTP requests. Make one with New.
type Server struct {
	cfg     Config
	around  atomic.Pointer[callers]
	limiter *limiter
	warned  atomic.Bool // about a proxy that is not trusted
	handler http.Handler
	streams *places // of open event streams, by platform
}

//go:embed openapi.yaml
var openAPI []byte

// New returns the handler. Give it to an http.Server with timeouts; event
// streams lift their own write deadline.
func New(cfg Config) (*Server, error) {
	switch {
	case cfg.Engine == nil || cfg.Log == nil || cfg.Now == nil:
		return nil, errors.New("one of Engine, Log and Now is not set")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, limiter: newLimiter(), streams: newPlaces(MaxStreams)}
	if err := s.Admit(Callers{cfg.APIKeys, cfg.Limits, cfg.Each, cfg.Trusted}); err != nil {
		return nil, err
	}
	s.handler = s.routes()
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Server) routes() http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.fail
	e.Use(middleware.Recover(), s.observe, secure)

	e.GET("/health", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	pages := s.limited(budgetPages)
	e.GET("/ready", s.ready, pages)
	e.GET("/openapi.yaml", func(c echo.Context) error {
		return c.Blob(http.StatusOK, "application/yaml", openAPI)
	}, pages)
	e.Any(auditlog.Prefix+"*", echo.WrapHandler(s.cfg.Log), s.limited(budgetLog))
	s.mountPlatform(e.Group("/v1", s.platform))
	s.mountWallet(e.Group("/wallet", public, s.limited(budgetWallet)))
	s.mountOFREP(e.Group("/ofrep/v1", public))
	for name, media := range takeaways {
		e.GET("/"+name, s.takeaway(name, media), public)
	}
	if s.cfg.Console != nil {
		e.GET("/", func(c echo.Context) error { return c.Redirect(http.StatusSeeOther, "/audit") }, pages) // a person typed the address
		s.cfg.Console.Mount(e.Group("", pages))
	}
	return e
}

func (s *Server) ready(c echo.Context) error {
	if s.cfg.Ready != nil {
		if err := s.cfg.Ready(); err != nil {
			s.cfg.Logger.Error("not ready", "error", err)
			return c.NoContent(http.StatusServiceUnavailable)
		}
	}
	return c.NoContent(http.StatusNoContent)
}

// takeaways are files platforms take from here: the custom elements for their
// pages, and the client for their servers, with its source for its types.
var takeaways = map[string]string{
	"elements.js": "text/javascript; charset=utf-8",
	"client.js":   "text/javascript; charset=utf-8",
	"client.ts":   "text/plain; charset=utf-8",
}

func (s *Server) takeaway(name, media string) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.cfg.UI == nil {
			return echo.ErrNotFound
		}
		asset, ok := s.cfg.UI.Asset(name)
		if !ok {
			return echo.ErrNotFound
		}
		content, err := fs.ReadFile(s.cfg.UI.Files, asset.Path)
		if err != nil {
			return err
		}
		c.Response().Header().Set("Cache-Control", "public, max-age=300")
		return c.Blob(http.StatusOK, media, content)
	}
}

// secure sets the headers every answer has. Nothing here may be cached by
// default, framed, or taken for another type than it says.
func secure(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		return next(c)
	}
}

// public lets scripts of every origin call, without credentials: what guards
// these endpoints is an unguessable address or a token (architecture §5, decision 18).
func public(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		if c.Request().Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", "GET, POST")
			h.Set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, If-None-Match")
			h.Set("Access-Control-Max-Age", "600")
			return c.NoContent(http.StatusNoContent)
		}
		return next(c)
	}
}

// observe writes one line for each request: the route, never the address of
// the caller or an identifier in the path.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := s.cfg.Now()
		err := next(c)
		if err != nil {
			c.Error(err)
		}
		took := s.cfg.Now().Sub(start)
		s.cfg.Metrics.observe(c, took)
		attrs := []any{"method", c.Request().Method, "route", c.Path(), "status", c.Response().Status,
			"dur_ms", took.Milliseconds()}
		if reason := reasonOf(err); reason != "" {
			attrs = append(attrs, "reason", reason)
		}
		var rejected *verifier.RejectError
		if errors.As(err, &rejected) {
			attrs = append(attrs, "check", string(rejected.Check))
		}
		s.cfg.Logger.Info("request", attrs...)
		return nil
	}
}
