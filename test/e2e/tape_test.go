package e2e

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// A tape records every request a server got, bodies and headers included: what
// the host of a wallet could have learned.
type tape struct {
	mu   sync.Mutex
	rows []taped
}

type taped struct {
	method, url string
	header      http.Header
	body        []byte
}

func (r *tape) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(io.LimitReader(req.Body, 16<<20))
		if err != nil {
			http.Error(w, "reading", http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		r.rows = append(r.rows, taped{req.Method, req.Host + req.URL.String(), req.Header.Clone(), body})
		r.mu.Unlock()
		req.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, req)
	})
}

// requests returns what was asked below a path, such as "POST …/api/".
func (r *tape) requests(method, part string) (rows []taped) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, row := range r.rows {
		if row.method == method && strings.Contains(row.url, part) {
			rows = append(rows, row)
		}
	}
	return rows
}

// holds says where a word appears in what the server got, or "".
func (r *tape) holds(word string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, row := range r.rows {
		if strings.Contains(row.url, word) || bytes.Contains(row.body, []byte(word)) {
			return row.method + " " + row.url
		}
		for k, vs := range row.header {
			if strings.Contains(strings.Join(vs, " "), word) {
				return row.method + " " + row.url + " header " + k
			}
		}
	}
	return ""
}

// listen takes a free port of this machine and returns the origin a host name
// below .localhost has there. serve answers on it until the test ends.
func listen(t *testing.T, host string) (origin string, serve func(http.Handler)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{ReadHeaderTimeout: 10 * time.Second}
	t.Cleanup(func() { s.Close() })
	return "http://" + host + ":" + port, func(h http.Handler) {
		s.Handler = h
		go s.Serve(l) // ends with Close above
	}
}
