package newsroom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	maxBegin  = 4 << 10                // bytes of a begin body
	readyWait = 250 * time.Millisecond // between looks at a result that is being logged
	readyFor  = 5 * time.Second
	stateWait = time.Second // between looks at a state, for events
	eventsFor = 6 * time.Minute
)

// begin opens a request at the verifier for this browser. <wallet-request>
// posts JSON and gets JSON; a plain form gets a page with the links.
func (s *site) begin(w http.ResponseWriter, r *http.Request) {
	p, ok := s.policies[r.PathValue("policy")]
	if !ok {
		s.notFound(w, r)
		return
	}
	flow, script, err := readFlow(w, r)
	if err != nil {
		s.fail(w, r, http.StatusBadRequest, "body_malformed")
		return
	}
	cookie := s.open(w, r)
	b, err := s.verifier.begin(r.Context(), p.ID, flow, ReturnURI(s.cfg.URL))
	if err != nil {
		slog.Warn("begin", "check", reason(err))
		s.fail(w, r, http.StatusBadGateway, reason(err))
		return
	}
	err = s.sessions.update(r.Context(), cookie, func(se *session) {
		se.Pending = append(se.Pending, pending{b.ID, r.PathValue("policy"), flow, local(r.URL.Query().Get("back")), b.ExpiresAt})
		if len(se.Pending) > maxPending {
			se.Pending = se.Pending[len(se.Pending)-maxPending:]
		}
	})
	if err != nil {
		s.fail(w, r, http.StatusServiceUnavailable, "unavailable")
		return
	}
	b.Events = "/facet/events/" + b.ID
	if !script {
		s.page(w, r, http.StatusOK, "wallets.html", "wallets.title", b)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(b)
}

// readFlow reads how the reader wants to answer, and whether a script asks.
func readFlow(w http.ResponseWriter, r *http.Request) (flow string, script bool, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBegin))
	if err != nil {
		return "", false, err
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return sameDevice, false, nil
	}
	var in struct{ Flow string }
	if err := json.Unmarshal(body, &in); err != nil {
		return "", true, err
	}
	switch in.Flow {
	case "", sameDevice:
		return sameDevice, true, nil
	case crossDevice:
		return crossDevice, true, nil
	}
	return "", true, errors.New("unknown flow")
}

// local keeps a way back inside the site.
func local(back string) string {
	if !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || strings.ContainsAny(back, "\\\r\n\t") || len(back) > 200 {
		return "/"
	}
	return back
}

// callback ends a same-device request: only the browser that began it has the
// session it began in (OpenID4VP §13.3). The code in the address is used up and
// gone from it with the 303.
func (s *site) callback(w http.ResponseWriter, r *http.Request) {
	code, c := r.URL.Query().Get("response_code"), cookie(r)
	se, _, err := s.sessions.get(r.Context(), c)
	if err != nil {
		s.fail(w, r, http.StatusServiceUnavailable, "unavailable")
		return
	}
	if r.URL.Query().Has("error") {
		s.unanswered(w, r, se)
		return
	}
	last := "request_unknown"
	for _, p := range slices.Backward(se.Pending) {
		if p.Flow != sameDevice || code == "" {
			continue
		}
		err := s.take(r.Context(), c, p, code)
		if err == nil {
			http.Redirect(w, r, p.Back, http.StatusSeeOther)
			return
		}
		if last = reason(err); last != "response_code_mismatch" && last != "result_not_ready" && last != "result_none" {
			break
		}
	}
	s.fail(w, r, http.StatusForbidden, last)
}

// unanswered goes back to where the reader was. Why nothing came is not ours to
// know: refused and not held look alike.
func (s *site) unanswered(w http.ResponseWriter, r *http.Request, se *session) {
	back := "/"
	for _, p := range slices.Backward(se.Pending) {
		if p.Flow == sameDevice {
			back = p.Back
			break
		}
	}
	u, err := url.Parse(back)
	if err != nil {
		u = &url.URL{Path: "/"}
	}
	q := u.Query()
	q.Set(unansweredMark, "1")
	u.RawQuery = q.Encode()
	http.Redirect(w, r, u.String(), http.StatusSeeOther)
}

// unansweredMark in an address has the page say that no confirmation came.
const unansweredMark = "ohne-antwort"

