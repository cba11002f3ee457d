package jose

import (
	"strings"
	"testing"
)

// TestCachedHeaders: a header seen before is held to the rule at hand, comes
// out unchanged, and neither a holder's key nor a refused header is kept.
func TestCachedHeaders(t *testing.T) {
	k := newKey(t)
	token := signed(t, k, `{"alg":"ES256","typ":"kb+jwt","x":["y"]}`, goodPayload)
	for range 2 {
		got, err := Parse(token, rule)
		if err != nil {
			t.Fatal(err)
		}
		if h := got.Header(); h.Typ != "kb+jwt" || len(h.Extra) != 1 {
			t.Fatalf("%+v", h)
		}
		delete(got.Header().Extra, "x") // Extra is the token's own
		_, err = Parse(token, Rule{Typ: []string{"JWT"}})
		wantReason(t, err, ReasonTyp)
	}
	kept := func(encoded string) bool {
		for i := range headers {
			if h := headers[i].Load(); h != nil && h.encoded == encoded {
				return true
			}
		}
		return false
	}
	encoded, _, _ := strings.Cut(token, ".")
	if !kept(encoded) {
		t.Error("not remembered")
	}
	for _, header := range []string{
		`{"alg":"ES256","typ":"kb+jwt","jwk":` + k.Public().canonical() + `}`,
		`{"alg":"ES256","typ":"kb+jwt","typ":"kb+jwt"}`,
		`{"alg":"ES256","typ":"kb+jwt","x":"` + strings.Repeat("a", maxCachedHeader) + `"}`,
	} {
		_, _ = Parse(signed(t, k, header, goodPayload), Rule{Typ: rule.Typ, AllowJWK: true}) // whether it is refused is not the question
		if kept(EncodeBase64URL([]byte(header))) {
			t.Errorf("remembered %.60s", header)
		}
	}
}
