package e2e

import (
	"net/http"
	"sync/atomic"
)

// A gate stands before a host and can be shut: connections then break, as they
// do without a network, whoever emulates what in the browser.
type gate struct{ closed atomic.Bool }

func (g *gate) shut() { g.closed.Store(true) }
func (g *gate) open() { g.closed.Store(false) }

func (g *gate) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.closed.Load() {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
}
