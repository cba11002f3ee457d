package verifier_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A row is what badcases.tsv says must come back over HTTP.
type row struct {
	status       int
	word, reason string
}

// rows are those of badcases.tsv, by id, that name a status.
var rows = sync.OnceValue(func() map[string]row {
	table, err := os.ReadFile(filepath.Join("..", "test", "testdata", "badcases.tsv"))
	check(err)
	out := map[string]row{}
	for line := range strings.Lines(string(table)) {
		cols := strings.Split(line, "\t")
		if status, err := strconv.Atoi(cols[4]); err == nil {
			out[cols[0]] = row{status, cols[5], cols[6]}
		}
	}
	return out
})

// wantRow fails unless the reply is, to the letter, what the row with this id
// demands. What follows a space in id names a variant.
func (a reply) wantRow(t *testing.T, id string) {
	t.Helper()
	id, _, _ = strings.Cut(id, " ")
	r, ok := rows()[id]
	if !ok {
		t.Fatalf("badcases.tsv has no row %s that names a status", id)
	}
	a.want(t, r.status, r.word, r.reason)
	a.wantForm(t)
}

// wantForm fails unless an error has the form of its part of the API: OAuth's
// three members for wallets (RFC 6749 §5.2), a problem for platforms (RFC 9457).
func (a reply) wantForm(t *testing.T) {
	t.Helper()
	members := map[string]any{}
	if err := json.Unmarshal(a.body, &members); err != nil {
		t.Fatalf("%d %s", a.status, a.body)
	}
	switch media := a.header.Get("Content-Type"); media {
	case "application/problem+json":
		if members["status"] != float64(a.status) || members["detail"] == "" || members["title"] != http.StatusText(a.status) {
			t.Errorf("problem: %s", a.body)
		}
	case "application/json":
		for name := range members {
			if !slices.Contains([]string{"error", "error_description", "code"}, name) {
				t.Errorf("a wallet is told %s", name)
			}
		}
	default:
		t.Errorf("an error of type %s", media)
	}
	if a.header.Get("Cache-Control") != "no-store" {
		t.Error("an error that may be cached")
	}
}
