package audit

import "fmt"

// The reasons an [Error] can have.
const (
	ReasonSchema       = "entry_schema"            // an entry is not of schema v1, or not canonical
	ReasonSignature    = "checkpoint_signature"    // not signed by the expected log
	ReasonQuorum       = "policy_quorum"           // too few witnesses cosigned
	ReasonReceipt      = "receipt_invalid"         // a proof does not lead from this entry to this checkpoint
	ReasonLeaf         = "leaf_hash_mismatch"      // one published entry differs from the signed tree
	ReasonRoot         = "root_mismatch"           // the published entries are not those of the signed tree
	ReasonTile         = "tile_mismatch"           // a published hash differs from the signed tree
	ReasonMissing      = "resource_missing"        // something the checkpoint covers is not published
	ReasonInconsistent = "inconsistent_checkpoint" // history was rewritten
	ReasonSplitView    = "split_view"              // two signed checkpoints of one size differ
	ReasonShrunk       = "log_shrunk"              // smaller than what was already seen
	ReasonStale        = "stale_checkpoint"        // not signed again in time: frozen or stopped
	ReasonState        = "state_invalid"           // the monitor's own saved state cannot be used
)

// An Error is one failed check. It names positions and kinds, never contents.
type Error struct {
	reason string
	what   string
	// Index is the entry the error is about, or -1.
	Index int64
	err   error
}

func (e *Error) Error() string {
	s := "audit: " + e.what
	if e.Index >= 0 {
		s = fmt.Sprintf("audit: entry %d: %s", e.Index, e.what)
	}
	if e.err != nil {
		s += ": " + e.err.Error()
	}
	return s
}

// Reason returns the stable code of the failed check.
func (e *Error) Reason() string { return e.reason }

// Unwrap returns the cause, if another package reported one.
func (e *Error) Unwrap() error { return e.err }

func fault(reason, format string, args ...any) *Error {
	return &Error{reason: reason, what: fmt.Sprintf(format, args...), Index: -1}
}

func faultAt(index uint64, reason, format string, args ...any) *Error {
	e := fault(reason, format, args...)
	e.Index = int64(index)
	return e
}

func (e *Error) because(err error) *Error {
	e.err = err
	return e
}
