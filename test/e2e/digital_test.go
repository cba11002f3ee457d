package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"

	"facet/credentials"
	"facet/credentials/openid4vp"
	"facet/fetch"
	"facet/wallet"
	"facet/wallet/vault"
)

// asker is the newspaper's button for today's edition, which needs nothing but
// what the reader states.
const asker = `document.querySelector("wallet-request[begin*='/today']")`

// heard keeps what a page asks its browser for, and has it wait until the test
// lets it ask. The browser's own function is called with the page's own words.
const heard = `(() => {
	const real = navigator.credentials.get.bind(navigator.credentials);
	globalThis.asked = [];
	navigator.credentials.get = async (options) => {
		const {signal, ...rest} = options;
		asked.push({options: JSON.stringify(rest), signal: signal instanceof AbortSignal, active: navigator.userActivation.isActive});
		await new Promise((go) => { globalThis.letAsk = go; signal.addEventListener("abort", go); });
		return real(options);
	};
})()`

// A carrier is a reader whose browser carries requests and answers: Chromium
// with a virtual wallet that says what ours made of the request.
type carrier struct {
	*tab
	d      *demo
	w      words
	wallet *wallet.Wallet
}

func newCarrier(t *testing.T, lang string, v view) *carrier {
	t.Helper()
	v.language = map[string]string{"de": "de-DE", "en": "en-GB"}[lang]
	d := startDemo(t)
	c := &carrier{tab: startBrowser(t).device(t, v), d: d, w: catalogue(t, lang)}
	c.wallet = d.reader(t)
	c.before(heard)
	c.open(d.news + "/sprache/" + lang)
	c.await("the element", asker+"?.shadowRoot")
	return c
}

func (c *carrier) say(key string) string { c.t.Helper(); return c.w.say(c.t, key) }

