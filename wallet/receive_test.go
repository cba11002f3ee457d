package wallet_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/jose"
	"facet/credentials/sdjwt"
	"facet/credentials/statuslist"
	"facet/wallet"
)

func TestReceive(t *testing.T) {
	r := newRig(t)
	o := r.openOffice()
	link, code := o.letter(t)
	offer, err := r.wallet.Offer(t.Context(), wallet.OfferSource{URL: link})
	if err != nil {
		t.Fatal(err)
	}
	if offer.TxCode == nil || offer.TxCode.Length != 6 || offer.TxCode.Description != "Der Brief vom 18. November" {
		t.Errorf("transaction code: %+v", offer.TxCode)
	}
	if len(offer.Items) != 1 || offer.Items[0].Kind != wallet.KindAge || offer.Items[0].Title["de"] != "Altersnachweis" || len(offer.Items[0].Claims) == 0 {
		t.Errorf("items: %+v", offer.Items)
	}
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	_, err = r.wallet.Accept(t.Context(), offer.OfferID, wallet.Acceptance{TxCode: wrong, Confirmed: true})
	if n, ok := wallet.TriesLeft(err); wallet.ReasonOf(err) != "tx_code_wrong" || !ok || n != 4 {
		t.Fatalf("a wrong code: %v, %d tries left", err, n)
	}
	if r.saves != 0 {
		t.Fatal("something was stored after a wrong code")
	}
	got, err := r.wallet.Accept(t.Context(), offer.OfferID, wallet.Acceptance{TxCode: code, Confirmed: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Cards) != 1 || got.Cards[0].CopiesLeft != wallet.BatchCopies || got.Cards[0].Issuer != "Lindenstadt registry" || got.Cards[0].ValidUntil == nil {
		t.Fatalf("cards: %+v", got.Cards)
	}
	if o.proofs != wallet.BatchCopies || r.saves != 1 {
		t.Fatalf("%d proofs, %d saves", o.proofs, r.saves)
	}
	words := map[string]string{}
	for _, l := range got.Claims {
		words[l.Label["de"]] = l.Value["de"]
	}
	if words["Ob du 18 oder älter bist"] != "Ja" || words["Ob du 65 oder älter bist"] != "Nein" {
		t.Fatalf("claims: %v", words)
	}
	if _, err := r.wallet.Accept(t.Context(), offer.OfferID, wallet.Acceptance{TxCode: code}); wallet.ReasonOf(err) != wallet.CodeOfferGone {
		t.Fatalf("an offer taken twice: %v", err)
	}
}

// TestReceiveRenews: the same statement by the same issuer takes the old
// card's place instead of standing beside it.
func TestReceiveRenews(t *testing.T) {
	r := newRig(t)
	r.receive()
	r.receive()
	home, err := r.wallet.Home(t.Context())
	if err != nil || len(home.Cards) != 1 || home.Cards[0].CopiesLeft != wallet.BatchCopies {
		t.Fatalf("%+v, %v", home.Cards, err)
	}
}

// TestReceiveRejects lets the issuer answer with what a holder must not take.
// Nothing of it may be stored.
func TestReceiveRejects(t *testing.T) {
	other, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	each := func(keys []*jose.PublicKey, f func(i int, k *jose.PublicKey) string) (out []string) {
		for i, k := range keys {
			out = append(out, f(i, k))
		}
		return out
	}
	for _, tt := range []struct {
		name   string
		answer func(*rig, []*jose.PublicKey) []string
		want   string
	}{
		{"SDJWT-050", func(r *rig, keys []*jose.PublicKey) []string {
			return each(keys, func(_ int, k *jose.PublicKey) string {
				sd, err := sdjwt.Bind(context.Background(), r.issue(k, nil), other, sdjwt.KBClaims{Nonce: "n", Audience: "a", IssuedAt: r.now})
				if err != nil {
					t.Fatal(err)
				}
				return sd
			})
		}, "sdjwt_unexpected_kb"},
		{"SDJWT-051", func(r *rig, keys []*jose.PublicKey) []string {
			return []string{r.issue(other.Public(), nil)}
		}, "holder_key_substitution"},
		{"SDJWT-053", func(r *rig, keys []*jose.PublicKey) []string {
			return each(keys, func(_ int, k *jose.PublicKey) string {
				return r.issue(k, func(i *credentials.Issuance) {
					i.Status = &statuslist.Reference{URI: "https://buergeramt.example/status", Index: 7}
				})
			})
		}, "batch_linkable"},
		{"one copy twice", func(r *rig, keys []*jose.PublicKey) []string {
			sd := r.issue(keys[0], nil)
			return []string{sd, sd}
		}, "batch_linkable"},
		{"copies that differ", func(r *rig, keys []*jose.PublicKey) []string {
			return each(keys, func(n int, k *jose.PublicKey) string {
				return r.issue(k, func(i *credentials.Issuance) {
					i.Subject["age_equal_or_over"] = map[string]any{"12": true, "18": n == 0}
				})
			})
		}, wallet.CodeIssuerAnswer},
		{"another type", func(r *rig, keys []*jose.PublicKey) []string {
			return []string{r.issue(keys[0], func(i *credentials.Issuance) { i.VCT = "urn:facet:media-membership:1" })}
		}, "issuer_untrusted"},
		{"an issuer nobody knows", func(r *rig, keys []*jose.PublicKey) []string {
			r.office = r.stranger
			return []string{r.issue(keys[0], nil)}
		}, "issuer_untrusted"},
		{"expired", func(r *rig, keys []*jose.PublicKey) []string {
			return []string{r.issue(keys[0], func(i *credentials.Issuance) { i.ExpiresAt = r.now.Add(-time.Hour) })}
		}, "credential_expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			o := r.openOffice()
			o.answer = func(keys []*jose.PublicKey) []string { return tt.answer(r, keys) }
			if got, err := r.accept(o); wallet.ReasonOf(err) != tt.want {
				t.Fatalf("got %+v, %v; want %q", got, err, tt.want)
			}
			home, err := r.wallet.Home(t.Context())
			if err != nil || len(home.Cards) != 0 || r.saves != 0 {
				t.Fatalf("%d cards, %d saves, %v", len(home.Cards), r.saves, err)
			}
		})
	}
}

