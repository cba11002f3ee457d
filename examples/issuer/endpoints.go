package issuer

import (
	"errors"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"facet/credentials/openid4vci"
	engine "facet/issuer"
)

// endpoints are the OpenID4VCI endpoints. They decode, call the engine and
// encode; any wallet on any site may call them, so they answer every origin
// and never with cookies.
type endpoints struct {
	engine *engine.Issuer
	path   string // of the issuer's URL
}

// Mount adds the routes below the root of the host, because metadata stands
// there whatever the issuer's path.
func (e *endpoints) Mount(g *echo.Group) {
	g.Use(anyOrigin)
	for path, h := range map[string]echo.HandlerFunc{
		openid4vci.WellKnownIssuer + e.path: e.metadata,
		openid4vci.WellKnownServer + e.path: e.server,
		e.path + engine.PathOffers + ":id":  e.offer,
		e.path + engine.PathStatus + ":id":  e.status,
	} {
		g.GET(path, h)
		g.OPTIONS(path, preflight)
	}
	for path, h := range map[string]echo.HandlerFunc{
		e.path + engine.PathToken:      e.token,
		e.path + engine.PathNonce:      e.nonce,
		e.path + engine.PathCredential: e.credential,
	} {
		g.POST(path, h)
		g.OPTIONS(path, preflight)
	}
}

func anyOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		return next(c)
	}
}

func preflight(c echo.Context) error {
	h := c.Response().Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	h.Set("Access-Control-Max-Age", "600")
	return c.NoContent(http.StatusNoContent)
}

func (e *endpoints) metadata(c echo.Context) error {
	return c.JSON(http.StatusOK, e.engine.Metadata())
}

func (e *endpoints) server(c echo.Context) error {
	return c.JSON(http.StatusOK, e.engine.ServerMetadata())
}

func (e *endpoints) offer(c echo.Context) error {
	offer, err := e.engine.Offer(c.Request().Context(), c.Param("id"))
	if err != nil {
		return fail(c, err)
	}
	return c.JSON(http.StatusOK, offer)
}

func (e *endpoints) token(c echo.Context) error {
	body, err := readBody(c)
	if err != nil {
		return fail(c, err)
	}
	answer, err := e.engine.Token(c.Request().Context(), body)
	if err != nil {
		return fail(c, err)
	}
	return c.JSON(http.StatusOK, answer)
}

func (e *endpoints) nonce(c echo.Context) error {
	return c.JSON(http.StatusOK, e.engine.Nonce())
}

func (e *endpoints) credential(c echo.Context) error {
	token, err := openid4vci.BearerToken(c.Request().Header.Get("Authorization"))
	if err != nil {
		return fail(c, err)
	}
	body, err := readBody(c)
	if err != nil {
		return fail(c, err)
	}
	answer, err := e.engine.Credential(c.Request().Context(), token, body)
	if err != nil {
		return fail(c, err)
	}
	return c.JSON(http.StatusOK, answer)
}

func (e *endpoints) status(c echo.Context) error {
	token, err := e.engine.StatusList(c.Request().Context(), c.Param("id"))
	if err != nil {
		return fail(c, err)
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=60")
	return c.Blob(http.StatusOK, "application/statuslist+jwt", []byte(token))
}

func readBody(c echo.Context) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(c.Request().Body, openid4vci.MaxMessage+1))
	if err != nil {
		return nil, openid4vci.NewError(openid4vci.CodeInvalidRequest, "request_malformed", "the request broke off")
	}
	return body, nil // the parsers refuse what is longer than MaxMessage
}

// fail is the only place that knows status codes (RFC 6749 §5.2, RFC 6750 §3).
func fail(c echo.Context, err error) error {
	w := openid4vci.Wire(err)
	var e *openid4vci.Error
	reason := ""
	if errors.As(err, &e) {
		reason = e.Reason()
	}
	status := http.StatusBadRequest
	switch {
	case w.Error == "server_error":
		status = http.StatusInternalServerError
	case w.Error == openid4vci.CodeInvalidToken:
		status = http.StatusUnauthorized
		c.Response().Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	case reason == "size_limit":
		status = http.StatusRequestEntityTooLarge
	case c.Request().Method == http.MethodGet && engine.IsUnknown(err):
		status = http.StatusNotFound
	case c.Request().Method == http.MethodGet: // an offer that was there once
		status = http.StatusGone
	}
	return c.JSON(status, w)
}
