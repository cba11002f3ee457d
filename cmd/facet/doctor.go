package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

var doctorCommand = command{
	name:  "doctor",
	args:  "--config FILE [--json]",
	short: "look at a verifier's configuration and surroundings, and say how to mend them",
	long: `
facet doctor looks at everything ` + "`facet verifier serve --config FILE`" + ` needs: the configuration
itself, keys and their chains, this machine's clock, DNS, TLS, CORS, the presentation log
and the store. It changes nothing and may run beside the verifier; what only a running one
can show is left out with a warning when nobody answers. With admin_addr it also reads the
node's own figures: who sweeps, whether webhooks leave, who was refused.

  --config FILE   the verifier's configuration
  --json          findings as JSON

Exit code 1 says that something keeps the verifier from working.`,
	run: runDoctor,
}

// How serious a finding is.
const (
	levelOK      = "ok"
	levelWarning = "warning"
	levelProblem = "problem"
)

// A finding is one thing that was looked at.
type finding struct {
	Area  string `json:"area"`
	Level string `json:"level"`
	What  string `json:"what"`
	Mend  string `json:"mend,omitempty"` // what to do about it
}

func fine(area, what string) finding       { return finding{area, levelOK, what, ""} }
func bad(area, what, mend string) finding  { return finding{area, levelProblem, what, mend} }
func warn(area, what, mend string) finding { return finding{area, levelWarning, what, mend} }

func runDoctor(ctx context.Context, env *environ, args []string) error {
	f := flag.NewFlagSet("doctor", flag.ContinueOnError)
	f.SetOutput(new(strings.Builder))
	file := f.String("config", "", "")
	asJSON := f.Bool("json", false, "")
	if err := f.Parse(args); err != nil || f.NArg() > 0 || *file == "" {
		return fmt.Errorf("%w: doctor needs --config", errUsage)
	}
	found := examine(ctx, *file, time.Now)
	problems := 0
	for _, f := range found {
		if f.Level == levelProblem {
			problems++
		}
	}
	if *asJSON {
		e := json.NewEncoder(env.stdout)
		e.SetIndent("", "  ")
		if err := e.Encode(map[string]any{"ok": problems == 0, "findings": found}); err != nil {
			return err
		}
	} else {
		printFindings(env.stdout, found)
	}
	if problems > 0 {
		return &exitError{code: 1}
	}
	return nil
}

func printFindings(w io.Writer, found []finding) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range found {
		fmt.Fprintf(t, "%s\t%s\t%s\n", f.Level, f.Area, f.What)
		if f.Mend != "" {
			fmt.Fprintf(t, "\t\t-> %s\n", f.Mend)
		}
	}
	t.Flush()
}

// examine looks at everything, in the order in which one would mend it.
func examine(ctx context.Context, file string, now func() time.Time) []finding {
	c, found := readVerifierConfig(file)
	s, more := c.resolve(now())
	found = append(found, more...)
	if c.unread {
		return found
	}
	if len(found) == 0 {
		found = append(found, fine("config", file+" is complete"))
	}
	d := &doctor{c: c, s: s, now: now, client: newLocalClient(c.InsecureLoopback)}
	for _, look := range []func(context.Context) []finding{d.keys, d.dns, d.clock, d.store, d.log, d.site, d.worker} {
		found = append(found, look(ctx)...)
	}
	return found
}
