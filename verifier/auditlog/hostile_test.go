package auditlog

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"facet/audit"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A rig is a closed log of real tiles and what is needed to attack it.
type rig struct {
	dir        string
	key        *logKey
	trust      *audit.Trust
	leaves     [][]byte
	checkpoint []byte
	receipts   [][]byte // the first few entries' proofs
}

// newRig writes n entries. key, if not nil, is the key file of another log.
func newRig(t *testing.T, n int, key []byte) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir()}
	if key != nil {
		if err := os.WriteFile(filepath.Join(r.dir, keyFile), key, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := openTest(t, r.dir)
	ids := make([]string, n)
	errs := make(chan error, n)
	r.leaves = make([][]byte, n)
	for i := range n {
		id, b := leaf(t)
		ids[i] = id
		go func() {
			at, err := l.Append(context.Background(), id, b)
			if err == nil {
				r.leaves[at] = b
			}
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	// All proofs are to the one checkpoint that covers everything.
	if _, err := l.ReceiptProof(t.Context(), uint64(n-1)); err != nil {
		t.Fatal(err)
	}
	for i := range min(n, 3) {
		proof, err := l.ReceiptProof(t.Context(), uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		r.receipts = append(r.receipts, proof)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r.key, r.trust = l.key, l.trust
	r.checkpoint = r.read(t, audit.CheckpointPath)
	return r
}

func (r *rig) source() audit.Source { return &dirSource{filepath.Join(r.dir, treeDir)} }

func (r *rig) read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := r.source().Read(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// twisted is the log's source with one resource replaced.
type twisted struct {
	audit.Source
	with map[string][]byte
}

func (s twisted) Read(ctx context.Context, path string) ([]byte, error) {
	if b, ok := s.with[path]; ok {
		return b, nil
	}
	return s.Source.Read(ctx, path)
}

func (r *rig) verify(t *testing.T, src audit.Source) *audit.Report {
	t.Helper()
	c, err := r.trust.Checkpoint(r.checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	report, err := audit.Verify(t.Context(), src, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func wantFinding(t *testing.T, r *audit.Report, reason string, index int64) {
	t.Helper()
	for _, f := range r.Findings {
		if f.Reason() == reason && f.Index == index {
			return
		}
	}
	t.Fatalf("findings %v, want %s at %d", r.Findings, reason, index)
}

func bundle(leaves [][]byte) []byte {
	var b []byte
	for _, l := range leaves {
		b = binary.BigEndian.AppendUint16(b, uint16(len(l)))
		b = append(b, l...)
	}
	return b
}

func TestVerifyFindsTheBadEntry(t *testing.T) {
	r := newRig(t, 300, nil)
	if report := r.verify(t, r.source()); !report.OK() || report.Entries != 300 {
		t.Fatalf("an intact log: %v", report.Findings)
	}
	t.Run("LOG-001", func(t *testing.T) {
		for _, at := range []int{0, 100, 255, 256, 299} {
			leaves := append([][]byte{}, r.leaves...)
			leaves[at] = bytes.Replace(leaves[at], []byte("T03Z"), []byte("T04Z"), 1)
			report := r.verify(t, twisted{r.source(), map[string][]byte{
				"tile/entries/000": bundle(leaves[:256]), "tile/entries/001.p/44": bundle(leaves[256:]),
			}})
			wantFinding(t, report, audit.ReasonLeaf, int64(at))
			if len(report.Findings) != 1 {
				t.Errorf("%d findings, only entry %d was changed", len(report.Findings), at)
			}
		}
	})
	t.Run("LOG-002", func(t *testing.T) {
		leaves := append(append([][]byte{}, r.leaves[:100]...), r.leaves[101:]...)
		entries := map[string][]byte{"tile/entries/000": bundle(leaves[:256]), "tile/entries/001.p/44": bundle(leaves[256:])}
		wantFinding(t, r.verify(t, twisted{r.source(), entries}), audit.ReasonRoot, 100)
		// The same with the tiles made to fit: only the signature stands against it.
		var hashes []byte
		for _, l := range append(leaves, r.leaves[299]) {
			h := tlog.RecordHash(l)
			hashes = append(hashes, h[:]...)
		}
		entries["tile/0/000"], entries["tile/0/001.p/44"] = hashes[:256*32], hashes[256*32:]
		entries["tile/entries/001.p/44"] = bundle(append(leaves[256:], r.leaves[299]))
		wantFinding(t, r.verify(t, twisted{r.source(), entries}), audit.ReasonRoot, -1)
	})
	t.Run("LOG-004", func(t *testing.T) {
		for _, path := range []string{"tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"} {
			tile := bytes.Clone(r.read(t, path))
			tile[7] ^= 1
			src := twisted{r.source(), map[string][]byte{path: tile}}
			report := r.verify(t, src)
			wantFinding(t, report, audit.ReasonTile, -1)
			if !strings.Contains(report.Err().Error(), path) {
				t.Errorf("%v does not name %s", report.Err(), path)
			}
		}
	})
	t.Run("missing", func(t *testing.T) {
		report := r.verify(t, twisted{r.source(), map[string][]byte{"tile/entries/001.p/44": bundle(r.leaves[256:290])}})
		wantFinding(t, report, audit.ReasonRoot, 290)
	})
}

// sign makes a checkpoint of the rig's log, whatever it says.
func (r *rig) sign(t *testing.T, origin string, size int, root []byte, signers ...note.Signer) []byte {
	t.Helper()
	text := fmt.Sprintf("%s\n%d\n%s\n", origin, size, base64.StdEncoding.EncodeToString(root))
	b, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMonitor(t *testing.T) {
	r := newRig(t, 300, nil)
	key, err := os.ReadFile(filepath.Join(r.dir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	// observed returns a monitor that saw r's checkpoint and was restarted.
	observed := func(t *testing.T) *audit.Monitor {
		t.Helper()
		m := &audit.Monitor{Trust: r.trust, MaxAge: 20 * time.Second}
		if _, err := m.Observe(t.Context(), r.source(), r.checkpoint, now); err != nil {
			t.Fatal(err)
		}
		state, err := m.Save()
		if err != nil {
			t.Fatal(err)
		}
		m = &audit.Monitor{Trust: r.trust, MaxAge: 20 * time.Second}
		if err := m.Restore(state); err != nil {
			t.Fatal(err)
		}
		return m
	}
	wantReason := func(t *testing.T, err error, want string) {
		t.Helper()
		if reason(err) != want {
			t.Fatalf("got %v, want %s", err, want)
		}
	}
	t.Run("LOG-005", func(t *testing.T) {
		other := newRig(t, 301, key)
		_, err := observed(t).Observe(t.Context(), other.source(), other.checkpoint, now)
		wantReason(t, err, audit.ReasonInconsistent)
	})
	t.Run("LOG-006", func(t *testing.T) {
		m := observed(t)
		other := newRig(t, 300, key)
		_, err := m.Observe(t.Context(), other.source(), other.checkpoint, now)
		wantReason(t, err, audit.ReasonSplitView)
		proof, err := m.Misbehaviour(other.checkpoint)
		if err != nil {
			t.Fatal(err)
		}
		stranger, err := audit.TrustLog(r.key.vkey, origin)
		if err != nil {
			t.Fatal(err)
		}
		if size, err := stranger.VerifyMisbehaviour(proof); err != nil || size != 300 {
			t.Fatalf("the proof: %d, %v", size, err)
		}
		if _, err := m.Misbehaviour(r.checkpoint); err == nil {
			t.Error("one checkpoint contradicts itself")
		}
		forged := bytes.Replace(proof, []byte("\n300\n"), []byte("\n299\n"), 1)
		_, err = stranger.VerifyMisbehaviour(forged)
		wantReason(t, err, audit.ReasonSignature)
	})
	t.Run("LOG-007", func(t *testing.T) {
		other := newRig(t, 5, key)
		_, err := observed(t).Observe(t.Context(), other.source(), other.checkpoint, now)
		wantReason(t, err, audit.ReasonShrunk)
	})
	t.Run("LOG-008", func(t *testing.T) {
		root := make([]byte, 32)
		skey, _, err := note.GenerateKey(rand.Reader, origin)
		if err != nil {
			t.Fatal(err)
		}
		stranger, _ := note.NewSigner(skey)
		good := r.sign(t, origin, 1, root, r.key.signer)
		if _, err := r.trust.Checkpoint(good); err != nil {
			t.Fatal(err)
		}
		i := bytes.LastIndexByte(good, ' ') + 1 // the signature: key hash, then 64 bytes
		otherHash := bytes.Clone(good)
		copy(otherHash[i:], "AAAA")
		otherSig := bytes.Clone(good)
		otherSig[i+20] ^= 1
		for name, msg := range map[string][]byte{
			"unknown key":    r.sign(t, origin, 1, root, stranger),
			"wrong origin":   r.sign(t, "verifier.example/other", 1, root, r.key.signer),
			"bad key hash":   otherHash,
			"bad signature":  otherSig,
			"no signature":   good[:bytes.Index(good, []byte("\n\n"))+2],
			"extension line": mustSign(t, origin+"\n1\n"+base64.StdEncoding.EncodeToString(root)+"\nmore\n", r.key.signer),
			"leading zero":   mustSign(t, origin+"\n01\n"+base64.StdEncoding.EncodeToString(root)+"\n", r.key.signer),
			"short root":     r.sign(t, origin, 1, root[:31], r.key.signer),
			"empty":          nil,
		} {
			_, err := r.trust.Checkpoint(msg)
			if reason(err) != audit.ReasonSignature {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("LOG-009", func(t *testing.T) {
		m := observed(t)
		_, err := m.Observe(t.Context(), r.source(), r.checkpoint, now.Add(21*time.Second))
		wantReason(t, err, audit.ReasonStale)
		_, err = m.Observe(t.Context(), r.source(), r.checkpoint, now.Add(-2*time.Minute))
		wantReason(t, err, audit.ReasonStale)
		bare := r.sign(t, origin, 0, tlogEmpty(), r.key.signer)
		_, err = (&audit.Monitor{Trust: r.trust, MaxAge: time.Minute}).Observe(t.Context(), nil, bare, now)
		wantReason(t, err, audit.ReasonStale)
	})
	t.Run("state of another log", func(t *testing.T) {
		other := newRig(t, 1, nil)
		m := &audit.Monitor{Trust: other.trust}
		if _, err := m.Observe(t.Context(), other.source(), other.checkpoint, now); err != nil {
			t.Fatal(err)
		}
		state, _ := m.Save()
		wantReason(t, (&audit.Monitor{Trust: r.trust}).Restore(state), audit.ReasonState)
	})
}

func tlogEmpty() []byte {
	h, _ := tlog.TreeHash(0, nil)
	return h[:]
}

func mustSign(t *testing.T, text string, s note.Signer) []byte {
	t.Helper()
	b, err := note.Sign(&note.Note{Text: text}, s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
