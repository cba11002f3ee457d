package verifier_test

import (
	"net/http"
	"slices"
	"testing"

	"facet/audit"
	"facet/credentials/openid4vp"
	"facet/verifier"
)

// TestRenew replaces a platform's certificate while a request is open: that one
// is served and answered as it was begun, the next is under the new one.
func TestRenew(t *testing.T) {
	r := newRig(t)
	old := r.begin("access", "same_device")
	renewed := newIdentity(r.w.anchor, r.w.caKey, "Morgenblatt Verlag GmbH", "morgenblatt.example")
	if err := r.engine.Renew(t.Context(), "news", verifier.Identity{Signer: renewed.key, X5C: renewed.x5c}); err != nil {
		t.Fatal(err)
	}
	next := r.begin("access", "same_device")
	if r.ask(old).ClientID == r.ask(next).ClientID {
		t.Fatal("both requests are under the same certificate")
	}
	for _, b := range []begun{next, old} {
		if got := r.compose(b, twist{}).send(); got.status != http.StatusOK {
			t.Errorf("answer: %d %s", got.status, got.body)
		}
	}
	open := r.begin("access", "same_device")
	for range verifier.MaxIdentities {
		i := newIdentity(r.w.anchor, r.w.caKey, "Morgenblatt Verlag GmbH", "morgenblatt.example")
		if err := r.engine.Renew(t.Context(), "news", verifier.Identity{Signer: i.key, X5C: i.x5c}); err != nil {
			t.Fatal(err)
		}
	}
	r.do(call{method: "GET", url: open.uri}).want(t, http.StatusServiceUnavailable, "temporarily_unavailable", "unavailable")
	for name, err := range map[string]error{
		"unknown platform": r.engine.Renew(t.Context(), "nobody", verifier.Identity{Signer: renewed.key, X5C: renewed.x5c}),
		"no certificate":   r.engine.Renew(t.Context(), "news", verifier.Identity{Signer: renewed.key}),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestWeakerModes: whatever weakens a platform must be named, and is in the log.
func TestWeakerModes(t *testing.T) {
	strict := newRig(t)
	for name, change := range map[string]func(*verifier.Platform){
		"redirect_uri without its name": func(p *verifier.Platform) { p.Prefix = openid4vp.PrefixRedirectURI },
		"a DID nobody can sign for":     func(p *verifier.Platform) { p.Prefix = openid4vp.PrefixDID },
		"a certificate for another host": func(p *verifier.Platform) {
			p.Prefix = openid4vp.PrefixX509SANDNS
		},
	} {
		strict.change = change
		if err := strict.tryStart(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	r := newRig(t, func(r *rig) {
		r.change = func(p *verifier.Platform) {
			p.Prefix, p.InsecureUnsigned, p.InsecureUnencrypted = openid4vp.PrefixRedirectURI, true, true
		}
	})
	var last *audit.Config
	for _, e := range r.entries() {
		if c, ok := e.(*audit.Config); ok {
			last = c
		}
	}
	if last == nil {
		t.Fatal("no weakening is in the log")
	}
	if want := []string{"InsecureLoopback", "InsecureUnencrypted", "InsecureUnsigned"}; !slices.Equal(last.Weakenings, want) {
		t.Errorf("the log lists %q, want %q", last.Weakenings, want)
	}
}
