package wallet

import (
	"context"
	"regexp"
	"slices"

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

	topicID   = regexp.MustCompile(`^[A-Za-z0-9]{1,8}$`)
	language  = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)
	halfHour  = regexp.MustCompile(`^([01]\d|2[0-3]):(00|30)$`)
	timeZone  = regexp.MustCompile(`^[A-Za-z0-9_+/-]{1,48}$`)
	errPrefer = "a value the preferences do not know"
)

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
	return eachMatches(p.Topics, MaxTopics, topicID) &&
		eachMatches(p.TopicsAvoid, MaxTopics, topicID) &&
		eachMatches(p.Languages, MaxLanguages, language) &&
		oneOf(p.Depth, depths) && oneOf(p.Tone, tones) && oneOf(p.Frequency, frequencies) &&
		eachOf(p.Formats, formats) && eachOf(p.Channels, channels) &&
		len(p.SendWindows) <= MaxSendWindows && allValid(p.SendWindows) &&
		(p.Ads == nil || p.Ads.valid())
}

func (a *Ads) valid() bool {
	return oneOf(a.Tolerance, tolerances) &&
		eachMatches(a.Topics, MaxAdTopics, topicID) &&
		eachMatches(a.TopicsAvoid, MaxTopics, topicID)
}

func allValid(ws []SendWindow) bool {
	return !slices.ContainsFunc(ws, func(s SendWindow) bool {
		return !eachOf(s.Days, days) || !halfHour.MatchString(s.From) || !halfHour.MatchString(s.To) || !timeZone.MatchString(s.TZ)
	})
}

// oneOf reports whether s is absent or one of the known words.
func oneOf(s string, known []string) bool { return s == "" || slices.Contains(known, s) }

// eachOf reports whether every element is a known word, none twice.
func eachOf(list, known []string) bool {
	return unique(list) && !slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(known, s) })
}

// eachMatches reports whether list has at most limit elements of that form,
// none twice.
func eachMatches(list []string, limit int, form *regexp.Regexp) bool {
	return len(list) <= limit && unique(list) &&
		!slices.ContainsFunc(list, func(s string) bool { return !form.MatchString(s) })
}

func unique(list []string) bool {
	seen := make(map[string]bool, len(list))
	for _, s := range list {
		seen[s] = true
	}
	return len(seen) == len(list)
}
