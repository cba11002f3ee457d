package web_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// An entry is a German text: one wording, or one for du and one for Sie.
type entry struct{ Du, Sie string }

func (e *entry) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		if err := json.Unmarshal(b, &e.Du); err != nil {
			return err
		}
		e.Sie = e.Du
		return nil
	}
	return json.Unmarshal(b, (*struct{ Du, Sie string })(e))
}

func readJSON(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func catalogues(t *testing.T) (de map[string]entry, en map[string]string) {
	t.Helper()
	readJSON(t, "src/texts/de.json", &de)
	readJSON(t, "src/texts/en.json", &en)
	return de, en
}

var placeholder = regexp.MustCompile(`\{\w+\}`)

func placeholders(s string) string {
	found := placeholder.FindAllString(s, -1)
	slices.Sort(found)
	return strings.Join(slices.Compact(found), " ")
}

func TestTextsAreInBothLanguages(t *testing.T) {
	de, en := catalogues(t)
	var elementsDE, elementsEN map[string]string
	readJSON(t, "src/texts/elements.de.json", &elementsDE)
	readJSON(t, "src/texts/elements.en.json", &elementsEN)
	for key, text := range elementsDE {
		de["elements:"+key] = entry{text, text}
	}
	for key, text := range elementsEN {
		en["elements:"+key] = text
	}
	for key := range de {
		if _, ok := en[key]; !ok {
			t.Errorf("%s is missing in English", key)
		}
	}
	for key, text := range en {
		e, ok := de[key]
		if !ok {
			t.Errorf("%s is missing in German", key)
			continue
		}
		for _, s := range []string{e.Du, e.Sie, text} {
			if strings.TrimSpace(s) == "" || s != strings.TrimSpace(s) {
				t.Errorf("%s: empty or with space at an end: %q", key, s)
			}
		}
		if placeholders(e.Du) != placeholders(text) || placeholders(e.Sie) != placeholders(text) {
			t.Errorf("%s: places to fill in differ: %q, %q, %q", key, e.Du, e.Sie, text)
		}
	}
}

// German as written in Germany, and every sentence that says du has one that says Sie.
func TestGermanIsGerman(t *testing.T) {
	de, _ := catalogues(t)
	familiar := regexp.MustCompile(`(?i)(^|[^\pL])(du|dir|dich|dein|deine|deinen|deinem|deiner)([^\pL]|$)`)
	swiss := regexp.MustCompile(`[«»]|(?i:schliess|heisst|weiss|gross|ausser)`)
	for key, e := range de {
		if familiar.MatchString(e.Sie) {
			t.Errorf("%s: the wording for Sie says du: %q", key, e.Sie)
		}
		if swiss.MatchString(e.Du + e.Sie) {
			t.Errorf("%s: not as written in Germany: %q", key, e.Du)
		}
	}
}

// No sentence is longer than people take in at once.
func TestSentencesAreShort(t *testing.T) {
	const most = 16
	de, en := catalogues(t)
	check := func(key, text string) {
		for sentence := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(".?!:", r) }) {
			if n := len(strings.Fields(sentence)); n > most {
				t.Errorf("%s: %d words: %q", key, n, sentence)
			}
		}
	}
	for key, e := range de {
		if key == "welcome.about" {
			continue // sixty words, on request
		}
		check(key, e.Du)
		check(key, e.Sie)
		check(key, en[key])
	}
}

// sourceText returns all TypeScript of the wallet and the elements.
func sourceText(t *testing.T, under string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(under, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".ts") {
			return err
		}
		b, err := os.ReadFile(p)
		all.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// Every text is used. Names made at run time are listed by how they begin; that
// every name written out exists is tsc's work, because names are a type.
func TestEveryTextIsUsed(t *testing.T) {
	_, en := catalogues(t)
	source := sourceText(t, filepath.Join("src", "wallet")) + sourceText(t, filepath.Join("src", "texts"))
	made := regexp.MustCompile(`^(error|persona|goal|mood|format|channel|frequency|day|depth|tone|ads|purpose|identify)\.`)
	for key := range en {
		stem := strings.TrimSuffix(strings.TrimSuffix(key, ".one"), ".other")
		if made.MatchString(key) || strings.Contains(source, `"`+key+`"`) || strings.Contains(source, `"`+stem+`"`) {
			continue
		}
		t.Errorf("%s is used nowhere", key)
	}
}

// goText returns the Go source, without tests, of everything that gives reasons
// to the pages.
func goText(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, room := range []string{"wallet", "fetch", "credentials", "passkey"} {
		err := filepath.WalkDir(filepath.Join("..", room), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
				return err
			}
			b, err := os.ReadFile(p)
			all.Write(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

// Every reason code of the engine that a person can meet has its own sentence.
func TestReasonsHaveSentences(t *testing.T) {
	_, en := catalogues(t)
	engine, err := os.ReadFile(filepath.Join("..", "wallet", "error.go"))
	if err != nil {
		t.Fatal(err)
	}
	internal := []string{"choice_unknown", "method_unknown", "params_invalid"} // a bug of ours, not a case for words
	codes := regexp.MustCompile(`Code\w+\s+= "(\w+)"`).FindAllStringSubmatch(string(engine), -1)
	if len(codes) < 10 {
		t.Fatalf("found %d reason codes in wallet/error.go", len(codes))
	}
	for _, m := range codes {
		if _, ok := en["error."+m[1]]; !ok && !slices.Contains(internal, m[1]) {
			t.Errorf("error.%s has no sentence", m[1])
		}
	}
}

// No sentence stands for a reason that nothing gives any more.
func TestSentencesHaveReasons(t *testing.T) {
	_, en := catalogues(t)
	given := goText(t) + sourceText(t, filepath.Join("src", "wallet")) + sourceText(t, filepath.Join("src", "worker"))
	for key := range en {
		reason, ok := strings.CutPrefix(strings.TrimSuffix(key, ".do"), "error.")
		if ok && !strings.Contains(given, `"`+reason+`"`) && !strings.Contains(given, `"`+key+`"`) {
			t.Errorf("%s: nothing gives this reason", key)
		}
	}
}

// "Only these may ask" is said beside every preference: it must be what the
// closed purposes allow, not what somebody once wrote.
func TestWhoMayAskIsTrue(t *testing.T) {
	var said map[string][]string
	readJSON(t, "src/wallet/who-may.json", &said)
	var file struct {
		Purposes []struct {
			ID      string
			Allowed []struct {
				Credential string
				Path       []any
			}
		}
	}
	readJSON(t, "../schemas/purposes.json", &file)
	allowed := map[string][]string{}
	for _, p := range file.Purposes {
		for _, a := range p.Allowed {
			if claim, ok := a.Path[0].(string); ok && a.Credential == "prefs" && !slices.Contains(allowed[claim], p.ID) {
				allowed[claim] = append(allowed[claim], p.ID)
			}
		}
	}
	_, en := catalogues(t)
	for claim, want := range allowed {
		got := said[claim]
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the page says %v may ask, the purposes say %v", claim, got, want)
		}
		for _, p := range want {
			if _, ok := en["purpose."+p]; !ok {
				t.Errorf("purpose.%s has no words", p)
			}
		}
	}
	if len(allowed) == 0 {
		t.Fatal("no purpose asks for preferences: the file's form has changed")
	}
}
