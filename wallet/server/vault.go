package server

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"facet/store"
)

// MaxVault is the largest sealed vault the host keeps, in bytes.
const MaxVault = 4 << 20

const vaultPrefix = "wallet/vault/"

func (s *server) mountVault(g *echo.Group) {
	g.GET("/vault", s.getVault)
	g.PUT("/vault", s.putVault)
	g.DELETE("/vault", s.deleteVault)
	g.PUT("/recovery", s.putRecovery)
	g.POST("/recovery/login", s.recoveryLogin, s.limitAddress)
}

func (s *server) getVault(c echo.Context) error {
	account, err := s.account(c)
	if err != nil {
		return err
	}
	sealed, version, err := s.store.Get(c.Request().Context(), vaultPrefix+account)
	if errors.Is(err, store.ErrNotFound) {
		c.Response().Header().Set("ETag", etag(0))
		return problem{Status: http.StatusNotFound, Err: "invalid_request", Code: "vault_missing",
			Detail: "This account has no vault yet.", Fix: `Create one with If-Match: "0".`}
	}
	if err != nil {
		return err
	}
	c.Response().Header().Set("ETag", etag(version))
	return c.Blob(http.StatusOK, echo.MIMEOctetStream, sealed)
}

// putVault stores a sealed vault over the version the caller has seen, and over
// no other: two devices cannot overwrite each other unnoticed.
func (s *server) putVault(c echo.Context) error {
	account, err := s.account(c)
	if err != nil {
		return err
	}
	if !s.limits.allow("account "+account, putsPerMinute) {
		return slowDown
	}
	old, err := ifMatch(c)
	if err != nil {
		return err
	}
	sealed, err := readBody(c, MaxVault)
	if err != nil {
		return err
	}
	if len(sealed) == 0 {
		return malformed
	}
	version, err := s.store.Swap(c.Request().Context(), vaultPrefix+account, old, sealed)
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return problem{Status: http.StatusPreconditionFailed, Err: "precondition_failed", Code: "etag_stale",
			Detail: "Another device has saved meanwhile. Nothing was overwritten.", Fix: "Get the vault, merge, save again."}
	}
	if err != nil {
		return err
	}
	c.Response().Header().Set("ETag", etag(version))
	return c.NoContent(http.StatusNoContent)
}

// deleteVault deletes everything there is of the account, the vault first: if
// it is interrupted, the holder can still sign in and try again.
func (s *server) deleteVault(c echo.Context) error {
	account, err := s.account(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := s.deleteKey(ctx, vaultPrefix+account); err != nil {
		return err
	}
	if err := s.dropRecovery(ctx, account); err != nil {
		return err
	}
	if err := s.passkeys.DeleteAccount(ctx, account); err != nil {
		return err
	}
	return s.logout(c)
}

// etag names a version of the vault; 0 stands for "there is none".
func etag(v store.Version) string { return `"` + strconv.FormatUint(uint64(v), 10) + `"` }

// ifMatch is the version the caller wants to replace (RFC 9110 §13.1.1).
func ifMatch(c echo.Context) (store.Version, error) {
	h := c.Request().Header.Get("If-Match")
	if h == "" {
		return 0, problem{Status: http.StatusPreconditionRequired, Err: "precondition_required", Code: "etag_required",
			Detail: "A vault is saved over a version its writer has seen.", Fix: "Send If-Match with the ETag of GET /api/vault."}
	}
	n, err := strconv.ParseUint(strings.Trim(h, `"`), 10, 64)
	if err != nil || etag(store.Version(n)) != h {
		return 0, malformed
	}
	return store.Version(n), nil
}
