package verifier_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"facet/verifier/server"
)

// few are limits small enough to be used up.
var few = server.Limits{Wallet: 3, OFREP: 4, Log: 5, Pages: 6, FailedKeys: 2, Calls: 7, Misses: 2}

func admit(r *rig, change func(*server.Callers)) {
	r.t.Helper()
	c := server.Callers{Limits: few, APIKeys: []server.APIKey{
		{Platform: "news", SHA256: server.HashKey(keyNews)}, {Platform: "other", SHA256: server.HashKey(keyOther)}}}
	if change != nil {
		change(&c)
	}
	if err := r.server.Admit(c); err != nil {
		r.t.Fatal(err)
	}
}

// TestLimits uses up each budget from one address: the next call is refused in
// the words of its part of the API, says when to come back, and no other budget
// and no other address is touched.
func TestLimits(t *testing.T) {
	const reader, stranger = "198.51.100.7:4711", "203.0.113.1:4711"
	for _, tt := range []struct {
		budget string
		n      int
		call   call
		code   string // where it stands: the member of the answer
	}{
		{"wallet", few.Wallet, call{method: "GET", url: baseURL + "/wallet/request/AAAAAAAAAAAAAAAAAAAAAA"}, "code"},
		{"wallet", few.Wallet, call{method: "POST", url: baseURL + "/wallet/response/AAAAAAAAAAAAAAAAAAAAAA"}, "code"},
		{"wallet", few.Wallet, call{method: "POST", url: baseURL + "/wallet/receipt/AAAAAAAAAAAAAAAAAAAAAA"}, "code"},
		{"wallet", few.Wallet, call{method: "POST", url: baseURL + "/wallet/withdraw/AAAAAAAAAAAAAAAAAAAAAA"}, "code"},
		{"ofrep", few.OFREP, call{method: "POST", url: baseURL + "/ofrep/v1/evaluate/flags", key: "a-hint-token"}, ""},
		{"log", few.Log, call{method: "GET", url: baseURL + "/log/checkpoint"}, "code"},
		{"pages", few.Pages, call{method: "GET", url: baseURL + "/openapi.yaml"}, "code"},
		{"pages", few.Pages, call{method: "GET", url: baseURL + "/ready"}, "code"},
		{"failed_keys", few.FailedKeys, call{method: "GET", url: baseURL + "/v1/requests/x", key: "a-guess"}, "code"},
	} {
		t.Run(tt.budget+" "+tt.call.url[len(baseURL):], func(t *testing.T) {
			r := newRig(t)
			admit(r, nil)
			from := func(addr string) reply {
				c := tt.call
				c.from = addr
				return r.do(c)
			}
			for i := range tt.n {
				if got := from(reader); got.status == http.StatusTooManyRequests {
					t.Fatalf("call %d of %d is refused", i+1, tt.n)
				}
			}
			got := from(reader)
			wait := fmt.Sprint((60 + tt.n - 1) / tt.n)
			if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != wait || tt.code != "" && got.field(tt.code) != "rate_limited" {
				t.Errorf("one more: %d, Retry-After %q (want %s), %s", got.status, got.header.Get("Retry-After"), wait, got.body)
			}
			if tt.budget != "failed_keys" && got.header.Get("Access-Control-Allow-Origin") != "*" && tt.budget != "pages" {
				t.Error("a page of another site cannot read why")
			}
			if got := from(stranger); got.status == http.StatusTooManyRequests {
				t.Error("another address is refused, too")
			}
			if got := from("127.0.0.1:9"); got.status == http.StatusTooManyRequests {
				t.Error("this machine is refused")
			}
			if got := r.do(call{method: "GET", url: baseURL + "/health", from: reader}); got.status != http.StatusNoContent {
				t.Errorf("health: %d", got.status)
			}
			figures := r.figures()
			if !strings.Contains(figures, `verifier_refused_total{budget="`+tt.budget+`"} 1`+"\n") {
				t.Error("the refusal is not counted")
			}
			if strings.Contains(figures, "198.51.100") || strings.Contains(figures, "203.0.113") {
				t.Error("an address is in the figures")
			}
			r.clock.advance(time.Minute)
			if got := from(reader); got.status == http.StatusTooManyRequests {
				t.Error("refused a minute later")
			}
		})
	}
}

