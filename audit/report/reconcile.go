package report

import (
	"slices"

	"facet/audit"
)

// A Reconciliation compares a log with what somebody else kept: holders'
// receipts, or the entry ids in a verifier's own records.
type Reconciliation struct {
	Matched uint64     `json:"matched"`
	Missing []audit.ID `json:"missing"` // kept elsewhere, not in the log
	Extra   []audit.ID `json:"extra"`   // in the log, not kept elsewhere
}

// Reconcile looks up every id in the log. Extra ones are meaningful only if the
// records are meant to be complete.
func (l *Ledger) Reconcile(kept []audit.ID) *Reconciliation {
	r := &Reconciliation{Missing: []audit.ID{}, Extra: []audit.ID{}}
	have := make(map[audit.ID]bool, len(kept))
	for _, id := range kept {
		if have[id] {
			continue
		}
		have[id] = true
		if l.seen[id] {
			r.Matched++
		} else {
			r.Missing = append(r.Missing, id)
		}
	}
	for id := range l.seen {
		if !have[id] {
			r.Extra = append(r.Extra, id)
		}
	}
	slices.Sort(r.Missing)
	slices.Sort(r.Extra)
	return r
}
