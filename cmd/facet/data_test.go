package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"facet/store/bolt"
)

// dataFolder makes a folder with one value in a real store.
func dataFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	d, err := bolt.DataDir(filepath.Join(dir, "verifier"), "verifier")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	db, err := bolt.Open(d.Path("store.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Swap(context.Background(), "k", 0, []byte("v")); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestBackupRestore(t *testing.T) {
	dir := dataFolder(t)
	file, to := filepath.Join(t.TempDir(), "b.tar.gz"), filepath.Join(t.TempDir(), "new")
	if _, err := backup(dir, file); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(file); err != nil || fi.Mode().Perm() != 0o600 {
		t.Fatalf("backup has mode %v, want 0600 (%v)", fi.Mode(), err)
	}
	if _, err := restore(file, to); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(filepath.Join(to, "verifier", "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if v, _, err := db.Get(context.Background(), "k"); err != nil || string(v) != "v" {
		t.Fatalf("got %q, %v", v, err)
	}
}

func TestBackupRefusesAFolderInUse(t *testing.T) {
	dir := dataFolder(t)
	d, err := bolt.DataDir(filepath.Join(dir, "verifier"), "verifier")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	file := filepath.Join(t.TempDir(), "b.tar.gz")
	if _, err := backup(dir, file); !errors.Is(err, bolt.ErrLocked) {
		t.Fatalf("got %v, want ErrLocked", err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("a file was left behind")
	}
}

func TestRestoreRefuses(t *testing.T) {
	dir := dataFolder(t)
	file := filepath.Join(t.TempDir(), "b.tar.gz")
	if _, err := backup(dir, file); err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut")
	b, _ := os.ReadFile(file)
	os.WriteFile(cut, b[:len(b)/2], 0o600)
	for _, tt := range []struct{ name, file, dir, want string }{
		{"a folder with something in it", file, dir, "not empty"},
		{"half a backup", cut, filepath.Join(t.TempDir(), "x"), "damaged"},
		{"no backup at all", "data_test.go", filepath.Join(t.TempDir(), "x"), "not a backup"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := restore(tt.file, tt.dir); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if entries, _ := os.ReadDir(tt.dir); tt.dir != dir && len(entries) > 0 {
				t.Fatalf("%d files were left behind", len(entries))
			}
		})
	}
}

func TestRunSpeaks(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"nothing", nil, 2, "COMMAND"},
		{"help", []string{"help"}, 0, "facet demo"},
		{"version", []string{"--version"}, 0, "facet "},
		{"unknown", []string{"dance"}, 2, "no command"},
		{"help of one", []string{"help", "data"}, 0, "backup DIR FILE"},
		{"--help behind one", []string{"data", "--help"}, 0, "backup DIR FILE"},
		{"words off", []string{"data", "eat"}, 2, "usage: facet data"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			env := &environ{stdin: strings.NewReader(""), stdout: &out, stderr: &out}
			if code := run(t.Context(), env, tt.args); code != tt.code || !strings.Contains(out.String(), tt.want) {
				t.Fatalf("exit %d, want %d; said %q, want %q", code, tt.code, out.String(), tt.want)
			}
		})
	}
}
