package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxReceipt is the most bytes a receipt may have.
const MaxReceipt = 256 << 10

// receiptJSON is a receipt as it travels.
type receiptJSON struct {
	V        int       `json:"v"`
	Entry    string    `json:"entry"` // base64url of the leaf
	Proof    string    `json:"proof"` // C2SP tlog-proof
	Openings []Opening `json:"openings"`
}

// A Receipt shows its holder, offline and for good, that an entry is in the log
// and which values its commitments were made to. It comes from
// [Trust.VerifyReceipt] only.
type Receipt struct {
	entry      Entry
	index      uint64
	checkpoint *Checkpoint
	openings   map[Slot]Key
}

// FormatReceipt writes the receipt of a leaf. It is for the holder alone: the
// openings must not be shown to others.
func FormatReceipt(leaf, proof []byte, openings []Opening) ([]byte, error) {
	if openings == nil {
		openings = []Opening{}
	}
	return json.Marshal(receiptJSON{Version, base64.RawURLEncoding.EncodeToString(leaf), string(proof), openings})
}

// VerifyReceipt checks a receipt of the one log with this verifier key, without
// witnesses; see [Trust.VerifyReceipt].
func VerifyReceipt(receipt []byte, vkey, origin string) (Entry, uint64, error) {
	t, err := TrustLog(vkey, origin)
	if err != nil {
		return nil, 0, err
	}
	r, err := t.VerifyReceipt(receipt)
	if err != nil {
		return nil, 0, err
	}
	return r.entry, r.index, nil
}

// VerifyReceipt checks that the entry in the receipt is of the schema and in a
// log the trust accepts. Reasons: receipt_invalid, checkpoint_signature,
// policy_quorum. It does not compare values: [Receipt.Opens] does.
func (t *Trust) VerifyReceipt(receipt []byte) (*Receipt, error) {
	in, leaf, err := parseReceipt(receipt)
	if err != nil {
		return nil, err
	}
	r := &Receipt{openings: map[Slot]Key{}}
	if r.index, r.checkpoint, err = t.VerifyProof(leaf, []byte(in.Proof)); err != nil {
		return nil, err
	}
	if r.entry, err = Parse(leaf); err != nil {
		return nil, fault(ReasonReceipt, "the logged bytes are not an entry").because(err)
	}
	for _, o := range in.Openings {
		if !isBytes(o.Key, len(Key{})) {
			return nil, fault(ReasonReceipt, "an opening has no key")
		}
		k, _ := base64.RawURLEncoding.DecodeString(o.Key)
		r.openings[Slot{o.Query, o.Path, o.Index}] = Key(k)
	}
	return r, nil
}

func parseReceipt(b []byte) (*receiptJSON, []byte, error) {
	if len(b) > MaxReceipt || !jsontext.Value(b).IsValid() {
		return nil, nil, fault(ReasonReceipt, "not a receipt")
	}
	var in receiptJSON
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if d.Decode(&in) != nil || in.V != Version || len(in.Openings) > MaxPaths {
		return nil, nil, fault(ReasonReceipt, "not a receipt of version %d", Version)
	}
	leaf, err := base64.RawURLEncoding.Strict().DecodeString(in.Entry)
	if err != nil {
		return nil, nil, fault(ReasonReceipt, "the entry is not base64url")
	}
	return &in, leaf, nil
}

// Entry is the entry the receipt is for.
func (r *Receipt) Entry() Entry { return r.entry }

// Index is the entry's place in the log.
func (r *Receipt) Index() uint64 { return r.index }

// Checkpoint is the one the receipt leads to.
func (r *Receipt) Checkpoint() *Checkpoint { return r.checkpoint }

// Slots lists what the receipt has openings for.
func (r *Receipt) Slots() []Slot {
	var out []Slot
	for s := range r.openings {
		out = append(out, s)
	}
	return out
}

// Opens reports whether the logged commitment of that slot was made to value
// (canonical JSON), with the key in the receipt.
func (r *Receipt) Opens(s Slot, value []byte) bool {
	res, ok := r.entry.(*Result)
	k, have := r.openings[s]
	if !ok || !have || s.Index < 0 || s.Index >= len(res.Commitments[s.Query]) || res.Paths[s.Query][s.Index] != s.Path {
		return false
	}
	return Open(k, value, res.Commitments[s.Query][s.Index])
}
