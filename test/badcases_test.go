package test

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// claimed are the classes of hostile cases for which every row must have its
// test. A class joins the list when its room is complete.
var claimed = []string{"JOSE", "X509", "SDJWT", "STATUS", "PRESENT", "SESSION", "SSRF", "LOG", "VAULT", "VCI", "WALLETREQ", "WEB"}

// elsewhere are rows of claimed classes whose test needs something that the
// house does not have yet; each says what.
var elsewhere = map[string]string{
	"VCI-017":  "DPoP: no token here is sender-constrained",
	"VCI-018":  "the authorization code flow: offers are pre-authorized only",
	"VCI-021":  "deferred issuance",
	"VCI-022":  "the authorization code flow: there is no authorization response to mix up",
	"WREQ-011": "verifier attestations: their prefix is refused, client_id_prefix_unsupported",
}

var caseID = regexp.MustCompile(`"([A-Z0-9]+-\d{3})\b`)

// TestBadCases ties every row of badcases.tsv to the tests that name its id.
// It fails for a row without a test in a claimed class, for an id that no row
// has, and prints what is still open by class.
func TestBadCases(t *testing.T) {
	rows, classes := badCases(t)
	tested := testedIDs(t)
	for id := range tested {
		if _, ok := rows[id]; !ok {
			t.Errorf("a test names %s, which is no row of badcases.tsv", id)
		}
	}
	for id, what := range elsewhere {
		if _, ok := rows[id]; !ok || tested[id] > 0 {
			t.Errorf("%s waits for %q, but has a test or is no row: take it off the list", id, what)
		}
	}
	open := map[string][]string{}
	for id, class := range rows {
		if tested[id] == 0 && elsewhere[id] == "" {
			open[class] = append(open[class], id)
		}
	}
	for _, class := range classes {
		slices.Sort(open[class])
		if len(open[class]) == 0 {
			continue
		}
		if slices.Contains(claimed, class) {
			t.Errorf("%s: no test for %s", class, strings.Join(open[class], " "))
			continue
		}
		t.Logf("%s: open %s", class, strings.Join(open[class], " "))
	}
}

// badCases reads the table: id to class, and the classes in order.
func badCases(t *testing.T) (rows map[string]string, classes []string) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "badcases.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows = map[string]string{}
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		cols := strings.Split(sc.Text(), "\t")
		if len(cols) < 7 || cols[0] == "id" {
			continue
		}
		rows[cols[0]] = cols[1]
		if !slices.Contains(classes, cols[1]) {
			classes = append(classes, cols[1])
		}
	}
	if len(rows) < 200 {
		t.Fatalf("only %d rows read", len(rows))
	}
	return rows, classes
}

// testedIDs counts how many test files name each id as a subtest.
func testedIDs(t *testing.T) map[string]int {
	t.Helper()
	ids := map[string]int{}
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, "_test.go") || p == filepath.Join("..", "test", "badcases_test.go") {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		for _, m := range caseID.FindAllStringSubmatch(string(b), -1) {
			if known(m[1]) {
				ids[m[1]]++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// known tells a case id from other words of the same shape (SHA-256, P-256).
func known(id string) bool {
	prefix, _, _ := strings.Cut(id, "-")
	return slices.Contains([]string{"JOSE", "X509", "SDJWT", "PRES", "SES", "WREQ", "VCI", "TSL", "SSRF", "WEB", "VLT", "VSRV", "LOG"}, prefix)
}
