package server

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestNoPlatformTakesEveryStream: one platform's open streams leave room for the
// others', and a closed one makes room again.
func TestNoPlatformTakesEveryStream(t *testing.T) {
	if MaxStreamsEach >= MaxStreams {
		t.Fatal("one platform may take them all")
	}
	p := newPlaces(3)
	for _, step := range []struct {
		name string
		want bool
	}{{"greedy", true}, {"greedy", true}, {"greedy", false}, {"other", true}, {"third", false}} {
		if got := p.take(step.name, 2); got != step.want {
			t.Errorf("%s got a place: %t", step.name, got)
		}
	}
	p.leave("greedy")
	if !p.take("third", 2) || p.take("greedy", 2) {
		t.Error("the place that was left is not the next one's")
	}
	for _, name := range []string{"greedy", "other", "third"} {
		p.leave(name)
	}
	if len(p.taken) != 0 || p.sum != 0 {
		t.Errorf("%d names are remembered, %d places taken", len(p.taken), p.sum)
	}
}

func addr(text string) subject {
	return subject{prefix: netip.MustParsePrefix(text), budget: budgetWallet}
}

// TestBudget: a minute's worth at once, then one for each fraction of a minute
// that passed, never more than a minute's worth, and the wait is to the instant.
func TestBudget(t *testing.T) {
	l, now, who := newLimiter(), time.Unix(1_800_000_000, 0), addr("192.0.2.1/32")
	take := func(n int) (got int, wait time.Duration) {
		for range n {
			ok, w := l.allow(who, 60, now)
			if wait = w; ok {
				got++
			}
		}
		return got, wait
	}
	if got, wait := take(70); got != 60 || wait != time.Second {
		t.Fatalf("%d at once, then wait %v", got, wait)
	}
	if now = now.Add(time.Second - 1); true {
		if got, wait := take(1); got != 0 || wait != 1 {
			t.Errorf("%d a moment early, wait %v", got, wait)
		}
	}
	now = now.Add(1)
	if got, _ := take(5); got != 1 {
		t.Errorf("%d after a second", got)
	}
	now = now.Add(time.Hour)
	if got, _ := take(100); got != 60 {
		t.Errorf("%d after an hour", got)
	}
	if ok, _ := l.allow(subject{prefix: who.prefix, budget: budgetLog}, 60, now); !ok {
		t.Error("one budget is used up by another")
	}
	if ok, _ := l.allow(addr("192.0.2.2/32"), 60, now); !ok {
		t.Error("one address's budget is used up by another's")
	}
	if ok, _ := l.allow(who, -1, now); ok {
		t.Error("a negative limit allows")
	}
}

// TestFloodOfAddresses sends 300,000 addresses through a limiter: it remembers
// no more than MaxTracked, and who used up a budget before is still refused.
func TestFloodOfAddresses(t *testing.T) {
	l, now := newLimiter(), time.Unix(1_800_000_000, 0)
	greedy := addr("192.0.2.1/32")
	for range 60 {
		l.allow(greedy, 60, now)
	}
	for i := range 300_000 {
		a := netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, byte(i >> 16), byte(i >> 8), byte(i)})
		if ok, _ := l.allow(subject{prefix: netip.PrefixFrom(a, 64), budget: budgetWallet}, 60, now); !ok {
			t.Fatal("a new address is refused")
		}
		if i%1000 == 0 {
			if ok, _ := l.allow(greedy, 60, now); ok {
				t.Fatalf("after %d addresses the greedy one is forgotten", i)
			}
		}
	}
	if n := l.tracked(); n != MaxTracked {
		t.Errorf("%d are remembered, at most %d may be", n, MaxTracked)
	}
	inMaps := 0
	for i := range l.shard {
		inMaps += len(l.shard[i].at)
	}
	if inMaps != MaxTracked {
		t.Errorf("%d are found by name", inMaps)
	}
}

