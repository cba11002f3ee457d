package auditlog

import (
	"os"
	"path/filepath"
	"testing"

	"k8s.io/klog/v2"
)

// TestOpenIsQuiet: opening a log writes nothing to standard error, and what
// Tessera calls an error is not swallowed.
func TestOpenIsQuiet(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	before := os.Stderr
	os.Stderr = file
	defer func() { os.Stderr = before }()
	if err := openTest(t, t.TempDir()).Close(); err != nil {
		t.Fatal(err)
	}
	said := func() string {
		text, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := said(); got != "" {
		t.Errorf("it said %q", got)
	}
	klog.Error("a disk fails")
	if said() == "" {
		t.Error("an error was swallowed")
	}
}
