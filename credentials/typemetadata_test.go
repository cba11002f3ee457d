package credentials

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"facet/credentials/claims"
	"facet/schemas"
)

// documents is a TypeSource of texts by vct.
type documents map[string]string

func (d documents) TypeMetadata(_ context.Context, vct string) ([]byte, error) {
	if text, ok := d[vct]; ok {
		return []byte(text), nil
	}
	return nil, fail("type_metadata_unavailable", "no metadata for this type")
}

func block(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "test", "testdata", "sd-jwt-vc", "json-blocks", name))
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ Value json.RawMessage }
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return string(v.Value)
}

// TestExtendsExample merges the draft's own example of a type that extends
// another and compares with the result the draft prints.
func TestExtendsExample(t *testing.T) {
	source := documents{
		"https://example.com/base-type-metadata":   block(t, "07.json"),
		"https://example.com/custom-type-metadata": block(t, "08.json"),
	}
	m, err := (&TypeResolver{source}).Resolve(t.Context(), "https://example.com/custom-type-metadata", "")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Claims []struct {
			Path    claims.Path
			Display []struct{ Label, Locale string }
		}
	}
	if err := json.Unmarshal([]byte(block(t, "09.json")), &want); err != nil {
		t.Fatal(err)
	}
	if len(m.Claims) != len(want.Claims) || len(m.Ancestors) != 1 {
		t.Fatalf("%+v", m)
	}
	for i, c := range m.Claims {
		w := want.Claims[i]
		if !c.Path.Equal(w.Path) || c.Display[0].Label != w.Display[0].Label {
			t.Errorf("claim %d: %+v, want %+v", i, c, w)
		}
	}
}

