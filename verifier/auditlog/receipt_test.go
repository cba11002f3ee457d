package auditlog

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"facet/audit"

	"golang.org/x/mod/sumdb/note"
)

func TestReceiptRefuses(t *testing.T) {
	r := newRig(t, 300, nil)
	receipt := func(leaf, proof []byte) []byte {
		b, err := audit.FormatReceipt(leaf, proof, nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	proof := string(r.receipts[0])
	if _, n, err := audit.VerifyReceipt(receipt(r.leaves[0], r.receipts[0]), r.key.vkey, origin); err != nil || n != 0 {
		t.Fatal(n, err)
	}
	lines := strings.Split(proof, "\n") // header, index, hashes …
	hash := lines[2]
	t.Run("LOG-010", func(t *testing.T) {
		for name, bad := range map[string][]byte{
			"another index":    receipt(r.leaves[0], []byte(strings.Replace(proof, "index 0", "index 1", 1))),
			"index beyond":     receipt(r.leaves[0], []byte(strings.Replace(proof, "index 0", "index 300", 1))),
			"index +0":         receipt(r.leaves[0], []byte(strings.Replace(proof, "index 0", "index +0", 1))),
			"index 00":         receipt(r.leaves[0], []byte(strings.Replace(proof, "index 0", "index 00", 1))),
			"index huge":       receipt(r.leaves[0], []byte(strings.Replace(proof, "index 0", "index 99999999999999999999", 1))),
			"another leaf":     receipt(r.leaves[1], r.receipts[0]),
			"another's proof":  receipt(r.leaves[0], r.receipts[1]),
			"hash removed":     receipt(r.leaves[0], []byte(strings.Replace(proof, hash+"\n", "", 1))),
			"hash repeated":    receipt(r.leaves[0], []byte(strings.Replace(proof, hash, hash+"\n"+hash, 1))),
			"64 hashes":        receipt(r.leaves[0], []byte(strings.Replace(proof, hash, strings.TrimSuffix(strings.Repeat(hash+"\n", 64), "\n"), 1))),
			"hash cut":         receipt(r.leaves[0], []byte(strings.Replace(proof, hash, hash[:40], 1))),
			"hash unpadded":    receipt(r.leaves[0], []byte(strings.Replace(proof, hash, strings.TrimRight(hash, "="), 1))),
			"truncated":        receipt(r.leaves[0], []byte(proof[:len(proof)/4])),
			"no header":        receipt(r.leaves[0], []byte(strings.TrimPrefix(proof, lines[0]+"\n"))),
			"version 2":        receipt(r.leaves[0], []byte(strings.Replace(proof, "@v1", "@v2", 1))),
			"carriage returns": receipt(r.leaves[0], []byte(strings.ReplaceAll(proof, "\n", "\r\n"))),
			"not JSON":         []byte("{"),
			"unknown member":   bytes.Replace(receipt(r.leaves[0], r.receipts[0]), []byte("{"), []byte(`{"x":1,`), 1),
			"repeated member":  bytes.Replace(receipt(r.leaves[0], r.receipts[0]), []byte("{"), []byte(`{"v":1,`), 1),
			"not an entry":     receipt([]byte("{}"), r.receipts[0]),
		} {
			if _, _, err := audit.VerifyReceipt(bad, r.key.vkey, origin); reason(err) != audit.ReasonReceipt {
				t.Errorf("%s: %v", name, err)
			}
		}
		// Another tree size is another signed text.
		size := strings.Replace(proof, origin+"\n300\n", origin+"\n299\n", 1)
		if size == proof {
			t.Fatal("the receipt is not of 300 entries")
		}
		if _, _, err := audit.VerifyReceipt(receipt(r.leaves[0], []byte(size)), r.key.vkey, origin); reason(err) != audit.ReasonSignature {
			t.Errorf("another size: %v", err)
		}
	})
	t.Run("LOG-011", func(t *testing.T) {
		witness := func(name string) (string, *audit.Cosigner) {
			pub, private, err := ed25519.GenerateKey(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			return audit.WitnessVKey(name, pub), audit.NewCosigner(name, private, time.Now)
		}
		v1, w1 := witness("witness-one.example")
		v2, w2 := witness("witness-two.example")
		v3, _ := witness("witness-three.example")
		trust, err := audit.ParseTrust("# who must have seen it\nlog " + r.key.vkey + "\nwitness one " + v1 + "\nwitness two " + v2 +
			"\nwitness three " + v3 + "\ngroup two-of 2 one two three\nquorum two-of\n")
		if err != nil {
			t.Fatal(err)
		}
		cosigned := func(ws ...note.Signer) []byte {
			n, err := note.Open(r.checkpoint, note.VerifierList(mustVerifier(t, r.key.vkey)))
			if err != nil {
				t.Fatal(err)
			}
			b, err := note.Sign(n, ws...)
			if err != nil {
				t.Fatal(err)
			}
			return append([]byte(proof[:strings.Index(proof, "\n\n")+2]), b...)
		}
		for name, tt := range map[string]struct {
			proof []byte
			want  string
		}{
			"none":           {[]byte(proof), audit.ReasonQuorum},
			"one":            {cosigned(w1), audit.ReasonQuorum},
			"one twice":      {cosigned(w1, w1), audit.ReasonQuorum},
			"two":            {cosigned(w1, w2), ""},
			"two, one wrong": {bytes.Replace(cosigned(w1, w2), []byte("witness-two"), []byte("witness-six"), 1), audit.ReasonQuorum},
		} {
			_, err := trust.VerifyReceipt(receipt(r.leaves[0], tt.proof))
			if tt.want == "" && err != nil || tt.want != "" && reason(err) != tt.want {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func mustVerifier(t *testing.T, vkey string) note.Verifier {
	t.Helper()
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestErasure(t *testing.T) {
	t.Run("LOG-016", func(t *testing.T) {
		r := newRig(t, 1, nil)
		l := openTest(t, r.dir)
		entryKey := audit.NewKey()
		slot := audit.Slot{Query: "member", Path: `["tier"]`, Index: 0}
		c, openings, err := audit.Seal(entryKey, asked().Paths, audit.Values{"member": {slot.Path: []byte(`"plus"`)}})
		if err != nil {
			t.Fatal(err)
		}
		id := audit.NewID()
		b, err := audit.Encode(audit.NewAnswered(id, testHour, asked(), 0, c, nil))
		if err != nil {
			t.Fatal(err)
		}
		n, err := l.Append(t.Context(), string(id), b)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := l.ReceiptProof(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		opens := func(openings []audit.Opening) bool {
			out, err := audit.FormatReceipt(b, proof, openings)
			if err != nil {
				t.Fatal(err)
			}
			receipt, err := l.trust.VerifyReceipt(out)
			if err != nil {
				t.Fatal(err)
			}
			return receipt.Opens(slot, []byte(`"plus"`))
		}
		if !opens(openings) {
			t.Fatal("the holder's receipt does not open")
		}
		if opens(nil) { // the key is deleted
			t.Error("opens without its key")
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		r.checkpoint = r.read(t, audit.CheckpointPath)
		if report := r.verify(t, r.source()); !report.OK() || report.Entries != 2 {
			t.Errorf("the tree: %v", report.Findings)
		}
	})
}

func TestFolder(t *testing.T) {
	r := newRig(t, 3, nil)
	if report := r.verify(t, audit.Folder{FS: os.DirFS(filepath.Join(r.dir, treeDir))}); !report.OK() {
		t.Fatal(report.Findings)
	}
	for _, path := range []string{".state/treeState", "../log.key", "tile/../../log.key", "tile/8/0/000", "tile/data/000", "tile/0/000.p/0", "tile/0/1"} {
		if _, err := r.source().Read(t.Context(), path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s can be read: %v", path, err)
		}
	}
}
