package verifier_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"facet/store"
	"facet/store/bolt"
	"facet/store/keyfile"
	"facet/store/postgres"
	"facet/store/storetest"
	"facet/verifier"
)

// TestRawFiles searches what the stores leave on disk, byte by byte: a claim is
// nowhere readable at any time, and after a withdrawal or the end of retention
// the key that could make it so is gone from the files, too. PostgreSQL's
// write-ahead log keeps keys for longer, as docs/operating.md says; claims are
// not readable even there.
func TestRawFiles(t *testing.T) {
	t.Run("folder", func(t *testing.T) {
		dir := t.TempDir()
		db, err := bolt.Open(filepath.Join(dir, "db"))
		check(err)
		t.Cleanup(func() { db.Close() })
		keys, err := keyfile.Open(keyfile.Config{Path: filepath.Join(dir, "keys"), Delay: 20 * time.Millisecond})
		check(err)
		t.Cleanup(func() { keys.Close() })
		searchFiles(t, db, keys, disk{all: dir, keys: filepath.Join(dir, "keys"), settle: func() {}})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		pg := storetest.StartPostgres(t)
		db, err := postgres.Open(t.Context(), postgres.Config{URL: pg.URL})
		check(err)
		t.Cleanup(func() { db.Close() })
		keys, err := postgres.Open(t.Context(), postgres.Config{URL: pg.URL, Table: "facet_keys", Forget: 20 * time.Millisecond})
		check(err)
		t.Cleanup(func() { keys.Close() })
		data := filepath.Join(pg.Dir, "data")
		searchFiles(t, db, keys, disk{all: data, keys: filepath.Join(data, "base"), settle: func() { check(pg.Exec("CHECKPOINT")) }})
	})
}

// A disk is where a store's files are.
type disk struct {
	all, keys string
	settle    func() // brings what is in memory to the files
}

func searchFiles(t *testing.T, db, keys store.Store, d disk) {
	r := newRig(t, func(r *rig) { r.store, r.keys = db, keys })
	for _, end := range []string{"withdrawal", "retention"} {
		canary := "canary" + rand.Text()
		a := r.compose(r.begin("home", "same_device"), twist{parts: func(a *answer) {
			a.parts["prefs"] = r.prefs(map[string]any{"depth": "detail", "topics": []any{"483", canary}, "languages": []any{canary}})
		}})
		if got := a.send(); got.status != http.StatusOK {
			t.Fatalf("answer: %d %s", got.status, got.body)
		}
		secrets := r.transactionKeys()
		d.settle()
		if len(secrets) != 1 || !found(t, d.keys, secrets[0]) {
			t.Fatal("the search does not find what must be there")
		}
		if end == "withdrawal" {
			offer, err := a.req.PolicyOffer()
			check(err)
			if got := r.prove(a, "member", "withdraw", offer.WithdrawalEndpoint); got.status != http.StatusOK {
				t.Fatalf("withdraw: %d %s", got.status, got.body)
			}
		} else {
			r.clock.advance(verifier.TTL + 8*24*time.Hour)
			r.sweep() // the request's time is over
			r.sweep() // and so is the retention
		}
		if left := r.transactionKeys(); len(left) != 0 {
			t.Fatalf("%s: %d keys left", end, len(left))
		}
		for deadline := time.Now().Add(10 * time.Second); found(t, d.keys, secrets[0]); time.Sleep(50 * time.Millisecond) {
			if d.settle(); time.Now().After(deadline) {
				t.Fatalf("%s: the key stays in the files", end)
			}
		}
		if found(t, d.all, []byte(canary)) {
			t.Errorf("%s: the claim is readable in the files", end)
		}
	}
}

// transactionKeys are the keys of all transactions that still have one.
func (r *rig) transactionKeys() (out [][]byte) {
	r.t.Helper()
	for key, err := range r.keys.Keys(r.t.Context(), "tx/", "") {
		check(err)
		secret, _, err := r.keys.Get(r.t.Context(), key)
		check(err)
		out = append(out, secret)
	}
	return out
}

// found searches a file, or all files below a folder.
func found(t *testing.T, where string, what []byte) (yes bool) {
	t.Helper()
	err := filepath.WalkDir(where, func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && (d.IsDir() || strings.HasSuffix(p, ".pid")) {
			return nil
		}
		if err != nil {
			return err
		}
		raw, err := os.ReadFile(p)
		yes = yes || bytes.Contains(raw, what)
		if errors.Is(err, fs.ErrNotExist) { // rewritten meanwhile
			return nil
		}
		return err
	})
	check(err)
	return yes
}
