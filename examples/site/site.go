// Package site is the least a media site adds to its own server: one place to
// ask, one to follow the answer, one to come back to, one to hear that something
// was taken back. A page needs <wallet-request begin="/facet/begin"
// next="/facet/back"> and reads the hints of its visitor.
//
// It keeps hints in memory and knows one request for each visitor. Morgenblatt
// (examples/newsroom) shows what a real site does besides: the browser's own
// API, several policies, the reader's own data.
package site

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"facet/policy/hints"
	"facet/verifier/client"
)

// Config says how the site asks.
type Config struct {
	URL      string // the site's own address; URL/facet/back is registered at the verifier
	Policy   string
	Verifier client.Config
	Webhooks client.WebhookConfig
}

// A Site is safe for many visitors at once. Make one with New.
type Site struct {
	cfg      Config
	facet    *client.Client
	webhooks *client.Webhooks

	mu   sync.Mutex // guards kept
	kept map[string]*client.Result
}

// New checks the configuration.
func New(cfg Config) (*Site, error) {
	facet, err := client.New(cfg.Verifier)
	if err != nil {
		return nil, err
	}
	webhooks, err := client.NewWebhooks(cfg.Webhooks)
	if err != nil {
		return nil, err
	}
	return &Site{cfg: cfg, facet: facet, webhooks: webhooks, kept: map[string]*client.Result{}}, nil
}

// Mount adds the four addresses.
func (s *Site) Mount(mux *http.ServeMux) {
	guard := http.NewCrossOriginProtection()
	mux.Handle("POST /facet/begin", guard.Handler(http.HandlerFunc(s.begin)))
	mux.HandleFunc("GET /facet/events", s.events)
	mux.HandleFunc("GET /facet/back", s.back)
	mux.HandleFunc("POST /facet/hook", s.hook)
}

// begin asks, by the name of a policy: there is no other way to ask. The
// visitor's browser keeps the request's id where no script reads it.
func (s *Site) begin(w http.ResponseWriter, r *http.Request) {
	var page struct{ Flow client.Flow } // whether the wallet is on this device or another
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&page); err != nil {
		http.Error(w, "not from <wallet-request>", http.StatusBadRequest)
		return
	}
	ask := client.Request{Policy: s.cfg.Policy, Flow: page.Flow}
	if page.Flow == client.SameDevice {
		ask.ReturnURI = s.cfg.URL + "/facet/back"
	}
	begun, err := s.facet.Begin(r.Context(), ask)
	if err != nil {
		s.fail(w, err)
		return
	}
	s.remember(w, begun.ID)
	begun.Events = "/facet/events"
	json.NewEncoder(w).Encode(begun) // <wallet-request> takes it from here
}

// events tells the page how its request stands while another device answers it.
func (s *Site) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for state, err := range s.facet.Events(r.Context(), s.visitor(r)) {
		if err != nil {
			return // the browser asks again
		}
		fmt.Fprintf(w, "data: %s\n\n", state)
		http.NewResponseController(w).Flush()
	}
}

// back is where the wallet leads back to, and the page after another device has
// answered. Only the browser that asked has the id, only an answer to that
// request has the code; on another device there is none.
func (s *Site) back(w http.ResponseWriter, r *http.Request) {
	id, query := s.visitor(r), r.URL.Query()
	if !query.Has("error") { // else nothing came; why, is not ours to know
		result, err := s.facet.Result(r.Context(), client.Reading{ID: id, ResponseCode: query.Get("response_code"), Reader: "site"})
		if err != nil {
			s.fail(w, err)
			return
		}
		s.keep(id, result)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// hook hears what became of requests. Taken back means deleted.
func (s *Site) hook(w http.ResponseWriter, r *http.Request) {
	event, err := s.webhooks.Receive(r)
	switch {
	case err != nil:
		w.WriteHeader(http.StatusUnauthorized)
	case event.State == client.Withdrawn:
		s.keep(event.Request, nil)
	}
}

// Hints are what this visitor approved, while it lasts; none for everybody else.
func (s *Site) Hints(r *http.Request) hints.HintSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.kept[s.visitor(r)]; k != nil && s.cfg.Webhooks.Now().Unix() < k.ExpiresAt {
		return k.Hints
	}
	return nil
}

// keep keeps a result, or forgets it, and with it all that are over.
func (s *Site) keep(id string, result *client.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, k := range s.kept {
		if s.cfg.Webhooks.Now().Unix() >= k.ExpiresAt {
			delete(s.kept, id)
		}
	}
	if delete(s.kept, id); result != nil {
		s.kept[id] = result
	}
}

// fail says it to <wallet-request>, which has words for people; a real site has
// a page for those who come back to one.
func (s *Site) fail(w http.ResponseWriter, err error) {
	slog.Warn("facet", "check", client.CodeOf(err), "error", err)
	w.WriteHeader(http.StatusBadGateway)
	json.NewEncoder(w).Encode(map[string]string{"code": client.CodeOf(err)})
}

// cookieName is under __Host- where that works: then no other site of the same
// domain can have put its own request into a visitor's browser.
func (s *Site) cookieName() string {
	if s.secure() {
		return "__Host-facet-request"
	}
	return "facet-request"
}

func (s *Site) secure() bool { return strings.HasPrefix(s.cfg.URL, "https:") }

func (s *Site) remember(w http.ResponseWriter, id string) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(), Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: s.secure(), MaxAge: int((7 * 24 * time.Hour).Seconds()),
	})
}

func (s *Site) visitor(r *http.Request) string {
	c, err := r.Cookie(s.cookieName())
	if err != nil {
		return ""
	}
	return c.Value
}
