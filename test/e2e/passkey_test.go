package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chromedp/cdproto/network"

	"facet/store"
	"facet/wallet/server"
	"facet/web"
)

// A bare wallet host: the real server and policies, a page without the UI.
type bareWallet struct {
	origin string
	tape   *tape
	store  store.Store
}

func startBareWallet(t *testing.T) *bareWallet {
	t.Helper()
	files := fstest.MapFS{}
	m := web.Manifest{Files: map[string]web.Asset{}}
	for name, at := range map[string]string{"wallet.html": "wallet.html", "wallet.js": "assets/w.js", "worker.js": "assets/k.js", "engine.wasm": "assets/e.wasm", "sw.js": "sw.js"} {
		body := ""
		if name == "wallet.html" {
			body = "<!doctype html><html lang=en><title>bare</title><body>bare"
		}
		files[at] = &fstest.MapFile{Data: []byte(body)}
		m.Files[name] = web.Asset{Path: at, Size: int64(len(body)), Integrity: "sha384-" + strings.Repeat("A", 64)}
	}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	files["manifest.json"] = &fstest.MapFile{Data: raw}
	bundle, err := web.Open(files)
	if err != nil {
		t.Fatal(err)
	}
	w := &bareWallet{tape: &tape{}, store: store.Memory()}
	origin, serve := listen(t, "wallet.localhost")
	h, err := server.New(server.Config{URL: origin, Store: w.store, Assets: bundle, Trust: json.RawMessage("{}"), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	w.origin = origin
	serve(w.tape.record(h))
	return w
}

// passkeys is a script with create() and get(), as the wallet's page has them.
const passkeys = `
	globalThis.enc = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
	globalThis.dec = (s) => Uint8Array.from(atob(s.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
	globalThis.send = async (path, value) => {
		const r = await fetch(path, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(value)});
		return {status: r.status, body: await r.json()};
	};
	globalThis.prf = {prf: {eval: {first: new TextEncoder().encode("facet vault 1")}}};
	globalThis.create = async (twist) => {
		const {publicKey: o} = (await send("/api/passkey/register/begin", {})).body;
		const c = await navigator.credentials.create({publicKey: {...o, challenge: dec(o.challenge), user: {...o.user, id: dec(o.user.id)}, excludeCredentials: [], extensions: prf}});
		const message = {id: c.id, rawId: enc(c.rawId), type: c.type, response: {clientDataJSON: enc(c.response.clientDataJSON), attestationObject: enc(c.response.attestationObject)}};
		const answer = await send("/api/passkey/register/finish", twist ? c.toJSON() : message);
		return {...answer, prf: c.getClientExtensionResults().prf?.enabled, rp: o.rp.id};
	};
	globalThis.get = async () => {
		const {publicKey: o} = (await send("/api/passkey/login/begin", {})).body;
		const c = await navigator.credentials.get({publicKey: {challenge: dec(o.challenge), rpId: o.rpId, userVerification: o.userVerification, extensions: prf}});
		const r = c.response;
		const answer = await send("/api/passkey/login/finish", {id: c.id, rawId: enc(c.rawId), type: c.type, response: {
			clientDataJSON: enc(r.clientDataJSON), authenticatorData: enc(r.authenticatorData), signature: enc(r.signature), userHandle: enc(r.userHandle)}});
		return {...answer, prf: enc(c.getClientExtensionResults().prf.results.first), id: enc(c.rawId)};
	};
	true`

func TestPasskeyAtTheWalletsHost(t *testing.T) {
	w := startBareWallet(t)
	device := startBrowser(t).device(t, phone)
	device.open(w.origin + "/welcome")
	device.eval(passkeys, nil)

	var made struct {
		Status int
		PRF    bool
		RP     string
		Body   struct{ Account string }
	}
	device.eval("create()", &made)
	if made.Status != 200 || !made.PRF || made.RP != "wallet.localhost" || made.Body.Account == "" {
		t.Fatalf("making a passkey: %+v", made)
	}
	type signedIn struct {
		Status  int
		PRF, ID string
		Body    struct{ Account string }
	}
	var first, second signedIn
	device.eval("get()", &first)
	device.eval("get()", &second)
	if first.Status != 200 || first.Body.Account != made.Body.Account {
		t.Fatalf("signing in: %+v", first)
	}
	if first.PRF != second.PRF || len(first.PRF) != 43 {
		t.Fatalf("the PRF gives %q, then %q", first.PRF, second.PRF)
	}
	if at := w.tape.holds(first.PRF); at != "" {
		t.Fatalf("the host got the PRF output in %s", at)
	}

	t.Run("cookies are host-only and out of reach", func(t *testing.T) {
		cookies, err := network.GetCookies().Do(device.executor())
		if err != nil {
			t.Fatal(err)
		}
		names := []string{}
		for _, c := range cookies {
			names = append(names, c.Name)
			if !strings.HasPrefix(c.Name, "__Host-facet-") || !c.HTTPOnly || !c.Secure || c.Domain != "wallet.localhost" || c.SameSite != "Lax" {
				t.Errorf("cookie %+v", c)
			}
		}
		if fmt.Sprint(names) != "[__Host-facet-wallet]" {
			t.Errorf("cookies %v", names)
		}
		var visible string
		device.eval("document.cookie", &visible)
		if visible != "" {
			t.Errorf("scripts see %q", visible)
		}
	})
	t.Run("a vault is kept and read back", func(t *testing.T) {
		var got struct {
			Put, Get int
			Same     bool
		}
		device.eval(`(async () => {
			const sealed = new Uint8Array(1000).fill(7);
			const none = await fetch("/api/vault");
			const put = await fetch("/api/vault", {method: "PUT", body: sealed, headers: {"If-Match": none.headers.get("ETag")}});
			const get = await fetch("/api/vault");
			const back = new Uint8Array(await get.arrayBuffer());
			return {Put: put.status, Get: get.status, Same: back.length === 1000 && back.every((b) => b === 7) && get.headers.get("ETag") === put.headers.get("ETag")};
		})()`, &got)
		if got.Put != 204 || got.Get != 200 || !got.Same {
			t.Fatalf("%+v", got)
		}
		device.allow("status of 404") // no vault yet: the browser logs it
	})
	t.Run("toJSON is refused", func(t *testing.T) {
		var refused struct {
			Status int
			Body   struct{ Code string }
		}
		device.eval("create(true)", &refused)
		device.allow("status of 400")
		if refused.Status != 400 || refused.Body.Code != "prf_refused" {
			t.Fatalf("%+v", refused)
		}
	})
	t.Run("nothing is evaluated", func(t *testing.T) {
		// WEB-006 of the hostile inputs, on a page without the UI.
		for _, js := range []string{`eval("1")`, `new Function("return 1")()`, `document.body.innerHTML = "<b>x</b>"`, `trustedTypes.createPolicy("evil", {})`} {
			if err := device.tryEval(js, nil); err == nil || !strings.Contains(err.Error(), "Error") {
				t.Errorf("%s: %v", js, err)
			}
		}
		device.allow("TrustedScript|TrustedHTML|TrustedTypePolicy|unsafe-eval")
	})
}
