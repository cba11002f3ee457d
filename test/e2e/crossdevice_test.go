package e2e

import (
	"testing"
)

// TestAnotherDevice: a request started on a laptop is answered on a phone. The
// phone warns before, the laptop says how it stands, and afterwards the phone
// points back at the laptop instead of going anywhere.
func TestAnotherDevice(t *testing.T) {
	j := newJourney(t, "de")
	j.createsAWallet()
	j.receives("age")
	desk := j.b.device(t, laptop)
	desk.open(j.d.news + "/sprache/de")
	desk.open(j.d.news + "/artikel/salzwinter")
	const element = `document.querySelector("wallet-request[begin*='/agegate']")`
	desk.await("the element", element+"?.shadowRoot")
	desk.pressAt("the newspaper's button", element+`.querySelector("button")`)
	desk.press(j.say("there.show"))
	var link string
	const field = element + `.shadowRoot.querySelector(".copy input")`
	desk.await("the link", field+"?.value.includes('request_uri')")
	desk.eval(field+".value", &link)

	j.open(link)
	j.unlock()
	j.await("the request", `document.querySelector(".decide")`)
	j.awaitText(j.say("cross.title"))
	j.looks("request-cross-device")
	desk.awaitText(j.say("opened"))
	desk.shot("element-opened")
	j.decide("approve")
	j.arrive("done.elsewhere", "")
	j.awaitText(j.say("receipt.checked"))
	j.looks("done-cross-device")
	var leads bool
	j.eval(`!!document.querySelector("main a[href*='news.localhost']")`, &leads)
	if leads {
		t.Error("the phone leads somewhere else")
	}
	desk.awaitText(j.say("done"))
	desk.press(j.say("go_on"))
	desk.await("the review", `location.pathname === "/artikel/salzwinter" && !document.querySelector(".gate")`)
}
