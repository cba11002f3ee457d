package wallet

import (
	"context"
	"slices"
	"time"
)

// Today is what the holder wants today: the claims of urn:facet:today:1. It
// ends at local midnight and never lasts longer than MaxToday.
type Today struct {
	Persona    string `json:"persona,omitempty"`
	Goal       string `json:"goal,omitempty"`
	TimeBudget int    `json:"time_budget_min,omitempty"` // minutes; 0 = not stated
	Mood       string `json:"mood,omitempty"`
	Until      int64  `json:"until,omitempty"` // unix seconds; set by the wallet if absent
}

// MaxToday is the longest a statement about today can last.
const MaxToday = 24 * time.Hour

var (
	personas = []string{"private", "business", "family", "learning"}
	goals    = []string{"catch-up", "decide", "deep-dive", "relax", "plan-trip", "learn", "shop", "background"}
	moods    = []string{"calm", "curious", "cheerful", "tired", "stressed", "prefer-light", "prefer-not-to-say"}
	budgets  = []int{0, 2, 5, 10, 20, 45, 90}
)

// Today returns what still counts; the zero value when nothing does.
func (w *Wallet) Today(context.Context) (Today, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.today()
}

func (w *Wallet) today() (Today, error) {
	var t Today
	if _, err := w.get(recToday, recSingle, &t); err != nil {
		return Today{}, err
	}
	if !w.cfg.Now().Before(time.Unix(t.Until, 0)) {
		return Today{}, nil // over: never shown, never minted
	}
	return t, nil
}

// SetToday replaces today's statement. Until may be earlier than midnight (a
// page knows its own time zone) but never more than MaxToday ahead. A statement
// that says nothing is deleted. It returns what now counts.
func (w *Wallet) SetToday(ctx context.Context, t Today) (Today, error) {
	t.Persona, t.Goal, t.Mood = stated(t.Persona), stated(t.Goal), stated(t.Mood)
	if !oneOf(t.Persona, personas) || !oneOf(t.Goal, goals) || !oneOf(t.Mood, moods) || !slices.Contains(budgets, t.TimeBudget) {
		return Today{}, failf(CodePreferences, errPrefer)
	}
	now := w.cfg.Now()
	if until := time.Unix(t.Until, 0); t.Until == 0 || !until.After(now) || until.Sub(now) > MaxToday {
		t.Until = midnight(now.In(w.cfg.Location)).Unix()
	}
	err := w.change(ctx, func() error {
		if t.empty() {
			return w.remove(recToday, recSingle)
		}
		return w.put(recToday, recSingle, t)
	})
	if err != nil {
		return Today{}, err
	}
	if t.empty() {
		return Today{}, nil
	}
	return t, nil
}

func (t *Today) empty() bool {
	return t.Persona == "" && t.Goal == "" && t.Mood == "" && t.TimeBudget == 0
}

// midnight is the next start of a day in t's location, at most MaxToday away:
// a day of 25 hours ends an hour early.
func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	next := time.Date(y, m, d+1, 0, 0, 0, 0, t.Location())
	if next.Sub(t) > MaxToday {
		return t.Add(MaxToday)
	}
	return next
}
