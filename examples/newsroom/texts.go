package newsroom

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"sync"
)

//go:embed texts/*.json
var textFiles embed.FS

// languages the paper is written in; the first is the editors'.
var languages = []string{"de", "en"}

var catalogue = sync.OnceValue(func() map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, lang := range languages {
		b, err := textFiles.ReadFile("texts/" + lang + ".json")
		if err != nil {
			panic("newsroom: " + err.Error()) // embedded; met by every test
		}
		words := map[string]string{}
		if err := json.Unmarshal(b, &words); err != nil {
			panic("newsroom: texts " + lang + ": " + err.Error())
		}
		out[lang] = words
	}
	return out
})

// say is a text of the paper's own; a missing one shows its key, and a test
// fails.
func say(lang, key string, args ...any) string {
	text, ok := catalogue()[lang][key]
	if !ok {
		return "[" + key + "]"
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// halves writes a reading time in half minutes: 3 → "1½".
func halves(n int) string {
	switch {
	case n == 1:
		return "½"
	case n%2 == 1:
		return fmt.Sprintf("%d½", n/2)
	}
	return fmt.Sprint(n / 2)
}

var functions = template.FuncMap{"halves": halves, "args": func(v ...any) []any { return v }}
