package verifier_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/policy"
	"facet/verifier"
)

// registered is a registration certificate for the newspaper that covers these
// claims of memberships, for one purpose in the register's words.
func (r *rig) registered(by identity, purpose string, change map[string]any, tiers ...string) string {
	r.t.Helper()
	claimed := []any{}
	for _, name := range tiers {
		claimed = append(claimed, map[string]any{"path": []any{name}})
	}
	m := map[string]any{
		"name": "Morgenblatt", "sub": "NTRDE-HRB12345", "sub_ln": "Morgenblatt Verlag GmbH", "country": "DE",
		"iat": r.clock.Now().Unix(), "exp": r.clock.Now().Add(24 * time.Hour).Unix(),
		"purpose":     []any{map[string]any{"lang": "en", "value": purpose}},
		"credentials": []any{map[string]any{"format": "dc+sd-jwt", "meta": map[string]any{"vct_values": []any{vctMember}}, "claim": claimed}},
	}
	for name, v := range change {
		m[name] = v
	}
	payload, err := json.Marshal(m)
	check(err)
	out, err := jose.Sign(r.t.Context(), by.key, map[string]any{"typ": openid4vp.RegistrationType, "x5c": by.x5c}, payload)
	check(err)
	return out
}

const (
	subscription = "Access with your subscription" // the label of the purpose of policy access
	front        = "A front page to your liking"
)

// only keeps the policies with these short names.
func (w *world) only(names ...string) (out []*policy.Policy) {
	for _, p := range w.policies {
		if slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(p.ID, "/"+n) }) {
			out = append(out, p)
		}
	}
	return out
}

