package e2e

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// TestTrustListInSight: a list of whom the wallet trusts that its host has
// altered is refused in plain words, and a new one is taken in plain words.
func TestTrustListInSight(t *testing.T) {
	var list atomic.Value
	list.Store(emptyTrust)
	w := startWallet(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/api/config" {
				next.ServeHTTP(rw, r)
				return
			}
			rw.Header().Set("Content-Type", "application/json")
			_, _ = rw.Write([]byte(`{"trust":` + list.Load().(string) + `,"insecure_loopback":true,"logs":[]}`))
		})
	})
	say := texts(t, "de")
	device := startBrowser(t).device(t, phone)
	device.allow("status of 40[14]")
	w.enrol(t, device)

	list.Store(strings.Replace(emptyTrust, "leer", "anders", 1))
	device.open(w.origin + "/home")
	device.press(say["unlock.open"])
	device.awaitText(say["trust.refused"])
	device.shot("wallet-trust-refused")
	device.open(w.origin + "/authorize#client_id=x509_hash%3Aabc&request_uri=http%3A%2F%2Fnobody.localhost%2F1")
	device.press(say["unlock.open"])
	device.awaitText(say["error.trust_list_rollback"])
	device.awaitText(say["error.trust_list_rollback.do"])

	list.Store(strings.Replace(emptyTrust, `"version":1`, `"version":2`, 1))
	device.open(w.origin + "/home")
	device.press(say["unlock.open"])
	_, words, _ := strings.Cut(say["trust.changed"], "{date} ")
	device.awaitText(words)
	device.shot("wallet-trust-changed")
}
