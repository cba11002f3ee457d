package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"facet/store"
	"facet/wallet/server"
	"facet/web"
)

// A walletHost is the real wallet: server, policies, UI and engine.
type walletHost struct {
	origin string
	tape   *tape
	store  store.Store
}

const emptyTrust = `{"version":1,"name":{"de":"leer","en":"empty"},"issuers":[],"verifiers":[]}`

func startWallet(t *testing.T, around ...func(http.Handler) http.Handler) *walletHost {
	t.Helper()
	assets, err := web.Built()
	if err != nil {
		t.Fatal(err)
	}
	w := &walletHost{tape: &tape{}, store: store.Memory()}
	origin, serve := listen(t, "wallet.localhost")
	h, err := server.New(server.Config{
		URL: origin, Store: w.store, Assets: assets, Trust: json.RawMessage(emptyTrust), Now: time.Now, InsecureLoopback: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, wrap := range around {
		h = wrap(h)
	}
	w.origin = origin
	serve(w.tape.record(h))
	return w
}

// texts are the words of the UI by key, informal where there are two forms.
func texts(t *testing.T, language string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("../../web/src/texts/" + language + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	words := map[string]string{}
	for key, value := range all {
		var plain string
		var forms struct{ Du string }
		if json.Unmarshal(value, &plain) == nil {
			words[key] = plain
		} else if json.Unmarshal(value, &forms) == nil {
			words[key] = forms.Du
		}
	}
	return words
}

// enrol makes a vault as a holder does and returns the recovery code.
func (w *walletHost) enrol(t *testing.T, device *tab) (code string) {
	t.Helper()
	say := texts(t, "de")
	device.open(w.origin + "/")
	device.awaitText(say["welcome.title"])
	device.shot("wallet-welcome")
	device.press(say["welcome.create"])
	device.awaitText(say["recovery.title"])
	device.shot("wallet-recovery")
	var groups []string
	device.eval(`[...document.querySelectorAll("ol.groups li")].map((li) => li.innerText)`, &groups)
	if len(groups) != 9 {
		t.Fatalf("the recovery code has %d groups", len(groups))
	}
	device.press(say["recovery.kept"])
	device.awaitText(say["recovery.confirm_title"])
	var asked []int
	device.eval(`[...document.querySelectorAll("input")].map((i) => Number(i.name))`, &asked)
	for _, n := range asked {
		device.typeInto(fmt.Sprintf("#group-%d", n), groups[n])
	}
	device.shot("wallet-recovery-confirm")
	device.press(say["confirm"])
	device.awaitText(say["home.cards"])
	device.shot("wallet-home-empty")
	return strings.Join(groups, "-")
}

func TestWalletOpens(t *testing.T) {
	w, b, say := startWallet(t), startBrowser(t), texts(t, "de")
	device := b.device(t, phone)
	device.allow("status of 40[14]") // nobody is signed in yet; there is no vault yet
	code := w.enrol(t, device)

	t.Run("the host is blind", func(t *testing.T) {
		for _, secret := range []string{code, strings.ReplaceAll(code, "-", "")} {
			if at := w.tape.holds(secret); at != "" {
				t.Errorf("the host got the recovery code in %s", at)
			}
		}
		for _, row := range w.tape.requests("POST", "/api/passkey/") {
			if regexp.MustCompile(`(?i)"prf"|clientExtensionResults`).Match(row.body) {
				t.Errorf("the host got extension outputs: %s", row.url)
			}
		}
	})
	t.Run("WEB-011", func(t *testing.T) {
		var dump string
		device.eval(dumpStorage, &dump)
		if !strings.Contains(dump, "indexeddb") {
			t.Fatalf("the dump found no database: %s", dump)
		}
		for _, name := range []string{`"d"`, "PRIVATE KEY", code, "prf", "BEGIN"} {
			if strings.Contains(dump, name) {
				t.Errorf("the browser's storage holds %q", name)
			}
		}
	})
	t.Run("opens again with the passkey", func(t *testing.T) {
		device.open(w.origin + "/home")
		device.press(say["unlock.open"])
		device.awaitText(say["home.cards"])
	})
	t.Run("opens with the recovery code on a new device", func(t *testing.T) {
		other := b.device(t, laptop)
		other.allow("status of 40[14]")
		other.open(w.origin + "/home")
		other.press(say["welcome.have"])
		other.press(say["unlock.with_code"])
		other.typeInto("input", strings.ToLower(code))
		other.press(say["unlock.open_code"])
		other.awaitText(say["home.cards"])
	})
}

// dumpStorage writes out everything the origin keeps in the browser.
const dumpStorage = `(async () => {
	const show = (v) => v instanceof ArrayBuffer || ArrayBuffer.isView(v) ? "bytes:" + (v.byteLength) + ":" + new TextDecoder("latin1").decode(v)
		: v && typeof v === "object" && !(v instanceof Date) ? "{" + Object.entries(v).map(([k, x]) => JSON.stringify(k) + ":" + show(x)).join() + "}" : JSON.stringify(v);
	let out = "local " + JSON.stringify({...localStorage}) + " session " + JSON.stringify({...sessionStorage});
	for (const {name} of await indexedDB.databases()) {
		const db = await new Promise((ok, no) => { const r = indexedDB.open(name); r.onsuccess = () => ok(r.result); r.onerror = no; });
		for (const s of db.objectStoreNames) {
			const all = await new Promise((ok, no) => { const r = db.transaction(s).objectStore(s).getAll(); r.onsuccess = () => ok(r.result); r.onerror = no; });
			out += " indexeddb " + name + "/" + s + " " + all.map(show).join(" ");
		}
		db.close();
	}
	for (const key of await caches.keys()) out += " cache " + key;
	return out;
})()`

func TestWalletRefusesHostilePages(t *testing.T) {
	w, b, say := startWallet(t), startBrowser(t), texts(t, "de")
	t.Run("WEB-004", func(t *testing.T) {
		origin, serve := listen(t, "attacker.localhost")
		serve(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(rw, `<iframe id=f src="%s/authorize" width=390 height=800></iframe>`, w.origin)
		}))
		device := b.device(t, laptop)
		device.allow("frame-ancestors|blocked: |ERR_BLOCKED_BY_RESPONSE|favicon|status of 404")
		device.open(origin + "/")
		for deadline := time.Now().Add(patience); len(device.found("frame-ancestors")) == 0; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the wallet was framed: %v", device.found("."))
			}
		}
	})
	t.Run("WEB-006", func(t *testing.T) {
		device := b.device(t, phone)
		device.allow("TrustedScript|TrustedHTML|TrustedTypePolicy|unsafe-eval|status of 401")
		device.open(w.origin + "/")
		device.awaitText(say["welcome.title"]) // Lit and the engine's worker run
		for _, js := range []string{
			`eval("1")`, `new Function("return 1")()`, `setTimeout("1")`, `document.body.innerHTML = "<img src=x onerror=alert(1)>"`,
			`trustedTypes.createPolicy("evil", {})`, `new Worker("/elements.js")`, `document.createElement("script").src = "/elements.js"`,
		} {
			if err := device.tryEval(js, nil); err == nil || !regexp.MustCompile("EvalError|TypeError").MatchString(err.Error()) {
				t.Errorf("%s: %v", js, err)
			}
		}
	})
	t.Run("WEB-009", func(t *testing.T) {
		origin, serve := listen(t, "opener.localhost")
		serve(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/html")
			fmt.Fprint(rw, "<!doctype html><title>opener</title>")
		}))
		device := b.device(t, laptop)
		device.allow("favicon|status of 40[14]")
		device.open(origin + "/")
		device.eval(fmt.Sprintf(`globalThis.w = window.open(%q, "named");
			setInterval(() => w.postMessage({id: 1, method: "vault.lock", params: {}}, "*"), 20); true`, w.origin+"/welcome"), nil)
		device.await("the wallet's window to leave its opener's reach", "globalThis.w.closed")
	})
}

