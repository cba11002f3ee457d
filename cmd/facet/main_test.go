package main

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// called runs facet with args, and stdin if it is set.
func called(t *testing.T, ctx context.Context, stdin io.Reader, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	code = run(ctx, &environ{stdin: stdin, stdout: &stdout, stderr: &stderr}, args)
	return code, stdout.String(), stderr.String()
}

// TestHelpAnywhere: whoever asks for help gets it, at every depth, and does
// nothing by it.
func TestHelpAnywhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "my.vault")
	for _, call := range []string{
		"demo --help", "wallet --help", "wallet list --wallet " + file + " -h", "wallet serve --help", "help wallet serve",
		"verifier serve --help", "verifier serve --config x -h", "verifier key --help", "log serve -h", "policy lint --help",
		"audit verify --help", "inspect -h", "data backup --help", "doctor help",
	} {
		code, out, errs := called(t, t.Context(), nil, strings.Fields(call)...)
		if code != 0 || errs != "" || !strings.HasPrefix(out, "usage: facet ") {
			t.Errorf("facet %s: %d\n%s%s", call, code, out, errs)
		}
		if strings.Contains(call, "wallet serve") && !strings.Contains(out, "--url ORIGIN") {
			t.Errorf("facet %s tells of something else: %s", call, out)
		}
	}
	if found, _ := filepath.Glob(file + "*"); len(found) > 0 {
		t.Errorf("made %v", found)
	}
}

// TestWrongWords: a call whose words are off gets one line that says which, the
// usage, and exit code 2.
func TestWrongWords(t *testing.T) {
	for call, want := range map[string]string{
		"":               "usage: facet COMMAND",
		"bogus":          `there is no command "bogus"`,
		"verifier serve": "facet verifier: serve needs --config\nusage: facet verifier",
		"data backup":    "usage: facet data",
		"policy bogus x": "facet policy: there is no policy bogus\n",
		"demo --port 0":  "usage: facet demo",
	} {
		code, _, errs := called(t, t.Context(), nil, strings.Fields(call)...)
		if code != 2 || !strings.Contains(errs, want) || strings.Contains(errs, ": usage") {
			t.Errorf("facet %s: %d %s", call, code, errs)
		}
	}
}

// TestInterrupted: what waits for the keyboard ends with Ctrl-C.
func TestInterrupted(t *testing.T) {
	for _, call := range []string{"inspect", "policy lint -"} {
		waiting, _ := io.Pipe() // nobody types
		ctx, stop := context.WithCancel(t.Context())
		stop()
		code, _, errs := called(t, ctx, &keyboard{ctx, waiting}, strings.Fields(call)...)
		if code != 130 || !strings.Contains(errs, "interrupted") {
			t.Errorf("facet %s: %d %s", call, code, errs)
		}
	}
}

// TestUnreadableConfiguration: a file that cannot be read is one problem, not
// as many as it could have settings.
func TestUnreadableConfiguration(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": "", "binary": "\x00\x01\x02", "prose": "hello", "open": "{"} {
		write(t, filepath.Join(dir, name), text)
	}
	for _, name := range []string{"empty", "binary", "prose", "open", "none", "."} {
		file := filepath.Join(dir, name)
		if code, out, _ := called(t, t.Context(), nil, "doctor", "--config", file); code != 1 || strings.Count(out, "problem") != 1 || !strings.Contains(out, "operating.md") {
			t.Errorf("doctor, %s: %d %s", name, code, out)
		}
		if code, _, errs := called(t, t.Context(), nil, "verifier", "serve", "--config", file); code != 1 || strings.Count(errs, "\n") != 2 {
			t.Errorf("serve, %s: %d %s", name, code, errs)
		}
	}
}

// TestSpan: a retention is told in words, in both languages.
func TestSpan(t *testing.T) {
	for iso, want := range map[string][2]string{
		"P7D": {"7 days", "7 Tage"}, "P1D": {"1 day", "1 Tag"}, "PT12H": {"12 hours", "12 Stunden"}, "PT1H": {"1 hour", "1 Stunde"},
		"PT0S": {"nothing: only the answer itself is passed on", "nichts: nur die Antwort selbst wird weitergegeben"},
	} {
		if en, de := span(iso, "en"), span(iso, "de"); en != want[0] || de != want[1] {
			t.Errorf("%s: %q, %q", iso, en, de)
		}
	}
}
