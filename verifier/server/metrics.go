package server

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"facet/audit"
	"facet/verifier"
)

// Metrics are all figures a verifier publishes about itself. Their labels are
// words of our own (outcomes, checks, acts, configured platforms): nothing that
// comes from a request can become one.
type Metrics struct {
	registry      *prometheus.Registry
	presentations *prometheus.CounterVec
	acts          *prometheus.HistogramVec
	certificates  *prometheus.GaugeVec
	registrations *prometheus.GaugeVec
	unavailable   *prometheus.GaugeVec
	tls           *prometheus.GaugeVec // without a label; nothing is shown where TLS is in front
	webhooks      *prometheus.CounterVec
	refusals      *prometheus.CounterVec
}

// NewMetrics returns figures that are all zero, in a registry of their own.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		presentations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "presentations_total",
			Help: "Answers of wallets and requests that expired without one, by outcome; rejected ones by the check that failed.",
		}, []string{"outcome", "check"}),
		acts: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "verifier_act_seconds",
			Help:    "How long an act of the engine took, with the HTTP around it.",
			Buckets: []float64{.001, .002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"act"}),
		certificates: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "verifier_certificate_end_seconds",
			Help: "When the certificate a platform signs with ends, in Unix seconds.",
		}, []string{"platform"}),
		registrations: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "verifier_registration_end_seconds",
			Help: "When the first of a platform's registration certificates ends, in Unix seconds.",
		}, []string{"platform"}),
		unavailable: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "verifier_platform_unavailable",
			Help: "1 while nothing can begin for a platform because its DID document was not seen, 0 afterwards.",
		}, []string{"platform"}),
		tls: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "verifier_tls_end_seconds",
			Help: "When the certificate this process shows for TLS ends, in Unix seconds.",
		}, nil),
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "webhooks_total",
			Help: "Webhooks, by what became of them: delivered, retried, dropped, superseded.",
		}, []string{"outcome"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "verifier_refused_total",
			Help: "Calls refused because a budget was used up, by budget.",
		}, []string{"budget"}),
	}
	m.registry.MustRegister(m.presentations, m.acts, m.certificates, m.registrations, m.unavailable, m.tls, m.webhooks, m.refusals,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, act := range actOf {
		m.acts.WithLabelValues(act) // zero is a figure too
	}
	for _, outcome := range []audit.Outcome{audit.Answered, audit.NoAnswer, audit.Expired} {
		m.presentations.WithLabelValues(string(outcome), "")
	}
	for _, name := range budgetNames {
		m.refusals.WithLabelValues(name)
	}
	return m
}

// refused counts a call that a budget did not allow.
func (m *Metrics) refused(b budget) {
	if m != nil {
		m.refusals.WithLabelValues(budgetNames[b]).Inc()
	}
}

// Watch publishes what the engine knows of the work nobody asks for. Call it
// once.
func (m *Metrics) Watch(duties func() verifier.Duties) {
	for _, g := range []struct {
		name, help string
		value      func(verifier.Duties) float64
	}{
		{"verifier_worker_leads", "1 if this node sweeps, 0 if another one does.", func(d verifier.Duties) float64 {
			if d.Leads {
				return 1
			}
			return 0
		}},
		{"verifier_worker_lease_age_seconds", "Since this node last saw that some node sweeps.", func(d verifier.Duties) float64 { return d.LeaseAge.Seconds() }},
		{"verifier_worker_stuck", "Transactions whose last step failed on this node.", func(d verifier.Duties) float64 { return float64(d.Stuck) }},
		{"verifier_webhooks_due", "Webhooks due at the last look, on the node that sweeps; at most about a hundred of each platform are counted.", func(d verifier.Duties) float64 { return float64(d.Webhooks) }},
		{"verifier_webhook_oldest_due_seconds", "How long the oldest of them has been due.", func(d verifier.Duties) float64 { return d.OldestDue.Seconds() }},
	} {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, func() float64 { return g.value(duties()) }))
	}
}

// Handler serves the figures in Prometheus' text format. Mount it where the
// public does not come.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Presentation counts how an answer or a request ended (verifier.Config.Count).
func (m *Metrics) Presentation(outcome audit.Outcome, check verifier.Check) {
	m.presentations.WithLabelValues(string(outcome), string(check)).Inc()
}

// Webhook counts an attempt to deliver one.
func (m *Metrics) Webhook(outcome string) { m.webhooks.WithLabelValues(outcome).Inc() }

// CertificateEnd notes when a platform's certificate ends.
func (m *Metrics) CertificateEnd(platform string, end time.Time) {
	m.certificates.WithLabelValues(platform).Set(float64(end.Unix()))
}

// RegistrationEnd notes when the first of a platform's registration certificates
// ends; the zero time says that it has none.
func (m *Metrics) RegistrationEnd(platform string, end time.Time) {
	if end.IsZero() {
		m.registrations.DeleteLabelValues(platform)
		return
	}
	m.registrations.WithLabelValues(platform).Set(float64(end.Unix()))
}

// TLSEnd notes when the certificate of TLS ends.
func (m *Metrics) TLSEnd(end time.Time) { m.tls.WithLabelValues().Set(float64(end.Unix())) }

// Unavailable notes that nothing can begin for a platform; Available, that it can again.
func (m *Metrics) Unavailable(platform string) { m.unavailable.WithLabelValues(platform).Set(1) }

// Available is the end of Unavailable.
func (m *Metrics) Available(platform string) { m.unavailable.WithLabelValues(platform).Set(0) }

// Sweep notes how long a sweep took.
func (m *Metrics) Sweep(d time.Duration) { m.acts.WithLabelValues("sweep").Observe(d.Seconds()) }

// actOf names the engine's act behind a route; the worker's has none.
var actOf = map[string]string{
	"POST /v1/requests":                  "begin",
	"GET /v1/requests/:id":               "status",
	"POST /v1/requests/:id/result":       "result",
	"GET /wallet/request/:id":            "request_object",
	"POST /wallet/request/:id":           "request_object",
	"POST /wallet/response/:id":          "finish",
	"POST /v1/requests/:id/answer":       "finish",
	"POST /wallet/receipt/:id":           "receipt",
	"POST /wallet/withdraw/:id":          "withdraw",
	"POST /ofrep/v1/evaluate/flags":      "hints",
	"POST /ofrep/v1/evaluate/flags/:key": "hints",
	"worker":                             "sweep",
}

// observe notes how long the act behind a request took.
func (m *Metrics) observe(c echo.Context, d time.Duration) {
	if m == nil {
		return
	}
	if act, ok := actOf[c.Request().Method+" "+c.Path()]; ok {
		m.acts.WithLabelValues(act).Observe(d.Seconds())
	}
}