func TestWalletRefusesAnAlteredEngine(t *testing.T) {
	t.Run("WEB-007", func(t *testing.T) {
		flip := func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if !strings.HasSuffix(r.URL.Path, ".wasm") {
					next.ServeHTTP(rw, r)
					return
				}
				r.Header.Set("Accept-Encoding", "identity")
				next.ServeHTTP(&flipper{rw}, r)
			})
		}
		w := startWallet(t, flip)
		device := startBrowser(t).device(t, phone)
		device.allow("integrity|status of 401|ERR_")
		device.open(w.origin + "/")
		say := texts(t, "de")
		device.await("the app to say that it does not start", `document.querySelector("facet-app")?.innerText.length > 20`)
		var text string
		device.eval("document.body.innerText", &text)
		if strings.Contains(text, say["welcome.create"]) {
			t.Fatalf("the app started on an altered engine:\n%s", text)
		}
		device.shot("wallet-altered")
	})
}

func TestWalletRefusesAPoisonedCache(t *testing.T) {
	t.Run("WEB-010", func(t *testing.T) {
		w, say := startWallet(t), texts(t, "de")
		device := startBrowser(t).device(t, phone)
		device.allow("status of 401|ERR_")
		device.open(w.origin + "/")
		device.awaitText(say["welcome.title"])
		device.await("the service worker to take over", "navigator.serviceWorker.controller")
		for name, evil := range map[string]string{
			`/assets\/wallet-.*\.js$/`: "globalThis.evil = true", `/assets\/worker-.*\.js$/`: `fetch("/assets/stolen")`,
			`/\/$/`: "<!doctype html><script>globalThis.evil = true</script>",
		} {
			if n := device.poison(name, evil); n != 1 {
				t.Fatalf("%d files like %s poisoned, want 1", n, name)
			}
		}
		device.open(w.origin + "/home")
		device.awaitText(say["welcome.title"]) // the engine has answered: its worker runs
		var evil bool
		device.eval("globalThis.evil === true", &evil)
		if at := w.tape.holds("stolen"); evil || at != "" {
			t.Fatalf("a script put into the cache ran: on the page %v, in the worker %q", evil, at)
		}
	})
}

