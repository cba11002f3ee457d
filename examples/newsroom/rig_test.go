package newsroom

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/policy"
	"facet/policy/hints"
	"facet/store"
	"facet/verifier/client"
)

// platformAPI answers like a verifier whose holder has answered: the routes and
// bodies of the platform API, with hints derived by the real policies.
type platformAPI struct {
	mu   sync.Mutex
	now  func() time.Time
	ask  map[string]*asked // by request id
	down bool
}

type asked struct {
	policy, state, code string
	flow                client.Flow
	read                bool
	looks               int // at its state
	set                 hints.HintSet
}

func (p *platformAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fail := func(status int, code string) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]any{"status": status, "code": code})
	}
	if p.down {
		fail(503, "unavailable")
		return
	}
	if r.Header.Get("Authorization") != "Bearer key" {
		fail(401, "api_key_invalid")
		return
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/requests"), "/")
	if len(parts) == 1 {
		var in struct {
			Policy, Origin string
			Flow           client.Flow
		}
		json.NewDecoder(r.Body).Decode(&in)
		id := "tx" + string(rune('a'+len(p.ask)))
		p.ask[id] = &asked{policy: in.Policy, flow: in.Flow, state: "open"}
		w.WriteHeader(201)
		begun := client.Begun{ID: id, ExpiresAt: p.now().Add(5 * time.Minute).Unix()}
		if in.Flow != client.DigitalAPI {
			begun.Links = []client.Link{{Wallet: "Facet", URL: "http://wallet.localhost:8080/authorize#x"}}
		} else if in.Origin == "http://news.localhost:8083" {
			begun.Digital = json.RawMessage(`{"requests":[{"protocol":"openid4vp-v1-signed","data":{"request":"x"}}]}`)
		}
		json.NewEncoder(w).Encode(begun)
		return
	}
	a := p.ask[parts[1]]
	if a == nil {
		fail(404, "transaction_unknown")
		return
	}
	if len(parts) == 2 {
		a.looks++
		json.NewEncoder(w).Encode(map[string]string{"id": parts[1], "state": a.state})
		return
	}
	var in struct {
		ResponseCode string `json:"response_code"`
		Data         string `json:"data"` // of an answer
	}
	json.NewDecoder(r.Body).Decode(&in)
	switch {
	case parts[2] == "events":
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "event: state\ndata: {\"state\":\""+a.state+"\"}\n\n")
	case parts[2] == "answer" && in.Data == "no":
		a.state = "refused"
		json.NewEncoder(w).Encode(map[string]string{"error": "access_denied"})
	case parts[2] == "answer" && in.Data != a.code:
		fail(400, "kb_nonce_mismatch")
	case parts[2] == "answer":
		json.NewEncoder(w).Encode(map[string]string{"response_code": a.code})
	case a.state == "withdrawn":
		fail(410, "result_withdrawn")
	case a.state != "released":
		fail(409, "result_not_ready")
	case a.flow != client.CrossDevice && in.ResponseCode != a.code:
		fail(403, "response_code_mismatch")
	case a.read && r.Header.Get("Idempotency-Key") == "":
		fail(403, "response_code_used")
	default:
		a.read = true
		json.NewEncoder(w).Encode(map[string]any{"id": parts[1], "flow": a.flow, "hints": a.set})
	}
}

// answer lets the holder of a request answer with these claims.
func (p *platformAPI) answer(t *testing.T, id string, answers map[string]policy.Answer) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.ask[id]
	ps, err := Policies()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range ps {
		if one.ID != a.policy {
			continue
		}
		c, err := policy.Compile(one)
		if err != nil {
			t.Fatal(err)
		}
		if a.set, err = hints.Derive(one.Hints, c.Inputs(answers), one.Meta(p.now().Add(one.Keep()).Unix())); err != nil {
			t.Fatal(err)
		}
	}
	a.state, a.code = "released", "code-"+id
	return a.code
}

func (p *platformAPI) set(id, state string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ask[id].state = state
}

type rig struct {
	t    *testing.T
	api  *platformAPI
	site *httptest.Server
	mu   sync.Mutex
	at   time.Time
}

func (r *rig) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at
}

func (r *rig) later(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = r.at.Add(d)
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, at: time.Date(2026, 11, 23, 7, 12, 0, 0, time.UTC)}
	r.api = &platformAPI{now: r.now, ask: map[string]*asked{}}
	verifier := httptest.NewServer(r.api)
	t.Cleanup(verifier.Close)
	h, err := New(Config{URL: "http://news.localhost:8083", VerifierURL: verifier.URL, APIKey: "key", Store: store.Memory(), ElementsJS: []byte("export {}"), Now: r.now})
	if err != nil {
		t.Fatal(err)
	}
	r.site = httptest.NewServer(h)
	t.Cleanup(r.site.Close)
	return r
}

// browser is one reader's browser, with cookies of its own; redirects are shown.
func (r *rig) browser() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (r *rig) get(c *http.Client, path string, headers ...string) (int, string, http.Header) {
	r.t.Helper()
	req, _ := http.NewRequest(http.MethodGet, r.site.URL+path, nil)
	req.Header.Set("Accept-Language", "de")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return r.do(c, req)
}

func (r *rig) do(c *http.Client, req *http.Request) (int, string, http.Header) {
	r.t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

func (r *rig) begin(c *http.Client, policy string, flow client.Flow, back string) string {
	r.t.Helper()
	req, _ := http.NewRequest(http.MethodPost, r.site.URL+"/facet/begin/"+policy+"?back="+back, strings.NewReader(`{"flow":"`+string(flow)+`"}`))
	req.Header.Set("Content-Type", "application/json")
	status, body, _ := r.do(c, req)
	var b client.Begun
	if err := json.Unmarshal([]byte(body), &b); err != nil || status != http.StatusCreated || b.ID == "" || b.Events != "/facet/events/"+b.ID {
		r.t.Fatalf("begin: %d %s", status, body)
	}
	return b.ID
}

// approve goes through a same-device approval and returns where it leads.
func (r *rig) approve(c *http.Client, policy, back string, answers map[string]policy.Answer) string {
	r.t.Helper()
	id := r.begin(c, policy, client.SameDevice, back)
	code := r.api.answer(r.t, id, answers)
	status, body, h := r.get(c, "/facet/callback?response_code="+code)
	if status != http.StatusSeeOther {
		r.t.Fatalf("callback: %d %s", status, body)
	}
	return h.Get("Location")
}
