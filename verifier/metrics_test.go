package verifier_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"facet/verifier"
)

func (r *rig) figures() string {
	rec := httptest.NewRecorder()
	r.metrics.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	return rec.Body.String()
}

// TestMetrics runs one answer of each kind and reads the figures.
func TestMetrics(t *testing.T) {
	r := newRig(t)
	r.released()
	b := r.begin("access", "same_device")
	forged := twist{token: func(a *answer) {
		raw := []byte(a.token["member"].([]any)[0].(string))
		at := bytes.IndexByte(raw, '~') - 3                            // in the issuer's signature
		raw[at] = map[bool]byte{true: 'B', false: 'A'}[raw[at] == 'A'] // another letter of base64url
		a.token["member"] = []any{string(raw)}
	}}
	if got := r.compose(b, forged).send(); got.status == http.StatusOK {
		t.Fatal("a forged credential passed")
	}
	refused := r.begin("access", "same_device")
	req := r.ask(refused)
	if got := r.do(call{method: "POST", url: req.ResponseURI, contentType: "application/x-www-form-urlencoded", body: "error=access_denied&state=" + req.State}); got.status != http.StatusOK {
		t.Fatalf("refusal: %d %s", got.status, got.body)
	}
	r.clock.advance(verifier.TTL + time.Second)
	if err := r.engine.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := r.figures()
	for _, line := range []string{
		`presentations_total{check="",outcome="answered"} 1`,
		`presentations_total{check="issuer_signature",outcome="rejected"} 1`,
		`presentations_total{check="",outcome="no_answer"} 1`,
		`presentations_total{check="",outcome="expired"} 1`,
		`verifier_act_seconds_count{act="begin"} 3`,
		`verifier_act_seconds_count{act="finish"} 3`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("missing: %s\n%s", line, regexp.MustCompile(`(?m)^(presentations|verifier).*(total|count).*$`).FindAllString(text, -1))
		}
	}
	for _, secret := range []string{b.ID, "127.0.0.1", "192.0.2.1"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in the figures", secret)
		}
	}
	if got := r.do(call{method: "GET", url: baseURL + "/metrics"}); got.status != http.StatusNotFound {
		t.Errorf("the figures are public: %d", got.status)
	}
}

// TestDashboard checks that every figure the dashboard draws exists, with the
// labels it asks for.
func TestDashboard(t *testing.T) {
	raw, err := os.ReadFile("../docs/operations/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title  string
		UID    string
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(raw, &board); err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	r.metrics.CertificateEnd("news", time.Now())
	r.metrics.RegistrationEnd("news", time.Now())
	r.metrics.TLSEnd(time.Now())
	r.metrics.Unavailable("news")
	r.metrics.Webhook("delivered")
	text := r.figures()
	name := regexp.MustCompile(`[a-z][a-z0-9]*(?:_[a-z0-9]+)+`)
	drawn := 0
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			for _, n := range name.FindAllString(target.Expr, -1) {
				if n == "histogram_quantile" {
					continue
				}
				drawn++
				if !regexp.MustCompile(`(?m)^` + n + `[ {]`).MatchString(text) {
					t.Errorf("panel %q draws %s, which nobody publishes", p.Title, n)
				}
			}
		}
	}
	if drawn < 8 || board.UID == "" {
		t.Errorf("%d figures drawn", drawn)
	}
}
