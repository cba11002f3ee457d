package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"

	"facet/wallet/vault"
)

// TestBadInputPasskey tries to open a vault with everything that is not its
// key. Each try ends with a sentence, and none changes what the host stores.
func TestBadInputPasskey(t *testing.T) {
	w, b, say := startWallet(t), startBrowser(t), texts(t, "de")
	device := b.device(t, phone)
	device.allow("status of 40[14]") // nobody is signed in; no vault yet; a passkey the host does not know
	code := w.enrol(t, device)
	mine := device.passkeys()
	if len(mine) != 1 {
		t.Fatalf("%d passkeys", len(mine))
	}
	saves := len(w.tape.requests("PUT", "/api/vault"))
	open := func(t *testing.T, words string) {
		t.Helper()
		device.t = t
		device.open(w.origin + "/home")
		device.press(say["unlock.open"])
		device.awaitText(words)
		var said string
		device.eval("document.body.innerText", &said)
		if trace.MatchString(said) {
			t.Errorf("the page shows what is for developers:\n%s", said)
		}
		if n := len(w.tape.requests("PUT", "/api/vault")); n != saves {
			t.Errorf("the vault was saved %d times meanwhile", n-saves)
		}
		device.shot("bad-" + strings.ReplaceAll(t.Name(), "/", "-"))
	}

	t.Run("removed", func(t *testing.T) {
		device.replaceAuthenticator(true)
		open(t, say["error.passkey_cancelled"])
	})
	t.Run("another wallet's", func(t *testing.T) {
		device.replaceAuthenticator(true)
		stranger := *mine[0]
		stranger.CredentialID, stranger.UserHandle = random(16), random(32)
		device.carry(&stranger)
		open(t, say["error.webauthn_invalid"])
	})
	t.Run("copied without its secret", func(t *testing.T) {
		device.replaceAuthenticator(true)
		device.carry(mine[0])
		open(t, say["noprf.title"])
	})
	t.Run("with another secret", func(t *testing.T) {
		device.before(`PublicKeyCredential.prototype.getClientExtensionResults = () => ({prf: {results: {first: new Uint8Array(32).fill(7).buffer}}})`)
		defer device.before("")
		open(t, say["error.vault_unwrap_failed"])
	})
	t.Run("without PRF", func(t *testing.T) {
		device.replaceAuthenticator(false)
		device.carry(mine[0])
		open(t, say["noprf.title"])
		device.awaitText(say["noprf.opening"])
		device.press(say["unlock.with_code"])
		for words, wrong := range map[string]string{
			"error.recovery_code_format":   code[:len(code)-5],
			"error.recovery_code_checksum": flip(code),
		} {
			device.eval(`document.querySelector("#code").value = ""`, nil)
			device.typeInto("#code", wrong)
			device.press(say["unlock.open_code"])
			device.awaitText(say[words])
		}
		device.eval(`document.querySelector("#code").value = ""`, nil)
		device.typeInto("#code", code)
		device.press(say["unlock.open_code"])
		device.awaitText(say["home.cards"])
	})
	t.Run("made without PRF", func(t *testing.T) {
		other := b.device(t, phone)
		other.allow("status of 40[14]")
		other.replaceAuthenticator(false)
		before := len(w.tape.requests("POST", "/api/passkey/register/finish"))
		other.open(w.origin + "/")
		other.press(say["welcome.create"])
		other.awaitText(say["noprf.title"])
		other.awaitText(say["noprf.creating"])
		if n := len(w.tape.requests("POST", "/api/passkey/register/finish")); n != before {
			t.Errorf("the host was given a passkey that opens nothing")
		}
		other.press(say["unlock.with_code"])
		other.typeInto("#code", code)
		other.press(say["unlock.open_code"])
		other.awaitText(say["home.cards"])
	})
	t.Run("code of nobody", func(t *testing.T) {
		other := b.device(t, phone)
		other.allow("status of 40[14]")
		other.open(w.origin + "/home")
		other.press(say["welcome.have"])
		other.press(say["unlock.with_code"])
		other.typeInto("#code", vault.NewCode().String())
		other.press(say["unlock.open_code"])
		other.awaitText(say["error.recovery_unknown"])
	})
	t.Run("the right one", func(t *testing.T) {
		open(t, say["noprf.title"]) // still the passkey without PRF
		device.press(say["unlock.with_code"])
		device.typeInto("#code", strings.ToLower(strings.ReplaceAll(code, "-", " ")))
		device.press(say["unlock.open_code"])
		device.awaitText(say["home.cards"])
	})
}

// random is base64 of n bytes, as the browser's protocol writes them.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

// flip exchanges the last character of a code for another.
func flip(code string) string {
	last := "0"
	if strings.HasSuffix(code, last) {
		last = "1"
	}
	return code[:len(code)-1] + last
}
