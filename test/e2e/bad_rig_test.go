package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"facet/credentials/jose"
)

// A wire is the way from the browser to one service of the demo. It records
// everything that passes, and a test may cut it.
type wire struct {
	*tape

	mu  sync.Mutex
	cut func(w http.ResponseWriter, r *http.Request, next http.Handler)
}

// cutting calls f instead of passing a request on, until f is nil again.
func (w *wire) cutting(f func(http.ResponseWriter, *http.Request, http.Handler)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = f
}

func (w *wire) through(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		cut := w.cut
		w.mu.Unlock()
		if cut == nil {
			next.ServeHTTP(rw, r)
			return
		}
		cut(rw, r, next)
	})
}

// A trial is a person for whom things go wrong: a journey over wires.
type trial struct {
	*journey
	wallet, verifier, issuer, news *wire

	code  string // recovery
	cards int    // proofs that must not get lost
}

// startTrial starts the demo, a browser whose every request to it goes over a
// wire, and a wallet in it. Nothing else differs from the journey: the same
// binary, addresses and origins.
func startTrial(t *testing.T) *trial {
	t.Helper()
	x := &trial{journey: &journey{d: startDemo(t), w: catalogue(t, "de"), lang: "de"}}
	var rules []string
	for n, s := range []struct {
		origin string
		wire   **wire
	}{{x.d.wallet, &x.wallet}, {x.d.verifier, &x.verifier}, {x.d.issuer, &x.issuer}, {x.d.news, &x.news}} {
		w := &wire{tape: &tape{}}
		*s.wire = w
		to, serve := listen(t, "127.0.0.1")
		rules = append(rules, "MAP "+strings.TrimPrefix(s.origin, "http://")+" "+strings.TrimPrefix(to, "http://"))
		serve(w.record(w.through(passTo(x.d.port + n))))
	}
	x.tab = startBrowser(t, rules...).device(t, phone)
	x.allow("status of 40[14]") // nobody is signed in yet; there is no vault yet
	x.code = (&walletHost{origin: x.d.wallet}).enrol(t, x.tab)
	return x
}

// passTo hands everything to a port as it came. When nobody is there, the
// connection breaks as it would without us.
func passTo(port int) http.Handler {
	target := &url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}
	return &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		Transport:    &http.Transport{DisableKeepAlives: true},
		ErrorLog:     log.New(io.Discard, "", 0),
	}
}

// call makes a request to a service of the demo from outside the browser.
func call(t *testing.T, method, address, body string, header map[string]string) (status int, contentType string, answer []byte) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	host := u.Host
	u.Host = "127.0.0.1:" + u.Port()
	r, err := http.NewRequestWithContext(t.Context(), method, u.String(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	for name, value := range header {
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if answer, err = io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Content-Type"), answer
}

// asks opens a request at the platform API, as the newsroom's server does, and
// returns the wallet's link.
func (d *demo) asks(t *testing.T, policy string) (id, link string) {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(d.data, "pki", "newsroom.apikey"))
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"policy":%q,"flow":"same_device","return_uri":%q}`, policy, d.news+"/facet/callback")
	status, _, answer := call(t, "POST", d.verifier+"/v1/requests", body,
		map[string]string{"Authorization": "Bearer " + string(key), "Content-Type": "application/json"})
	var begun struct {
		ID    string
		Links []struct{ URL string }
	}
	if err := json.Unmarshal(answer, &begun); err != nil || status != http.StatusCreated || len(begun.Links) != 1 {
		t.Fatalf("asking: %d %s (%v)", status, answer, err)
	}
	return begun.ID, begun.Links[0].URL
}

// state is what the platform is told about a request.
func (d *demo) state(t *testing.T, id string) string {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(d.data, "pki", "newsroom.apikey"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, answer := call(t, "GET", d.verifier+"/v1/requests/"+id, "", map[string]string{"Authorization": "Bearer " + string(key)})
	var told struct{ State string }
	if err := json.Unmarshal(answer, &told); err != nil {
		t.Fatalf("state: %s", answer)
	}
	return told.State
}

// trace is what a person or a peer must never be shown.
var trace = regexp.MustCompile(`goroutine \d|\.go:\d+|panic:|runtime error|TypeError|ReferenceError|at https?://|\[object |undefined`)

// refuses waits for the page that says what went wrong: the sentence of the
// reason, whether anything was sent, and the code for support. Then it looks
// whether everything is still there.
func (x *trial) refuses(reason string, sent string) {
	x.t.Helper()
	x.await("the refusal "+reason, fmt.Sprintf(`[...document.querySelectorAll("facet-failure .code")].some((c) => c.textContent === %q)`, reason))
	var said string
	x.eval("document.body.innerText", &said)
	if trace.MatchString(said) {
		x.t.Errorf("%s: the page shows what is for developers:\n%s", reason, said)
	}
	if strings.Contains(said, x.say("error.other")) {
		x.t.Errorf("%s has no sentence of its own:\n%s", reason, said)
	}
	if sent != "" && !strings.Contains(said, x.say(sent)) {
		x.t.Errorf("%s: the page does not say %q:\n%s", reason, x.say(sent), said)
	}
	x.shot("bad-" + strings.ReplaceAll(x.t.Name(), "/", "-"))
	x.press(x.say("to_home"))
	x.keeps(x.cards)
}

// keeps checks that the wallet still holds its proofs.
func (x *trial) keeps(cards int) {
	x.t.Helper()
	x.await(fmt.Sprintf("%d proofs at home", cards), fmt.Sprintf(`location.pathname === "/home" && document.querySelectorAll("facet-card").length === %d`, cards))
}

// asked opens a link and waits until the request can be decided.
func (x *trial) asked(link string) {
	x.t.Helper()
	x.open(link)
	x.unlock()
	x.await("the decision", `document.querySelector(".decide__pair")`)
}

// replaceAuthenticator puts another virtual authenticator in the place of the tab's.
func (tb *tab) replaceAuthenticator(withPRF bool) {
	tb.t.Helper()
	tb.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		if err = webauthn.RemoveVirtualAuthenticator(tb.authenticator).Do(ctx); err != nil {
			return err
		}
		tb.authenticator, err = webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21,
			Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true,
			HasPrf: withPRF, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}).Do(ctx)
		return err
	}))
}

