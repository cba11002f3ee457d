package audit

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Limits of a proof.
const (
	MaxProof  = 128 << 10 // bytes
	MaxHashes = 63        // a tree of 2^63 entries is 63 levels high
)

const proofHeader = "c2sp.org/tlog-proof@v1\n"

// FormatProof writes a proof that the entry at index is in the checkpoint's
// tree (C2SP tlog-proof).
func FormatProof(index uint64, path tlog.RecordProof, checkpoint []byte) []byte {
	var b bytes.Buffer
	b.WriteString(proofHeader)
	fmt.Fprintf(&b, "index %d\n", index)
	for _, h := range path {
		fmt.Fprintln(&b, base64.StdEncoding.EncodeToString(h[:]))
	}
	b.WriteByte('\n')
	b.Write(checkpoint)
	return b.Bytes()
}

// A proof is a parsed proof; nothing in it is verified.
type proof struct {
	index      int64
	path       tlog.RecordProof
	checkpoint []byte
}

// ParseProofIndex returns the entry number a proof claims, unverified.
func ParseProofIndex(text []byte) (uint64, error) {
	p, err := parseProof(text)
	if err != nil {
		return 0, err
	}
	return uint64(p.index), nil
}

func parseProof(text []byte) (*proof, error) {
	bad := fault(ReasonReceipt, "not a tlog-proof")
	rest, ok := strings.CutPrefix(string(text), proofHeader)
	if !ok || len(text) > MaxProof {
		return nil, bad
	}
	top, checkpoint, ok := strings.Cut(rest, "\n\n")
	if !ok {
		return nil, bad
	}
	lines := strings.Split(top, "\n")
	if extra, ok := strings.CutPrefix(lines[0], "extra "); ok {
		if _, err := base64.StdEncoding.Strict().DecodeString(extra); err != nil {
			return nil, bad
		}
		lines = lines[1:]
	}
	if len(lines) == 0 || len(lines)-1 > MaxHashes {
		return nil, bad
	}
	digits, ok := strings.CutPrefix(lines[0], "index ")
	index, err := parseDecimal(digits)
	if !ok || err != nil {
		return nil, bad
	}
	p := &proof{index: index, checkpoint: []byte(checkpoint)}
	for _, line := range lines[1:] {
		h, err := parseHash(line)
		if err != nil {
			return nil, bad
		}
		p.path = append(p.path, h)
	}
	return p, nil
}

// VerifyProof checks that leaf is the entry the proof is for and that the
// checkpoint in it is one the trust accepts (C2SP tlog-proof, verifying).
func (t *Trust) VerifyProof(leaf, text []byte) (uint64, *Checkpoint, error) {
	p, err := parseProof(text)
	if err != nil {
		return 0, nil, err
	}
	c, err := t.Checkpoint(p.checkpoint)
	if err != nil {
		return 0, nil, err
	}
	if p.index >= c.tree.N {
		return 0, nil, fault(ReasonReceipt, "the entry is not covered by the checkpoint")
	}
	if tlog.CheckRecord(p.path, c.tree.N, c.tree.Hash, p.index, tlog.RecordHash(leaf)) != nil {
		return 0, nil, fault(ReasonReceipt, "the proof does not lead from this entry to the checkpoint")
	}
	return uint64(p.index), c, nil
}

// Prove makes the proof that the entry at index is in the checkpoint's tree. The
// tiles it reads are checked against the checkpoint on the way.
func Prove(ctx context.Context, src Source, c *Checkpoint, index uint64) ([]byte, error) {
	if index >= c.Size() {
		return nil, fault(ReasonReceipt, "the entry is not covered by the checkpoint")
	}
	path, err := tlog.ProveRecord(c.tree.N, int64(index), tlog.TileHashReader(c.tree, &tiles{ctx, src}))
	if err != nil {
		return nil, tileFault(err)
	}
	return FormatProof(index, path, c.note), nil
}

// Consistent checks that the later checkpoint's log only added to the earlier
// one's: inconsistent_checkpoint if history differs.
func Consistent(ctx context.Context, src Source, earlier, later *Checkpoint) error {
	switch {
	case earlier.origin != later.origin:
		return fault(ReasonSignature, "checkpoints of two logs")
	case later.tree.N < earlier.tree.N:
		return fault(ReasonShrunk, "the log has %d entries and had %d", later.tree.N, earlier.tree.N)
	case later.tree.N == earlier.tree.N && later.tree.Hash != earlier.tree.Hash:
		return fault(ReasonSplitView, "two checkpoints of %d entries differ", later.tree.N)
	case later.tree.N == earlier.tree.N || earlier.tree.N == 0:
		return nil
	}
	path, err := tlog.ProveTree(later.tree.N, earlier.tree.N, tlog.TileHashReader(later.tree, &tiles{ctx, src}))
	if err != nil {
		return tileFault(err)
	}
	if tlog.CheckTree(path, later.tree.N, later.tree.Hash, earlier.tree.N, earlier.tree.Hash) != nil {
		return fault(ReasonInconsistent, "the first %d entries are not the same any more", earlier.tree.N)
	}
	return nil
}

func tileFault(err error) error {
	var own *Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, fs.ErrNotExist):
		return fault(ReasonMissing, "a tile is not published").because(err)
	default:
		return fault(ReasonTile, "a tile does not belong to the checkpoint").because(err)
	}
}
