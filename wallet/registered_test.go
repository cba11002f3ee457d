package wallet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/wallet"
)

// registered puts a registration certificate beside what the request says: the
// newspaper may ask for these claims of one type.
func (q *question) registered(r *rig, by *identity, change map[string]any, vct string, paths ...[]any) *question {
	r.t.Helper()
	claims := []any{}
	for _, p := range paths {
		claims = append(claims, map[string]any{"path": p})
	}
	kind := map[string]any{"format": "dc+sd-jwt", "meta": map[string]any{"vct_values": []any{vct}}}
	if len(claims) > 0 {
		kind["claim"] = claims
	}
	m := map[string]any{
		"name": "Morgenblatt", "sub": "NTRDE-HRB12345", "sub_ln": "Morgenblatt", "country": "DE",
		"iat": r.now.Unix(), "exp": r.now.AddDate(0, 6, 0).Unix(),
		"purpose":     []any{map[string]any{"lang": "de-DE", "value": "Startseite nach deinen\u202e Vorlieben"}},
		"credentials": []any{kind},
	}
	for name, v := range change {
		m[name] = v
	}
	payload, err := json.Marshal(m)
	if err != nil {
		r.t.Fatal(err)
	}
	token, err := jose.Sign(context.Background(), by, map[string]any{"typ": openid4vp.RegistrationType, "x5c": by.x5c}, payload)
	if err != nil {
		r.t.Fatal(err)
	}
	list, _ := q.object["verifier_info"].([]openid4vp.VerifierInfo)
	q.object["verifier_info"] = append(list, openid4vp.VerifierInfo{Format: openid4vp.RegistrationFormat, Data: token})
	return q
}

const (
	ageType   = "urn:facet:age:1"
	prefsType = "urn:facet:media-preferences:1"
)

var (
	age18 = []any{"age_equal_or_over", "18"}
	depth = []any{"depth"}
	topic = []any{"topics", nil}
)

// stopping is a wallet whose trust list stops what goes beyond a registration.
func (r *rig) stopping() {
	r.list = bytes.Replace(r.list, []byte(`"overasking":"warn"`), []byte(`"overasking":"stop"`), 1)
	r.open(nil)
}

// TestOverasking: a request beyond what its asker registered is shown as such, or
// stopped where the trust list says so; within it nothing is said but who
// registered it.
func TestOverasking(t *testing.T) {
	t.Run("WREQ-027", func(t *testing.T) {
		for name, tt := range map[string]struct {
			ask    func(*rig) *question
			beyond []string
		}{
			"as registered": {func(r *rig) *question { return r.question().registered(r, r.register, nil, ageType, age18) }, nil},
			"another claim": {func(r *rig) *question {
				return r.question().registered(r, r.register, nil, ageType, []any{"age_equal_or_over", "12"})
			}, []string{"Whether you are 18 or older"}},
			"another type": {func(r *rig) *question {
				return r.question().registered(r, r.register, nil, "urn:facet:media-membership:1", []any{"tier"})
			}, []string{"Proof of age"}},
			"under a policy, as registered": {func(r *rig) *question {
				return r.question().prefer(r.t, r).registered(r, r.register, nil, prefsType, depth, topic)
			}, nil},
			"under a policy, one claim": {func(r *rig) *question {
				return r.question().prefer(r.t, r).registered(r, r.register, nil, prefsType, topic)
			}, []string{"How much detail you like"}},
			"under a policy, one claim for another purpose": {func(r *rig) *question {
				return r.question().prefer(r.t, r).registered(r, r.register, nil, prefsType, topic).registered(r, r.register, map[string]any{"intended_use_id": "age-gate", "purpose": []any{map[string]any{"lang": "en", "value": "x"}}}, prefsType, depth)
			}, []string{"How much detail you like"}},
			"under a policy, another purpose": {func(r *rig) *question {
				return r.question().prefer(r.t, r).registered(r, r.register, map[string]any{"intended_use_id": "age-gate", "purpose": []any{map[string]any{"lang": "en", "value": "x"}}}, prefsType, depth, topic)
			}, []string{"A front page to your liking"}},
		} {
			t.Run(name, func(t *testing.T) {
				r := newRig(t)
				p := r.mustAsk(tt.ask(r))
				if p.Registered == nil || p.Registered.By != "Medienregister" || len(p.Registered.Beyond) != len(tt.beyond) {
					t.Fatalf("%+v, want %d beyond", p.Registered, len(tt.beyond))
				}
				for i, words := range tt.beyond {
					if got := p.Registered.Beyond[i]; got["en"] != words || got["de"] == "" {
						t.Errorf("beyond: %q, want %q", got, words)
					}
				}
				r.stopping()
				if tt.beyond == nil {
					r.mustAsk(tt.ask(r))
				} else {
					r.refused(tt.ask(r), wallet.CodeOverasking)
				}
			})
		}
	})
	r := newRig(t)
	fits := r.mustAsk(r.question().registered(r, r.register, map[string]any{"sub": "NTRDE\u202e-HRB\u009b12345"}, ageType, age18))
	gate := map[string]any{"intended_use_id": "age-gate", "purpose": []any{map[string]any{"lang": "de", "value": "nur dein Alter"}}}
	two := r.mustAsk(r.question().prefer(t, r).registered(r, r.register, gate, ageType, age18).registered(r, r.register, nil, prefsType, depth, topic))
	if got := two.Registered.Purpose["de"]; got != "Startseite nach deinen Vorlieben" || len(two.Registered.Beyond) != 0 {
		t.Errorf("of two uses, the one shown is %q, beyond %v", got, two.Registered.Beyond)
	}
	words := fits.Registered.Purpose
	if !slices.Contains(fits.Technical, wallet.Technical{Label: "registered for", Value: "Startseite nach deinen Vorlieben"}) {
		t.Errorf("the details: %v", fits.Technical)
	}
	if i := slices.IndexFunc(fits.Technical, func(t wallet.Technical) bool { return t.Label == "registration" }); i < 0 || !strings.HasPrefix(fits.Technical[i].Value, "NTRDE-HRB12345 ·") {
		t.Errorf("who registered: %q", fits.Technical)
	}
	if words["de"] != "Startseite nach deinen Vorlieben" || words["en"] != words["de"] {
		t.Errorf("the registered purpose reads %q", words)
	}
	plain, beyond := r.mustAsk(r.question()), r.mustAsk(r.question().registered(r, r.register, nil, ageType))
	if plain.Registered != nil {
		t.Errorf("a request without registration: %+v", plain.Registered)
	}
	if len(beyond.Registered.Beyond) != 1 {
		t.Errorf("a registration of no claim: %+v", beyond.Registered)
	}
}

