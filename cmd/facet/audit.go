package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"facet/audit"
	"facet/audit/report"
)

var auditCommand = command{
	name:  "audit",
	args:  "verify|report|bundle|reconcile …",
	short: "check a presentation log without trusting its operator",
	long: `
facet audit verify    URL|FOLDER   recompute the whole log; exit 1 names the bad entry
facet audit report    URL|FOLDER   figures and findings, policies compiled again
facet audit bundle    URL FOLDER   copy a verified log for offline use
facet audit reconcile URL|FOLDER FILE…   look receipts, or entry ids (one a line), up in the log

  --key VKEY       the log's verifier key, from somewhere else than the log
  --trust FILE     a C2SP tlog-policy file instead: logs, witnesses and a quorum
  --state FILE     remember the last checkpoint, and hold the log to it next time
  --interval 1m    how often the log promises to sign again (online only)
  --json           figures as JSON (report)
  --complete       the ids are all there should be: report extra entries (reconcile)

URL is the log's prefix, such as https://verifier.example/log. Without --key, the key in
the state file is used, or the one the log names itself, which proves less: it is said.`,
	run: runAudit,
}

func runAudit(ctx context.Context, env *environ, args []string) error {
	acts := map[string]func(context.Context, *environ, *auditArgs) error{
		"verify": auditVerify, "report": auditReport, "bundle": auditBundle, "reconcile": auditReconcile,
	}
	if len(args) == 0 || acts[args[0]] == nil {
		return fmt.Errorf("%w: say verify, report, bundle or reconcile", errUsage)
	}
	a, err := parseAuditArgs(args[1:])
	if err != nil {
		return err
	}
	return acts[args[0]](ctx, env, a)
}

// auditArgs are the words of one call.
type auditArgs struct {
	key, trust, state string
	interval          time.Duration
	json, complete    bool
	log               string
	rest              []string
}

// parseAuditArgs takes flags before, between and after the other words.
func parseAuditArgs(args []string) (*auditArgs, error) {
	a := &auditArgs{}
	f := flag.NewFlagSet("audit", flag.ContinueOnError)
	f.SetOutput(new(strings.Builder))
	f.StringVar(&a.key, "key", "", "")
	f.StringVar(&a.trust, "trust", "", "")
	f.StringVar(&a.state, "state", "", "")
	f.DurationVar(&a.interval, "interval", time.Minute, "")
	f.BoolVar(&a.json, "json", false, "")
	f.BoolVar(&a.complete, "complete", false, "")
	for len(args) > 0 {
		if err := f.Parse(args); err != nil {
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		if args = f.Args(); len(args) > 0 {
			a.rest, args = append(a.rest, args[0]), args[1:]
		}
	}
	if len(a.rest) == 0 {
		return nil, fmt.Errorf("%w: name the log, a URL or a folder", errUsage)
	}
	a.log, a.rest = a.rest[0], a.rest[1:]
	return a, nil
}

// An audited log is one that was recomputed.
type audited struct {
	source  audit.Source
	monitor *audit.Monitor
	report  *audit.Report
	ledger  *report.Ledger
	key     string
	ownKey  bool // the key was the log's own word
}

// auditLog opens, observes and recomputes the log, and says what it found.
func auditLog(ctx context.Context, env *environ, a *auditArgs) (*audited, error) {
	src, err := openSource(a.log)
	if err != nil {
		return nil, err
	}
	return auditFrom(ctx, env, a, src)
}

func auditFrom(ctx context.Context, env *environ, a *auditArgs, src audit.Source) (*audited, error) {
	r := &audited{source: src, ledger: &report.Ledger{}}
	state, err := readState(a.state)
	if err != nil {
		return nil, err
	}
	if err := r.trust(ctx, a, state); err != nil {
		return nil, err
	}
	if isURL(a.log) { // a folder may be as old as it likes
		r.monitor.MaxAge = 2 * a.interval
	}
	if state != nil {
		if err := r.monitor.Restore(state); err != nil {
			return nil, err
		}
	}
	msg, err := src.Read(ctx, audit.CheckpointPath)
	if err != nil {
		return nil, fmt.Errorf("reading the checkpoint: %w", err)
	}
	c, err := r.monitor.Observe(ctx, src, msg, time.Now())
	if err != nil {
		return nil, r.accuse(env, a, msg, err)
	}
	r.report, err = audit.Verify(ctx, src, c, r.ledger.Add)
	return r, err
}

// trust settles which key to believe.
func (r *audited) trust(ctx context.Context, a *auditArgs, state []byte) error {
	if a.trust != "" {
		text, err := os.ReadFile(a.trust)
		if err != nil {
			return err
		}
		t, err := audit.ParseTrust(string(text))
		r.monitor = &audit.Monitor{Trust: t}
		return err
	}
	r.key = a.key
	if r.key == "" && state != nil {
		key, err := audit.StateKey(state)
		if err != nil {
			return err
		}
		r.key = key
	}
	if r.key == "" {
		b, err := r.source.Read(ctx, audit.KeyPath)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("there is no log in %s, or one that does not name its key; then give it with --key", a.log)
		case err != nil:
			return fmt.Errorf("reading the log in %s: %w", a.log, err)
		}
		r.key, r.ownKey = strings.TrimSpace(string(b)), true
	}
	t, err := audit.TrustLog(r.key, "")
	r.monitor = &audit.Monitor{Trust: t, Key: r.key}
	return err
}

