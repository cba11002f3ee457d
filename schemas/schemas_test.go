package schemas

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
)

func TestEveryFileIsCompactJSON(t *testing.T) {
	total := 0
	err := fs.WalkDir(files, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := files.ReadFile(p)
		if err != nil {
			return err
		}
		total += len(b)
		if !json.Valid(b) {
			t.Errorf("%s is not JSON", p)
		}
		if strings.Contains(string(b), "  ") || strings.ContainsRune(string(b), '\t') {
			t.Errorf("%s is not compact", p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if total > 96<<10 {
		t.Errorf("%d bytes embedded: they all go into the wallet", total)
	}
}

func TestTypeMetadata(t *testing.T) {
	want := []string{Accessibility, Age, MediaMembership, MediaPreferences, ResidenceRegion, Today}
	if got := VCTs(); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Fatalf("types %v, want %v", got, want)
	}
	for _, vct := range want {
		b, _ := TypeMetadata(vct)
		var doc struct {
			Display []struct{ Locale, Name string }
			Claims  []struct {
				Path    []any
				SD      string
				Display []struct{ Locale, Label string }
			}
		}
		if err := json.Unmarshal(b, &doc); err != nil {
			t.Fatal(err)
		}
		if len(doc.Display) != 2 || doc.Display[0].Name == "" || doc.Display[1].Name == "" {
			t.Errorf("%s has no name in two languages", vct)
		}
		for _, c := range doc.Claims {
			if ClaimKind(c.Path) == "" {
				t.Errorf("%s: claim %v is not in the vocabulary", vct, c.Path)
			}
			minted := vct == MediaPreferences || vct == Today
			if _, ok := Neutral(c.Path); ok != (minted && PathName(c.Path) != "") || (c.SD == "never") != minted {
				t.Errorf("%s: claim %v: neutral value %v, sd %s", vct, c.Path, ok, c.SD)
			}
		}
	}
}

func TestPurposesAreInOrder(t *testing.T) {
	outputs := map[string]bool{"result": true, "hints": true, "ofrep": true, "openrtb": true, "pps": true, "traits": true, "aggregate": true}
	for _, p := range Purposes() {
		if p.Label["de"] == "" || p.Label["en"] == "" || len(p.DPV) == 0 || len(p.LegalBasis) == 0 || p.Retention.Max == "" {
			t.Errorf("%s is incomplete", p.ID)
		}
		for _, o := range p.Outputs {
			if !outputs[o] {
				t.Errorf("%s: output %q", p.ID, o)
			}
		}
		for _, a := range p.Allowed {
			vct := CredentialVCTs()[a.Credential]
			if _, ok := TypeMetadata(vct); !ok {
				t.Errorf("%s allows a claim of unknown %q", p.ID, a.Credential)
			}
			if p.ID == "ad-relevance" && (PathName(a.Path) == "mood" || a.Credential == "today") {
				t.Errorf("mood and context never leave for ads")
			}
		}
	}
	if _, ok := PurposeByID("marketing"); ok {
		t.Error("the list is not closed")
	}
}

func TestTopics(t *testing.T) {
	seen := map[string]bool{"": true}
	for _, topic := range Topics() {
		if !seen[topic.Parent] {
			t.Errorf("%s comes before its parent", topic.ID)
		}
		seen[topic.ID] = true
		if topic.Name["de"] == "" || topic.Name["en"] == "" {
			t.Errorf("%s has no name", topic.ID)
		}
	}
	// One of each special category, and the root of it.
	for _, id := range []string{"286", "453", "386", "v9i3On", "380", "389", "381", "219", "494", "405"} {
		if seen[id] {
			t.Errorf("topic %s touches a special category", id)
		}
	}
	if got := ValueLabel([]any{"topics", nil}, "653")["de"]; got != "Reise" {
		t.Errorf("topic 653 is called %q", got)
	}
	if got := Broader([]any{"topics"}, "533"); got != "483" {
		t.Errorf("broader than football: %q", got)
	}
	if got := Broader([]any{"languages"}, "de-CH"); got != "de" {
		t.Errorf("broader than de-CH: %q", got)
	}
}

func TestVocabularyCoversTheSchemas(t *testing.T) {
	for _, name := range []string{"media-preferences.v1", "today.v1"} {
		b, ok := Document(name)
		if !ok {
			t.Fatalf("no %s", name)
		}
		var doc struct {
			Properties map[string]property `json:"properties"`
		}
		if err := json.Unmarshal(b, &doc); err != nil {
			t.Fatal(err)
		}
		for claim, p := range doc.Properties {
			covers(t, []any{claim}, p)
		}
	}
}

type property struct {
	Enum       []any               `json:"enum"`
	Items      *property           `json:"items"`
	Properties map[string]property `json:"properties"`
}

func covers(t *testing.T, path []any, p property) {
	t.Helper()
	if PathName(path) == "send_windows" {
		return
	}
	for name, below := range p.Properties {
		if PathName(path) != "cnf" {
			covers(t, append(append([]any{}, path...), name), below)
		}
	}
	enum := p.Enum
	if p.Items != nil {
		enum = p.Items.Enum
	}
	for _, v := range enum {
		b, _ := json.Marshal(v)
		text := strings.Trim(string(b), `"`)
		if _, ok := ClaimValues(path)[text]; !ok {
			t.Errorf("%v = %s has no words", path, text)
		}
	}
}

func TestShares(t *testing.T) {
	for name, c := range vocabulary().Claims {
		if len(c.Shares) == 0 {
			t.Errorf("%s has no shares", name)
		}
		for v, s := range c.Shares {
			if s <= 0 || s > 1 {
				t.Errorf("%s = %s: share %v", name, v, s)
			}
		}
		for v := range c.Values {
			if _, ok := c.Shares[v]; !ok && c.Shares["*"] == 0 && v != NoPreference && v != "0" {
				t.Errorf("%s = %s has no share", name, v)
			}
		}
	}
	if top, below := Share([]any{"topics"}, "653"), Share([]any{"topics"}, "669"); top <= below {
		t.Errorf("a broad topic (%v) must tell less than a narrow one (%v)", top, below)
	}
	if got := Share([]any{"shoe_size"}, "46"); got > 0.05 {
		t.Errorf("an unknown claim counts as harmless: %v", got)
	}
}

func TestDocumentRefusesOtherFiles(t *testing.T) {
	for _, name := range []string{"../schemas/entry.v1", "purposes", "types/age", ""} {
		if _, ok := Document(name); ok {
			t.Errorf("%q is not a schema", name)
		}
	}
}

func TestReturnedBytesAreTheCallers(t *testing.T) {
	b, _ := TypeMetadata(Age)
	b[0] = 'x'
	if c, _ := TypeMetadata(Age); c[0] == 'x' {
		t.Error("callers share the embedded bytes")
	}
	v, _ := Neutral([]any{"topics"})
	_ = append(v.([]any), "x")
	if w, _ := Neutral([]any{"topics"}); len(w.([]any)) != 0 {
		t.Error("callers share a neutral list")
	}
}
