package vectors

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"facet/credentials/jose"
	"facet/credentials/sdjwt"
)

// A printed token: what the RFC or the draft says it contains.
type printed struct {
	Header      map[string]any `json:"header"`
	Payload     map[string]any `json:"payload"`
	Disclosures []struct {
		Disclosure string `json:"disclosure"`
		Contents   []any  `json:"contents"`
		SHA256     string `json:"sha256"`
	} `json:"disclosures"`
	KBPayload map[string]any `json:"kb_payload"`
}

// TestPrintedTokens verifies every SD-JWT and SD-JWT+KB printed in RFC 9901
// and the SD-JWT VC draft: issuer signature, each disclosure's digest and
// contents, and key binding.
func TestPrintedTokens(t *testing.T) {
	key := issuerKey(t)
	tokens := append(files(t, "rfc9901", "0*-sd-jwt*.txt"), files(t, "sd-jwt-vc", "0*-sd-jwt*.txt")...)
	if len(tokens) != 13 {
		t.Fatalf("%d printed tokens, want 13", len(tokens))
	}
	for _, name := range tokens {
		t.Run(name, func(t *testing.T) {
			want := decode[printed](t, read(t, strings.TrimSuffix(name, ".txt")+".json"))
			sd, err := sdjwt.Parse(text(t, name))
			if err != nil {
				t.Fatal(err)
			}
			v, err := sd.Verify(key, sdjwt.VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			same(t, sd.Issuer().UnverifiedClaims(), want.Payload)
			if len(v.Disclosures()) != len(want.Disclosures) {
				t.Fatalf("%d disclosures, want %d", len(v.Disclosures()), len(want.Disclosures))
			}
			for i, d := range v.Disclosures() {
				w := want.Disclosures[i]
				got := []any{d.Salt, d.Name, d.Value}
				if d.ArrayElement {
					got = []any{d.Salt, d.Value}
				}
				same(t, got, w.Contents)
				if d.Digest != w.SHA256 || d.Encoded != w.Disclosure {
					t.Errorf("disclosure %d: digest %s, want %s", i, d.Digest, w.SHA256)
				}
			}
			if want.KBPayload != nil {
				checkBinding(t, v, want.KBPayload)
			}
		})
	}
}

func checkBinding(t *testing.T, v *sdjwt.Verified, want map[string]any) {
	t.Helper()
	iat, _, err := jose.NumericDate(want, "iat")
	if err != nil {
		t.Fatal(err)
	}
	kb, err := v.VerifyKeyBinding(sdjwt.KBRule{
		Nonce: want["nonce"].(string), Audience: want["aud"].(string),
		NotBefore: iat.Add(-time.Minute), NotAfter: iat.Add(time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, kb.Claims(), want)
}

// TestProcessedPayloads compares with the processed payloads RFC 9901 prints
// after its presentations.
func TestProcessedPayloads(t *testing.T) {
	key := issuerKey(t)
	for _, tt := range []struct{ token, payload string }{
		{"07-secA.3-sd-jwt_kb.txt", "27-secA.3.json"},
		{"04-secA.1-sd-jwt.txt", "20-secA.1.json"},
		{"05-secA.2-sd-jwt.txt", "23-secA.2.json"},
		{"09-secA.4-sd-jwt_kb.txt", "30-secA.4.json"},
		{"03-sec5.2-sd-jwt_kb.txt", "09-sec5.2.json"},
	} {
		t.Run(tt.token, func(t *testing.T) {
			block := decode[struct{ Value map[string]any }](t, read(t, "rfc9901", "json-blocks", tt.payload))
			sd, err := sdjwt.Parse(text(t, "rfc9901", tt.token))
			if err != nil {
				t.Fatal(err)
			}
			v, err := sd.Verify(key, sdjwt.VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			same(t, v.Claims(), block.Value)
		})
	}
}

// TestReferenceLibrary verifies what sd-jwt-python generated and compares the
// processed payload with its own.
func TestReferenceLibrary(t *testing.T) {
	key := issuerKey(t)
	ran := 0
	for _, spec := range []string{"rfc9901", "sd-jwt-vc", "sd-jwt-python"} {
		for _, name := range files(t, spec, "generated", "*", "sd_jwt_presentation.txt") {
			t.Run(name, func(t *testing.T) {
				sd, err := sdjwt.Parse(text(t, name))
				if err != nil {
					t.Fatal(err)
				}
				verifyGenerated(t, sd, key, filepath.Dir(name))
			})
			ran++
		}
		for _, name := range files(t, spec, "generated", "*", "sd_jwt_issuance.txt") {
			t.Run(name, func(t *testing.T) {
				sd, err := sdjwt.Parse(text(t, name))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := sd.Verify(key, sdjwt.VerifyOptions{}); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
	for _, spec := range []string{"rfc9901", "sd-jwt-python"} {
		dir := filepath.Join(spec, "generated", "json_serialization_flattened")
		t.Run(dir, func(t *testing.T) {
			sd, err := sdjwt.ParseJSON([]byte(decode[string](t, read(t, dir, "sd_jwt_presentation.json"))))
			if err != nil {
				t.Fatal(err)
			}
			verifyGenerated(t, sd, key, dir)
		})
	}
	if ran < 25 {
		t.Errorf("only %d generated presentations found", ran)
	}
}

func verifyGenerated(t *testing.T, sd *sdjwt.SDJWT, key *jose.PublicKey, dir string) {
	t.Helper()
	v, err := sd.Verify(key, sdjwt.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, v.Claims(), decode[map[string]any](t, read(t, dir, "verified_contents.json")))
	if sd.KeyBinding() != "" {
		checkBinding(t, v, decode[map[string]any](t, read(t, dir, "kb_jwt_payload.json")))
	}
}

// TestJSONSerialization reads the JWS JSON serializations RFC 9901 §8 prints,
// flattened and general, and writes them again.
func TestJSONSerialization(t *testing.T) {
	key := issuerKey(t)
	for _, block := range []string{"15-sec8.2.json", "16-sec8.2.json", "17-sec8.3.json"} {
		t.Run(block, func(t *testing.T) {
			b := decode[struct{ Value jsonText }](t, read(t, "rfc9901", "json-blocks", block))
			sd, err := sdjwt.ParseJSON(b.Value)
			if err != nil {
				t.Fatal(err)
			}
			v, err := sd.Verify(key, sdjwt.VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if sd.KeyBinding() != "" {
				kb, err := jose.Parse(sd.KeyBinding(), jose.Rule{Typ: []string{sdjwt.KeyBindingType}})
				if err != nil {
					t.Fatal(err)
				}
				checkBinding(t, v, kb.UnverifiedClaims())
			}
			for _, write := range []func() ([]byte, error){sd.FlattenedJSON, sd.GeneralJSON} {
				out, err := write()
				if err != nil {
					t.Fatal(err)
				}
				again, err := sdjwt.ParseJSON(out)
				if err != nil {
					t.Fatal(err)
				}
				if again.String() != sd.String() {
					t.Error("the serialization changed the token")
				}
			}
		})
	}
}

type jsonText []byte

func (j *jsonText) UnmarshalJSON(b []byte) error { *j = append([]byte(nil), b...); return nil }

// TestDisclosureEncodings reads the four encodings RFC 9901 §4.2.1 gives for
// one disclosure, and every disclosure the RFC and the draft list, out of an
// SD-JWT made for the purpose.
func TestDisclosureEncodings(t *testing.T) {
	type listed struct {
		Disclosure string `json:"disclosure"`
		Contents   []any  `json:"contents"`
		SHA256     string `json:"sha256"`
	}
	holder, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	all := decode[[]listed](t, read(t, "rfc9901", "disclosure-encodings.json"))
	all = append(all, decode[[]listed](t, read(t, "rfc9901", "disclosures-listed.json"))...)
	all = append(all, decode[[]listed](t, read(t, "sd-jwt-vc", "disclosures-listed.json"))...)
	if len(all) < 92 {
		t.Fatalf("%d disclosures listed", len(all))
	}
	for _, l := range all {
		payload := `{"_sd":["` + l.SHA256 + `"]}`
		if len(l.Contents) == 2 {
			payload = `{"list":[{"...":"` + l.SHA256 + `"}]}`
		}
		jwt, err := jose.Sign(t.Context(), holder, nil, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		sd, err := sdjwt.Parse(jwt + "~" + l.Disclosure + "~")
		if err != nil {
			t.Fatal(err)
		}
		v, err := sd.Verify(holder.Public(), sdjwt.VerifyOptions{})
		if err != nil {
			t.Fatalf("%s: %v", l.Disclosure, err)
		}
		same(t, v.Disclosures()[0].Value, l.Contents[len(l.Contents)-1])
	}
}