// TestRegistrationAtStart: a platform that would ask for more than it registered
// does not start, and is told what.
func TestRegistrationAtStart(t *testing.T) {
	w := theWorld()
	for name, tt := range map[string]struct {
		registrations func(*rig) []string
		policies      []string
		anybody       bool // no registrar is configured
		change        func(*verifier.Platform)
		reason        string
		says          []string
	}{
		"covered": {func(r *rig) []string { return []string{r.registered(w.register, subscription, nil, "tier")} }, []string{"access"}, false, nil, "", nil},
		"in words of the register's own": {func(r *rig) []string { return []string{r.registered(w.register, "Readers", nil, "tier")} },
			[]string{"access"}, false, nil, "", nil},
		"another claim": {func(r *rig) []string { return []string{r.registered(w.register, subscription, nil, "valid_until")} },
			[]string{"access"}, false, nil, "overasking", []string{"morgenblatt.example/access", vctMember + ` ["tier"]`}},
		"no claim": {func(r *rig) []string { return []string{r.registered(w.register, subscription, nil)} },
			[]string{"access"}, false, nil, "registration_malformed", nil},
		"another purpose": {func(r *rig) []string { return []string{r.registered(w.register, front, nil, "tier")} },
			[]string{"access"}, false, nil, "overasking", []string{"the purpose subscription"}},
		"one policy of two": {func(r *rig) []string { return []string{r.registered(w.register, subscription, nil, "tier")} },
			[]string{"access", "agegate"}, false, nil, "overasking", []string{"morgenblatt.example/agegate", "urn:facet:age:1"}},
		"each use its own": {func(r *rig) []string {
			return []string{
				r.registered(w.register, subscription, nil, "tier"),
				r.registered(w.register, "Age check for this content", map[string]any{"credentials": []any{map[string]any{
					"format": "dc+sd-jwt", "meta": map[string]any{"vct_values": []any{"urn:facet:age:1"}},
					"claim": []any{map[string]any{"path": []any{"age_equal_or_over"}}}}}}),
			}
		}, []string{"access", "agegate"}, false, nil, "", nil},
		"somebody else's": {func(r *rig) []string {
			return []string{r.registered(w.register, subscription, map[string]any{"sub_ln": "Abendpost"}, "tier")}
		}, []string{"access"}, false, nil, "registration_mismatch", nil},
		"of a register nobody knows": {func(r *rig) []string { return []string{r.registered(w.issuer, subscription, nil, "tier")} },
			[]string{"access"}, false, nil, "registrar_unknown", nil},
		"of a register, none being known": {func(r *rig) []string { return []string{r.registered(w.issuer, subscription, nil, "tier")} },
			[]string{"access"}, true, nil, "", nil},
		"forged, none being known": {func(r *rig) []string {
			return []string{r.registered(identity{w.other.key, w.register.x5c}, subscription, nil, "tier")}
		}, []string{"access"}, true, nil, "registration_invalid", nil},
		"ended, none being known": {func(r *rig) []string {
			return []string{r.registered(w.register, subscription, map[string]any{"iat": 1700000000, "exp": 1700000100}, "tier")}
		}, []string{"access"}, true, nil, "registration_expired", nil},
		"no token": {func(*rig) []string { return []string{"x"} }, []string{"access"}, false, nil, "jose_type_confusion", nil},
		"under a DID that is not registered": {func(r *rig) []string { return []string{r.registered(w.register, subscription, nil, "tier")} },
			[]string{"access"}, false, func(p *verifier.Platform) { p.Prefix, p.X5C, p.Kid = openid4vp.PrefixDID, nil, didOf(w.news)+"#0" }, "registration_mismatch", nil},
		"under a DID": {func(r *rig) []string {
			return []string{r.registered(w.register, subscription, map[string]any{"sub": didOf(w.news)}, "tier")}
		}, []string{"access"}, false, func(p *verifier.Platform) { p.Prefix, p.X5C, p.Kid = openid4vp.PrefixDID, nil, didOf(w.news)+"#0" }, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.change = func(p *verifier.Platform) {
				p.Policies, p.Registrations, p.Registrars = w.only(tt.policies...), tt.registrations(r), w.trust
				if tt.anybody {
					p.Registrars = nil
				}
				if tt.change != nil {
					tt.change(p)
				}
			}
			err := r.tryStart()
			var e interface{ Reason() string }
			if tt.reason == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.As(err, &e) || e.Reason() != tt.reason {
				t.Fatalf("got %v, want %s", err, tt.reason)
			}
			for _, s := range tt.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%v does not say %s", err, s)
				}
			}
		})
	}
}

// TestRegistrationTravels: the certificate that covers the policy stands beside
// the offer, is about every query of it, and ends with its date.
func TestRegistrationTravels(t *testing.T) {
	w := theWorld()
	r := newRig(t)
	ages, member := r.registered(w.register, "Age check for this content", map[string]any{"credentials": []any{map[string]any{
		"format": "dc+sd-jwt", "meta": map[string]any{"vct_values": []any{"urn:facet:age:1"}},
		"claim": []any{map[string]any{"path": []any{"age_equal_or_over", "18"}}}}}}), r.registered(w.register, subscription, nil, "tier")
	r.change = func(p *verifier.Platform) {
		p.Policies, p.Registrations, p.Registrars = w.only("access", "agegate"), []string{ages, member}, w.trust
	}
	r.start()
	b := r.begin("access", "same_device")
	req := r.ask(b)
	if len(req.VerifierInfo) != 2 || req.VerifierInfo[0].Format != openid4vp.OfferFormat || req.VerifierInfo[1].Data != member ||
		!slices.Equal(req.VerifierInfo[1].CredentialIDs, []string{"member"}) {
		t.Errorf("verifier_info: %+v", req.VerifierInfo)
	}
	seen, err := req.Registrations(t.Context(), w.trust, "subscription")
	if err != nil || seen == nil || len(seen.By) != 1 || len(seen.Beyond) != 0 || seen.Purpose != "" || seen.By[0].Registrar.Name != "Medienregister" {
		t.Errorf("a wallet sees %+v, %v", seen, err)
	}
	if got := r.compose(b, twist{}).send(); got.status != http.StatusOK {
		t.Errorf("answer: %d %s", got.status, got.body)
	}
	if got := r.ask(r.beginFor(keyOther, "access", "same_device")); len(got.VerifierInfo) != 1 {
		t.Errorf("a platform without registration sends %d entries", len(got.VerifierInfo))
	}
	open := r.begin("access", "same_device")
	r.clock.advance(24*time.Hour + 2*time.Minute)
	defer r.clock.advance(-24*time.Hour - 2*time.Minute)
	if a := r.do(call{method: "GET", url: open.uri}); a.status == http.StatusOK {
		t.Error("a request that was open for a day was served")
	}
	if a := r.api(keyNews, "POST", "/v1/requests", `{"policy":"access","flow":"cross_device"}`); a.status == http.StatusCreated || a.field("code") != "registration_expired" {
		t.Errorf("after its end: %d %s", a.status, a.body)
	}
}

