package server

import (
	"encoding/base64"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"facet/passkey"
)

// Cookies are host-only, secure and out of scripts' reach. The __Host- prefix
// makes the browser insist on that.
const (
	sessionCookie  = "__Host-facet-wallet"
	ceremonyCookie = "__Host-facet-ceremony"
)

// signedIn is the answer of a finished sign-in.
type signedIn struct {
	Account        string `json:"account"`
	CloneSuspected bool   `json:"clone_suspected,omitempty"`
}

func (s *server) mountPasskeys(g *echo.Group) {
	g.POST("/passkey/register/begin", s.registerBegin, s.limitAddress)
	g.POST("/passkey/register/finish", s.registerFinish, s.limitAddress)
	g.POST("/passkey/login/begin", s.loginBegin, s.limitAddress)
	g.POST("/passkey/login/finish", s.loginFinish, s.limitAddress)
	g.DELETE("/passkey/:id", s.removePasskey)
	g.POST("/logout", s.logout)
}

func (s *server) registerBegin(c echo.Context) error {
	var in struct {
		Add bool `json:"add"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	account := ""
	if in.Add {
		var err error
		if account, err = s.account(c); err != nil {
			return err
		}
	}
	return s.begun(c)(s.passkeys.BeginRegistration(c.Request().Context(), account))
}

func (s *server) loginBegin(c echo.Context) error {
	return s.begun(c)(s.passkeys.BeginLogin(c.Request().Context()))
}

func (s *server) begun(c echo.Context) func(*passkey.Begun, error) error {
	return func(b *passkey.Begun, err error) error {
		if err != nil {
			return err
		}
		setCookie(c, ceremonyCookie, b.Ceremony, passkey.CeremonyTTL)
		return c.JSONBlob(http.StatusOK, b.Options)
	}
}

func (s *server) registerFinish(c echo.Context) error {
	body, err := readBody(c, passkey.MaxBody)
	if err != nil {
		return err
	}
	return s.finished(c)(s.passkeys.FinishRegistration(c.Request().Context(), cookie(c, ceremonyCookie), body))
}

func (s *server) loginFinish(c echo.Context) error {
	body, err := readBody(c, passkey.MaxBody)
	if err != nil {
		return err
	}
	return s.finished(c)(s.passkeys.FinishLogin(c.Request().Context(), cookie(c, ceremonyCookie), body))
}

func (s *server) finished(c echo.Context) func(*passkey.SignedIn, error) error {
	return func(in *passkey.SignedIn, err error) error {
		if err != nil {
			return err
		}
		setCookie(c, ceremonyCookie, "", 0)
		return s.signIn(c, signedIn{in.Account, in.CloneSuspected})
	}
}

// signIn replaces the session, so that one begun before signing in is useless.
func (s *server) signIn(c echo.Context, in signedIn) error {
	ctx := c.Request().Context()
	if err := s.passkeys.CloseSession(ctx, cookie(c, sessionCookie)); err != nil {
		return err
	}
	secret, err := s.passkeys.OpenSession(ctx, in.Account)
	if err != nil {
		return err
	}
	setCookie(c, sessionCookie, secret, passkey.SessionTTL)
	return c.JSON(http.StatusOK, in)
}

// removePasskey takes a passkey from the account. Every session ends; the
// caller's goes on as a new one.
func (s *server) removePasskey(c echo.Context) error {
	account, err := s.account(c)
	if err != nil {
		return err
	}
	id, err := base64.RawURLEncoding.Strict().DecodeString(c.Param("id"))
	if err != nil || len(id) == 0 {
		return malformed
	}
	if err := s.passkeys.RemovePasskey(c.Request().Context(), account, id); err != nil {
		return err
	}
	return s.signIn(c, signedIn{Account: account})
}

func (s *server) logout(c echo.Context) error {
	if err := s.passkeys.CloseSession(c.Request().Context(), cookie(c, sessionCookie)); err != nil {
		return err
	}
	setCookie(c, sessionCookie, "", 0)
	return c.NoContent(http.StatusNoContent)
}

// account is who is signed in.
func (s *server) account(c echo.Context) (string, error) {
	return s.passkeys.Session(c.Request().Context(), cookie(c, sessionCookie))
}

func cookie(c echo.Context, name string) string {
	if k, err := c.Cookie(name); err == nil {
		return k.Value
	}
	return ""
}

// setCookie sets a cookie for a time; 0 removes it.
func setCookie(c echo.Context, name, value string, ttl time.Duration) {
	age := int(ttl / time.Second)
	if ttl == 0 {
		age = -1
	}
	c.SetCookie(&http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
