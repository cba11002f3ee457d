package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"facet/examples/newsroom"
	"facet/policy"
	"facet/schemas"
	"facet/wallet/vault"
)

// stated is what the person of this test says about themselves: values that
// nobody else would think of, as far as the schema lets them.
const stated = `{"topics":["596","483","1"],"topics_avoid":["52"],"depth":"overview",
	"languages":["de-CH-kanaria1","gsw-x-kanaria2","rm-kanaria3"],
	"send_windows":[{"days":["su"],"from":"03:30","to":"04:30","tz":"Antarctica/Kanaria4"}],
	"ads":{"tolerance":"chosen-topics","topics":["464"],"topics_avoid":["653"]}}`

// TestCanary walks the core of the journey and then looks everywhere for what
// must have stayed with the holder. The canaries are made of the vault itself,
// opened with the holder's key: every claim, credential, key and name in it.
func TestCanary(t *testing.T) {
	x := startTrial(t)
	x.receives("age")
	x.receives("abo")
	prf, credentialID := x.states()
	x.open(x.d.news + "/")
	x.asks("home", "")
	for n := range 4 {
		x.ticks(n)
	}
	x.approves("")
	var dump string
	x.open(x.d.wallet + "/home")
	x.unlock()
	x.keeps(3)
	x.eval(dumpBrowser, &dump)

	secret, known := x.contents(vault.Passkey{CredentialID: credentialID, PRF: prf})
	code, err := vault.ParseCode(x.code)
	if err != nil {
		t.Fatal(err)
	}
	keys := []canary{
		{"recovery code", []byte(x.code)}, {"recovery code, unbroken", []byte(strings.ReplaceAll(x.code, "-", ""))},
		{"half of the recovery code", []byte(x.code[:19])}, {"PRF output", prf}, {"half of the PRF output", prf[16:]},
		{"PRF output in base64", []byte(base64.RawURLEncoding.EncodeToString(prf))},
	}
	secret = append(secret, keys...)
	crash := x.crash(t)

	report := &strings.Builder{}
	look := func(t *testing.T, p place, all []canary, there canary) {
		t.Helper()
		found := p.sings(all)
		fmt.Fprintf(report, "%-34s %9d bytes %5d canaries %3d hits   (control %q: %v)\n", p.name, p.size(), len(all), len(found), there.name, p.sings([]canary{there}))
		if len(all) < 30 || len(found) > 0 {
			t.Errorf("%s: of %d canaries, %d turned up: %v", p.name, len(all), len(found), found)
		}
		if len(p.sings([]canary{there})) != 1 {
			t.Errorf("%s: the scan does not even find %s", p.name, there.name)
		}
	}
	lookup := canary{"lookup id, which the host must get", code.LookupID()}
	everything := append(slices.Clone(secret), known...)
	unseen := append(unpublished(t, secret), approved...)
	t.Run("WEB-013", func(t *testing.T) {
		look(t, x.wallet.received("requests to the wallet's host"), append(everything, approved...), lookup)
		look(t, folder(t, "data of the wallet's host", filepath.Join(x.d.data, "wallet")), append(everything, approved...), lookup)
		look(t, withoutPolicies(t, folder(t, "presentation log", filepath.Join(x.d.data, "log"))), unseen, canary{"purpose", []byte("personalised-home")})
		look(t, folder(t, "operator's log", filepath.Join(x.d.data, "demo.log")), unseen, canary{"route", []byte("/api/vault")})
		look(t, place{name: "output and crash report", hay: [][]byte{crash}}, unseen, canary{"the crash", []byte("SIGQUIT: quit")})
		look(t, withoutPolicies(t, folder(t, "verifier's database", filepath.Join(x.d.data, "verifier", "store.db"))), unseen, canary{"state", []byte("released")})
	})
	t.Run("WEB-011", func(t *testing.T) {
		look(t, place{name: "storage of the browser", hay: [][]byte{[]byte(dump)}}, secret, canary{"database", []byte("indexeddb")})
	})
	t.Run("the platform has what was approved, and no more", func(t *testing.T) {
		news := folder(t, "data of the newspaper", filepath.Join(x.d.data, "news"))
		look(t, news, unpublished(t, secret), canary{"tier", []byte("premium")})
	})
	t.Log("\n" + report.String())
	if dir := os.Getenv("FACET_LOOK"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "scan.txt"), []byte(report.String()), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// states says everything there is to say, and listens to the passkey.
func (x *trial) states() (prf, credentialID []byte) {
	x.t.Helper()
	x.before(`(() => { const real = PublicKeyCredential.prototype.getClientExtensionResults;
		PublicKeyCredential.prototype.getClientExtensionResults = function () {
			const r = real.call(this), b64 = (b) => btoa(String.fromCharCode(...new Uint8Array(b)));
			if (r.prf?.results?.first) globalThis.heard = {PRF: b64(r.prf.results.first), ID: b64(this.rawId)};
			return r; }; })()`)
	x.open(x.d.wallet + "/home")
	x.unlock()
	x.keeps(2)
	x.before("")
	x.eval(`(async () => { const {engine} = document.querySelector("facet-home").ctx;
		await engine.preferences.set(`+stated+`);
		await engine.today.set({persona: "family", goal: "plan-trip", time_budget_min: 20, mood: "prefer-light"}); })()`, nil)
	var heard struct{ PRF, ID []byte }
	x.eval("globalThis.heard", &heard)
	if len(heard.PRF) != vault.PRFSize || len(heard.ID) == 0 {
		x.t.Fatalf("the passkey said %d bytes", len(heard.PRF))
	}
	return heard.PRF, heard.ID
}

// crash ends the demo as a crash would, with every goroutine written out.
func (x *trial) crash(t *testing.T) []byte {
	t.Helper()
	if err := x.d.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	_ = x.d.cmd.Wait() // 2, by the signal
	x.d.cmd = nil
	return []byte(x.d.out.String())
}

// contents are the canaries in every vault the host was given, one-time copies
// that are used up included: secret is what belongs to the holder alone, known
// what a party to the exchange may know but the host may not.
func (x *trial) contents(key vault.Passkey) (secret, known []canary) {
	t, seen, kinds := x.t, map[string]bool{}, map[string]bool{}
	t.Helper()
	for _, sealed := range x.wallet.requests("PUT", "/api/vault") {
		v, err := vault.Open(sealed.body, key, vault.HighWater{})
		if err != nil {
			t.Fatalf("a vault the host got: %v", err)
		}
		for _, kind := range []string{"credential", "preferences", "today", "history", "party"} {
			for _, id := range v.List(kind) {
				kinds[kind] = true
				s, k := canariesOf(t, v, kind, id, seen)
				secret, known = append(secret, s...), append(known, k...)
			}
		}
	}
	if len(kinds) != 5 {
		t.Fatalf("the vaults hold %v only", kinds)
	}
	for name, word := range map[string]string{
		"age type": schemas.Age, "membership type": schemas.MediaMembership, "preferences type": schemas.MediaPreferences, "today type": schemas.Today,
		"a claim": "age_equal_or_over", "label of the age": "Altersnachweis", "label of a topic": "Technik", "purpose": "personalised-home", "time of sending": `"03:30"`,
	} {
		known = append(known, canary{name, []byte(word)})
	}
	return secret, known
}

// canariesOf are those of one record that were not seen before.
func canariesOf(t *testing.T, v *vault.Vault, kind, id string, seen map[string]bool) (secret, known []canary) {
	t.Helper()
	raw, err := v.Get(kind, id)
	if err != nil {
		t.Fatal(err)
	}
	var record any
	if err := json.Unmarshal(raw, &record); err != nil {
		t.Fatal(err)
	}
	walk(record, kind, func(path, word string) {
		if len(word) < leastCanary || seen[word] {
			return
		}
		seen[word] = true
		if c := (canary{path, []byte(word)}); private(path) {
			secret = append(secret, c)
		} else {
			known = append(known, c)
		}
	})
	return secret, known
}

// private tells what a record holds for its holder alone: keys, credentials,
// preferences. The rest are names of parties, addresses and texts of theirs.
func private(path string) bool {
	for _, part := range []string{"credential.copies", "preferences.languages", "preferences.send_windows", "history.holder_keys", "history.sent"} {
		if strings.HasPrefix(path, part) { // paths are public, in the log too
			return !strings.HasSuffix(path, ".path")
		}
	}
	return false
}

// walk visits the strings of a JSON value, and the parts of those that are
// tokens.
func walk(v any, path string, visit func(path, word string)) {
	switch v := v.(type) {
	case map[string]any:
		for name, e := range v {
			if strings.HasPrefix(path, "credential.claims") {
				visit(path, name)
			}
			walk(e, path+"."+name, visit)
		}
	case []any:
		for _, e := range v {
			walk(e, path, visit)
		}
	case string:
		visit(path, v)
		if !strings.HasSuffix(path, ".sd_jwt") {
			return
		}
		for n, part := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune("~.\n\" {}[],:", r) }) {
			if len(part) > 20 {
				visit(fmt.Sprintf("%s part %d", path, n), part)
			}
		}
	}
}

