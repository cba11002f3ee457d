package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"facet/audit"
	"facet/credentials/jose"
	"facet/verifier"
	"facet/verifier/server"
)

// A leftover is one request of the earlier release, as those who made it know it.
type leftover struct {
	ID       string
	Path     string // where the answer goes
	Form     string // the answer
	Holder   string // PKCS #8
	Receipt  string
	Withdraw string
}

// An upgraded is a folder an earlier release wrote, opened by this one. Its
// clock stands where that release stopped, and is moved by hand.
type upgraded struct {
	t     *testing.T
	dir   string
	clock atomic.Int64
	node  *verifierNode
	url   string
	said  *sync.Map // "id state" of webhooks

	At       int64
	APIKey   string `json:"api_key"`
	LogKey   string `json:"log_key"`
	Files    map[string]string
	Requests map[string]leftover
}

func openUpgraded(t *testing.T) *upgraded {
	t.Helper()
	u := &upgraded{t: t, dir: t.TempDir(), said: &sync.Map{}}
	raw, err := os.ReadFile("testdata/upgrade/around.json")
	u.must(err)
	u.must(json.Unmarshal(raw, u))
	for name, text := range u.Files {
		u.must(os.WriteFile(filepath.Join(u.dir, name), []byte(text), 0o600))
	}
	_, err = restore("testdata/upgrade/data.tar.gz", filepath.Join(u.dir, "data"))
	u.must(err)
	hooks := httptest.NewServer(http.HandlerFunc(u.hear))
	t.Cleanup(hooks.Close)
	sum := server.HashKey(u.APIKey)
	config, err := json.Marshal(map[string]any{
		"url": "http://127.0.0.1:8081", "store": "data", "log_origin": "verifier.test/log", "trust": "trust.json", "insecure_loopback": true,
		"platforms": []any{map[string]any{
			"id": "news", "name": "Morgenblatt", "identity": "morgenblatt.pem", "api_keys_sha256": []string{hex.EncodeToString(sum[:])},
			"policies": []string{"access.yaml"}, "wallets": []any{map[string]any{"name": "Facet", "url": "http://wallet.localhost:8080"}},
			"return_uris": []string{"http://news.localhost:8083/back"}, "webhook": map[string]string{"url": hooks.URL, "secret_file": "news.whsec"},
		}},
	})
	u.must(err)
	u.must(os.WriteFile(filepath.Join(u.dir, "verifier.json"), config, 0o600))
	u.forward(20 * time.Second)
	_, s, found := readSetup(filepath.Join(u.dir, "verifier.json"), u.now())
	u.must(problems(found))
	s.now, s.logger = u.now, slog.New(slog.NewTextHandler(io.Discard, nil))
	u.node, err = openVerifier(t.Context(), s)
	u.must(err)
	web := httptest.NewServer(u.node.server)
	t.Cleanup(func() { web.Close(); u.must(u.node.Close()) })
	u.url = web.URL
	return u
}

func (u *upgraded) must(err error) {
	u.t.Helper()
	if err != nil {
		u.t.Fatal(err)
	}
}

func (u *upgraded) now() time.Time          { return time.Unix(u.At, 0).Add(time.Duration(u.clock.Load())) }
func (u *upgraded) forward(d time.Duration) { u.clock.Add(int64(d)) }

// hear takes a webhook.
func (u *upgraded) hear(_ http.ResponseWriter, r *http.Request) {
	var e struct {
		Data struct{ ID, State string }
	}
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil || r.Header.Get("webhook-signature") == "" {
		u.t.Errorf("a webhook: %v", err)
	}
	u.said.Store(e.Data.ID+" "+e.Data.State, true)
}

// send calls the verifier as a platform or a wallet does.
func (u *upgraded) send(s step) (int, string) {
	u.t.Helper()
	req, err := http.NewRequest(s.method, u.url+s.path, strings.NewReader(s.body))
	u.must(err)
	req.Header.Set("Content-Type", s.contentType)
	req.Header.Set("Idempotency-Key", s.idempotency)
	if strings.HasPrefix(s.path, "/v1/") {
		req.Header.Set("Authorization", "Bearer "+u.APIKey)
	}
	res, err := http.DefaultClient.Do(req)
	u.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	u.must(err)
	return res.StatusCode, string(body)
}

// want fails unless the call is answered so, and returns the answer.
func (u *upgraded) want(what string, status int, s step) string {
	u.t.Helper()
	got, body := u.send(s)
	if got != status {
		u.t.Errorf("%s: %d %s, want %d", what, got, body, status)
	}
	return body
}

func (u *upgraded) state(name, want string) {
	u.t.Helper()
	if body := u.want(name, http.StatusOK, step{method: "GET", path: "/v1/requests/" + u.Requests[name].ID}); !strings.Contains(body, `"`+want+`"`) {
		u.t.Errorf("%s: %s, want %s", name, body, want)
	}
}

func (u *upgraded) respond(name string) step {
	return step{method: "POST", path: u.Requests[name].Path, contentType: "application/x-www-form-urlencoded", body: u.Requests[name].Form}
}

func (u *upgraded) result(name, body string) step {
	return step{method: "POST", path: "/v1/requests/" + u.Requests[name].ID + "/result", contentType: "application/json", body: body, idempotency: "reader of " + name}
}

// prove is what a holder sends for a receipt or to withdraw.
func (u *upgraded) prove(name, act string) step {
	u.t.Helper()
	k := u.Requests[name]
	endpoint := k.Receipt
	if act == "withdraw" {
		endpoint = k.Withdraw
	}
	der, err := base64.StdEncoding.DecodeString(k.Holder)
	u.must(err)
	key, err := jose.ParsePKCS8PrivateKey(der)
	u.must(err)
	payload, err := json.Marshal(map[string]any{"aud": endpoint, "act": act, "iat": u.now().Unix()})
	u.must(err)
	proof, err := jose.Sign(u.t.Context(), key, map[string]any{"typ": verifier.ProofType, "jwk": key.Public().JWK()}, payload)
	u.must(err)
	at, err := url.Parse(endpoint)
	u.must(err)
	return step{method: "POST", path: at.Path, contentType: "application/jwt", body: proof}
}

