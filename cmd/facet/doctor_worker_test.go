package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestDoctorWorker asks the doctor about a running node: that it sweeps, and, when
// calls were refused, which and what to do.
func TestDoctorWorker(t *testing.T) {
	p := newPatient(t)
	p.config["admin_addr"] = freeAddr(t)
	if _, out := facetDoctor(p.file()); !strings.Contains(out, "nobody answers at admin_addr") {
		t.Errorf("before the start:\n%s", out)
	}
	p.platform()["limits"] = map[string]any{"calls": 2}
	p.run()
	out := ""
	eventually(t, "a sweep", func() bool { _, out = facetDoctor(p.file()); return strings.Contains(out, "this node sweeps") })
	if !strings.Contains(out, "nobody was refused") {
		t.Errorf("before anybody was refused:\n%s", out)
	}
	for range 5 {
		p.call(nodeKey, http.MethodGet, "/v1/requests/x", "")
	}
	if _, out := facetDoctor(p.file()); !strings.Contains(out, "calls 3") || !strings.Contains(out, "trusted_proxies") {
		t.Errorf("after three were:\n%s", out)
	}
}

// TestDoctorJudges: figures that mean trouble.
func TestDoctorJudges(t *testing.T) {
	d := &doctor{c: &verifierConfig{Proxies: []string{"10.0.0.0/8"}}, now: time.Now}
	for name, tt := range map[string]struct {
		figures     map[string]float64
		level, what string
	}{
		"another sweeps": {map[string]float64{"verifier_worker_lease_age_seconds": 4}, levelOK, "another node sweeps, seen 4s ago"},
		"nobody sweeps":  {map[string]float64{"verifier_worker_lease_age_seconds": 40}, levelProblem, "no node has swept for 40s"},
		"stuck":          {map[string]float64{"verifier_worker_stuck": 3}, levelWarning, "the last step of 3 transactions"},
		"webhooks":       {map[string]float64{"verifier_webhook_oldest_due_seconds": 600, "verifier_webhooks_due": 7}, levelWarning, "at least 7 are due, the oldest for 10m0s"},
		"refused":        {map[string]float64{`verifier_refused_total{budget="wallet"}`: 9}, levelWarning, "wallet 9"},
	} {
		ok := false
		for _, f := range d.judge(tt.figures) {
			ok = ok || f.Level == tt.level && strings.Contains(f.What, tt.what) && (f.Level == levelOK || f.Mend != "")
		}
		if !ok {
			t.Errorf("%s: %+v", name, d.judge(tt.figures))
		}
	}
	if found := d.judge(map[string]float64{"verifier_webhook_oldest_due_seconds": 100}); len(found) != 2 {
		t.Errorf("webhooks that are a little late: %+v", found)
	}
}
