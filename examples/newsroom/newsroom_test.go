package newsroom

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/credentials/claims"
	"facet/policy"
	"facet/policy/hints"
	"facet/store"
)

// platformAPI answers like a verifier whose holder has answered: the routes and
// bodies of the platform API, with hints derived by the real policies.
type platformAPI struct {
	mu      sync.Mutex
	now     func() time.Time
	answers map[string]policy.Answer // what the next holder sends, by query id
	ask     map[string]*asked        // by request id
	down    bool
}

type asked struct {
	policy, flow, state, code string
	read                      bool
	set                       hints.HintSet
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
		var in struct{ Policy, Flow, Return_URI string }
		json.NewDecoder(r.Body).Decode(&in)
		id := "tx" + string(rune('a'+len(p.ask)))
		p.ask[id] = &asked{policy: in.Policy, flow: in.Flow, state: "open"}
		w.WriteHeader(201)
		json.NewEncoder(w).Encode(map[string]any{"id": id, "expires_at": p.now().Add(5 * time.Minute).Unix(), "links": []link{{"Facet", "http://wallet.localhost:8080/authorize#x"}}})
		return
	}
	a := p.ask[parts[1]]
	if a == nil {
		fail(404, "transaction_unknown")
		return
	}
	if len(parts) == 2 {
		json.NewEncoder(w).Encode(map[string]string{"id": parts[1], "state": a.state})
		return
	}
	var in struct {
		ResponseCode string `json:"response_code"`
	}
	json.NewDecoder(r.Body).Decode(&in)
	switch {
	case a.state == "withdrawn":
		fail(410, "result_withdrawn")
	case a.state != "released":
		fail(409, "result_not_ready")
	case a.flow == sameDevice && in.ResponseCode != a.code:
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

func (r *rig) begin(c *http.Client, policy, flow, back string) string {
	r.t.Helper()
	req, _ := http.NewRequest(http.MethodPost, r.site.URL+"/facet/begin/"+policy+"?back="+back, strings.NewReader(`{"flow":"`+flow+`"}`))
	req.Header.Set("Content-Type", "application/json")
	status, body, _ := r.do(c, req)
	var b begun
	if err := json.Unmarshal([]byte(body), &b); err != nil || status != http.StatusCreated || b.ID == "" || b.Events != "/facet/events/"+b.ID {
		r.t.Fatalf("begin: %d %s", status, body)
	}
	return b.ID
}

// approve goes through a same-device approval and returns where it leads.
func (r *rig) approve(c *http.Client, policy, back string, answers map[string]policy.Answer) string {
	r.t.Helper()
	id := r.begin(c, policy, sameDevice, back)
	code := r.api.answer(r.t, id, answers)
	status, body, h := r.get(c, "/facet/callback?response_code="+code)
	if status != http.StatusSeeOther {
		r.t.Fatalf("callback: %d %s", status, body)
	}
	return h.Get("Location")
}

var everything = map[string]policy.Answer{
	"member": {Claims: claims.Set{"tier": "plus"}},
	"prefs":  {Claims: claims.Set{"depth": "overview", "topics": []any{"653", "483"}, "languages": []any{}}},
	"today":  {Claims: claims.Set{"persona": "no-preference", "goal": "no-preference"}},
}

func must(t *testing.T, page string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(page, w) {
			t.Errorf("the page lacks %q", w)
		}
	}
}

func mustNot(t *testing.T, page string, unwanted ...string) {
	t.Helper()
	for _, w := range unwanted {
		if strings.Contains(page, w) {
			t.Errorf("the page holds %q", w)
		}
	}
}

func TestFirstVisitSetsNoCookieAndAdaptsNothing(t *testing.T) {
	r := newRig(t)
	status, page, h := r.get(r.browser(), "/")
	if status != 200 || h.Get("Set-Cookie") != "" {
		t.Errorf("%d, cookie %q", status, h.Get("Set-Cookie"))
	}
	must(t, page, "Die Seite der Redaktion", `begin="/facet/begin/home?back=/"`, "Die Stadt, die ihr Grundwasser zählt", "Montag, 23. November 2026")
	mustNot(t, page, "<hint-why", "Deine Fassung")
}

func TestApprovalAdaptsAndSaysWhy(t *testing.T) {
	r := newRig(t)
	c := r.browser()
	if to := r.approve(c, "home", "/", everything); to != "/" {
		t.Errorf("leads to %q", to)
	}
	_, page, _ := r.get(c, "/")
	must(t, page, "Deine Fassung", `data-hint="home.topics"`, "Diese Themen stehen bei dir vorn: Reise, Sport.", "von dir angegeben", "Die Reihenfolge der Redaktion.")
	if strings.Index(page, "Der Nachtzug kehrt") > strings.Index(page, "Die Stadt, die ihr Grundwasser") {
		t.Error("the chosen topic does not come first")
	}
	_, page, _ = r.get(c, "/artikel/grundwasser")
	must(t, page, `id="kurz" checked`, `data-hint="article.length"`, "Du hast „Überblick“ gewählt, darum sind Texte kurz.", `class="for-short"`)
	_, page, _ = r.get(c, "/?fassung=redaktion")
	mustNot(t, page, `data-hint="home.topics"`)
	must(t, page, "Zurück zu deiner Fassung")
	_, page, _ = r.get(r.browser(), "/")
	mustNot(t, page, "<hint-why")
}

