package client_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"facet/verifier/client"
	"facet/verifier/server"
)

// TestEventsComeBack: a stream that is cut after its first event is opened
// again, and no state is told twice.
func TestEventsComeBack(t *testing.T) {
	r := newRig(t)
	c := r.client()
	b := begin(t, c)
	var streams atomic.Int32
	r.onRoad(func(w http.ResponseWriter, req *http.Request) bool {
		if strings.HasSuffix(req.URL.Path, "/events") && streams.Add(1) <= 2 {
			ctx, cut := context.WithTimeout(req.Context(), 200*time.Millisecond)
			defer cut()
			r.http.ServeHTTP(w, req.WithContext(ctx))
			panic(http.ErrAbortHandler)
		}
		return false
	})
	var states []client.State
	for s, err := range c.Events(t.Context(), b.ID) {
		if err != nil {
			t.Fatal(err)
		}
		if states = append(states, s); s == client.Open {
			go func() {
				time.Sleep(time.Second)
				r.approve(b.Links[0].URL)
			}()
		}
	}
	for i := range states {
		if i > 0 && states[i] == states[i-1] {
			t.Errorf("told twice: %v", states)
		}
	}
	if streams.Load() < 3 || states[len(states)-1] != client.Released {
		t.Errorf("%v over %d streams", states, streams.Load())
	}
}

// TestEventsPoll: with no stream to be had, the client asks.
func TestEventsPoll(t *testing.T) {
	r := newRig(t)
	c := r.client()
	b := begin(t, c)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	r.onRoad(nil)
	for range server.MaxStreamsEach {
		go func() {
			for range c.Events(ctx, b.ID) {
			}
		}()
	}
	full := func() bool {
		req, _ := http.NewRequest(http.MethodGet, r.url, nil)
		req.URL.Path = "/v1/requests/" + b.ID + "/events"
		req.Header.Set("Authorization", "Bearer "+apiKey)
		req.URL.Host = "127.0.0.1" + req.URL.Host[strings.LastIndexByte(req.URL.Host, ':'):]
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusServiceUnavailable
	}
	for r.calls("GET") < server.MaxStreamsEach {
		time.Sleep(50 * time.Millisecond)
	}
	for end := time.Now().Add(20 * time.Second); !full(); time.Sleep(500 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("there are always streams")
		}
	}
	r.onRoad(nil)
	var states []client.State
	for s, err := range c.Events(t.Context(), b.ID) {
		if err != nil {
			t.Fatal(err)
		}
		if states = append(states, s); s == client.Open {
			r.approve(b.Links[0].URL)
		}
	}
	if states[len(states)-1] != client.Released || r.calls("GET /v1/requests/"+b.ID) < 2 {
		t.Errorf("states: %v", states)
	}
}

// TestEventsEnd: with the context, with the listener, and when a stream is
// none and polling fails.
func TestEventsEnd(t *testing.T) {
	r := newRig(t)
	c := r.client()
	b := begin(t, c)
	ctx, stop := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer stop()
	for s, err := range c.Events(ctx, b.ID) {
		if s != client.Open || err != nil {
			t.Errorf("%s, %v", s, err)
		}
	}
	for range c.Events(t.Context(), b.ID) {
		break
	}
	r.onRoad(func(w http.ResponseWriter, req *http.Request) bool {
		if strings.HasSuffix(req.URL.Path, "/events") {
			fmt.Fprint(w, "a page")
			return true
		}
		w.WriteHeader(http.StatusGone)
		return true
	})
	n := 0
	for _, err := range c.Events(t.Context(), b.ID) {
		if n++; client.CodeOf(err) != "http_410" {
			t.Errorf("got %v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d times", n)
	}
}

// TestEventsReading: the wire format, by a stream of somebody else's making.
func TestEventsReading(t *testing.T) {
	r := newRig(t)
	for name, tt := range map[string]struct {
		stream string
		want   string
	}{
		"comments, ids, fields of others": {": hello\nretry: 100\n\nid: 7\nevent: state\nunknown: x\ndata: {\"state\":\"open\"}\n\ndata:{\"state\":\"released\"}\n\n", "[open released]"},
		"carriage returns":                {"data: {\"state\":\"open\"}\r\n\r\ndata: {\"state\":\"refused\"}\r\n\r\n", "[open refused]"},
		"cut in the middle, then goes on": {"data: {\"state\":\"open\"}\n\ndata: {\"state\":\"rele", "[open released]"},
		"no JSON":                         {"data: open\n\ndata: {\"state\":\"expired\"}\n\n", "[expired]"},
	} {
		t.Run(name, func(t *testing.T) {
			var n atomic.Int32
			var lastID atomic.Value
			r.onRoad(func(w http.ResponseWriter, req *http.Request) bool {
				w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
				lastID.Store(req.Header.Get("Last-Event-ID"))
				if n.Add(1) == 1 {
					fmt.Fprint(w, tt.stream)
				} else {
					fmt.Fprint(w, "data: {\"state\":\"released\"}\n\n")
				}
				return true
			})
			var states []client.State
			for s, err := range r.client().Events(t.Context(), "x") {
				if err != nil {
					t.Fatal(err)
				}
				states = append(states, s)
			}
			if fmt.Sprint(states) != tt.want {
				t.Errorf("got %v, want %s", states, tt.want)
			}
		})
	}
	var ids []string
	r.onRoad(func(w http.ResponseWriter, req *http.Request) bool {
		w.Header().Set("Content-Type", "text/event-stream")
		if ids = append(ids, req.Header.Get("Last-Event-ID")); len(ids) == 1 {
			fmt.Fprint(w, "retry: 1\nid: 7\ndata: {\"state\":\"open\"}\n\n")
		} else {
			fmt.Fprint(w, "data: {\"state\":\"expired\"}\n\n")
		}
		return true
	})
	for range r.client().Events(t.Context(), "x") {
	}
	if fmt.Sprint(ids) != "[ 7]" {
		t.Errorf("Last-Event-ID: %q", ids)
	}
}

// TestEventsWithoutEnd: neither a line nor an event fills the memory.
func TestEventsWithoutEnd(t *testing.T) {
	r := newRig(t)
	for name, stream := range map[string]string{
		"a line":       "data: " + strings.Repeat("x", client.MaxEvent) + "\n\n",
		"lines of one": strings.Repeat("data: "+strings.Repeat("x", 1<<10)+"\n", client.MaxEvent>>10+1),
	} {
		r.onRoad(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, stream+"data: {\"state\":\"released\"}\n\n")
			return true
		})
		for s, err := range r.client().Events(t.Context(), "x") {
			if err == nil {
				t.Errorf("%s: read, and then %s", name, s)
			}
		}
		if n := r.calls("GET"); n != 1 {
			t.Errorf("%s: tried %d times", name, n)
		}
	}
}
