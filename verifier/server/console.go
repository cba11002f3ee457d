package server

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"facet/audit"
	"facet/web"

	"github.com/labstack/echo/v4"
)

// consoleCSP is the content security policy of the auditor's console: its own
// script and style, its own host, nothing else.
const consoleCSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"require-trusted-types-for 'script'; trusted-types lit-html; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// MaxConsoleRows is the most entries one page of the console's list may have.
const MaxConsoleRows = 200

// A Console serves the auditor's pages at /audit: read-only, without accounts,
// for it shows nothing the published log does not hold. Browsers check what it
// says against the log itself. Make one with NewConsole.
type Console struct {
	book *consoleBook
	ui   *web.Bundle // nil: not built
}

// NewConsole returns the console of a log. ui may be nil if the web UI was not
// built; the JSON endpoints work all the same.
func NewConsole(cfg ConsoleConfig, ui *web.Bundle) (*Console, error) {
	book, err := newConsoleBook(cfg)
	if err != nil {
		return nil, err
	}
	return &Console{book, ui}, nil
}

// Mount adds the routes to the host's root group.
func (c *Console) Mount(g *echo.Group) {
	api := g.Group("/audit/api")
	api.GET("/state", c.state)
	api.GET("/overview", c.overview)
	api.GET("/entries", c.entries)
	api.GET("/entry/:n", c.entry)
	api.GET("/policies", c.policies)
	api.Any("/*", func(echo.Context) error { return echo.ErrNotFound })
	g.GET("/audit", c.page)
	g.GET("/audit/*", c.page)
	if c.ui == nil {
		return
	}
	for _, name := range []string{"audit.js", "audit.css"} {
		if asset, ok := c.ui.Asset(name); ok {
			g.GET(asset.URL(), c.asset(asset))
		}
	}
}

func (c *Console) state(e echo.Context) error {
	s, err := c.book.snapshot(e.Request().Context())
	if err != nil {
		return consoleFail(e, err)
	}
	return consoleJSON(e, s.state)
}

func (c *Console) overview(e echo.Context) error {
	s, err := c.book.snapshot(e.Request().Context())
	if err != nil {
		return consoleFail(e, err)
	}
	return consoleJSON(e, s.figures)
}

func (c *Console) entries(e echo.Context) error {
	q, err := parseConsoleQuery(e.QueryParams())
	if err != nil {
		return consoleFail(e, err)
	}
	s, err := c.book.snapshot(e.Request().Context())
	if err != nil {
		return consoleFail(e, err)
	}
	return consoleJSON(e, s.list(q))
}

func (c *Console) entry(e echo.Context) error {
	n, err := strconv.ParseUint(e.Param("n"), 10, 53)
	if err != nil {
		return consoleFail(e, errConsoleQuery)
	}
	s, err := c.book.snapshot(e.Request().Context())
	if err != nil {
		return consoleFail(e, err)
	}
	view, err := c.book.entry(e.Request().Context(), s, n)
	if err != nil {
		return consoleFail(e, err)
	}
	return consoleJSON(e, view)
}

func (c *Console) policies(e echo.Context) error {
	s, err := c.book.snapshot(e.Request().Context())
	if err != nil {
		return consoleFail(e, err)
	}
	return consoleJSON(e, s.policies)
}

func (c *Console) page(e echo.Context) error {
	h := e.Response().Header()
	h.Set("Content-Security-Policy", consoleCSP)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	if c.ui == nil {
		return e.String(http.StatusServiceUnavailable, web.ErrNotBuilt.Error())
	}
	asset, ok := c.ui.Asset("audit.html")
	if !ok {
		return e.String(http.StatusServiceUnavailable, web.ErrNotBuilt.Error())
	}
	b, err := fs.ReadFile(c.ui.Files, asset.Path)
	if err != nil {
		return err
	}
	return e.HTMLBlob(http.StatusOK, b)
}

// asset serves one built file, compressed if the browser takes it.
func (c *Console) asset(a web.Asset) echo.HandlerFunc {
	kind := "text/css; charset=utf-8"
	if strings.HasSuffix(a.Path, ".js") {
		kind = "text/javascript; charset=utf-8"
	}
	return func(e echo.Context) error {
		h, path := e.Response().Header(), a.Path
		h.Set("Vary", "Accept-Encoding")
		switch accepted := e.Request().Header.Get("Accept-Encoding"); {
		case a.Brotli > 0 && strings.Contains(accepted, "br"):
			path += ".br"
			h.Set("Content-Encoding", "br")
		case a.Gzip > 0 && strings.Contains(accepted, "gzip"):
			path += ".gz"
			h.Set("Content-Encoding", "gzip")
		}
		if a.Immutable {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		h.Set("X-Content-Type-Options", "nosniff")
		b, err := fs.ReadFile(c.ui.Files, path)
		if err != nil {
			return err
		}
		return e.Blob(http.StatusOK, kind, b)
	}
}

func consoleJSON(e echo.Context, body any) error {
	h := e.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	return e.JSON(http.StatusOK, body)
}

var errConsoleQuery = errors.New("the question is not one the console answers")

// consoleFail answers with a problem document (RFC 9457).
func consoleFail(e echo.Context, err error) error {
	status, code := http.StatusServiceUnavailable, "log_unavailable"
	var reasoned interface{ Reason() string }
	switch {
	case errors.Is(err, errConsoleQuery):
		status, code = http.StatusBadRequest, "invalid_query"
	case errors.Is(err, errNoEntry):
		status, code = http.StatusNotFound, "entry_unknown"
	case errors.As(err, &reasoned):
		code = reasoned.Reason()
		if code == audit.ReasonMissing {
			status = http.StatusNotFound
		}
	}
	b, err := json.Marshal(map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code})
	if err != nil {
		return err
	}
	return e.Blob(status, "application/problem+json", b)
}
