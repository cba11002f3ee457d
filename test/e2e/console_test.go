package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// An auditor is somebody with a browser and nothing else: no account, no key.
type auditor struct {
	*tab
	d *demo
	w words
	v view

	mu    sync.Mutex
	asked []string // paths requested, in order
}

func newAuditor(t *testing.T, b *browser, d *demo, v view, lang string) *auditor {
	t.Helper()
	v.language = map[string]string{"de": "de-DE", "en": "en-GB"}[lang]
	a := &auditor{tab: b.device(t, v), d: d, w: words{}, v: v}
	text, err := os.ReadFile("../../web/src/texts/audit." + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &a.w); err != nil {
		t.Fatal(err)
	}
	chromedp.ListenTarget(a.ctx, func(event any) {
		if e, ok := event.(*network.EventRequestWillBeSent); ok {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.asked = append(a.asked, strings.TrimPrefix(e.Request.URL, d.verifier))
		}
	})
	return a
}

// shows leaves pictures in both themes, when asked to look.
func (a *auditor) shows(name string) {
	a.t.Helper()
	for theme, dark := range map[string]bool{"light": false, "dark": true} {
		a.v.dark = dark
		a.look(a.v)
		a.shot(name + "-" + a.v.language[:2] + "-" + map[bool]string{true: "phone", false: "desk"}[a.v.width < 600] + "-" + theme)
	}
	a.v.dark = false
	a.look(a.v)
}

func (a *auditor) say(key string) string { a.t.Helper(); return a.w.say(a.t, key) }

// visit opens a page of the console and waits for words it must show.
func (a *auditor) visit(path string, keys ...string) {
	a.t.Helper()
	a.open(a.d.verifier + path)
	for _, key := range keys {
		a.awaitText(a.say(key))
	}
}

// during returns the paths requested while act ran.
func (a *auditor) during(act func()) []string {
	a.t.Helper()
	a.mu.Lock()
	before := len(a.asked)
	a.mu.Unlock()
	act()
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.asked[before:])
}

// search puts words into the field for receipts and waits for the answer.
func (a *auditor) search(text, answer string) {
	a.t.Helper()
	a.eval(`document.querySelector("#q").value = `+quote(text), nil)
	a.pressAt("search", `document.querySelector("form.find button")`)
	a.await("the answer "+answer, find("[role=status]", a.say(answer)))
}

// filter chooses in one of the list's filters and waits for so many rows.
func (a *auditor) filter(name, value string, rows int) {
	a.t.Helper()
	field := fmt.Sprintf(`document.querySelector("#f-%s")`, name)
	a.eval(fmt.Sprintf(`(() => { const s = %s; s.value = %q; s.dispatchEvent(new Event("change", {bubbles: true})); })()`, field, value), nil)
	a.await(fmt.Sprintf("%d rows for %s=%s", rows, name, value),
		fmt.Sprintf(`%s.value === %q && document.querySelectorAll("ol.list > li").length === %d`, field, value, rows))
}

// TestConsole checks an answered request as an auditor does, in both languages.
func TestConsole(t *testing.T) {
	j := newJourney(t, "de")
	j.createsAWallet()
	j.receives("abo")
	j.open(j.d.news + "/")
	j.asks("home", "")
	j.approves("")

	for lang, v := range map[string]view{"de": laptop, "en": phone} {
		t.Run(lang, func(t *testing.T) {
			a := newAuditor(t, j.b, j.d, v, lang)
			a.overview()
			a.entries()
			a.oneEntry()
			a.report()
		})
	}
	t.Run("a changed entry", j.tampers)
	t.Run("two versions of a policy", j.changesAPolicy)
}

// overview says that this browser itself recomputed everything.
func (a *auditor) overview() {
	a.visit("/audit", "audit.state.good", "audit.look", "audit.find.weakening_on", "audit.p.claims")
	a.press(a.say("audit.state.what"))
	for _, key := range []string{"audit.state.sig.browser", "audit.state.memory.first"} {
		a.awaitText(a.say(key))
	}
	var body string
	a.eval("document.body.innerText", &body)
	tree := strings.ReplaceAll(a.w["audit.state.tree.browser"].(string), "{n}", fmt.Sprint(a.size()))
	if !strings.Contains(body, tree) {
		a.t.Errorf("the overview does not say %q", tree)
	}
	a.shows("95-audit")
	if wide := a.width(); wide > 0 {
		a.t.Errorf("the overview is %d pixels wider than the window", wide)
	}
}

// width is how far the page reaches beyond the window.
func (a *auditor) width() (n int) {
	a.eval("document.documentElement.scrollWidth - innerWidth", &n)
	return n
}

