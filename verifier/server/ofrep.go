package server

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"facet/policy/hints"
	"facet/verifier"
)

// mountOFREP adds the OpenFeature Remote Evaluation Protocol 0.3. Browsers
// bring the hint token of one result; a platform's server may bring its key and
// name the request in context.targetingKey.
func (s *Server) mountOFREP(g *echo.Group) {
	g.POST("/evaluate/flags", s.evaluateAll)
	g.POST("/evaluate/flags/:key", s.evaluate)
	for _, path := range []string{"/evaluate/flags", "/evaluate/flags/:key"} {
		g.OPTIONS(path, func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	}
}

type evaluation struct {
	Context map[string]any `json:"context"`
}

func (s *Server) evaluate(c echo.Context) error {
	set, err := s.hints(c)
	if err != nil {
		return evaluationFailed(c, c.Param("key"), err)
	}
	e, ok := set.Evaluate(c.Param("key"), s.cfg.Now().Unix())
	if !ok {
		return c.JSON(http.StatusNotFound, hints.NotFound(c.Param("key")))
	}
	return c.JSON(http.StatusOK, e)
}

func (s *Server) evaluateAll(c echo.Context) error {
	set, err := s.hints(c)
	if err != nil {
		return evaluationFailed(c, "", err)
	}
	return c.JSON(http.StatusOK, set.EvaluateAll(s.cfg.Now().Unix()))
}

// evaluationFailed answers in OFREP's words. A result that is gone is the same
// as one that never was: the token is not valid.
func evaluationFailed(c echo.Context, key string, err error) error {
	status, code := http.StatusUnauthorized, "GENERAL"
	_, m := explain(err)
	switch {
	case m.status == http.StatusBadRequest || m.status == http.StatusRequestEntityTooLarge: // only a body is
		status, code = http.StatusBadRequest, "PARSE_ERROR"
	case m.status >= 500 || m.status == http.StatusTooManyRequests || m.status == http.StatusForbidden:
		status = m.status
	}
	setRetryAfter(c, status, err)
	return c.JSON(status, hints.EvaluationFailure{Key: key, ErrorCode: code, ErrorDetails: m.detail})
}

// hints finds the hints the caller may evaluate.
func (s *Server) hints(c echo.Context) (hints.HintSet, error) {
	platform, isKey := s.keyHolder(c)
	spend := func() error { return s.spend(c, budgetOFREP) }
	if isKey { // its readers' evaluations come from one address
		spend = func() error { return s.spendAs(platform, budgetCalls) }
	}
	if err := spend(); err != nil {
		return nil, err
	}
	body, err := readBody(c, MaxBody)
	if err != nil {
		return nil, err
	}
	var in evaluation
	if len(body) > 0 {
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, &apiError{reason: "body_malformed"}
		}
	}
	token, ok := bearer(c)
	if !ok {
		return nil, &apiError{reason: verifier.ReasonToken}
	}
	if !isKey {
		return s.cfg.Engine.Hints(c.Request().Context(), token)
	}
	id, _ := in.Context["targetingKey"].(string)
	return s.cfg.Engine.HintsByID(c.Request().Context(), platform, id)
}
