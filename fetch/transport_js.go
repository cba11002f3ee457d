//go:build js

package fetch

import (
	"net/http"
	"net/netip"
)

// decoded: the browser decompresses and still shows the header.
const decoded = true

// newTransport returns net/http's transport over the platform's fetch.
func newTransport(Config) http.RoundTripper { return http.DefaultTransport }

// checkLiteral refuses every address: a page cannot see where it connects, and
// nobody honest names an address in a credential or a request.
func checkLiteral(netip.Addr) error {
	return refuse(ReasonBlocked, "an address instead of a name", nil)
}

// prepare sends no cookies and does not follow redirects: "manual" answers
// them with status 0.
func prepare(request *http.Request, r Request) {
	request.Header.Set("js.fetch:credentials", "omit")
	request.Header.Set("js.fetch:mode", "cors")
	redirect := "manual"
	if r.MaxRedirects > 0 && request.Method == http.MethodGet {
		redirect = "follow" // the browser counts; it keeps to https on its own
	}
	request.Header.Set("js.fetch:redirect", redirect)
}
