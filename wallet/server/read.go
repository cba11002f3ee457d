package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"
)

// maxJSON is the largest JSON message, in bytes.
const maxJSON = 4 << 10

// readBody reads at most max bytes; a longer body is refused, not cut.
func readBody(c echo.Context, max int64) ([]byte, error) {
	if c.Request().ContentLength > max {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, max))
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return nil, tooLarge
	}
	if err != nil {
		return nil, malformed
	}
	return body, nil
}

// readJSON reads one JSON object strictly. An empty body is an empty object.
func readJSON(c echo.Context, v any) error {
	body, err := readBody(c, maxJSON)
	if err != nil || len(body) == 0 {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return malformed
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return malformed
	}
	return nil
}
