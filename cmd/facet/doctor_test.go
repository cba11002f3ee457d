package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"facet/verifier/server"
)

func facetDoctor(file string, more ...string) (int, string) {
	var out bytes.Buffer
	env := &environ{stdout: &out, stderr: &out}
	return exitCode(env, doctorCommand, runDoctor(context.Background(), env, append([]string{"--config", file}, more...))), out.String()
}

// A patient is a verifier's configuration and what it names, all in order.
type patient struct {
	t      *testing.T
	dir    string
	config map[string]any
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	dir := t.TempDir()
	_, policy := furnish(t, dir)
	wallet := httptest.NewServer(http.NotFoundHandler()) // has a clock
	t.Cleanup(wallet.Close)
	sum := server.HashKey(nodeKey)
	addr := freeAddr(t)
	return &patient{t, dir, map[string]any{
		"url": "http://" + addr, "addr": addr, "store": "data", "log_origin": "verifier.test/log", "trust": "trust.json", "insecure_loopback": true,
		"platforms": []any{map[string]any{
			"id": "news", "name": "Morgenblatt", "identity": "pki/morgenblatt.pem", "api_keys_sha256": []string{hex.EncodeToString(sum[:])},
			"policies": []string{policy}, "wallets": []any{map[string]any{"name": "Facet", "url": wallet.URL}},
		}},
	}}
}

func (p *patient) platform() map[string]any { return p.config["platforms"].([]any)[0].(map[string]any) }

func (p *patient) file() string {
	p.t.Helper()
	raw, err := json.Marshal(p.config)
	if err != nil {
		p.t.Fatal(err)
	}
	name := filepath.Join(p.dir, "facet.yaml")
	replace(p.t, name, raw)
	return name
}

func TestDoctorHealthy(t *testing.T) {
	p := newPatient(t)
	code, out := facetDoctor(p.file())
	if code != 0 || !strings.Contains(out, "nobody answers at") {
		t.Errorf("before the start: %d\n%s", code, out)
	}
	p.run()
	code, out = facetDoctor(p.file(), "--json")
	var report struct {
		OK       bool
		Findings []finding
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 || !report.OK {
		t.Fatalf("%d %v\n%s", code, err, out)
	}
	seen := map[string]bool{}
	for _, f := range report.Findings {
		seen[f.Area] = true
		if f.Level == levelProblem || f.Level != levelOK && f.Mend == "" {
			t.Errorf("%+v", f)
		}
	}
	for _, area := range []string{"config", `platform "news"`, "clock", "store", "tls", "cors", "log"} {
		if !seen[area] {
			t.Errorf("%s was not looked at", area)
		}
	}
	if code := exitCode(&environ{stdout: io.Discard, stderr: io.Discard}, doctorCommand, runDoctor(t.Context(), &environ{}, nil)); code != 2 {
		t.Errorf("without --config: %d", code)
	}
}

// TestDoctorThreeMistakes: all three are reported, each with what to do.
func TestDoctorThreeMistakes(t *testing.T) {
	p := newPatient(t)
	p.config["log"] = "http://log.internal"
	p.config["adr"] = "127.0.0.1:1"
	p.platform()["identity"] = "trust.json"
	code, out := facetDoctor(p.file())
	for _, part := range []string{`adr: there is no such member here (did you mean addr?)`, "it is neither an https address nor one of this machine", "no private key"} {
		if !strings.Contains(out, part) {
			t.Errorf("%q is missing in:\n%s", part, out)
		}
	}
	if n := strings.Count(out, levelProblem+" "); code != 1 || n < 3 || strings.Count(out, "-> ") < n {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestDoctorFindings makes one thing wrong at a time.
func TestDoctorFindings(t *testing.T) {
	t.Setenv("FACET_LOG_KEY", writerKey)
	site := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	self, _ := newPEM(t, time.Now())
	for name, tt := range map[string]struct {
		change     func(*patient)
		area, want string
	}{
		"clock": {func(p *patient) {
			p.platform()["wallets"] = []any{map[string]any{"name": "W", "url": site(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", time.Now().Add(-10*time.Minute).UTC().Format(http.TimeFormat))
			})}}
		}, "clock", "off from"},
		"dns": {func(p *patient) {
			p.platform()["wallets"] = []any{map[string]any{"name": "W", "url": "https://wallet.invalid"}}
		}, "dns", "wallet.invalid has no address"},
		"somebody else's site": {func(p *patient) { p.config["url"] = site(func(http.ResponseWriter, *http.Request) {}) }, "site", "something else"},
		"a proxy that adds CORS": {func(p *patient) {
			p.config["url"] = site(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Access-Control-Allow-Origin"] = []string{"*", "https://news.example"}
				w.WriteHeader(http.StatusNoContent)
			})
		}, "cors", "* and https://news.example"},
		"a log nobody serves": {func(p *patient) { p.config["log"] = "http://127.0.0.1:1" }, "log", "127.0.0.1:1"},
		"a database nobody serves": {func(p *patient) {
			p.config["store"], p.config["log"] = "postgres://facet:hush@127.0.0.1:1/facet", "http://127.0.0.1:1"
		}, "store", "postgres:"},
		"a folder of another service": {func(p *patient) {
			p.config["store"] = "issuer"
			if err := os.MkdirAll(filepath.Join(p.dir, "issuer"), 0o700); err != nil {
				p.t.Fatal(err)
			}
			write(p.t, filepath.Join(p.dir, "issuer", "FORMAT"), `{"facet":"issuer","format":1}`)
		}, "store", "another Facet service"},
		"a platform nobody knows": {func(p *patient) { write(p.t, filepath.Join(p.dir, "pki", "morgenblatt.pem"), string(self)) },
			`platform "news"`, "does not know it"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t)
			tt.change(p)
			found := examine(t.Context(), p.file(), time.Now)
			for _, f := range found {
				if strings.Contains(f.What+f.Mend, "hush") {
					t.Errorf("a password: %+v", f)
				}
			}
			for _, f := range found {
				if f.Area == tt.area && f.Level != levelOK && strings.Contains(f.What, tt.want) && f.Mend != "" {
					return
				}
			}
			t.Errorf("no finding about %s says %q: %+v", tt.area, tt.want, found)
		})
	}
}

// TestDoctorStaleLog: a log whose writer died goes on being read.
func TestDoctorStaleLog(t *testing.T) {
	p := newPatient(t)
	p.run()
	found := examine(t.Context(), p.file(), func() time.Time { return time.Now().Add(checkpointAge + time.Hour) })
	for _, f := range found {
		if f.Area == "log" && f.Level == levelProblem && strings.Contains(f.What, "old") {
			return
		}
	}
	t.Errorf("nothing about the old checkpoint: %+v", found)
}
