package test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "facet"

// floors is the plan of the house (docs/architecture.md): a package imports
// strictly lower floors only. Every package has a line here; opening a room is
// a decision.
var floors = map[string]int{
	"credentials/claims": 0, // claim sets and claims paths
	"credentials/jose":   0, // JWS, JWE, JWK, X.509, one strict parser
	"fetch":              0, // outbound HTTP, guarded
	"store":              0, // the storage contract
	"schemas":            0, // embedded JSON
	"web":                0, // the built UI, embedded

	"credentials/sdjwt":      1,
	"credentials/dcql":       1,
	"credentials/statuslist": 1,
	"credentials/did":        1,
	"policy/hints":           1,
	"audit":                  1,
	"store/bolt":             1,
	"store/postgres":         1, // one table for many verifier nodes (decision record 0030)
	"store/keyfile":          1, // keys that must be unreadable once deleted (decision record 0012)
	"store/storetest":        1,
	"passkey/passkeytest":    1, // an authenticator in software, for the tests of two floors
	"web/bundle":             1,

	"policy":                2,
	"credentials":           2,
	"credentials/did/aries": 2,
	"verifier/client":       2, // what a platform's server imports: no engine (decision record 0035)

	"credentials/openid4vp":  3,
	"credentials/openid4vci": 3,
	"policy/lint":            3,
	"audit/report":           3,
	"wallet/vault":           3,
	"verifier/auditlog":      3,

	"wallet":   4,
	"verifier": 4,
	"issuer":   4,
	"passkey":  4,

	"wallet/server":   5,
	"wallet/wasm":     5,
	"verifier/server": 5,

	"examples/issuer":     6,
	"examples/newsroom":   6,
	"examples/quickstart": 6,
	"examples/site":       6, // the integration the README shows

	"cmd/facet": 7,

	"test": 8,
}

// doors: each outside module (or system package) has one package that may
// import it; echo has a few, all on the two HTTP floors, and the benchmark that
// takes a bare echo handler for a floor.
var doors = map[string][]string{
	"github.com/lestrrat-go/jwx":                {"credentials/jose"},
	"github.com/hyperledger/aries-framework-go": {"credentials/did/aries"},
	"go.etcd.io/bbolt":                          {"store/bolt"},
	"github.com/jackc/pgx/v5":                   {"store/postgres"},
	"github.com/prometheus/client_golang":       {"verifier/server"},
	"github.com/transparency-dev":               {"verifier/auditlog"},
	"github.com/go-webauthn":                    {"passkey"},
	"code.dny.dev/ssrf":                         {"fetch"},
	"github.com/evanw/esbuild":                  {"web/bundle"},
	"github.com/andybalholm/brotli":             {"web/bundle"},
	"github.com/goccy/go-yaml":                  {"policy/lint"},
	"github.com/labstack/echo/v4":               {"wallet/server", "verifier/server", "examples/issuer", "examples/newsroom", "test/bench"},
	"rsc.io/qr":                                 {"examples/issuer"},
	"syscall/js":                                {"wallet/wasm"},
	"github.com/chromedp":                       {"test/e2e"},
	"github.com/go-json-experiment/json":        nil, // strict JSON, wherever bytes come in
	"golang.org/x/mod":                          {"audit", "audit/report", "verifier/auditlog", "cmd/facet"},
	"golang.org/x/term":                         {"cmd/facet"},
	"golang.org/x/net":                          {"fetch", "credentials", "credentials/openid4vp", "wallet"},
	"golang.org/x/crypto":                       {"wallet/vault", "credentials/jose"},
	"golang.org/x/sync":                         nil,
	"k8s.io/klog":                               {"verifier/auditlog"}, // Tessera's logger, to be kept quiet
}

// engines hold the rules of the protocol. They never touch these.
var (
	engines      = []string{"wallet", "verifier", "issuer", "wallet/vault", "policy", "policy/hints", "audit", "credentials", "credentials/claims", "credentials/jose", "credentials/sdjwt", "credentials/dcql", "credentials/statuslist", "credentials/openid4vp", "credentials/openid4vci", "credentials/did"}
	notInEngines = []string{"os", "log", "log/slog", "syscall/js", "net/http/httptest"}
)

// apart lists pairs that never meet, whichever floor they stand on.
var apart = map[string][]string{
	"wallet":            {"verifier", "verifier/auditlog", "verifier/server"},
	"wallet/server":     {"verifier", "verifier/auditlog", "verifier/server"},
	"wallet/wasm":       {"verifier", "verifier/auditlog", "verifier/server"},
	"verifier":          {"wallet", "wallet/vault", "wallet/server"},
	"verifier/server":   {"wallet", "wallet/vault", "wallet/server"},
	"policy/hints":      {"credentials/jose", "credentials/sdjwt", "credentials", "store", "fetch"},
	"audit":             {"credentials/claims", "credentials/sdjwt", "credentials/dcql", "credentials/statuslist", "credentials"},
	"verifier/auditlog": {"credentials/claims", "credentials/sdjwt", "credentials/dcql", "credentials", "policy"},
}

