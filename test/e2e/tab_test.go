package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// patience is how long anything on a page may take in a loaded test run.
const patience = 30 * time.Second

// A view is how a holder looks at a page.
type view struct {
	width, height int64
	dark          bool
	language      string // BCP 47
}

var (
	phone  = view{width: 390, height: 844, language: "de-DE"}
	laptop = view{width: 1280, height: 800, language: "de-DE"}
)

// A tab is one device: cookies, storage and passkeys of its own. Console
// errors, uncaught exceptions and violations of the content security policy
// fail the test when it ends, unless allow has named them.
type tab struct {
	t   *testing.T
	ctx context.Context

	authenticator webauthn.AuthenticatorID
	first         page.ScriptIdentifier // runs before pages' own scripts

	mu       sync.Mutex
	problems []string
	allowed  []*regexp.Regexp
}

// device opens a tab that shares nothing with other tabs.
func (b *browser) device(t *testing.T, v view) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(b.newTarget(t)))
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx); err != nil { // attach for as long as ctx, not one action's deadline
		t.Fatalf("attaching to a window: %v", err)
	}
	tb := &tab{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, tb.note)
	tb.do(runtime.Enable(), log.Enable(), network.Enable(), page.Enable())
	tb.look(v)
	tb.do(webauthn.Enable(), chromedp.ActionFunc(func(ctx context.Context) (err error) {
		tb.authenticator, err = webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21,
			Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true,
			HasPrf: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}).Do(ctx)
		return err
	}))
	t.Cleanup(tb.report)
	return tb
}

// newTarget makes a window of its own, with its own cookies and storage;
// chromedp's own option opens a tab, which Chromium refuses without a window.
func (b *browser) newTarget(t *testing.T) (id target.ID) {
	t.Helper()
	err := chromedp.Run(b.ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		ctx = cdp.WithExecutor(ctx, chromedp.FromContext(ctx).Browser)
		profile, err := target.CreateBrowserContext().Do(ctx)
		if err != nil {
			return err
		}
		id, err = target.CreateTarget("about:blank").WithBrowserContextID(profile).WithNewWindow(true).Do(ctx)
		return err
	}))
	if err != nil {
		t.Fatalf("opening a window: %v", err)
	}
	return id
}

// look changes viewport, colour scheme and language.
func (tb *tab) look(v view) {
	tb.t.Helper()
	scheme := "light"
	if v.dark {
		scheme = "dark"
	}
	var agent string
	tb.eval("navigator.userAgent", &agent)
	tb.do(
		emulation.SetDeviceMetricsOverride(v.width, v.height, 1, v.width < 600),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}),
		emulation.SetLocaleOverride().WithLocale(v.language),
		emulation.SetUserAgentOverride(agent).WithAcceptLanguage(v.language),
	)
}

// do runs browser actions in order, or fails the test.
func (tb *tab) do(actions ...chromedp.Action) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		tb.t.Fatalf("in the browser: %v", err)
	}
}

func (tb *tab) open(url string) {
	tb.t.Helper()
	tb.do(chromedp.Navigate(url))
}

// eval runs an expression, awaits it if it is a promise, and decodes its value.
func (tb *tab) eval(js string, out any) {
	tb.t.Helper()
	if err := tb.tryEval(js, out); err != nil {
		tb.t.Fatalf("in the page: %v", err)
	}
}

func (tb *tab) tryEval(js string, out any) error {
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		res, thrown, err := runtime.Evaluate(js).WithAwaitPromise(true).WithReturnByValue(true).
			WithUserGesture(true).WithAllowUnsafeEvalBlockedByCSP(false).Do(ctx)
		switch {
		case err != nil:
			return err
		case thrown != nil && thrown.Exception != nil:
			return fmt.Errorf("%s", thrown.Exception.Description)
		case thrown != nil:
			return fmt.Errorf("%s", thrown.Text)
		case out == nil || res.Value == nil:
			return nil
		}
		return json.Unmarshal(res.Value, out)
	}))
}

