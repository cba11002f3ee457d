package jose

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func ed(t testing.TB) *PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k, err := PrivateKeyFromCrypto(key)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestEveryKindOfKeySignsAndReturns(t *testing.T) {
	for alg, k := range map[string]*PrivateKey{ES256: newKey(t), ES384: p384(t), EdDSA: ed(t)} {
		t.Run(alg, func(t *testing.T) {
			compact, err := Sign(context.Background(), k, map[string]any{"typ": "kb+jwt", "jwk": k.Public().JWK()}, []byte(goodPayload))
			if err != nil {
				t.Fatal(err)
			}
			r := Rule{Typ: rule.Typ, Algs: []string{alg}, AllowJWK: true}
			token, err := Parse(compact, r)
			if err != nil {
				t.Fatal(err)
			}
			v, err := token.Verify(token.Header().JWK)
			if err != nil || v.Claims()["aud"] != "x" || !v.Key().Equal(k.Public()) {
				t.Fatalf("verify: %v", err)
			}
			i := strings.LastIndexByte(compact, '.') + 1
			flipped, err := DecodeBase64URL(compact[i:])
			if err != nil {
				t.Fatal(err)
			}
			flipped[7] ^= 1
			_, err = verify(compact[:i]+EncodeBase64URL(flipped), r, k.Public())
			wantReason(t, err, ReasonSignature)
			_, err = verify(compact[:i]+EncodeBase64URL(flipped[:len(flipped)-1]), r, k.Public())
			wantReason(t, err, ReasonSignature)

			text, err := k.MarshalJWK()
			if err != nil {
				t.Fatal(err)
			}
			if back, err := ParsePrivateJWK(text); err != nil || !back.Public().Equal(k.Public()) {
				t.Fatalf("JWK: %v", err)
			}
			_, err = ParsePublicKey(text)
			wantReason(t, err, "jwk_private")
			der, err := k.MarshalPKCS8()
			if err != nil {
				t.Fatal(err)
			}
			if back, err := ParsePKCS8PrivateKey(der); err != nil || !back.Public().Equal(k.Public()) {
				t.Fatalf("PKCS #8: %v", err)
			}
			public, err := json.Marshal(k.Public())
			if err != nil {
				t.Fatal(err)
			}
			if back, err := ParsePublicKey(public); err != nil || !back.Equal(k.Public()) || back.Thumbprint() != k.Public().Thumbprint() {
				t.Fatalf("public JWK: %v", err)
			}
		})
	}
}