// TestForeignRegistrations: only a certificate a register of the trust list made
// for this very asker says anything.
func TestForeignRegistrations(t *testing.T) {
	r := newRig(t)
	for name, q := range map[string]*question{
		"of a register nobody knows": r.question().registered(r, r.stranger, nil, ageType, age18),
		"of another asker's making":  r.question().registered(r, r.paper, nil, ageType, age18),
		"that has ended":             r.question().registered(r, r.register, map[string]any{"iat": start.AddDate(0, -7, 0).Unix(), "exp": start.Add(-time.Hour).Unix()}, ageType),
		"in another form":            r.question().registered(r, r.register, map[string]any{"sub": 1}, ageType),
	} {
		if p := r.mustAsk(q); p.Registered != nil {
			t.Errorf("%s: %+v", name, p.Registered)
		}
	}
	r.refused(r.question().registered(r, r.register, map[string]any{"sub_ln": "Abendblatt"}, ageType, age18), "registration_mismatch")
	forged := r.question().registered(r, &identity{r.paper.PrivateKey, r.register.x5c}, nil, ageType, age18)
	r.refused(forged, "registration_invalid")
}

// documents is what DID URLs resolve to.
type documents map[string]*jose.PublicKey

func (d documents) Resolve(_ context.Context, didURL string) (*jose.PublicKey, error) {
	if k := d[didURL]; k != nil {
		return k, nil
	}
	return nil, errors.New("no such document")
}

const paperDID = "did:web:spaetblatt.localhost"

// underDID makes the question one of a decentralized_identifier client.
func (q *question) underDID(did, key string) *question {
	q.clientID = "decentralized_identifier:" + did
	q.link.Set("client_id", q.clientID)
	q.object["client_id"] = q.clientID
	q.header["kid"], q.signer = did+"#"+key, &identity{q.signer.PrivateKey, nil}
	return q
}

