package auditlog

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// A logKey is the log's Ed25519 key in its two uses.
type logKey struct {
	signer  note.Signer
	private ed25519.PrivateKey
	vkey    string
}

// openKey reads the key file, in the note package's format, or makes it: a key
// is generated once, on the first start, and readable by its owner only.
func openKey(path, origin string) (*logKey, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		skey, _, err := note.GenerateKey(rand.Reader, origin)
		if err != nil {
			return nil, err
		}
		if err := writeSynced(path, []byte(skey+"\n"), 0o600); err != nil {
			return nil, err
		}
		return parseKey(skey, origin)
	}
	if err != nil {
		return nil, err
	}
	return parseKey(strings.TrimSpace(string(b)), origin)
}

func parseKey(skey, origin string) (*logKey, error) {
	signer, err := note.NewSigner(skey)
	if err != nil || signer.Name() != origin {
		return nil, ErrKey
	}
	// NewSigner has checked the form: PRIVATE+KEY+name+hash+base64(type || seed).
	tail := base64.StdEncoding.EncodedLen(1 + ed25519.SeedSize)
	raw, err := base64.StdEncoding.DecodeString(skey[len(skey)-tail:])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return nil, ErrKey
	}
	private := ed25519.NewKeyFromSeed(raw[1:])
	vkey, err := note.NewEd25519VerifierKey(origin, private.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, ErrKey
	}
	return &logKey{signer, private, vkey}, nil
}

// writeSynced replaces a file so that after a crash it is the old or the new
// one, whole.
func writeSynced(path string, b []byte, mode fs.FileMode) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