// sweep does what the background does in a while.
func (u *upgraded) sweep() {
	u.t.Helper()
	u.must(u.node.engine.Sweep(u.t.Context()))
	ticks := make(chan time.Time, 1)
	ticks <- u.now()
	close(ticks)
	u.node.engine.Deliver(u.t.Context(), ticks, func(err error) { u.t.Errorf("webhooks: %v", err) })
}

// TestUpgrade opens a folder an earlier release wrote, with a request in every
// state (testdata/upgrade): each goes on as if nothing had happened, webhooks of
// then are delivered, deadlines of then are kept, and the log continues.
func TestUpgrade(t *testing.T) {
	u := openUpgraded(t)
	u.state("open", "opened")
	u.state("accepted", "accepted")
	u.state("logged", "logged")

	again := u.want("the same request", http.StatusCreated, step{method: "POST", path: "/v1/requests", contentType: "application/json",
		body: `{"policy":"access","flow":"same_device","return_uri":"http://news.localhost:8083/back"}`, idempotency: "idem-open"})
	if !strings.Contains(again, u.Requests["open"].ID) {
		t.Errorf("another request for the same key: %s", again)
	}
	back := u.want("open is answered", http.StatusOK, u.respond("open"))
	u.want("accepted is told again", http.StatusOK, u.respond("accepted, told again"))
	u.want("released is not answered again", http.StatusBadRequest, u.respond("released"))
	u.sweep()
	for name, state := range map[string]string{"accepted": "released", "logged": "released", "withdrawing": "withdrawn", "refused": "refused", "expires": "opened"} {
		u.state(name, state)
	}
	_, code, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(back), `"}`), "response_code=")
	u.reads("open", fmt.Sprintf(`{"response_code":%q}`, code))
	for _, name := range []string{"released", "accepted", "accepted, told again", "logged", "retried"} {
		u.reads(name, "{}")
	}
	u.want("read by another", http.StatusForbidden, u.result("read", "{}"))
	u.receipts("open", "released", "read", "accepted", "logged")
	u.withdrawals("read", "withdrawing", "withdrawn", "accepted")
	u.want("withdrawn is gone", http.StatusGone, u.result("withdrawn", "{}"))

	u.forward(6 * time.Minute)
	u.sweep()
	u.state("expires", "expired")
	for _, said := range []string{"released released", "retried released", "withdrawn withdrawn", "withdrawing withdrawn", "accepted released", "logged released", "refused refused", "expires expired", "open released"} {
		name, state, _ := strings.Cut(said, " ")
		if _, ok := u.said.Load(u.Requests[name].ID + " " + state); !ok {
			t.Errorf("no webhook said that %s was %s", name, state)
		}
	}
	u.forward(13 * time.Hour) // the retention is over
	u.sweep()
	u.want("deleted at its deadline", http.StatusNotFound, u.result("released", "{}"))
	u.verifies()
}

// reads reads a result, once.
func (u *upgraded) reads(name, body string) {
	u.t.Helper()
	if got := u.want("result of "+name, http.StatusOK, u.result(name, body)); !strings.Contains(got, `"plus"`) {
		u.t.Errorf("%s: %s", name, got)
	}
}

func (u *upgraded) receipts(names ...string) {
	u.t.Helper()
	for _, name := range names {
		var receipt string
		eventually(u.t, "receipt of "+name, func() bool {
			status, body := u.send(u.prove(name, "receipt"))
			receipt = body
			return status == http.StatusOK
		})
		if _, _, err := audit.VerifyReceipt([]byte(receipt), u.LogKey, "verifier.test/log"); err != nil {
			u.t.Errorf("receipt of %s: %v", name, err)
		}
	}
}

func (u *upgraded) withdrawals(names ...string) {
	u.t.Helper()
	for _, name := range names {
		if got := u.want("withdrawal of "+name, http.StatusOK, u.prove(name, "withdraw")); strings.Count(got, ".") != 2 {
			u.t.Errorf("erasure receipt of %s: %s", name, got)
		}
		u.state(name, "withdrawn")
	}
}

// verifies recomputes the log and counts what must be in it: each request has
// one ending, each result one end.
func (u *upgraded) verifies() {
	u.t.Helper()
	trust, err := audit.TrustLog(u.LogKey, "verifier.test/log")
	u.must(err)
	kinds := map[audit.Kind]int{}
	want := map[audit.Kind]int{audit.KindRequest: 12, audit.KindResult: 12, audit.KindWithdrawal: 4, audit.KindErasure: 4, audit.KindRetention: 5, audit.KindPolicy: 1}
	eventually(u.t, "a checkpoint of all of it", func() bool {
		signed, err := u.node.log.source.Read(u.t.Context(), audit.CheckpointPath)
		u.must(err)
		c, err := trust.Checkpoint(signed)
		u.must(err)
		clear(kinds)
		report, err := audit.Verify(u.t.Context(), u.node.log.source, c, func(_ uint64, e audit.Entry, _ []byte) { kinds[e.Common().Kind]++ })
		u.must(err)
		u.must(report.Err())
		return kinds[audit.KindRetention] >= want[audit.KindRetention]
	})
	for kind, n := range want {
		if kinds[kind] != n {
			u.t.Errorf("%d entries %s, want %d", kinds[kind], kind, n)
		}
	}
}
