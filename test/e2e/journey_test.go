package e2e

import (
	"os"
	"strings"
	"testing"
	"time"
)

// A journey is one person with one browser, walking through the product.
type journey struct {
	*tab
	b    *browser
	d    *demo
	w    words
	lang string
	n    int
	bare bool              // no pictures on the way
	each func(name string) // looks at every page of the journey; nil = nobody
}

// newJourney starts everything for one person who reads lang.
func newJourney(t *testing.T, lang string) *journey {
	v := phone
	v.language = map[string]string{"de": "de-DE", "en": "en-GB"}[lang]
	d, b := startDemo(t), startBrowser(t)
	return &journey{tab: b.device(t, v), b: b, d: d, w: catalogue(t, lang), lang: lang}
}

// say is a text of the wallet or its elements.
func (j *journey) say(key string) string { j.t.Helper(); return j.w.say(j.t, key) }

// arrive waits until the page's heading says the text, and looks at it.
func (j *journey) arrive(key, picture string) {
	j.t.Helper()
	j.await("the heading "+key, find("h1", j.say(key)))
	j.picture(picture)
}

// picture takes the page at two widths in two themes, when asked to look.
func (j *journey) picture(name string) {
	j.t.Helper()
	if j.each != nil && name != "" {
		j.each(name)
	}
	if os.Getenv("FACET_LOOK") == "" || name == "" || j.bare {
		return
	}
	j.n++
	for width, v := range map[string]view{"phone": phone, "desk": laptop} {
		for theme, dark := range map[string]bool{"light": false, "dark": true} {
			v.dark, v.language = dark, map[string]string{"de": "de-DE", "en": "en-GB"}[j.lang]
			j.look(v)
			time.Sleep(120 * time.Millisecond) // the page lays itself out again
			j.shot(strings.Join([]string{twoDigits(j.n), name, j.lang, width, theme}, "-"))
		}
	}
	v := phone
	v.language = map[string]string{"de": "de-DE", "en": "en-GB"}[j.lang]
	j.look(v)
}

func twoDigits(n int) string { return string([]byte{'0' + byte(n/10), '0' + byte(n%10)}) }

// TestJourney walks the whole path in a real browser, once in each language.
func TestJourney(t *testing.T) {
	for _, lang := range []string{"de", "en"} {
		t.Run(lang, func(t *testing.T) {
			j := newJourney(t, lang)
			j.reads()
			j.createsAWallet()
			j.receives("age")
			j.receives("abo")
			j.statesPreferences()
			j.adaptsTheFrontPage()
			j.passesTheAgeGate()
			j.adaptsToToday()
			j.looksBack()
			j.audits()
		})
	}
}

// reads opens the newspaper as everybody sees it.
func (j *journey) reads() {
	j.open(j.d.news + "/sprache/" + j.lang)
	j.await("the newspaper", `document.querySelector(".strip--invite")`)
	j.picture("newspaper")
	j.open(j.d.issuer + "/?lang=" + j.lang)
	j.await("the issuers", `document.querySelectorAll("form").length === 2`)
	j.picture("issuers")
}

// createsAWallet makes a passkey and keeps the recovery code.
func (j *journey) createsAWallet() {
	j.open(j.d.wallet)
	j.arrive("welcome.title", "welcome")
	j.press(j.say("welcome.create"))
	j.arrive("recovery.title", "recovery")
	var code []string
	j.eval(`[...document.querySelectorAll(".groups li")].map((li) => li.textContent.trim())`, &code)
	if len(code) != 9 {
		j.t.Fatalf("the recovery code has %d groups", len(code))
	}
	j.press(j.say("recovery.kept"))
	j.arrive("recovery.confirm_title", "recovery-confirm")
	var asked []int
	j.eval(`[...document.querySelectorAll("input[name]")].map((i) => +i.name)`, &asked)
	for _, i := range asked {
		j.typeInto("#group-"+string(rune('0'+i)), code[i])
	}
	j.press(j.say("confirm"))
	j.await("home", `location.pathname === "/home"`)
	j.picture("home-empty")
}

// receives fetches one credential from the demo issuer with its code.
func (j *journey) receives(id string) {
	j.open(j.d.issuer + "/?lang=" + j.lang)
	j.pressAt("the button for "+id, `document.querySelector("input[value=`+id+`]").form.querySelector("button")`)
	j.await("the letter", `document.querySelector("#open-wallet")`)
	j.picture("letter-" + id)
	var code, link string
	j.eval(`[...document.querySelectorAll("#tx-code > span")].map((s) => s.textContent.trim()).join("")`, &code)
	j.eval(`document.querySelector("#open-wallet").href`, &link)
	j.open(link)
	j.unlock()
	j.await("the offer", `document.querySelector("#pin")`)
	j.picture("receive-" + id)
	j.typeInto("#pin", code)
	j.decide("accept")
	j.arrive("received.title", "received-"+id)
}

// unlock opens the wallet with the passkey, if it is locked.
func (j *journey) unlock() {
	j.t.Helper()
	j.await("the wallet", find("button", j.say("unlock.open"))+` || document.querySelector("#pin, .decide")`)
	var locked bool
	j.eval("!!"+find("button", j.say("unlock.open")), &locked)
	if locked {
		j.press(j.say("unlock.open"))
	}
}

// decide presses a button of consent, which hears nobody before the page has
// stood still for a moment.
func (j *journey) decide(key string) {
	j.t.Helper()
	time.Sleep(800 * time.Millisecond)
	j.pressAt(key, find(".choice", j.say(key)))
}
