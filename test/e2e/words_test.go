package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// words are a catalogue of the product, so that the journey reads what people
// read, in both languages.
type words map[string]any

// catalogue reads the wallet's texts in a language.
func catalogue(t *testing.T, lang string) words {
	t.Helper()
	w := words{}
	for _, path := range []string{"../../web/src/texts/" + lang + ".json", "../../web/src/texts/elements." + lang + ".json"} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &w); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	return w
}

// say is a text with its variables filled in, or cut at the first one.
func (w words) say(t *testing.T, key string) string {
	t.Helper()
	text, ok := w[key].(string)
	if forms, several := w[key].(map[string]any); several {
		text, ok = forms["du"].(string)
	}
	if !ok {
		t.Fatalf("no text %q", key)
	}
	before, _, _ := strings.Cut(text, "{")
	return strings.TrimSpace(before)
}
