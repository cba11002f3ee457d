package exchange

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"facet/examples/site"
	"facet/policy/hints"
	"facet/verifier"
	"facet/verifier/client"
	"facet/wallet"
)

// TestSite: the site that the README shows, against the running verifier and a
// wallet. It reads what its own visitor approved, nobody else's, and forgets it
// when it is taken back.
func TestSite(t *testing.T) {
	mux := http.NewServeMux()
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	port := web.URL[strings.LastIndexByte(web.URL, ':'):]
	secret := make([]byte, 32)
	rand.Read(secret)
	r := newRig(t, func(r *rig) {
		r.site = "http://site.localhost" + port
		r.webhook = &verifier.Webhook{URL: r.site + "/facet/hook", Secrets: [][]byte{secret}}
	})
	s, err := site.New(site.Config{
		URL: r.site, Policy: "home", Verifier: client.Config{URL: r.address, APIKey: apiKey},
		Webhooks: client.WebhookConfig{Secrets: []string{"whsec_" + base64.StdEncoding.EncodeToString(secret)}, Now: time.Now},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Mount(mux)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, req *http.Request) { json.NewEncoder(w).Encode(s.Hints(req)) })

	r.receive("abo")
	if _, err := r.wallet.SetPreferences(t.Context(), wallet.Preferences{Depth: "overview"}); err != nil {
		t.Fatal(err)
	}
	visitor, other := newVisitor(t, web.URL), newVisitor(t, web.URL)
	p, err := r.wallet.Ask(t.Context(), visitor.begins())
	if err != nil {
		t.Fatal(err)
	}
	shown, err := r.wallet.Preview(t.Context(), p.ID, []string{"article.length"})
	if err != nil {
		t.Fatal(err)
	}
	done, err := r.wallet.Present(t.Context(), p.ID, shown.Digest, []string{"article.length"})
	if err != nil {
		t.Fatal(err)
	}
	back := strings.TrimPrefix(*done.RedirectURI, r.site)
	other.begins()
	if status := other.get(back, nil); status != http.StatusBadGateway || len(other.hints()) > 0 {
		t.Errorf("another visitor with the link: %d, %v", status, other.hints())
	}
	if status := visitor.get(back, nil); status != http.StatusOK {
		t.Fatalf("the visitor comes back: %d", status)
	}
	if h, _ := visitor.hints().Get("article.length"); h.Value != "short" {
		t.Errorf("hints: %+v", visitor.hints())
	}

	r.otherDevice(newVisitor(t, web.URL))
	r.saidNo(newVisitor(t, web.URL))
	if _, err := r.wallet.Withdraw(t.Context(), done.HistoryID); err != nil {
		t.Fatal(err)
	}
	r.verifier.Deliver(t.Context(), nil, func(err error) { t.Error(err) })
	if len(visitor.hints()) > 0 {
		t.Error("taken back, and still there")
	}
	res, err := http.Post(web.URL+"/facet/hook", "application/json", strings.NewReader(`{"type":"request.withdrawn"}`))
	if err != nil {
		t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a webhook of nobody's: %d", res.StatusCode)
	}
}

// otherDevice answers with a wallet that cannot lead the visitor back.
func (r *rig) otherDevice(v visitor) {
	t := r.t
	t.Helper()
	p, err := r.wallet.Ask(t.Context(), v.beginsBy(client.CrossDevice))
	if err != nil {
		t.Fatal(err)
	}
	shown, err := r.wallet.Preview(t.Context(), p.ID, []string{"article.length"})
	if err != nil {
		t.Fatal(err)
	}
	done, err := r.wallet.Present(t.Context(), p.ID, shown.Digest, []string{"article.length"})
	if err != nil || done.RedirectURI != nil {
		t.Fatal(done, err)
	}
	res, err := v.http.Get(v.url + "/facet/events")
	if err != nil {
		t.Fatal(err)
	}
	stream, err := io.ReadAll(res.Body)
	if res.Body.Close(); err != nil || string(stream) != "data: released\n\n" {
		t.Errorf("events: %q, %v", stream, err)
	}
	if status := v.get("/facet/back", nil); status != http.StatusOK {
		t.Fatalf("after another device answered: %d", status)
	}
	if h, _ := v.hints().Get("article.length"); h.Value != "short" {
		t.Errorf("hints from another device: %+v", v.hints())
	}
}

// saidNo: who refuses comes back to the page as it was.
func (r *rig) saidNo(v visitor) {
	t := r.t
	t.Helper()
	p, err := r.wallet.Ask(t.Context(), v.begins())
	if err != nil {
		t.Fatal(err)
	}
	done, err := r.wallet.Refuse(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	back := strings.TrimPrefix(*done.RedirectURI, r.site)
	if status := v.get(back, nil); status != http.StatusOK || len(v.hints()) > 0 {
		t.Errorf("back after a no: %d, %v", status, v.hints())
	}
}

// A visitor is one browser.
type visitor struct {
	t    *testing.T
	url  string
	http *http.Client
}

func newVisitor(t *testing.T, url string) visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return visitor{t, url, &http.Client{Jar: jar}}
}

// begins presses the site's button and returns the wallet's link.
func (v visitor) begins() string { return v.beginsBy(client.SameDevice) }

func (v visitor) beginsBy(flow client.Flow) string {
	v.t.Helper()
	res, err := v.http.Post(v.url+"/facet/begin", "application/json", strings.NewReader(`{"flow":"`+string(flow)+`"}`))
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	var begun client.Begun
	if err := json.NewDecoder(res.Body).Decode(&begun); err != nil || len(begun.Links) != 1 {
		v.t.Fatalf("begin: %d, %v", res.StatusCode, err)
	}
	return begun.Links[0].URL
}

func (v visitor) get(path string, into any) int {
	v.t.Helper()
	res, err := v.http.Get(v.url + path)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	if into != nil {
		if err := json.NewDecoder(res.Body).Decode(into); err != nil {
			v.t.Fatal(fmt.Errorf("%s: %w", path, err))
		}
	}
	return res.StatusCode
}

func (v visitor) hints() (set hints.HintSet) {
	v.t.Helper()
	v.get("/", &set)
	return set
}
