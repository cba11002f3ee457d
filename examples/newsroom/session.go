package newsroom

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"facet/policy/hints"
	"facet/store"
	"facet/verifier/client"
)

const (
	sessionCookie = "morgenblatt_session"

	maxPending = 8
	maxGone    = 10
	recheck    = 5 * time.Second  // a page older than this asks whether everything still stands
	trustFor   = 60 * time.Second // without an answer for so long, nothing is used
)

// A session is what the newsroom knows of one browser. It begins with the first
// request to a wallet, not with the first visit.
type session struct {
	Pending []pending `json:"pending,omitempty"` // oldest first
	Held    []holding `json:"held,omitempty"`    // oldest first
	Gone    []gone    `json:"gone,omitempty"`
}

// pending is a request this browser began.
type pending struct {
	ID     string      `json:"id"`
	Policy string      `json:"policy"`
	Flow   client.Flow `json:"flow"`
	Back   string      `json:"back"`
	Until  int64       `json:"until"` // unix seconds
}

// holding is one approval, as long as it lasts.
type holding struct {
	ID      string        `json:"id"`
	Policy  string        `json:"policy"`
	Flow    client.Flow   `json:"flow"`
	Since   int64         `json:"since"`
	Checked int64         `json:"checked"` // when the verifier last said that it stands
	Hints   hints.HintSet `json:"hints"`
}

// gone remembers that something was deleted, never what.
type gone struct {
	Policy string `json:"policy"`
	At     int64  `json:"at"`
	Why    string `json:"why"` // withdrawn, ended, deleted
	Count  int    `json:"count"`
}

// until is when the last hint ends.
func (h *holding) until() int64 {
	var end int64
	for _, one := range h.Hints {
		end = max(end, one.Exp)
	}
	return end
}

// given are the hints that say something at a time.
func (h *holding) given(now int64) hints.HintSet {
	return slices.DeleteFunc(slices.Clone(h.Hints), func(one hints.Hint) bool {
		return one.Withheld || one.Value == nil || one.Exp <= now
	})
}

// drop deletes a holding and notes why.
func (s *session) drop(id, why string, now time.Time) {
	s.Held = slices.DeleteFunc(s.Held, func(h holding) bool {
		if h.ID != id {
			return false
		}
		n := len(h.given(0))
		s.Gone = append(s.Gone, gone{h.Policy, now.Unix(), why, n})
		return true
	})
	if len(s.Gone) > maxGone {
		s.Gone = s.Gone[len(s.Gone)-maxGone:]
	}
}

// keep adds a holding; an older one of the same policy makes room for it.
func (s *session) keep(h holding) {
	s.Held = slices.DeleteFunc(s.Held, func(o holding) bool { return o.Policy == h.Policy })
	s.Held = append(s.Held, h)
	s.Pending = slices.DeleteFunc(s.Pending, func(p pending) bool { return p.ID == h.ID })
}

// expire drops what has ended and forgets requests nobody can answer any more.
func (s *session) expire(now time.Time) (changed bool) {
	for _, h := range slices.Clone(s.Held) {
		if h.until() <= now.Unix() {
			s.drop(h.ID, "ended", now)
			changed = true
		} else if slices.ContainsFunc(h.Hints, func(o hints.Hint) bool { return o.Exp <= now.Unix() && o.Value != nil }) {
			i := slices.IndexFunc(s.Held, func(o holding) bool { return o.ID == h.ID })
			s.Held[i].Hints = h.given(now.Unix())
			changed = true
		}
	}
	n := len(s.Pending)
	s.Pending = slices.DeleteFunc(s.Pending, func(p pending) bool { return p.Until <= now.Unix() })
	return changed || len(s.Pending) != n
}

// sessions keeps sessions under the hash of their cookie, so that the store
// alone opens none.
type sessions struct {
	store store.Store
	now   func() time.Time
}

func sessionKey(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return "news/session/" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// cookieName is what the session's cookie is called. Under __Host- nobody but
// this host can have set it: no other site of the domain hands its own session to
// a reader, to find the hints in it later.
func (s *site) cookieName() string {
	if s.secure {
		return "__Host-" + sessionCookie
	}
	return sessionCookie // browsers take the prefix over https only
}

// cookie is the browser's session cookie; "" when it has none.
func (s *site) cookie(r *http.Request) string {
	c, err := r.Cookie(s.cookieName())
	if err != nil || len(c.Value) != 43 {
		return ""
	}
	return c.Value
}

// open returns the browser's cookie, making and setting one if it has none.
func (s *site) open(w http.ResponseWriter, r *http.Request) string {
	if c := s.cookie(r); c != "" {
		return c
	}
	var b [32]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	value := base64.RawURLEncoding.EncodeToString(b[:])
	http.SetCookie(w, &http.Cookie{Name: s.cookieName(), Value: value, Path: "/", HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode})
	return value
}

// get reads a session; an unknown cookie has an empty one.
func (ss sessions) get(ctx context.Context, cookie string) (*session, store.Version, error) {
	s := &session{}
	if cookie == "" {
		return s, 0, nil
	}
	b, v, err := ss.store.Get(ctx, sessionKey(cookie))
	if errors.Is(err, store.ErrNotFound) {
		return s, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	return s, v, json.Unmarshal(b, s)
}

// update changes a session; change may run several times.
func (ss sessions) update(ctx context.Context, cookie string, change func(*session)) error {
	for {
		s, v, err := ss.get(ctx, cookie)
		if err != nil {
			return err
		}
		change(s)
		s.expire(ss.now())
		b, err := json.Marshal(s)
		if err != nil {
			return err
		}
		if _, err = ss.store.Swap(ctx, sessionKey(cookie), v, b); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}
