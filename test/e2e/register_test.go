package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"facet/credentials/jose"
	"facet/credentials/openid4vp"
)

// TestBeyondTheRegister: a site that asks for more than it registered is shown
// as such, in the words for what was not registered, and can still be answered;
// where the trust list says so, nothing is shown but that it was stopped.
func TestBeyondTheRegister(t *testing.T) {
	x := startTrial(t)
	x.receives("age")
	shady := startShady(t)
	asker, register := newParty(t, "Abendblatt", "abendblatt.example"), newParty(t, "Medienregister", "register.example")
	lists := 1
	vouch := func(overasking string) {
		lists++
		version := lists
		x.wallet.cutting(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.URL.Path != "/api/config" {
				next.ServeHTTP(w, r)
				return
			}
			x.vouches(w, r, next, version, map[string]any{
				"verifiers": map[string]any{"id": "abendblatt", "name": "Abendblatt", "domain": "abendblatt.example", "anchor": asker.anchor,
					"register": map[string]any{"de": "Medienregister", "en": "media register"}},
				"registrars": map[string]any{"id": "register", "name": "Medienregister", "anchor": register.anchor, "overasking": overasking},
			})
		})
	}
	clientID := shady.asksAs(t, asker, registered(t, register, "Abendblatt"))

	vouch("warn")
	x.opensLink(shady.link(x.d.wallet, clientID, ""))
	x.awaitText(strings.ReplaceAll(x.say("register.beyond"), "{party}", "Abendblatt"))
	x.awaitText(strings.ReplaceAll(x.say("register.beyond_more"), "{what}", "Ob du 18 oder älter bist"))
	x.await("the choice", `document.querySelector(".decide__pair")`)
	x.picture("beyond-the-register")
	x.decide("refuse")
	x.await("the refusal", find("h1", x.say("refused.title")))

	vouch("stop")
	x.open(x.d.news) // away, so that the wallet starts anew and gets the list
	x.opensLink(shady.link(x.d.wallet, clientID, ""))
	x.refuses("overasking", "sent.nothing")
}

// vouches adds an entry to each of some lists of the trust list the wallet gets.
func (x *trial) vouches(w http.ResponseWriter, r *http.Request, next http.Handler, version int, more map[string]any) {
	got := httptest.NewRecorder()
	r.Header.Del("Accept-Encoding")
	next.ServeHTTP(got, r)
	var config map[string]any
	if err := json.Unmarshal(got.Body.Bytes(), &config); err != nil {
		x.t.Error(err)
	}
	list, _ := config["trust"].(map[string]any)
	list["version"] = time.Now().Unix() + int64(version)
	for name, entry := range more {
		old, _ := list[name].([]any)
		list[name] = append(old, entry)
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(config); err != nil {
		x.t.Error(err)
	}
}

// registered is a certificate that lets a site ask for one thing it then does
// not ask for.
func registered(t *testing.T, by party, site string) openid4vp.VerifierInfo {
	t.Helper()
	payload, err := json.Marshal(map[string]any{
		"name": site, "sub": "NTRDE-HRB12345", "sub_ln": site, "country": "DE", "iat": time.Now().Unix(), "exp": time.Now().AddDate(0, 6, 0).Unix(),
		"purpose": []any{map[string]any{"lang": "de", "value": "Artikel ab 12 öffnen"}},
		"credentials": []any{map[string]any{"format": "dc+sd-jwt", "meta": map[string]any{"vct_values": []any{"urn:facet:age:1"}},
			"claim": []any{map[string]any{"path": []any{"age_equal_or_over", "12"}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := jose.Sign(t.Context(), by.key, map[string]any{"typ": openid4vp.RegistrationType, "x5c": by.x5c}, payload)
	if err != nil {
		t.Fatal(err)
	}
	return openid4vp.VerifierInfo{Format: openid4vp.RegistrationFormat, Data: token}
}
