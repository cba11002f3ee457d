package server

import (
	"net/http"
	"testing"
)

// TestCaller: behind a proxy on this machine people have buckets of their own;
// nobody else gets one by claiming another address.
func TestCaller(t *testing.T) {
	for _, tt := range []struct {
		name, remote string
		said         []string
		want         string
	}{
		{"directly", "203.0.113.7:4711", nil, "203.0.113.7"},
		{"directly, claiming another", "203.0.113.7:4711", []string{"198.51.100.1"}, "203.0.113.7"},
		{"a proxy here", "127.0.0.1:4711", []string{"198.51.100.1"}, "198.51.100.1"},
		{"a proxy here, IPv6", "[::1]:4711", []string{"2001:db8::1"}, "2001:db8::1"},
		{"a proxy here, and the caller claims another", "127.0.0.1:4711", []string{"192.0.2.9, 198.51.100.1"}, "198.51.100.1"},
		{"the same in two headers", "127.0.0.1:4711", []string{"192.0.2.9", "198.51.100.1"}, "198.51.100.1"},
		{"a proxy here that says nothing", "127.0.0.1:4711", nil, "127.0.0.1"},
		{"a proxy here that says nonsense", "127.0.0.1:4711", []string{"unknown"}, "127.0.0.1"},
	} {
		r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{"X-Forwarded-For": tt.said}}
		if got := caller(r); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
