package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
)

// axePath is where `npm ci` in web leaves axe-core.
const axePath = "../../web/node_modules/axe-core/axe.min.js"

// axe reads axe-core. Without Node there is none: the test is then skipped, in
// so many words, except where CI=true promises that everything runs.
func axe(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(axePath)
	if err == nil {
		return string(b)
	}
	if !errors.Is(err, fs.ErrNotExist) || os.Getenv("CI") == "true" {
		t.Fatalf("no axe-core (run `npm ci` in web): %v", err)
	}
	const notice = "ACCESSIBILITY IS NOT CHECKED: no axe-core here. Run `npm ci` in web, then this test again."
	fmt.Fprintln(os.Stderr, notice)
	t.Log(notice)
	t.SkipNow()
	return ""
}

// A flaw is what axe-core found against a success criterion or its own advice.
type flaw struct {
	ID, Impact, Help string
	Nodes            []struct {
		Target  []any
		Summary string `json:"failureSummary"`
	}
}

// flaws runs axe-core on the page as it is: WCAG 2.2 A and AA, and what axe
// holds to be good practice.
func (tb *tab) flaws(source string) (found []flaw) {
	tb.t.Helper()
	var there bool
	tb.eval("typeof axe === 'object'", &there)
	if !there {
		tb.do(runtime.Enable())
		tb.eval(source+"\n;true", nil)
	}
	var text string
	tb.eval(`axe.run(document, {
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"],
	}).then((r) => JSON.stringify(r.violations))`, &text)
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		tb.t.Fatalf("axe-core said %q: %v", text, err)
	}
	return found
}

// accessible fails the test for every flaw of the page, at two widths in two
// themes.
func (tb *tab) accessible(source, name, language string) {
	tb.t.Helper()
	for width, v := range map[string]view{"390": phone, "1280": laptop} {
		for theme, dark := range map[string]bool{"light": false, "dark": true} {
			v.dark, v.language = dark, language
			tb.look(v)
			time.Sleep(50 * time.Millisecond) // the page lays itself out again
			for _, f := range tb.flaws(source) {
				for _, n := range f.Nodes {
					tb.t.Errorf("%s at %s, %s: %s (%s) at %v: %s", name, width, theme, f.ID, f.Impact, n.Target, strings.Join(strings.Fields(n.Summary), " "))
				}
			}
		}
	}
	v := phone
	v.language = language
	tb.look(v)
}

// TestAccessible walks the journey, and through the pages it does not pass, and
// lets axe-core look at each.
func TestAccessible(t *testing.T) {
	source := axe(t)
	j := newJourney(t, "de")
	j.each = func(name string) { j.accessible(source, name, "de-DE") }
	j.reads()
	j.createsAWallet()
	j.receives("age")
	j.receives("abo")
	j.statesPreferences()
	j.adaptsTheFrontPage()
	j.passesTheAgeGate()
	j.adaptsToToday()
	for _, page := range []string{"/newsletter", "/impressum", "/artikel/kran", "/artikel/mittagsstrom", "/nirgends", "/?fassung=redaktion"} {
		j.visits(j.d.news+page, "main")
	}
	for _, page := range []string{"/settings", "/history"} {
		j.open(j.d.wallet + page)
		j.unlock()
		j.await("the page", `document.querySelector("main h1")`)
		j.each(page)
	}
	j.looksBack()
	for _, page := range []string{"", "/entries", "/entry/1", "/policies", "/policies?entry=1", "/report"} {
		j.visits(j.d.verifier+"/audit"+page, "main h1")
	}
	undo := j.d.tamper(t)
	defer undo()
	j.visits(j.d.verifier+"/audit/entry/1", ".proof--bad")
}

// visits opens a page, unfolds all of it, and checks it.
func (j *journey) visits(url, selector string) {
	j.t.Helper()
	if strings.HasSuffix(url, "/nirgends") {
		j.allow("404")
	}
	j.open(url)
	j.await("the page "+url, fmt.Sprintf("document.querySelector(%q)", selector))
	j.eval(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`, nil)
	j.each(strings.TrimPrefix(url, "http://"))
}

// TestAccessibleCanFail plants flaws that the check must see: a check that
// sees nothing on a page without flaws may see nothing at all.
func TestAccessibleCanFail(t *testing.T) {
	source := axe(t)
	j := newJourney(t, "en")
	j.open(j.d.wallet)
	j.arrive("welcome.title", "")
	if found := j.flaws(source); len(found) != 0 {
		t.Fatalf("the page has flaws before any was planted: %v", found)
	}
	for id, plant := range map[string]string{
		"button-name":    `const b = document.createElement("button"); b.className = "planted"; main.append(b)`,
		"color-contrast": `const p = document.createElement("p"); p.className = "planted"; p.textContent = "Faint"; p.style.color = "#eee"; main.append(p)`,
		"image-alt":      `const i = document.createElement("img"); i.className = "planted"; i.src = "/icon.svg"; main.append(i)`,
		"label":          `const i = document.createElement("input"); i.className = "planted"; main.append(i)`,
	} {
		j.eval(`(() => { const main = document.querySelector("main"); `+plant+`; })()`, nil)
		seen := false
		for _, f := range j.flaws(source) {
			seen = seen || f.ID == id
		}
		if !seen {
			t.Errorf("axe-core does not see a planted %s", id)
		}
		j.eval(`document.querySelectorAll(".planted").forEach((e) => e.remove())`, nil)
	}
}
