package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"facet/verifier/client"
)

// begin opens a same-device request of the policy "today".
func begin(t *testing.T, c *client.Client) *client.Begun {
	t.Helper()
	b, err := c.Begin(t.Context(), client.Request{Policy: "today", Flow: client.SameDevice, ReturnURI: returnURI})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestExchange asks, follows, lets a wallet answer, reads, and reads again.
func TestExchange(t *testing.T) {
	r := newRig(t)
	c := r.client()
	b := begin(t, c)
	if len(b.ID) != 22 || len(b.Links) != 1 || b.Links[0].Wallet != "Facet" || b.ExpiresAt <= time.Now().Unix() {
		t.Fatalf("begun: %+v", b)
	}
	if s, err := c.Status(t.Context(), b.ID); s != client.Open || err != nil {
		t.Errorf("at first: %s, %v", s, err)
	}
	if _, err := c.Result(t.Context(), client.Reading{ID: b.ID}); client.CodeOf(err) != client.CodeNotReady {
		t.Errorf("too early: %v", err)
	}
	var states []client.State
	var code string
	for s, err := range c.Events(t.Context(), b.ID) {
		if err != nil {
			t.Fatal(err)
		}
		if states = append(states, s); s == client.Open {
			code = r.approve(b.Links[0].URL).Query().Get("response_code")
		}
	}
	if len(states) < 2 || states[len(states)-1] != client.Released {
		t.Errorf("states: %v", states)
	}
	reading := client.Reading{ID: b.ID, ResponseCode: code, Reader: "front page"}
	res, err := c.Result(t.Context(), reading)
	if err != nil {
		t.Fatal(err)
	}
	if h, _ := res.Hints.Get("today.pace"); h.Value != "quick" || h.Assurance != "self-asserted" {
		t.Errorf("today.pace: %+v", h)
	}
	if res.Policy.ID != "morgenblatt.example/today" || res.Policy.SHA256 == "" || res.Sources["today"].VCT != "urn:facet:today:1" || res.HintToken == "" || res.ExpiresAt <= b.ExpiresAt {
		t.Errorf("result: %+v", res)
	}
	if again, err := c.Result(t.Context(), reading); err != nil || !reflect.DeepEqual(again, res) && again.HintToken == "" {
		t.Errorf("the same reader again: %v", err)
	}
	if _, err := c.Result(t.Context(), client.Reading{ID: b.ID, ResponseCode: code}); client.CodeOf(err) != client.CodeUsed {
		t.Errorf("another reader: %v", err)
	}
}

// TestProblems: what the verifier says arrives with its code and its advice.
func TestProblems(t *testing.T) {
	r := newRig(t)
	for name, tt := range map[string]struct {
		call func(*client.Client) error
		key  string
		want client.Problem
	}{
		"policy": {call: func(c *client.Client) error {
			_, err := c.Begin(t.Context(), client.Request{Policy: "none", Flow: client.CrossDevice})
			return err
		}, want: client.Problem{Status: 404, Code: "policy_unknown"}},
		"key":     {key: "another", call: func(c *client.Client) error { _, err := c.Status(t.Context(), "x"); return err }, want: client.Problem{Status: 401, Code: "api_key_invalid"}},
		"id":      {call: func(c *client.Client) error { _, err := c.Status(t.Context(), strings.Repeat("A", 22)); return err }, want: client.Problem{Status: 404, Code: client.CodeUnknown}},
		"escaped": {call: func(c *client.Client) error { _, err := c.Status(t.Context(), "../../log/checkpoint"); return err }, want: client.Problem{Status: 404, Code: client.CodeUnknown}},
		"no id":   {call: func(c *client.Client) error { _, err := c.Status(t.Context(), ""); return err }, want: client.Problem{Status: 404, Code: client.CodeUnknown}},
		"dots":    {call: func(c *client.Client) error { _, err := c.Status(t.Context(), ".."); return err }, want: client.Problem{Status: 404, Code: client.CodeUnknown}},
		"stream": {call: func(c *client.Client) error {
			for _, err := range c.Events(t.Context(), strings.Repeat("A", 22)) {
				return err
			}
			return nil
		}, want: client.Problem{Status: 404, Code: client.CodeUnknown}},
	} {
		t.Run(name, func(t *testing.T) {
			err := tt.call(r.client(func(c *client.Config) {
				if tt.key != "" {
					c.APIKey = tt.key
				}
			}))
			var p *client.Problem
			if !errors.As(err, &p) || p.Status != tt.want.Status || p.Code != tt.want.Code || p.Detail == "" || p.Fix == "" {
				t.Fatalf("got %+v (%v)", p, err)
			}
			if strings.Contains(err.Error(), apiKey) {
				t.Error("the error holds the key")
			}
		})
	}
}

// TestBeginIsRepeatedSafely: an answer that is lost on the way costs no second
// request, because the client says that it is the same.
func TestBeginIsRepeatedSafely(t *testing.T) {
	r := newRig(t)
	var lost atomic.Int32
	var keys []string
	r.onRoad(func(w http.ResponseWriter, req *http.Request) bool {
		keys = append(keys, req.Header.Get("Idempotency-Key"))
		if lost.Add(1) > 2 {
			return false
		}
		r.http.ServeHTTP(&nowhere{http.Header{}}, req) // the verifier hears it …
		panic(http.ErrAbortHandler)                    // … and its answer gets lost
	})
	b := begin(t, r.client())
	if len(keys) != 3 || keys[0] == "" || keys[0] != keys[1] || keys[1] != keys[2] {
		t.Fatalf("keys: %q", keys)
	}
	r.onRoad(nil)
	if s, err := r.client().Status(t.Context(), b.ID); s != client.Open || err != nil {
		t.Errorf("%s, %v", s, err)
	}
	with := client.Request{Policy: "today", Flow: client.CrossDevice, IdempotencyKey: "mine"}
	one, err := r.client().Begin(t.Context(), with)
	two, err2 := r.client().Begin(t.Context(), with)
	if err != nil || err2 != nil || one.ID != two.ID || one.ID == b.ID {
		t.Errorf("one key, two requests: %v %v", err, err2)
	}
}

// nowhere is where lost answers go.
type nowhere struct{ h http.Header }

func (n *nowhere) Header() http.Header         { return n.h }
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n *nowhere) WriteHeader(int)             {}

