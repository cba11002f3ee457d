package verifier_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"facet/policy/hints"
	"facet/verifier"
)

func TestOFREP(t *testing.T) {
	r := newRig(t)
	b, got := r.finish("home", twist{})
	code := r.code(got)
	evaluate := func(key, path, body string) reply {
		return r.do(call{method: "POST", url: baseURL + "/ofrep/v1/evaluate/flags" + path, key: key, contentType: "application/json", body: body})
	}
	byID := `{"context":{"targetingKey":"` + b.ID + `"}}`
	if got := evaluate(keyNews, "", byID); got.status != http.StatusUnauthorized {
		t.Errorf("before the result was read: %d %s", got.status, got.body)
	}
	token := func(a reply) string { return a.field("hint_token") }(r.result(keyNews, b.ID, code))
	if token == "" {
		t.Fatal("no hint token")
	}
	all := evaluate(token, "", "{}")
	var bulk hints.BulkEvaluation
	if err := json.Unmarshal(all.body, &bulk); err != nil || all.status != http.StatusOK || len(bulk.Flags) != 5 {
		t.Fatalf("bulk: %d %s", all.status, all.body)
	}
	for _, tt := range []struct {
		name, key, path, body string
		status                int
		field, want           string
	}{
		{"token", token, "/article.length", "{}", 200, "value", "long"},
		{"no body", token, "/article.length", "", 200, "value", "long"},
		{"withheld", token, "/ui.layout", "{}", 200, "reason", hints.ReasonDisabled},
		{"platform key", keyNews, "/article.length", byID, 200, "value", "long"},
		{"other platform", keyOther, "/article.length", byID, 401, "errorCode", "GENERAL"},
		{"no such hint", token, "/made.up", "{}", 404, "errorCode", "FLAG_NOT_FOUND"},
		{"no token", "", "/article.length", "{}", 401, "errorCode", "GENERAL"},
		{"the request's id as token", b.ID, "/article.length", "{}", 401, "errorCode", "GENERAL"},
		{"not JSON", token, "/article.length", "{", 400, "errorCode", "PARSE_ERROR"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := evaluate(tt.key, tt.path, tt.body); got.status != tt.status || got.field(tt.field) != tt.want {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
	t.Run("the token ends", func(t *testing.T) {
		r.clock.advance(verifier.TokenTTL)
		if got := evaluate(token, "/article.length", "{}"); got.status != http.StatusUnauthorized {
			t.Errorf("got %d %s", got.status, got.body)
		}
	})
	t.Run("preflight", func(t *testing.T) {
		got := r.do(call{method: "OPTIONS", url: baseURL + "/ofrep/v1/evaluate/flags", header: map[string]string{"Origin": "https://news.example"}})
		if got.header.Get("Access-Control-Allow-Origin") != "*" || got.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("headers: %v", got.header)
		}
	})
}

// TestEvents reads the event stream of a request over a real connection.
func TestEvents(t *testing.T) {
	r := newRig(t)
	b := r.begin("access", "same_device")
	ts := httptest.NewServer(r.http)
	defer ts.Close()
	req, err := http.NewRequest("GET", ts.URL+"/v1/requests/"+b.ID+"/events", nil)
	check(err)
	req.Header.Set("Authorization", "Bearer "+keyNews)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	lines := bufio.NewScanner(res.Body)
	next := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		return ""
	}
	if got := next(); !strings.Contains(got, `"state":"open"`) {
		t.Fatalf("first event: %s", got)
	}
	time.AfterFunc(50*time.Millisecond, func() { r.compose(b, twist{}).send() })
	got := next()
	for strings.Contains(got, `"state":"accepted"`) || strings.Contains(got, `"state":"logged"`) {
		got = next() // the stream may or may not catch these
	}
	if !strings.Contains(got, `"state":"released"`) {
		t.Fatalf("last event: %s", got)
	}
	if got = next(); got != "" {
		t.Fatalf("after the end: %s", got)
	}
}
