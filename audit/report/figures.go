package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"facet/audit"
	"facet/schemas"
)

// Figures are the numbers of a log. Every one can be traced to its entries.
type Figures struct {
	Entries     uint64       `json:"entries"`
	Duplicates  uint64       `json:"duplicates"`
	From        audit.Hour   `json:"from"`
	To          audit.Hour   `json:"to"`
	Platforms   []string     `json:"platforms"`
	Total       Outcomes     `json:"total"`
	Weeks       []Week       `json:"weeks"`
	Purposes    []Purpose    `json:"purposes"`
	Deadlines   []Deadlines  `json:"deadlines"`
	Withdrawals Withdrawals  `json:"withdrawals"`
	Weakenings  []Weakening  `json:"weakenings"`
	Policies    []PolicyLine `json:"policies"`
	Findings    []Finding    `json:"findings"`
}

// Outcomes counts requests by how they ended. Open ones have no result yet.
type Outcomes struct {
	Requests uint64 `json:"requests"`
	Answered uint64 `json:"answered"`
	NoAnswer uint64 `json:"no_answer"`
	Expired  uint64 `json:"expired"`
	Rejected uint64 `json:"rejected"`
	Open     uint64 `json:"open"`
}

func (o *Outcomes) count(out audit.Outcome) {
	o.Requests++
	switch out {
	case audit.Answered:
		o.Answered++
	case audit.NoAnswer:
		o.NoAnswer++
	case audit.Expired:
		o.Expired++
	case audit.Rejected:
		o.Rejected++
	default:
		o.Open++
	}
}

// A Week is an ISO 8601 week of requests.
type Week struct {
	Week string `json:"week"` // 2026-W47
	Outcomes
}

// A Purpose is what was asked for one purpose.
type Purpose struct {
	Purpose string       `json:"purpose"`
	Label   schemas.Text `json:"label"`
	Outcomes
	Claims []Claim `json:"claims"`
	Due    uint64  `json:"due"`
	Late   uint64  `json:"late"`
}

// A Claim is how often one claim was asked for. Whether it was given, the log
// does not know.
type Claim struct {
	Path  string       `json:"path"`
	Label schemas.Text `json:"label"`
	Asked uint64       `json:"asked"`
}

// Deadlines are the promised deletions of one ISO week. Entries deleted early,
// after a withdrawal, are not due any more.
type Deadlines struct {
	Week   string `json:"week"`
	Due    uint64 `json:"due"`
	InTime uint64 `json:"in_time"`
	Late   uint64 `json:"late"`
	Open   uint64 `json:"open"` // due, and not deleted
}

// Withdrawals counts erasures by the full hours they took. The verifier
// promises a minute; the log shows hours.
type Withdrawals struct {
	Total    uint64 `json:"total"`
	SameHour uint64 `json:"same_hour"`
	NextHour uint64 `json:"next_hour"`
	Later    uint64 `json:"later"`
	Open     uint64 `json:"open"`
}

// A Weakening is a check that was switched off for a while.
type Weakening struct {
	Name  string     `json:"name"`
	From  audit.Hour `json:"from"`
	To    audit.Hour `json:"to,omitempty"` // empty: still on
	Index uint64     `json:"index"`
	Until *uint64    `json:"until,omitempty"` // entry that ended it
}

// A PolicyLine is one published version of a policy.
type PolicyLine struct {
	Index     uint64          `json:"index"`
	Hour      audit.Hour      `json:"hour"`
	Platform  string          `json:"platform"`
	Policy    audit.PolicyRef `json:"policy"`
	Purpose   string          `json:"purpose"`
	Retention string          `json:"retention"`
	Requests  uint64          `json:"requests"`
	Last      audit.Hour      `json:"last,omitempty"`  // of its requests
	Paths     audit.Paths     `json:"paths,omitempty"` // as compiled again
}