// poison replaces the files in the service worker's cache whose addresses fit,
// and says how many there were.
func (d *tab) poison(pattern, content string) int {
	var n int
	d.eval(fmt.Sprintf(`(async () => {
		let n = 0;
		for (const name of await caches.keys()) {
			const cache = await caches.open(name);
			for (const r of await cache.keys()) if (%s.test(r.url)) {
				const type = (await cache.match(r)).headers.get("Content-Type");
				await cache.put(r, new Response(%q, {headers: {"Content-Type": type}}));
				n++;
			}
		}
		return n;
	})()`, pattern, content), &n)
	return n
}

// A link may carry the request as a query. The service worker turns it into a
// fragment before it leaves the browser.
func TestRequestsInTheQueryStayInTheBrowser(t *testing.T) {
	w, say := startWallet(t), texts(t, "de")
	device := startBrowser(t).device(t, phone)
	device.allow("status of 401")
	device.open(w.origin + "/")
	device.awaitText(say["welcome.title"])
	device.await("the service worker to take over", "navigator.serviceWorker.controller")
	device.open(w.origin + "/authorize?client_id=private-client&request_uri=https%3A%2F%2Fprivate.example")
	device.awaitText(say["welcome.title"])
	if at := w.tape.holds("private"); at != "" {
		t.Fatalf("the host got the request in %s", at)
	}
	var left string
	device.eval("location.search + location.hash", &left)
	if left != "" {
		t.Fatalf("the address bar keeps %q", left)
	}
}

// A flipper changes one byte of what is written through it.
type flipper struct{ http.ResponseWriter }

func (f *flipper) Write(b []byte) (int, error) {
	changed := append([]byte(nil), b...)
	changed[len(changed)/2] ^= 1
	return f.ResponseWriter.Write(changed)
}
