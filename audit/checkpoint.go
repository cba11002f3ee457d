package audit

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// MaxCheckpoint is the most bytes a signed checkpoint may have.
const MaxCheckpoint = 64 << 10

// A Checkpoint is a signed statement of a log: these entries, in this order
// (C2SP tlog-checkpoint). It comes from [Trust.Checkpoint] only, so its
// signature has been verified; that the log shows the same one to everybody has
// not, unless the trust asks for witnesses.
type Checkpoint struct {
	origin    string
	tree      tlog.Tree
	note      []byte
	signed    time.Time
	witnesses []string
}

// Origin is the log's identity.
func (c *Checkpoint) Origin() string { return c.origin }

// Size is the number of entries.
func (c *Checkpoint) Size() uint64 { return uint64(c.tree.N) }

// Root is the root hash of the Merkle tree over them.
func (c *Checkpoint) Root() tlog.Hash { return c.tree.Hash }

// Note is the checkpoint as it was published, signatures included.
func (c *Checkpoint) Note() []byte { return append([]byte(nil), c.note...) }

// Signed is when the log last said that this is its whole tree, from its
// timestamped signature; the zero time if it made none.
func (c *Checkpoint) Signed() time.Time { return c.signed }

// Witnesses are the names of the known witnesses that cosigned, sorted.
func (c *Checkpoint) Witnesses() []string { return append([]string(nil), c.witnesses...) }

// Checkpoint verifies a published checkpoint: that a trusted log signed it
// (checkpoint_signature) and that enough witnesses did (policy_quorum).
func (t *Trust) Checkpoint(msg []byte) (*Checkpoint, error) {
	if len(msg) > MaxCheckpoint {
		return nil, fault(ReasonSignature, "checkpoint is larger than %d bytes", MaxCheckpoint)
	}
	n, err := note.Open(msg, t.verifiers())
	if err != nil {
		return nil, fault(ReasonSignature, "checkpoint is not signed by this log")
	}
	origin, tree, err := parseBody(n.Text)
	if err != nil {
		return nil, err
	}
	log, ok := t.logs[origin]
	if !ok || !signedBy(n, log.verifier) {
		return nil, fault(ReasonSignature, "checkpoint is not signed by the log it names")
	}
	c := &Checkpoint{origin: origin, tree: tree, note: append([]byte(nil), msg...)}
	if at, ok := cosignedAt(n, log.cosigner); ok {
		c.signed = at
	}
	if c.witnesses, err = t.witnessed(n); err != nil {
		return nil, err
	}
	return c, nil
}

func signedBy(n *note.Note, v note.Verifier) bool {
	for _, s := range n.Sigs { // verified by note.Open
		if s.Name == v.Name() && s.Hash == v.KeyHash() {
			return true
		}
	}
	return false
}

// parseBody reads the text of a checkpoint. Extension lines are refused: nobody
// could audit them.
func parseBody(text string) (string, tlog.Tree, error) {
	bad := fault(ReasonSignature, "not a checkpoint")
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] == "" || lines[3] != "" {
		return "", tlog.Tree{}, bad
	}
	size, err := parseDecimal(lines[1])
	if err != nil {
		return "", tlog.Tree{}, bad
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return "", tlog.Tree{}, bad
	}
	return lines[0], tlog.Tree{N: size, Hash: root}, nil
}

// parseDecimal reads a non-negative number without leading zeroes.
func parseDecimal(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != s {
		return 0, fault(ReasonReceipt, "not a number")
	}
	return n, nil
}

// parseHash reads 32 bytes in canonical padded base64.
func parseHash(s string) (tlog.Hash, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != tlog.HashSize || len(s) != base64.StdEncoding.EncodedLen(tlog.HashSize) {
		return tlog.Hash{}, fault(ReasonReceipt, "not a hash")
	}
	return tlog.Hash(b), nil
}
