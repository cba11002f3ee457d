package main

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"facet/audit"
	"facet/credentials/dcql"
	"facet/credentials/jose"
	"facet/credentials/sdjwt"
	"facet/credentials/statuslist"
	"facet/web"
)

const (
	boundSize  = 256 << 10
	boundTime  = 50 * time.Millisecond
	boundAlloc = 16 << 20
)

// boundWorks give every parser the worst of 256 KiB we know and look at time
// and memory.
func boundWorks() ([]work, error) {
	parsers := map[string]func(string) error{
		"jose.Parse":      func(s string) error { _, err := jose.Parse(s, jose.Rule{}); return err },
		"jose.ParseValue": func(s string) error { _, err := jose.ParseValue([]byte(s), jose.Limits{}); return err },
		"sdjwt.Parse":     func(s string) error { _, err := sdjwt.Parse(s); return err },
		"sdjwt.ParseJSON": func(s string) error { _, err := sdjwt.ParseJSON([]byte(s)); return err },
		"dcql.Parse":      func(s string) error { _, err := dcql.Parse([]byte(s)); return err },
		"audit.Parse":     func(s string) error { _, err := audit.Parse([]byte(s)); return err },
	}
	inputs := worstInputs()
	var works []work
	for _, name := range slices.Sorted(maps.Keys(parsers)) {
		parse := parsers[name]
		works = append(works, work{name: name + ", any 256 KiB", check: func() (string, bool) {
			var slowest time.Duration
			var most uint64
			for _, in := range inputs {
				took, bytes := cost(func() { parse(in) }) // an error is the expected answer
				slowest, most = max(slowest, took), max(most, bytes)
			}
			return fmt.Sprintf("%v, %.1f MiB", slowest.Round(10*time.Microsecond), float64(most)/(1<<20)), slowest <= boundTime && most <= boundAlloc
		}})
	}
	return works, nil
}

// worstInputs are 256 KiB of what costs parsers most: depth, many members,
// many parts, long strings, escapes, numbers.
func worstInputs() []string {
	fill := func(unit string) string { return strings.Repeat(unit, boundSize/len(unit)) }
	members := make([]string, 0, boundSize/13)
	for i := range boundSize / 13 {
		members = append(members, fmt.Sprintf(`"m%06d":1`, i))
	}
	return []string{
		fill("["), fill(`{"a":`), "{" + strings.Join(members, ",") + "}",
		"[" + fill("1,") + "1]", `"` + fill(`\u0041`) + `"`, "[" + fill("9") + "]",
		fill("~"), fill("eyJ~"), "eyJhbGciOiJFUzI1NiJ9.e30.AA~" + fill("WyJhIiwiYiIsMV0~"), fill("A") + ".e30.AA", fill("A."),
	}
}

// cost is the wall time and the bytes allocated by one call.
func cost(f func()) (time.Duration, uint64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	f()
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	return took, after.TotalAlloc - before.TotalAlloc
}

// statusWorks look up and decode a list of 2^20 entries.
func statusWorks() ([]work, error) {
	list, err := statuslist.New(1, 1<<20)
	if err != nil {
		return nil, err
	}
	for i := uint64(0); i < list.Len(); i += 97 {
		if err := list.Set(i, statuslist.Invalid); err != nil {
			return nil, err
		}
	}
	encoded, err := list.Encode()
	if err != nil {
		return nil, err
	}
	return []work{
		{name: "status lookup in a decoded list", check: func() (string, bool) {
			const n = 1 << 22
			start, sum := cpu(), 0
			for i := range uint64(n) {
				s, err := list.Get(i & (1<<20 - 1))
				if err != nil {
					return err.Error(), false
				}
				sum += int(s)
			}
			per := float64(cpu()-start) / n
			return fmt.Sprintf("%.1f ns (≤ 50)", per), per <= 50 && sum > 0
		}},
		{name: "status list of 2^20 entries, decode", check: func() (string, bool) {
			took, _ := cost(func() { _, err = statuslist.Decode(encoded) })
			return fmt.Sprintf("%v (≤ 5ms)", took.Round(10*time.Microsecond)), err == nil && took <= 5*time.Millisecond
		}},
	}, nil
}

// wasmWorks weigh the engine as it is served.
func wasmWorks() ([]work, error) {
	return []work{{name: "wallet engine (WASM), brotli", check: func() (string, bool) {
		const budget = 2_200_000
		b, err := web.Built()
		if err != nil {
			return err.Error(), false
		}
		engine, ok := b.Asset("engine.wasm")
		if !ok {
			return "not built: make web", false
		}
		n := engine.Brotli
		return fmt.Sprintf("%.2f MB (≤ 2.20)", float64(n)/1e6), n > 0 && n <= budget
	}}}, nil
}
