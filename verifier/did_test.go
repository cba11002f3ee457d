package verifier_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"facet/credentials"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/verifier"
)

// documents is what DID URLs resolve to.
type documents map[string]*jose.PublicKey

func (d documents) Resolve(_ context.Context, didURL string) (*jose.PublicKey, error) {
	if k := d[didURL]; k != nil {
		return k, nil
	}
	return nil, errors.New("no such document")
}

const newsDID = "did:web:morgenblatt.example"

// TestDIDAtStart: a platform whose DID does not say what it must never asks.
func TestDIDAtStart(t *testing.T) {
	w := theWorld()
	web := documents{newsDID + "#1": w.news.key.Public(), newsDID + "#2": w.other.key.Public()}
	for name, tt := range map[string]struct {
		change func(*verifier.Platform)
		dids   openid4vp.KeyResolver
		want   string // in the error
	}{
		"did:jwk":               {func(p *verifier.Platform) { p.Kid = didOf(w.news) + "#0" }, nil, ""},
		"did:web":               {func(p *verifier.Platform) { p.Kid = newsDID + "#1" }, web, ""},
		"another's did:jwk":     {func(p *verifier.Platform) { p.Kid = didOf(w.other) + "#0" }, nil, "did_key_mismatch"},
		"another key of it":     {func(p *verifier.Platform) { p.Kid = newsDID + "#2" }, web, "did_key_mismatch"},
		"no document":           {func(p *verifier.Platform) { p.Kid = newsDID + "#3" }, web, "did_unresolved"},
		"did:web without a way": {func(p *verifier.Platform) { p.Kid = newsDID + "#1" }, nil, "did_method_unsupported"},
		"no name of the key":    {func(p *verifier.Platform) { p.Kid = newsDID }, web, "did_malformed"},
		"no DID":                {func(p *verifier.Platform) { p.Kid = "morgenblatt.example#1" }, web, "did_malformed"},
		"nothing":               {func(p *verifier.Platform) {}, web, "verification method"},
		"one beside a certificate": {func(p *verifier.Platform) {
			p.Prefix, p.X5C, p.Kid = "", w.news.x5c, newsDID+"#1"
		}, web, "verification method"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.dids = tt.dids
			r.change = func(p *verifier.Platform) {
				p.Prefix, p.X5C = openid4vp.PrefixDID, nil
				tt.change(p)
			}
			err := r.tryStart()
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestDIDRenewal changes the key of a DID while a request is open. Both requests
// are of one client, and one key signs for it; a key the document does not have
// changes nothing.
func TestDIDRenewal(t *testing.T) {
	w := theWorld()
	next := newIdentity(w.anchor, w.caKey, "Morgenblatt Verlag GmbH", "morgenblatt.example")
	web := documents{newsDID + "#1": w.news.key.Public()}
	r := newRig(t, func(r *rig) {
		r.dids = web
		r.change = func(p *verifier.Platform) { p.Prefix, p.X5C, p.Kid = openid4vp.PrefixDID, nil, newsDID+"#1" }
	})
	kid := func(b begun) string {
		token, err := jose.Parse(string(r.do(call{method: "GET", url: b.uri}).body), jose.Rule{Typ: []string{openid4vp.RequestType}, AllowX5C: true})
		if err != nil {
			t.Fatal(err)
		}
		if token.Header().X5C != nil || token.UnverifiedClaims()["client_id"] != "decentralized_identifier:"+newsDID {
			t.Errorf("header %+v, client %v", token.Header(), token.UnverifiedClaims()["client_id"])
		}
		return token.Header().Kid
	}
	old := r.begin("access", "same_device")
	renewed := verifier.Identity{Signer: next.key, Kid: newsDID + "#2"}
	if err := r.engine.Renew(t.Context(), "news", renewed); err == nil {
		t.Error("a key nobody can look up was taken")
	}
	if got := kid(old); got != newsDID+"#1" {
		t.Errorf("signed with %s", got)
	}
	web[newsDID+"#2"] = next.key.Public()
	if err := r.engine.Renew(t.Context(), "news", renewed); err != nil {
		t.Fatal(err)
	}
	for _, b := range []begun{old, r.begin("access", "same_device")} {
		if got := kid(b); got != newsDID+"#2" {
			t.Errorf("signed with %s", got)
		}
	}
	elsewhere := verifier.Identity{Signer: next.key, X5C: next.x5c}
	if err := r.engine.Renew(t.Context(), "news", elsewhere); err == nil {
		t.Error("a certificate took the place of a DID")
	}
}

// reasonIn is the outermost reason in err.
func reasonIn(err error) string { return append(reasons(err), "")[0] }

// away is what a site that cannot be reached answers.
type away struct{}

func (away) Error() string  { return "nobody there" }
func (away) Reason() string { return "network" }

// A site serves DID documents, or is down.
type site struct {
	documents
	down bool
}

func (s *site) Resolve(ctx context.Context, didURL string) (*jose.PublicKey, error) {
	if s.down {
		return nil, away{}
	}
	return s.documents.Resolve(ctx, didURL)
}

// TestDIDSiteDown starts, renews and reconfigures while the site with the DID
// document is down: that platform alone waits, what it has goes on, and it asks
// as soon as the document is there, unless that names another key.
func TestDIDSiteDown(t *testing.T) {
	w := theWorld()
	next := newIdentity(w.anchor, w.caKey, "Morgenblatt Verlag GmbH", "morgenblatt.example")
	web := &site{documents{newsDID + "#1": w.other.key.Public()}, true}
	r := newRig(t, func(r *rig) {
		r.dids = web
		r.change = func(p *verifier.Platform) { p.Prefix, p.X5C, p.Kid = openid4vp.PrefixDID, nil, newsDID+"#1" }
	})
	refused := func(when string) {
		t.Helper()
		got := r.api(keyNews, "POST", "/v1/requests", `{"policy":"access","flow":"cross_device"}`)
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || !strings.Contains(string(got.body), `"platform_unavailable"`) {
			t.Errorf("%s: %d %s", when, got.status, got.body)
		}
		if ids := r.engine.Unavailable(); len(ids) != 1 || ids[0] != "news" {
			t.Errorf("%s: unavailable are %v", when, ids)
		}
	}
	refused("at start")
	r.beginFor(keyOther, "access", "same_device")
	if failed := r.engine.Prove(t.Context()); failed["news"] == nil || len(failed) != 1 {
		t.Errorf("still down: %v", failed)
	}
	web.down = false
	if failed := r.engine.Prove(t.Context()); !strings.Contains(fmt.Sprint(failed["news"]), "did_key_mismatch") {
		t.Errorf("another's key: %v", failed)
	}
	refused("with another's key")
	web.documents[newsDID+"#1"] = w.news.key.Public()
	if failed := r.engine.Prove(t.Context()); len(failed) != 0 {
		t.Errorf("it is there: %v", failed)
	}
	old := r.begin("access", "same_device")

	web.down = true // what is proven stays so
	if failed := r.engine.Prove(t.Context()); len(failed) != 0 || len(r.engine.Unavailable()) != 0 {
		t.Errorf("down again: %v", failed)
	}
	if err := r.engine.Reconfigure(t.Context(), r.platforms()); err != nil {
		t.Fatal(err)
	}
	r.begin("access", "same_device")
	renewed := verifier.Identity{Signer: next.key, Kid: newsDID + "#2"}
	if err := r.engine.Renew(t.Context(), "news", renewed); reasonIn(err) != verifier.ReasonPlatformUnavailable {
		t.Errorf("renewed while it is down: %v", err)
	}
	kid := func(b begun) string {
		token, err := jose.Parse(string(r.do(call{method: "GET", url: b.uri}).body), jose.Rule{Typ: []string{openid4vp.RequestType}, AllowX5C: true})
		if err != nil {
			t.Fatal(err)
		}
		return token.Header().Kid
	}
	for _, b := range []begun{old, r.begin("access", "same_device")} {
		if got := kid(b); got != newsDID+"#1" {
			t.Errorf("signed with %s, which nobody has seen", got)
		}
	}
	web.down, web.documents[newsDID+"#2"] = false, next.key.Public()
	if failed := r.engine.Prove(t.Context()); len(failed) != 0 {
		t.Errorf("the new one is there: %v", failed)
	}
	if got := kid(r.begin("access", "same_device")); got != newsDID+"#2" {
		t.Errorf("signed with %s", got)
	}
	r.change = func(p *verifier.Platform) { p.Prefix, p.X5C, p.Kid = openid4vp.PrefixDID, nil, newsDID+"#2" } // whose key is next's
	if err := r.engine.Reconfigure(t.Context(), r.platforms()); reasonIn(err) != "did_key_mismatch" {
		t.Errorf("reconfigured with another key: %v", err)
	}
}

// TestTrustPerPlatform: an issuer one platform trusts is nobody to another one
// in the same process.
func TestTrustPerPlatform(t *testing.T) {
	r := newRig(t)
	own, err := credentials.ParseTrustList(fmt.Appendf(nil, `{"version":1,"name":"own","verifiers":[],"issuers":[
		{"id":"own","name":"Morgenblatt","vct":[%q],"anchor":%q}]}`, vctMember, base64.StdEncoding.EncodeToString(r.w.elsewhere.Raw)))
	check(err)
	r.change = func(p *verifier.Platform) { p.Trust = own }
	r.start()
	known, foreign := r.member(func(_ *credentials.Issuance, by *identity) { *by = r.w.stranger }), r.member()
	for name, tt := range map[string]struct {
		key    string
		part   *part
		reason string
	}{
		"its own issuer":               {keyNews, known, ""},
		"the verifier's, which is not": {keyNews, foreign, "issuer_untrusted"},
		"the other platform":           {keyOther, foreign, ""},
		"the first one's issuer there": {keyOther, known, "issuer_untrusted"},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			b := r.beginFor(tt.key, "access", "same_device")
			got := r.compose(b, twist{parts: func(a *answer) { a.parts["member"] = &part{sd: tt.part.sd, key: tt.part.key} }}).send()
			if tt.reason != "" {
				got.want(t, http.StatusBadRequest, "invalid_request", tt.reason)
			} else if got.status != http.StatusOK {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
}
