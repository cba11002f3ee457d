package server

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"facet/credentials/openid4vp"
	"facet/verifier"
)

// MaxAnswer is the most bytes of an answer handed over by a platform: a
// response and the JSON around it.
const MaxAnswer = openid4vp.MaxResponse + 1<<10

type answerIn struct {
	Protocol string          `json:"protocol"`
	Data     json.RawMessage `json:"data"`
	Fragment string          `json:"fragment"`
}

type answerBody struct {
	ResponseCode string `json:"response_code,omitempty"`
	Error        string `json:"error,omitempty"`
}

// answer takes what the browser gave the platform's page: a DigitalCredential
// or a fragment (OpenID4VP App. A.4, §5.6).
func (s *Server) answer(c echo.Context) error {
	var in answerIn
	if err := readJSONUpTo(c, MaxAnswer, &in); err != nil {
		return err
	}
	if (in.Fragment == "") == (in.Protocol == "" || in.Data == nil) {
		return &apiError{reason: "body_malformed"}
	}
	got, err := s.cfg.Engine.Answer(c.Request().Context(), verifier.Answer{
		Platform: platformOf(c), ID: c.Param("id"), Protocol: in.Protocol, Data: in.Data, Fragment: in.Fragment,
	})
	if err != nil {
		return s.guess(c, err)
	}
	if got.ResponseCode == "" {
		return c.JSON(http.StatusOK, answerBody{Error: string(openid4vp.CodeAccessDenied)})
	}
	return c.JSON(http.StatusOK, answerBody{ResponseCode: got.ResponseCode})
}
