package server

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"facet/audit"
	"facet/audit/report"
)

// A ConsoleConfig says which log a console shows.
type ConsoleConfig struct {
	Source audit.Source
	Origin string
	VKey   string
	Now    func() time.Time // nil = time.Now
}

// consoleRest is the least time between two recomputations of the log, and
// consoleShare how much longer than the last one took it must be: the pages are
// public, and must not keep the machine busy.
const (
	consoleRest  = time.Second
	consoleShare = 10
)

// A consoleBook recomputes the log when it has grown, and keeps the result. It
// is safe for many goroutines.
type consoleBook struct {
	cfg   ConsoleConfig
	trust *audit.Trust

	mu   sync.Mutex                      // held while recomputing: one at a time
	last atomic.Pointer[consoleSnapshot] // changed under mu; nil before the first
	next time.Time                       // not before; guarded by mu
}

// A consoleSnapshot is what the console says about one checkpoint.
type consoleSnapshot struct {
	checkpoint *audit.Checkpoint
	state      consoleState
	figures    *report.Figures
	policies   []consolePolicy
	rows       []consoleRow
	follow     map[uint64][]uint64 // index -> entries whose ref it is
}

type consoleState struct {
	Origin     string           `json:"origin"`
	VKey       string           `json:"vkey"`
	Size       uint64           `json:"size"`
	Root       string           `json:"root"`
	Checkpoint string           `json:"checkpoint"`
	Signed     int64            `json:"signed,omitempty"` // unix
	Witnesses  []string         `json:"witnesses"`
	Since      audit.Hour       `json:"since"`
	OK         bool             `json:"ok"` // as the server found it
	Findings   []consoleFinding `json:"findings"`
	Warnings   []audit.Warning  `json:"warnings"`
}

type consoleFinding struct {
	Reason string `json:"reason"`
	Index  *int64 `json:"index,omitempty"`
}

type consolePolicy struct {
	report.PolicyLine
	Document json.RawMessage `json:"document"`
}

// A consoleRow is one entry in a list.
type consoleRow struct {
	Index    uint64        `json:"index"`
	Kind     audit.Kind    `json:"kind"`
	Hour     audit.Hour    `json:"hour"`
	Ref      *uint64       `json:"ref,omitempty"`
	Platform string        `json:"platform,omitempty"` // of the request it belongs to
	Purpose  string        `json:"purpose,omitempty"`
	Outcome  audit.Outcome `json:"outcome,omitempty"`
	Weak     []string      `json:"weakenings,omitempty"`
	policy   string        // hash
}

