package server

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"facet/audit"
)

var errNoEntry = errors.New("the log has no such entry")

// A consoleQuery selects rows; zero fields select all.
type consoleQuery struct {
	kind    audit.Kind
	purpose string
	outcome audit.Outcome
	policy  string
	since   audit.Hour
	week    string
	about   []uint64 // only these
	before  uint64   // rows below this index; 0 = from the newest
	limit   int
}

// parseConsoleQuery reads a query string; an unknown parameter is refused, so
// that a filter never silently shows everything.
func parseConsoleQuery(v url.Values) (q consoleQuery, err error) {
	q.limit = 50
	for name, values := range v {
		value := values[0]
		switch name {
		case "kind":
			q.kind = audit.Kind(value)
		case "purpose":
			q.purpose = value
		case "outcome":
			q.outcome = audit.Outcome(value)
		case "policy":
			q.policy = value
		case "week":
			q.week = value
		case "since":
			if q.since = audit.Hour(value); q.since.Time().IsZero() {
				err = errConsoleQuery
			}
		case "before":
			if q.before, err = strconv.ParseUint(value, 10, 53); err != nil {
				err = errConsoleQuery
			}
		case "limit":
			if q.limit, err = strconv.Atoi(value); err != nil || q.limit < 1 || q.limit > MaxConsoleRows {
				err = errConsoleQuery
			}
		case "about":
			q.about, err = parseIndices(value)
		default:
			err = errConsoleQuery
		}
		if err != nil || len(values) != 1 {
			return q, errConsoleQuery
		}
	}
	return q, nil
}

func parseIndices(list string) ([]uint64, error) {
	var out []uint64
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.ParseUint(s, 10, 53)
		if err != nil || len(out) == MaxConsoleRows {
			return nil, errConsoleQuery
		}
		out = append(out, n)
	}
	return out, nil
}

func (q *consoleQuery) takes(r *consoleRow) bool {
	return (q.kind == "" || q.kind == r.Kind) && (q.purpose == "" || q.purpose == r.Purpose) &&
		(q.outcome == "" || q.outcome == r.Outcome) && (q.policy == "" || q.policy == r.policy) &&
		r.Hour >= q.since && (q.week == "" || q.week == weekOfHour(r.Hour)) &&
		(q.about == nil || slices.Contains(q.about, r.Index))
}

func weekOfHour(h audit.Hour) string {
	y, w := h.Time().ISOWeek()
	week := strconv.Itoa(w)
	if w < 10 {
		week = "0" + week
	}
	return strconv.Itoa(y) + "-W" + week
}

type consoleList struct {
	Total uint64       `json:"total"` // rows that fit, on all pages
	Rows  []consoleRow `json:"rows"`
	Next  *uint64      `json:"next,omitempty"` // "before" of the next page
}

// list returns one page, newest first.
func (s *consoleSnapshot) list(q consoleQuery) consoleList {
	out := consoleList{Rows: []consoleRow{}}
	for i := len(s.rows) - 1; i >= 0; i-- {
		r := &s.rows[i]
		if !q.takes(r) {
			continue
		}
		out.Total++
		switch {
		case q.before > 0 && r.Index >= q.before:
		case len(out.Rows) < q.limit:
			out.Rows = append(out.Rows, *r)
		case out.Next == nil:
			out.Next = &out.Rows[len(out.Rows)-1].Index
		}
	}
	return out
}

type consoleEntry struct {
	Index  uint64       `json:"index"`
	Leaf   string       `json:"leaf"`             // base64url: what is hashed
	Proof  string       `json:"proof"`            // C2SP tlog-proof, to the state's tree
	VKey   string       `json:"vkey"`             //
	Chain  []consoleRow `json:"chain"`            // what belongs to it, itself included
	Policy *uint64      `json:"policy,omitempty"` // entry that published its policy
}

func (b *consoleBook) entry(ctx context.Context, s *consoleSnapshot, n uint64) (*consoleEntry, error) {
	if n >= s.checkpoint.Size() {
		return nil, errNoEntry
	}
	leaves, err := audit.ReadEntries(ctx, b.cfg.Source, s.checkpoint.Size(), n, 1)
	if err != nil {
		return nil, err
	}
	proof, err := audit.Prove(ctx, b.cfg.Source, s.checkpoint, n)
	if err != nil {
		return nil, err
	}
	view := &consoleEntry{
		Index: n, Leaf: base64.RawURLEncoding.EncodeToString(leaves[0]), Proof: string(proof), VKey: b.cfg.VKey,
		Chain: s.chain(n),
	}
	if row := s.row(n); row != nil && row.policy != "" {
		for _, p := range s.policies {
			if p.Policy.SHA256 == row.policy && p.Platform == row.Platform {
				view.Policy = &p.Index
			}
		}
	}
	return view, nil
}

// chain returns the entries from the request on that belong together.
func (s *consoleSnapshot) chain(n uint64) []consoleRow {
	first := n
	for steps := 0; steps < 4; steps++ { // erasure -> withdrawal -> result -> request
		if r := s.row(first); r != nil && r.Ref != nil && *r.Ref < first {
			first = *r.Ref
		}
	}
	out := []consoleRow{}
	for queue := []uint64{first}; len(queue) > 0 && len(out) < 16; queue = queue[1:] {
		if r := s.row(queue[0]); r != nil {
			out = append(out, *r)
		}
		queue = append(queue, s.follow[queue[0]]...)
	}
	slices.SortFunc(out, func(a, b consoleRow) int { return int(int64(a.Index) - int64(b.Index)) })
	return out
}
