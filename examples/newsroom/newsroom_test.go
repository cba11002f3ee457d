package newsroom

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"facet/credentials/claims"
	"facet/policy"
	"facet/policy/hints"
	"facet/store"
	"facet/verifier/client"
)

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
		for pace, minutes := range paces {
			if minutes == 0 {
				continue
			}
			e := &edition{Lang: lang, Length: "medium"}
			e.adapt(map[string]hints.Hint{"today.pace": {Value: pace}, "article.length": {Value: "long"}})
			run, later := e.fit(all)
			total := 0
			for _, one := range run {
				total += one.Story.Words[lang].Halves[e.Length]
				if one.Story.Adult {
					t.Error("a text for adults in a list nobody proved an age for")
				}
			}
			if e.Minutes != minutes || len(run) == 0 || total > 2*minutes || len(run)+len(later) != len(all) {
				t.Errorf("%s, %s: %d stories take %d half minutes", lang, pace, len(run), total)
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
	id := r.begin(attacker, "home", client.SameDevice, "/")
	code := r.api.answer(t, id, everything)
	r.begin(victim, "home", client.SameDevice, "/")
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

// TestSessionFromElsewhere: over https a session counts only in a cookie that no
// other host of the domain can set.
func TestSessionFromElsewhere(t *testing.T) {
	r := newRig(t)
	verifier := httptest.NewServer(r.api)
	defer verifier.Close()
	h, err := New(Config{URL: "https://news.example", VerifierURL: verifier.URL, APIKey: "key", Store: store.Memory(), Now: r.now})
	if err != nil {
		t.Fatal(err)
	}
	planted := strings.Repeat("x", 43)
	req := httptest.NewRequest(http.MethodPost, "/facet/begin/home", strings.NewReader(`{"flow":"same_device"}`))
	req.Header.Set("Content-Type", "application/json")
	req.AddCookie(&http.Cookie{Name: sessionCookie, Value: planted})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	set := w.Result().Cookies()
	if w.Code != http.StatusCreated || len(set) != 1 || set[0].Name != "__Host-"+sessionCookie || set[0].Value == planted ||
		!set[0].Secure || set[0].Path != "/" || set[0].Domain != "" {
		t.Errorf("%d, cookies %v", w.Code, set)
	}
}

// TestUnansweredRequestsAreNotWaitedFor: only an answer on its way into the log
// is, not a request that was opened in a wallet and left there.
func TestUnansweredRequestsAreNotWaitedFor(t *testing.T) {
	for _, state := range []string{"open", "opened"} {
		r := newRig(t)
		c := r.browser()
		code := r.api.answer(t, r.begin(c, "home", client.SameDevice, "/"), everything)
		left := r.begin(c, "access", client.SameDevice, "/")
		r.api.set(left, state)
		if status, _, _ := r.get(c, "/facet/callback?response_code="+code); status != http.StatusSeeOther || r.api.ask[left].looks != 1 {
			t.Errorf("%s: %d after looking %d times at the one left", state, status, r.api.ask[left].looks)
		}
	}
}

func TestCrossDevice(t *testing.T) {
	r := newRig(t)
	c := r.browser()
	id := r.begin(c, "home", client.CrossDevice, "/")
	_, state, _ := r.get(c, "/facet/events/"+id, "Accept", "application/json")
	must(t, state, `"open"`)
	r.api.answer(t, id, everything)
	_, stream, _ := r.get(c, "/facet/events/"+id, "Accept", "text/event-stream")
	must(t, stream, "event: state\n", `"released"`)
	_, page, _ := r.get(c, "/")
	must(t, page, "Deine Fassung")
}

// TestAnswerByBrowser: what the reader's browser carried opens the page, in the
// session that began it and in no other, and a no is no error.
func TestAnswerByBrowser(t *testing.T) {
	r := newRig(t)
	c, other := r.browser(), r.browser()
	post := func(c *http.Client, body string) (int, string) {
		t.Helper()
		req, _ := http.NewRequest(http.MethodPost, r.site.URL+"/facet/answer", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json")
		status, said, _ := r.do(c, req)
		return status, said
	}
	id := r.begin(c, "home", client.DigitalAPI, "/")
	r.begin(other, "home", client.DigitalAPI, "/")
	linked := r.begin(c, "access", client.SameDevice, "/") // is answered by coming back, not here
	linkedCode := r.api.answer(t, linked, everything)
	code := r.api.answer(t, id, everything)
	right := `{"id":"` + id + `","protocol":"openid4vp-v1-signed","data":"` + code + `"}`
	for name, tt := range map[string]struct {
		c    *http.Client
		body string
		want int
	}{
		"another session":  {other, right, http.StatusForbidden},
		"no session":       {r.browser(), right, http.StatusForbidden},
		"another's answer": {c, strings.Replace(right, code, "code-txb", 1), http.StatusForbidden},
		"another way":      {c, strings.NewReplacer(id, linked, code, linkedCode).Replace(right), http.StatusForbidden},
		"no request":       {c, strings.Replace(right, id, "", 1), http.StatusForbidden},
		"no answer":        {c, `{"id":"` + id + `"}`, http.StatusBadRequest},
		"too large":        {c, strings.Replace(right, code, strings.Repeat("x", client.MaxAnswer), 1), http.StatusBadRequest},
	} {
		if status, said := post(tt.c, tt.body); status != tt.want || !strings.Contains(said, `"code"`) {
			t.Errorf("%s: %d %s", name, status, said)
		}
	}
	if status, said := post(c, right); status != 200 || said != `{"state":"released"}`+"\n" {
		t.Fatalf("%d %s", status, said)
	}
	_, page, _ := r.get(c, "/")
	must(t, page, "Deine Fassung", `digital="/facet/answer"`)
	_, page, _ = r.get(other, "/")
	mustNot(t, page, "Deine Fassung")
	id = r.begin(other, "home", client.DigitalAPI, "/")
	if status, said := post(other, `{"id":"`+id+`","protocol":"openid4vp-v1-signed","data":"no"}`); status != 200 || !strings.Contains(said, `"refused"`) {
		t.Errorf("a no: %d %s", status, said)
	}
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
	good := Config{URL: "http://news.localhost:8083", VerifierURL: "https://v.example", APIKey: "k", Store: store.Memory(), Now: time.Now}
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
}
