package main

import (
	"testing"
	"time"

	"facet/credentials"
)

// TestDemoTrustList: the demo's list keeps its version over restarts and has a
// higher one whenever it says something else, whatever the clock says.
func TestDemoTrustList(t *testing.T) {
	dir, now := t.TempDir(), time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	version := func(url string, now time.Time) int {
		t.Helper()
		ids, err := demoPKI(dir, now)
		if err != nil {
			t.Fatal(err)
		}
		text, err := demoTrust(dir, url, ids, now)
		if err != nil {
			t.Fatal(err)
		}
		list, err := credentials.ParseTrustList(text)
		if err != nil {
			t.Fatal(err)
		}
		return list.Version()
	}
	const url = "http://issuer.localhost:8082"
	first := version(url, now)
	if again := version(url, now.Add(time.Hour)); again != first {
		t.Errorf("after a restart %d, before %d", again, first)
	}
	renewed := version(url, now.AddDate(demoLeafYears, 0, 0)) // the certificates end
	if renewed <= first {
		t.Errorf("with new certificates %d, before %d", renewed, first)
	}
	if moved := version("http://issuer.localhost:9082", now); moved <= renewed {
		t.Errorf("at another address, with a clock that went back, %d, before %d", moved, renewed)
	}
}