// reader is a wallet outside of the browser that trusts whom the demo trusts.
func (d *demo) reader(t *testing.T) *wallet.Wallet {
	t.Helper()
	at, err := url.Parse(d.wallet)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:"+at.Port()+"/api/config", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = at.Host
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var config struct{ Trust json.RawMessage }
	if err := json.NewDecoder(res.Body).Decode(&config); err != nil {
		t.Fatal(err)
	}
	trust, err := credentials.ParseTrustList(config.Trust)
	if err != nil {
		t.Fatal(err)
	}
	prf := make([]byte, vault.PRFSize)
	rand.Read(prf)
	v, _, err := vault.Create(vault.Passkey{CredentialID: []byte("a passkey"), PRF: prf})
	if err != nil {
		t.Fatal(err)
	}
	w, err := wallet.New(wallet.Config{
		Vault: v, Trust: trust, Verifiers: trust, Fetch: fetch.New(fetch.Config{InsecureLoopback: true}),
		Now: time.Now, Save: func(context.Context) error { return nil }, InsecureLoopback: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.SetToday(t.Context(), wallet.Today{Persona: "business", TimeBudget: 5}); err != nil {
		t.Fatal(err)
	}
	return w
}

// behaves sets Chromium's virtual wallet (CDP DigitalCredentials, in Chromium
// since the API is).
func (c *carrier) behaves(action string, answer openid4vp.DigitalMessage) {
	c.t.Helper()
	what := map[string]any{"action": action}
	if answer.Data != nil {
		what["protocol"], what["response"] = answer.Protocol, answer.Data
	}
	c.do(chromedp.ActionFunc(func(ctx context.Context) error {
		return cdp.Execute(ctx, "DigitalCredentials.setVirtualWalletBehavior", what, nil)
	}))
}

// opens presses the newspaper's button and waits for the sheet.
func (c *carrier) opens() {
	c.t.Helper()
	c.pressAt("the newspaper's button", asker+`.querySelector("button")`)
	c.awaitText(c.say("there.show"))
}

// asks has the page ask the browser, and returns its one request.
func (c *carrier) asks() openid4vp.DigitalMessage {
	c.t.Helper()
	c.press(c.say("app.choose"))
	c.await("the browser to be asked", "globalThis.letAsk && asked.length")
	var asked []struct {
		Options        string
		Signal, Active bool
	}
	c.eval("asked.splice(0)", &asked)
	if len(asked) != 1 || !asked[0].Signal || !asked[0].Active {
		c.t.Fatalf("asked %+v", asked)
	}
	var options struct {
		Mediation string
		Digital   struct{ Requests []openid4vp.DigitalMessage }
	}
	d := json.NewDecoder(strings.NewReader(asked[0].Options))
	d.DisallowUnknownFields()
	if err := d.Decode(&options); err != nil || options.Mediation != "required" || len(options.Digital.Requests) != 1 {
		c.t.Fatalf("asked %s (%v)", asked[0].Options, err)
	}
	return options.Digital.Requests[0]
}

// letAsk lets the browser have the call, which it waits for.
func (c *carrier) letAsk() { c.t.Helper(); c.eval("letAsk(); delete globalThis.letAsk", nil) }

// approves is our wallet with the request in hand: a look, a yes, an answer.
func (c *carrier) approves(request openid4vp.DigitalMessage) openid4vp.DigitalMessage {
	c.t.Helper()
	p, err := c.wallet.AskDigital(c.t.Context(), request, c.d.news)
	if err != nil {
		c.t.Fatalf("ask: %v", err)
	}
	if p.Asker.Name != "Morgenblatt" || p.Kind != wallet.KindPolicy {
		c.t.Fatalf("the request is shown as %+v", p)
	}
	var choices []string
	for _, o := range p.Optional {
		choices = append(choices, o.Key)
	}
	shown, err := c.wallet.Preview(c.t.Context(), p.ID, choices)
	if err != nil {
		c.t.Fatal(err)
	}
	done, err := c.wallet.Present(c.t.Context(), p.ID, shown.Digest, choices)
	if err != nil {
		c.t.Fatalf("present: %v", err)
	}
	return *done.Digital
}

// TestBrowserCarriesTheAnswer: the page asks through navigator.credentials.get
// with the verifier's signed request, our wallet answers it, and the newspaper
// adapts. The answer to one request does not answer another.
func TestBrowserCarriesTheAnswer(t *testing.T) {
	for _, lang := range []string{"de", "en"} {
		t.Run(lang, func(t *testing.T) {
			c := newCarrier(t, lang, phone)
			c.behaves("wait", openid4vp.DigitalMessage{}) // instead of Chromium's own dialog, which takes all input
			c.opens()
			c.shows("sheet", lang)
			first := c.asks()
			c.shows("browser", lang)
			if first.Protocol != openid4vp.ProtocolSigned {
				t.Errorf("asked with %s", first.Protocol)
			}
			answer := c.approves(first)
			c.letAsk()
			c.press(c.say("other_way")) // the person turns away while the browser asks
			c.awaitText(c.say("there.show"))

			c.behaves("respond", answer)
			second := c.asks()
			if string(second.Data) == string(first.Data) {
				t.Fatal("one request for two questions")
			}
			c.letAsk()
			c.awaitText(c.say("error"))
			c.allow("facet/answer") // its 403 stands in the console
			c.shows("refused-answer", lang)
			c.press(c.say("again"))

			c.behaves("respond", c.approves(c.asks()))
			c.letAsk()
			c.awaitText(c.say("done"))
			c.shows("done", lang)
			c.press(c.say("go_on"))
			c.await("the reader's own edition", `document.querySelector("hint-why[data-hint='today.pace']") && document.querySelector(".run")`)
		})
	}
}

// TestBrowserWithoutAnAnswer: whatever keeps the browser from answering, the
// sheet is there again without an error, and its other ways work.
func TestBrowserWithoutAnAnswer(t *testing.T) {
	c := newCarrier(t, "de", laptop)
	c.behaves("decline", openid4vp.DigitalMessage{})
	c.opens()
	c.asks()
	c.letAsk()
	c.awaitText(c.say("there.show"))
	if n := c.count(".code"); n > 0 {
		t.Error("a no is shown as an error")
	}
	var focus string
	c.eval(asker+`.shadowRoot.activeElement?.id`, &focus)
	if focus != "title" {
		t.Errorf("the focus is at %q", focus)
	}

	c.behaves("wait", openid4vp.DigitalMessage{})
	c.asks()
	c.letAsk()
	c.do(chromedp.KeyEvent("\x1b")) // Escape closes the sheet and takes the question back
	c.await("the sheet to close", `!`+asker+`.shadowRoot.querySelector("dialog").open`)

	c.eval(`navigator.credentials.get = async () => { throw new DOMException("", "NotSupportedError"); }`, nil)
	c.opens()
	c.press(c.say("app.choose"))
	c.awaitText(c.say("app.unusable"))
	c.shows("unusable", "de")
	c.press(c.say("there.show"))
	c.await("the code", asker+`.shadowRoot.querySelector("svg path.dark")`)
}

// TestBrowserSheetAccessible runs axe-core on the sheet with all its ways, while
// the browser asks, and where it cannot.
func TestBrowserSheetAccessible(t *testing.T) {
	source := axe(t)
	for lang, tag := range map[string]string{"de": "de-DE", "en": "en-GB"} {
		c := newCarrier(t, lang, phone)
		c.behaves("wait", openid4vp.DigitalMessage{})
		c.opens()
		c.accessible(source, "the sheet", tag)
		c.asks()
		c.accessible(source, "the browser asks", tag)
		c.press(c.say("other_way"))
		c.eval(`navigator.credentials.get = async () => { throw new DOMException("", "NotSupportedError"); }`, nil)
		c.press(c.say("app.choose"))
		c.awaitText(c.say("app.unusable"))
		c.accessible(source, "the browser cannot", tag)
	}
}

// TestBrowserWithoutTheAPI: where the browser cannot ask, or lets no protocol
// through, the sheet has its two ways and the code works.
func TestBrowserWithoutTheAPI(t *testing.T) {
	for name, js := range map[string]string{
		"no API":      `delete globalThis.DigitalCredential`,
		"no protocol": `DigitalCredential.userAgentAllowsProtocol = () => false`,
	} {
		t.Run(name, func(t *testing.T) {
			c := newCarrier(t, "de", laptop)
			c.before(js)
			c.open(c.d.news + "/")
			c.opens()
			if offered := c.count("#app") > 0; offered != (name == "no protocol") {
				t.Fatalf("the browser's way is offered: %v", offered)
			}
			if name == "no protocol" {
				c.press(c.say("app.choose"))
				c.awaitText(c.say("app.unusable"))
			}
			c.press(c.say("there.show"))
			c.await("the code", asker+`.shadowRoot.querySelector("svg path.dark")`)
		})
	}
}

func (c *carrier) count(selector string) (n int) {
	c.t.Helper()
	c.eval(fmt.Sprintf(`%s.shadowRoot.querySelectorAll(%q).length`, asker, selector), &n)
	return n
}

// shows takes the sheet at two widths in two themes, when asked to look.
func (c *carrier) shows(name, lang string) {
	c.t.Helper()
	for width, v := range map[string]view{"phone": phone, "desk": laptop} {
		for theme, dark := range map[string]bool{"light": false, "dark": true} {
			v.dark, v.language = dark, map[string]string{"de": "de-DE", "en": "en-GB"}[lang]
			c.look(v)
			c.shot(strings.Join([]string{"digital", name, lang, width, theme}, "-"))
		}
	}
	c.look(phone)
}
