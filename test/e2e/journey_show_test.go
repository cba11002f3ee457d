package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// statesPreferences says what the reader likes, and what counts today.
func (j *journey) statesPreferences() {
	j.open(j.d.wallet + "/home")
	j.unlock()
	j.await("today's context", `document.querySelector("input[name=persona][value=family]")`)
	j.pressAt("family", `document.querySelector("input[name=persona][value=family]").parentElement`)
	j.await("the choice", `document.querySelector("input[name=persona][value=family]:checked")`)
	j.picture("home")
	j.pressAt("the tab", `document.querySelector("nav a[href='/preferences']")`)
	j.arrive("preferences.name", "preferences-empty")
	for _, topic := range map[string][]string{"de": {"Technik", "Sport"}, "en": {"Technology", "Sports"}}[j.lang] {
		j.typeInto("input[type=search]", topic)
		j.pressAt("the topic "+topic, find("label.tick", topic))
		j.eval(`(() => { const s = document.querySelector("input[type=search]"); s.value = ""; s.dispatchEvent(new Event("input")); })()`, nil)
	}
	j.await("two chips", `document.querySelectorAll(".chips .chip:not(.chip--add):has(svg)").length >= 2`)
	j.do(chromedp.Focus("#depth"), chromedp.KeyEvent(kb.ArrowLeft), chromedp.Sleep(100*time.Millisecond))
	j.await("the depth", `document.querySelector("#depth").getAttribute("aria-valuetext") === `+quote(j.say("depth.overview")))
	j.picture("preferences")
}

func quote(s string) string { return fmt.Sprintf("%q", s) }

// asks presses the newspaper's button for a policy and goes to the wallet on
// this device.
func (j *journey) asks(policy, picture string) {
	j.t.Helper()
	host := fmt.Sprintf(`document.querySelector("wallet-request[begin*='/%s']")`, policy)
	j.await("the element", host+"?.shadowRoot")
	j.pressAt("the newspaper's button", host+`.querySelector("button")`)
	j.await("the sheet", host+`.shadowRoot.querySelector("dialog[open]")`)
	j.picture(picture)
	j.pressAt("on this device", host+`.shadowRoot.querySelector(".way .btn")`)
	j.await("the wallet", `location.pathname === "/authorize" || location.host.startsWith("wallet")`)
	j.unlock()
	j.await("the request", `document.querySelector(".decide")`)
}

// ticks turns on the optional line with this number.
func (j *journey) ticks(n int) {
	j.t.Helper()
	box := fmt.Sprintf(`document.querySelector("#opt-%d")`, n)
	j.pressAt("a switch", box+".closest('label')")
	j.await("the switch", box+".checked")
}

// approves presses approve, sees the receipt checked and goes back.
func (j *journey) approves(picture string) {
	j.t.Helper()
	j.decide("approve")
	j.await("the sent page", find("h1", j.say("done.title")))
	j.awaitText(j.say("receipt.checked"))
	j.picture(picture)
	j.press(j.say("back_to"))
	j.await("the newspaper", `location.host.startsWith("news")`)
}

// adaptsTheFrontPage answers the home policy with two of the optional lines.
func (j *journey) adaptsTheFrontPage() {
	j.open(j.d.news + "/")
	j.asks("home", "sheet")
	var ticked int
	j.eval(`document.querySelectorAll("input[role=switch]:checked").length`, &ticked)
	if ticked != 0 {
		j.t.Fatalf("%d optional lines were ticked in advance", ticked)
	}
	j.picture("request")
	before := j.preview()
	j.ticks(0)
	j.ticks(1)
	j.await("another preview", "JSON.stringify("+previewLines+") !== "+quote(before))
	j.picture("request-ticked")
	j.approves("done")
	j.await("an adapted page", `document.querySelectorAll("hint-why").length >= 2`)
	j.picture("newspaper-adapted")
	j.why()
	j.open(j.d.news + "/deine-daten")
	j.await("what the newspaper holds", `document.querySelector("h1")`)
	j.picture("your-data")
}

// why opens the first answer to "why do I see this?".
func (j *journey) why() {
	const first = `document.querySelector("hint-why").shadowRoot`
	j.pressAt("why do I see this?", first+`.querySelector("summary, button")`)
	var text string
	j.await("the reason", first+`.querySelector("[open], [aria-expanded=true]")`)
	j.eval(first+`.textContent`, &text)
	if want := map[string]string{"de": "Technik", "en": "Technology"}[j.lang]; !strings.Contains(text, want) {
		j.t.Errorf("the reason does not name what was said: %q", text)
	}
	j.picture("why")
	j.do(chromedp.KeyEvent(kb.Escape))
}

