package report

import (
	"maps"
	"slices"

	"facet/audit"
)

// Codes of findings: where a log contradicts itself or its promises.
const (
	PolicyInvalid     = "policy_invalid"     // a published document is not a policy
	PolicyDiffers     = "policy_differs"     // an entry names another version or promise than its document
	PolicyUnpublished = "policy_unpublished" // a request under a policy that was not published before it
	PromiseDiffers    = "promise_differs"    // a request promises another purpose or retention than its policy
	PathsDiffer       = "paths_differ"       // a request asked for something else than its policy compiles to
	ResultDiffers     = "result_differs"     // a result repeats its request wrongly
	ResultTwice       = "result_twice"       // a request has two results
	RefInvalid        = "ref_invalid"        // an entry follows nothing it could follow
	ErasureLate       = "erasure_late"       // a withdrawal was carried out late
	ErasureMissing    = "erasure_missing"    // … or not at all
	RetentionLate     = "retention_late"     // data was kept longer than promised
	RetentionMissing  = "retention_missing"  // … and is still kept
	RejectedMany      = "rejected_many"      // a week with unusually many rejected answers
	WeakeningOn       = "weakening_on"       // a check is weakened now
)

// A Finding is one thing an auditor should look at first. The first entry is
// the one it is about.
type Finding struct {
	Code    string   `json:"code"`
	Entries []uint64 `json:"entries"`
	Name    string   `json:"name,omitempty"` // the weakening or week
}

// Breach reports whether the finding means that a promise was broken; others
// only deserve a look.
func (f Finding) Breach() bool { return f.Code != RejectedMany && f.Code != WeakeningOn }

// samePaths compares what was asked; nil and empty are different things, but
// neither the schema nor a query has nil.
func samePaths(a, b audit.Paths) bool {
	return maps.EqualFunc(a, b, slices.Equal[[]string])
}