// Figures computes the numbers as of a time: that of the checkpoint.
func (l *Ledger) Figures(now time.Time) *Figures {
	f := &Figures{
		Entries: l.entries, Duplicates: l.duplicates, From: l.first, To: l.last,
		Platforms: []string{}, Weakenings: append([]Weakening{}, l.weakenings...),
		Findings: append([]Finding{}, l.findings...),
	}
	weeks, purposes, due := map[string]*Week{}, map[string]*Purpose{}, map[string]*Deadlines{}
	platforms := map[string]bool{}
	for _, r := range l.requests {
		platforms[r.entry.Platform] = true
		f.Total.count(r.outcome)
		at(weeks, weekOf(r.entry.Hour.Time())).count(r.outcome)
		p := at(purposes, r.entry.Purpose)
		p.count(r.outcome)
		p.ask(r.entry.Paths)
		if r.outcome == audit.Answered {
			f.deadline(r, now, due, p)
		}
	}
	for _, p := range l.policies {
		platforms[p.entry.Platform] = true
		if l.bySHA[policyKey{p.entry.Platform, p.entry.Policy.SHA256}] == p {
			f.Policies = append(f.Policies, p.line())
		}
	}
	f.Platforms = slices.Sorted(maps.Keys(platforms))
	f.Weeks = listed(weeks, func(w *Week, name string) Week { w.Week = name; return *w })
	f.Deadlines = listed(due, func(d *Deadlines, name string) Deadlines { d.Week = name; return *d })
	f.Purposes = listed(purposes, func(p *Purpose, name string) Purpose { return p.named(name) })
	slices.SortStableFunc(f.Purposes, func(a, b Purpose) int { return cmp.Compare(b.Requests, a.Requests) })
	f.withdrawals(l.withdrawn, now)
	f.notable()
	if f.Policies == nil {
		f.Policies = []PolicyLine{}
	}
	return f
}

func (p *published) line() PolicyLine {
	e := p.entry
	return PolicyLine{p.index, e.Hour, e.Platform, e.Policy, e.Purpose, e.Retention, p.requests, p.last, p.paths}
}

func at[T any](m map[string]*T, name string) *T {
	if m[name] == nil {
		m[name] = new(T)
	}
	return m[name]
}

func listed[T any](m map[string]*T, named func(*T, string) T) []T {
	out := make([]T, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, named(m[name], name))
	}
	return out
}

func weekOf(t time.Time) string {
	y, w := t.ISOWeek()
	return fmt.Sprintf("%04d-W%02d", y, w)
}

// ask counts every path of a request once, whatever query it is in.
func (p *Purpose) ask(asked audit.Paths) {
	counted := map[string]bool{}
	for _, query := range slices.Sorted(maps.Keys(asked)) {
		for _, path := range asked[query] {
			if counted[path] {
				continue
			}
			counted[path] = true
			i := slices.IndexFunc(p.Claims, func(c Claim) bool { return c.Path == path })
			if i < 0 {
				i = len(p.Claims)
				p.Claims = append(p.Claims, Claim{Path: path, Label: claimLabel(path)})
			}
			p.Claims[i].Asked++
		}
	}
}

func (p *Purpose) named(name string) Purpose {
	p.Purpose = name
	p.Label = schemas.Text{"de": name, "en": name}
	for _, known := range schemas.Purposes() {
		if known.ID == name {
			p.Label = known.Label
		}
	}
	slices.SortStableFunc(p.Claims, func(a, b Claim) int { return cmp.Compare(b.Asked, a.Asked) })
	return *p
}

// deadline counts the promised deletion of an answered request once it is due.
func (f *Figures) deadline(r *request, now time.Time, weeks map[string]*Deadlines, p *Purpose) {
	end := r.deadline()
	if w := r.withdrawal; w != nil && w.erased != "" && !w.erased.Time().After(end) {
		return // erased before
	}
	if r.deleted == "" && !late(end, now) {
		return // not due, or due within the hour
	}
	d := at(weeks, weekOf(end))
	d.Due++
	p.Due++
	switch {
	case r.deleted == "":
		d.Open++
		p.Late++
		f.Findings = append(f.Findings, Finding{Code: RetentionMissing, Entries: []uint64{r.result}})
	case late(end, r.deleted.Time()):
		d.Late++
		p.Late++
	default:
		d.InTime++
	}
}

func (f *Figures) withdrawals(list []*withdrawal, now time.Time) {
	for _, w := range list {
		f.Withdrawals.Total++
		took := w.erased.Time().Sub(w.hour.Time())
		switch {
		case w.erased == "":
			f.Withdrawals.Open++
			if late(w.hour.Time(), now) {
				f.Findings = append(f.Findings, Finding{Code: ErasureMissing, Entries: []uint64{w.index}})
			}
		case took <= 0:
			f.Withdrawals.SameHour++
		case took <= Grace:
			f.Withdrawals.NextHour++
		default:
			f.Withdrawals.Later++
		}
	}
}

// notable adds what breaks no promise but deserves a look.
func (f *Figures) notable() {
	for _, w := range f.Weakenings {
		if w.To == "" {
			f.Findings = append(f.Findings, Finding{Code: WeakeningOn, Entries: []uint64{w.Index}, Name: w.Name})
		}
	}
	for _, w := range f.Weeks {
		if w.Rejected >= 5 && w.Rejected*20 >= w.Requests { // five percent, and more than a few
			f.Findings = append(f.Findings, Finding{Code: RejectedMany, Entries: []uint64{}, Name: w.Week})
		}
	}
}
