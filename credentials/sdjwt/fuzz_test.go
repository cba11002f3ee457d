package sdjwt

import (
	"os"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"facet/credentials/claims"
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
		var sd *SDJWT
		var err error
		bounded(t, func() { sd, err = Parse(s) })
		if typed(t, err); err != nil {
			if sd != nil {
				t.Fatal("a refused token came back")
			}
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

// FuzzParseJSON: what parses from JSON is the token its compact form is.
func FuzzParseJSON(f *testing.F) {
	f.Add([]byte(`{"payload":"e30","protected":"e30","signature":"AA","header":{"disclosures":["a"],"kb_jwt":"a.b.c"}}`))
	f.Add([]byte(`{"payload":"e30","signatures":[{"protected":"eyJhbGciOiJFUzI1NiJ9","signature":"AA","header":{"disclosures":[]}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var sd *SDJWT
		var err error
		bounded(t, func() { sd, err = ParseJSON(b) })
		if typed(t, err); err != nil {
			if sd != nil {
				t.Fatal("a refused token came back")
			}
			return
		}
		if again, err := Parse(sd.String()); err != nil || again.String() != sd.String() {
			t.Fatalf("its compact form is refused: %v", err)
		}
	})
}

// FuzzHolding: what is stored comes back as it was, and selecting nothing or
// everything never panics.
func FuzzHolding(f *testing.F) {
	f.Add("facet-sdjwt-1 sha-256\na.b.c\nZA [\"a\"]\nZQ [\"a\",0]")
	f.Fuzz(func(t *testing.T, s string) {
		var h Holding
		if err := h.UnmarshalText([]byte(s)); err != nil {
			typed(t, err)
			return
		}
		if text, err := h.MarshalText(); err != nil || string(text) != s {
			t.Fatalf("stored as %q, %v", text, err)
		}
		_, err := h.Select(nil)
		typed(t, err)
		_, err = h.Select([]claims.Path{{"a"}, {"a", nil}})
		typed(t, err)
		_ = h.SDJWT()
	})
}

// FuzzKeyBinding: of a fixed presentation, nothing but the key binding JWT
// that was signed is believed.
func FuzzKeyBinding(f *testing.F) {
	b, err := os.ReadFile("../../test/testdata/rfc9901/03-sec5.2-sd-jwt_kb.txt")
	if err != nil {
		f.Fatal(err)
	}
	good, err := Parse(strings.TrimSpace(string(b)))
	if err != nil {
		f.Fatal(err)
	}
	key, err := os.ReadFile("../../test/testdata/rfc9901/issuer-public-key.jwk.json")
	if err != nil {
		f.Fatal(err)
	}
	issuer, err := jose.ParsePublicKey(key)
	if err != nil {
		f.Fatal(err)
	}
	rule := KBRule{Nonce: "1234567890", Audience: "https://verifier.example.org", NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<40, 0), Now: time.Unix(1<<31, 0)}
	believe := func(kb string) error {
		sd, err := ParseWith(good.WithoutKeyBinding()+kb, jose.Rule{Typ: []string{good.Issuer().Header().Typ}})
		if err != nil {
			return err
		}
		v, err := sd.Verify(issuer, VerifyOptions{})
		if err != nil {
			return err
		}
		_, err = v.VerifyKeyBinding(rule)
		return err
	}
	if err := believe(good.KeyBinding()); err != nil {
		f.Fatal(err)
	}
	f.Add(good.KeyBinding())
	f.Add("")
	f.Add("eyJhbGciOiJub25lIiwidHlwIjoia2Irand0In0.e30.")
	f.Fuzz(func(t *testing.T, kb string) {
		err := believe(kb)
		if typed(t, err); err == nil && kb != good.KeyBinding() {
			t.Fatalf("believed %q", kb)
		}
	})
}

// typed fails unless every refusal has a reason.
func typed(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.HasPrefix(reason(err), "no reason") {
		t.Fatalf("a refusal without a reason: %v", err)
	}
}

// bounded fails if f allocates more than 16 MiB.
func bounded(t *testing.T, f func()) {
	t.Helper()
	allocated := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(allocated)
	before := allocated[0].Value.Uint64()
	f()
	metrics.Read(allocated)
	if n := allocated[0].Value.Uint64() - before; n > 16<<20 {
		t.Fatalf("%d bytes were allocated", n)
	}
}
