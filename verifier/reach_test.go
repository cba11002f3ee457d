package verifier_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"facet/credentials/statuslist"
	"facet/fetch"
	"facet/verifier"
)

// TestInternalStatusLists: a membership whose status list is at an address
// that is not public (the cases of fetch.TestHostileAddresses and TestURLs) is
// refused at the response_uri, by the guard, and says nothing of what is there.
func TestInternalStatusLists(t *testing.T) {
	r := newRig(t, func(r *rig) {
		lists, err := statuslist.NewChecker(statuslist.Config{Fetch: fetch.New(fetch.Config{}), Keys: r.w.trust})
		if err != nil {
			t.Fatal(err)
		}
		r.status = lists
	})
	for uri, reason := range map[string]string{
		"https://[::1]/1": fetch.ReasonBlocked, "https://[::ffff:127.0.0.1]/1": fetch.ReasonBlocked, "https://169.254.169.254/1": fetch.ReasonBlocked,
		"https://[fd00:ec2::254]/1": fetch.ReasonBlocked, "https://10.0.0.1/1": fetch.ReasonBlocked, "https://172.16.0.1/1": fetch.ReasonBlocked,
		"https://192.168.0.1/1": fetch.ReasonBlocked, "https://0.0.0.0/1": fetch.ReasonBlocked, "https://[64:ff9b::7f00:1]/1": fetch.ReasonBlocked,
		"https://[2002:7f00:1::]/1": fetch.ReasonBlocked, "https://[fe80::1]/1": fetch.ReasonBlocked, "https://224.0.0.1/1": fetch.ReasonBlocked,
		"https://198.18.0.1/1": fetch.ReasonBlocked, "https://2130706433/1": fetch.ReasonBlocked, "https://0x7f.1/1": fetch.ReasonBlocked,
		"https://issuer.example:6379/1": fetch.ReasonPort,
	} {
		t.Run(uri, func(t *testing.T) {
			bad := crafted(func(payload map[string]any, _ *part) {
				payload["status"] = map[string]any{"status_list": map[string]any{"idx": 1, "uri": uri}}
			})
			badAnswer{twist: bad, reason: "status_unavailable", check: verifier.CheckStatus}.run(t, r)
			a := r.compose(r.begin("access", "same_device"), bad)
			_, err := r.engine.Finish(t.Context(), verifier.Response{
				ID: a.req.ResponseURI[strings.LastIndex(a.req.ResponseURI, "/")+1:], ContentType: a.media, Body: []byte(a.form.Encode()),
			})
			if got := reasons(err); !slices.Contains(got, reason) {
				t.Errorf("refused for %v, want %s", got, reason)
			}
			if got := a.send(); got.status != http.StatusBadRequest || strings.Contains(string(got.body), "//") {
				t.Errorf("the wallet is told %s", got.body)
			}
		})
	}
}

// reasons are those of err and of all it wraps.
func reasons(err error) (out []string) {
	for ; err != nil; err = errors.Unwrap(err) {
		if r, ok := err.(interface{ Reason() string }); ok {
			out = append(out, r.Reason())
		}
	}
	return out
}
