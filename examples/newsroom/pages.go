package newsroom

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"facet/policy/hints"
	"facet/schemas"
)

// view is what every page template gets.
type view struct {
	*edition
	Title    string
	Path     string // for the way back
	Today    string // with its weekday
	Section  string
	Elements bool // the custom elements' script is there
	Nothing  bool // the reader comes back without an answer
	Data     any
	site     *site
}

// T is a text of the paper in the reader's language.
func (v *view) T(key string, args ...any) string { return say(v.Lang, key, args...) }

// Weekday is today's name, which narrow pages leave out.
func (v *view) Weekday() string { name, _, _ := strings.Cut(v.Today, ", "); return name }

// Date is the rest of today.
func (v *view) Date() string { _, date, _ := strings.Cut(v.Today, ", "); return date }

// Other is the language the switch offers.
func (v *view) Other() string {
	if v.Lang == "de" {
		return "en"
	}
	return "de"
}

// Topic is what the reader calls an article's topic.
func (v *view) Topic(a *article) string { return a.topicName(v.Lang) }

// W is an article's wording in the reader's language.
func (v *view) W(a *article) *wording { return a.Words[v.Lang] }

// Opens reports whether the reader may read all of it.
func (v *view) Opens(a *article) bool { return v.opens(a) }

// Ask is the question of one of the paper's policies.
func (v *view) Ask(name string) template.HTML {
	return template.HTML(template.HTMLEscapeString(v.site.policies[name].Question.In(v.Lang)))
}

// Benefit is what its reader gets.
func (v *view) Benefit(name string) string { return v.site.policies[name].Benefit.In(v.Lang) }

// WhyOf is a hint's why; nil when it changed nothing here.
func (v *view) WhyOf(key string) *why { return v.Why[key] }

// page renders a page of the paper.
func (s *site) page(w http.ResponseWriter, r *http.Request, status int, name, title string, data any) {
	se := s.current(r)
	s.render(w, r, status, name, title, "", s.editionOf(r, se), data)
}

func (s *site) render(w http.ResponseWriter, r *http.Request, status int, name, title, section string, e *edition, data any) {
	v := &view{
		edition: e, Path: r.URL.Path, Section: section, Elements: s.cfg.ElementsJS != nil, Data: data, site: s,
		Today: day(s.cfg.Now().In(s.place), e.Lang), Title: title, Nothing: r.URL.Query().Has(unansweredMark),
	}
	if _, known := catalogue()[e.Lang][title]; known {
		v.Title = v.T(title)
	}
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, name, v); err != nil {
		slog.Error("page", "check", name, "err", err)
		http.Error(w, v.T("error.title"), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", e.Lang)
	w.Header().Set("Vary", "Cookie, Accept-Language")
	w.WriteHeader(status)
	b.WriteTo(w)
}

// fail tells a reader, or the element's script, that something did not work.
func (s *site) fail(w http.ResponseWriter, r *http.Request, status int, code string) {
	if r.Method == http.MethodPost && r.Header.Get("Accept") == "application/json" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]string{"code": code})
		return
	}
	s.page(w, r, status, "error.html", "error.title", code)
}

func (s *site) notFound(w http.ResponseWriter, r *http.Request) {
	s.page(w, r, http.StatusNotFound, "error.html", "missing.title", "")
}

// timed is a story in an edition that ends by itself.
type timed struct {
	Story *article
	Step  int    // 0–8: how high the sun stands beside it
	Start string // minutes from the beginning
}

type frontPage struct {
	Lead   *article
	Rows   []row
	Run    []timed
	Later  []*article
	Guide  *article
	Stages []int
}

type row struct {
	Head string // a text key
	Why  string // the hint this row is owed to, if any
	List []*article
}

func (s *site) front(w http.ResponseWriter, r *http.Request) {
	e := s.editionOf(r, s.current(r))
	p := frontPage{Stages: []int{1, 2, 3}}
	stories := e.order(s.articles)
	run, later := e.fit(stories)
	p.Later = later
	switch {
	case e.Layout == "guide":
		i := max(0, slices.IndexFunc(stories, func(a *article) bool { return a.Slug == "morrsee" }))
		p.Guide = stories[i]
		p.Rows = rows(e, slices.Delete(slices.Clone(stories), i, i+1))
		s.render(w, r, http.StatusOK, "guide.html", "front.title", "front", e, p)
	case e.Layout == "dashboard" || e.Minutes > 0:
		p.Run = run
		s.render(w, r, http.StatusOK, "dashboard.html", "front.title", "front", e, p)
	default:
		p.Lead = stories[0]
		p.Rows = rows(e, stories[1:])
		s.render(w, r, http.StatusOK, "front.html", "front.title", "front", e, p)
	}
}

// rows lays stories out in threes: those of the reader's topics under their own
// head, the rest as the editors named them.
func rows(e *edition, stories []*article) []row {
	var out []row
	heads := []string{"row.one", "row.two", "row.three", "row.four"}
	rest := stories
	if len(e.Topics) > 0 {
		n := 0
		for n < len(stories) && slices.ContainsFunc(e.Topics, stories[n].about) {
			n++
		}
		if n > 0 {
			out = append(out, row{"row.topics", "home.topics", stories[:n]})
		}
		rest = stories[n:]
	}
	for i := 0; len(rest) > 0; i++ {
		n := min(3, len(rest))
		next := row{Head: heads[min(i, len(heads)-1)], List: rest[:n]}
		if i == 0 && len(moods[e.Mood]) > 0 {
			next.Head, next.Why = "row.mood", "today.mood"
		}
		out, rest = append(out, next), rest[n:]
	}
	return out
}

