package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"facet/store/bolt"
)

// maxRestored is the largest backup facet unpacks, in bytes.
const maxRestored = 64 << 30

var dataCommand = command{
	name: "data", args: "backup DIR FILE | restore FILE DIR",
	short: "back up and restore a data folder",
	long: `
backup DIR FILE   writes the data folder DIR into FILE (tar, gzip, mode 0600). The
                  server that uses the folder must be stopped: a folder in use is refused.
restore FILE DIR  unpacks FILE into DIR, which must not exist or be empty. Nothing is
                  ever overwritten.

A backup holds keys and sealed data: keep it as you keep the folder. What was deleted
before the backup is unreadable in it; what is deleted later stays readable in it, so
give backups a shorter life than the longest retention you promise.`,
	run: runData,
}

func runData(_ context.Context, env *environ, args []string) error {
	if len(args) != 3 {
		return errUsage
	}
	switch args[0] {
	case "backup":
		n, err := backup(args[1], args[2])
		if err == nil {
			fmt.Fprintf(env.stdout, "%d files of %s are in %s.\n", n, args[1], args[2])
		}
		return err
	case "restore":
		n, err := restore(args[1], args[2])
		if err == nil {
			fmt.Fprintf(env.stdout, "%d files of %s are in %s.\n", n, args[1], args[2])
		}
		return err
	}
	return errUsage
}

// backup writes every file below dir into a new file. Each folder below dir
// that carries a format file is locked meanwhile, so that no server writes.
func backup(dir, file string) (n int, err error) {
	locks, err := lockAll(dir)
	if err != nil {
		return 0, err
	}
	defer func() {
		for _, l := range locks {
			err = errors.Join(err, l.Close())
		}
	}()
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	zw := gzip.NewWriter(f)
	tw := tar.NewWriter(zw)
	err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == "LOCK" {
			return err
		}
		n++
		return addFile(tw, dir, p)
	})
	err = errors.Join(err, tw.Close(), zw.Close(), f.Sync(), f.Close())
	if err != nil {
		os.Remove(file)
		return 0, err
	}
	if n == 0 {
		os.Remove(file)
		return 0, fmt.Errorf("%s holds no file", dir)
	}
	return n, nil
}

func addFile(tw *tar.Writer, dir, p string) error {
	rel, err := filepath.Rel(dir, p)
	if err != nil {
		return err
	}
	f, err := os.Open(p)
	if err != nil {
		return err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	h := &tar.Header{Name: filepath.ToSlash(rel), Mode: int64(fi.Mode().Perm()), Size: fi.Size(), ModTime: fi.ModTime(), Typeflag: tar.TypeReg}
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(tw, f)
	return err
}

// restore unpacks file beside dir and moves it there once it is whole, so that
// a damaged backup leaves nothing behind.
func restore(file, dir string) (n int, err error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return 0, fmt.Errorf("%s is not empty; restore into a new folder, then swap them", dir)
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return 0, err
	}
	tmp, err := os.MkdirTemp(parent, ".restoring-*")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	if n, err = unpack(file, tmp); err != nil {
		return 0, err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	return n, os.Rename(tmp, dir)
}

func unpack(file, dir string) (n int, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return 0, fmt.Errorf("%s is not a backup of facet: %w", file, err)
	}
	tr, left := tar.NewReader(zr), int64(maxRestored)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("%s is damaged: %w", file, err)
		}
		if left -= h.Size; h.Size < 0 || left < 0 {
			return n, fmt.Errorf("%s unpacks to more than %d GiB", file, maxRestored>>30)
		}
		if err := writeRestored(tr, h, dir); err != nil {
			return n, fmt.Errorf("%s is damaged: %w", file, err)
		}
		n++
	}
}

func writeRestored(r io.Reader, h *tar.Header, dir string) error {
	if h.Typeflag != tar.TypeReg || !filepath.IsLocal(filepath.FromSlash(h.Name)) {
		return fmt.Errorf("the backup holds %q, which is no plain file inside the folder", h.Name)
	}
	p := filepath.Join(dir, filepath.FromSlash(h.Name))
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(p, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fs.FileMode(h.Mode).Perm())
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, r, h.Size)
	return errors.Join(err, f.Sync(), f.Close())
}

// lockAll locks dir, or each folder below it, that is a data folder.
func lockAll(dir string) ([]*bolt.Dir, error) {
	var locks []*bolt.Dir
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() != "FORMAT" {
			return err
		}
		kind, err := dataKind(p)
		if err != nil {
			return err
		}
		lock, err := bolt.DataDir(filepath.Dir(p), kind)
		if err != nil {
			return err
		}
		locks = append(locks, lock)
		return nil
	})
	if err != nil {
		for _, l := range locks {
			l.Close()
		}
		return nil, err
	}
	if len(locks) == 0 {
		return nil, fmt.Errorf("%s is no data folder of facet", strings.TrimSuffix(dir, "/"))
	}
	return locks, nil
}

func dataKind(formatFile string) (string, error) {
	b, err := os.ReadFile(formatFile)
	if err != nil {
		return "", err
	}
	var f struct {
		Facet string `json:"facet"`
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return "", fmt.Errorf("%s: %w", formatFile, err)
	}
	return f.Facet, nil
}
