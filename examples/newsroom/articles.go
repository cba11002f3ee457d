package newsroom

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"facet/schemas"
)

//go:embed content
var contentFiles embed.FS

// wordsPerMinute is how fast people read, for the minutes beside a story.
const wordsPerMinute = 180

// Lengths of an article, as the hint article.length calls them.
var lengths = []string{"short", "medium", "long"}

// article is one story in every language and length.
type article struct {
	Slug    string `json:"slug"`
	Topic   string `json:"topic"` // IAB Content Taxonomy 3.1
	Mood    string `json:"mood"`  // a key of the moods in texts
	Section string `json:"section"`
	Plus    bool   `json:"plus,omitempty"`  // its full text is for subscribers
	Adult   bool   `json:"adult,omitempty"` // it stands behind the age gate

	Drawing template.HTML       `json:"-"` // ours, from the binary
	Words   map[string]*wording `json:"-"` // by language
}

// wording is an article in one language.
type wording struct {
	Kick, Title, Dek, By, Brief, Caption string

	Points []string
	Parts  []part
	Halves map[string]int // reading time in half minutes, by length
}

// part is one block of the body. Long: only in the long form.
type part struct {
	Heading bool
	Long    bool
	Text    string
}

func loadArticles() ([]*article, error) {
	b, err := contentFiles.ReadFile("content/articles.json")
	if err != nil {
		return nil, err
	}
	var out []*article
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, fmt.Errorf("newsroom: articles: %w", err)
	}
	for _, a := range out {
		if _, ok := schemas.TopicByID(a.Topic); !ok {
			return nil, fmt.Errorf("newsroom: %s: topic %q is not in the taxonomy", a.Slug, a.Topic)
		}
		drawing, err := contentFiles.ReadFile("content/" + a.Slug + ".svg")
		if err != nil {
			return nil, err
		}
		a.Drawing, a.Words = template.HTML(drawing), map[string]*wording{}
		for _, lang := range languages {
			text, err := contentFiles.ReadFile("content/" + a.Slug + "." + lang + ".md")
			if err != nil {
				return nil, err
			}
			if a.Words[lang], err = parseArticle(string(text)); err != nil {
				return nil, fmt.Errorf("newsroom: %s in %s: %w", a.Slug, lang, err)
			}
		}
	}
	return out, nil
}

// parseArticle reads the head ("title: …"), the points ("- …") of the short
// form, and paragraphs: "m …" in medium and long, "l …" and "## …" in long only.
func parseArticle(text string) (*wording, error) {
	w := &wording{Halves: map[string]int{}}
	head, body, ok := strings.Cut(text, "\n\n")
	if !ok {
		return nil, fmt.Errorf("no body")
	}
	fields := map[string]*string{"kick": &w.Kick, "title": &w.Title, "dek": &w.Dek, "by": &w.By, "brief": &w.Brief, "caption": &w.Caption}
	for _, line := range strings.Split(head, "\n") {
		name, value, _ := strings.Cut(line, ": ")
		field, known := fields[name]
		if !known || value == "" {
			return nil, fmt.Errorf("head line %q", line)
		}
		*field = value
	}
	for _, line := range strings.Split(body, "\n") {
		kind, value, _ := strings.Cut(line, " ")
		switch kind {
		case "":
		case "-":
			w.Points = append(w.Points, value)
		case "m", "l":
			w.Parts = append(w.Parts, part{Long: kind == "l", Text: value})
		case "##":
			w.Parts = append(w.Parts, part{Heading: true, Long: true, Text: value})
		default:
			return nil, fmt.Errorf("line begins with %q", kind)
		}
	}
	w.count()
	return w, nil
}

func (w *wording) count() {
	halves := func(words int) int { return max(1, (2*words+wordsPerMinute-1)/wordsPerMinute) }
	medium, long := 0, 0
	for _, p := range w.Parts {
		n := len(strings.Fields(p.Text))
		long += n
		if !p.Long {
			medium += n
		}
	}
	w.Halves["short"] = halves(len(strings.Fields(strings.Join(w.Points, " "))))
	w.Halves["medium"], w.Halves["long"] = halves(medium), halves(long)
}

// First is the opening of an article that is not open yet.
func (w *wording) First() string {
	i := slices.IndexFunc(w.Parts, func(p part) bool { return !p.Heading })
	if i < 0 {
		return ""
	}
	return w.Parts[i].Text
}

// topicName is what readers call the article's topic.
func (a *article) topicName(lang string) string {
	t, _ := schemas.TopicByID(a.Topic)
	return t.Name[lang]
}

// about reports whether the article is about a topic or one below it.
func (a *article) about(topic string) bool {
	for id := a.Topic; id != ""; {
		if id == topic {
			return true
		}
		t, _ := schemas.TopicByID(id)
		id = t.Parent
	}
	return false
}
