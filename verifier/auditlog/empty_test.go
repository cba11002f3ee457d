package auditlog

import (
	"os"
	"path/filepath"
	"testing"
)

// TestKilledWhileEmpty: a kill between signing the empty tree and publishing
// that, at the first start, loses nothing, and so it stops nothing.
func TestKilledWhileEmpty(t *testing.T) {
	dir := t.TempDir()
	openTest(t, dir).Close()
	tree := filepath.Join(dir, treeDir)
	for _, lose := range []string{filepath.Join(tree, "checkpoint"), tree} {
		if err := os.RemoveAll(lose); err != nil {
			t.Fatal(err)
		}
		openTest(t, dir).Close()
	}
	l := openTest(t, dir)
	defer l.Close()
	if _, _, n := appendOne(t, l); n != 0 {
		t.Errorf("the first entry is entry %d", n)
	}
}
