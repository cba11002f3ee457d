package server

import (
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"facet/web"
)

// page is the built file every page route answers with; the script inside
// reads the route.
const page = "wallet.html"

// assets are the built files by path, with what is served with each.
type assets struct {
	bundle *web.Bundle
	byPath map[string]web.Asset
	csp    map[string]string // by path; others have none beyond the default
}

func newAssets(b *web.Bundle, insecureLoopback bool) (*assets, error) {
	a := &assets{bundle: b, byPath: map[string]web.Asset{}, csp: map[string]string{}}
	for _, f := range b.Manifest.Files {
		a.byPath[f.Path] = f
	}
	for _, name := range []string{page, "wallet.js", "worker.js", "sw.js", "engine.wasm"} {
		if _, ok := b.Asset(name); !ok {
			return nil, fmt.Errorf("wallet server: %w: %s is missing", web.ErrNotBuilt, name)
		}
	}
	a.csp[page] = web.PageCSP
	worker, _ := b.Asset("worker.js")
	a.csp[worker.Path] = web.WorkerCSP
	if insecureLoopback {
		a.csp[worker.Path] = web.InsecureLoopbackWorkerCSP
	}
	sw, _ := b.Asset("sw.js")
	a.csp[sw.Path] = web.ServiceWorkerCSP
	return a, nil
}

// getFile answers with a built file, or with the page for a page's route.
func (s *server) getFile(c echo.Context) error {
	at := strings.TrimPrefix(path.Clean(c.Request().URL.Path), "/")
	f, ok := s.assets.byPath[at]
	if !ok && path.Ext(at) == "" {
		f, ok = s.assets.bundle.Asset(page)
	}
	if !ok {
		return notYours
	}
	h := c.Response().Header()
	if csp, ok := s.assets.csp[f.Path]; ok {
		h.Set("Content-Security-Policy", csp)
	}
	h.Set("Content-Type", contentType(f.Path))
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if f.Immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	suffix, size := encoding(c.Request().Header.Get("Accept-Encoding"), f)
	etag := `"` + strings.TrimPrefix(f.Integrity, "sha384-")[:22] + suffix + `"`
	h.Set("ETag", etag)
	if c.Request().Header.Get("If-None-Match") == etag {
		return c.NoContent(http.StatusNotModified)
	}
	return s.send(c, f.Path, suffix, size)
}

func (s *server) send(c echo.Context, at, suffix string, size int64) error {
	body, err := fs.ReadFile(s.assets.bundle.Files, at+suffix)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading a built file: %w", err)
	}
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	switch suffix {
	case ".br":
		h.Set("Content-Encoding", "br")
	case ".gz":
		h.Set("Content-Encoding", "gzip")
	}
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	_, err = c.Response().Write(body)
	return err
}

// encoding picks what the browser takes and the build made.
func encoding(accept string, f web.Asset) (suffix string, size int64) {
	for _, e := range []struct {
		name, suffix string
		size         int64
	}{{"br", ".br", f.Brotli}, {"gzip", ".gz", f.Gzip}} {
		if e.size > 0 && accepts(accept, e.name) {
			return e.suffix, e.size
		}
	}
	return "", f.Size
}

// accepts reports whether an Accept-Encoding header allows a coding (RFC 9110
// §12.5.3); "q=0" forbids it.
func accepts(header, coding string) bool {
	for item := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(item, ";")
		if strings.EqualFold(strings.TrimSpace(name), coding) {
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.ReplaceAll(weight, " ", ""), "q="), 64)
			return weight == "" || err == nil && q > 0
		}
	}
	return false
}

// contentType does not depend on the machine's MIME tables.
func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".wasm":
		return "application/wasm"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".webmanifest":
		return "application/manifest+json"
	default:
		return mime.TypeByExtension(ext)
	}
}