// before runs a script in every page before the page's own, until the next call.
func (tb *tab) before(js string) {
	tb.t.Helper()
	tb.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		if tb.first != "" {
			if err = page.RemoveScriptToEvaluateOnNewDocument(tb.first).Do(ctx); err != nil {
				return err
			}
		}
		if tb.first = ""; js != "" {
			tb.first, err = page.AddScriptToEvaluateOnNewDocument(js).Do(ctx)
		}
		return err
	}))
}

// passkeys are the keys on the tab's authenticator.
func (tb *tab) passkeys() (found []*webauthn.Credential) {
	tb.t.Helper()
	tb.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		found, err = webauthn.GetCredentials(tb.authenticator).Do(ctx)
		return err
	}))
	return found
}

// carry puts a passkey onto the tab's authenticator.
func (tb *tab) carry(c *webauthn.Credential) {
	tb.t.Helper()
	tb.do(webauthn.AddCredential(tb.authenticator, c))
}

// wantProblem checks that an answer is an error with a stable code and nothing
// of the machine in it.
func wantProblem(t *testing.T, status int, answer []byte, wantStatus int, wantCode string) {
	t.Helper()
	var p struct{ Code, Error string }
	if err := json.Unmarshal(answer, &p); err != nil {
		t.Fatalf("status %d, no JSON: %s", status, answer)
	}
	if status != wantStatus || p.Code != wantCode || trace.Match(answer) || bytes.Contains(answer, []byte(sourceRoot())) {
		t.Errorf("status %d, %s; want %d and code %s", status, answer, wantStatus, wantCode)
	}
}

// patiently tries until it works, for at most as long as a page may take.
func patiently(t *testing.T, what string, works func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if works() {
			return
		}
	}
	t.Fatalf("waited %v for %s", patience, what)
}

// text is the whole text of a counted key, variables and all.
func (w words) text(t *testing.T, key string, n int) string {
	t.Helper()
	form := ".other"
	if n == 1 {
		form = ".one"
	}
	s, ok := w[key+form].(string)
	if !ok {
		t.Fatalf("no text %q", key+form)
	}
	return s
}

// A party is somebody with a certificate of a register nobody knows.
type party struct {
	key    *jose.PrivateKey
	x5c    []string
	anchor string // base64 DER
}

func newParty(t *testing.T, organization, host string) party {
	t.Helper()
	sign := func(c, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if parent == nil {
			parent, by = c, key
		}
		c.Subject.Organization, c.BasicConstraintsValid = []string{organization}, true
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
		if err != nil {
			t.Fatal(err)
		}
		if c, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		return c, key
	}
	ca, caKey := sign(&x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, KeyUsage: x509.KeyUsageCertSign}, nil, nil)
	leaf, leafKey := sign(&x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{host}, KeyUsage: x509.KeyUsageDigitalSignature}, ca, caKey)
	key, err := jose.PrivateKeyFromCrypto(leafKey)
	if err != nil {
		t.Fatal(err)
	}
	return party{key, []string{base64.StdEncoding.EncodeToString(leaf.Raw)}, base64.StdEncoding.EncodeToString(ca.Raw)}
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// sourceRoot is where this tree lies on this machine, which no answer may tell.
func sourceRoot() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err) // the folder the test runs in is there
	}
	return filepath.Dir(filepath.Dir(dir))
}
