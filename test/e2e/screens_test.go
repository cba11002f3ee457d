package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestOtherScreen asks on a laptop without a wallet and answers on the phone.
func TestOtherScreen(t *testing.T) {
	j := newJourney(t, "de")
	j.bare = true
	j.createsAWallet()
	j.receives("abo")

	laptop := j.b.device(t, laptop)
	laptop.open(j.d.news + "/")
	const host = `document.querySelector("wallet-request[begin*='/home']")`
	laptop.await("the element", host+"?.shadowRoot")
	laptop.pressAt("the newspaper's button", host+`.querySelector("button")`)
	laptop.pressAt("on another device", host+`.shadowRoot.querySelector(".or + .way .btn")`)
	laptop.await("the code", host+`.shadowRoot.querySelector("svg path.dark")`)
	laptop.shot("90-qr-de-desk-light")
	var link string
	laptop.eval(host+`.shadowRoot.querySelector(".copy input").value`, &link)
	if !strings.HasPrefix(link, j.d.wallet+"/authorize#") {
		t.Fatalf("the link is %q", link)
	}

	j.open(link)
	j.unlock()
	j.await("the request", `document.querySelector(".decide")`)
	j.decide("approve")
	j.await("the other screen is named", find("h1", j.say("done.elsewhere")))
	j.shot("91-done-elsewhere-de-phone-light")

	laptop.await("the newspaper goes on by itself or with a press", `document.querySelector("hint-why") || `+host+`?.shadowRoot.querySelector(".state")`)
	time.Sleep(500 * time.Millisecond)
	laptop.shot("92-answered-elsewhere-de-desk-light")
}

// TestRefusing says no, and the newspaper learns nothing but that.
func TestRefusing(t *testing.T) {
	j := newJourney(t, "de")
	j.bare = true
	j.createsAWallet()
	j.receives("abo")
	j.open(j.d.news + "/")
	j.asks("home", "")
	j.decide("refuse")
	j.await("the refusal", find("h1", j.say("refused.title")))
	j.shot("93-refused-de-phone-light")
	j.press(j.say("back_to"))
	j.await("the newspaper", `location.host.startsWith("news")`)
	j.awaitText(map[string]string{"de": "Es wurde nichts gesendet."}[j.lang])
	var adapted int
	j.eval(`document.querySelectorAll("hint-why").length`, &adapted)
	if adapted != 0 {
		t.Errorf("%d adaptations after a refusal", adapted)
	}
	j.shot("94-newspaper-refused-de-phone-light")

	j.open(j.d.wallet + "/history")
	j.unlock()
	j.awaitText(j.say("state.refused"))
}
