package server

import (
	"mime"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"facet/credentials/openid4vp"
	"facet/verifier"
)

// mountWallet adds what wallets call. None of it needs a key: the addresses are
// unguessable, differ from one another, and end with the transaction.
func (s *Server) mountWallet(g *echo.Group) {
	g.GET("/request/:id", s.requestObject)
	g.POST("/request/:id", s.requestObject)
	g.POST("/response/:id", s.response)
	g.POST("/receipt/:id", s.receipt)
	g.POST("/withdraw/:id", s.withdraw)
	for _, path := range []string{"/request/:id", "/response/:id", "/receipt/:id", "/withdraw/:id"} {
		g.OPTIONS(path, func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	}
}

// requestObject serves the signed request (OpenID4VP §5.10). A POST may bring a
// wallet_nonce; wallet_metadata and unknown parameters are ignored.
func (s *Server) requestObject(c echo.Context) error {
	nonce := ""
	if c.Request().Method == http.MethodPost {
		form, err := readForm(c)
		if err != nil {
			return err
		}
		nonce = form.Get("wallet_nonce")
	}
	jar, err := s.cfg.Engine.RequestObject(c.Request().Context(), c.Param("id"), nonce)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, openid4vp.RequestMediaType, []byte(jar))
}

func readForm(c echo.Context) (url.Values, error) {
	media, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || media != echo.MIMEApplicationForm {
		return nil, &apiError{reason: "content_type"}
	}
	body, err := readBody(c, MaxBody)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, &apiError{reason: "body_malformed"}
	}
	for _, values := range form {
		if len(values) > 1 {
			return nil, &apiError{reason: "parameter_duplicated"}
		}
	}
	return form, nil
}

type answered struct {
	RedirectURI string `json:"redirect_uri,omitempty"`
}

// response takes the wallet's answer (OpenID4VP §8.2).
func (s *Server) response(c echo.Context) error {
	body, err := readBody(c, openid4vp.MaxResponse)
	if err != nil {
		return err
	}
	done, err := s.cfg.Engine.Finish(c.Request().Context(), verifier.Response{
		ID: c.Param("id"), ContentType: c.Request().Header.Get(echo.HeaderContentType), Body: body,
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, answered{done.RedirectURI})
}

// proofType is the media type of a holder proof and of an erasure receipt.
const proofType = "application/jwt"

// readProof reads a holder proof, which is the whole body.
func readProof(c echo.Context) (string, error) {
	media, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || media != proofType {
		return "", &apiError{reason: "content_type"}
	}
	body, err := readBody(c, MaxProofBody)
	return string(body), err
}

// receipt gives the holder the receipt of their presentation; 202 while no
// checkpoint covers it.
func (s *Server) receipt(c echo.Context) error {
	proof, err := readProof(c)
	if err != nil {
		return err
	}
	receipt, err := s.cfg.Engine.Receipt(c.Request().Context(), c.Param("id"), proof)
	if reasonOf(err) == verifier.ReasonPending {
		c.Response().Header().Set("Retry-After", "1")
		return c.NoContent(http.StatusAccepted)
	}
	if err != nil {
		return err
	}
	return c.JSONBlob(http.StatusOK, receipt)
}

// withdraw takes a presentation back for good and answers with the signed
// erasure receipt.
func (s *Server) withdraw(c echo.Context) error {
	proof, err := readProof(c)
	if err != nil {
		return err
	}
	erasure, err := s.cfg.Engine.Withdraw(c.Request().Context(), c.Param("id"), proof)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, proofType, []byte(erasure))
}