// TestPublishedMetadata parses the draft's full example and every document
// Facet ships.
func TestPublishedMetadata(t *testing.T) {
	for _, name := range []string{"05.json", "11.json"} {
		if _, err := ParseTypeMetadata([]byte(block(t, name))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, vct := range schemas.VCTs() {
		if _, err := (&TypeResolver{EmbeddedTypes{}}).Resolve(t.Context(), vct, ""); err != nil {
			t.Errorf("%s: %v", vct, err)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	parent := `{"vct":"urn:p","claims":[{"path":["a"],"sd":"always","mandatory":true,"svg_id":"a"}]}`
	child := func(claim string) documents {
		return documents{"urn:p": parent, "urn:c": `{"vct":"urn:c","extends":"urn:p","claims":[` + claim + `]}`}
	}
	long := documents{}
	for i := range 20 {
		long["urn:"+string(rune('a'+i))] = `{"vct":"urn:` + string(rune('a'+i)) + `","extends":"urn:` + string(rune('b'+i)) + `"}`
	}
	for _, tt := range []struct {
		name, vct string
		source    documents
		want      string
	}{
		{"fine", "urn:c", child(`{"path":["a"]},{"path":["b"],"svg_id":"b"}`), ""},
		{"sd changed", "urn:c", child(`{"path":["a"],"sd":"never"}`), "type_metadata_conflict"},
		{"sd loosened", "urn:c", child(`{"path":["a"],"sd":"allowed"}`), "type_metadata_conflict"},
		{"mandatory dropped", "urn:c", child(`{"path":["a"],"mandatory":false}`), "type_metadata_conflict"},
		{"svg_id of the parent", "urn:c", child(`{"path":["b"],"svg_id":"a"}`), "type_metadata_conflict"},
		{"cycle", "urn:1", documents{"urn:1": `{"vct":"urn:1","extends":"urn:2"}`, "urn:2": `{"vct":"urn:2","extends":"urn:1"}`}, "type_metadata_cycle"},
		{"itself", "urn:1", documents{"urn:1": `{"vct":"urn:1","extends":"urn:1"}`}, "type_metadata_cycle"},
		{"too long", "urn:a", long, "type_metadata_cycle"},
		{"parent missing", "urn:1", documents{"urn:1": `{"vct":"urn:1","extends":"urn:2"}`}, "type_metadata_unavailable"},
		{"parent changed", "urn:1", documents{"urn:1": `{"vct":"urn:1","extends":"urn:p","extends#integrity":"sha256-AAAA"}`, "urn:p": parent}, "vct_integrity"},
		{"another vct", "urn:1", documents{"urn:1": parent}, "type_metadata_malformed"},
		{"two paths", "urn:c", child(`{"path":["b"]},{"path":["b"]}`), "type_metadata_malformed"},
		{"no path", "urn:c", child(`{"sd":"always"}`), "type_metadata_malformed"},
		{"sd unknown", "urn:c", child(`{"path":["b"],"sd":"maybe"}`), "type_metadata_malformed"},
		{"svg_id", "urn:c", child(`{"path":["b"],"svg_id":"1x"}`), "type_metadata_malformed"},
		{"label missing", "urn:c", child(`{"path":["b"],"display":[{"locale":"en"}]}`), "type_metadata_malformed"},
		{"name missing", "urn:1", documents{"urn:1": `{"vct":"urn:1","display":[{"locale":"en"}]}`}, "type_metadata_malformed"},
		{"templates without properties", "urn:1", documents{"urn:1": `{"vct":"urn:1","display":[{"locale":"en","name":"x","rendering":{"svg_templates":[{"uri":"a"},{"uri":"b"}]}}]}`}, "type_metadata_malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := (&TypeResolver{tt.source}).Resolve(t.Context(), tt.vct, ""); reason(err) != tt.want {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestIntegrity(t *testing.T) {
	text := []byte(`{"vct":"urn:1"}`)
	good := Integrity(text)
	for integrity, want := range map[string]string{
		good: "", "sha256-AAAA " + good: "", good + "?ct=application/json": "",
		"sha256-AAAA": "vct_integrity", "md5-AAAA": "vct_integrity", "": "vct_integrity", "sha512-AAAA " + good: "vct_integrity", // the strongest counts
	} {
		if got := reason(CheckIntegrity(text, integrity)); got != want {
			t.Errorf("%q: got %q, want %q", integrity, got, want)
		}
	}
}

func TestVerifyWithMetadata(t *testing.T) {
	r := newRig(t)
	doc := `{"vct":"` + ageVCT + `","claims":[{"path":["over18"],"sd":"always","mandatory":true},{"path":["country"],"sd":"never"},{"path":["list",null],"sd":"always"}]}`
	types := func(x *Rule) { x.Types = &TypeResolver{documents{ageVCT: doc}} }
	over, digest := hidden("over18", true)
	country, countryDigest := hidden("country", "DE")
	t.Run("SSRF-030", func(t *testing.T) {
		token := r.forge(map[string]any{"vct#integrity": "sha256-" + "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="})
		if got := reason(second(r.verify(token, types))); got != "vct_integrity" {
			t.Errorf("got %q", got)
		}
		if _, err := r.verify(r.forge(map[string]any{"vct#integrity": Integrity([]byte(doc))}), types); err != nil {
			t.Errorf("the right digest: %v", err)
		}
	})
	for _, tt := range []struct{ name, token, want string }{
		{"disclosed", r.forge(map[string]any{"_sd": []string{digest}}, over), ""},
		{"kept back", r.forge(map[string]any{"_sd": []string{digest}}), ""},
		{"in plain sight", r.forge(map[string]any{"over18": true}), "type_metadata_violation"},
		{"hidden against the rule", r.forge(map[string]any{"_sd": []string{countryDigest}}, country), "type_metadata_violation"},
		{"element in plain sight", r.forge(map[string]any{"list": []any{"x"}}), "type_metadata_violation"},
		{"another shape", r.forge(map[string]any{"list": "x"}), "type_metadata_violation"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := reason(second(r.verify(tt.token, types))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	i := r.issuance() // without over18, which is mandatory
	sd, err := Issue(t.Context(), r.a.key, r.a.x5c, i)
	if err != nil {
		t.Fatal(err)
	}
	rule := r.rule()
	types(&rule)
	if _, err := VerifyReceived(t.Context(), sd, r.holder.Public(), rule); reason(err) != "type_metadata_violation" {
		t.Errorf("a mandatory claim is missing: %v", err)
	}
}

func TestFetchedTypes(t *testing.T) {
	const vct = "https://types.example/age"
	w := &web{pages: map[string]string{vct: `{"vct":"` + vct + `"}`}}
	resolver := &TypeResolver{EmbeddedTypes{FetchedTypes{w}}}
	if _, err := resolver.Resolve(t.Context(), vct, ""); err != nil {
		t.Error(err)
	}
	for _, unknown := range []string{"https://types.example/none", "urn:none"} {
		if _, err := resolver.Resolve(t.Context(), unknown, ""); reason(err) != "type_metadata_unavailable" {
			t.Errorf("%s: %v", unknown, err)
		}
	}
	if w.asked != 2 {
		t.Errorf("asked %d times", w.asked)
	}
}

func FuzzParseTypeMetadata(f *testing.F) {
	f.Add([]byte(`{"vct":"urn:1","display":[{"locale":"en","name":"x","rendering":{"simple":{"logo":{"uri":"a"}}}}],"claims":[{"path":["a",null],"display":[{"locale":"en","label":"x"}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseTypeMetadata(b)
		if (m == nil) != (err != nil) || err != nil && reason(err) == "" {
			t.Fatalf("%v, %v", m, err)
		}
	})
}
