package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"facet/audit"
	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/policy/hints"
	"facet/verifier"
)

func (s *Server) mountPlatform(g *echo.Group) {
	g.POST("/requests", s.begin)
	g.GET("/requests/:id", s.state)
	g.GET("/requests/:id/events", s.events)
	g.POST("/requests/:id/answer", s.answer)
	g.POST("/requests/:id/result", s.result)
}

const contextPlatform = "platform"

func platformOf(c echo.Context) string {
	name, _ := c.Get(contextPlatform).(string)
	return name
}

// platform lets a platform's server in by its key, and no browser.
func (s *Server) platform(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if site := c.Request().Header.Get("Sec-Fetch-Site"); site != "" && site != "none" {
			return &apiError{reason: "csrf"}
		}
		id, ok := s.keyHolder(c)
		if !ok {
			if err := s.spend(c, budgetFailedKeys); err != nil {
				return err
			}
			c.Response().Header().Set("WWW-Authenticate", `Bearer realm="facet"`)
			return &apiError{reason: "api_key_invalid"}
		}
		if err := s.spendAs(id, budgetCalls); err != nil {
			return err
		}
		c.Set(contextPlatform, id)
		return next(c)
	}
}

// keyHolder finds the platform of the bearer key. The look-up is by hash, so
// its timing says nothing about the keys.
func (s *Server) keyHolder(c echo.Context) (string, bool) {
	key, ok := bearer(c)
	if !ok {
		return "", false
	}
	k, ok := s.around.Load().keys[HashKey(key)]
	return k.Platform, ok && (k.Until.IsZero() || s.cfg.Now().Before(k.Until))
}

func bearer(c echo.Context) (string, bool) {
	scheme, token, ok := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
	return token, ok && strings.EqualFold(scheme, "bearer") && token != ""
}

type beginBody struct {
	Policy    string     `json:"policy"`
	Flow      audit.Flow `json:"flow"`
	ReturnURI string     `json:"return_uri"`
	Wallet    string     `json:"wallet"`
	Origin    string     `json:"origin"`
	Mode      string     `json:"response_mode"`
}

type begunBody struct {
	ID        string            `json:"id"`
	ExpiresAt int64             `json:"expires_at"`
	Links     []verifier.Link   `json:"links,omitempty"`
	Digital   *verifier.Digital `json:"digital,omitempty"`
	Events    string            `json:"events"`
}

func (s *Server) begin(c echo.Context) error {
	var in beginBody
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if in.Flow == "" {
		in.Flow = audit.SameDevice
	}
	b, err := s.cfg.Engine.Begin(c.Request().Context(), verifier.BeginRequest{
		Platform: platformOf(c), Policy: in.Policy, Flow: in.Flow, ReturnURI: in.ReturnURI, Wallet: in.Wallet,
		Origin: in.Origin, ResponseMode: in.Mode,
		IdempotencyKey: c.Request().Header.Get("Idempotency-Key"),
	})
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderLocation, "/v1/requests/"+b.ID)
	return c.JSON(http.StatusCreated, begunBody{b.ID, b.ExpiresAt.Unix(), b.Links, b.Digital, "/v1/requests/" + b.ID + "/events"})
}

type stateBody struct {
	ID    string         `json:"id"`
	State verifier.State `json:"state"`
}

func (s *Server) state(c echo.Context) error {
	state, err := s.cfg.Engine.Status(c.Request().Context(), platformOf(c), c.Param("id"))
	if err != nil {
		return s.guess(c, err)
	}
	return c.JSON(http.StatusOK, stateBody{c.Param("id"), shown(state)})
}

// shown hides a state platforms have no use for: whether the log was already
// told about a withdrawal.
func shown(s verifier.State) verifier.State {
	if s == verifier.Withdrawing {
		return verifier.Withdrawn
	}
	return s
}

type resultIn struct {
	ResponseCode string `json:"response_code"`
}

