package sdjwt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"facet/credentials/jose"
)

// FuzzParse: whatever comes in, no panic, and what parses is written back
// unchanged. Processing is run on the unverified payload so that the fuzzer
// reaches it without a signature.
func FuzzParse(f *testing.F) {
	seeds, _ := filepath.Glob("../../test/testdata/*/0*-sd-jwt*.txt")
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, name := range seeds {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(strings.TrimSpace(string(b)))
	}
	f.Add("a.b.c~")
	f.Add("~~")
	f.Fuzz(func(t *testing.T, s string) {
		sd, err := Parse(s)
		if err != nil {
			return
		}
		if sd.String() != s {
			t.Fatal("the token changed")
		}
		j, err := sd.FlattenedJSON()
		if !utf8.ValidString(s) {
			if err == nil {
				t.Fatal("what is no text became JSON")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseJSON(j); err != nil || again.String() != s {
			t.Fatalf("the JSON form is another token: %v", err)
		}
		process(t, sd.Issuer().UnverifiedClaims(), sd.Encoded())
	})
}

// FuzzProcess feeds payload and disclosures to the processor directly.
func FuzzProcess(f *testing.F) {
	f.Add(`{"_sd":["X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"]}`, "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0")
	f.Add(`{"a":[{"...":"w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs"}]}`, "WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0")
	f.Fuzz(func(t *testing.T, payload, disclosures string) {
		o, err := jose.ParseObject([]byte(payload), jose.Limits{})
		if err == nil {
			process(t, o, strings.Split(disclosures, "~"))
		}
	})
}

func process(t *testing.T, payload map[string]any, disclosures []string) {
	p, err := newProcessor(DefaultHash, disclosures, payload)
	if err != nil {
		return
	}
	out, err := p.run(payload)
	if err != nil {
		return
	}
	if left(map[string]any(out)) {
		t.Fatal("digests are left in the processed payload")
	}
}

// left reports whether reserved names survived.
func left(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for name, m := range v {
			if reserved(name) || left(m) {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if left(e) {
				return true
			}
		}
	}
	return false
}

func FuzzParseJSON(f *testing.F) {
	f.Add([]byte(`{"payload":"e30","protected":"e30","signature":"AA","header":{"disclosures":["a"],"kb_jwt":"a.b.c"}}`))
	f.Add([]byte(`{"payload":"e30","signatures":[{"protected":"e30","signature":"AA","header":{"disclosures":[]}}]}`))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = ParseJSON(b) })
}

func FuzzHolding(f *testing.F) {
	f.Add("facet-sdjwt-1 sha-256\na.b.c\nZA [\"a\"]\nZQ [\"a\",0]")
	f.Fuzz(func(_ *testing.T, s string) {
		var h Holding
		if h.UnmarshalText([]byte(s)) == nil {
			_, _ = h.Select(nil)
			_ = h.SDJWT()
		}
	})
}