// await polls an expression until it is true, or fails saying what was awaited.
func (tb *tab) await(what, js string) {
	tb.t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		var ok bool
		if err := tb.tryEval("!!("+js+")", &ok); err == nil && ok {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	tb.shot("failed-" + strings.ReplaceAll(tb.t.Name(), "/", "-"))
	var at, text string
	_ = tb.tryEval("location.pathname", &at)
	_ = tb.tryEval("document.body.innerText", &text)
	tb.t.Fatalf("waited %v for %s; the page %s says:\n%s", patience, what, at, text)
}

// find is an expression for the first visible element of a selector whose text
// holds the given words, in open shadow roots too.
func find(selector, words string) string {
	return fmt.Sprintf(`(() => {
		const seen = (el) => { const r = el.getBoundingClientRect(); return r.width > 0 && r.height > 0; };
		const walk = (root) => {
			for (const el of root.querySelectorAll(%q))
				if (seen(el) && (el.innerText ?? el.textContent).includes(%q)) return el;
			for (const el of root.querySelectorAll("*"))
				if (el.shadowRoot) { const f = walk(el.shadowRoot); if (f) return f; }
			return null;
		};
		return walk(document);
	})()`, selector, words)
}

// pressable are the elements people press.
const pressable = `button, a, summary, label, input, [role=button], [role=switch], [role=checkbox], [role=radio], [role=tab]`

// press clicks what says the words, with a real pointer at its middle.
func (tb *tab) press(words string) {
	tb.t.Helper()
	tb.pressAt(words, find(pressable, words))
}

// pressAt clicks the element an expression finds.
func (tb *tab) pressAt(what, js string) {
	tb.t.Helper()
	tb.await(what+", to be pressed", "((el) => el && !el.disabled)("+js+")")
	var at struct{ X, Y float64 }
	tb.eval(`(() => { const el = `+js+`; el.scrollIntoView({block: "center", behavior: "instant"}); const r = el.getBoundingClientRect();
		return {X: r.x + r.width / 2, Y: r.y + r.height / 2}; })()`, &at)
	tb.do(chromedp.MouseClickXY(at.X, at.Y))
}

// typeInto types into the field a CSS selector names.
func (tb *tab) typeInto(selector, text string) {
	tb.t.Helper()
	tb.pressAt("the field "+selector, find(selector, ""))
	tb.do(chromedp.KeyEvent(text))
}

// awaitText waits until the page shows the words.
func (tb *tab) awaitText(words string) {
	tb.t.Helper()
	tb.await(fmt.Sprintf("the words %q", words), find("*", words))
}

// shot leaves a picture of the whole page in the folder FACET_LOOK names.
func (tb *tab) shot(name string) {
	tb.t.Helper()
	dir := os.Getenv("FACET_LOOK")
	if dir == "" {
		return
	}
	// The window grows to the page, so that bars fixed to its edge stand where
	// the page ends and not across its middle.
	var size struct{ Width, Window, Page int64 }
	tb.eval(`({Width: innerWidth, Window: innerHeight, Page: `+openDialog+` ? 0 : document.documentElement.scrollHeight})`, &size)
	var picture []byte
	tb.do(
		emulation.SetDeviceMetricsOverride(size.Width, max(size.Window, size.Page), 1, size.Width < 600),
		chromedp.Sleep(50*time.Millisecond), chromedp.CaptureScreenshot(&picture),
		emulation.SetDeviceMetricsOverride(size.Width, size.Window, 1, size.Width < 600),
	)
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		tb.t.Fatal(err)
	}
}

// openDialog is true while a sheet lies over the page: it stands in the middle
// of the window, not of the page.
const openDialog = `[...document.querySelectorAll("wallet-request")].some((e) => e.shadowRoot?.querySelector("dialog[open]"))`

// allow names problems that a test causes on purpose.
func (tb *tab) allow(pattern string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.allowed = append(tb.allowed, regexp.MustCompile(pattern))
}

// note collects what went wrong in the page and its workers.
func (tb *tab) note(event any) {
	var text string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = "exception: " + e.ExceptionDetails.Error()
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.APITypeError && e.Type != runtime.APITypeAssert {
			return
		}
		text = "console.error:"
		for _, a := range e.Args {
			text += " " + string(a.Value) + a.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Level != log.LevelError {
			return
		}
		text = fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
	case *network.EventLoadingFailed:
		if e.Canceled || e.BlockedReason == "" {
			return
		}
		text = fmt.Sprintf("blocked: %s", e.BlockedReason)
	default:
		return
	}
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.problems = append(tb.problems, text)
}

// found returns the problems so far that match.
func (tb *tab) found(pattern string) (hits []string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	for _, p := range tb.problems {
		if regexp.MustCompile(pattern).MatchString(p) {
			hits = append(hits, p)
		}
	}
	return hits
}

func (tb *tab) report() {
	tb.mu.Lock()
	defer tb.mu.Unlock()
next:
	for _, p := range tb.problems {
		for _, a := range tb.allowed {
			if a.MatchString(p) {
				continue next
			}
		}
		tb.t.Errorf("the browser complains: %s", p)
	}
}

// executor is for browser domains without a helper here.
func (tb *tab) executor() context.Context {
	return cdp.WithExecutor(tb.ctx, chromedp.FromContext(tb.ctx).Target)
}
