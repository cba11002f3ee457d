package verifier_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/verifier"
)

// A listener is a platform's server, and what it got.
type listener struct {
	mu     sync.Mutex
	status int // of its answers
	got    []delivery
}

type delivery struct {
	id, at, signature, body string
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, delivery{r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), r.Header.Get("webhook-signature"), string(body)})
	if l.status == http.StatusFound {
		w.Header().Set("Location", "http://127.0.0.1:1/")
	}
	w.WriteHeader(l.status)
}

func (l *listener) take() []delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	got := l.got
	l.got = nil
	return got
}

var (
	newSecret = bytes.Repeat([]byte{7}, 32)
	oldSecret = bytes.Repeat([]byte{8}, verifier.MinWebhookSecret)
)

// newListening is a rig whose platform listens.
func newListening(t *testing.T) (*rig, *listener) {
	l := &listener{status: http.StatusOK}
	s := httptest.NewServer(l)
	t.Cleanup(s.Close)
	return newRig(t, func(r *rig) {
		r.change = func(p *verifier.Platform) {
			p.Webhook = &verifier.Webhook{URL: s.URL + "/hooks", Secrets: [][]byte{newSecret, oldSecret}}
		}
	}), l
}

// work does what the node's two loops do at one tick.
func (r *rig) work() {
	r.t.Helper()
	r.sweep()
	r.deliver()
}

// deliver sends what is due now.
func (r *rig) deliver() {
	ticks := make(chan time.Time, 1)
	ticks <- time.Time{}
	close(ticks)
	r.engine.Deliver(r.t.Context(), ticks, func(err error) { r.t.Errorf("deliver: %v", err) })
}

// verify does what a receiver does, by the specification and not by our code.
func (d delivery) verify(t *testing.T, now time.Time) {
	t.Helper()
	if d.at != fmt.Sprint(now.Unix()) || !strings.HasPrefix(d.id, "msg_") {
		t.Errorf("id %q, timestamp %q", d.id, d.at)
	}
	signatures := strings.Split(d.signature, " ")
	if len(signatures) != 2 {
		t.Fatalf("signatures: %q", d.signature)
	}
	for i, secret := range [][]byte{newSecret, oldSecret} {
		h := hmac.New(sha256.New, secret)
		io.WriteString(h, d.id+"."+d.at+"."+d.body)
		if want := "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil)); signatures[i] != want {
			t.Errorf("signature %d: %s", i, signatures[i])
		}
	}
}

func body(id, state string, at time.Time) string {
	return fmt.Sprintf(`{"type":"request.%s","timestamp":"%s","data":{"id":"%s","state":"%s"}}`, state, at.UTC().Format(time.RFC3339), id, state)
}

// TestWebhook tells a platform about every way in which a request ends, in
// exactly these words: there is no room for a claim.
func TestWebhook(t *testing.T) {
	r, l := newListening(t)
	want := func(id, state string) {
		t.Helper()
		at := r.clock.Now()
		r.work()
		got := l.take()
		if len(got) != 1 || got[0].body != body(id, state, at) {
			t.Fatalf("%s: got %+v", state, got)
		}
		got[0].verify(t, at)
	}
	a := r.answered(t)
	begunID := func() string {
		for key, err := range r.store.Keys(t.Context(), "tx/", "") {
			if err != nil {
				t.Fatal(err)
			}
			return strings.TrimPrefix(key, "tx/")
		}
		return ""
	}()
	want(begunID, "released")
	offer, err := a.req.PolicyOffer()
	check(err)
	if got := r.prove(a, "member", "withdraw", offer.WithdrawalEndpoint); got.status != http.StatusOK {
		t.Fatalf("withdraw: %d %s", got.status, got.body)
	}
	want(begunID, "withdrawn")

	b := r.begin("access", "same_device")
	req := r.ask(b)
	r.do(call{method: "POST", url: req.ResponseURI, contentType: "application/x-www-form-urlencoded", body: "error=access_denied&state=" + req.State})
	want(b.ID, "refused")

	b = r.begin("access", "cross_device")
	r.clock.advance(verifier.TTL)
	want(b.ID, "expired")
	if r.work(); len(l.take()) != 0 {
		t.Error("something was sent twice")
	}
}