type resultBody struct {
	ID           string                     `json:"id"`
	Purpose      string                     `json:"purpose"`
	Policy       audit.PolicyRef            `json:"policy"`
	Flow         audit.Flow                 `json:"flow"`
	ExpiresAt    int64                      `json:"expires_at"`
	Hints        hints.HintSet              `json:"hints,omitempty"`
	Claims       map[string]claims.Set      `json:"claims,omitempty"`
	Sources      map[string]verifier.Source `json:"sources"`
	HintToken    string                     `json:"hint_token,omitempty"`
	HintTokenEnd int64                      `json:"hint_token_expires_at,omitempty"`
}

func (s *Server) result(c echo.Context) error {
	var in resultIn
	if err := readJSON(c, &in); err != nil {
		return err
	}
	r, err := s.cfg.Engine.Result(c.Request().Context(), verifier.Reading{
		Platform: platformOf(c), ID: c.Param("id"), ResponseCode: in.ResponseCode,
		Reader: c.Request().Header.Get("Idempotency-Key"),
	})
	if err != nil {
		return s.guess(c, err)
	}
	out := resultBody{
		ID: r.ID, Purpose: r.Purpose, Policy: r.Policy, Flow: r.Flow, ExpiresAt: r.ExpiresAt.Unix(),
		Hints: r.Hints, Claims: r.Claims, Sources: r.Sources, HintToken: r.HintToken,
	}
	if r.HintToken != "" {
		out.HintTokenEnd = r.TokenEnds.Unix()
	}
	return c.JSON(http.StatusOK, out)
}

// guess counts look-ups that found nothing: a platform that keeps missing is
// slowed down, whatever it is looking for.
func (s *Server) guess(c echo.Context, err error) error {
	switch reasonOf(err) {
	case verifier.ReasonUnknown, verifier.ReasonCodeMismatch:
		if spent := s.spendAs(platformOf(c), budgetMisses); spent != nil {
			return spent
		}
	}
	return err
}

// readJSON reads a small strict JSON object; unknown members are refused, so
// that nobody believes to have asked for what was never looked at.
func readJSON(c echo.Context, into any) error { return readJSONUpTo(c, MaxBody, into) }

func readJSONUpTo(c echo.Context, limit int, into any) error {
	media, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || media != echo.MIMEApplicationJSON {
		return &apiError{reason: "content_type"}
	}
	body, err := readBody(c, int64(limit))
	if err != nil {
		return err
	}
	if _, err := jose.ParseObject(body, jose.Limits{MaxSize: limit}); err != nil {
		return &apiError{"body_malformed", "It is not a strict JSON object."}
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return &apiError{"body_malformed", noteOf(err)}
	}
	return nil
}

// noteOf names the member a decoder stumbled over.
func noteOf(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return "The member " + wrong.Field + " has another type."
	}
	name, ok := strings.CutPrefix(err.Error(), "json: unknown field ")
	if name, err := strconv.Unquote(name); ok && err == nil && memberName.MatchString(name) {
		return "There is no member " + name + "."
	}
	return ""
}

// memberName is what a name may look like to be repeated.
var memberName = regexp.MustCompile(`^[A-Za-z_]{1,40}$`)

// maxRoom is the most bytes that are made free for a body before it comes, on
// its sender's word.
const maxRoom = 32 << 10

// readBody reads a body of limited size. One that ends early, arrives too
// slowly or is framed wrongly is its sender's fault.
func readBody(c echo.Context, limit int64) ([]byte, error) {
	r := c.Request()
	room := bytes.NewBuffer(make([]byte, 0, bytes.MinRead+min(max(0, r.ContentLength), limit, maxRoom)))
	_, err := room.ReadFrom(http.MaxBytesReader(c.Response(), r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &apiError{reason: "size_limit"}
	case err != nil:
		return nil, &apiError{reason: "body_incomplete"}
	}
	return room.Bytes(), nil
}
