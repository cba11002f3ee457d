package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"facet/verifier"
)

// TestClockOff runs a node whose clock is ten minutes off beside one that is
// right, on one PostgreSQL. It is not ready and says why, it does not sweep, so
// it ends nobody's request at its own time, and the doctor says what to do. When
// the clock is right again, so is the node.
func TestClockOff(t *testing.T) {
	for name, off := range map[string]time.Duration{"fast": 10 * time.Minute, "slow": -10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("FACET_LOG_KEY", writerKey)
			c := prepareCluster(t)
			var wrong atomic.Int64
			wrong.Store(int64(off))
			offClock := func() time.Time { return time.Now().Add(time.Duration(wrong.Load())) }
			node := func(clock func() time.Time) *verifierNode {
				cfg, found := readVerifierConfig(filepath.Join(c.dir, "node0.json"))
				s, more := cfg.resolve(time.Now())
				if err := problems(append(found, more...)); err != nil {
					t.Fatal(err)
				}
				s.now, s.logger = clock, slog.New(slog.DiscardHandler)
				n, err := openVerifier(t.Context(), s)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { n.Close() })
				return n
			}
			bad := node(offClock)
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { bad.work(ctx); close(done) }() // ends below
			ready := func(n *verifierNode) (int, string) {
				rec := httptest.NewRecorder()
				n.admin.ServeHTTP(rec, httptest.NewRequest("GET", "/ready", nil))
				return rec.Code, rec.Body.String()
			}
			if status, text := ready(bad); status != http.StatusServiceUnavailable || !strings.Contains(text, "clock is ") {
				t.Errorf("ready: %d %s", status, text)
			}
			time.Sleep(3 * time.Second) // more than one turn of the worker
			if d := bad.engine.Duties(); d.Leads || !d.Swept.IsZero() {
				t.Errorf("it sweeps: %+v", d)
			}
			right := node(time.Now)
			if status, text := ready(right); status != http.StatusNoContent {
				t.Errorf("the node beside it: %d %s", status, text)
			}
			d := &doctor{c: &verifierConfig{}, s: verifierSetup{database: c.pg.URL}, now: offClock}
			found := d.store(t.Context())
			if last := found[len(found)-1]; last.Level != levelProblem || !strings.Contains(last.What, "off from PostgreSQL") || !strings.Contains(last.Mend, "time server") {
				t.Errorf("doctor: %+v", found)
			}
			wrong.Store(0) // somebody set the clock
			if status, text := ready(bad); status != http.StatusNoContent {
				t.Errorf("with the clock set: %d %s", status, text)
			}
			for deadline := time.Now().Add(2 * verifier.LeaseTTL); !bad.engine.Duties().Leads; time.Sleep(50 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("it does not sweep")
				}
			}
			stop()
			<-done
		})
	}
}