// TestKeysAreNotLimitedByAddress: who has a key is counted by platform, also
// behind an address that used up its failed keys, and each platform for itself.
func TestKeysAreNotLimitedByAddress(t *testing.T) {
	const office = "198.51.100.7:4711"
	r := newRig(t)
	admit(r, func(c *server.Callers) {
		c.Each = map[string]server.Limits{"other": {Calls: 2}}
	})
	state := func(key string) int {
		return r.do(call{method: "GET", url: baseURL + "/v1/requests/x/events", key: key, from: office}).status
	}
	for range few.FailedKeys {
		state("guess")
	}
	if got := state("guess"); got != http.StatusTooManyRequests {
		t.Errorf("another guess: %d", got)
	}
	begin := func(key string) reply {
		return r.do(call{method: "POST", url: baseURL + "/v1/requests", key: key, contentType: "application/json", body: `{"policy":"access","flow":"cross_device"}`, from: office})
	}
	for i := range few.Calls {
		if got := begin(keyNews); got.status != http.StatusCreated {
			t.Fatalf("call %d: %d %s", i, got.status, got.body)
		}
	}
	begin(keyNews).want(t, http.StatusTooManyRequests, "slow_down", "rate_limited")
	for range 2 { // its own limit, smaller than the general one
		if got := begin(keyOther); got.status != http.StatusCreated {
			t.Fatalf("the other platform: %d %s", got.status, got.body)
		}
	}
	begin(keyOther).want(t, http.StatusTooManyRequests, "slow_down", "rate_limited")
	if got := r.do(call{method: "POST", url: baseURL + "/ofrep/v1/evaluate/flags", key: keyOther, from: office}); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("hints by key: %d", got.status)
	}
}

// TestNeighbourhood: neighbours of one address share a wider budget, so that
// nobody multiplies theirs by moving within it.
func TestNeighbourhood(t *testing.T) {
	for name, neighbour := range map[string]func(i int) string{
		"IPv4 /24": func(i int) string { return fmt.Sprintf("198.51.100.%d:1", i) },
		"IPv6 /48": func(i int) string { return fmt.Sprintf("[2001:db8:1:%x::1]:1", i) },
		"IPv6 /64": func(i int) string { return fmt.Sprintf("[2001:db8:1:2::%x]:1", i) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			admit(r, nil)
			want, passed := server.WideFactor*few.Wallet, 0
			if name == "IPv6 /64" {
				want = few.Wallet
			}
			for i := range 100 {
				if r.do(call{method: "GET", url: baseURL + "/wallet/request/x", from: neighbour(i)}).status != http.StatusTooManyRequests {
					passed++
				}
			}
			if passed != want {
				t.Errorf("%d calls, want %d", passed, want)
			}
		})
	}
}

// TestFiftyReaders: the default budgets carry fifty readers behind one address
// who all answer in one minute, load the page's elements, evaluate hints and
// check their receipts.
func TestFiftyReaders(t *testing.T) {
	const office = "198.51.100.7:4711"
	r := newRig(t)
	admit(r, func(c *server.Callers) { c.Limits = server.Limits{} })
	for range 50 {
		for _, c := range []struct {
			n    int
			call call
		}{
			{2, call{method: "GET", url: baseURL + "/wallet/request/x"}},
			{2, call{method: "POST", url: baseURL + "/wallet/response/x"}}, // with one retransmission
			{6, call{method: "POST", url: baseURL + "/wallet/receipt/x"}},  // until a checkpoint covers it
			{10, call{method: "POST", url: baseURL + "/ofrep/v1/evaluate/flags", key: "token"}},
			{20, call{method: "GET", url: baseURL + "/log/checkpoint"}},
			{2, call{method: "GET", url: baseURL + "/elements.js"}},
		} {
			for range c.n {
				c.call.from = office
				if got := r.do(c.call); got.status == http.StatusTooManyRequests {
					t.Fatalf("%s: refused", c.call.url)
				}
			}
		}
	}
}

