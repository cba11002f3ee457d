package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	demoissuer "facet/examples/issuer"
	"facet/issuer"
	"facet/schemas"
	"facet/store"
)

// TestBadInputOffer fetches a proof with wrong codes, too many wrong codes, and
// too late. What the wallet holds stays.
func TestBadInputOffer(t *testing.T) {
	x := startTrial(t)
	x.allow("status of (400|410)") // what these offers are refused with
	t.Run("wrong transaction code", func(t *testing.T) {
		x.t = t
		letter := x.letter("age", x.d.issuer)
		x.opensOffer(letter)
		wrong := "000000"
		if letter.code == wrong {
			wrong = "000001"
		}
		for left := issuer.TxCodeTries - 1; left >= 0; left-- {
			x.typesCode(wrong)
			x.awaitText(strings.ReplaceAll(x.w.text(t, "pin.tries", left), "{n}", fmt.Sprint(left)))
		}
		x.typesCode(letter.code) // the right one, too late
		x.refuses("tx_code_attempts", "")
	})
	t.Run("a new letter works", func(t *testing.T) {
		x.t = t
		letter := x.letter("age", x.d.issuer)
		x.opensOffer(letter)
		x.typesCode(letter.code)
		x.arrive("received.title", "")
		x.cards++
		x.opensOffer(letter)
		x.refuses("code_used", "")
	})

	// The demonstration's issuer once more, with a clock of its own.
	var late atomic.Int64
	slow, serve := listen(t, "slow.localhost")
	office := newParty(t, "Amt", "amt.example")
	site, err := demoissuer.New(demoissuer.Config{
		URL: slow, WalletURL: x.d.wallet, Now: func() time.Time { return time.Now().Add(time.Duration(late.Load())) },
		Issuers: []demoissuer.Authority{{ID: "age", Store: store.Memory(), Name: "Amt", VCT: schemas.Age, Signer: office.key, X5C: office.x5c}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var posts atomic.Int64
	serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path != "/" {
			posts.Add(1)
		}
		site.ServeHTTP(w, r)
	}))
	t.Run("expired before it was opened", func(t *testing.T) {
		x.t = t
		letter := x.letter("age", slow)
		late.Store(int64(100 * 24 * time.Hour))
		defer late.Store(0)
		x.opensLink(letter.link)
		x.refuses("offer_expired", "")
	})
	t.Run("expired before it was accepted", func(t *testing.T) {
		x.t = t
		letter := x.letter("age", slow)
		x.opensOffer(letter)
		late.Store(int64(100 * 24 * time.Hour))
		defer late.Store(0)
		x.typesCode(letter.code)
		x.awaitText(x.say("error.tx_code_phishing")) // nobody vouches for this issuer
		if n := posts.Load(); n != 0 {
			t.Errorf("the code went to an unknown issuer in %d messages before anyone said so", n)
		}
		x.pressAt("the tick", `document.querySelector("#confirmed").closest("label")`)
		x.typesCode(letter.code)
		x.refuses("code_expired", "")
	})
	t.Run("untrusted issuer", func(t *testing.T) {
		x.t = t
		letter := x.letter("age", slow)
		x.opensOffer(letter)
		x.pressAt("the tick", `document.querySelector("#confirmed").closest("label")`)
		x.typesCode(letter.code)
		x.refuses("issuer_untrusted", "")
	})
	t.Run("no offer at all", func(t *testing.T) {
		x.t = t
		origin, serve := listen(t, "shady.localhost")
		serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"credential_issuer": ["http://wallet.localhost"]}`)
		}))
		x.opensLink(x.d.wallet + "/receive#credential_offer_uri=" + origin + "/offer")
		x.refuses("offer_malformed", "")
	})
}

// A letter is what the post brings: a link and a code.
type letter struct{ link, code string }

// letter fetches one from the page of an issuer.
func (x *trial) letter(id, at string) (l letter) {
	x.t.Helper()
	x.open(at + "/?lang=de")
	x.pressAt("the button for "+id, `document.querySelector("input[value=`+id+`]").form.querySelector("button")`)
	x.await("the letter", `document.querySelector("#open-wallet")`)
	x.eval(`[...document.querySelectorAll("#tx-code > span")].map((s) => s.textContent.trim()).join("")`, &l.code)
	x.eval(`document.querySelector("#open-wallet").href`, &l.link)
	return l
}

// opensLink opens a link of the wallet with the passkey.
func (x *trial) opensLink(link string) {
	x.t.Helper()
	x.open(link)
	x.await("the wallet", find("button", x.say("unlock.open"))+` || document.querySelector(".decide, facet-failure")`)
	var locked bool
	if x.eval("!!"+find("button", x.say("unlock.open")), &locked); locked {
		x.press(x.say("unlock.open"))
	}
}

// opensOffer opens a letter's link up to where the code is asked for.
func (x *trial) opensOffer(l letter) {
	x.t.Helper()
	x.opensLink(l.link)
	x.await("the offer", `document.querySelector("#pin") || document.querySelector("facet-failure")`)
}

// typesCode types a code into the empty field and accepts.
func (x *trial) typesCode(code string) {
	x.t.Helper()
	x.await("an empty field", `document.querySelector("#pin:not([disabled])")`)
	x.eval(`document.querySelector("#pin").value = ""`, nil)
	x.typeInto("#pin", code)
	x.decide("accept")
}
