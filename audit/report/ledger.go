package report

import (
	"time"

	"facet/audit"
	"facet/credentials/dcql"
	"facet/policy"
)

// Grace is how long after its hour a promised deletion may be logged: hours are
// cut off, so a deletion in time can stand in the next one.
const Grace = time.Hour

// A Ledger collects the entries of one log, in order. The zero value is ready.
type Ledger struct {
	entries    uint64
	last       audit.Hour
	first      audit.Hour
	seen       map[audit.ID]bool
	duplicates uint64

	policies   []*published
	bySHA      map[policyKey]*published
	requests   []*request
	byIndex    map[uint64]*request // of its request entry, and of its result
	withdrawn  []*withdrawal
	byWithdraw map[uint64]*withdrawal
	weakenings []Weakening
	findings   []Finding
}

type policyKey struct{ platform, sha256 string }

// published is a policy entry and what compiling its document gave.
type published struct {
	index    uint64
	entry    *audit.Policy
	paths    audit.Paths // nil: the document is no valid policy
	requests uint64
	last     audit.Hour
}

type request struct {
	index, result, retention uint64
	entry                    *audit.Request
	outcome                  audit.Outcome
	check                    string
	resultHour               audit.Hour
	deleted                  audit.Hour // by its retention entry
	withdrawal               *withdrawal
}

type withdrawal struct {
	index, erasure uint64
	hour, erased   audit.Hour
	of             *request
}

// Add takes the next entry. Its signature is that of audit.Verify's callback.
func (l *Ledger) Add(index uint64, e audit.Entry, _ []byte) {
	if l.seen == nil {
		l.seen = map[audit.ID]bool{}
		l.bySHA = map[policyKey]*published{}
		l.byIndex = map[uint64]*request{}
		l.byWithdraw = map[uint64]*withdrawal{}
	}
	h := e.Common()
	l.entries++
	if l.first == "" {
		l.first = h.Hour
	}
	l.last = max(l.last, h.Hour)
	if l.seen[h.ID] { // written twice around a crash: counts once
		l.duplicates++
		return
	}
	l.seen[h.ID] = true
	switch e := e.(type) {
	case *audit.Policy:
		l.addPolicy(index, e)
	case *audit.Request:
		l.addRequest(index, e)
	case *audit.Result:
		l.addResult(index, e)
	case *audit.Withdrawal:
		l.addWithdrawal(index, e)
	case *audit.Erasure:
		l.addErasure(index, e)
	case *audit.Retention:
		l.addRetention(index, e)
	case *audit.Config:
		l.addConfig(index, e)
	}
}

func (l *Ledger) find(code string, index uint64, also ...uint64) {
	l.findings = append(l.findings, Finding{Code: code, Entries: append([]uint64{index}, also...)})
}

func (l *Ledger) addPolicy(index uint64, e *audit.Policy) {
	p := &published{index: index, entry: e}
	doc, err := policy.Parse(e.Document)
	switch {
	case err != nil:
		l.find(PolicyInvalid, index)
	case doc.ID != e.Policy.ID || int64(doc.Version) != int64(e.Policy.Version) ||
		doc.Purpose != e.Purpose || doc.Retention != e.Retention:
		l.find(PolicyDiffers, index)
	default:
		if c, err := policy.Compile(doc); err != nil {
			l.find(PolicyInvalid, index)
		} else {
			p.paths = PathsOf(c.Query)
		}
	}
	l.policies = append(l.policies, p)
	key := policyKey{e.Platform, e.Policy.SHA256}
	if l.bySHA[key] == nil { // published again at every start: the first one counts
		l.bySHA[key] = p
	}
}

// PathsOf lists what a query asks for, as the log writes it.
func PathsOf(q *dcql.Query) audit.Paths {
	out := make(audit.Paths, len(q.Credentials))
	for _, c := range q.Credentials {
		paths := make([]string, len(c.Claims))
		for i, claim := range c.Claims {
			paths[i] = claim.Path.String()
		}
		out[c.ID] = paths
	}
	return out
}

