package server

import (
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
)

// A limitError says that a budget is used up, and for how long.
type limitError struct{ wait time.Duration }

func (e *limitError) Error() string { return "server: rate_limited" }

// Reason returns the stable code of the failure.
func (e *limitError) Reason() string { return "rate_limited" }

// seconds is the wait as Retry-After has it.
func (e *limitError) seconds() string {
	return strconv.Itoa(max(1, int((e.wait+time.Second-1)/time.Second)))
}

// limited counts the calls of a group by where they come from.
func (s *Server) limited(b budget) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := s.spend(c, b); err != nil {
				c.Response().Header().Set("Access-Control-Allow-Origin", "*") // these are called by pages of other sites
				return err
			}
			return next(c)
		}
	}
}

// spend takes one act from the budget of the caller's address and of its
// surroundings. Callers on this machine are not counted: they are its
// operator's, or a proxy's that trusted_proxies does not name.
func (s *Server) spend(c echo.Context, b budget) error {
	around := s.around.Load()
	addr := client(c.Request(), around.trusted)
	if addr.IsLoopback() {
		return nil
	}
	rate, now := around.limits.rate(b), s.cfg.Now()
	narrow, wide := prefixes(addr)
	ok, wait := s.limiter.allow(subject{prefix: narrow, budget: b}, rate, now)
	if ok {
		ok, wait = s.limiter.allow(subject{prefix: wide, budget: b}, WideFactor*rate, now)
	}
	if ok {
		return nil
	}
	s.cfg.Metrics.refused(b)
	if c.Request().Header.Get("X-Forwarded-For") != "" && !among(peerOf(c.Request()), around.trusted) && s.warned.CompareAndSwap(false, true) {
		s.cfg.Logger.Warn("callers share one budget: a proxy that trusted_proxies does not name sends X-Forwarded-For")
	}
	return &limitError{wait}
}

// spendAs takes one act from a platform's budget.
func (s *Server) spendAs(platform string, b budget) error {
	ok, wait := s.limiter.allow(subject{name: platform, budget: b}, s.around.Load().of(platform).rate(b), s.cfg.Now())
	if ok {
		return nil
	}
	s.cfg.Metrics.refused(b)
	return &limitError{wait}
}

func peerOf(r *http.Request) netip.Addr { return client(r, nil) }
