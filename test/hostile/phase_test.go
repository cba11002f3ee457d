package hostile

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A phase is what was measured while good exchanges were made, over several
// stretches of time.
type phase struct {
	took   []time.Duration // sorted
	worst  []time.Duration // the 99th percentile of each stretch, sorted
	cpu    time.Duration   // of this process, clients and all
	others time.Duration   // of everybody else on the machine
	lasted time.Duration
}

// add measures one more stretch.
func (p *phase) add(work func() []time.Duration) {
	own, all, start := ownTime(), machineTime(), time.Now()
	took := work()
	slices.Sort(took)
	p.worst = append(p.worst, percentile(took, 99))
	slices.Sort(p.worst)
	p.took = append(p.took, took...)
	slices.Sort(p.took)
	own, all = ownTime()-own, machineTime()-all
	p.cpu += own
	p.others += max(0, all-own)
	p.lasted += time.Since(start)
}

// p is a percentile.
func (p *phase) p(percent int) time.Duration { return percentile(p.took, percent) }

// typical is the median of the stretches' 99th percentiles: what something else
// on the machine did to one or two of them is not in it.
func (p *phase) typical() time.Duration { return percentile(p.worst, 50) }

func percentile(sorted []time.Duration, percent int) time.Duration {
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)].Round(10 * time.Microsecond)
}

// String says how long exchanges took, and how busy the machine was.
func (p *phase) String() string {
	share := func(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(p.lasted)) }
	return fmt.Sprintf("p50 %v, p90 %v, p99 %v (median of %d stretches: %v); processors busy: %s with this, %s with others", p.p(50), p.p(90), p.p(99), len(p.worst), p.typical(), share(p.cpu), share(p.others))
}

// ownTime is the processor time this process has used.
func ownTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// machineTime is the processor time everybody has used, in ticks of 10 ms;
// nothing where /proc is not.
func machineTime() (sum time.Duration) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(line) {
		if n, err := strconv.ParseInt(field, 10, 64); err == nil && i != 4 && i != 5 && i <= 8 { // neither idle nor waiting for a disk
			sum += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return sum
}