func (l *Ledger) addRequest(index uint64, e *audit.Request) {
	r := &request{index: index, entry: e}
	l.requests = append(l.requests, r)
	l.byIndex[index] = r
	p := l.bySHA[policyKey{e.Platform, e.Policy.SHA256}]
	if p == nil {
		l.find(PolicyUnpublished, index)
		return
	}
	p.requests++
	p.last = max(p.last, e.Hour)
	if e.Policy != p.entry.Policy || e.Purpose != p.entry.Purpose || e.Retention != p.entry.Retention {
		l.find(PromiseDiffers, index, p.index)
	}
	if p.paths != nil && !samePaths(e.Paths, p.paths) {
		l.find(PathsDiffer, index, p.index)
	}
}

func (l *Ledger) addResult(index uint64, e *audit.Result) {
	r := l.byIndex[e.Ref]
	switch {
	case e.Ref >= index || r == nil || r.index != e.Ref:
		l.find(RefInvalid, index)
		return
	case r.outcome != "":
		l.find(ResultTwice, index, r.result)
		return
	}
	if !sameAsked(e.Asked, r.entry.Asked) {
		l.find(ResultDiffers, index, r.index)
	}
	r.result, r.outcome, r.check, r.resultHour = index, e.Outcome, e.Check, e.Hour
	l.byIndex[index] = r
}

func sameAsked(a, b audit.Asked) bool {
	return a.Platform == b.Platform && a.Policy == b.Policy && a.Purpose == b.Purpose &&
		a.Retention == b.Retention && a.Flow == b.Flow && samePaths(a.Paths, b.Paths)
}

// answered returns the answered request whose result is at index.
func (l *Ledger) answered(index uint64) *request {
	if r := l.byIndex[index]; r != nil && r.outcome == audit.Answered && r.result == index {
		return r
	}
	return nil
}

func (l *Ledger) addWithdrawal(index uint64, e *audit.Withdrawal) {
	r := l.answered(e.Ref)
	if r == nil || r.withdrawal != nil {
		l.find(RefInvalid, index)
		return
	}
	w := &withdrawal{index: index, hour: e.Hour, of: r}
	r.withdrawal = w
	l.withdrawn = append(l.withdrawn, w)
	l.byWithdraw[index] = w
}

func (l *Ledger) addErasure(index uint64, e *audit.Erasure) {
	w := l.byWithdraw[e.Ref]
	if w == nil || w.erased != "" {
		l.find(RefInvalid, index)
		return
	}
	w.erasure, w.erased = index, e.Hour
	if late(w.hour.Time(), w.erased.Time()) {
		l.find(ErasureLate, w.index, index)
	}
}

func (l *Ledger) addRetention(index uint64, e *audit.Retention) {
	r := l.answered(e.Ref)
	if r == nil || r.deleted != "" {
		l.find(RefInvalid, index)
		return
	}
	r.retention, r.deleted = index, e.Hour
	if late(r.deadline(), r.deleted.Time()) {
		l.find(RetentionLate, r.result, index)
	}
}

// deadline is the hour in which the data of an answered request must go.
func (r *request) deadline() time.Time {
	keep, _ := policy.ParseRetention(r.entry.Retention) // the entry schema has the same form
	return r.resultHour.Time().Add(keep)
}

func late(due, done time.Time) bool { return done.After(due.Add(Grace)) }

func (l *Ledger) addConfig(index uint64, e *audit.Config) {
	on := map[string]bool{}
	for _, name := range e.Weakenings {
		on[name] = true
	}
	for i := range l.weakenings {
		w := &l.weakenings[i]
		if w.To == "" && !on[w.Name] {
			w.To, w.Until = e.Hour, &index
		} else if w.To == "" {
			delete(on, w.Name) // goes on
		}
	}
	for _, name := range e.Weakenings {
		if on[name] {
			l.weakenings = append(l.weakenings, Weakening{Name: name, From: e.Hour, Index: index})
		}
	}
}
