package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// plug takes the present authenticator out and puts a new one in, as a person
// does who walks to another device or plugs in a security key.
func (tb *tab) plug() (id webauthn.AuthenticatorID) {
	tb.t.Helper()
	tb.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		if err = webauthn.RemoveVirtualAuthenticator(tb.authenticator).Do(ctx); err != nil {
			return err
		}
		id, err = webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21,
			Transport: webauthn.AuthenticatorTransportUsb, HasResidentKey: true, HasUserVerification: true,
			HasPrf: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}).Do(ctx)
		return err
	}))
	tb.authenticator = id
	return id
}

// groups reads the recovery code on the page, keeps it and proves it.
func (tb *tab) keepCode(say map[string]string) (code string) {
	tb.t.Helper()
	var groups []string
	tb.await("the code", `document.querySelectorAll("ol.groups li").length === 9`)
	tb.eval(`[...document.querySelectorAll("ol.groups li")].map((li) => li.innerText)`, &groups)
	tb.press(say["recovery.kept"])
	tb.awaitText(say["recovery.confirm_title"])
	var asked []int
	tb.eval(`[...document.querySelectorAll("input")].map((i) => Number(i.name))`, &asked)
	for _, n := range asked {
		tb.typeInto(fmt.Sprintf("#group-%d", n), groups[n])
	}
	tb.press(say["confirm"])
	return strings.Join(groups, "-")
}

// before is a text up to its first variable.
func before(text string) string {
	words, _, _ := strings.Cut(text, "{")
	return strings.TrimSpace(words)
}

// ticked is an expression for whether the box with these words is ticked.
func ticked(words string) string {
	return fmt.Sprintf("((el) => el?.querySelector('input')?.checked)(%s)", find("label", words))
}

// looks takes the page's picture on phone and laptop, light and dark.
func (tb *tab) looks(name string) {
	tb.t.Helper()
	if os.Getenv("FACET_LOOK") == "" {
		return
	}
	for _, v := range []view{phone, laptop} {
		for _, dark := range []bool{false, true} {
			v.dark = dark
			tb.look(v)
			tb.shot(fmt.Sprintf("%s-%d-%s", name, v.width, map[bool]string{false: "light", true: "dark"}[dark]))
		}
	}
	tb.look(phone)
}

// TestKeysInSettings: a second passkey comes, the first goes, the code is
// replaced; what was removed opens nothing any more.
func TestKeysInSettings(t *testing.T) {
	w, b, say := startWallet(t), startBrowser(t), texts(t, "de")
	device := b.device(t, phone)
	device.allow("status of 40[014]")
	old := w.enrol(t, device)
	device.open(w.origin + "/settings")
	device.press(say["unlock.open"])
	device.awaitText(say["safety.here"])
	device.looks("settings")

	device.press(say["safety.add"])
	device.plug()
	device.looks("settings-add")
	device.eval(`document.querySelector('input[name="label"]').value = ""`, nil)
	device.typeInto(`input[name="label"]`, "Schlüsselbund")
	device.press(say["safety.add_now"])
	device.awaitText(say["safety.added"])
	device.awaitText("Schlüsselbund")

	device.press(say["safety.replace"])
	device.press(say["safety.replace_now"])
	device.awaitText(say["safety.replace_until"])
	device.looks("settings-code")
	code := device.keepCode(say)
	device.awaitText(say["safety.replaced"])

	device.press(say["safety.lock"])
	device.press(say["unlock.open"]) // by the second passkey
	device.awaitText(say["home.cards"])
	device.press(say["tab.settings"])
	device.awaitText(say["safety.here"])
	device.press(say["safety.remove"])
	device.looks("settings-remove")
	device.press(say["safety.remove_now"])
	device.awaitText(say["safety.removed"])
	var left int
	device.eval(`[...document.querySelectorAll("facet-keys button")].filter((b) => b.innerText.startsWith("`+say["safety.remove"]+`")).length`, &left)
	if left != 0 {
		t.Fatal("the last passkey can be removed")
	}

	device.press(say["safety.lock"])
	device.press(say["unlock.with_code"])
	device.typeInto("#code", old)
	device.press(say["unlock.open_code"])
	device.awaitText(say["error.recovery_unknown"])
	device.eval(`document.querySelector("#code").value = ""`, nil)
	device.typeInto("#code", code)
	device.press(say["unlock.open_code"])
	device.awaitText(say["home.cards"])
	for _, secret := range []string{old, code, "Schlüsselbund"} {
		if at := w.tape.holds(secret); at != "" {
			t.Fatalf("the host got %q in %s", secret, at)
		}
	}
}