// TestThumbprint is the example of RFC 8037 §A.3; the private key of §A.1
// belongs to it.
func TestThumbprint(t *testing.T) {
	k, err := ParsePrivateJWK([]byte(`{"kty":"OKP","crv":"Ed25519",
		"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := k.Public().Thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

// TestES256Example is the token of RFC 7515 §A.3.
func TestES256Example(t *testing.T) {
	const token = "eyJhbGciOiJFUzI1NiJ9" +
		".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ" +
		".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	pub, err := ParsePublicKey([]byte(`{"kty":"EC","crv":"P-256",
		"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify(token, Rule{Typ: []string{""}}, pub); err != nil {
		t.Fatal(err)
	}
}

func TestHostileKeys(t *testing.T) {
	k := newKey(t).Public()
	for name, tt := range map[string]struct{ jwk, reason string }{
		"off the curve":   {`{"kty":"EC","crv":"P-256","x":"` + k.x + `","y":"` + k.x + `"}`, "jwk_malformed"},
		"short":           {`{"kty":"EC","crv":"P-256","x":"AAAA","y":"` + k.y + `"}`, "jwk_malformed"},
		"padded":          {`{"kty":"EC","crv":"P-256","x":"` + k.x + `=","y":"` + k.y + `"}`, "jwk_malformed"},
		"number":          {`{"kty":"EC","crv":"P-256","x":1,"y":"` + k.y + `"}`, "jwk_malformed"},
		"P-384 off curve": {`{"kty":"EC","crv":"P-384","x":"` + strings.Repeat("A", 64) + `","y":"` + strings.Repeat("A", 64) + `"}`, "jwk_malformed"},
		"symmetric":       {`{"kty":"oct","k":"AAAA"}`, "jwk_private"},
		"RSA":             {`{"kty":"RSA","n":"AQAB","e":"AQAB"}`, "jwk_unsupported"},
		"curve's case":    {`{"kty":"EC","crv":"p-256","x":"` + k.x + `","y":"` + k.y + `"}`, "jwk_unsupported"},
		"twice":           {`{"kty":"EC","kty":"OKP"}`, "json_duplicate_member"},
		"long":            {`{"kty":"` + strings.Repeat("E", MaxJWK) + `"}`, "size_limit"},
		"array":           {`[]`, "json_malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParsePublicKey([]byte(tt.jwk))
			wantReason(t, err, tt.reason)
		})
	}
	other := newKey(t)
	text := `{"kty":"EC","crv":"P-256","x":"` + k.x + `","y":"` + k.y + `","d":"` + EncodeBase64URL(secretOf(t, other)) + `"}`
	_, err := ParsePrivateJWK([]byte(text))
	wantReason(t, err, "jwk_malformed") // halves of two keys
}

func secretOf(t *testing.T, k *PrivateKey) []byte {
	t.Helper()
	text, err := k.MarshalJWK()
	if err != nil {
		t.Fatal(err)
	}
	members, err := ParseObject(text, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := DecodeBase64URL(members["d"].(string))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPrivateKeysDoNotPrint(t *testing.T) {
	for _, k := range []*PrivateKey{newKey(t), ed(t)} {
		d := secretOf(t, k)
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			if got := fmt.Sprintf(format, k); got != "[private key "+k.Public().Thumbprint()+"]" {
				t.Errorf("%s prints %s", format, got)
			}
		}
		if text, err := json.Marshal(struct{ K *PrivateKey }{k}); err == nil || strings.Contains(string(text), EncodeBase64URL(d)) {
			t.Errorf("encodes as %s", text)
		}
	}
}

func TestKeySet(t *testing.T) {
	a, b := newKey(t).Public().JWK(), newKey(t).Public().JWK()
	a["kid"], b["kid"] = "a", "b"
	a["use"], a["alg"] = "enc", "ECDH-ES"
	set, err := ParseKeySet(map[string]any{"keys": []any{a, map[string]any{"kty": "RSA"}, b}})
	if err != nil || len(set) != 2 {
		t.Fatalf("%d keys, %v", len(set), err)
	}
	k, err := set.Find("a")
	if err != nil || k.Use() != "enc" || k.IntendedAlg() != "ECDH-ES" || k.Kid() != "a" {
		t.Fatalf("found %+v, %v", k, err)
	}
	_, err = set.Find("")
	wantReason(t, err, "jose_kid_unknown")
	b["kid"] = "a"
	_, err = ParseKeySet(map[string]any{"keys": []any{a, b}})
	wantReason(t, err, "jwk_malformed")
	_, err = ParseKeySet(map[string]any{"keys": "x"})
	wantReason(t, err, "jwk_malformed")
}

func TestHeadersThatNeedARule(t *testing.T) {
	k := newKey(t)
	for name, v := range map[string]any{"jwk": k.Public().JWK(), "x5c": []string{"AAAA"}, "jwt": "a.b.c"} {
		compact, err := Sign(context.Background(), k, map[string]any{"typ": "kb+jwt", name: v}, []byte(goodPayload))
		if err != nil {
			t.Fatal(err)
		}
		_, err = Parse(compact, rule)
		wantReason(t, err, "jose_key_header_not_allowed")
		token, err := Parse(compact, Rule{Typ: rule.Typ, AllowJWK: true, AllowX5C: true, AllowJWT: true})
		if err != nil {
			t.Fatalf("%s allowed: %v", name, err)
		}
		if h := token.Header(); (h.JWK != nil) != (name == "jwk") || (h.X5C != nil) != (name == "x5c") || (h.Extra["jwt"] != nil) != (name == "jwt") {
			t.Fatalf("%s is not where it belongs: %+v", name, h)
		}
	}
	_, err := Sign(context.Background(), k, map[string]any{"alg": "none"}, nil)
	wantReason(t, err, "jose_alg_not_allowed")
	raw, err := Sign(context.Background(), k, map[string]any{"typ": "kb+jwt"}, []byte("not JSON"))
	if err != nil {
		t.Fatal(err)
	}
	if token, err := Parse(raw, Rule{Typ: rule.Typ, RawPayload: true}); err != nil || token.UnverifiedClaims() != nil {
		t.Fatalf("raw payload: %v", err)
	}
	_, err = Parse(raw, rule)
	wantReason(t, err, "json_malformed")
}
