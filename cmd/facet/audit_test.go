package main

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"facet/audit"
	"facet/verifier/auditlog"
)

// publishLog serves a real log of n entries and returns its URL, key and ids.
func publishLog(t *testing.T, n int) (url, key string, ids []string) {
	t.Helper()
	l, err := auditlog.Open(t.Context(), auditlog.Config{Dir: t.TempDir(), Origin: "verifier.example/log", Interval: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var last uint64
	for range n {
		e := audit.NewConfig(audit.NewID(), time.Now(), nil)
		leaf, err := audit.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if last, err = l.Append(t.Context(), string(e.ID), leaf); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, string(e.ID))
	}
	if _, err := l.ReceiptProof(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(l.Handler())
	t.Cleanup(s.Close)
	return s.URL + "/log", l.VKey(), ids
}

func facetAudit(args ...string) (int, string) {
	var out, errs bytes.Buffer
	code := exitCode(&environ{stdout: &out, stderr: &errs}, auditCommand, runAudit(context.Background(), &environ{stdout: &out, stderr: &errs}, args))
	return code, out.String() + errs.String()
}

func TestAuditCommand(t *testing.T) {
	url, key, ids := publishLog(t, 3)
	dir := t.TempDir()
	state, bundle := filepath.Join(dir, "state"), filepath.Join(dir, "bundle")
	list, unknown := filepath.Join(dir, "ids"), filepath.Join(dir, "unknown")
	for file, text := range map[string]string{list: strings.Join(ids, "\n"), unknown: string(audit.NewID())} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"verify", url, "--key", key, "--state", state}, 0, "complete and consistent: 3 entries"},
		{[]string{"verify", "--state", state, url}, 0, "3 entries"}, // the key is in the state
		{[]string{"verify", url}, 0, "the log's own word"},
		{[]string{"bundle", url, bundle, "--key", key}, 0, "3 entries"},
		{[]string{"verify", bundle, "--key", key}, 0, "3 entries"},
		{[]string{"report", bundle, "--key", key}, 0, "No findings"},
		{[]string{"report", bundle, "--json"}, 0, `"requests": 0`},
		{[]string{"reconcile", bundle, list, "--complete"}, 0, "in the log: 3 of 3"},
		{[]string{"reconcile", bundle, unknown}, 1, "MISSING"},
		{[]string{"reconcile", bundle, unknown, "--complete"}, 1, "EXTRA"},
		{[]string{"verify", url, "--key", "verifier.example/log+00000000+AA"}, 1, "[checkpoint_signature]"},
		{[]string{"verify"}, 2, "usage"},
		{[]string{"prove", url}, 2, "usage"},
		{[]string{"verify", filepath.Join(dir, "nowhere")}, 1, "no such file"},
	} {
		if code, out := facetAudit(tt.args...); code != tt.code || !strings.Contains(out, tt.says) {
			t.Errorf("facet audit %v: exit %d, want %d and %q\n%s", tt.args, code, tt.code, tt.says, out)
		}
	}
	// One byte of entry 1, in the copy.
	file := filepath.Join(bundle, "tile", "entries", "000.p", "3")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	other := ids[1][:20] + "AA"
	if err := os.WriteFile(file, bytes.Replace(b, []byte(ids[1]), []byte(other), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := facetAudit("verify", bundle, "--key", key); code != 1 || !strings.Contains(out, "entry 1: not the entry that was signed  [leaf_hash_mismatch]") {
		t.Errorf("a changed entry: exit %d\n%s", code, out)
	}
	// Another log with fewer entries takes its place.
	shorter, _, _ := publishLog(t, 1)
	if code, out := facetAudit("verify", shorter, "--state", state); code != 1 || !strings.Contains(out, "[checkpoint_signature]") {
		t.Errorf("another log: exit %d\n%s", code, out)
	}
}