// fit takes stories until the reader's minutes are used up; without a budget,
// eight of them.
func (e *edition) fit(stories []*article) (run []timed, later []*article) {
	at := 0 // half minutes
	for _, a := range stories {
		n := a.Words[e.Lang].Halves[e.Length]
		full := e.Minutes > 0 && at+n > 2*e.Minutes || e.Minutes == 0 && len(run) == 8
		if full || a.Adult && !e.Adult {
			later = append(later, a)
			continue
		}
		run = append(run, timed{a, min(8, len(run)), clock(at)})
		at += n
	}
	return run, later
}

// clock writes half minutes as 1:30.
func clock(half int) string { return fmt.Sprintf("%d:%02d", half/2, half%2*30) }

type articlePage struct {
	Story *article
	Open  bool
	Gate  string // the policy that would open it: agegate or access
	Other []*article
}

func (s *site) article(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(s.articles, func(a *article) bool { return a.Slug == r.PathValue("slug") })
	if i < 0 {
		s.notFound(w, r)
		return
	}
	a, e := s.articles[i], s.editionOf(r, s.current(r))
	p := articlePage{Story: a, Open: e.opens(a)}
	switch {
	case p.Open:
	case a.Adult:
		p.Gate = "agegate"
	default:
		p.Gate = "access"
	}
	for _, o := range e.order(s.articles) {
		if o != a && len(p.Other) < 3 {
			p.Other = append(p.Other, o)
		}
	}
	s.render(w, r, http.StatusOK, "article.html", a.Words[e.Lang].Title, a.Section, e, p)
}

func (s *site) newsletter(w http.ResponseWriter, r *http.Request) {
	e := s.editionOf(r, s.current(r))
	stories := slices.DeleteFunc(e.order(s.articles), func(a *article) bool { return !e.opens(a) })
	s.render(w, r, http.StatusOK, "newsletter.html", "newsletter.title", "newsletter", e, stories[:3])
}

func (s *site) imprint(w http.ResponseWriter, r *http.Request) {
	s.page(w, r, http.StatusOK, "imprint.html", "imprint.title", nil)
}

// held is one approval as "your data here" shows it.
type held struct {
	ID, Name, Purpose, Since, Until, Effect, By string
	Values                                      []string // shown only after a tap
}

type dataPage struct {
	Held []held
	Gone []string
}

func (s *site) yourData(w http.ResponseWriter, r *http.Request) {
	se := s.current(r)
	e := s.editionOf(r, se)
	var p dataPage
	for _, h := range slices.Backward(se.Held) {
		p.Held = append(p.Held, s.held(h, e.Lang))
	}
	for _, g := range slices.Backward(se.Gone) {
		p.Gone = append(p.Gone, say(e.Lang, "gone."+g.Why, say(e.Lang, "policy."+g.Policy), g.Count, s.when(time.Unix(g.At, 0), e.Lang)))
	}
	s.render(w, r, http.StatusOK, "yourdata.html", "yourdata.title", "yourdata", e, p)
}

func (s *site) held(h holding, lang string) held {
	out := held{ID: h.ID, Name: say(lang, "policy."+h.Policy), Since: s.when(time.Unix(h.Since, 0), lang), Until: s.when(time.Unix(h.until(), 0), lang)}
	p := s.policies[h.Policy]
	if purpose, ok := schemas.PurposeByID(p.Purpose); ok {
		out.Purpose = purpose.Label[lang]
	}
	by := ""
	for _, one := range h.given(s.cfg.Now().Unix()) {
		words := ""
		if rule, ok := p.Rule(one.Key); ok {
			words = rule.ValueText(one.Value).In(lang)
			out.Effect += rule.With.In(lang) + " "
		}
		out.Values = append(out.Values, one.Label.In(lang)+": "+words)
		switch {
		case by == "":
			by = one.Assurance
		case by != one.Assurance:
			by = hints.Mixed
		}
	}
	out.By = say(lang, sourceKey(by))
	return out
}

// copyOfData is everything held about this browser, as JSON.
func (s *site) copyOfData(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="morgenblatt.json"`)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.Encode(map[string]any{"held": s.current(r).Held})
}

// deleteData deletes one approval, or all of them, here and at once.
func (s *site) deleteData(w http.ResponseWriter, r *http.Request) {
	id, c := r.PostFormValue("id"), s.cookie(r)
	if c != "" {
		err := s.sessions.update(r.Context(), c, func(se *session) {
			for _, h := range slices.Clone(se.Held) {
				if id == "" || h.ID == id {
					se.drop(h.ID, "deleted", s.cfg.Now())
				}
			}
		})
		if err != nil {
			s.fail(w, r, http.StatusServiceUnavailable, "unavailable")
			return
		}
	}
	http.Redirect(w, r, "/deine-daten", http.StatusSeeOther)
}

// chooseLanguage remembers the reader's own choice; it weighs more than a hint.
func (s *site) chooseLanguage(w http.ResponseWriter, r *http.Request) {
	if lang := r.PathValue("lang"); slices.Contains(languages, lang) {
		http.SetCookie(w, &http.Cookie{Name: "morgenblatt_lang", Value: lang, Path: "/", HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode, MaxAge: 180 * 24 * 3600})
	}
	http.Redirect(w, r, local(r.URL.Query().Get("back")), http.StatusSeeOther)
}