func TestOffers(t *testing.T) {
	t.Run("VCI-024", func(t *testing.T) {
		r := newRig(t)
		link, code := r.openOffice().letter(t)
		offer, err := r.wallet.Offer(t.Context(), wallet.OfferSource{URL: link})
		if err != nil {
			t.Fatal(err)
		}
		if offer.Issuer.Verified || offer.Issuer.Domain != "buergeramt.localhost" || !offer.Confirm {
			t.Fatalf("shown as %+v, confirm %t", offer.Issuer, offer.Confirm)
		}
		_, err = r.wallet.Accept(t.Context(), offer.OfferID, wallet.Acceptance{TxCode: code})
		if wallet.ReasonOf(err) != "tx_code_phishing" {
			t.Fatalf("the code went to an unknown host: %v", err)
		}
	})
	t.Run("a host the trust list knows", func(t *testing.T) {
		r := newRig(t)
		r.list = []byte(strings.Replace(string(r.list), `"leaf":{"organization":"Bürgeramt Lindenstadt"}`,
			`"leaf":{"organization":"Bürgeramt Lindenstadt","san":"buergeramt.localhost"}`, 1))
		r.open(nil)
		link, _ := r.openOffice().letter(t)
		offer, err := r.wallet.Offer(t.Context(), wallet.OfferSource{URL: link})
		if err != nil || !offer.Issuer.Verified || offer.Issuer.Name != "Bürgeramt Lindenstadt" || offer.Confirm {
			t.Fatalf("%+v, %v", offer, err)
		}
	})
	for name, grants := range map[string]string{"no member": "", "null": `,"grants":null`, "empty": `,"grants":{}`} {
		t.Run("VCI-025/"+name, func(t *testing.T) {
			r := newRig(t)
			o := r.openOffice()
			_, err := r.wallet.Offer(t.Context(), wallet.OfferSource{
				CredentialOffer: fmt.Sprintf(`{"credential_issuer":%q,"credential_configuration_ids":["age"]%s}`, o.url, grants),
			})
			if err == nil || wallet.ReasonOf(err) == "other" { // offer_optional: an answer, not a panic
				t.Fatalf("got %v", err)
			}
		})
	}
	for name, serve := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, "/elsewhere", http.StatusFound) },
		"5 MiB": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(make([]byte, 5<<20))
		},
		"HTML": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<script>"))
		},
	} {
		t.Run("VCI-026/"+name, func(t *testing.T) {
			r := newRig(t)
			r.serve = serve
			if _, err := r.wallet.Offer(t.Context(), wallet.OfferSource{CredentialOfferURI: r.url("/offer/1")}); wallet.ReasonOf(err) != "offer_fetch" {
				t.Fatalf("got %v", err)
			}
		})
	}
	t.Run("VCI-026/http", func(t *testing.T) {
		r := newRig(t)
		uri := "http://issuer.example/offer/1"
		link := "openid-credential-offer://?" + url.Values{"credential_offer_uri": {uri}}.Encode()
		if _, err := r.wallet.Offer(t.Context(), wallet.OfferSource{URL: link}); wallet.ReasonOf(err) != "offer_fetch" {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("an offer of preferences", func(t *testing.T) {
		for _, vct := range []string{"urn:facet:media-preferences:1", "urn:facet:today:1"} {
			r := newRig(t)
			o := r.openOffice()
			link, _ := o.letter(t)
			if _, err := r.wallet.Offer(t.Context(), wallet.OfferSource{URL: link}); err != nil {
				t.Fatalf("an offer of a proof of age: %v", err)
			}
			o.vct = vct // the same offer; the office says it is of something only the holder can state
			if _, err := r.wallet.Offer(t.Context(), wallet.OfferSource{URL: link}); wallet.ReasonOf(err) != wallet.CodeOfferUnsupported {
				t.Errorf("%s: got %v", vct, err)
			}
		}
	})
}