// size is the log's size as it is published.
func (a *auditor) size() (n int) {
	lines := strings.Split(a.get("/log/checkpoint"), "\n")
	fmt.Sscan(lines[1], &n)
	return n
}

// get reads a public address of the verifier without the browser.
func (a *auditor) get(path string) string {
	a.t.Helper()
	u, err := url.Parse(a.d.verifier + path)
	if err != nil {
		a.t.Fatal(err)
	}
	req := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host}
	u.Host = "127.0.0.1:" + u.Port()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		a.t.Fatalf("GET %s: %d %v", path, res.StatusCode, err)
	}
	return string(b)
}

// entries filters the list, and looks a receipt up: nothing but the part of the
// log with that number is asked for, as the page says.
func (a *auditor) entries() {
	a.visit("/audit/entries", "audit.nav.entries", "audit.e.search.hint")
	all := a.size()
	a.await("every entry", fmt.Sprintf(`document.querySelectorAll("ol.list > li").length === %d`, all))
	a.shows("95-audit-entries")
	a.filter("kind", "request", 1)
	a.filter("purpose", "personalised-home", 1)
	a.filter("kind", "", 3) // the policy, the request, its outcome
	a.filter("outcome", "answered", 1)
	a.filter("outcome", "rejected", 0)
	a.awaitText(a.say("audit.e.empty"))
	a.filter("outcome", "", 3)
	a.filter("purpose", "", all)

	n, proof := a.answered()
	if asked := a.during(func() { a.search(fmt.Sprint(n), "audit.e.found.number") }); len(asked) != 0 {
		a.t.Errorf("looking a number up asked for %v", asked)
	}
	bundle := fmt.Sprintf("/log/tile/entries/000.p/%d", all)
	if asked := a.during(func() { a.search(proof, "audit.e.found.good") }); !slices.Equal(asked, []string{bundle}) {
		a.t.Errorf("looking a receipt up asked for %v, want only %s", asked, bundle)
	}
	lines := strings.Split(proof, "\n")
	lines[2], lines[3] = lines[3], lines[2]
	a.search(strings.Join(lines, "\n"), "audit.e.found.bad")
	a.search("erika@example.org", "audit.e.found.none")
}

// answered is the entry of the one answer, with its proof.
func (a *auditor) answered() (n int, proof string) {
	a.t.Helper()
	var list struct{ Rows []struct{ Index int } }
	if err := json.Unmarshal([]byte(a.get("/audit/api/entries?outcome=answered")), &list); err != nil || len(list.Rows) != 1 {
		a.t.Fatalf("the answered request: %v %v", list, err)
	}
	var view struct{ Proof string }
	if err := json.Unmarshal([]byte(a.get(fmt.Sprintf("/audit/api/entry/%d", list.Rows[0].Index))), &view); err != nil {
		a.t.Fatal(err)
	}
	return list.Rows[0].Index, view.Proof
}

// oneEntry shows what belongs together, without values, and a path of proof
// whose every step was hashed in this browser.
func (a *auditor) oneEntry() {
	n, _ := a.answered()
	a.visit(fmt.Sprintf("/audit/entry/%d", n), "audit.1.in", "audit.1.claims", "audit.1.chain", "audit.1.path")
	a.shows("95-audit-entry")
	var steps int
	a.eval(`document.querySelectorAll("svg.tree .sib").length`, &steps)
	var verdict, body string
	a.eval(`document.querySelector(".proof").innerText`, &verdict)
	if steps == 0 || !strings.Contains(verdict, fmt.Sprint(steps)) {
		a.t.Errorf("the page draws %d steps and says %q", steps, verdict)
	}
	a.eval("document.body.textContent", &body)
	if strings.Contains(strings.ToLower(body), "premium") {
		a.t.Error("the entry shows the value that was answered")
	}
	a.press(a.say("audit.1.back"))
	a.awaitText(a.say("audit.e.search"))
}

// report is read on screen and on paper; paper has no controls.
func (a *auditor) report() {
	a.visit("/audit/report", "audit.r.kicker", "audit.r.good", "audit.r.cannot")
	a.shows("95-audit-report")
	var pdf []byte
	a.do(emulation.SetEmulatedMedia().WithMedia("print"))
	for _, control := range []string{"header.top", "nav.screen"} {
		var shown bool
		a.eval(fmt.Sprintf(`document.querySelector(%q)?.getBoundingClientRect().height > 0`, control), &shown)
		if shown {
			a.t.Errorf("%s is printed", control)
		}
	}
	a.do(emulation.SetEmulatedMedia(), chromedp.ActionFunc(func(ctx context.Context) (err error) {
		pdf, _, err = page.PrintToPDF().WithPreferCSSPageSize(true).Do(ctx)
		return err
	}))
	if pages := strings.Count(string(pdf), "/Type /Page\n"); pages < 2 || pages > 8 {
		a.t.Errorf("the report has %d pages", pages)
	}
}

