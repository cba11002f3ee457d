package main

import (
	"fmt"
	"strings"
	"testing"

	"facet/fetch"
	"facet/wallet"
)

// TestTheHostCannotTurnTheTrustListBack: from its creation on the vault knows
// which list of the host's was used.
func TestTheHostCannotTurnTheTrustListBack(t *testing.T) {
	h := &memoryHost{}
	key, _ := begin(t, newSession(h))
	for config, refused := range map[string]bool{
		config1: false,
		strings.Replace(config1, `"name":"t"`, `"name":"t" `, 1):  false,
		strings.Replace(config1, `"version":7`, `"version":8`, 1): false,
		strings.Replace(config1, `"version":7`, `"version":6`, 1): true,
		strings.Replace(config1, `"name":"t"`, `"name":"u"`, 1):   true,
	} {
		h.config = config
		s := newSession(h)
		if _, err := callSession(t, s, "vault.open", key); err != nil {
			t.Fatalf("%s: it does not open for reading: %v", config, err)
		}
		if _, err := callSession(t, s, "ask", `{"url":"no request"}`); (wallet.ReasonOf(err) == wallet.CodeTrustRollback) != refused {
			t.Errorf("%s: %v", config, err)
		}
		if got, err := callSession(t, s, "home", `{}`); err != nil || refused != strings.Contains(fmt.Sprint(got["trust"]), "refused:true") {
			t.Errorf("%s: the first page says %v, %v", config, got["trust"], err)
		}
	}
}

// TestOnlyALoopbackWalletAllowsLoopback: the host's word alone does not turn a
// wallet towards its holder's own machine.
func TestOnlyALoopbackWalletAllowsLoopback(t *testing.T) {
	for origin, want := range map[string]bool{
		"http://wallet.localhost:8080": true, "http://localhost": true,
		"https://wallet.localhost": false, "https://wallet.example": false, "http://wallet.example": false,
		"http://localhost.evil.example": false, "http://evillocalhost": false,
	} {
		h := &memoryHost{config: strings.Replace(config1, "{", `{"insecure_loopback":true,`, 1)}
		s := newSession(h)
		var got bool
		s.origin, s.fetcher = origin, func(insecureLoopback bool) fetch.Fetcher {
			got = insecureLoopback
			return fetch.New(fetch.Config{})
		}
		begin(t, s)
		if got != want {
			t.Errorf("%q: %t", origin, got)
		}
	}
}
