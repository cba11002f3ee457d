package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// TestBadInputPage tries what a hostile site can do around the page of consent:
// taps that were not meant, and pictures and links that are none.
func TestBadInputPage(t *testing.T) {
	x := startTrial(t)
	x.receives("age")
	t.Run("WEB-003", func(t *testing.T) {
		x.t = t
		x.open(x.d.wallet + "/home")
		x.unlock()
		x.keeps(1)
		for logo, shown := range map[string]int{
			"data:image/png;base64,iVBORw0KGgo=":                     1,
			"data:text/html,<script>alert(1)</script>":               0,
			"javascript:alert(1)":                                    0,
			"data:image/svg+xml;base64,PHN2Zz48c2NyaXB0Lz48L3N2Zz4=": 0,
			"data:image/png,x":                                       0,
			"https://tracker.example/logo.png":                       0,
			"data:image/png;base64,AAAA\" onerror=\"alert(1)":        0,
			"DATA:IMAGE/PNG;BASE64,AAAA":                             0,
		} {
			if n := x.draws(t, logo, "https://issuer.example/", "img"); n != shown {
				t.Errorf("logo %q: %d pictures, want %d", logo, n, shown)
			}
		}
		for link, shown := range map[string]int{
			"https://issuer.example/get":          1,
			"javascript:alert(1)":                 0,
			" javascript:alert(1)":                0,
			"data:text/html,<script>1</script>":   0,
			"http://issuer.example/get":           0,
			"https://user:secret@issuer.example/": 0,
			"blob:https://wallet.localhost/1":     0,
			"//issuer.example":                    0,
		} {
			if n := x.draws(t, "", link, ".ask a"); n != shown {
				t.Errorf("link %q: %d links, want %d", link, n, shown)
			}
			if back := x.returns(t, link); (back != "") != (shown == 1) {
				t.Errorf("the way back %q became %q", link, back)
			}
		}
	})
	t.Run("WEB-005", func(t *testing.T) {
		x.t = t
		id, link := x.d.asks(t, "agegate")
		sent := func() int { return len(x.verifier.requests("POST", "/wallet/response/")) }

		x.before(`(() => { let first = 0; globalThis.early = 0; const look = () => {
			const b = [...document.querySelectorAll(".decide__pair button")].at(-1);
			if (b) { first ||= performance.now(); if (performance.now() - first < 400) { b.click(); globalThis.early++; } }
			requestAnimationFrame(look); }; look(); })()`)
		x.open("about:blank")
		x.asked(link)
		time.Sleep(time.Second)
		x.before("")
		var early int
		if x.eval("globalThis.early", &early); early < 3 || sent() != 0 {
			t.Fatalf("%d clicks before 600 ms sent %d answers", early, sent())
		}
		approve := find(".choice", x.say("approve"))
		var at struct{ X, Y float64 }
		x.eval(`(() => { const el = `+approve+`; el.scrollIntoView({block: "center"}); const r = el.getBoundingClientRect(); return {X: r.x + r.width / 2, Y: r.y + r.height / 2}; })()`, &at)
		time.Sleep(time.Second) // whatever moved has come to rest

		x.clicks(at.X, at.Y, 2) // the second half of a double click that began on another page
		time.Sleep(200 * time.Millisecond)
		if sent() != 0 {
			t.Fatal("the second half of a double click was a decision")
		}
		x.eval(`(() => { const d = document.createElement("div"); d.id = "cover"; document.body.append(d);
			for (const [k, v] of Object.entries({position: "fixed", inset: "0", background: "#fff", "pointer-events": "none", "z-index": "9999"})) d.style.setProperty(k, v); })()`, nil)
		time.Sleep(500 * time.Millisecond)
		x.clicks(at.X, at.Y, 1)
		x.awaitText(x.say("request.covered"))
		if sent() != 0 {
			t.Fatal("a covered button was a decision")
		}
		x.eval(`document.querySelector("#cover").remove()`, nil)
		time.Sleep(300 * time.Millisecond)
		x.eval(`(() => { const r = `+approve+`.getBoundingClientRect(); return {X: r.x + r.width / 2, Y: r.y + r.height / 2}; })()`, &at) // the note moved it
		x.clicks(at.X, at.Y, 1)
		time.Sleep(200 * time.Millisecond)
		if sent() != 0 {
			t.Fatal("a button just uncovered was a decision")
		}
		time.Sleep(time.Second)
		x.clicks(at.X, at.Y, 1)
		x.clicks(at.X, at.Y, 2)
		x.await("the sent page", find("h1", x.say("done.title")))
		time.Sleep(200 * time.Millisecond)
		if sent() != 1 || x.d.state(t, id) != "released" {
			t.Fatalf("a double click sent %d answers", sent())
		}
	})
}

// clicks presses and releases once, saying which click of a row it is.
func (tb *tab) clicks(atX, atY float64, count int64) {
	tb.t.Helper()
	var actions []chromedp.Action
	for _, kind := range []input.MouseType{input.MousePressed, input.MouseReleased} {
		actions = append(actions, input.DispatchMouseEvent(kind, atX, atY).WithButton(input.Left).WithClickCount(count))
	}
	tb.do(actions...)
}

