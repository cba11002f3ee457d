package lint_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"facet/policy/lint"
)

type settings struct {
	URL    string   `json:"url"`
	Limit  int      `json:"limit"`
	Open   bool     `json:"open"`
	Inner  *inner   `json:"inner"`
	Many   []inner  `json:"many"`
	Own    own      `json:"own"`
	Names  []string `json:"names"`
	hidden string
}

type inner struct {
	Key string `json:"key"`
}

// own reads itself, as a text or an object.
type own struct{ text string }

func (o *own) UnmarshalJSON(raw []byte) error { o.text = string(raw); return nil }

func TestSettings(t *testing.T) {
	const asYAML = "# ours\nurl: https://v.example\nlimit: 3\nopen: true\ninner: {key: a}\nmany:\n  - key: b\n  - key: \"3\"\nown: {any: thing}\nnames: [x, y]\n"
	const asJSON = `{"url":"https://v.example","limit":3,"open":true,"inner":{"key":"a"},"many":[{"key":"b"},{"key":"3"}],"own":{"any":"thing"},"names":["x","y"]}`
	for name, text := range map[string]string{"YAML": asYAML, "JSON": asJSON} {
		s := settings{hidden: "untouched"}
		if problems := lint.Settings([]byte(text), &s); len(problems) > 0 {
			t.Fatalf("%s: %v", name, problems)
		}
		if s.URL != "https://v.example" || s.Limit != 3 || !s.Open || s.Inner.Key != "a" || len(s.Many) != 2 ||
			s.Many[1].Key != "3" || s.Own.text != `{"any":"thing"}` || !slices.Equal(s.Names, []string{"x", "y"}) || s.hidden != "untouched" {
			t.Errorf("%s: read as %+v", name, s)
		}
	}
}

func TestSettingsMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want []string // each problem, in order
	}{
		"three at once": {"ulr: x\nlimit: many\nmany:\n  - kye: b\n", []string{
			"1:1: ulr: there is no such member here (did you mean url?)",
			"2:1: limit: is string where integer belongs",
			"4:5: many[0].kye: there is no such member here (did you mean key?)",
		}},
		"three at once in JSON": {`{"ulr":"x","limit":"many","many":[{"kye":"b"}]}`, []string{
			"limit: is string where integer belongs",
			"many[0].kye: there is no such member here (did you mean key?)",
			"ulr: there is no such member here (did you mean url?)",
		}},
		"case":              {"URL: x\n", []string{"1:1: URL: there is no such member here"}},
		"hidden":            {"hidden: x\n", []string{"1:1: hidden: there is no such member here"}},
		"number in JSON":    {`{"limit":1.5}`, []string{"cannot unmarshal number 1.5 into Go struct field settings.limit of type int"}},
		"twice":             {"url: x\nurl: y\n", []string{"2:1: "}},
		"anchor":            {"url: &a x\n", []string{"is YAML these files do not use"}},
		"two documents":     {"url: x\n---\nurl: y\n", []string{"exactly one document"}},
		"more JSON":         {`{"url":"x"} {}`, []string{"not JSON: there is something after the settings"}},
		"cut JSON":          {`{"url":`, []string{"not JSON: unexpected EOF"}},
		"empty":             {" \n", []string{"the file is empty"}},
		"a byte order mark": {"\ufeffurl: x\n", nil},
		"a list":            {"- url\n", []string{"must be a list of members"}},
		"too deep":          {"many:\n" + strings.Repeat("- ", 40) + "x\n", []string{"is nested too deeply"}},
	} {
		t.Run(name, func(t *testing.T) {
			var s settings
			got := lint.Settings([]byte(tt.text), &s)
			if len(got) != len(tt.want) {
				t.Fatalf("%d problems, want %d: %v", len(got), len(tt.want), got)
			}
			for i, p := range got {
				if !strings.Contains(p.String(), tt.want[i]) || p.Code == "" {
					t.Errorf("%q (%s), want %q", p, p.Code, tt.want[i])
				}
			}
		})
	}
}

// TestSettingsKeepsWhatIsRight reads on beside a mistake, so that one run finds
// them all.
func TestSettingsKeepsWhatIsRight(t *testing.T) {
	var s settings
	if got := lint.Settings([]byte("limit: x\nurl: kept\n"), &s); len(got) != 1 || s.URL != "kept" {
		t.Errorf("%v, url %q", got, s.URL)
	}
}

// FuzzSettings reads what was read again, as JSON: it must mean the same.
func FuzzSettings(f *testing.F) {
	f.Add([]byte("url: x\nmany: [{key: a}]\nnames: [a, b]\n"))
	f.Add([]byte(`{"url":"x","limit":3,"open":true}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		type plain struct {
			URL   string   `json:"url"`
			Limit int      `json:"limit"`
			Open  bool     `json:"open"`
			Many  []inner  `json:"many,omitempty"`
			Names []string `json:"names,omitempty"`
		}
		var first, second plain
		if problems := lint.Settings(text, &first); len(problems) > 0 {
			return
		}
		raw, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		if problems := lint.Settings(raw, &second); len(problems) > 0 {
			t.Fatalf("%s: %v", raw, problems)
		}
		if again, err := json.Marshal(second); err != nil || string(again) != string(raw) {
			t.Fatalf("%s became %s, %v", raw, again, err)
		}
	})
}