// TestWaitsAsTold: 429 and 503 are repeated after Retry-After, a few times; who
// is told to wait long, or has no time, gets the Problem at once.
func TestWaitsAsTold(t *testing.T) {
	r := newRig(t)
	id := begin(t, r.client()).ID
	busy := func(status int, after string, times int32) {
		var n atomic.Int32
		r.onRoad(func(w http.ResponseWriter, _ *http.Request) bool {
			if n.Add(1) > times {
				return false
			}
			w.Header().Set("Retry-After", after)
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			fmt.Fprint(w, `{"code":"unavailable","detail":"d","fix":"f"}`)
			return true
		})
	}
	for _, tt := range []struct {
		name           string
		status         int
		after          string
		times          int32
		limit          time.Duration
		calls          int
		works          bool
		atLeast, below time.Duration
	}{
		{"503 once", 503, "1", 1, time.Minute, 2, true, 900 * time.Millisecond, time.Minute},
		{"429 twice", 429, "", 2, time.Minute, 3, true, 300 * time.Millisecond, time.Minute},
		{"503 for good", 503, "", 99, time.Minute, client.MaxAttempts, false, 0, time.Minute},
		{"told to wait long", 503, "6", 99, time.Minute, 1, false, 0, time.Minute},
		{"told to wait a day and more", 503, "100000", 99, time.Minute, 1, false, 0, time.Minute},
		{"told to wait for ever", 503, strings.Repeat("9", 30), 99, time.Minute, 1, false, 0, time.Minute},
		{"told to wait for a date", 503, time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), 99, time.Minute, 1, false, 0, time.Minute},
		{"told a date that is over", 503, time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), 1, time.Minute, 2, true, 0, time.Minute},
		{"no time left", 503, "5", 99, 4 * time.Second, 1, false, 0, 4 * time.Second},
		{"500", 500, "", 1, time.Minute, 1, false, 0, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			busy(tt.status, tt.after, tt.times)
			ctx, stop := context.WithTimeout(t.Context(), tt.limit)
			defer stop()
			start := time.Now()
			_, err := r.client().Status(ctx, id)
			took := time.Since(start)
			if (err == nil) != tt.works || r.calls("GET") != tt.calls || took < tt.atLeast || took >= tt.below {
				t.Fatalf("%v after %d calls and %v", err, r.calls("GET"), took)
			}
			if !tt.works && client.CodeOf(err) != client.CodeUnavailable {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestBounds: nothing that answers in the verifier's place fills the memory,
// takes the key elsewhere, or is believed.
func TestBounds(t *testing.T) {
	r := newRig(t)
	stolen := make(chan string, 1)
	for name, tt := range map[string]struct {
		road func(http.ResponseWriter, *http.Request) bool
		code string
	}{
		"endless": {func(w http.ResponseWriter, _ *http.Request) bool {
			for chunk := strings.Repeat("[", 64<<10); ; {
				if _, err := w.Write([]byte(chunk)); err != nil {
					return true
				}
			}
		}, client.CodeUnavailable},
		"redirect": {func(w http.ResponseWriter, req *http.Request) bool {
			if strings.HasPrefix(req.URL.Path, "/stolen") {
				stolen <- req.Header.Get("Authorization")
				return true
			}
			http.Redirect(w, req, "/stolen", http.StatusFound)
			return true
		}, "http_302"},
		"a page": {func(w http.ResponseWriter, _ *http.Request) bool {
			fmt.Fprint(w, "<!doctype html>")
			return true
		}, client.CodeUnavailable},
		"a proxy": {func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, "bad gateway", http.StatusBadGateway)
			return true
		}, "http_502"},
	} {
		t.Run(name, func(t *testing.T) {
			r.onRoad(tt.road)
			_, err := r.client().Status(t.Context(), "x")
			if err == nil || client.CodeOf(err) != tt.code || r.calls("GET") != 1 {
				t.Errorf("%v after %d calls", err, r.calls("GET"))
			}
		})
	}
	select {
	case <-stolen:
		t.Error("the client followed a redirect")
	default:
	}
}

func TestConfig(t *testing.T) {
	for _, tt := range []struct {
		cfg client.Config
		ok  bool
	}{
		{client.Config{URL: "https://verifier.example", APIKey: "k"}, true},
		{client.Config{URL: "https://verifier.example/behind/a/path/", APIKey: "k"}, true},
		{client.Config{URL: "http://verifier.localhost:8081", APIKey: "k"}, true},
		{client.Config{URL: "http://[::1]:8081", APIKey: "k"}, true},
		{client.Config{URL: "http://verifier.internal", APIKey: "k", InsecureHTTP: true}, true},
		{client.Config{URL: "http://verifier.internal", APIKey: "k"}, false},
		{client.Config{URL: "http://localhost.evil.example", APIKey: "k"}, false},
		{client.Config{URL: "https://verifier.example?x=1", APIKey: "k"}, false},
		{client.Config{URL: "https://me:secret@verifier.example", APIKey: "k"}, false},
		{client.Config{URL: "verifier.example", APIKey: "k"}, false},
		{client.Config{URL: "https://verifier.example"}, false},
		{client.Config{URL: "https://verifier.example", APIKey: "a\nb"}, false},
	} {
		if _, err := client.New(tt.cfg); (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt.cfg, err)
		}
	}
}
