package report

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"facet/audit"
	"facet/policy"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC) // a Monday

// A book writes a ledger by hand, as the verifier would.
type book struct {
	t      *testing.T
	ledger Ledger
	next   uint64
	doc    []byte
	asked  audit.Asked
}

func newBook(t *testing.T) *book {
	t.Helper()
	raw, err := os.ReadFile("../../policy/testdata/home.json")
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	c, err := policy.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	return &book{t: t, doc: p.Canonical(), asked: audit.Asked{
		Platform: "Morgenblatt", Policy: audit.PolicyRef{ID: p.ID, Version: uint32(p.Version), SHA256: p.Hash()},
		Purpose: p.Purpose, Retention: p.Retention, Paths: PathsOf(c.Query), Flow: audit.SameDevice,
	}}
}

// add encodes and parses the entry first: only what could be in a log counts.
func (b *book) add(e audit.Entry) uint64 {
	b.t.Helper()
	leaf, err := audit.Encode(e)
	if err != nil {
		b.t.Fatal(err)
	}
	if e, err = audit.Parse(leaf); err != nil {
		b.t.Fatal(err)
	}
	b.ledger.Add(b.next, e, leaf)
	b.next++
	return b.next - 1
}

func (b *book) policy() uint64 {
	return b.add(audit.NewPolicy(audit.NewID(), start, b.asked, b.doc))
}

func (b *book) request(at time.Time) uint64 {
	return b.add(audit.NewRequest(audit.NewID(), at, b.asked))
}

