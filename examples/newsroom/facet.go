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

	"facet/verifier/client"
)

const (
	maxBegin  = 4 << 10         // bytes of a begin body
	readyFor  = 5 * time.Second // for a result that is being logged
	lookFor   = time.Second     // for a state a page waits for
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
	ask := client.Request{Policy: p.ID, Flow: flow}
	switch flow {
	case client.SameDevice:
		ask.ReturnURI = ReturnURI(s.cfg.URL)
	case client.DigitalAPI:
		ask.Origin = strings.TrimSuffix(s.cfg.URL, "/")
	}
	b, err := s.verifier.Begin(r.Context(), ask)
	if err != nil {
		slog.Warn("begin", "check", client.CodeOf(err))
		s.fail(w, r, http.StatusBadGateway, client.CodeOf(err))
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
func readFlow(w http.ResponseWriter, r *http.Request) (flow client.Flow, script bool, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBegin))
	if err != nil {
		return "", false, err
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return client.SameDevice, false, nil
	}
	in := struct{ Flow client.Flow }{client.SameDevice}
	if err := json.Unmarshal(body, &in); err != nil {
		return "", true, err
	}
	if !slices.Contains([]client.Flow{client.SameDevice, client.CrossDevice, client.DigitalAPI}, in.Flow) {
		return "", true, errors.New("unknown flow")
	}
	return in.Flow, true, nil
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
	code, c := r.URL.Query().Get("response_code"), s.cookie(r)
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
		if p.Flow != client.SameDevice || code == "" {
			continue
		}
		err := s.take(r.Context(), c, p, code)
		if err == nil {
			http.Redirect(w, r, p.Back, http.StatusSeeOther)
			return
		}
		last = client.CodeOf(err)
		if last != client.CodeMismatch && last != client.CodeNotReady && last != client.CodeNone {
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
		if p.Flow == client.SameDevice {
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

// answer takes what the reader's browser carried, and says how it ended. Only
// the session that began the request may answer it.
func (s *site) answer(w http.ResponseWriter, r *http.Request) {
	id, a, err := client.ReadAnswer(r.Body)
	if err != nil {
		s.fail(w, r, http.StatusBadRequest, "body_malformed")
		return
	}
	c := s.cookie(r)
	p, ok := s.pending(r.Context(), c, id)
	if !ok || p.Flow != client.DigitalAPI {
		s.fail(w, r, http.StatusForbidden, "request_unknown")
		return
	}
	state := client.Refused
	code, err := s.verifier.Answer(r.Context(), p.ID, a)
	if err == nil && code != "" {
		state, err = client.Released, s.take(r.Context(), c, p, code)
	}
	if err != nil {
		slog.Warn("answer", "check", client.CodeOf(err))
		s.fail(w, r, http.StatusForbidden, client.CodeOf(err))
		return
	}
	writeState(w, state)
}

// pending is a request that this browser began and nobody has answered yet.
func (s *site) pending(ctx context.Context, cookie, id string) (pending, bool) {
	se, _, err := s.sessions.get(ctx, cookie)
	if err != nil {
		return pending{}, false
	}
	i := slices.IndexFunc(se.Pending, func(p pending) bool { return p.ID == id })
	if i < 0 {
		return pending{}, false
	}
	return se.Pending[i], true
}

// take reads a result and keeps its hints in the session that began it. A
// result may still be on its way into the log: that is waited for, shortly.
func (s *site) take(ctx context.Context, cookie string, p pending, code string) error {
	ctx, stop := context.WithTimeout(ctx, readyFor)
	defer stop()
	res, err := s.verifier.Result(ctx, client.Reading{ID: p.ID, ResponseCode: code, Reader: "news-" + p.ID})
	if err != nil {
		return err
	}
	now := s.cfg.Now().Unix()
	return s.sessions.update(ctx, cookie, func(se *session) {
		se.keep(holding{ID: p.ID, Policy: p.Policy, Flow: p.Flow, Since: now, Checked: now, Hints: res.Hints})
	})
}

// events tells the page where a request stands. With Accept: application/json
// it answers once instead of streaming.
func (s *site) events(w http.ResponseWriter, r *http.Request) {
	c := s.cookie(r)
	p, ok := s.pending(r.Context(), c, r.PathValue("id"))
	if !ok {
		s.notFound(w, r)
		return
	}
	ctx, stop := context.WithTimeout(r.Context(), eventsFor)
	defer stop()
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		state, err := s.verifier.Status(ctx, p.ID)
		if err != nil {
			state = client.Open // the verifier does not answer: nothing has changed that we know of
		}
		writeState(w, s.arrived(ctx, c, p, state))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for state, err := range s.verifier.Events(ctx, p.ID) {
		if err != nil {
			return // the page asks again
		}
		fmt.Fprintf(w, "event: state\ndata: {\"state\":%q}\n\n", s.arrived(ctx, c, p, state))
		if http.NewResponseController(w).Flush() != nil {
			return
		}
	}
}

func writeState(w http.ResponseWriter, state client.State) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]client.State{"state": state})
}

// arrived is a state as the page may know it: an answer from another device
// counts as released only when its hints are here.
func (s *site) arrived(ctx context.Context, cookie string, p pending, state client.State) client.State {
	if state != client.Released || p.Flow != client.CrossDevice {
		return state
	}
	if err := s.take(ctx, cookie, p, ""); err != nil {
		slog.Warn("result", "check", client.CodeOf(err))
		return "error"
	}
	return state
}

// current is the browser's session with everything gone that no longer stands:
// taken back, ended, or unconfirmed for a minute.
func (s *site) current(r *http.Request) *session {
	c := s.cookie(r)
	se, _, err := s.sessions.get(r.Context(), c)
	if err != nil || c == "" {
		return &session{}
	}
	ctx, stop := context.WithTimeout(r.Context(), lookFor)
	defer stop()
	now := s.cfg.Now()
	verdicts := map[string]string{} // by id: stands, withdrawn
	for _, h := range se.Held {
		if now.Sub(time.Unix(h.Checked, 0)) < recheck {
			continue
		}
		state, err := s.verifier.Status(ctx, h.ID)
		switch {
		case err == nil && state == client.Released:
			verdicts[h.ID] = "stands"
		case err == nil, client.CodeOf(err) == client.CodeUnknown, client.CodeOf(err) == client.CodeWithdrawn:
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
			slog.Warn("session", "check", client.CodeOf(err))
		}
	}
	se.Held = slices.DeleteFunc(se.Held, func(h holding) bool { return now.Sub(time.Unix(h.Checked, 0)) > trustFor })
	return se
}