// workers lists the worker targets of the browser.
func (tb *tab) workers() (ids []target.ID) {
	tb.t.Helper()
	tb.do(chromedp.ActionFunc(func(ctx context.Context) error {
		all, err := target.GetTargets().Do(cdp.WithExecutor(ctx, chromedp.FromContext(ctx).Browser))
		for _, one := range all {
			if one.Type == "worker" {
				ids = append(ids, one.TargetID)
			}
		}
		return err
	}))
	return ids
}

// TestLockEndsTheEngine: what was open was in the worker's memory, and the
// worker is gone.
func TestLockEndsTheEngine(t *testing.T) {
	w, b, say := startWallet(t), startBrowser(t), texts(t, "de")
	device := b.device(t, phone)
	device.allow("status of 40[14]")
	w.enrol(t, device)
	device.press(say["tab.settings"])
	open := device.workers()
	if len(open) != 1 {
		t.Fatalf("workers %v", open)
	}
	device.press(say["safety.lock"])
	device.awaitText(say["unlock.title"])
	for deadline := time.Now().Add(patience); slices.Contains(device.workers(), open[0]); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the engine that had the vault open still runs")
		}
	}
	device.press(say["unlock.open"])
	device.awaitText(say["home.cards"])
}

// TestFileFoundsANewAccount: the host has lost everything; a file and its code
// are enough.
func TestFileFoundsANewAccount(t *testing.T) {
	w, b, say := startWallet(t), startBrowser(t), texts(t, "de")
	device := b.device(t, phone)
	device.allow("status of 40[14]")
	code := w.enrol(t, device)
	device.press(say["tab.preferences"])
	device.press(say["format.live"])
	device.awaitText(before(say["saved.changed"]))
	device.press(say["tab.settings"])
	var file string
	device.eval(`(async () => {
		const made = new Promise((ok) => { const was = URL.createObjectURL; URL.createObjectURL = (blob) => { ok(blob); return was(blob); }; });
		globalThis.exported = made;
		return "";
	})()`, nil)
	device.press(say["export.save"])
	device.eval(`exported.then((b) => b.arrayBuffer()).then((b) => btoa(String.fromCharCode(...new Uint8Array(b))))`, &file)
	sealed, err := base64.StdEncoding.DecodeString(file)
	if err != nil || len(sealed) == 0 {
		t.Fatalf("%d bytes, %v", len(sealed), err)
	}
	path := filepath.Join(t.TempDir(), "facet.vault")
	if err := os.WriteFile(path, sealed, 0o600); err != nil {
		t.Fatal(err)
	}

	elsewhere := startWallet(t) // another host: another origin, an empty store
	other := b.device(t, phone)
	other.allow("status of 40[14]")
	other.open(elsewhere.origin + "/")
	other.press(say["welcome.have"])
	other.awaitText(say["have.title"])
	other.looks("have")
	other.press(say["have.file"])
	other.looks("have-file")
	other.do(chromedp.SetUploadFiles("#file", []string{path}, chromedp.ByQuery))
	other.typeInto("#code", strings.ToLower(code))
	other.press(say["unlock.open_code"])
	other.awaitText(say["adopt.title"])
	other.looks("have-adopt")
	other.press(say["adopt.now"])
	other.awaitText(say["home.cards"])
	other.press(say["tab.preferences"])
	other.await("what the file holds", ticked(say["format.live"]))
	other.press(say["tab.settings"])
	other.press(say["safety.lock"])
	other.press(say["unlock.open"])
	other.awaitText(say["home.cards"])
	if at := elsewhere.tape.holds(code); at != "" {
		t.Fatalf("the host got the code in %s", at)
	}
}