// take reads a result and keeps its hints in the session that began it. A
// result may still be on its way into the log: that is waited for, shortly.
func (s *site) take(ctx context.Context, cookie string, p pending, code string) error {
	ctx, stop := context.WithTimeout(ctx, readyFor)
	defer stop()
	for {
		res, err := s.verifier.result(ctx, p.ID, code, "news-"+p.ID)
		if err == nil {
			now := s.cfg.Now().Unix()
			return s.sessions.update(ctx, cookie, func(se *session) {
				se.keep(holding{ID: p.ID, Policy: p.Policy, Flow: p.Flow, Since: now, Checked: now, Hints: res.Hints})
			})
		}
		if reason(err) != "result_not_ready" {
			return err
		}
		state, stateErr := s.verifier.state(ctx, p.ID)
		if stateErr != nil || state == "open" || state == "opened" {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(readyWait):
		}
	}
}

// events tells the page where a request stands, and for an answer from another
// device takes the result before it says so. With Accept: application/json it
// answers once instead of streaming.
func (s *site) events(w http.ResponseWriter, r *http.Request) {
	c := cookie(r)
	se, _, err := s.sessions.get(r.Context(), c)
	i := -1
	if err == nil {
		i = slices.IndexFunc(se.Pending, func(p pending) bool { return p.ID == r.PathValue("id") })
	}
	if i < 0 {
		s.notFound(w, r)
		return
	}
	p := se.Pending[i]
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]string{"state": s.look(r.Context(), c, p)})
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	ctx, stop := context.WithTimeout(r.Context(), eventsFor)
	defer stop()
	for last := ""; ; {
		if state := s.look(ctx, c, p); state != last {
			last = state
			fmt.Fprintf(w, "event: state\ndata: {\"state\":%q}\n\n", state)
			if http.NewResponseController(w).Flush() != nil {
				return
			}
		}
		if ended(last) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(stateWait):
		}
	}
}

func ended(state string) bool {
	return slices.Contains([]string{"released", "refused", "expired", "rejected", "withdrawn", "error"}, state)
}

// look is a request's state. An answer from another device counts as released
// only when its hints are here.
func (s *site) look(ctx context.Context, cookie string, p pending) string {
	state, err := s.verifier.state(ctx, p.ID)
	if err != nil {
		return "open" // the verifier does not answer: nothing has changed that we know of
	}
	if state == "released" && p.Flow == crossDevice {
		if err := s.take(ctx, cookie, p, ""); err != nil {
			slog.Warn("result", "check", reason(err))
			return "error"
		}
	}
	return state
}

// current is the browser's session with everything gone that no longer stands:
// taken back, ended, or unconfirmed for a minute.
func (s *site) current(r *http.Request) *session {
	c := cookie(r)
	se, _, err := s.sessions.get(r.Context(), c)
	if err != nil || c == "" {
		return &session{}
	}
	now := s.cfg.Now()
	verdicts := map[string]string{} // by id: stands, withdrawn
	for _, h := range se.Held {
		if now.Sub(time.Unix(h.Checked, 0)) < recheck {
			continue
		}
		state, err := s.verifier.state(r.Context(), h.ID)
		var p *problem
		switch {
		case err == nil && state == "released":
			verdicts[h.ID] = "stands"
		case err == nil, errors.As(err, &p) && (p.Status == http.StatusNotFound || p.Status == http.StatusGone):
			verdicts[h.ID] = "withdrawn"
		}
	}
	apply := func(se *session) {
		for id, verdict := range verdicts {
			if verdict == "withdrawn" {
				se.drop(id, verdict, now)
				continue
			}
			for i := range se.Held {
				if se.Held[i].ID == id {
					se.Held[i].Checked = now.Unix()
				}
			}
		}
	}
	if apply(se); se.expire(now) || len(verdicts) > 0 {
		if err := s.sessions.update(r.Context(), c, apply); err != nil {
			slog.Warn("session", "check", reason(err))
		}
	}
	se.Held = slices.DeleteFunc(se.Held, func(h holding) bool { return now.Sub(time.Unix(h.Checked, 0)) > trustFor })
	return se
}

// reason is the code of an error, for the support line and the log.
func reason(err error) string {
	var r interface{ Reason() string }
	if errors.As(err, &r) && r.Reason() != "" {
		return r.Reason()
	}
	return "unavailable"
}