// changesAPolicy lets the newspaper keep answers longer and ask for less, and
// reads in the console what changed.
func (j *journey) changesAPolicy(t *testing.T) {
	seen := newAuditor(t, j.b, j.d, laptop, "en")
	seen.visit("/audit", "audit.state.good")
	j.d.stop(t, syscall.SIGINT)
	j.d.bin = otherPolicy(t, map[string]string{"version: ": "version: 9", "retention: ": "retention: P14D"}, "ui.language")
	j.d.start(t)

	reader := j.b.device(t, phone)
	reader.open(j.d.news + "/") // a policy is published with its first request
	const host = `document.querySelector("wallet-request[begin*='/home']")`
	reader.await("the element", host+"?.shadowRoot")
	reader.pressAt("the newspaper's button", host+`.querySelector("button")`)
	reader.pressAt("on another device", host+`.shadowRoot.querySelector(".or + .way .btn")`)
	reader.await("the code", host+`.shadowRoot.querySelector("svg path.dark")`)

	// The console rests between two recomputations: it may be a moment behind.
	for stop := time.Now().Add(patience); !strings.Contains(seen.get("/audit/api/policies"), `"version":9`); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(stop) {
			t.Fatal("the console never tells of the policy's new version")
		}
	}
	seen.visit("/audit", "audit.state.good")
	seen.press(seen.say("audit.state.what"))
	seen.awaitText(seen.say("audit.state.memory.consistent"))
	seen.visit("/audit/policies", "audit.pol.lead")
	seen.press(strings.Replace(seen.w["audit.pol.version"].(string), "{n}", "9", 1))
	seen.awaitText(seen.say("audit.pol.changes"))
	for _, text := range []string{"Keeps longer: 14 days instead of 7 days", "Asks less: The language of the page"} {
		seen.awaitText(text)
	}
	var less, more int
	seen.eval(`document.querySelectorAll("ol.chg > li").length`, &more)
	seen.eval(`document.querySelectorAll("pre del").length`, &less)
	if more != 2 || less == 0 {
		t.Errorf("%d changes, %d lines taken away", more, less)
	}
	seen.shows("95-audit-policies")
}

// tampers changes one byte of one entry. The console sees it by its own
// arithmetic while the server still tells what it computed before; a server
// that reads the log anew names the entry.
func (j *journey) tampers(t *testing.T) {
	undo := j.d.tamper(t)
	for _, lang := range []string{"de", "en"} {
		a := newAuditor(t, j.b, j.d, phone, lang)
		a.visit("/audit", "audit.bad.tree", "audit.bad.do")
		a.await("the failed state", `document.querySelector(".proof--bad")`)
		a.shows("95-audit-broken")
		a.visit("/audit/entry/1", "audit.1.out")
		a.visit("/audit/report", "audit.r.bad")
		a.visit("/audit/entry/2", "audit.1.in") // the path of another entry holds
		_, proof := a.answered()
		a.visit("/audit/entries", "audit.e.search")
		a.search(proof, "audit.e.found.good")
	}
	j.d.stop(t, syscall.SIGINT)
	j.d.start(t)
	a := newAuditor(t, j.b, j.d, laptop, "en")
	a.visit("/audit", "audit.bad.entry.n")
	a.await("the entry's number", `document.querySelector(".proof--bad h1").innerText.includes(" 1 ")`)
	undo()
	j.d.stop(t, syscall.SIGINT)
	j.d.start(t)
}

// otherPolicy builds facet with another home policy: the lines that begin with
// a key are replaced, and the rule of one hint is gone.
func otherPolicy(t *testing.T, lines map[string]string, without string) (bin string) {
	t.Helper()
	path, err := filepath.Abs("../../examples/newsroom/policies/home.yaml")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	skipping := false
	for _, line := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(line, "  - key: ") {
			skipping = strings.HasSuffix(line, without)
		}
		for begin, instead := range lines {
			if strings.HasPrefix(line, begin) {
				line = instead
			}
		}
		if !skipping {
			out = append(out, line)
		}
	}
	dir := t.TempDir()
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: filepath.Join(dir, "home.yaml")}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"home.yaml": strings.Join(out, "\n"), "overlay.json": string(overlay)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bin = filepath.Join(dir, "facet")
	if out, err := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", bin, "facet/cmd/facet").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}