// TestRegistrationAtRenewal: neither a new identity nor a new configuration gets
// round the registration.
func TestRegistrationAtRenewal(t *testing.T) {
	w := theWorld()
	r := newRig(t)
	good, narrow := r.registered(w.register, subscription, nil, "tier"), r.registered(w.register, subscription, nil, "valid_until")
	platform := func(p *verifier.Platform) {
		p.Policies, p.Registrations, p.Registrars = w.only("access"), []string{good}, w.trust
	}
	r.change = platform
	r.start()
	same := verifier.Identity{Signer: w.news.key, X5C: w.news.x5c}
	foreign := verifier.Identity{Signer: w.other.key, X5C: w.other.x5c}
	for name, tt := range map[string]struct {
		id     verifier.Identity
		reason string
	}{
		"the same":                  {same, ""},
		"another organisation":      {foreign, "registration_mismatch"},
		"a narrower registration":   {verifier.Identity{Signer: w.news.key, X5C: w.news.x5c, Registrations: []string{narrow}}, "overasking"},
		"that one and the old one":  {verifier.Identity{Signer: w.news.key, X5C: w.news.x5c, Registrations: []string{narrow, good}}, ""},
		"none, which is the config": {same, ""},
	} {
		err := r.engine.Renew(t.Context(), "news", tt.id)
		var e interface{ Reason() string }
		if (err == nil) != (tt.reason == "") || err != nil && (!errors.As(err, &e) || e.Reason() != tt.reason) {
			t.Errorf("%s: %v, want %q", name, err, tt.reason)
		}
	}
	next := verifier.Platform{
		ID: "news", Name: "Morgenblatt", ReturnURIs: []string{returnURI}, Signer: w.news.key, X5C: w.news.x5c,
		Policies: w.only("access", "agegate"), Registrations: []string{good}, Registrars: w.trust,
		Wallets: []verifier.Wallet{{Name: "Facet", URL: "http://wallet.localhost:8080"}},
	}
	if err := r.engine.Reconfigure(t.Context(), []verifier.Platform{next}); err == nil || !strings.Contains(err.Error(), "agegate") {
		t.Errorf("a wider policy: %v", err)
	}
	if next.Policies = w.only("access"); r.engine.Reconfigure(t.Context(), []verifier.Platform{next}) != nil {
		t.Error("the same policy was refused")
	}
	for range verifier.MaxIdentities { // renewing with the same key takes its own place
		if err := r.engine.Renew(t.Context(), "news", same); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.ask(r.begin("access", "same_device")).VerifierInfo) != 2 {
		t.Error("the registration is gone")
	}
	platformless := verifier.Identity{Signer: w.news.key, X5C: w.news.x5c, Registrations: make([]string, verifier.MaxRegistrations+1)}
	if err := r.engine.Renew(t.Context(), "news", platformless); err == nil {
		t.Error("any number of certificates was taken")
	}
}
