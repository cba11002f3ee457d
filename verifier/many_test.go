package verifier_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"facet/audit"
	"facet/credentials"
	"facet/credentials/openid4vp"
	"facet/store"
	"facet/verifier"
)

// maxPlatform is what one resting platform may cost beyond its own
// configuration, in bytes.
const maxPlatform = 20_000

// TestManyPlatforms keeps ten thousand in one process, some with a DID, a trust
// list or a registration of their own: resting ones are cheap, and each works
// when it is asked for.
func TestManyPlatforms(t *testing.T) {
	const n = 10_000
	r, w := newRig(t), theWorld()
	registered, own := r.registered(w.register, subscription, nil, "tier"), credentials.TrustStore(w.trust)
	platforms := make([]verifier.Platform, n)
	for i := range platforms {
		platforms[i] = verifier.Platform{
			ID: fmt.Sprint("p", i), Name: "Morgenblatt", Signer: w.news.key, X5C: w.news.x5c, Policies: w.policies,
			ReturnURIs: []string{returnURI}, Wallets: []verifier.Wallet{{Name: "Facet", URL: "http://wallet.localhost:8080"}},
		}
		if i%2 == 1 { // with a trust list of its own
			platforms[i].Trust = own
		}
		if i%10 == 1 { // with a DID
			platforms[i].Prefix, platforms[i].X5C, platforms[i].Kid = openid4vp.PrefixDID, nil, didOf(w.news)+"#0"
		}
		if i%10 == 2 { // that has registered, which is compared at start
			platforms[i].Policies, platforms[i].Registrations, platforms[i].Registrars = w.only("access"), []string{registered}, w.trust
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	v, err := verifier.New(t.Context(), verifier.Config{
		Store: store.Memory(), Keys: store.Memory(), Log: r.log, Trust: w.trust, Now: time.Now, BaseURL: baseURL,
		LogInfo: openid4vp.LogInfo{Origin: r.log.Origin(), Key: r.log.VKey(), URL: baseURL + "/log/"}, Platforms: platforms, InsecureLoopback: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n; each > maxPlatform {
		t.Errorf("a platform costs %d bytes, at most %d are allowed", each, maxPlatform)
	}
	for _, i := range []int{0, 1, 2, n / 2, n - 1} {
		if _, err := v.Begin(t.Context(), verifier.BeginRequest{Platform: platforms[i].ID, Policy: "access", Flow: audit.CrossDevice}); err != nil {
			t.Errorf("%s: %v", platforms[i].ID, err)
		}
	}
	runtime.KeepAlive(platforms)
}
