package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const noTrust = `{"version":1,"name":"nobody","issuers":[],"verifiers":[]}`

// walletCall runs facet wallet with these words.
func walletCall(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	err = walletCommand.run(context.Background(), &environ{stdin: strings.NewReader(""), stdout: &out, stderr: &errs}, args)
	return out.String(), errs.String(), err
}

// newVault makes a wallet file and puts its code into the environment.
func newVault(t *testing.T, file string) {
	t.Helper()
	t.Setenv("FACET_WALLET_CODE", "")
	_, shown, err := walletCall(t, "list", "--wallet", file)
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`([0-9A-Z]{4}-){8}[0-9A-Z]{4}`).FindString(shown)
	if code == "" {
		t.Fatalf("no recovery code was shown: %s", shown)
	}
	t.Setenv("FACET_WALLET_CODE", code)
}

func TestWalletFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "my.vault")
	newVault(t, file)
	if _, shown, err := walletCall(t, "history", "--wallet", file); err != nil || strings.Contains(shown, "recovery code") {
		t.Fatalf("opening again: %v, %s", err, shown)
	}
	copied := filepath.Join(dir, "copy.vault")
	if _, _, err := walletCall(t, "export", copied, "--wallet", file); err != nil {
		t.Fatal(err)
	}
	if _, _, err := walletCall(t, "export", copied, "--wallet", file); err == nil {
		t.Error("export wrote over a file")
	}
	if _, _, err := walletCall(t, "import", copied, "--wallet", file); err == nil {
		t.Error("import wrote over a wallet")
	}
	other := filepath.Join(dir, "other", "my.vault")
	if _, _, err := walletCall(t, "import", copied, "--wallet", other); err != nil {
		t.Fatal(err)
	}
	if _, _, err := walletCall(t, "list", "--wallet", other); err != nil {
		t.Errorf("the imported wallet does not open: %v", err)
	}
	t.Setenv("FACET_WALLET_CODE", "0000-0000-0000-0000-0000-0000-0000-0000-0001")
	if _, _, err := walletCall(t, "list", "--wallet", file); err == nil || !strings.Contains(err.Error(), "recovery_code_checksum") {
		t.Errorf("a mistyped code: %v", err)
	}
}

func TestWalletSaysWhatItLacks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "my.vault")
	newVault(t, file)
	for _, tt := range []struct {
		want string
		args []string
	}{
		{"usage", nil},
		{"usage", []string{"dance"}},
		{"usage", []string{"present", "--wallet", file}},
		{"usage", []string{"receipt", "verify", file}},
		{"client_not_registered", []string{"present", "http://wallet.localhost/authorize#client_id=x&request_uri=y", "--wallet", file}},
		{"offer_malformed", []string{"accept", "http://wallet.localhost/receive", "--wallet", file}},
		{"not a verifier key", []string{"receipt", "verify", file, "--origin", "o", "--key", "o"}},
		{"not_found", []string{"withdraw", "x", "--wallet", file}},
		{"development only", []string{"agent", "127.0.0.1:0"}},
		{"this machine only", []string{"agent", "0.0.0.0:9", "--insecure-loopback", "--trust", file}},
	} {
		if _, _, err := walletCall(t, tt.args...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("facet wallet %s: %v, want %s", strings.Join(tt.args, " "), err, tt.want)
		}
	}
}

// TestAgentAnswersNoStranger: the script approves, the engine still refuses.
func TestAgentAnswersNoStranger(t *testing.T) {
	a, err := newAgent(&walletFlags{choose: "all"}, []byte(noTrust))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/authorize?client_id=morgenblatt&request_uri=http%3A%2F%2Fx":  "client_not_registered",
		"/receive?credential_offer_uri=http%3A%2F%2Fpublic.example%2F": "offer_fetch",
	} {
		w := httptest.NewRecorder()
		a.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