func TestLayoutsAndTimeBudget(t *testing.T) {
	r := newRig(t)
	for _, tt := range []struct {
		claims claims.Set
		want   []string
	}{
		{claims.Set{"persona": "business", "goal": "no-preference", "time_budget_min": json.Number("5"), "mood": "no-preference"}, []string{`class="run"`, "5 Minuten, ", `data-hint="ui.layout"`, `data-hint="today.pace"`, "Du hast 5 Minuten"}},
		{claims.Set{"persona": "family", "goal": "plan-trip", "time_budget_min": json.Number("0"), "mood": "no-preference"}, []string{`class="guide"`, "Der Plan, Tag für Tag", "mit der Familie"}},
		{claims.Set{"persona": "no-preference", "goal": "no-preference", "time_budget_min": json.Number("0"), "mood": "tired"}, []string{"Heiteres zuerst", `data-hint="today.mood"`}},
	} {
		c := r.browser()
		r.approve(c, "today", "/", map[string]policy.Answer{"today": {Claims: tt.claims}})
		_, page, _ := r.get(c, "/")
		must(t, page, tt.want...)
	}
}

// TestTimedListFits: the list never takes longer than the reader has.
func TestTimedListFits(t *testing.T) {
	all, err := loadArticles()
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range languages {
		for _, minutes := range []int{5, 20} {
			e := &edition{Lang: lang, Minutes: minutes, Length: "long"}
			run, later := e.fit(all)
			total := 0
			for _, one := range run {
				length := "long"
				if minutes == 5 {
					length = "short"
				}
				total += one.Story.Words[lang].Halves[length]
				if one.Story.Adult {
					t.Error("a text for adults in a list nobody proved an age for")
				}
			}
			if len(run) == 0 || total > 2*minutes || len(run)+len(later) != len(all) {
				t.Errorf("%s: %d stories take %d half minutes of %d minutes", lang, len(run), total, minutes)
			}
		}
	}
}

func TestAgeGate(t *testing.T) {
	r := newRig(t)
	c := r.browser()
	const beyond = "neun Minuten lang"
	_, page, _ := r.get(c, "/artikel/salzwinter")
	must(t, page, "Bist du 18 Jahre oder älter?", `begin="/facet/begin/agegate?back=/artikel/salzwinter"`)
	mustNot(t, page, beyond)
	to := r.approve(c, "agegate", "/artikel/salzwinter", map[string]policy.Answer{"age": {Claims: claims.Set{"age_equal_or_over": map[string]any{"18": true}}}})
	_, page, _ = r.get(c, to)
	must(t, page, beyond, `data-hint="age.over18"`)
	young := r.browser()
	r.approve(young, "agegate", "/artikel/salzwinter", map[string]policy.Answer{"age": {Claims: claims.Set{"age_equal_or_over": map[string]any{"18": false}}}})
	_, page, _ = r.get(young, to)
	mustNot(t, page, beyond)
}

func TestPlusArticles(t *testing.T) {
	r := newRig(t)
	for tier, open := range map[string]bool{"basic": false, "plus": true, "premium": true} {
		c := r.browser()
		r.approve(c, "access", "/artikel/nachtzug", map[string]policy.Answer{"member": {Claims: claims.Set{"tier": tier}}})
		_, page, _ := r.get(c, "/artikel/nachtzug")
		if strings.Contains(page, "Kajüte") != open {
			t.Errorf("%s: open is %v", tier, !open)
		}
	}
}

// TestSessionFixation: the browser that returns must be the one that began.
func TestSessionFixation(t *testing.T) {
	r := newRig(t)
	attacker, victim := r.browser(), r.browser()
	id := r.begin(attacker, "home", sameDevice, "/")
	code := r.api.answer(t, id, everything)
	r.begin(victim, "home", sameDevice, "/")
	for name, c := range map[string]*http.Client{"another session": victim, "no session": r.browser()} {
		if status, _, _ := r.get(c, "/facet/callback?response_code="+code); status != http.StatusForbidden {
			t.Errorf("%s: %d", name, status)
		}
		if status, _, _ := r.get(c, "/facet/events/"+id); status != http.StatusNotFound {
			t.Errorf("%s reads the events of another: %d", name, status)
		}
	}
	if status, _, _ := r.get(attacker, "/facet/callback?response_code="); status != http.StatusForbidden {
		t.Errorf("without a code: %d", status)
	}
}