// accuse keeps the proof if the log contradicted itself, beside the state file.
func (r *audited) accuse(env *environ, a *auditArgs, msg []byte, cause error) error {
	var e *audit.Error
	if !errors.As(cause, &e) || e.Reason() != audit.ReasonSplitView {
		return cause
	}
	proof, err := r.monitor.Misbehaviour(msg)
	if err != nil {
		return errors.Join(cause, err)
	}
	file := a.state + ".misbehaviour"
	if err := os.WriteFile(file, proof, 0o644); err != nil {
		return errors.Join(cause, err)
	}
	fmt.Fprintf(env.stderr, "The log signed two different trees. The proof is in %s: keep it, show it.\n", file)
	return cause
}

func readState(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

func (r *audited) save(file string) error {
	if file == "" {
		return nil
	}
	b, err := r.monitor.Save()
	if err != nil {
		return err
	}
	tmp := file + ".new"
	if err := os.WriteFile(tmp, append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, file)
}

func auditVerify(ctx context.Context, env *environ, a *auditArgs) error {
	if len(a.rest) > 0 {
		return fmt.Errorf("%w: one log at a time", errUsage)
	}
	r, err := auditLog(ctx, env, a)
	if err != nil {
		return reasoned(err)
	}
	for _, f := range r.report.Findings {
		fmt.Fprintf(env.stdout, "BAD   %s  [%s]\n", strings.TrimPrefix(f.Error(), "audit: "), f.Reason())
	}
	if !r.report.OK() {
		fmt.Fprintln(env.stdout, "\nThe log is not what was signed. Do not rely on it.")
		return &exitError{code: 1}
	}
	r.summary(env)
	return r.save(a.state)
}

// shownWarnings is how many warnings the summary spells out.
const shownWarnings = 5

func (r *audited) summary(env *environ) {
	c, figures := r.report.Checkpoint, r.ledger.Figures(asOf(r.report.Checkpoint))
	fmt.Fprintf(env.stdout, "ok    %s is complete and consistent: %s\n", c.Origin(), plural(c.Size(), "entry", "entries"))
	fmt.Fprintf(env.stdout, "      root %s\n", c.Root())
	if at := c.Signed(); !at.IsZero() {
		fmt.Fprintf(env.stdout, "      signed %s", at.Format(time.RFC3339))
		if n := len(c.Witnesses()); n > 0 {
			fmt.Fprintf(env.stdout, ", witnessed by %s", strings.Join(c.Witnesses(), ", "))
		}
		fmt.Fprintln(env.stdout)
	}
	fmt.Fprintf(env.stdout, "      %s from %s to %s\n", plural(figures.Total.Requests, "request", "requests"), figures.From, figures.To)
	for i, w := range r.report.Warnings {
		if i == shownWarnings {
			fmt.Fprintf(env.stdout, "note  … and %d more like it\n", len(r.report.Warnings)-i)
			break
		}
		fmt.Fprintf(env.stdout, "note  entry %d: the clock was set back before it  [%s]\n", w.Index, w.Code)
	}
	if n := len(figures.Findings); n > 0 {
		fmt.Fprintf(env.stdout, "note  %s about what was promised: see `facet audit report`\n", plural(uint64(n), "finding", "findings"))
	}
	if r.ownKey {
		fmt.Fprintf(env.stdout, "note  the key is the log's own word. Compare it with one from elsewhere, then use\n      --key '%s'\n", r.key)
	}
}

// asOf is the time figures are computed for: when the log was last signed.
func asOf(c *audit.Checkpoint) time.Time {
	if at := c.Signed(); !at.IsZero() {
		return at
	}
	return time.Now()
}

func plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// reasoned adds the stable code to an error for the terminal.
func reasoned(err error) error {
	var r interface{ Reason() string }
	if errors.As(err, &r) {
		return fmt.Errorf("%w  [%s]", err, r.Reason())
	}
	return err
}

func printJSON(env *environ, v any) error {
	e := json.NewEncoder(env.stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
