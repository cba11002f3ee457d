package jose

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// typed fails unless every refusal has a reason.
func typed(t *testing.T, err error) {
	t.Helper()
	var e interface{ Reason() string }
	if err != nil && (!errors.As(err, &e) || e.Reason() == "") {
		t.Fatalf("a refusal without a reason: %v", err)
	}
}

// FuzzParse: what is accepted consists of three canonical parts, re-encodes to
// itself, has an allowed algorithm and type, and is not verified by any key.
func FuzzParse(f *testing.F) {
	k, other := newKey(f), newKey(f)
	f.Add(signed(f, k, goodHeader, goodPayload))
	f.Add(unsigned(`{"alg":"none","typ":"kb+jwt"}`, goodPayload))
	f.Add(signed(f, k, `{"alg":"ES256","typ":"kb+jwt","crit":["x"],"x":1}`, goodPayload))
	f.Add(signed(f, k, `{"alg":"ES256","alg":"ES256","typ":"kb+jwt"}`, `{"A":1,"a":2}`))
	f.Add("..")
	f.Add("a.b.c.d.e")
	f.Fuzz(func(t *testing.T, compact string) {
		token, err := Parse(compact, rule)
		typed(t, err)
		if err != nil {
			return
		}
		parts := strings.Split(compact, ".")
		if len(parts) != 3 || token.Raw() != compact || token.Header().Alg != ES256 || token.Header().Typ != "kb+jwt" {
			t.Fatalf("accepted %q", compact)
		}
		for _, part := range parts {
			if b, err := DecodeBase64URL(part); err != nil || EncodeBase64URL(b) != part {
				t.Fatalf("accepted part %q", part)
			}
		}
		if _, err := token.Verify(other.Public()); err == nil {
			t.Fatal("verified with a key that signed nothing")
		}
	})
}

// FuzzParseObject: what is accepted is what encoding/json reads too, and
// parses again after encoding.
func FuzzParseObject(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":[1,-0,1e400,"\u212a",null,true]}`, `{"a":1,"A":2}`, `{"a":1,"a":2}`, "{\"\xff\":1}",
		`{"a":{"a":{"a":{"a":{"a":{}}}}}}`, `{"a":1}{}`, `{"\ud800":1}`, ` { "b" : 1 } `, `[`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		object, err := ParseObject(text, Limits{})
		typed(t, err)
		if err != nil {
			return
		}
		var plain map[string]any
		if err := json.Unmarshal(text, &plain); err != nil && !strings.Contains(err.Error(), "cannot unmarshal number") {
			t.Fatalf("encoding/json refuses what was accepted: %v", err)
		}
		again, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		if len(again) > MaxToken {
			return // escapes may grow
		}
		if _, err := ParseObject(again, Limits{}); err != nil {
			t.Fatalf("its encoding %s is refused: %v", again, err)
		}
	})
}

// FuzzParsePublicKey: an accepted key is on its curve and survives its own
// encoding.
func FuzzParsePublicKey(f *testing.F) {
	for _, k := range []*PrivateKey{newKey(f), p384(f), ed(f)} {
		text, err := json.Marshal(k.Public())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"","y":"","d":""}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := ParsePublicKey(text)
		typed(t, err)
		if err != nil {
			return
		}
		again, err := PublicKeyFromCrypto(k.Crypto())
		if err != nil || !again.Equal(k) {
			t.Fatalf("accepted a key the library does not: %v", err)
		}
		if back, err := ParsePublicKey([]byte(k.canonical())); err != nil || !back.Equal(k) {
			t.Fatalf("its encoding is refused: %v", err)
		}
	})
}

// FuzzDecrypt: nothing but the one sound token opens.
func FuzzDecrypt(f *testing.F) {
	k := newKey(f)
	good := sealed(f, k, EncryptOptions{Kid: "a", APU: []byte("u")})
	f.Add(good)
	f.Add(reheaded(f, good, map[string]any{"zip": "DEF"}))
	f.Add(reheaded(f, good, map[string]any{"alg": "dir", "epk": nil}))
	f.Add("....")
	f.Fuzz(func(t *testing.T, compact string) {
		got, err := Decrypt(compact, k, DecryptRule{})
		typed(t, err)
		if err == nil && compact != good {
			t.Fatalf("opened a token nobody sealed: %q", got)
		}
	})
}

// FuzzChain: an accepted chain ends at the anchor, and only the sound one is.
func FuzzChain(f *testing.F) {
	p := newPKI(f)
	good := p.chain(p.leaf())
	f.Add(good[0], good[1])
	f.Add(good[1], good[0])
	f.Add(good[0], "")
	f.Add("MIIB", "AAAA")
	f.Add(encode(p.root)[0], good[1])
	f.Fuzz(func(t *testing.T, leaf, between string) {
		c, err := VerifyChain([]string{leaf, between}, p.rule())
		typed(t, err)
		if err == nil && (leaf != good[0] || between != good[1] || !c.Anchor.Equal(p.root)) {
			t.Fatal("believed a chain nobody signed")
		}
		_ = LeafHash([]string{leaf})
	})
}