// proposal is one an engine would never make, with a logo and a link.
func proposal(logo, link string, satisfiable bool) string {
	text := map[string]string{"de": "x", "en": "x"}
	b, err := json.Marshal(map[string]any{
		"id": "p", "digest": "d", "kind": "policy", "satisfiable": satisfiable,
		"asker":   map[string]any{"name": "Evil", "domain": "evil.example", "logo": logo, "verified": true, "register": text, "known_since": nil},
		"purpose": map[string]any{"id": "age-gate", "label": text}, "benefit": text, "question": text,
		"retention": map[string]any{"iso": "PT1H", "seconds": 3600, "until": 1}, "required": []any{}, "optional": []any{},
		"preview": map[string]any{"lines": []any{}}, "identify": map[string]any{"level": "barely", "bits": 0, "parts": []any{}},
		"technical": []any{}, "missing": []any{map[string]any{"kind": "age", "label": text, "get_url": link}},
	})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// mount draws the real page of consent for a made-up proposal, with an engine
// that answers what it is told.
const mount = `
	const home = document.querySelector("facet-home");
	const shown = {outcome: {lines: []}, identify: p.identify, sends: [], digest: "d"};
	let answered;
	const page = document.createElement("facet-request");
	page.ctx = {...home.ctx, answered: (a) => { answered = a; }, fail: (f) => { answered = f; }, engine: {
		proposal: async () => p, preview: async () => shown, present: async () => ({redirect_uri: back, history_id: "h", sent: [], until: 1})}};
	page.proposalId = "p";
	const place = document.createElement("main");
	place.append(page);
	document.body.append(place);
	for (let n = 0; n < 100 && !page.querySelector(".decide"); n++) await new Promise(requestAnimationFrame);
`

// draws counts what of a selector the page shows for a logo and a link.
func (x *trial) draws(t *testing.T, logo, link, selector string) (n int) {
	t.Helper()
	x.eval(fmt.Sprintf(`(async () => { const p = %s, back = ""; %s
		const n = page.querySelectorAll(%q).length; place.remove(); return page.querySelector(".decide") ? n : -1; })()`,
		proposal(logo, link, false), mount, selector), &n)
	return n
}

// returns approves and says where the page would lead back to.
func (x *trial) returns(t *testing.T, link string) (back string) {
	t.Helper()
	quoted, err := json.Marshal(link)
	if err != nil {
		t.Fatal(err)
	}
	x.eval(fmt.Sprintf(`(async () => { const p = %s, back = %s; %s
		await new Promise((ok) => setTimeout(ok, 700));
		[...page.querySelectorAll(".decide__pair button")].at(-1).click();
		for (let n = 0; n < 100 && !answered; n++) await new Promise(requestAnimationFrame);
		place.remove();
		if (!answered?.presented) throw new Error("not answered: " + JSON.stringify(answered));
		return answered.back ?? "";
	})()`, proposal("", "", true), quoted, mount), &back)
	return back
}

// TestBadInputLost loses servers between approving and the result. The holder
// is told what is known, the same answer can be sent again, and everything
// that was confirmed is still there.
func TestBadInputLost(t *testing.T) {
	x := startTrial(t)
	x.allow("ERR_|status of (400|410)") // the servers of this test die
	x.receives("abo")
	x.cards++
	t.Run("after the wallet was made", func(t *testing.T) {
		x.t = t
		x.d.stop(t, syscall.SIGKILL)
		x.d.start(t)
		x.open(x.d.wallet + "/home")
		x.unlock()
		x.keeps(1)
	})
	for name, reached := range map[string]bool{"before the answer arrived": false, "before the reply arrived": true} {
		t.Run(name, func(t *testing.T) {
			x.t = t
			id, link := x.d.asks(t, "access")
			x.verifier.cutting(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if isResponse(r) {
					if reached {
						next.ServeHTTP(&deaf{header: http.Header{}}, r)
					}
					x.d.stop(t, syscall.SIGKILL)
					panic(http.ErrAbortHandler)
				}
				next.ServeHTTP(w, r)
			})
			x.asked(link)
			x.decide("approve")
			x.await("the failure", find("h1", x.say("error.network")))
			x.awaitText(x.say("sent.unknown"))
			x.shot("bad-lost")
			x.verifier.cutting(nil)
			x.d.start(t)
			x.press(texts(t, "de")["again"])
			if reached {
				x.refuses("answer_uncertain", "sent.unknown")
			} else {
				x.await("the sent page", find("h1", x.say("done.title")))
			}
			patiently(t, "the result", func() bool { return x.d.state(t, id) == "released" })
			x.open(x.d.wallet + "/history")
			x.unlock()
			x.await("an answer that the site has", `document.querySelector("main .row")`)
			var none bool
			if x.eval(`document.body.innerText.includes(`+quote(x.say("state.none"))+`)`, &none); none {
				t.Error("the history says that nothing was sent")
			}
		})
	}
	if out, code := facet(t, "audit", "verify", x.d.verifier); code != 0 {
		t.Errorf("audit verify: %d\n%s", code, out)
	}
	x.open(x.d.wallet + "/home")
	x.unlock()
	x.keeps(1)
}

func isResponse(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/wallet/response/")
}

// A deaf takes an answer that nobody hears.
type deaf struct{ header http.Header }

func (d *deaf) Header() http.Header         { return d.header }
func (d *deaf) Write(b []byte) (int, error) { return len(b), nil }
func (d *deaf) WriteHeader(int)             {}
