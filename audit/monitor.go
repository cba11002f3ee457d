package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxState is the most bytes a monitor's saved state may have.
const MaxState = 256 << 10

// A Monitor remembers the last checkpoint it accepted and holds the log to it.
// It is what finds a rewritten, shortened or frozen log, which a single look at
// a log cannot.
type Monitor struct {
	Trust *Trust
	// MaxAge is how old the log's timestamped signature may be: twice the
	// interval in which the log promises to sign again. 0 = no limit.
	MaxAge time.Duration
	// Key, if set, is kept in the saved state, for callers that pin the key they
	// first saw; see [StateKey].
	Key string

	saved *Checkpoint
	since time.Time // when the monitor saw its first checkpoint
}

// MaxSkew is how far the log's clock may be ahead of the monitor's.
const MaxSkew = time.Minute

type stateJSON struct {
	V          int       `json:"v"`
	Key        string    `json:"key,omitempty"`
	Since      time.Time `json:"since"`
	Checkpoint string    `json:"checkpoint"`
}

// Restore takes a state that Save wrote. The checkpoint in it is verified again.
func (m *Monitor) Restore(state []byte) error {
	in, err := parseState(state)
	if err != nil {
		return err
	}
	c, err := m.Trust.Checkpoint([]byte(in.Checkpoint))
	if err != nil {
		return fault(ReasonState, "the saved checkpoint is not of this log").because(err)
	}
	m.saved, m.since = c, in.Since
	return nil
}

// StateKey returns the verifier key kept in a saved state, or "".
func StateKey(state []byte) (string, error) {
	in, err := parseState(state)
	return in.Key, err
}

func parseState(state []byte) (in stateJSON, err error) {
	d := json.NewDecoder(bytes.NewReader(state))
	d.DisallowUnknownFields()
	if len(state) > MaxState || !jsontext.Value(state).IsValid() || d.Decode(&in) != nil || in.V != Version {
		return in, fault(ReasonState, "the saved state is not one of version %d", Version)
	}
	return in, nil
}

// Save returns the state to keep for the next run; nil if nothing was accepted.
func (m *Monitor) Save() ([]byte, error) {
	if m.saved == nil {
		return nil, nil
	}
	return json.MarshalIndent(stateJSON{Version, m.Key, m.since.UTC(), string(m.saved.note)}, "", "  ")
}

// Since is when this monitor saw its first checkpoint of the log.
func (m *Monitor) Since() time.Time { return m.since }

// Saved is the last checkpoint accepted, or nil.
func (m *Monitor) Saved() *Checkpoint { return m.saved }

// Observe verifies a published checkpoint and that it extends the saved one,
// and takes its place if it does. Reasons: checkpoint_signature, policy_quorum,
// log_shrunk, inconsistent_checkpoint, split_view, stale_checkpoint. For a
// split view, [Monitor.Misbehaviour] makes a proof for others.
func (m *Monitor) Observe(ctx context.Context, src Source, msg []byte, now time.Time) (*Checkpoint, error) {
	c, err := m.Trust.Checkpoint(msg)
	if err != nil {
		return nil, err
	}
	if m.saved != nil {
		if err := Consistent(ctx, src, m.saved, c); err != nil {
			return nil, err
		}
	}
	if m.since.IsZero() {
		m.since = now
	}
	m.saved = c
	if err := m.fresh(c, now); err != nil {
		return nil, err
	}
	return c, nil
}

// fresh checks the log's own timestamp, which only the log can make.
func (m *Monitor) fresh(c *Checkpoint, now time.Time) error {
	switch age := now.Sub(c.signed); {
	case m.MaxAge == 0:
		return nil
	case c.signed.IsZero():
		return fault(ReasonStale, "the checkpoint does not say when it was signed")
	case age > m.MaxAge:
		return fault(ReasonStale, "the log last signed %v ago, more than %v", age.Round(time.Second), m.MaxAge)
	case age < -MaxSkew:
		return fault(ReasonStale, "the log signed %v in the future", (-age).Round(time.Second))
	}
	return nil
}

const (
	misbehaviourHeader = "facet/log-misbehaviour@v1\n"
	misbehaviourRule   = "\n----\n"
)

// Misbehaviour writes the proof that a log showed two different trees of one
// size: the saved checkpoint and msg, both signed by it. Anyone with the log's
// key can check it with [Trust.VerifyMisbehaviour]. It fails if they do not
// contradict each other.
func (m *Monitor) Misbehaviour(msg []byte) ([]byte, error) {
	if m.saved == nil {
		return nil, fault(ReasonState, "there is no saved checkpoint")
	}
	proof := []byte(misbehaviourHeader + string(m.saved.note) + misbehaviourRule + string(msg))
	if _, err := m.Trust.VerifyMisbehaviour(proof); err != nil {
		return nil, err
	}
	return proof, nil
}

// VerifyMisbehaviour checks such a proof and returns the size at which the log
// contradicts itself.
func (t *Trust) VerifyMisbehaviour(proof []byte) (uint64, error) {
	text, ok := strings.CutPrefix(string(proof), misbehaviourHeader)
	a, b, ok2 := strings.Cut(text, misbehaviourRule)
	if !ok || !ok2 {
		return 0, fault(ReasonState, "not a proof of misbehaviour")
	}
	alone := *t // a contradiction needs no witness
	alone.quorum = noQuorum
	one, err := alone.Checkpoint([]byte(a))
	if err != nil {
		return 0, err
	}
	two, err := alone.Checkpoint([]byte(b))
	if err != nil {
		return 0, err
	}
	if one.origin != two.origin || one.tree.N != two.tree.N || one.tree.Hash == two.tree.Hash {
		return 0, fault(ReasonState, "the two checkpoints do not contradict each other")
	}
	return one.Size(), nil
}