const previewLines = `[...document.querySelectorAll(".outcome dd")].map((d) => d.textContent)`

// preview is what the request page says will come of it.
func (j *journey) preview() (lines string) {
	j.eval("JSON.stringify("+previewLines+")", &lines)
	return lines
}

// passesTheAgeGate answers the one question of the film review.
func (j *journey) passesTheAgeGate() {
	j.open(j.d.news + "/artikel/salzwinter")
	j.await("the gate", `document.querySelector(".gate")`)
	j.picture("gate")
	j.asks("agegate", "")
	var optional int
	j.eval(`document.querySelectorAll("input[role=switch]").length`, &optional)
	if optional != 0 {
		j.t.Fatalf("the age gate asks %d optional things", optional)
	}
	j.picture("request-agegate")
	j.approves("done-agegate")
	j.await("the review", `location.pathname === "/artikel/salzwinter" && !document.querySelector(".gate")`)
	j.picture("review")
}

// adaptsToToday answers what the reader wants today, a request of its own.
func (j *journey) adaptsToToday() {
	j.open(j.d.news + "/")
	j.asks("today", "")
	j.picture("request-today")
	j.await("a switch that can be used", `document.querySelector("input[role=switch]:not([disabled])")`)
	j.pressAt("a switch", `document.querySelector("input[role=switch]:not([disabled])").closest("label")`)
	j.approves("done-today")
	j.picture("newspaper-today")
}

// looksBack finds everything in the history, and takes one answer back.
func (j *journey) looksBack() {
	j.open(j.d.wallet + "/history")
	j.unlock()
	j.await("three answers", `document.querySelectorAll(".row").length >= 3`)
	j.picture("history")
	var text string
	j.eval("document.body.innerText", &text)
	for _, value := range []string{"premium", "Premium", "Überblick", "Technik", "Technology"} {
		if strings.Contains(text, value) {
			j.t.Errorf("the history shows the value %q", value)
		}
	}
	j.pressAt("the first answer to the home policy", `[...document.querySelectorAll(".row a, a.row")].at(-1)`)
	j.await("one answer", `document.querySelector(".badge--trust, .note--trust")`)
	j.picture("history-detail")
	j.press(j.say("withdraw.now"))
	j.awaitText(j.say("withdrawn.title"))
	j.picture("history-withdrawn")
	j.open(j.d.news + "/")
	j.await("the editors' page", `document.querySelector(".strip")`)
	j.picture("newspaper-after")
}

// audits checks the log as an auditor would, then breaks it.
func (j *journey) audits() {
	j.open(j.d.verifier + "/audit")
	j.await("the console", `document.querySelector("h1")?.innerText`)
	j.await("the state", `document.body.innerText.match(/\d+\s+(Einträge|entries)/)`)
	j.picture("audit")
	if out, code := facet(j.t, "audit", "verify", j.d.verifier); code != 0 {
		j.t.Fatalf("audit verify says %d:\n%s", code, out)
	}
	j.breaksTheLog()
}

// breaksTheLog changes one byte of one entry on disk.
func (j *journey) breaksTheLog() {
	undo := j.d.tamper(j.t)
	out, code := facet(j.t, "audit", "verify", j.d.verifier)
	if code != 1 || !strings.Contains(out, "entry 1") || !strings.Contains(out, "leaf_hash_mismatch") {
		j.t.Errorf("one byte changed: exit %d:\n%s", code, out)
	}
	undo()
}

// tamper changes one byte of entry 1 on disk, and undo puts it back.
func (d *demo) tamper(t *testing.T) (undo func()) {
	t.Helper()
	var bundle string
	var size int64 // a growing bundle leaves its shorter versions beside it
	err := filepath.WalkDir(filepath.Join(d.data, "log"), func(p string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.Contains(p, "/entries/") {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Size() > size {
			bundle, size = p, info.Size()
		}
		return err
	})
	if err != nil || bundle == "" {
		t.Fatalf("no entry bundle found: %v", err)
	}
	content, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	broken := bytes.Clone(content)
	broken[bytes.Index(content, []byte(`"purpose":"`))+len(`"purpose":"`)] ^= 1
	write := func(b []byte) {
		if err := os.WriteFile(bundle, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(broken)
	return func() { write(content) }
}
