package main

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/verifier/server"
)

// A didSite serves the DID document of a host, once it is up.
type didSite struct {
	t    *testing.T
	addr string
	did  string

	mu   sync.Mutex // guards keys
	keys map[string]*jose.PrivateKey
}

func newDIDSite(t *testing.T) *didSite {
	t.Helper()
	addr := freeAddr(t)
	return &didSite{t: t, addr: addr, did: "did:web:" + strings.Replace(addr, ":", "%3A", 1), keys: map[string]*jose.PrivateKey{}}
}

// publish puts a key into the document.
func (s *didSite) publish(name string, key *jose.PrivateKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[name] = key
}

// up starts the server.
func (s *didSite) up() (down func()) {
	s.t.Helper()
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	web := &httptest.Server{Listener: listener, Config: &http.Server{Handler: s}}
	web.Start()
	s.t.Cleanup(web.Close)
	return web.Close
}

func (s *didSite) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var methods, names []any
	for name, key := range s.keys {
		methods = append(methods, map[string]any{"id": s.did + "#" + name, "type": "JsonWebKey2020", "controller": s.did, "publicKeyJwk": key.Public()})
		names = append(names, s.did+"#"+name)
	}
	w.Header().Set("Content-Type", "application/did+json")
	_ = json.NewEncoder(w).Encode(map[string]any{"@context": []string{"https://www.w3.org/ns/did/v1"}, "id": s.did, "verificationMethod": methods, "assertionMethod": names})
}

