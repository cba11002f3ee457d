package main

import (
	"path/filepath"
	"testing"
	"time"
)

// furnish puts into dir what a verifier's configuration names: the demo's keys
// and certificates, in pki, and its trust list, in trust.json. The policy is
// the newsroom's for subscribers.
func furnish(t *testing.T, dir string) (ids map[string]demoIdentity, policy string) {
	t.Helper()
	ids, err := demoPKI(filepath.Join(dir, "pki"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	trust, err := trustList(1, "", ids, demoSite{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "trust.json"), string(trust))
	if policy, err = filepath.Abs("../../examples/newsroom/policies/access.yaml"); err != nil {
		t.Fatal(err)
	}
	return ids, policy
}