// TestClientAddress: X-Forwarded-For counts only as far as trusted proxies wrote
// it.
func TestClientAddress(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, tt := range map[string]struct {
		remote string
		xff    []string
		want   string
	}{
		"direct":                          {"198.51.100.7:4711", nil, "198.51.100.7"},
		"a header nobody asked for":       {"198.51.100.7:4711", []string{"203.0.113.9"}, "198.51.100.7"},
		"behind a proxy":                  {"10.1.2.3:80", []string{"203.0.113.9"}, "203.0.113.9"},
		"behind two":                      {"10.1.2.3:80", []string{"203.0.113.9, 10.9.9.9"}, "203.0.113.9"},
		"in two headers":                  {"10.1.2.3:80", []string{"203.0.113.9", "10.9.9.9"}, "203.0.113.9"},
		"a client that lies":              {"10.1.2.3:80", []string{"192.0.2.66, 203.0.113.9"}, "203.0.113.9"},
		"a client that claims a proxy":    {"10.1.2.3:80", []string{"192.0.2.66, 10.7.7.7, 203.0.113.9"}, "203.0.113.9"},
		"a client that writes no address": {"10.1.2.3:80", []string{"<script>"}, "10.1.2.3"},
		"nonsense before the proxy":       {"10.1.2.3:80", []string{"nonsense, 203.0.113.9"}, "203.0.113.9"},
		"an empty header":                 {"10.1.2.3:80", []string{""}, "10.1.2.3"},
		"the proxy itself":                {"10.1.2.3:80", nil, "10.1.2.3"},
		"a proxy by IPv6":                 {"[fd00::1]:80", []string{"2001:db8::5"}, "2001:db8::5"},
		"IPv4 written as IPv6":            {"[::ffff:198.51.100.7]:1", nil, "198.51.100.7"},
		"IPv4 as IPv6, forwarded":         {"10.1.2.3:80", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		"with a zone":                     {"[fe80::1%eth0]:1", nil, "fe80::1"},
		"no address at all":               {"@", nil, "invalid IP"},
		"more proxies than are believed":  {"10.1.2.3:80", []string{"203.0.113.9" + strings.Repeat(", 10.0.0.1", 20)}, "10.0.0.1"},
	} {
		r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{}}
		for _, v := range tt.xff {
			r.Header.Add("X-Forwarded-For", v)
		}
		if got := client(r, trusted).String(); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// TestPrefixes: what is one caller, and what are its surroundings.
func TestPrefixes(t *testing.T) {
	for in, want := range map[string]string{
		"198.51.100.7":      "198.51.100.7/32 198.51.100.0/24",
		"2001:db8:1:2:3::4": "2001:db8:1:2::/64 2001:db8:1::/48",
	} {
		narrow, wide := prefixes(netip.MustParseAddr(in))
		if got := fmt.Sprint(narrow, " ", wide); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	a, b := prefixes(netip.Addr{})
	if a != b || a != (netip.Prefix{}) {
		t.Error("addresses that cannot be read are not one caller")
	}
}

// TestLimiterCostsNothing: no allocation a request, whatever the headers hold.
func TestLimiterCostsNothing(t *testing.T) {
	l, now := newLimiter(), time.Now()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	r := &http.Request{RemoteAddr: "10.1.2.3:80", Header: http.Header{"X-Forwarded-For": {"192.0.2.66, 203.0.113.9, 10.2.2.2"}}}
	once := func() {
		narrow, wide := prefixes(client(r, trusted))
		l.allow(subject{prefix: narrow, budget: budgetWallet}, 600, now)
		l.allow(subject{prefix: wide, budget: budgetWallet}, 2400, now)
	}
	if n := testing.AllocsPerRun(1000, once); n > 0 {
		t.Errorf("%v allocations a request", n)
	}
}

func BenchmarkLimiter(b *testing.B) {
	l, now := newLimiter(), time.Now()
	r := &http.Request{RemoteAddr: "198.51.100.7:4711", Header: http.Header{}}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			narrow, wide := prefixes(client(r, nil))
			l.allow(subject{prefix: narrow, budget: budgetWallet}, 600, now)
			l.allow(subject{prefix: wide, budget: budgetWallet}, 2400, now)
		}
	})
}

func BenchmarkLimiterFlood(b *testing.B) {
	l, now := newLimiter(), time.Now()
	b.ReportAllocs()
	for i := range b.N {
		a := netip.AddrFrom16([16]byte{0x20, 0x01, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)})
		l.allow(subject{prefix: netip.PrefixFrom(a, 64), budget: budgetWallet}, 600, now)
	}
}

// TestLimiterTogether: with many callers at once exactly the budget is spent.
func TestLimiterTogether(t *testing.T) {
	l, now, who := newLimiter(), time.Now(), addr("192.0.2.1/32")
	var mu sync.Mutex
	got := 0
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 100 {
				if ok, _ := l.allow(who, 600, now); ok {
					mu.Lock()
					got++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if got != 600 {
		t.Errorf("%d of a budget of 600", got)
	}
}