// identity is a file with the key under that name.
func (s *didSite) identity(name string, key *jose.PrivateKey) []byte {
	s.t.Helper()
	der, err := key.MarshalPKCS8()
	if err != nil {
		s.t.Fatal(err)
	}
	return append([]byte(s.did+"#"+name+"\n"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
}

// TestDIDSiteComesLater starts a verifier while the site with one platform's DID
// document is down: the other platform asks as ever, this one as soon as the
// site is up; metric, doctor and journal say so. The same for a renewed key,
// while the old one signs. A document that names another key keeps it from
// starting.
func TestDIDSiteComesLater(t *testing.T) {
	const otherKey = "the-key-of-the-other-platform-0123456789"
	p, site := newPatient(t), newDIDSite(t)
	one, two := newDIDKey(t), newDIDKey(t)
	p.config["admin_addr"] = freeAddr(t)
	other := map[string]any{"id": "other", "name": "Abendpost", "identity": p.platform()["identity"], "api_keys_sha256": []string{hashOf(otherKey)},
		"policies": p.platform()["policies"], "wallets": p.platform()["wallets"]}
	p.config["platforms"] = []any{p.platform(), other}
	file := filepath.Join(p.dir, "news.pem")
	p.platform()["identity"], p.platform()["client_id_prefix"] = "news.pem", "decentralized_identifier"
	replace(t, file, site.identity("key-1", one))
	stop, out := p.runWith()

	res, body := rawCall(t, p.config["url"].(string), beginStep)
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || !strings.Contains(string(body), `"platform_unavailable"`) {
		t.Errorf("its site is down: %d %s", res.StatusCode, body)
	}
	if status, body := p.call(otherKey, "POST", "/v1/requests", beginStep.body); status != http.StatusCreated {
		t.Fatalf("the other platform: %d %s", status, body)
	}
	eventually(t, "the journal", func() bool { return strings.Contains(out.String(), "nothing can begin for a platform") })
	metric := func(line string) bool {
		res, err := http.Get("http://" + p.config["admin_addr"].(string) + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		return err == nil && strings.Contains(string(text), line+"\n")
	}
	if !metric(`verifier_platform_unavailable{platform="news"} 1`) {
		t.Error("no figure says so")
	}
	if code, said := facetDoctor(p.file()); code != 1 || strings.Count(said, "nothing can begin for") != 2 {
		t.Errorf("doctor: %d\n%s", code, said)
	}
	began := func(key string) bool {
		status, body := p.call(nodeKey, "POST", "/v1/requests", beginStep.body)
		return status == http.StatusCreated && kidOf(t, p, body) == site.did+"#"+key
	}
	site.publish("key-1", one)
	down := site.up()
	eventually(t, "the document", func() bool { return began("key-1") })
	eventually(t, "the figure", func() bool { return metric(`verifier_platform_unavailable{platform="news"} 0`) })
	if n := strings.Count(out.String(), "nothing can begin for a platform"); n != 1 {
		t.Errorf("the journal said it %d times", n)
	}

	down()
	replace(t, file, site.identity("key-2", two))
	eventually(t, "the journal", func() bool { return strings.Contains(out.String(), "not used before its DID document is there") })
	if !began("key-1") {
		t.Error("the old key does not sign while the document is not there")
	}
	site.publish("key-2", two)
	site.up()
	eventually(t, "the new key", func() bool { return began("key-2") })
	stop()

	replace(t, file, site.identity("key-2", one))
	err := runVerifier(t.Context(), &environ{stdout: io.Discard, stderr: io.Discard}, []string{"serve", "--config", p.file()})
	if err == nil || !strings.Contains(err.Error(), "did_key_mismatch") {
		t.Errorf("started with another key than the document's: %v", err)
	}
}

func newDIDKey(t *testing.T) *jose.PrivateKey {
	t.Helper()
	key, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// kidOf fetches the request that was begun and says which key signed it.
func kidOf(t *testing.T, p *patient, begun []byte) string {
	t.Helper()
	var b struct{ Links []struct{ URL string } }
	if err := json.Unmarshal(begun, &b); err != nil {
		t.Fatal(err)
	}
	path, err := testWallet{}.requestPath(b.Links[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	_, jar := rawCall(t, p.config["url"].(string), step{method: "GET", path: path})
	token, err := jose.Parse(string(jar), jose.Rule{Typ: []string{openid4vp.RequestType}})
	if err != nil {
		t.Fatal(err)
	}
	return token.Header().Kid
}

// TestRegistrationReplaced replaces a registration certificate under a running
// verifier: the next request carries the new one, a broken one changes nothing,
// and its end is in figures and journal.
func TestRegistrationReplaced(t *testing.T) {
	r := newAskerRig(t)
	until := func(days int) map[string]any { return map[string]any{"exp": r.now.AddDate(0, 0, days).Unix()} }
	r.register("access.jwt", until(10), "tier")
	p := newPatient(t)
	p.dir, p.config["admin_addr"] = r.dir, freeAddr(t)
	p.platform()["identity"], p.platform()["client_id_prefix"], p.platform()["registrations"] = "news.pem", "decentralized_identifier", []string{"access.jwt"}
	_, out := p.runWith()
	figure := func() string {
		res, err := http.Get("http://" + p.config["admin_addr"].(string) + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	ends := func(days int) string {
		return fmt.Sprintf("verifier_registration_end_seconds{platform=\"news\"} %v\n", float64(r.now.AddDate(0, 0, days).Unix()))
	}
	if text := figure(); !strings.Contains(text, ends(10)) {
		t.Errorf("no end in the figures, want %s", ends(10))
	}
	eventually(t, "the journal", func() bool { return strings.Contains(out.String(), "a registration certificate ends soon") })
	sent := func() string {
		_, body := p.call(nodeKey, "POST", "/v1/requests", beginStep.body)
		return registrationIn(t, p, body)
	}
	first := sent()
	replace(t, filepath.Join(r.dir, "access.jwt"), []byte("nothing"))
	eventually(t, "the refusal", func() bool { return strings.Contains(out.String(), "identity not renewed") })
	if sent() != first {
		t.Error("a broken file took the certificate away")
	}
	r.register("access.jwt", until(100), "tier")
	eventually(t, "the new certificate", func() bool { now := sent(); return now != first && now != "" })
	eventually(t, "its end", func() bool { return strings.Contains(figure(), ends(100)) })
}

// registrationIn is the registration certificate a begun request carries.
func registrationIn(t *testing.T, p *patient, begun []byte) string {
	t.Helper()
	var b struct{ Links []struct{ URL string } }
	if err := json.Unmarshal(begun, &b); err != nil || len(b.Links) == 0 {
		t.Fatalf("%s: %v", begun, err)
	}
	path, err := testWallet{}.requestPath(b.Links[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	_, jar := rawCall(t, p.config["url"].(string), step{method: "GET", path: path})
	token, err := jose.Parse(string(jar), jose.Rule{Typ: []string{openid4vp.RequestType}})
	if err != nil {
		t.Fatal(err)
	}
	list, _ := token.UnverifiedClaims()["verifier_info"].([]any)
	for _, one := range list {
		if m, ok := one.(map[string]any); ok && m["format"] == openid4vp.RegistrationFormat {
			return fmt.Sprint(m["data"])
		}
	}
	return ""
}

// TestTLSEnds: the end of the TLS certificate in the file is a figure, also of a
// replaced one, and within 30 days of it the journal says so.
func TestTLSEnds(t *testing.T) {
	file, out, now := filepath.Join(t.TempDir(), "tls.pem"), &journal{}, time.Now()
	n := &verifierNode{setup: verifierSetup{tls: &certFile{cert: file, key: file}}, metrics: server.NewMetrics(), logger: slog.New(slog.NewTextHandler(out, nil))}
	for _, days := range []int{20, 40} {
		leaf, _ := newPEM(t, now.AddDate(-demoLeafYears, 0, days))
		time.Sleep(20 * time.Millisecond) // file times are not finer than a few
		replace(t, file, leaf)
		n.noteTLS()
		n.remind(now)
		w := httptest.NewRecorder()
		n.metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		end := n.setup.tlsEnds()
		if left := end.Sub(now).Hours() / 24; left < float64(days)-2 || left > float64(days)+2 {
			t.Fatalf("it ends on %v", end)
		}
		if want := fmt.Sprintf("verifier_tls_end_seconds %v\n", float64(end.Unix())); !strings.Contains(w.Body.String(), want) {
			t.Errorf("missing: %s", want)
		}
		if said := strings.Contains(out.String(), "the TLS certificate ends soon"); said != (days < 30) {
			t.Errorf("%d days left: %s", days, out)
		}
		out.reset()
	}
}