// TestWebhookRetries fails in every way a server can, then works.
func TestWebhookRetries(t *testing.T) {
	r, l := newListening(t)
	b, _ := r.released()
	first := ""
	waits := []time.Duration{0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute}
	for i, status := range []int{http.StatusInternalServerError, http.StatusFound, http.StatusBadRequest, http.StatusNoContent} {
		if i > 0 {
			r.clock.advance(waits[i] - time.Second)
			if r.work(); len(l.take()) != 0 {
				t.Fatalf("attempt %d came early", i)
			}
			r.clock.advance(time.Second + waits[i]/5) // at most so much is added by chance
		}
		l.status = status
		r.work()
		got := l.take()
		if len(got) != 1 {
			t.Fatalf("attempt %d: %d deliveries", i, len(got))
		}
		got[0].verify(t, r.clock.Now())
		if first == "" {
			first = got[0].id
		}
		if got[0].id != first || !strings.Contains(got[0].body, b.ID) {
			t.Errorf("attempt %d is another message", i)
		}
	}
	r.clock.advance(100 * time.Hour)
	if r.work(); len(l.take()) != 0 {
		t.Error("it was sent again after it was taken")
	}
	for _, line := range []string{`webhooks_total{outcome="delivered"} 1`, `webhooks_total{outcome="retried"} 3`} {
		if !strings.Contains(r.figures(), line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
}

// TestWebhookEnds: a server that is gone for good, or does not want it, is left
// alone; a result taken back is not announced any more.
func TestWebhookEnds(t *testing.T) {
	queued := func(r *rig) (n int) {
		for _, err := range r.store.Keys(t.Context(), "hook/", "") {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	t.Run("gone", func(t *testing.T) {
		r, l := newListening(t)
		l.status = http.StatusGone
		r.released()
		if r.work(); len(l.take()) != 1 || queued(r) != 0 {
			t.Errorf("%d left", queued(r))
		}
	})
	t.Run("never", func(t *testing.T) {
		r, l := newListening(t)
		l.status = http.StatusBadGateway
		r.finish("home", twist{}) // kept for longer than is tried
		attempts := 0
		for _, wait := range []time.Duration{0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
			10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour, 48 * time.Hour} {
			r.clock.advance(wait + wait/5)
			r.work()
			attempts += len(l.take())
		}
		if !strings.Contains(r.figures(), `webhooks_total{outcome="dropped"} 1`+"\n") {
			t.Error("it is not counted")
		}
		if attempts != 10 || queued(r) != 0 {
			t.Errorf("%d attempts, %d left", attempts, queued(r))
		}
	})
	t.Run("withdrawn before it was told", func(t *testing.T) {
		r, l := newListening(t)
		a := r.answered(t)
		offer, err := a.req.PolicyOffer()
		check(err)
		r.prove(a, "member", "withdraw", offer.WithdrawalEndpoint)
		r.work()
		if got := l.take(); len(got) != 1 || !strings.Contains(got[0].body, "request.withdrawn") {
			t.Errorf("got %+v", got)
		}
	})
}

// TestWebhookOnce delivers from many sides at once, as many processes do.
func TestWebhookOnce(t *testing.T) {
	r, l := newListening(t)
	for range 5 {
		r.released()
	}
	r.sweep()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(r.deliver)
	}
	wg.Wait()
	if got := l.take(); len(got) != 5 {
		t.Errorf("%d deliveries of 5", len(got))
	}
}

func TestWebhookConfig(t *testing.T) {
	r := newRig(t)
	for name, w := range map[string]verifier.Webhook{
		"no secret":    {URL: "https://news.example/hooks"},
		"short secret": {URL: "https://news.example/hooks", Secrets: [][]byte{newSecret[:verifier.MinWebhookSecret-1]}},
		"long secret":  {URL: "https://news.example/hooks", Secrets: [][]byte{bytes.Repeat(newSecret, 3)}},
		"no https":     {URL: "http://news.example/hooks", Secrets: [][]byte{newSecret}},
	} {
		r.change = func(p *verifier.Platform) { p.Webhook = &w }
		if err := r.tryStart(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
