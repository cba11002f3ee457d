package mutation

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// A mutation takes one check away.
type mutation struct {
	ids   []string // rows of badcases.tsv: each one's test must fail
	test  string   // package and tests, as a pattern, these subtests are in
	edits []edit   // in files of the tree; more than one where a second check stands behind the first
}

// An edit replaces text that occurs exactly once in the file, or in the
// sources of the package, if a folder is named.
type edit struct{ file, old, new string }

// never makes an if-condition false.
func never(file, condition string) edit {
	return edit{file, condition + " {", "false && (" + condition + ") {"}
}

// after keeps what leads to the condition, up to here, as it is: it is there to
// tell one condition from another with the same words.
func (e edit) after(here string) edit {
	condition := strings.TrimSuffix(e.old, " {")
	lead, condition, _ := strings.Cut(condition, here)
	e.new = lead + here + "false && (" + condition + ") {"
	return e
}

// passes makes a refusal an approval.
func passes(file, refusal string) edit {
	return edit{file, refusal, "return nil // " + refusal}
}

func ids(list string) []string { return strings.Fields(list) }

// covered are the classes of which every row must have a mutation.
var covered = []string{"JOSE", "X509", "SDJWT", "STATUS", "PRESENT", "SESSION", "SSRF", "VAULT", "LOG"}

// alone are the rows, by prefix, whose tests may fail only when their own check
// is gone.
var alone = []string{"PRES", "SES", "SSRF"}

// handful are the rows that are tried in every run.
var handful = ids("TSL-001 SDJWT-006 JOSE-004 SSRF-022 SES-011")

func all() []mutation {
	return slices.Concat(joseMutations, chainMutations, sdjwtMutations, credentialMutations, statusMutations, presentMutations, sessionMutations, fetchMutations,
		vaultMutations, logMutations, requestMutations, issuanceMutations)
}

func TestEveryRowHasAMutation(t *testing.T) {
	f, err := os.Open(filepath.Join(root, "test", "testdata", "badcases.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := 0
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		cols := strings.Split(sc.Text(), "\t")
		if len(cols) < 7 || !slices.Contains(covered, cols[1]) {
			continue
		}
		rows++
		if !slices.ContainsFunc(all(), func(m mutation) bool { return slices.Contains(m.ids, cols[0]) }) {
			t.Errorf("%s: no mutation", cols[0])
		}
	}
	if rows < 80 {
		t.Fatalf("only %d rows read", rows)
	}
}

func TestMutationsMeetTheirCheck(t *testing.T) {
	for _, m := range slices.Concat(all(), moduleMutations) {
		if _, err := m.apply(); err != nil {
			t.Errorf("%s: %v", m.name(), err)
		}
	}
}

func TestMutationsAreNoticed(t *testing.T) {
	soak := os.Getenv("FACET_SOAK") != ""
	tried, killed := 0, 0
	for _, m := range all() {
		if !soak && !slices.ContainsFunc(m.ids, func(id string) bool { return slices.Contains(handful, id) }) {
			continue
		}
		t.Run(m.name(), func(t *testing.T) {
			tried++
			m.check(t)
			if !t.Failed() {
				killed++
			}
		})
	}
	t.Logf("%d of %d mutations tried, %d killed", tried, len(all()), killed)
}

// check makes the change and demands that the rows' tests fail, and, where the
// class wants it, that no other row's test in the same functions does.
func (m mutation) check(t *testing.T) {
	overlay := m.overlay(t)
	failed := m.run(t, overlay, "")
	for _, id := range m.ids {
		// A failure may end a run early: what did not fail in company is tried alone.
		if !failed[id] && (len(failed) == 0 || !m.run(t, overlay, "/^"+id+"(_.*)?$")[id]) {
			t.Errorf("%s does not notice that %q is gone", id, m.edits[0].old)
		}
	}
	for id := range failed {
		if prefix, _, _ := strings.Cut(id, "-"); slices.Contains(alone, prefix) && !slices.Contains(m.ids, id) {
			t.Errorf("%s fails as well when %q is gone", id, m.edits[0].old)
		}
	}
}

func (m mutation) name() string { return strings.Join(m.ids, "+") }

// apply returns the changed files by name, or what does not fit.
func (m mutation) apply() (map[string]string, error) {
	files := map[string]string{}
	for _, e := range m.edits {
		names, err := e.sources()
		if err != nil {
			return nil, err
		}
		met, in := 0, ""
		for _, name := range names {
			if _, read := files[name]; !read {
				b, err := os.ReadFile(filepath.Join(root, name))
				if err != nil {
					return nil, err
				}
				files[name] = string(b)
			}
			if n := strings.Count(files[name], e.old); n > 0 {
				met, in = met+n, name
			}
		}
		if met != 1 {
			return nil, fmt.Errorf("%s holds %d times, not once: %s", e.file, met, e.old)
		}
		files[in] = strings.Replace(files[in], e.old, e.new, 1)
	}
	return files, nil
}

// sources are the files the text may be in.
func (e edit) sources() ([]string, error) {
	if strings.HasSuffix(e.file, ".go") {
		return []string{e.file}, nil
	}
	found, err := filepath.Glob(filepath.Join(root, e.file, "*.go"))
	names := make([]string, 0, len(found))
	for _, name := range found {
		if !strings.HasSuffix(name, "_test.go") {
			names = append(names, e.file+"/"+filepath.Base(name))
		}
	}
	return names, err
}

// overlay writes the changed files beside the tree and returns the file that
// names them to the go command.
func (m mutation) overlay(t *testing.T) string {
	t.Helper()
	files, err := m.apply()
	if err != nil {
		t.Fatal(err)
	}
	tree, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	replace := map[string]string{}
	for name, text := range files {
		to := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(tree, name)] = to
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

var failure = regexp.MustCompile(`--- FAIL: Test\w+/([A-Z0-9]+-\d{3})[ _/]`)

// run runs the mutation's tests, or what below selects of them, with the
// overlay and returns the rows whose subtests failed.
func (m mutation) run(t *testing.T, overlay, below string) map[string]bool {
	t.Helper()
	failed := map[string]bool{}
	for _, m := range failure.FindAllStringSubmatch(m.output(t, overlay, below), -1) {
		failed[m[1]] = true
	}
	return failed
}

// output is what the go command says of the mutation's tests.
func (m mutation) output(t *testing.T, overlay, below string) string {
	t.Helper()
	pkg, test, ok := strings.Cut(m.test, ".")
	if !ok {
		t.Fatalf("no test in %q", m.test)
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlay, "-v", "-vet=off", "-count=1", "-timeout", "2m",
		"-run", "^"+test+"$"+below, "./"+pkg)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "FACET_SOAK=")
	b, err := cmd.CombinedOutput()
	if err != nil && !strings.Contains(string(b), "--- FAIL: Test") {
		t.Fatalf("the change does not build or the test does not run:\n%s", b)
	}
	return string(b)
}
