package server

import (
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// secure sets what every answer carries. Files get a content security policy
// of their own in getFile; everything else may do nothing at all.
func (s *server) secure(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Host != s.url.Host && c.Path() != "/healthz" {
			// Another name for this host (DNS rebinding) has another RP ID.
			return problem{Status: http.StatusMisdirectedRequest, Err: "invalid_request", Code: "host_unknown",
				Detail: "This server answers as " + s.url.Host + " only.", Fix: "Open " + s.url.String() + "."}
		}
		h := c.Response().Header()
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Permissions-Policy", "camera=(self), geolocation=(), microphone=(), payment=(), publickey-credentials-create=(self), publickey-credentials-get=(self)")
		h.Set("Cache-Control", "no-store")
		if s.url.Scheme == "https" {
			h.Set("Strict-Transport-Security", "max-age=63072000")
		}
		return next(c)
	}
}

// sameOrigin refuses calls another site's page makes with the holder's cookies.
func (s *server) sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	return func(c echo.Context) error {
		if err := protection.Check(c.Request()); err != nil {
			return problem{Status: http.StatusForbidden, Err: "access_denied", Code: "cross_origin",
				Detail: "This call came from a page of another site.", Fix: "Call it from the wallet's own pages."}
		}
		return next(c)
	}
}

// observe logs route, status and duration: no address, no account, no path
// beyond the route's pattern.
func (s *server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		if err := next(c); err != nil {
			c.Error(err)
			var p problem
			if !errors.As(err, &p) && c.Response().Status >= http.StatusInternalServerError {
				s.log.Error("broken", "route", c.Path(), "err", err)
			}
		}
		s.log.Info("answered", "method", c.Request().Method, "route", c.Path(), "status", c.Response().Status,
			"dur_ms", time.Since(start).Milliseconds())
		return nil
	}
}
