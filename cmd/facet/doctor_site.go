package main

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"facet/audit"
	"facet/verifier/auditlog"
)

// checkpointAge is how old a published checkpoint may be. A log signs again
// every few seconds, grown or not.
const checkpointAge = 5 * time.Minute

// site looks at the verifier from outside, through whatever stands in front.
func (d *doctor) site(ctx context.Context) []finding {
	if d.s.baseURL == "" {
		return nil
	}
	res, err := d.get(ctx, http.MethodGet, d.s.baseURL+"/health", nil)
	switch {
	case err != nil && tlsError(err):
		return []finding{bad("tls", d.s.baseURL+": "+err.Error(), "Install the certificate of a public authority, with its chain; see docs/operating.md.")}
	case err != nil:
		return []finding{warn("site", "nobody answers at "+d.s.baseURL+", so TLS, CORS and the published log were not looked at", "Start the verifier and what stands in front of it, then call this again.")}
	case res.StatusCode != http.StatusNoContent:
		return []finding{bad("site", d.s.baseURL+" is answered by something else", "Let the proxy pass every path on to the verifier.")}
	}
	found := d.tls(res)
	found = append(found, d.cors(ctx)...)
	return append(found, d.published(ctx)...)
}

func (d *doctor) tls(res *http.Response) []finding {
	if res.TLS == nil {
		return []finding{warn("tls", "there is none", "Only for trying out on one machine: put TLS in front.")}
	}
	end := res.TLS.PeerCertificates[0].NotAfter
	if d.now().Add(renewBefore).After(end) {
		return []finding{warn("tls", "its certificate ends on "+day(end), "Renew it; files named under tls are picked up by themselves.")}
	}
	return []finding{fine("tls", "its certificate is good until "+day(end))}
}

// cors checks that web wallets of any origin may call, and that no proxy puts
// a second header beside ours.
func (d *doctor) cors(ctx context.Context) (found []finding) {
	for _, path := range []string{"/wallet/request/doctor", auditlog.Prefix + audit.CheckpointPath, "/ofrep/v1/evaluate/flags"} {
		method := http.MethodOptions
		if strings.HasPrefix(path, auditlog.Prefix) {
			method = http.MethodGet
		}
		res, err := d.get(ctx, method, d.s.baseURL+path, map[string]string{"Origin": "https://wallet.example"})
		if err != nil {
			found = append(found, bad("cors", path+": "+err.Error(), "Let the proxy pass it on."))
			continue
		}
		if origins := res.Header.Values("Access-Control-Allow-Origin"); len(origins) != 1 || origins[0] != "*" {
			found = append(found, bad("cors", path+" says Access-Control-Allow-Origin: "+strings.Join(origins, " and "), "Keep the proxy's hands off the CORS headers: the verifier sets them."))
		}
	}
	if len(found) == 0 {
		found = append(found, fine("cors", "wallets of every origin may call, without credentials"))
	}
	return found
}

// published reads the log where auditors and wallets do.
func (d *doctor) published(ctx context.Context) []finding {
	const mend = "`facet audit verify` says more; wallets show receipts of such a log as failed."
	source := &logSource{d.client, d.s.baseURL + auditlog.Prefix}
	vkey, err := source.Read(ctx, audit.KeyPath)
	if err != nil {
		return []finding{bad("log", "its key is not published: "+err.Error(), mend)}
	}
	trust, err := audit.TrustLog(strings.TrimSpace(string(vkey)), d.s.origin)
	if err != nil {
		return []finding{bad("log", "the published key is not for "+d.s.origin, "log_origin must stay what it was when the log began.")}
	}
	raw, err := source.Read(ctx, audit.CheckpointPath)
	if errors.Is(err, fs.ErrNotExist) {
		return []finding{warn("log", "it is published, but nothing is in it yet", "Fine for a verifier that was never used.")}
	}
	var checkpoint *audit.Checkpoint
	if err == nil {
		checkpoint, err = trust.Checkpoint(raw)
	}
	if err != nil {
		return []finding{bad("log", "its checkpoint: "+err.Error(), mend)}
	}
	if age := d.now().Sub(checkpoint.Signed()); age > checkpointAge {
		return []finding{bad("log", "its last checkpoint is "+age.Truncate(time.Second).String()+" old", "The writer does not sign any more, or a cache holds /log/checkpoint: look at its journal and at the proxy.")}
	}
	return []finding{fine("log", "it is published and freshly signed")}
}
