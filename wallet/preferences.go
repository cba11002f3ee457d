package wallet

import (
	"context"
	"slices"
	"strings"

	"facet/schemas"
)

// Preferences are the lasting media preferences the holder states about
// themselves: the claims of urn:facet:media-preferences:1. What is absent was
// not stated. They are kept as plain data and become a credential only at the
// moment of consent (see mint.go).
type Preferences struct {
	Topics      []string     `json:"topics,omitempty"`
	TopicsAvoid []string     `json:"topics_avoid,omitempty"`
	Depth       string       `json:"depth,omitempty"`
	Tone        string       `json:"tone,omitempty"`
	Formats     []string     `json:"formats,omitempty"`
	Languages   []string     `json:"languages,omitempty"`
	Frequency   string       `json:"frequency,omitempty"`
	SendWindows []SendWindow `json:"send_windows,omitempty"`
	Channels    []string     `json:"channels,omitempty"`
	Ads         *Ads         `json:"ads,omitempty"`
}

// A SendWindow is when something may be sent, in half hours of a time zone.
type SendWindow struct {
	Days []string `json:"days"`
	From string   `json:"from"`
	To   string   `json:"to"`
	TZ   string   `json:"tz"`
}

// Ads is what the holder says about advertising.
type Ads struct {
	Tolerance   string   `json:"tolerance,omitempty"`
	Topics      []string `json:"topics,omitempty"`
	TopicsAvoid []string `json:"topics_avoid,omitempty"`
}

// Saved answers a change.
type Saved struct {
	SavedAt int64 `json:"saved_at"`
}

// Limits of the media preferences schema.
const (
	MaxTopics      = 32
	MaxAdTopics    = 16
	MaxLanguages   = 8
	MaxSendWindows = 4
)

var (
	depths      = []string{"overview", "standard", "detail"}
	tones       = []string{"formal", "neutral", "informal"}
	formats     = []string{"text", "audio", "video", "live", "interactive"}
	frequencies = []string{"realtime", "daily", "weekdays", "weekly", "monthly", "never"}
	channels    = []string{"web", "app", "email", "push", "audio", "none"}
	tolerances  = []string{"none", "contextual-only", "chosen-topics"}
	days        = []string{"mo", "tu", "we", "th", "fr", "sa", "su"}
)

const errPrefer = "a value the preferences do not know"

// Preferences returns what the holder stated; empty when nothing.
func (w *Wallet) Preferences(context.Context) (Preferences, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.preferences()
}

func (w *Wallet) preferences() (Preferences, error) {
	var p Preferences
	_, err := w.get(recPreferences, recSingle, &p)
	return p, err
}

// stated turns the word for "nothing said" into nothing.
func stated(s string) string {
	if s == schemas.NoPreference {
		return ""
	}
	return s
}

// SetPreferences replaces what the holder stated. A value outside the schema
// is refused with reason preferences_invalid.
func (w *Wallet) SetPreferences(ctx context.Context, p Preferences) (Saved, error) {
	p.Depth, p.Tone, p.Frequency = stated(p.Depth), stated(p.Tone), stated(p.Frequency)
	if p.Ads != nil {
		p.Ads.Tolerance = stated(p.Ads.Tolerance)
	}
	if !p.valid() {
		return Saved{}, failf(CodePreferences, errPrefer)
	}
	if err := w.change(ctx, func() error { return w.put(recPreferences, recSingle, p) }); err != nil {
		return Saved{}, err
	}
	return Saved{SavedAt: w.cfg.Now().Unix()}, nil
}

func (p *Preferences) valid() bool {
	return each(p.Topics, MaxTopics, topicID) &&
		each(p.TopicsAvoid, MaxTopics, topicID) &&
		each(p.Languages, MaxLanguages, languageTag) &&
		oneOf(p.Depth, depths) && oneOf(p.Tone, tones) && oneOf(p.Frequency, frequencies) &&
		eachOf(p.Formats, formats) && eachOf(p.Channels, channels) &&
		len(p.SendWindows) <= MaxSendWindows && allValid(p.SendWindows) &&
		(p.Ads == nil || p.Ads.valid())
}

func (a *Ads) valid() bool {
	return oneOf(a.Tolerance, tolerances) &&
		each(a.Topics, MaxAdTopics, topicID) &&
		each(a.TopicsAvoid, MaxTopics, topicID)
}

func allValid(ws []SendWindow) bool {
	return !slices.ContainsFunc(ws, func(s SendWindow) bool {
		return !eachOf(s.Days, days) || !halfHour(s.From) || !halfHour(s.To) || !timeZone(s.TZ)
	})
}

// oneOf reports whether s is absent or one of the known words.
func oneOf(s string, known []string) bool { return s == "" || slices.Contains(known, s) }

// eachOf reports whether every element is a known word, none twice.
func eachOf(list, known []string) bool {
	return unique(list) && !slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(known, s) })
}

// each reports whether list has at most limit elements of that form, none
// twice.
func each(list []string, limit int, form func(string) bool) bool {
	return len(list) <= limit && unique(list) &&
		!slices.ContainsFunc(list, func(s string) bool { return !form(s) })
}

// topicID: 1 to 8 letters or digits.
func topicID(s string) bool { return made(s, 1, 8, "") }

// languageTag: subtags of 1 to 8 letters or digits, the first of 2 to 8 letters
// (the shape of BCP 47).
func languageTag(s string) bool {
	subtags := strings.Split(s, "-")
	first := subtags[0]
	return made(first, 2, 8, "") && !strings.ContainsAny(first, "0123456789") &&
		!slices.ContainsFunc(subtags, func(t string) bool { return !made(t, 1, 8, "") })
}

// halfHour: 00:00 to 23:30.
func halfHour(s string) bool {
	hour, minute, ok := strings.Cut(s, ":")
	return ok && (minute == "00" || minute == "30") && len(hour) == 2 &&
		strings.Contains("012", hour[:1]) && hour[1] >= '0' && hour[1] <= '9' && hour <= "23"
}

// timeZone: a name of the time zone database, unchecked beyond its letters.
func timeZone(s string) bool { return made(s, 1, 48, "_+-/") }

// made reports whether s has least to most ASCII letters, digits and extra
// characters.
func made(s string, least, most int, extra string) bool {
	return len(s) >= least && len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(extra, r))
	})
}

func unique(list []string) bool {
	seen := make(map[string]bool, len(list))
	for _, s := range list {
		seen[s] = true
	}
	return len(seen) == len(list)
}
