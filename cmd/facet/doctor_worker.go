package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// When the work nobody asks for is late.
const (
	leaseLate = 15 * time.Second
	hooksLate = 2 * time.Minute
)

// worker reads the running node's own figures: whether some node sweeps, whether
// webhooks leave, who was refused.
func (d *doctor) worker(ctx context.Context) []finding {
	if d.c.AdminAddr == "" {
		return nil
	}
	figures, err := d.figures(ctx)
	if err != nil {
		return []finding{warn("worker", "nobody answers at admin_addr, so sweeping, webhooks and limits were not looked at", "Start the verifier, then call this again.")}
	}
	return d.judge(figures)
}

// judge says what the figures mean.
func (d *doctor) judge(f map[string]float64) (found []finding) {
	age := time.Duration(f["verifier_worker_lease_age_seconds"] * float64(time.Second)).Truncate(time.Second)
	switch {
	case age > leaseLate:
		found = append(found, bad("worker", "no node has swept for "+age.String()+": requests are not ended and deadlines not kept", "Look for \"sweep\" and \"not sweeping\" in the nodes' journals: store, log or a clock."))
	case f["verifier_worker_leads"] == 1:
		found = append(found, fine("worker", "this node sweeps"))
	default:
		found = append(found, fine("worker", fmt.Sprintf("another node sweeps, seen %v ago", age)))
	}
	if n := f["verifier_worker_stuck"]; n > 0 {
		found = append(found, warn("worker", fmt.Sprintf("the last step of %.0f transactions failed here", n), "It is tried again every two seconds; if the number stays, the journal says why."))
	}
	late := time.Duration(f["verifier_webhook_oldest_due_seconds"] * float64(time.Second)).Truncate(time.Second)
	if late > hooksLate {
		found = append(found, warn("webhooks", fmt.Sprintf("at least %.0f are due, the oldest for %v", f["verifier_webhooks_due"], late), "A platform's server takes them slower than they come, or not at all; webhooks_total says how they end."))
	}
	for _, p := range d.s.platforms {
		if f[fmt.Sprintf("verifier_platform_unavailable{platform=%q}", p.ID)] == 1 {
			found = append(found, bad(fmt.Sprintf("platform %q", p.ID), "nothing can begin for it: the running verifier has not seen its DID document", "Publish the document; the verifier looks every few seconds."))
		}
	}
	return append(found, d.refusals(f)...)
}

func (d *doctor) refusals(f map[string]float64) []finding {
	var words []string
	for _, budget := range []string{"wallet", "ofrep", "log", "pages", "failed_keys", "calls", "misses"} {
		if n := f[`verifier_refused_total{budget="`+budget+`"}`]; n > 0 {
			words = append(words, fmt.Sprintf("%s %.0f", budget, n))
		}
	}
	if len(words) == 0 {
		return []finding{fine("limits", "nobody was refused since the start")}
	}
	mend := "See Limits in docs/operating.md."
	if len(d.c.Proxies) == 0 {
		mend = "If there is a proxy in front, name it in trusted_proxies: its callers share one budget. " + mend
	}
	return []finding{warn("limits", "calls were refused since the start: "+strings.Join(words, ", "), mend)}
}

// figures reads the admin address's /metrics.
func (d *doctor) figures(ctx context.Context) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.c.AdminAddr+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	res, err := d.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	out := map[string]float64{}
	lines := bufio.NewScanner(io.LimitReader(res.Body, maxResource))
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseFloat(value, 64); ok && err == nil {
			out[name] = n
		}
	}
	return out, lines.Err()
}
