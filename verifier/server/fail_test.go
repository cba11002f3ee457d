package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

// TestMalformedBodySaysWhere: who misspells a member reads which one, and
// nothing else they sent is repeated.
func TestMalformedBodySaysWhere(t *testing.T) {
	for body, want := range map[string]string{
		`{"polcy":"home"}`:            "There is no member polcy.",
		`{"policy":5}`:                "The member policy has another type.",
		`{"policy"`:                   "not a strict JSON object",
		``:                            "not a strict JSON object",
		`[]`:                          "not a strict JSON object",
		`{"policy":"a","policy":"b"}`: "not a strict JSON object",
		`{"<b>8 Main St</b>":1}`:      "not the JSON expected here.",
	} {
		r := httptest.NewRequest(http.MethodPost, "/v1/requests", strings.NewReader(body))
		r.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
		code, m := explain(readJSON(echo.New().NewContext(r, httptest.NewRecorder()), &beginBody{}))
		if code != "body_malformed" || m.status != http.StatusBadRequest || !strings.Contains(m.detail, want) || strings.Contains(m.detail, "Main St") {
			t.Errorf("%s: %s, %+v", body, code, m)
		}
	}
	if m := meanings["body_malformed"]; strings.Contains(m.detail, "member") {
		t.Errorf("a note stays: %q", m.detail)
	}
}
