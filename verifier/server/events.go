package server

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"facet/verifier"
)

// events streams the state of one request as server-sent events until it ends
// or the client leaves.
func (s *Server) events(c echo.Context) error {
	if !s.streams.take(platformOf(c), s.around.Load().of(platformOf(c)).Streams) {
		return &apiError{reason: "streams_exhausted"}
	}
	defer s.streams.leave(platformOf(c))
	ctx, w := c.Request().Context(), c.Response()
	last := verifier.State("")
	tick := time.NewTicker(EventInterval)
	defer tick.Stop()
	for {
		state, err := s.cfg.Engine.Status(ctx, platformOf(c), c.Param("id"))
		if err != nil {
			return s.guess(c, err) // after the first event the answer is committed and the stream just ends
		}
		if state = shown(state); state != last {
			if err := writeEvent(w, stateBody{c.Param("id"), state}); err != nil {
				return err
			}
			last = state
		}
		if ended(state) {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.cfg.Stopping:
			return nil
		case <-tick.C:
		}
		if id, ok := s.keyHolder(c); !ok || id != platformOf(c) {
			return nil // its key was taken away meanwhile
		}
	}
}

func ended(s verifier.State) bool {
	switch s {
	case verifier.Open, verifier.Opened, verifier.Accepted, verifier.Logged:
		return false
	}
	return true
}

func writeEvent(w *echo.Response, event stateBody) error {
	if !w.Committed {
		w.Header().Set(echo.HeaderContentType, "text/event-stream")
		w.WriteHeader(http.StatusOK)
	}
	data, err := json.Marshal(event)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, "event: state\ndata: "+string(data)+"\n\n"); err != nil {
		return err
	}
	rc := http.NewResponseController(w)
	if err := rc.SetWriteDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return rc.Flush()
}