func newConsoleBook(cfg ConsoleConfig) (*consoleBook, error) {
	trust, err := audit.TrustLog(cfg.VKey, cfg.Origin)
	if err != nil {
		return nil, err
	}
	if cfg.Source == nil {
		return nil, errors.New("the console needs a log to read")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &consoleBook{cfg: cfg, trust: trust}, nil
}

// snapshot returns what is known of the newest checkpoint, or of the one before
// if it is too soon to recompute or somebody is at it.
func (b *consoleBook) snapshot(ctx context.Context) (*consoleSnapshot, error) {
	if last := b.last.Load(); last == nil {
		b.mu.Lock() // there is nothing to show before
	} else if !b.mu.TryLock() {
		return last, nil
	}
	defer b.mu.Unlock()
	start, last := b.cfg.Now(), b.last.Load()
	if last != nil && start.Before(b.next) {
		return last, nil
	}
	// Who asked may leave: what was begun is finished, or the next would begin anew.
	s, err := b.read(context.WithoutCancel(ctx), last)
	end := b.cfg.Now()
	b.next = end.Add(max(consoleRest, consoleShare*end.Sub(start)))
	if err != nil {
		return nil, err
	}
	b.last.Store(s)
	return s, nil
}

// read recomputes the log if its tree is not last's.
func (b *consoleBook) read(ctx context.Context, last *consoleSnapshot) (*consoleSnapshot, error) {
	note, err := b.cfg.Source.Read(ctx, audit.CheckpointPath)
	if err != nil {
		return nil, err
	}
	c, err := b.trust.Checkpoint(note)
	if err != nil {
		return nil, err
	}
	if last != nil && last.checkpoint.Root() == c.Root() && last.checkpoint.Size() == c.Size() {
		return last.signedAgain(c), nil
	}
	return b.recompute(ctx, c)
}

// signedAgain is the snapshot with a newer signature on the same tree.
func (s *consoleSnapshot) signedAgain(c *audit.Checkpoint) *consoleSnapshot {
	again := *s
	again.checkpoint = c
	again.state.sign(c)
	return &again
}

func (st *consoleState) sign(c *audit.Checkpoint) {
	st.Checkpoint, st.Witnesses = string(c.Note()), c.Witnesses()
	if at := c.Signed(); !at.IsZero() {
		st.Signed = at.Unix()
	}
	if st.Witnesses == nil {
		st.Witnesses = []string{}
	}
}

func (b *consoleBook) recompute(ctx context.Context, c *audit.Checkpoint) (*consoleSnapshot, error) {
	s := &consoleSnapshot{checkpoint: c, follow: map[uint64][]uint64{}}
	var ledger report.Ledger
	documents := map[uint64]json.RawMessage{}
	found, err := audit.Verify(ctx, b.cfg.Source, c, func(n uint64, e audit.Entry, leaf []byte) {
		ledger.Add(n, e, leaf)
		s.add(n, e)
		if p, ok := e.(*audit.Policy); ok {
			documents[n] = p.Document
		}
	})
	if err != nil {
		return nil, err
	}
	s.figures = ledger.Figures(b.cfg.Now())
	s.policies = []consolePolicy{}
	for _, line := range s.figures.Policies {
		s.policies = append(s.policies, consolePolicy{line, documents[line.Index]})
	}
	s.state = consoleState{
		Origin: b.cfg.Origin, VKey: b.cfg.VKey, Size: c.Size(), Root: c.Root().String(),
		Since: s.figures.From, OK: found.OK(), Findings: []consoleFinding{}, Warnings: found.Warnings,
	}
	if found.Warnings == nil {
		s.state.Warnings = []audit.Warning{}
	}
	for _, f := range found.Findings {
		cf := consoleFinding{Reason: f.Reason()}
		if f.Index >= 0 {
			cf.Index = &f.Index
		}
		s.state.Findings = append(s.state.Findings, cf)
	}
	s.state.sign(c)
	return s, nil
}

// add makes the row of an entry; entries that follow another take its platform
// and purpose.
func (s *consoleSnapshot) add(n uint64, e audit.Entry) {
	h := e.Common()
	row := consoleRow{Index: n, Kind: h.Kind, Hour: h.Hour}
	asked := func(a *audit.Asked) { row.Platform, row.Purpose, row.policy = a.Platform, a.Purpose, a.Policy.SHA256 }
	follows := func(ref uint64) {
		row.Ref = &ref
		s.follow[ref] = append(s.follow[ref], n)
		if before := s.row(ref); before != nil && row.Platform == "" {
			row.Platform, row.Purpose, row.policy = before.Platform, before.Purpose, before.policy
		}
	}
	switch e := e.(type) {
	case *audit.Policy:
		row.Platform, row.Purpose, row.policy = e.Platform, e.Purpose, e.Policy.SHA256
	case *audit.Request:
		asked(&e.Asked)
	case *audit.Result:
		asked(&e.Asked)
		row.Outcome = e.Outcome
		follows(e.Ref)
	case *audit.Withdrawal:
		follows(e.Ref)
	case *audit.Erasure:
		follows(e.Ref)
	case *audit.Retention:
		follows(e.Ref)
	case *audit.Config:
		row.Weak = e.Weakenings
	}
	s.rows = append(s.rows, row)
}

// row returns the row of an entry. Entries that are not of the schema have none,
// so rows are not simply at their index.
func (s *consoleSnapshot) row(n uint64) *consoleRow {
	lo, hi := 0, len(s.rows)
	for lo < hi {
		if mid := (lo + hi) / 2; s.rows[mid].Index < n {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(s.rows) && s.rows[lo].Index == n {
		return &s.rows[lo]
	}
	return nil
}