// TestDIDAskers: an asker may be known by its DID; every other DID is a stranger's,
// and nothing is sent to one.
func TestDIDAskers(t *testing.T) {
	r := newRig(t)
	r.dids = documents{paperDID + "#1": r.paper.Public(), paperDID + "#2": r.office.Public(), "did:web:evil.example#1": r.paper.Public()}
	r.open(nil)
	if p := r.mustAsk(r.question().underDID(paperDID, "1")); p.Kind != wallet.KindForeign || p.Asker.Name != "Spätblatt" || !p.Asker.Verified {
		t.Errorf("%s: %+v", p.Kind, p.Asker)
	}
	r.refused(r.question().underDID(paperDID, "2"), "jar_signature_invalid")
	if p := r.mustAsk(r.question().underDID("did:web:\u202emoc.elpmaxe", "1")); p.Technical[0].Value != "decentralized_identifier:did:web:moc.elpmaxe" {
		t.Errorf("a stranger is shown as %q", p.Technical)
	}
	for name, tt := range map[string]struct {
		did, key, code string
		dids           openid4vp.KeyResolver
	}{
		"unknown":              {"did:web:evil.example", "1", "verifier_unknown", r.dids},
		"no such key":          {paperDID, "3", "did_unresolved", r.dids},
		"a wallet without web": {paperDID, "1", "client_id_prefix_unsupported", nil},
	} {
		r.dids = tt.dids
		r.open(nil)
		p := r.mustAsk(r.question().underDID(tt.did, tt.key))
		if p.Kind != wallet.KindUnverified || p.Code != tt.code || p.Satisfiable {
			t.Errorf("%s: %s %s", name, p.Kind, p.Code)
		}
		if _, err := r.wallet.Present(t.Context(), p.ID, p.Digest, nil); err == nil {
			t.Errorf("%s: answered", name)
		}
	}
	if n := len(r.posted()); n != 0 {
		t.Errorf("%d messages reached a stranger", n)
	}
}

// TestErasureUnderDID: what a DID's asker deleted, a key of that DID says, now or
// when it asked; no other DID and no key that the document does not have.
func TestErasureUnderDID(t *testing.T) {
	const other = "did:web:abendblatt.localhost"
	for name, tt := range map[string]struct {
		by       func(*rig) *identity
		kid, sub string
		want     string
	}{
		"the same key":             {func(r *rig) *identity { return r.paper }, paperDID + "#1", paperDID, ""},
		"a newer key":              {func(r *rig) *identity { return r.office }, paperDID + "#2", paperDID, ""},
		"a key it does not have":   {func(r *rig) *identity { return r.stranger }, paperDID + "#2", paperDID, wallet.CodeErasure},
		"a name it does not have":  {func(r *rig) *identity { return r.office }, paperDID + "#3", paperDID, wallet.CodeErasure},
		"another DID's key":        {func(r *rig) *identity { return r.office }, other + "#1", paperDID, wallet.CodeErasure},
		"another known DID":        {func(r *rig) *identity { return r.office }, other + "#1", other, wallet.CodeErasure},
		"a DID nobody knows":       {func(r *rig) *identity { return r.office }, "did:web:evil.example#1", "did:web:evil.example", wallet.CodeErasure},
		"its key, in another name": {func(r *rig) *identity { return r.paper }, paperDID + "#1", other, wallet.CodeErasure},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.list = bytes.Replace(r.list, []byte(`{"id":"spaetblatt"`), []byte(`{"id":"abend-did","name":"Abendblatt","domain":"abendblatt.localhost","did":"`+other+`"},{"id":"spaetblatt"`), 1)
			r.dids = documents{paperDID + "#1": r.paper.Public(), paperDID + "#2": r.office.Public(), other + "#1": r.office.Public(), "did:web:evil.example#1": r.office.Public()}
			r.open(nil)
			r.prefer(liked)
			q := r.question().underDID(paperDID, "1").prefer(t, r)
			done, err := r.present(r.mustAsk(q), "article.length")
			if err != nil {
				t.Fatal(err)
			}
			payload, err := json.Marshal(map[string]any{
				"sub": "decentralized_identifier:" + tt.sub, "policy_sha256": q.policy.Hash(), "withdrawn_at": r.now.Unix(), "entry": "e", "ref": 7,
			})
			if err != nil {
				t.Fatal(err)
			}
			jws, err := jose.Sign(t.Context(), tt.by(r), map[string]any{"typ": wallet.ErasureType, "kid": tt.kid}, payload)
			if err != nil {
				t.Fatal(err)
			}
			r.reply = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/jwt")
				_, _ = w.Write([]byte(jws))
			}
			_, err = r.wallet.Withdraw(t.Context(), done.HistoryID)
			if (err == nil) != (tt.want == "") || err != nil && wallet.ReasonOf(err) != tt.want {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
