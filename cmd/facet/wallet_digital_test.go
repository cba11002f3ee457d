package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/dcql"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/credentials/sdjwt"
	"facet/schemas"
)

const askingPage = "https://morgenblatt.example"

// A digitalAsk is a request as a page hands it to the browser, and the key that
// opens the answer.
type digitalAsk struct {
	message openid4vp.DigitalMessage
	nonce   string
	key     *jose.DecryptionKey
}

// newDigitalAsk asks for preferences as the demo's newspaper, and writes the
// trust list that vouches for it.
func newDigitalAsk(t *testing.T, trust string) digitalAsk {
	t.Helper()
	dir, now := t.TempDir(), time.Now()
	ids, err := demoPKI(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	list, err := demoTrust(dir, "http://issuer.localhost:8082", ids, demoSite{}, now)
	if err != nil {
		t.Fatal(err)
	}
	write(t, trust, string(list))
	paper := ids["morgenblatt"]
	signer, err := jose.PrivateKeyFromCrypto(paper.key)
	if err != nil {
		t.Fatal(err)
	}
	a := digitalAsk{nonce: "n-0S6_WzA2Mj8eZ1oV7qXw"}
	if a.key, err = jose.GenerateDecryptionKey(); err != nil {
		t.Fatal(err)
	}
	jar, err := openid4vp.SignRequest(t.Context(), signer, paper.x5c, openid4vp.RequestObject{
		ClientID: "x509_hash:" + jose.LeafHash(paper.x5c), ResponseType: openid4vp.ResponseType, ResponseMode: openid4vp.ModeDCAPIJWT,
		Nonce: a.nonce, Audience: openid4vp.SelfIssuedAudience, ExpectedOrigins: []string{askingPage}, IssuedAt: now, ExpiresAt: now.Add(time.Minute),
		ClientMetadata: openid4vp.ClientMetadata{VPFormats: openid4vp.SDJWTFormats(), Keys: []openid4vp.EncryptionKey{{Kid: "k", Key: a.key.Public()}}},
		DCQL: &dcql.Query{Credentials: []dcql.CredentialQuery{{
			ID: "prefs", Format: dcql.SDJWTVC, Meta: dcql.Meta{VCTValues: []string{schemas.MediaPreferences}},
			Claims: []dcql.ClaimQuery{{Path: claims.Path{"depth"}}},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if a.message, err = openid4vp.SignedDigital(jar); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestPresentToAPage: what a stranger does by hand with --origin.
func TestPresentToAPage(t *testing.T) {
	dir := t.TempDir()
	file, trust, request := filepath.Join(dir, "my.vault"), filepath.Join(dir, "trust.json"), filepath.Join(dir, "request.json")
	newVault(t, file)
	a := newDigitalAsk(t, trust)
	one, err := json.Marshal(a.message)
	if err != nil {
		t.Fatal(err)
	}
	present := func(stdin string, args ...string) (string, string, error) {
		var out, errs bytes.Buffer
		err := walletCommand.run(context.Background(), &environ{stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs},
			append([]string{"present", "--wallet", file, "--trust", trust}, args...))
		return out.String(), errs.String(), err
	}
	for name, text := range map[string]string{
		"one message":              string(one),
		"the browser's argument":   `{"requests":[{"protocol":"org-iso-mdoc","data":{}},` + string(one) + `]}`,
		"the verifier's own words": `{"id":"x","expires_at":1,"digital":{"requests":[` + string(one) + `]},"events":"/v1"}`,
	} {
		write(t, request, text)
		for how, try := range map[string]func() (string, string, error){
			"file":  func() (string, string, error) { return present("", "--origin", askingPage, "--yes", request) },
			"stdin": func() (string, string, error) { return present(text, "--origin", askingPage, "--yes") },
			"asked": func() (string, string, error) { return present("y\n", "--origin", askingPage, request) },
		} {
			out, page, err := try()
			if err != nil || !strings.Contains(page, "Morgenblatt (morgenblatt.example) asks") {
				t.Fatalf("%s, %s: %v\n%s", name, how, err, page)
			}
			a.check(t, out)
		}
	}
	for name, tt := range map[string]struct {
		stdin, want string
		args        []string
	}{
		"another page":        {string(one), "origin_mismatch", []string{"--origin", "https://evil.example", "--yes"}},
		"a page over http":    {string(one), "origin_forbidden", []string{"--origin", "http://morgenblatt.example", "--yes"}},
		"not approved":        {string(one), "did not say yes", []string{"--origin", askingPage}},
		"nothing":             {"{}", "there is no request", []string{"--origin", askingPage, "--yes"}},
		"no JSON":             {"http://", "no JSON", []string{"--origin", askingPage, "--yes"}},
		"several signatures":  {`{"protocol":"openid4vp-v1-multisigned","data":{}}`, "multisigned_unsupported", []string{"--origin", askingPage, "--yes"}},
		"unsigned":            {`{"protocol":"openid4vp-v1-unsigned","data":{}}`, "nobody vouches", []string{"--origin", askingPage, "--yes"}},
		"a file that is away": {"", "no such file", []string{"--origin", askingPage, filepath.Join(dir, "nothing")}},
		"two files":           {"", "usage", []string{"--origin", askingPage, request, request}},
	} {
		if out, _, err := present(tt.stdin, tt.args...); err == nil || !strings.Contains(err.Error(), tt.want) || out != "" {
			t.Errorf("%s: %v, want %s; printed %q", name, err, tt.want, out)
		}
	}
	if text, err := os.ReadFile(file); err != nil || bytes.Contains(text, []byte(a.nonce)) {
		t.Errorf("the vault: %v", err)
	}
}

// check reads the printed answer as the page's verifier does.
func (a digitalAsk) check(t *testing.T, printed string) {
	t.Helper()
	var m openid4vp.DigitalMessage
	if err := json.Unmarshal([]byte(printed), &m); err != nil || m.Protocol != openid4vp.ProtocolSigned {
		t.Fatalf("printed %q: %v", printed, err)
	}
	post, err := openid4vp.ParseDigitalAnswer(m.Data)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := openid4vp.DecryptResponse(post.Encrypted, a.key, "k")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if _, err := credentials.Verify(t.Context(), answer.VPToken["prefs"][0], credentials.Rule{
		SelfAsserted: []string{schemas.MediaPreferences}, Now: now, Leeway: time.Minute,
		KB: &sdjwt.KBRule{Nonce: a.nonce, Audience: "origin:" + askingPage, NotBefore: now.Add(-time.Minute), NotAfter: now.Add(time.Minute)},
	}); err != nil {
		t.Error(err)
	}
}

// TestInspectDigital: what a page hands to the browser, and what it gets.
func TestInspectDigital(t *testing.T) {
	a := newDigitalAsk(t, filepath.Join(t.TempDir(), "trust.json"))
	one, err := json.Marshal(a.message)
	if err != nil {
		t.Fatal(err)
	}
	jwe, err := openid4vp.EncryptResponse(openid4vp.Response{VPToken: openid4vp.VPToken{"prefs": {"x"}}}, openid4vp.EncryptionKey{Kid: "k", Key: a.key.Public()}, openid4vp.EncA256GCM)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		text string
		want []string
		fine bool
	}{
		"a signed request":   {`{"digital":{"requests":[` + string(one) + `]}}`, []string{"openid4vp-v1-signed: Request object", askingPage, "one of expected_origins"}, true},
		"an unsigned one":    {`{"protocol":"openid4vp-v1-unsigned","data":{"nonce":"n","dcql_query":{"credentials":[]}}}`, []string{"Request parameters, unsigned", "nothing else says who"}, false},
		"several signatures": {`{"protocol":"openid4vp-v1-multisigned","data":{"request":{"payload":"e30","signatures":[]}}}`, []string{"multisigned_unsupported"}, false},
		"an answer":          {`{"protocol":"openid4vp-v1-signed","data":{"response":"` + jwe + `"}}`, []string{"openid4vp-v1-signed: ", "A256GCM"}, true},
		"a refusal":          {`{"protocol":"openid4vp-v1-signed","data":{"error":"access_denied"}}`, []string{"Refusal"}, true},
		"in the clear":       {`{"protocol":"openid4vp-v1-signed","data":{"vp_token":{"prefs":["x"]}}}`, []string{"in the clear", "prefs"}, true},
		"nothing":            {`{"protocol":"openid4vp-v1-signed","data":{}}`, []string{"response_malformed"}, false},
		"no message":         {`{"requests":[]}`, []string{"there is no request"}, false},
	} {
		out, err := inspect(t, tt.text)
		for _, want := range tt.want {
			if !strings.Contains(out, want) || (err == nil) != tt.fine {
				t.Errorf("%s: %v, want %q in\n%s", name, err, want, out)
			}
		}
	}
}
