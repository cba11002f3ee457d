package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/jose"
	"facet/credentials/statuslist"
)

const vectors = "../../test/testdata"

func inspect(t *testing.T, input string, args ...string) (text string, err error) {
	t.Helper()
	var out bytes.Buffer
	err = runInspect(t.Context(), &environ{stdin: strings.NewReader(input), stdout: &out, stderr: &out}, args)
	return out.String(), err
}

func vector(t *testing.T, elem ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{vectors}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestInspectPrintedTokens: every token printed in RFC 9901 and the SD-JWT VC
// draft is shown, each disclosure in its place, its signature verified.
func TestInspectPrintedTokens(t *testing.T) {
	key := filepath.Join(vectors, "rfc9901", "issuer-public-key.jwk.json")
	names, _ := filepath.Glob(filepath.Join(vectors, "*", "0*-sec*.txt"))
	if len(names) < 14 {
		t.Fatalf("%d tokens", len(names))
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			out, err := inspect(t, "", "--key", key, name)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if !strings.Contains(out, "verified     ") || strings.Contains(out, "WRONG") || strings.Contains(out, "malformed") {
				t.Errorf("not verified:\n%s", out)
			}
			var want struct {
				Disclosures []struct {
					SHA256 string `json:"sha256"`
				} `json:"disclosures"`
			}
			b, err := os.ReadFile(strings.TrimSuffix(name, ".txt") + ".json")
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, &want); err != nil {
				t.Fatal(err)
			}
			for _, d := range want.Disclosures {
				if !strings.Contains(out, "digest "+d.SHA256) {
					t.Errorf("digest %s is not shown", d.SHA256)
				}
			}
			if strings.Contains(out, "belongs nowhere") {
				t.Error("a disclosure was not placed")
			}
		})
	}
}

func TestInspectJSONForm(t *testing.T) {
	for _, block := range []string{"15-sec8.2.json", "16-sec8.2.json", "17-sec8.3.json"} {
		var b struct{ Value json.RawMessage }
		if err := json.Unmarshal([]byte(vector(t, "rfc9901", "json-blocks", block)), &b); err != nil {
			t.Fatal(err)
		}
		out, err := inspect(t, string(b.Value), "--json")
		if err != nil {
			t.Fatalf("%s: %v", block, err)
		}
		var v view
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(v.Kind, "JWS JSON") || v.Checks[0].State != "open" {
			t.Errorf("%s: %+v", block, v)
		}
	}
}

func TestInspectOtherKinds(t *testing.T) {
	for _, tt := range []struct{ name, input, want string }{
		{"query", vector(t, "openid4vp", "query_lang", "claims_alternatives.json"), `["postal_code"]`},
		{"status list", vector(t, "status-list", "status_list_jwt.txt"), "invalid"},
		{"type metadata", `{"vct":"urn:x","display":[{"locale":"en","name":"A card"}]}`, "Type metadata"},
		{"offer", `{"credential_issuer":"https://issuer.example","credential_configuration_ids":["age"],"grants":{"urn:ietf:params:oauth:grant-type:pre-authorized_code":{"pre-authorized_code":"abc"}}}`, "Credential offer"},
		{"offer link", "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fissuer.example%2Foffers%2F1", "Credential offer link"},
		{"quoted", `"` + strings.TrimSpace(vector(t, "rfc9901", "02-sec5.1-sd-jwt.txt")) + `"`, "family_name"},
		{"encrypted", sealedFor(t), "Encrypted token"},
		{"receipt", `{"v":1,"entry":"` + base64.RawURLEncoding.EncodeToString([]byte(`{"kind":"request"}`)) + `","proof":"c2sp.org/tlog-proof@v1\nindex 1\n","openings":[]}`, "not verified inclusion"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := inspect(t, tt.input)
			if err != nil || !strings.Contains(out, tt.want) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestInspectExplains: malformed input gives one sentence, the reason code and
// exit code 1.
func TestInspectExplains(t *testing.T) {
	good := strings.TrimSpace(vector(t, "rfc9901", "02-sec5.1-sd-jwt.txt"))
	kb := strings.TrimSpace(vector(t, "rfc9901", "03-sec5.2-sd-jwt_kb.txt"))
	last := strings.Split(good, "~")[1]
	for _, tt := range []struct{ name, input, want string }{
		{"empty", "", "cannot be read"},
		{"not a token", "hello", "jose_"},
		{"no last tilde", strings.TrimSuffix(good, "~"), "sdjwt_format"},
		{"twice", good + last + "~", "sdjwt_disclosure_duplicate"},
		{"foreign disclosure", good + "WyJzIiwieCIsMV0~", "sdjwt_disclosure_unreferenced"},
		{"disclosure dropped", strings.Replace(kb, "~"+strings.Split(kb, "~")[1]+"~", "~", 1), "WRONG        sd_hash"},
		{"query", `{"credentials":[{"id":"a b","format":"dc+sd-jwt","meta":{}}]}`, "dcql_malformed"},
		{"twice the same member", `{"credentials":1,"credentials":2}`, "json_duplicate_member"},
		{"unknown JSON", `{"hello":"world"}`, "no kind known"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := inspect(t, tt.input)
			if err == nil || !strings.Contains(out, tt.want) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestInspectWrongKey(t *testing.T) {
	key, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	jwk, _ := json.Marshal(key.Public())
	name := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(name, jwk, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := inspect(t, vector(t, "rfc9901", "02-sec5.1-sd-jwt.txt"), "--key", name)
	if err == nil || !strings.Contains(out, "WRONG") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestInspectSelfAsserted(t *testing.T) {
	key, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	sd, err := credentials.Mint(t.Context(), key, credentials.Minted{
		VCT: "urn:x", Claims: map[string]any{"depth": "short\x1b[31m\u202e"}, IssuedAt: now, ExpiresAt: now.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := inspect(t, sd)
	if err != nil || !strings.Contains(out, "nobody vouches") {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.ContainsAny(out, "\x1b\u202e") {
		t.Error("a claim can steer the terminal")
	}
}

func TestInspectAnchor(t *testing.T) {
	ca := newTestCA(t)
	list, err := statuslist.New(1, 8)
	if err != nil {
		t.Fatal(err)
	}
	token, err := statuslist.Issue(t.Context(), ca.leafKey, list, statuslist.Issuance{URI: "https://x.example/1", IssuedAt: time.Now(), X5C: ca.x5c})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.root}), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := inspect(t, token, "--anchor", name); err != nil || !strings.Contains(out, "under the anchor CN=Test root") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := inspect(t, token); err != nil || !strings.Contains(out, "give their root with --anchor") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestInspectColour(t *testing.T) {
	var out bytes.Buffer
	env := &environ{stdin: strings.NewReader(vector(t, "rfc9901", "02-sec5.1-sd-jwt.txt")), stdout: &out, stderr: &out, colour: true}
	if err := runInspect(t.Context(), env, nil); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "\x1b[33mnot verified\x1b[0m") {
		t.Error("no colour on a terminal")
	}
}