func (b *book) answer(at time.Time) uint64 {
	r := b.request(at)
	c, _, err := audit.Seal(audit.NewKey(), b.asked.Paths, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.add(audit.NewAnswered(audit.NewID(), at, b.asked, r, c, nil))
}

func (b *book) wantFindings(now time.Time, want ...string) *Figures {
	b.t.Helper()
	f := b.ledger.Figures(now)
	var got []string
	for _, x := range f.Findings {
		got = append(got, fmt.Sprint(x.Code, x.Entries))
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("findings %v, want %v", got, want)
	}
	return f
}

func TestFigures(t *testing.T) {
	b := newBook(t)
	b.policy()
	week := 7 * 24 * time.Hour
	kept := b.answer(start)                                                                                 // 1, 2
	b.add(audit.NewUnanswered(audit.NewID(), start, b.asked, b.request(start), audit.NoAnswer))             // 3, 4
	b.add(audit.NewUnanswered(audit.NewID(), start, b.asked, b.request(start), audit.Expired))              // 5, 6
	b.add(audit.NewRejected(audit.NewID(), start.Add(week), b.asked, b.request(start.Add(week)), "status")) // 7, 8
	taken := b.answer(start.Add(week))                                                                      // 9, 10
	w := b.add(audit.NewWithdrawal(audit.NewID(), start.Add(week+time.Hour), taken))
	b.add(audit.NewErasure(audit.NewID(), start.Add(week+2*time.Hour), w))
	b.add(audit.NewRetention(audit.NewID(), start.Add(week), kept))
	b.request(start.Add(week)) // open
	f := b.wantFindings(start.Add(3 * week))

	if want := (Outcomes{Requests: 6, Answered: 2, NoAnswer: 1, Expired: 1, Rejected: 1, Open: 1}); f.Total != want {
		t.Errorf("total %+v, want %+v", f.Total, want)
	}
	if len(f.Weeks) != 2 || f.Weeks[0].Week != "2026-W45" || f.Weeks[0].Requests != 3 || f.Weeks[1].Rejected != 1 {
		t.Errorf("weeks %+v", f.Weeks)
	}
	if len(f.Purposes) != 1 || f.Purposes[0].Due != 1 || f.Purposes[0].Late != 0 {
		t.Errorf("purposes %+v", f.Purposes)
	}
	for _, c := range f.Purposes[0].Claims {
		if c.Asked != 6 || c.Label["de"] == "" {
			t.Errorf("claim %+v", c)
		}
	}
	if want := (Deadlines{Week: "2026-W46", Due: 1, InTime: 1}); len(f.Deadlines) != 1 || f.Deadlines[0] != want {
		t.Errorf("deadlines %+v", f.Deadlines)
	}
	if want := (Withdrawals{Total: 1, NextHour: 1}); f.Withdrawals != want {
		t.Errorf("withdrawals %+v", f.Withdrawals)
	}
	if len(f.Policies) != 1 || f.Policies[0].Requests != 6 || f.Policies[0].Paths == nil {
		t.Errorf("policies %+v", f.Policies)
	}
}

func TestFindings(t *testing.T) {
	long := start.Add(365 * 24 * time.Hour)
	for name, tt := range map[string]struct {
		write func(b *book)
		now   time.Time
		want  []string
	}{
		"nothing":                     {func(b *book) { b.policy(); b.request(start) }, start, nil},
		"a request before its policy": {func(b *book) { b.request(start); b.policy() }, start, []string{"policy_unpublished[0]"}},
		"another platform's policy": {func(b *book) {
			b.policy()
			b.asked.Platform = "Abendblatt"
			b.request(start)
		}, start, []string{"policy_unpublished[1]"}},
		"asked for more": {func(b *book) {
			b.policy()
			b.asked.Paths = audit.Paths{"extra": {`["name"]`}}
			for q, ps := range newBook(b.t).asked.Paths {
				b.asked.Paths[q] = ps
			}
			b.request(start)
		}, start, []string{"paths_differ[1 0]"}},
		"asked one path more": {func(b *book) {
			b.policy()
			paths := audit.Paths{}
			for q, ps := range b.asked.Paths {
				paths[q] = append(slices.Clone(ps), `["mood"]`)
			}
			b.asked.Paths = paths
			b.request(start)
		}, start, []string{"paths_differ[1 0]"}},
		"promised to keep longer": {func(b *book) {
			b.policy()
			b.asked.Retention = "P30D"
			b.request(start)
		}, start, []string{"promise_differs[1 0]"}},
		"a document that is no policy": {func(b *book) {
			b.asked.Policy.SHA256 = "RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o"
			b.doc = []byte(`{}`)
			b.policy()
		}, start, []string{"policy_invalid[0]"}},
		"a result of another promise": {func(b *book) {
			b.policy()
			r := b.request(start)
			b.asked.Purpose = "newsletter"
			b.add(audit.NewUnanswered(audit.NewID(), start, b.asked, r, audit.NoAnswer))
		}, start, []string{"result_differs[2 1]"}},
		"two results": {func(b *book) {
			b.policy()
			r := b.request(start)
			b.add(audit.NewUnanswered(audit.NewID(), start, b.asked, r, audit.NoAnswer))
			b.add(audit.NewUnanswered(audit.NewID(), start, b.asked, r, audit.Expired))
		}, start, []string{"result_twice[3 2]"}},
		"a result of nothing": {func(b *book) {
			b.policy()
			b.add(audit.NewUnanswered(audit.NewID(), start, b.asked, 0, audit.NoAnswer))
		}, start, []string{"ref_invalid[1]"}},
		"a result of the future": {func(b *book) {
			b.policy()
			b.add(audit.NewUnanswered(audit.NewID(), start, b.asked, 9, audit.NoAnswer))
		}, start, []string{"ref_invalid[1]"}},
		"withdrawn and kept": {func(b *book) {
			b.policy()
			b.add(audit.NewWithdrawal(audit.NewID(), start, b.answer(start)))
		}, start.Add(2 * time.Hour), []string{"erasure_missing[3]"}},
		"erased after a day": {func(b *book) {
			b.policy()
			w := b.add(audit.NewWithdrawal(audit.NewID(), start, b.answer(start)))
			b.add(audit.NewErasure(audit.NewID(), start.Add(24*time.Hour), w))
		}, start, []string{"erasure_late[3 4]"}},
		"withdrawal of a request": {func(b *book) {
			b.policy()
			b.add(audit.NewWithdrawal(audit.NewID(), start, b.request(start)))
		}, start, []string{"ref_invalid[2]"}},
		"kept beyond the deadline": {func(b *book) { b.policy(); b.answer(start) }, long, []string{"retention_missing[2]"}},
		"deleted late": {func(b *book) {
			b.policy()
			b.add(audit.NewRetention(audit.NewID(), long, b.answer(start)))
		}, long, []string{"retention_late[2 3]"}},
		"weakened": {func(b *book) {
			b.add(audit.NewConfig(audit.NewID(), start, []string{"InsecureLoopback"}))
		}, start, []string{"weakening_on[0]"}},
		"weakened and mended": {func(b *book) {
			b.add(audit.NewConfig(audit.NewID(), start, []string{"InsecureLoopback"}))
			b.add(audit.NewConfig(audit.NewID(), start, nil))
		}, start, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBook(t)
			tt.write(b)
			b.t = t
			b.wantFindings(tt.now, tt.want...)
		})
	}
}

func TestManyRejected(t *testing.T) {
	b := newBook(t)
	b.policy()
	for range 5 {
		b.add(audit.NewRejected(audit.NewID(), start, b.asked, b.request(start), "key_binding"))
	}
	f := b.ledger.Figures(start)
	if len(f.Findings) != 1 || f.Findings[0].Code != RejectedMany || f.Findings[0].Name != "2026-W45" || f.Findings[0].Breach() {
		t.Fatalf("findings %+v", f.Findings)
	}
}

func TestDuplicatesCountOnce(t *testing.T) {
	b := newBook(t)
	b.policy()
	e := audit.NewRequest(audit.NewID(), start, b.asked)
	b.add(e)
	b.add(e)
	if f := b.wantFindings(start); f.Total.Requests != 1 || f.Duplicates != 1 {
		t.Fatalf("%+v", f)
	}
}

func TestReconcile(t *testing.T) {
	b := newBook(t)
	logged := audit.NewRequest(audit.NewID(), start, b.asked)
	other := audit.NewRequest(audit.NewID(), start, b.asked)
	b.add(logged)
	b.add(other)
	lost := audit.NewID()
	r := b.ledger.Reconcile([]audit.ID{logged.ID, lost, lost})
	if r.Matched != 1 || !slices.Equal(r.Missing, []audit.ID{lost}) || !slices.Equal(r.Extra, []audit.ID{other.ID}) {
		t.Fatalf("%+v", r)
	}
}
