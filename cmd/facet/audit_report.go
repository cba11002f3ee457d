package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"facet/audit"
	"facet/audit/report"
)

func auditReport(ctx context.Context, env *environ, a *auditArgs) error {
	r, err := verified(ctx, env, a)
	if err != nil {
		return err
	}
	f := r.ledger.Figures(asOf(r.report.Checkpoint))
	if a.json {
		err = printJSON(env, f)
	} else {
		printFigures(env, r.report.Checkpoint, f)
	}
	for _, found := range f.Findings {
		if found.Breach() {
			return errors.Join(err, r.save(a.state), &exitError{code: 1})
		}
	}
	return errors.Join(err, r.save(a.state))
}

// verified is auditLog for callers that have no use for a log that is not intact.
func verified(ctx context.Context, env *environ, a *auditArgs) (*audited, error) {
	r, err := auditLog(ctx, env, a)
	if err == nil {
		err = r.report.Err()
	}
	if err != nil {
		return nil, reasoned(err)
	}
	return r, nil
}

func printFigures(env *environ, c *audit.Checkpoint, f *report.Figures) {
	fmt.Fprintf(env.stdout, "%s, %s, %s to %s\n", c.Origin(), plural(f.Entries, "entry", "entries"), f.From, f.To)
	t := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\npurpose\trequests\tanswered\tno answer\texpired\trejected\topen\tdue\tlate\n")
	line := func(name string, o report.Outcomes, due, late uint64) {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n",
			name, o.Requests, o.Answered, o.NoAnswer, o.Expired, o.Rejected, o.Open, due, late)
	}
	var due, late uint64
	for _, p := range f.Purposes {
		line(p.Purpose, p.Outcomes, p.Due, p.Late)
		due, late = due+p.Due, late+p.Late
	}
	line("all", f.Total, due, late)
	fmt.Fprintf(t, "\nweek\trequests\tanswered\tno answer\texpired\trejected\topen\n")
	for _, w := range f.Weeks {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\n", w.Week, w.Requests, w.Answered, w.NoAnswer, w.Expired, w.Rejected, w.Open)
	}
	fmt.Fprintf(t, "\nclaim asked for\tpurpose\trequests\n")
	for _, p := range f.Purposes {
		for _, claim := range p.Claims {
			fmt.Fprintf(t, "%s\t%s\t%d\n", claim.Path, p.Purpose, claim.Asked)
		}
	}
	t.Flush()
	w := f.Withdrawals
	fmt.Fprintf(env.stdout, "\nwithdrawals %d: erased in the same hour %d, in the next %d, later %d, not yet %d\n",
		w.Total, w.SameHour, w.NextHour, w.Later, w.Open)
	for _, w := range f.Weakenings {
		fmt.Fprintf(env.stdout, "weakening %s from %s (entry %d) to %s\n", w.Name, w.From, w.Index, strings.TrimSpace(string(w.To)+" "+stillOn(w)))
	}
	if len(f.Findings) == 0 {
		fmt.Fprintln(env.stdout, "\nNo findings: every request follows from a published policy, every promise due was kept.")
		return
	}
	fmt.Fprintln(env.stdout, "\nfindings")
	for i, found := range f.Findings {
		fmt.Fprintf(env.stdout, "%3d  %s %s entries %v\n", i+1, found.Code, found.Name, found.Entries)
	}
}

func stillOn(w report.Weakening) string {
	if w.To == "" {
		return "now"
	}
	return ""
}

// auditBundle copies a log that verified, so that it can be checked again
// without a network.
func auditBundle(ctx context.Context, env *environ, a *auditArgs) error {
	if len(a.rest) != 1 {
		return fmt.Errorf("%w: name the folder to write", errUsage)
	}
	if err := os.Mkdir(a.rest[0], 0o755); err != nil {
		return err
	}
	src, err := openSource(a.log)
	if err != nil {
		return err
	}
	copying := &copyingSource{src, a.rest[0]}
	r, err := auditFrom(ctx, env, a, copying)
	if err == nil {
		err = r.report.Err()
	}
	if err != nil {
		return reasoned(err)
	}
	if r.key != "" {
		if err := os.WriteFile(filepath.Join(a.rest[0], audit.KeyPath), []byte(r.key+"\n"), 0o644); err != nil {
			return err
		}
	}
	fmt.Fprintf(env.stdout, "ok    %s in %s\n      check it with: facet audit verify %s\n",
		plural(r.report.Checkpoint.Size(), "entry", "entries"), a.rest[0], a.rest[0])
	return r.save(a.state)
}

// A copyingSource keeps what is read: verifying reads everything once.
type copyingSource struct {
	audit.Source
	dir string
}

func (s *copyingSource) Read(ctx context.Context, path string) ([]byte, error) {
	b, err := s.Source.Read(ctx, path)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(s.dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	return b, os.WriteFile(file, b, 0o644)
}

// auditReconcile looks up receipts, or the entry ids somebody kept.
func auditReconcile(ctx context.Context, env *environ, a *auditArgs) error {
	if len(a.rest) == 0 {
		return fmt.Errorf("%w: name a receipt, or a file of entry ids", errUsage)
	}
	r, err := verified(ctx, env, a)
	if err != nil {
		return err
	}
	var ids []audit.ID
	for _, file := range a.rest {
		found, err := keptIDs(r.monitor.Trust, file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, reasoned(err))
		}
		ids = append(ids, found...)
	}
	out := r.ledger.Reconcile(ids)
	fmt.Fprintf(env.stdout, "in the log: %d of %d\n", out.Matched, int(out.Matched)+len(out.Missing))
	for _, id := range out.Missing {
		fmt.Fprintf(env.stdout, "MISSING %s\n", id)
	}
	if a.complete {
		for _, id := range out.Extra {
			fmt.Fprintf(env.stdout, "EXTRA   %s\n", id)
		}
	}
	if len(out.Missing) > 0 || a.complete && len(out.Extra) > 0 {
		return errors.Join(r.save(a.state), &exitError{code: 1})
	}
	return r.save(a.state)
}

// keptIDs reads a receipt, which is verified, or a list of ids.
func keptIDs(t *audit.Trust, file string) ([]audit.ID, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		receipt, err := t.VerifyReceipt(b)
		if err != nil {
			return nil, err
		}
		return []audit.ID{receipt.Entry().Common().ID}, nil
	}
	var ids []audit.ID
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		if id := strings.TrimSpace(lines.Text()); id != "" {
			ids = append(ids, audit.ID(id))
		}
	}
	return ids, errors.Join(lines.Err(), emptyList(ids))
}

func emptyList(ids []audit.ID) error {
	if len(ids) == 0 {
		return fs.ErrNotExist
	}
	return nil
}
