package sdjwt

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"facet/credentials/jose"
)

// forge signs payload as it stands and appends the disclosures.
func forge(t *testing.T, key *jose.PrivateKey, payload string, disclosures ...string) string {
	t.Helper()
	jwt, err := jose.Sign(t.Context(), key, map[string]any{"typ": "example+sd-jwt"}, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return jwt + "~" + tildes(disclosures)
}

// disclosure encodes JSON text; hash gives its digest.
func disclosure(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func hashOf(disclosure string) string {
	sum := sha256.Sum256([]byte(disclosure))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// sd is a payload with the digests of the disclosures in _sd.
func sd(disclosures ...string) string {
	var digests []string
	for _, d := range disclosures {
		digests = append(digests, hashOf(d))
	}
	b, _ := json.Marshal(map[string]any{"_sd": digests})
	return string(b)
}

// placeholder is a payload whose array has one hidden element.
func placeholder(disclosure string) string {
	return `{"list":[{"...":"` + hashOf(disclosure) + `"}]}`
}

func newKey(t testing.TB) *jose.PrivateKey {
	t.Helper()
	key, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func reason(err error) string {
	var r interface{ Reason() string }
	if errors.As(err, &r) {
		return r.Reason()
	}
	if err != nil {
		return "no reason: " + err.Error()
	}
	return ""
}

// TestRejects holds Parse and Verify to the reject list of RFC 9901 §7.1.
func TestRejects(t *testing.T) {
	key := newKey(t)
	name := disclosure(`["c2FsdA","name","Ada"]`)
	twin := disclosure(`["c2FsdDI","name","Eva"]`)
	element := disclosure(`["c2FsdA","DE"]`)
	child := disclosure(`["c2FsdA","street","Weg 1"]`)
	parent := disclosure(`["c2FsdDM","address",` + sd(child) + `]`)
	repeats := disclosure(`["c2FsdDQ","address",` + sd(name) + `]`)
	forgeNamed := func(n string) string {
		d := disclosure(`["c2FsdA",` + n + `,1]`)
		return forge(t, key, sd(d), d)
	}
	forgeOne := func(text string) string {
		d := disclosure(text)
		return forge(t, key, sd(d), d)
	}
	for _, tt := range []struct {
		id, want string
		tokens   []string
	}{
		{"SDJWT-001", "issuer_signature_invalid", []string{flipSignature(forge(t, key, sd(name), name))}},
		{"SDJWT-003", "sdjwt_digest_duplicate", []string{
			forge(t, key, `{"_sd":["`+hashOf(name)+`"],"list":[{"...":"`+hashOf(name)+`"}]}`),
			forge(t, key, `{"_sd":["decoy","decoy"]}`),
			forge(t, key, `{"list":[{"...":"decoy"},[{"...":"decoy"}]]}`),
		}},
		{"SDJWT-004", "sdjwt_digest_duplicate", []string{
			forge(t, key, sd(name, repeats), name, repeats),
		}},
		{"SDJWT-005", "sdjwt_disclosure_duplicate", []string{forge(t, key, sd(name), name, name)}},
		{"SDJWT-006", "sdjwt_disclosure_unreferenced", []string{
			forge(t, key, sd(name), name, twin), forge(t, key, `{}`, name), forge(t, key, sd(name), name, "!!"),
		}},
		{"SDJWT-007", "sdjwt_disclosure_unreferenced", []string{
			forge(t, key, sd(name), parent, child), // neither is in the payload
			forge(t, key, sd(parent), child),       // its parent stayed at home
		}},
		{"SDJWT-008", "sdjwt_claim_name_forbidden", []string{forgeNamed(`"_sd"`)}},
		{"SDJWT-009", "sdjwt_claim_name_forbidden", []string{forgeNamed(`"..."`)}},
		{"SDJWT-010", "sdjwt_claim_name_forbidden", []string{
			forgeNamed(`"_sd_alg"`), forge(t, key, `{"address":{"_sd_alg":"sha-256"}}`),
		}},
		{"SDJWT-012", "sdjwt_claim_collision", []string{
			forge(t, key, sd(name, twin), name, twin),
			forge(t, key, `{"name":"Ida","_sd":["`+hashOf(name)+`"]}`, name),
		}},
		{"SDJWT-020", "sdjwt_disclosure_arity", []string{
			forge(t, key, sd(element), element), forge(t, key, placeholder(name), name),
			forgeOne(`["c2FsdA"]`), forgeOne(`["c2FsdA","a",1,2]`), forgeOne(`[]`),
		}},
		{"SDJWT-024", "sdjwt_disclosure_malformed", []string{
			forgeOne(`[1,"a",1]`), forgeOne(`[null,"a",1]`), forgeOne(`["c2FsdA",7,1]`),
			forgeOne(`{"salt":"c2FsdA"}`), forgeOne(`"c2FsdA"`), forgeOne(`["c2FsdA","a",1`), forgeOne(`["c2FsdA","a",1]]`),
			forgeOne(`["c2FsdA","a",{"b":1,"b":2}]`), forgeOne("[\"c2FsdA\",\"a\",\"\xff\"]"),
			forge(t, key, sd(name+"="), name+"="), forge(t, key, sd("ä"), "ä"),
		}},
		{"SDJWT-025", "sdjwt_array_placeholder_malformed", []string{
			forge(t, key, `{"list":[{"...":"`+hashOf(element)+`","x":1}]}`, element),
		}},
		{"SDJWT-026", "sdjwt_array_placeholder_malformed", []string{
			forge(t, key, `{"list":[{"...":7}]}`), forge(t, key, `{"list":[{"...":["x"]}]}`), forge(t, key, `{"list":[{"...":""}]}`),
			forge(t, key, `{"...":"x"}`), forge(t, key, `{"a":{"...":"x"}}`),
		}},
		{"SDJWT-027", "sdjwt_sd_malformed", []string{
			forge(t, key, `{"_sd":"x"}`), forge(t, key, `{"_sd":null}`), forge(t, key, `{"_sd":{"a":1}}`),
			forge(t, key, `{"_sd":[1]}`), forge(t, key, `{"_sd":[""]}`), forge(t, key, `{"a":{"_sd":[["x"]]}}`),
		}},
		{"SDJWT-029", "sdjwt_hash_unsupported", []string{
			forge(t, key, `{"_sd_alg":"md5"}`), forge(t, key, `{"_sd_alg":"sha-1"}`), forge(t, key, `{"_sd_alg":"sha-256-64"}`),
			forge(t, key, `{"_sd_alg":"SHA-256"}`), forge(t, key, `{"_sd_alg":7}`), forge(t, key, `{"_sd_alg":null}`),
		}},
		{"SDJWT-032", "sdjwt_format", []string{
			strings.TrimSuffix(forge(t, key, `{}`), "~"), strings.TrimSuffix(forge(t, key, sd(name), name), "~"),
		}},
		{"SDJWT-033", "sdjwt_format", []string{
			forge(t, key, `{}`) + "~", "~" + forge(t, key, `{}`), forge(t, key, sd(name), "", name), "~", "", "~~",
		}},
		{"limits", "size_limit", []string{
			forge(t, key, `{}`, strings.Split(strings.Repeat("x", MaxDisclosures+1), "")...),
			forge(t, key, digests(MaxDigests+1)), forge(t, key, `{}`, strings.Repeat("x", MaxSize)),
		}},
		{"depth", "json_depth_limit", []string{nested(t, key, MaxDepth)}},
	} {
		t.Run(tt.id, func(t *testing.T) {
			for i, token := range tt.tokens {
				if got := reason(verifyAll(token, key)); got != tt.want {
					t.Errorf("token %d: got %q, want %q", i, got, tt.want)
				}
			}
		})
	}
}

func verifyAll(token string, key *jose.PrivateKey) error {
	s, err := Parse(token)
	if err != nil {
		return err
	}
	_, err = s.Verify(key.Public(), VerifyOptions{})
	return err
}

func flipSignature(token string) string {
	jwt, rest, _ := strings.Cut(token, "~")
	at := strings.LastIndexByte(jwt, '.') + 4
	b := []byte(jwt)
	b[at] ^= 1
	if !bytes.ContainsRune([]byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), rune(b[at])) {
		b[at] = 'A'
	}
	return string(b) + "~" + rest
}

// digests is a payload with n different decoys.
func digests(n int) string {
	var b strings.Builder
	b.WriteString(`{"_sd":["decoy"`)
	for i := range n - 1 {
		b.WriteString(`,"` + strconv.Itoa(i) + `"`)
	}
	b.WriteString(`]}`)
	return b.String()
}

// nested is n disclosures, each holding the digest of the next: every JSON
// text is flat, the processed payload is not.
func nested(t *testing.T, key *jose.PrivateKey, n int) string {
	inner := disclosure(`["c2FsdA","x",{}]`)
	all := []string{inner}
	for range n - 1 {
		inner = disclosure(`["c2FsdA","x",` + sd(inner) + `]`)
		all = append(all, inner)
	}
	return forge(t, key, sd(inner), all...)
}

func TestDepthAtTheLimit(t *testing.T) {
	key := newKey(t)
	if err := verifyAll(nested(t, key, MaxDepth-1), key); err != nil {
		t.Fatal(err)
	}
}

// TestAccepts lists what looks odd and is right.
func TestAccepts(t *testing.T) {
	key := newKey(t)
	for _, tt := range []struct {
		id, text, want string
	}{
		{"SDJWT-044", `["c2FsdA","__proto__",{"constructor":1,"toString":null}]`, `{"__proto__":{"constructor":1,"toString":null}}`},
		{"short salt", `["","a",1]`, `{"a":1}`},
		{"null", `["c2FsdA","a",null]`, `{"a":null}`},
		{"emptied object", `["c2FsdA","a",{"_sd":["decoy"]}]`, `{"a":{}}`},
		{"emptied array", `["c2FsdA","a",[{"...":"decoy"}]]`, `{"a":[]}`},
		{"white space", " [ \"c2FsdA\" ,\n\"a\", 1 ] ", `{"a":1}`},
		{"escapes", `["c2FsdA","\u0061","\u00f6"]`, `{"a":"ö"}`},
		{"empty name", `["c2FsdA","",1]`, `{"":1}`},
		{"placeholder as text", `["c2FsdA","a",["...","_sd"]]`, `{"a":["...","_sd"]}`},
	} {
		t.Run(tt.id, func(t *testing.T) {
			d := disclosure(tt.text)
			s, err := Parse(forge(t, key, sd(d), d))
			if err != nil {
				t.Fatal(err)
			}
			v, err := s.Verify(key.Public(), VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := json.Marshal(v.Claims()); string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	t.Run("SDJWT-045", func(t *testing.T) { // verifying changes nothing
		child := disclosure(`["c2FsdA","street","Weg 1"]`)
		parent := disclosure(`["c2FsdDM","address",` + sd(child) + `]`)
		element := disclosure(`["c2FsdA","DE"]`)
		s, err := Parse(forge(t, key, `{"_sd":["`+hashOf(parent)+`"],"list":["a",{"...":"`+hashOf(element)+`"},{"...":"x"}]}`, parent, element, child))
		if err != nil {
			t.Fatal(err)
		}
		var results [3]string
		for i := range results {
			v, err := s.Verify(key.Public(), VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			b, _ := json.Marshal(v.Claims())
			results[i] = string(b)
		}
		if want := `{"address":{"street":"Weg 1"},"list":["a","DE"]}`; results[0] != want || results[1] != want || results[2] != want {
			t.Errorf("got %q", results)
		}
	})
}

func TestUnsupportedHashCanBeNarrowed(t *testing.T) {
	key := newKey(t)
	s, err := Parse(forge(t, key, `{"_sd_alg":"sha-512"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Verify(key.Public(), VerifyOptions{Hashes: []string{"sha-256"}}); reason(err) != "sdjwt_hash_unsupported" {
		t.Errorf("got %v", err)
	}
}

// TestErrorsAreSilent: no error may quote what a credential says.
func TestErrorsAreSilent(t *testing.T) {
	key := newKey(t)
	for _, text := range []string{`["s","canary",{"canary":1,"canary":2}]`, `["canary","_sd","canary"]`, `["canary",7,"canary"]`, `["canary","canary","canary`} {
		d := disclosure(text)
		for _, err := range []error{verifyAll(forge(t, key, sd(d), d), key), verifyAll(forge(t, key, sd(d), d, d), key), verifyAll(forge(t, key, sd("x"), d), key)} {
			if err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), d) {
				t.Errorf("error says too much or nothing: %v", err)
			}
		}
	}
}