// A source is one Go file as the plan sees it.
type source struct {
	pkg, file string
	test      bool
	imports   []string
}

// sources parses every Go file of the repository itself, whatever its build
// tags: go list would leave out js-only files and stay cached.
func sources(t *testing.T) []source {
	t.Helper()
	root := ".."
	var out []source
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(p, root+string(filepath.Separator)))
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || rel == "test/interop" || rel == "data" || rel == "out" || (strings.HasPrefix(d.Name(), ".") && d.Name() != "..")) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		s := source{pkg: path.Dir(rel), file: rel, test: strings.HasSuffix(rel, "_test.go")}
		for _, i := range f.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, name)
		}
		out = append(out, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 30 {
		t.Fatalf("only %d Go files found: is this the repository's root?", len(out))
	}
	return out
}

func TestEveryPackageHasALine(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range sources(t) {
		seen[s.pkg] = true
	}
	for _, pkg := range slices.Sorted(maps.Keys(seen)) {
		if _, ok := floor(pkg); !ok {
			t.Errorf("package %s has no line in the plan: opening a room is a decision (docs/decisions)", pkg)
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(floors)) {
		if !seen[pkg] {
			t.Errorf("the plan names %s, which does not exist", pkg)
		}
	}
}

func TestImportsGoDown(t *testing.T) {
	for _, s := range sources(t) {
		for _, fault := range faults(s) {
			t.Errorf("%s: %s", s.file, fault)
		}
	}
}

// TestPlanCatchesFaults breaks each rule once, so that none of them can go
// blind.
func TestPlanCatchesFaults(t *testing.T) {
	for _, tt := range []struct {
		name string
		s    source
	}{
		{"up", source{pkg: "credentials/claims", imports: []string{"facet/credentials"}}},
		{"sideways", source{pkg: "wallet/server", imports: []string{"facet/wallet/wasm"}}},
		{"door", source{pkg: "verifier", imports: []string{"go.etcd.io/bbolt"}}},
		{"unknown dependency", source{pkg: "verifier", imports: []string{"example.org/new/thing"}}},
		{"engine", source{pkg: "wallet", imports: []string{"os"}}},
		{"apart", source{pkg: "verifier/server", imports: []string{"facet/wallet/vault"}}},
		{"apart in a test", source{pkg: "wallet", test: true, imports: []string{"facet/verifier"}}},
		{"std only", source{pkg: "credentials/claims", imports: []string{"github.com/go-json-experiment/json/jsontext"}}},
		{"js outside the bridge", source{pkg: "wallet", imports: []string{"syscall/js"}}},
		{"unplanned room", source{pkg: "store", imports: []string{"facet/util"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if len(faults(tt.s)) == 0 {
				t.Fatal("the plan let it pass")
			}
		})
	}
}

// faults are the ways in which one file breaks the plan.
func faults(s source) []string {
	var out []string
	for _, i := range s.imports {
		switch {
		case i == module || strings.HasPrefix(i, module+"/"):
			out = append(out, inside(s, strings.TrimPrefix(i, module+"/"))...)
		case strings.Contains(strings.Split(i, "/")[0], ".") || i == "syscall/js":
			out = append(out, outside(s, i)...)
		case !s.test && slices.Contains(engines, s.pkg) && slices.Contains(notInEngines, i):
			out = append(out, "an engine never imports "+i)
		}
	}
	return out
}

func inside(s source, i string) []string {
	if slices.Contains(apart[s.pkg], i) {
		return []string{s.pkg + " and " + i + " never meet"}
	}
	from, ok := floor(s.pkg)
	to, ok2 := floor(i)
	switch {
	case !ok || !ok2:
		return []string{"imports " + i + ", which has no line in the plan"}
	case !s.test && to >= from:
		return []string{"imports " + i + ": imports go strictly down"}
	case !s.test && s.pkg == "credentials/claims":
		return []string{"credentials/claims imports the standard library only"}
	}
	return nil
}

func outside(s source, i string) []string {
	if !s.test && s.pkg == "credentials/claims" {
		return []string{"credentials/claims imports the standard library only"}
	}
	for prefix, open := range doors {
		if i != prefix && !strings.HasPrefix(i, prefix+"/") {
			continue
		}
		if open == nil || slices.Contains(open, s.pkg) || s.test {
			return nil
		}
		return []string{i + " has another door: " + strings.Join(open, ", ")}
	}
	return []string{i + " is a dependency without a door"}
}

// floor says on which floor a package stands; everything below test is on the
// top one.
func floor(pkg string) (int, bool) {
	if f, ok := floors[pkg]; ok {
		return f, true
	}
	if strings.HasPrefix(pkg, "test/") {
		return floors["test"] + 1, true
	}
	return 0, false
}

func TestNoRoomIsTooLarge(t *testing.T) {
	for _, s := range sources(t) {
		b, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(s.file)))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(b), "\n"); !s.test && n > 400 {
			t.Errorf("%s has %d lines; a file is one thing or one act (400)", s.file, n)
		}
	}
}