// approved is what the platform was given. It belongs there, and nowhere else
// in the clear.
var approved = []canary{
	{"tier", []byte("premium")}, {"depth", []byte("overview")}, {"goal", []byte("plan-trip")}, {"persona", []byte(`"family"`)}, {"topic", []byte(`"596"`)},
}

// withoutPolicies takes the policies' own text out of a place: it names every
// value that can be asked for.
func withoutPolicies(t *testing.T, p place) place {
	t.Helper()
	policies, err := newsroom.Policies()
	if err != nil {
		t.Fatal(err)
	}
	for _, policy := range policies {
		p.public = append(p.public, policy.Canonical())
	}
	return p
}

// unpublished leaves out what stands in the policies, which are public.
func unpublished(t *testing.T, all []canary) []canary {
	t.Helper()
	policies, err := newsroom.Policies()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(slices.Clone(all), func(c canary) bool {
		return slices.ContainsFunc(policies, func(p *policy.Policy) bool { return bytes.Contains(p.Canonical(), c.word) })
	})
}

// dumpBrowser writes out what the origin keeps in the browser: storage,
// databases, and of the caches the addresses and everything that is no built
// file of the wallet.
const dumpBrowser = `(async () => {
	let out = await ` + dumpStorage + `;
	for (const key of await caches.keys()) {
		const cache = await caches.open(key);
		for (const r of await cache.keys()) {
			out += " cached " + r.method + " " + r.url;
			if (!new URL(r.url).pathname.startsWith("/assets/")) out += " " + await (await cache.match(r)).text();
		}
	}
	return out + " " + document.cookie + " " + window.name + " " + JSON.stringify(history.state);
})()`
