package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const budgetApprove = 8 * time.Millisecond

// approveWorks run wallet's own benchmark of what happens between the holder's
// tap and the answer's leaving, for one issued and one minted credential:
// natively, and as WebAssembly in V8 if Node is there (test/e2e does the same
// in a browser).
func approveWorks() ([]work, error) {
	return []work{
		{name: "approve, native", check: func() (string, bool) { return approve(nil) }},
		{name: "approve, WebAssembly", check: func() (string, bool) {
			if _, err := exec.LookPath("node"); err != nil {
				return "no Node here; test/e2e measures it in Chromium", true
			}
			root, err := exec.Command("go", "env", "GOROOT").Output()
			if err != nil {
				return err.Error(), false
			}
			return approve([]string{"-exec=" + filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "go_js_wasm_exec")}, "GOOS=js", "GOARCH=wasm")
		}},
	}, nil
}

var nsPerOp = regexp.MustCompile(`BenchmarkApprove\S*\s+\d+\s+(\d+) ns/op`)

// approve reports the fastest of five runs: the first warm the compiler up, and
// this is wall time on a machine that may be busy.
func approve(args []string, env ...string) (string, bool) {
	cmd := exec.Command("go", slices.Concat([]string{"test", "-run=^$", "-bench=^BenchmarkApprove$", "-benchtime=50x", "-count=5"}, args, []string{"facet/wallet"})...)
	cmd.Env = append(os.Environ(), env...)
	said, err := cmd.CombinedOutput()
	var runs []time.Duration
	for _, m := range nsPerOp.FindAllSubmatch(said, -1) {
		ns, _ := strconv.Atoi(string(m[1]))
		runs = append(runs, time.Duration(ns))
	}
	if err == nil && len(runs) == 0 {
		err = errors.New("the benchmark said nothing")
	}
	if err != nil {
		return fmt.Sprintf("%v: %.200s", err, said), false
	}
	best := slices.Min(runs)
	return fmt.Sprintf("%v (≤ %v)", best.Round(10*time.Microsecond), budgetApprove), best <= budgetApprove
}