func TestCrossDevice(t *testing.T) {
	r := newRig(t)
	c := r.browser()
	id := r.begin(c, "home", crossDevice, "/")
	_, state, _ := r.get(c, "/facet/events/"+id, "Accept", "application/json")
	must(t, state, `"open"`)
	r.api.answer(t, id, everything)
	_, stream, _ := r.get(c, "/facet/events/"+id, "Accept", "text/event-stream")
	must(t, stream, "event: state\n", `"released"`)
	_, page, _ := r.get(c, "/")
	must(t, page, "Deine Fassung")
}

func TestTakingBackIsSeen(t *testing.T) {
	r := newRig(t)
	c := r.browser()
	r.approve(c, "home", "/", everything)
	r.api.set("txa", "withdrawn")
	r.later(recheck)
	_, page, _ := r.get(c, "/")
	mustNot(t, page, "Deine Fassung", "<hint-why")
	_, page, _ = r.get(c, "/deine-daten")
	must(t, page, "Von dir in Facet zurückgenommen")
	mustNot(t, page, "Überblick", "Reise, Sport")
}

func TestUnconfirmedHintsAreNotUsed(t *testing.T) {
	r := newRig(t)
	c := r.browser()
	r.approve(c, "home", "/", everything)
	r.api.mu.Lock()
	r.api.down = true
	r.api.mu.Unlock()
	r.later(trustFor + time.Second)
	_, page, _ := r.get(c, "/")
	mustNot(t, page, "Deine Fassung")
}

func TestHintsEnd(t *testing.T) {
	r := newRig(t)
	c := r.browser()
	r.approve(c, "home", "/", everything)
	r.later(7*24*time.Hour + time.Second)
	_, page, _ := r.get(c, "/deine-daten")
	must(t, page, "Frist abgelaufen")
	mustNot(t, page, "Reise, Sport", "Anzeigen (")
}

func TestYourData(t *testing.T) {
	r := newRig(t)
	c := r.browser()
	r.approve(c, "home", "/", everything)
	_, page, _ := r.get(c, "/deine-daten")
	before, after, found := strings.Cut(page, `<details class="vals">`)
	if !found || strings.Contains(before, "Plus<") {
		t.Error("values show before a tap")
	}
	must(t, after, "Wie ausführlich du liest: kurz", "Deine Themen: Reise, Sport", "Dein Abo: Plus")
	_, copied, h := r.get(c, "/deine-daten.json")
	if !json.Valid([]byte(copied)) || !strings.Contains(h.Get("Content-Disposition"), "attachment") {
		t.Error("the copy is not a file of JSON")
	}
	req, _ := http.NewRequest(http.MethodPost, r.site.URL+"/deine-daten/loeschen", strings.NewReader("id=txa"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, _, _ := r.do(c, req); status != http.StatusSeeOther {
		t.Errorf("delete: %d", status)
	}
	_, copied, _ = r.get(c, "/deine-daten.json")
	mustNot(t, copied, "653", "short", "plus")
}

func TestCrossSitePostsAreRefused(t *testing.T) {
	r := newRig(t)
	for _, path := range []string{"/facet/begin/home", "/deine-daten/loeschen"} {
		req, _ := http.NewRequest(http.MethodPost, r.site.URL+path, strings.NewReader("{}"))
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		if status, _, _ := r.do(r.browser(), req); status != http.StatusForbidden {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func TestWayBackStaysOnTheSite(t *testing.T) {
	for _, back := range []string{"//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "", "/a\nb"} {
		if got := local(back); got != "/" {
			t.Errorf("%q leads to %q", back, got)
		}
	}
	if got := local("/artikel/amsel"); got != "/artikel/amsel" {
		t.Errorf("got %q", got)
	}
}

func TestWithoutScript(t *testing.T) {
	r := newRig(t)
	req, _ := http.NewRequest(http.MethodPost, r.site.URL+"/facet/begin/agegate?back=/artikel/salzwinter", strings.NewReader(""))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept-Language", "de")
	status, page, _ := r.do(r.browser(), req)
	if status != 200 {
		t.Fatal(status)
	}
	must(t, page, `href="http://wallet.localhost:8080/authorize#x"`, "In Facet öffnen")
}

func TestConfigIsChecked(t *testing.T) {
	good := Config{URL: "http://news.localhost:8083", VerifierURL: "http://v", APIKey: "k", Store: store.Memory(), Now: time.Now}
	for name, spoil := range map[string]func(*Config){
		"no address":  func(c *Config) { c.URL = "" },
		"no verifier": func(c *Config) { c.VerifierURL = "" },
		"no key":      func(c *Config) { c.APIKey = "" },
		"no store":    func(c *Config) { c.Store = nil },
		"no clock":    func(c *Config) { c.Now = nil },
	} {
		c := good
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s passes", name)
		}
	}
	if reason(errors.New("x")) != "unavailable" {
		t.Error("an unknown error has a code of its own")
	}
}
