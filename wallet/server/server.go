// Package server hosts the web wallet: its pages and engine, sign-in by
// passkey, and one sealed vault per account. It stores ciphertext: it has no
// key, no name and no address of anybody, and its log says which route answered
// how fast, not to whom.
//
// It holds no rule of the protocols and no cryptography of the vault. What it
// cannot prevent: it serves the code that opens vaults (SECURITY.md).
//
// Routes:
//
//	GET  /, /home, /authorize …        the wallet's page
//	GET  /assets/*, /sw.js …           built files, compressed beforehand
//	GET  /api/config                   trust list, weakenings, logs
//	POST /api/passkey/register/begin   {} or {"add": true} → {"publicKey": …}
//	POST /api/passkey/register/finish  attestation → {"account": …}
//	POST /api/passkey/login/begin      {} → {"publicKey": …}
//	POST /api/passkey/login/finish     assertion → {"account": …, "clone_suspected": …}
//	DELETE /api/passkey/{id}           removes one of several passkeys; ends all other sessions → {"account": …}
//	POST /api/recovery/login           {"lookup_id", "secret"} → {"account": …}
//	PUT  /api/recovery                 {"lookup_id", "secret_hash"} → 204
//	GET  /api/vault                    the sealed vault, ETag; 404 with ETag "0" while there is none
//	PUT  /api/vault                    sealed vault; If-Match → 204, ETag
//	DELETE /api/vault                  vault, passkeys and recovery entry → 204
//	POST /api/logout                   → 204
//
// Binary values in JSON are base64url without padding; a sealed vault travels
// as application/octet-stream. Errors are problem+json; `code` is the reason.
package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"facet/passkey"
	"facet/store"
	"facet/web"
)

// A Config says what is hosted where. URL, Store, Assets, Trust and Now are
// required.
type Config struct {
	URL    string          // origin, e.g. https://wallet.example; its host is the RP ID
	Store  store.Store     // accounts, sessions, sealed vaults
	Assets *web.Bundle     // the built UI
	Trust  json.RawMessage // trust list the engine is given
	Logs   json.RawMessage // known presentation logs the engine is given; nil: none
	Now    func() time.Time
	Log    *slog.Logger // nil: nothing is logged

	// InsecureLoopback lets the engine call http addresses of this machine, and
	// shows a banner. The demo sets it.
	InsecureLoopback bool
}

// A server is one wallet host.
type server struct {
	url      *url.URL
	store    store.Store
	passkeys *passkey.RelyingParty
	assets   *assets
	config   []byte // the answer of /api/config
	limits   *limits
	log      *slog.Logger
}

// New makes the handler of a wallet's host. It refuses a URL whose host name
// other services share.
func New(c Config) (http.Handler, error) {
	s, err := newServer(c)
	if err != nil {
		return nil, err
	}
	return s.handler(), nil
}

func newServer(c Config) (*server, error) {
	if c.Store == nil || c.Assets == nil || c.Now == nil || len(c.Trust) == 0 {
		return nil, errors.New("wallet server: Store, Assets, Trust and Now are required")
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("wallet server: %w", err)
	}
	passkeys, err := passkey.New(passkey.Config{URL: c.URL, Name: "Facet", Store: c.Store, Now: c.Now})
	if err != nil {
		return nil, err
	}
	files, err := newAssets(c.Assets, c.InsecureLoopback)
	if err != nil {
		return nil, err
	}
	logs := c.Logs
	if logs == nil {
		logs = json.RawMessage("[]")
	}
	config, err := json.Marshal(clientConfig{c.Trust, c.InsecureLoopback, logs})
	if err != nil {
		return nil, fmt.Errorf("wallet server: trust list or logs: %w", err)
	}
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &server{u, c.Store, passkeys, files, config, newLimits(c.Now), log}, nil
}

// clientConfig is what the engine in the browser needs to know of its host.
type clientConfig struct {
	Trust            json.RawMessage `json:"trust"`
	InsecureLoopback bool            `json:"insecure_loopback"`
	Logs             json.RawMessage `json:"logs"`
}

func (s *server) handler() http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.fail
	e.Use(s.observe, s.secure)

	api := e.Group("/api", s.sameOrigin)
	api.GET("/config", s.getConfig)
	s.mountPasskeys(api)
	s.mountVault(api)
	api.Any("/*", unknown)

	e.GET("/healthz", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	e.GET("/*", s.getFile)
	e.HEAD("/*", s.getFile)
	return e
}

func (s *server) getConfig(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-cache")
	return c.JSONBlob(http.StatusOK, s.config)
}