// offline cuts the network for the page and its workers.
func (tb *tab) offline(t *testing.T, off bool) {
	t.Helper()
	tb.do(network.EmulateNetworkConditions(off, 0, -1, -1))
}

// TestOfflineReading: without a network the wallet opens from this device's
// copy, by passkey and by code, shows everything and changes nothing.
func TestOfflineReading(t *testing.T) {
	gate := &gate{}
	w, b, say := startWallet(t, gate.wrap), startBrowser(t), texts(t, "de")
	device := b.device(t, phone)
	device.allow("status of 40[14]|ERR_|Failed to load resource")
	code := w.enrol(t, device)
	device.press(say["tab.preferences"])
	device.press(say["format.video"])
	device.awaitText(before(say["saved.changed"]))
	device.await("the service worker to take over", "navigator.serviceWorker.controller")

	gate.shut()
	device.offline(t, true)
	for _, way := range []string{"passkey", "code"} {
		device.open(w.origin + "/home")
		device.awaitText(say["unlock.title"])
		if way == "passkey" {
			device.press(say["unlock.open"])
		} else {
			device.press(say["unlock.with_code"])
			device.typeInto("#code", code)
			device.press(say["unlock.open_code"])
		}
		device.awaitText(say["home.cards"])
		device.awaitText(say["offline.more"])
		device.looks("offline-home")
		device.press(say["tab.preferences"])
		device.await("what was stated", ticked(say["format.video"]))
		device.press(say["format.live"])
		device.awaitText(say["saved.failed"])
		device.press(say["tab.settings"])
		device.press(say["safety.replace"])
		device.press(say["safety.replace_now"])
		device.awaitText(say["error.offline_read_only"])
	}
	gate.open()
	device.offline(t, false)
	device.awaitText(say["offline.over"])
	device.looks("offline-over")
	device.press(say["offline.reopen"])
	device.press(say["unlock.open"])
	device.awaitText(say["home.cards"])
	device.press(say["tab.preferences"])
	device.await("what was stated", ticked(say["format.video"]))
	device.press(say["format.live"])
	device.awaitText(before(say["saved.changed"]))
}

// TestTwoVersions: two devices state something different at once; the person
// is asked on the start page and chooses in the settings.
func TestTwoVersions(t *testing.T) {
	w, b, say := startWallet(t), startBrowser(t), texts(t, "de")
	first := b.device(t, phone)
	first.allow("status of 4(0[14]|12)")
	code := w.enrol(t, first)
	second := b.device(t, phone)
	second.allow("status of 4(0[14]|12)")
	second.open(w.origin + "/")
	second.press(say["welcome.have"])
	second.press(say["unlock.with_code"])
	second.typeInto("#code", code)
	second.press(say["unlock.open_code"])
	second.awaitText(say["home.cards"])
	for device, format := range map[*tab]string{first: "format.video", second: "format.live"} {
		device.press(say["tab.preferences"])
		device.press(say[format])
		device.awaitText(before(say["saved.changed"]))
	}
	asked := second
	second.press(say["tab.home"])
	second.awaitText(say["home.cards"])
	var there bool
	second.eval(fmt.Sprintf("!!%s", find("*", say["conflict.go"])), &there)
	if !there { // the other one saved last
		asked = first
		first.press(say["tab.home"])
	}
	asked.press(say["conflict.go"])
	asked.awaitText(say["conflict.why"])
	asked.looks("settings-conflict")
	asked.press(say["conflict.take"])
	asked.await("the question to go", fmt.Sprintf("!%s", find("*", say["conflict.why"])))
	asked.press(say["tab.home"])
	asked.awaitText(say["home.cards"])
	asked.await("nothing to choose", fmt.Sprintf("!%s", find("*", say["conflict.go"])))
}
