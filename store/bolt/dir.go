package bolt

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrLocked says another process uses the data; ErrNewerFormat that a newer
// Facet wrote it; ErrOtherKind that it belongs to another service.
var (
	ErrLocked      = errors.New("it is in use by another running Facet; stop that one first, or choose another folder")
	ErrNewerFormat = errors.New("it was written by a newer version of Facet; update this one, the data was not touched")
	ErrOtherKind   = errors.New("it belongs to another Facet service; choose another folder")
)

// A DirError names the file or folder an Err is about, in one plain sentence.
type DirError struct {
	Path string
	Err  error
}

func (e *DirError) Error() string { return fmt.Sprintf("cannot use %s: %v", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *DirError) Unwrap() error { return e.Err }

// A Dir is a data folder this process owns until Close.
type Dir struct {
	path string
	lock *os.File
}

// format is the content of the file FORMAT, which says what a folder holds.
type format struct {
	Facet  string `json:"facet"` // the kind of service: issuer, wallet, verifier, log, news
	Format int    `json:"format"`
}

// DataDir creates the folder if needed, locks it for this process and checks
// that it holds data of this kind in a format this code knows. The lock ends
// with Close or with the process.
func DataDir(path, kind string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, &DirError{Path: path, Err: err}
	}
	lock, err := lockFile(filepath.Join(path, "LOCK"))
	if err != nil {
		return nil, &DirError{Path: path, Err: err}
	}
	d := &Dir{path: path, lock: lock}
	if err := d.check(kind); err != nil {
		return nil, errors.Join(&DirError{Path: path, Err: err}, d.Close())
	}
	return d, nil
}

// Path returns the path of a file in the folder.
func (d *Dir) Path(name string) string { return filepath.Join(d.path, name) }

// Close releases the lock. The lock's file stays.
func (d *Dir) Close() error { return d.lock.Close() }

func (d *Dir) check(kind string) error {
	raw, err := os.ReadFile(d.Path("FORMAT"))
	if errors.Is(err, os.ErrNotExist) {
		raw, _ = json.Marshal(format{Facet: kind, Format: Format})
		return WriteFile(d.Path("FORMAT"), append(raw, '\n'))
	}
	if err != nil {
		return err
	}
	var f format
	if err := json.Unmarshal(raw, &f); err != nil {
		return fmt.Errorf("its FORMAT file is damaged: %w", err)
	}
	switch {
	case f.Format > Format:
		return ErrNewerFormat
	case f.Facet != kind:
		return ErrOtherKind
	}
	return nil
}

// WriteFile replaces a file so that after a crash it holds either the old
// content or the new, readable by its owner only.
func WriteFile(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails, as it should, once renamed
	if _, err = tmp.Write(content); err == nil {
		err = tmp.Sync()
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