// TestProxies: behind a proxy that is trusted each reader has a budget; behind
// one that is not all share one, and a header cannot buy another.
func TestProxies(t *testing.T) {
	const proxy = "10.0.0.5:4711"
	ask := func(r *rig, forwarded string) int {
		return r.do(call{method: "GET", url: baseURL + "/wallet/request/x", from: proxy, header: map[string]string{"X-Forwarded-For": forwarded}}).status
	}
	r := newRig(t)
	admit(r, func(c *server.Callers) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	for i := range 20 {
		if got := ask(r, fmt.Sprintf("198.51.%d.1", i)); got == http.StatusTooManyRequests {
			t.Fatalf("reader %d is refused", i)
		}
	}
	for range few.Wallet {
		ask(r, "192.0.2.1")
	}
	if got := ask(r, "1.2.3.4, 192.0.2.1"); got != http.StatusTooManyRequests {
		t.Errorf("a reader who writes an address into the header: %d", got)
	}
	r = newRig(t)
	admit(r, nil)
	passed := 0
	for i := range 20 {
		if ask(r, fmt.Sprintf("198.51.%d.1", i)) != http.StatusTooManyRequests {
			passed++
		}
	}
	if passed != few.Wallet {
		t.Errorf("behind a proxy that is not trusted: %d calls of %d", passed, few.Wallet)
	}
}

// TestAdmit changes who may call while the server runs: a key that was taken
// away, or has ended, is refused at once and its event stream ends; what cannot
// be changes nothing.
func TestAdmit(t *testing.T) {
	r := newRig(t)
	state := func(key string) int { return r.api(key, "GET", "/v1/requests/x", "").status }
	key := func(platform, key string, until time.Time) server.APIKey {
		return server.APIKey{Platform: platform, SHA256: server.HashKey(key), Until: until}
	}
	const fresh = "a-new-key-of-the-morgenblatt-0123"
	end := r.clock.Now().Add(time.Hour)
	admit(r, func(c *server.Callers) {
		c.Limits, c.APIKeys = server.Limits{}, []server.APIKey{key("news", keyNews, end), key("news", fresh, time.Time{})}
	})
	if a, b, c := state(keyNews), state(fresh), state(keyOther); a != 404 || b != 404 || c != 401 {
		t.Errorf("old %d, new %d, taken away %d", a, b, c)
	}
	r.clock.advance(time.Hour)
	if a, b := state(keyNews), state(fresh); a != 401 || b != 404 {
		t.Errorf("at the end of the old one: old %d, new %d", a, b)
	}
	for name, keys := range map[string][]server.APIKey{
		"none": nil, "empty": {key("news", "", time.Time{})}, "of two": {key("news", fresh, time.Time{}), key("other", fresh, time.Time{})},
	} {
		if err := r.server.Admit(server.Callers{APIKeys: keys}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if got := state(fresh); got != 404 {
		t.Errorf("after what was refused: %d", got)
	}
	b := r.do(call{method: "POST", url: baseURL + "/v1/requests", key: fresh, contentType: "application/json", body: `{"policy":"access","flow":"cross_device"}`})
	done := make(chan reply)
	go func() { // ends below
		done <- r.do(call{method: "GET", url: baseURL + "/v1/requests/" + b.field("id") + "/events", key: fresh})
	}()
	time.Sleep(50 * time.Millisecond)
	admit(r, nil) // the key is not in it
	select {
	case got := <-done:
		if !strings.Contains(string(got.body), `"open"`) {
			t.Errorf("the stream: %s", got.body)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the stream goes on")
	}
}
