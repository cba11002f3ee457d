// Command bench measures the house against the cryptography it cannot do
// without: one line per work, CPU per operation including garbage collection,
// the floor of the same run, the ratio, the budget, and ok or OVER.
//
// All works of a run are interleaved, so that a slow minute of the machine
// falls on all of them; only the ratios are worth quoting. It asserts nothing:
// budgets are for people (docs/architecture.md §7).
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"facet/verifier/server"
)

// A work is one thing to measure.
type work struct {
	name   string
	floor  string                // the name of the work it is compared with; empty for a floor itself
	times  float64               // how many floors it may not do without (two verifies: 2)
	budget float64               // the most its ratio may be; 0 for none
	before func(n int) error     // makes what n runs use up; not measured
	run    func() error          // one operation
	check  func() (string, bool) // instead of run: a figure of its own
}

// A figure is what a work cost: CPU per operation, one value per round.
type figure struct{ rounds []time.Duration }

func (f figure) median() time.Duration {
	s := slices.Sorted(slices.Values(f.rounds))
	return s[len(s)/2]
}

func main() {
	rounds := flag.Int("rounds", 15, "rounds in which every work has its turn")
	slice := flag.Duration("slice", 60*time.Millisecond, "CPU time of one turn")
	only := flag.String("only", "", "measure only works whose name contains this (floors always)")
	flag.Parse()
	server.PaceGC() // as facet verifier serve does
	works, err := allWorks()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	works = slices.DeleteFunc(works, func(w work) bool { return (w.floor != "" || w.check != nil) && !strings.Contains(w.name, *only) })
	figures, err := measure(works, *rounds, *slice)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	print(works, figures)
}

// measure gives every work a turn in every round.
func measure(works []work, rounds int, slice time.Duration) (map[string]figure, error) {
	n, figures := map[string]int{}, map[string]figure{}
	for r := range rounds + 1 { // the first round sets the counts and warms up
		for _, w := range works {
			if w.run == nil {
				continue
			}
			cost, err := turn(w, max(1, n[w.name]))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", w.name, err)
			}
			if r == 0 {
				n[w.name] = max(1, int(slice/max(cost, time.Microsecond)))
				continue
			}
			f := figures[w.name]
			f.rounds = append(f.rounds, cost)
			figures[w.name] = f
		}
	}
	return figures, nil
}

// turn runs a work n times and returns its CPU time per operation, with the
// garbage it made collected inside the turn.
func turn(w work, n int) (time.Duration, error) {
	if w.before != nil {
		if err := w.before(n); err != nil {
			return 0, err
		}
	}
	runtime.GC()
	before := cpu()
	for range n {
		if err := w.run(); err != nil {
			return 0, err
		}
	}
	return (cpu() - before) / time.Duration(n), nil
}

// cpu is the user and system time this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // RUSAGE_SELF with a valid pointer cannot fail
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func print(works []work, figures map[string]figure) {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "work\tCPU/op\tfloor\tratio\tbudget\t")
	for _, w := range works {
		if w.check != nil {
			figure, ok := w.check()
			fmt.Fprintf(t, "%s\t%s\t\t\t\t%s\n", w.name, figure, verdict(ok))
			continue
		}
		cost := figures[w.name].median()
		if w.floor == "" {
			fmt.Fprintf(t, "%s\t%v\t\t\t\tfloor\n", w.name, cost)
			continue
		}
		floor := time.Duration(float64(figures[w.floor].median()) * w.times)
		ratio := float64(cost) / float64(floor)
		if w.budget == 0 {
			fmt.Fprintf(t, "%s\t%v\t%v\t%.2f\t\tbeside\n", w.name, cost, floor, ratio)
			continue
		}
		fmt.Fprintf(t, "%s\t%v\t%v\t%.2f\t≤ %.2f\t%s\n", w.name, cost, floor, ratio, w.budget, verdict(ratio <= w.budget))
	}
	t.Flush()
}

func verdict(ok bool) string {
	if ok {
		return "ok"
	}
	return "OVER"
}
