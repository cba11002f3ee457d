package newsroom

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"facet/policy/hints"
	"facet/schemas"
)

// Moods that suit what today.mood asks for.
var moods = map[string][]string{
	"light":   {"cheerful", "calm", "confident"},
	"curious": {"curious", "thrilling"},
}

// Minutes an edition may take, by today.pace; 0: no end.
var paces = map[string]int{"flash": 2, "quick": 5, "short": 10, "calm": 20, "relaxed": 0}

// edition is the paper as one reader gets it: what the hints that stand now say,
// each with its own why.
type edition struct {
	Lang    string
	Length  string // short, medium, long
	Layout  string // standard, dashboard, guide
	Topics  []string
	Mood    string
	Minutes int
	Tier    string
	Adult   bool
	Neutral bool // the editors' page was asked for
	Why     map[string]*why

	hurried bool     // Length follows the time, not article.length
	held    []string // policies with an approval that stands
}

// Holds reports whether an approval of that policy stands.
func (e *edition) Holds(policy string) bool { return slices.Contains(e.held, policy) }

// LengthWhy is the hint that set the length of texts.
func (e *edition) LengthWhy() string {
	if e.hurried {
		return "today.pace"
	}
	return "article.length"
}

// why is what <hint-why> says beside something adapted.
type why struct {
	Explain, Source, Until, Without string
}

// editionOf reads the hints of a session. Two approvals may give the same hint:
// the younger one counts. With ?fassung=redaktion nothing is adapted, but what
// was opened stays open.
func (s *site) editionOf(r *http.Request, se *session) *edition {
	e := &edition{Length: "medium", Layout: "standard", Why: map[string]*why{}, Neutral: r.URL.Query().Get("fassung") == "redaktion"}
	now := s.cfg.Now()
	given := map[string]hints.Hint{}
	for _, h := range se.Held {
		e.held = append(e.held, h.Policy)
		for _, one := range h.given(now.Unix()) {
			given[one.Key] = one
		}
	}
	e.Tier, _ = given["access.tier"].Value.(string)
	e.Adult = given["age.over18"].Value == true && given["age.over18"].Assurance == hints.IssuerSigned
	e.Lang = s.language(r, given["ui.language"])
	if !e.Neutral {
		e.adapt(given)
	}
	for key, one := range given {
		if e.uses(r, key) {
			e.Why[key] = s.why(one, e.Lang)
		}
	}
	return e
}

func (e *edition) adapt(given map[string]hints.Hint) {
	if v, _ := given["article.length"].Value.(string); slices.Contains(lengths, v) {
		e.Length = v
	}
	if v, _ := given["ui.layout"].Value.(string); v == "dashboard" || v == "guide" {
		e.Layout = v
	}
	e.Mood, _ = given["today.mood"].Value.(string)
	pace, _ := given["today.pace"].Value.(string)
	if e.Minutes = paces[pace]; e.Minutes > 0 && e.Minutes <= 5 && e.Length != "short" {
		e.Length = "short" // so little time weighs more than a liking for length
		e.hurried = true
	}
	e.Topics = list(given["home.topics"].Value)
}

// uses reports whether a hint shows on this reader's pages at all.
func (e *edition) uses(r *http.Request, key string) bool {
	switch key {
	case "access.tier", "age.over18":
		return true
	case "article.length":
		return !e.Neutral && !e.hurried
	case "ui.language":
		return chosenLanguage(r) == ""
	}
	return !e.Neutral
}

// Adapted reports whether anything but access differs from the editors' page.
func (e *edition) Adapted() bool {
	return len(e.Topics) > 0 || e.Minutes > 0 || len(moods[e.Mood]) > 0 || e.Layout != "standard" || e.Length != "medium"
}

// Chips say in words which version this is.
func (e *edition) Chips() []string {
	var out []string
	if e.Layout != "standard" {
		out = append(out, say(e.Lang, "layout."+e.Layout))
	}
	if e.Minutes > 0 {
		out = append(out, say(e.Lang, "minutes", e.Minutes))
	}
	if e.Length != "medium" {
		out = append(out, say(e.Lang, "length."+e.Length))
	}
	for _, id := range e.Topics {
		if t, ok := schemas.TopicByID(id); ok {
			out = append(out, t.Name[e.Lang])
		}
	}
	if len(moods[e.Mood]) > 0 {
		out = append(out, say(e.Lang, "moodchip."+e.Mood))
	}
	return out
}

// order sorts stories for this edition: chosen topics in the reader's order,
// then what suits the mood, else as the editors have it.
func (e *edition) order(all []*article) []*article {
	rank := func(a *article) int {
		for i, topic := range e.Topics {
			if a.about(topic) {
				return i
			}
		}
		if slices.Contains(moods[e.Mood], a.Mood) {
			return len(e.Topics)
		}
		return len(e.Topics) + 1
	}
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(a, b *article) int { return rank(a) - rank(b) })
	return out
}

// opens reports whether the reader may read all of an article.
func (e *edition) opens(a *article) bool {
	return (!a.Adult || e.Adult) && (!a.Plus || e.Tier == "plus" || e.Tier == "premium")
}

func (s *site) why(h hints.Hint, lang string) *why {
	var from []string
	for _, d := range h.DerivedFrom {
		if label := schemas.ClaimLabel(d.Path)[lang]; !slices.Contains(from, label) {
			from = append(from, label)
		}
	}
	return &why{
		Explain: h.Explain.In(lang),
		Source:  strings.Join(from, ", ") + " · " + say(lang, sourceKey(h.Assurance)),
		Until:   s.when(time.Unix(h.Exp, 0), lang),
		Without: h.Without.In(lang),
	}
}

// sourceKey is the text for an assurance.
func sourceKey(assurance string) string {
	switch assurance {
	case hints.IssuerSigned:
		return "source.issuer"
	case hints.Mixed:
		return "source.mixed"
	}
	return "source.self"
}

// list is a hint's list value as it comes out of JSON.
func list(v any) []string {
	var out []string
	elements, _ := v.([]any)
	for _, e := range elements {
		if text, ok := e.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

// language is the reader's: chosen on the page, else told by the wallet, else
// the browser's, else German.
func (s *site) language(r *http.Request, hint hints.Hint) string {
	if l := chosenLanguage(r); l != "" {
		return l
	}
	if l := list(hint.Value); len(l) > 0 && slices.Contains(languages, l[0]) {
		return l[0]
	}
	for _, want := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(strings.ToLower(want)), ";")
		base, _, _ := strings.Cut(tag, "-")
		if slices.Contains(languages, base) {
			return base
		}
	}
	return "de"
}

func chosenLanguage(r *http.Request) string {
	c, err := r.Cookie("morgenblatt_lang")
	if err != nil || !slices.Contains(languages, c.Value) {
		return ""
	}
	return c.Value
}

// when says a moment the way people do: the time today, else the day.
func (s *site) when(t time.Time, lang string) string {
	t, now := t.In(s.place), s.cfg.Now().In(s.place)
	clock := say(lang, "clock", t.Hour(), t.Minute())
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return say(lang, "today.at", clock)
	}
	return fmt.Sprintf("%s, %s", day(t, lang), clock)
}

// day is a date in words.
func day(t time.Time, lang string) string {
	weekday := say(lang, "weekday."+fmt.Sprint(int(t.Weekday())))
	month := say(lang, "month."+fmt.Sprint(int(t.Month())))
	return say(lang, "day", weekday, t.Day(), month, t.Year())
}
