package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"facet/credentials/did"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
)

// An askerRig is a configuration of one platform, and a register.
type askerRig struct {
	t      *testing.T
	dir    string
	ids    map[string]demoIdentity
	key    *jose.PrivateKey
	config map[string]any
	now    time.Time
}

func newAskerRig(t *testing.T) *askerRig {
	t.Helper()
	r := &askerRig{t: t, dir: t.TempDir(), now: time.Now()}
	var err error
	if r.ids, err = demoPKI(filepath.Join(r.dir, "pki"), r.now); err != nil {
		t.Fatal(err)
	}
	if r.key, err = jose.GenerateKey(); err != nil {
		t.Fatal(err)
	}
	trust, err := trustList(1, "", r.ids, demoSite{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(r.dir, "trust.json"), string(trust))
	policy, err := filepath.Abs("../../examples/newsroom/policies/access.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r.identity(didOfKey(t, r.key) + "#0")
	r.config = map[string]any{
		"url": "http://127.0.0.1:1", "store": "data", "log_origin": "verifier.test/log", "trust": "trust.json", "insecure_loopback": true,
		"platforms": []any{map[string]any{
			"id": "news", "name": "Morgenblatt", "identity": "news.pem", "client_id_prefix": "decentralized_identifier",
			"api_keys_sha256": []string{strings.Repeat("0", 64)}, "return_uris": []string{"http://news.localhost:8083/back"}, "policies": []string{policy},
		}},
	}
	return r
}

func didOfKey(t *testing.T, key *jose.PrivateKey) string {
	t.Helper()
	id, err := did.JWK(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// identity writes the identity file of a DID: its verification method, and the key.
func (r *askerRig) identity(method string) {
	r.t.Helper()
	der, err := r.key.MarshalPKCS8()
	if err != nil {
		r.t.Fatal(err)
	}
	text := method + "\n" + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err := os.WriteFile(filepath.Join(r.dir, "news.pem"), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// register writes a registration certificate that covers these claims of
// memberships, signed by somebody of the demo.
func (r *askerRig) register(name string, change map[string]any, claims ...string) {
	r.t.Helper()
	list := []any{}
	for _, c := range claims {
		list = append(list, map[string]any{"path": []any{c}})
	}
	m := map[string]any{
		"name": "Morgenblatt", "sub": didOfKey(r.t, r.key), "iat": r.now.Add(-time.Hour).Unix(), "exp": r.now.AddDate(0, 6, 0).Unix(),
		"purpose":     []any{map[string]any{"lang": "en", "value": "Readers"}},
		"credentials": []any{map[string]any{"format": "dc+sd-jwt", "meta": map[string]any{"vct_values": []any{"urn:facet:media-membership:1"}}, "claim": list}},
	}
	for k, v := range change {
		m[k] = v
	}
	payload, err := json.Marshal(m)
	if err != nil {
		r.t.Fatal(err)
	}
	by := r.ids["morgenblatt"]
	signer, err := jose.PrivateKeyFromCrypto(by.key)
	if err != nil {
		r.t.Fatal(err)
	}
	token, err := jose.Sign(r.t.Context(), signer, map[string]any{"typ": openid4vp.RegistrationType, "x5c": by.x5c}, payload)
	if err != nil {
		r.t.Fatal(err)
	}
	write(r.t, filepath.Join(r.dir, name), token+"\n")
}

func (r *askerRig) platform() map[string]any {
	return r.config["platforms"].([]any)[0].(map[string]any)
}

// save writes the configuration and returns the findings about the platform.
func (r *askerRig) save() []finding {
	r.t.Helper()
	text, err := json.Marshal(r.config)
	if err != nil {
		r.t.Fatal(err)
	}
	file := filepath.Join(r.dir, "verifier.json")
	write(r.t, file, string(text))
	var out []finding
	for _, f := range examine(r.t.Context(), file, func() time.Time { return r.now }) {
		if strings.HasPrefix(f.Area, "platform") {
			out = append(out, f)
		}
	}
	return out
}

func (r *askerRig) want(found []finding, level, text string) {
	r.t.Helper()
	for _, f := range found {
		if f.Level == level && strings.Contains(f.What, text) {
			return
		}
	}
	r.t.Errorf("no %s says %q: %+v", level, text, found)
}

// TestDoctorAsker: the doctor says whether the DID, the registration and the trust
// list of a platform are what they must be.
func TestDoctorAsker(t *testing.T) {
	r := newAskerRig(t)
	r.want(r.save(), levelOK, "is published with the key of the identity file")
	r.identity("did:web:127.0.0.1%3A1#key-1")
	r.want(r.save(), levelProblem, "document cannot be fetched")
	other, _ := jose.GenerateKey()
	r.identity(didOfKey(t, other) + "#0")
	r.want(r.save(), levelProblem, "names another key than the identity file holds")
	r.identity("")
	r.want(r.save(), levelProblem, "no line of it names the verification method")
	r.identity(didOfKey(t, r.key) + "#0")

	r.platform()["registrations"] = []string{"access.jwt"}
	r.want(r.save(), levelProblem, "registration access.jwt")
	r.register("access.jwt", nil, "tier")
	r.want(r.save(), levelWarning, "nobody is configured who registers verifiers")
	r.register("access.jwt", nil, "valid_until")
	r.want(r.save(), levelProblem, `urn:facet:media-membership:1 ["tier"]`)
	r.register("access.jwt", map[string]any{"exp": r.now.AddDate(0, 0, 10).Unix()}, "tier")
	r.want(r.save(), levelWarning, "registration access.jwt ends on")
	r.register("access.jwt", map[string]any{"sub": "somebody"}, "tier")
	r.want(r.save(), levelProblem, "who is not who asks")
	delete(r.platform(), "registrations")

	r.platform()["trust"] = "own.json"
	r.want(r.save(), levelProblem, "trust own.json")
	write(t, filepath.Join(r.dir, "own.json"), `{"version":1,"name":"own","issuers":[],"verifiers":[]}`)
	r.want(r.save(), levelOK, "is published")
}

// TestDIDWebResolver looks a did:web up over the guarded fetcher.
func TestDIDWebResolver(t *testing.T) {
	r := newAskerRig(t)
	jwk, err := r.key.Public().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var id string
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/did+json")
		fmt.Fprintf(w, `{"@context":["https://www.w3.org/ns/did/v1"],"id":%q,"verificationMethod":[{"id":"%s#key-1","type":"JsonWebKey2020","controller":%q,"publicKeyJwk":%s}],"assertionMethod":["%s#key-1"]}`, id, id, id, jwk, id)
	}))
	defer site.Close()
	id = "did:web:" + strings.Replace(strings.TrimPrefix(site.URL, "http://"), ":", "%3A", 1)
	r.identity(id + "#key-1")
	r.want(r.save(), levelOK, "is published with the key of the identity file")
	r.identity(id + "#key-2")
	r.want(r.save(), levelProblem, "did_key_unknown")
}

// TestLintRegistration: a developer sees what a policy asks beyond a registration.
func TestLintRegistration(t *testing.T) {
	r := newAskerRig(t)
	r.register("wide.jwt", nil, "tier")
	r.register("narrow.jwt", nil, "valid_until")
	lint := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := runPolicy(t.Context(), &environ{stdout: &out, stderr: &out}, args)
		return out.String(), err
	}
	const access = "../../examples/newsroom/policies/access.yaml"
	if out, err := lint("lint", "--registration", filepath.Join(r.dir, "wide.jwt"), access); err != nil || !strings.Contains(out, "registered") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err := lint("lint", "--registration", filepath.Join(r.dir, "narrow.jwt"), access)
	if err == nil || !strings.Contains(out, `urn:facet:media-membership:1 ["tier"]`) {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := lint("lint", "--registration", filepath.Join(r.dir, "narrow.jwt"), "--registration", filepath.Join(r.dir, "wide.jwt"), access); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := lint("lint", "--registration", access, access); err == nil {
		t.Error("a policy was taken for a registration")
	}
	if _, err := lint("lint", "--registration"); err == nil {
		t.Error("no file was taken")
	}
	in := &inspection{now: time.Now()}
	raw, err := os.ReadFile(filepath.Join(r.dir, "wide.jwt"))
	if err != nil {
		t.Fatal(err)
	}
	var shown bytes.Buffer
	v := in.look(strings.TrimSpace(string(raw)))
	if err := v.writeText(&shown, painter(false)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Registration certificate", "What it allows", `["tier"]`} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("inspect does not say %q:\n%s", want, shown.String())
		}
	}
	broken := strings.Replace(strings.TrimSpace(string(raw)), ".", "."+base64.RawURLEncoding.EncodeToString([]byte("x")), 1)
	if !in.look(broken).bad() {
		t.Error("a broken certificate looks fine")
	}
}
