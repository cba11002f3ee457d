package exchange

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"facet/audit"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/schemas"
	"facet/verifier"
	"facet/wallet"
)

// A didSite is the newsroom's own host, which publishes the keys of its did:web.
type didSite struct {
	r    *rig
	keys map[string]*jose.PrivateKey // by fragment
}

// underDID makes the newsroom ask under a did:web of its own.
func underDID(t *testing.T, registered ...func(*rig) string) (*didSite, func(*rig)) {
	key, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	s := &didSite{keys: map[string]*jose.PrivateKey{"key-1": key}}
	return s, func(r *rig) {
		s.r = r
		address := r.listen("news", func(string) http.Handler { return s })
		r.did = "did:web:" + strings.Replace(strings.TrimPrefix(address, "http://"), ":", "%3A", 1)
		r.platform = func(p *verifier.Platform) {
			p.Prefix, p.Signer, p.X5C, p.Kid = openid4vp.PrefixDID, key, nil, r.did+"#key-1"
			p.Wallets[0].TransactionData = []string{schemas.PolicyTransaction}
			if len(registered) > 0 {
				p.Policies = p.Policies[:0]
				p.Policies = append(p.Policies, r.policies["access"])
			}
			for _, f := range registered {
				p.Registrations = append(p.Registrations, f(r))
			}
		}
	}
}

func (s *didSite) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	methods, may := []any{}, []any{}
	for name, key := range s.keys {
		methods = append(methods, map[string]any{"id": s.r.did + "#" + name, "type": "JsonWebKey2020", "controller": s.r.did, "publicKeyJwk": key.Public().JWK()})
		may = append(may, s.r.did+"#"+name)
	}
	w.Header().Set("Content-Type", "application/did+json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"@context": []string{"https://www.w3.org/ns/did/v1"}, "id": s.r.did, "verificationMethod": methods, "assertionMethod": may,
	})
}

// registration says that the newsroom, by its DID, may ask for these claims of a
// membership.
func registration(change map[string]any, claims ...string) func(*rig) string {
	return func(r *rig) string {
		list := []any{}
		for _, c := range claims {
			list = append(list, map[string]any{"path": []any{c}})
		}
		m := map[string]any{
			"name": "Morgenblatt", "sub": r.did, "iat": r.now.Unix(), "exp": r.now.Add(24 * time.Hour).Unix(),
			"purpose":     []any{map[string]any{"lang": "de", "value": "Zugang mit deinem Abo"}},
			"credentials": []any{map[string]any{"format": "dc+sd-jwt", "meta": map[string]any{"vct_values": []any{"urn:facet:media-membership:1"}}, "claim": list}},
		}
		maps.Copy(m, change)
		payload, err := json.Marshal(m)
		if err != nil {
			r.t.Fatal(err)
		}
		out, err := jose.Sign(r.t.Context(), r.register.key, map[string]any{"typ": openid4vp.RegistrationType, "x5c": r.register.x5c}, payload)
		if err != nil {
			r.t.Fatal(err)
		}
		return out
	}
}

// TestExchangeUnderDID is an exchange of a newsroom that has a DID instead of a
// certificate, shows its registration, and binds the answer to its policy: asked,
// answered, proven in the log, and taken back after it has changed its key.
func TestExchangeUnderDID(t *testing.T) {
	site, change := underDID(t, registration(nil, "tier"))
	r := newRig(t, change)
	r.receive("abo")
	begun, err := r.verifier.Begin(t.Context(), verifier.BeginRequest{
		Platform: "news", Policy: "access", Flow: audit.SameDevice, ReturnURI: returnURI, Wallet: "Facet",
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.wallet.Ask(t.Context(), begun.Links[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	if p.Kind != wallet.KindPolicy || p.Asker.Name != "Morgenblatt" || !p.Asker.Verified || begun.ClientID != "decentralized_identifier:"+r.did {
		t.Fatalf("%s: %+v", p.Kind, p.Asker)
	}
	if p.Registered == nil || p.Registered.By != "Medienregister" || len(p.Registered.Beyond) != 0 {
		t.Errorf("registered: %+v", p.Registered)
	}
	said := fmt.Sprint(p.Technical)
	if !strings.Contains(said, "transaction_data") || !strings.Contains(said, r.did) {
		t.Errorf("the details: %s", said)
	}
	done, err := r.wallet.Present(t.Context(), p.ID, p.Digest, nil)
	if err != nil {
		t.Fatalf("present: %v", err)
	}
	if tier, _ := r.result(begun, done.RedirectURI).Hints.Get("access.tier"); tier.Value == nil {
		t.Errorf("result: %+v", tier)
	}
	r.checkReceipt(done.HistoryID)
	if site.keys["key-2"], err = jose.GenerateKey(); err != nil {
		t.Fatal(err)
	}
	if err := r.verifier.Renew(t.Context(), "news", verifier.Identity{Signer: site.keys["key-2"], Kid: r.did + "#key-2"}); err != nil {
		t.Fatal(err)
	}
	delete(site.keys, "key-1")
	r.withdraw(done.HistoryID, begun)
}

// TestStrangersDID: a newsroom whose DID the wallet's list does not have gets
// nothing, whatever it publishes.
func TestStrangersDID(t *testing.T) {
	_, change := underDID(t)
	r := newRig(t, func(r *rig) {
		change(r)
		known := r.did
		inner := r.platform
		r.platform = func(p *verifier.Platform) { r.did = known; inner(p) }
		r.did = ""
	})
	begun, err := r.verifier.Begin(t.Context(), verifier.BeginRequest{Platform: "news", Policy: "access", Flow: audit.SameDevice, ReturnURI: returnURI})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.wallet.Ask(t.Context(), begun.Links[0].URL)
	if err != nil || p.Kind != wallet.KindUnverified || p.Code != "verifier_unknown" {
		t.Fatalf("%s %s, %v", p.Kind, p.Code, err)
	}
	if _, err := r.wallet.Present(t.Context(), p.ID, p.Digest, nil); err == nil {
		t.Error("a stranger was answered")
	}
	if state, err := r.verifier.Status(t.Context(), "news", begun.ID); err != nil || state != verifier.Opened {
		t.Errorf("the stranger's request is %s, %v", state, err)
	}
}

// TestTransactionDataOfTwo answers with two credentials, of which one may sign.
func TestTransactionDataOfTwo(t *testing.T) {
	_, change := underDID(t)
	r := newRig(t, change)
	r.receive("abo")
	if _, err := r.wallet.SetPreferences(t.Context(), wallet.Preferences{Topics: []string{"596"}, Depth: "overview"}); err != nil {
		t.Fatal(err)
	}
	begun, err := r.verifier.Begin(t.Context(), verifier.BeginRequest{
		Platform: "news", Policy: "home", Flow: audit.SameDevice, ReturnURI: returnURI, Wallet: "Facet",
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.wallet.Ask(t.Context(), begun.Links[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	choices := []string{"article.length"}
	shown, err := r.wallet.Preview(t.Context(), p.ID, choices)
	if err != nil {
		t.Fatal(err)
	}
	done, err := r.wallet.Present(t.Context(), p.ID, shown.Digest, choices)
	if err != nil {
		t.Fatalf("present: %v", err)
	}
	r.sameHints("home", shown.Outcome, r.result(begun, done.RedirectURI).Hints)
}
