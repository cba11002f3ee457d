package statuslist

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"facet/credentials/jose"
	"facet/fetch"
)

var now = time.Unix(1795310000, 0)

const listURI = "https://issuer.example/status/1"

// web serves one answer and counts how often it was asked.
type web struct {
	body   string
	status int
	err    error
	asked  int
}

func (w *web) Do(_ context.Context, r fetch.Request) (*fetch.Response, error) {
	w.asked++
	if w.err != nil {
		return nil, w.err
	}
	if r.URL != listURI || r.MaxBytes != MaxToken || r.MaxRedirects != MaxRedirects || len(r.Accept) != 1 || r.Accept[0] != MediaType {
		return nil, errors.New("another request than the rules allow")
	}
	status := w.status
	if status == 0 {
		status = http.StatusOK
	}
	return &fetch.Response{Status: status, ContentType: MediaType, Body: []byte(w.body)}, nil
}

// keys knows one chain, and whose lists it may sign.
type keys struct {
	key    *jose.PublicKey
	issuer string
}

func (k keys) StatusKey(context.Context, []string, time.Time) (*jose.PublicKey, string, error) {
	return k.key, k.issuer, nil
}

func reason(err error) string {
	var r interface{ Reason() string }
	if errors.As(err, &r) {
		return r.Reason()
	}
	if err != nil {
		return "no reason: " + err.Error()
	}
	return ""
}

type bench struct {
	t   *testing.T
	key *jose.PrivateKey
}

func newBench(t *testing.T) *bench {
	t.Helper()
	key, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t, key}
}

// claims is the payload of a good token over a list with the given statuses.
func (b *bench) claims(statuses map[uint64]Status) map[string]any {
	b.t.Helper()
	l, err := New(2, 64)
	if err != nil {
		b.t.Fatal(err)
	}
	for i, s := range statuses {
		if err := l.Set(i, s); err != nil {
			b.t.Fatal(err)
		}
	}
	e, err := l.Encode()
	if err != nil {
		b.t.Fatal(err)
	}
	return map[string]any{
		"sub": listURI, "iat": now.Add(-time.Minute).Unix(), "exp": now.Add(time.Hour).Unix(), "ttl": 600,
		"status_list": map[string]any{"bits": e.Bits, "lst": e.List},
	}
}

func (b *bench) sign(claims map[string]any, header ...string) string {
	b.t.Helper()
	h := map[string]any{"typ": TokenType}
	if len(header) > 0 {
		h["x5c"] = header
	}
	body, err := json.Marshal(claims)
	if err != nil {
		b.t.Fatal(err)
	}
	token, err := jose.Sign(b.t.Context(), b.key, h, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return token
}

func (b *bench) check(w *web, idx uint64) error {
	c, err := NewChecker(Config{Fetch: w, Keys: keys{b.key.Public(), "issuer"}})
	if err != nil {
		b.t.Fatal(err)
	}
	return c.Check(b.t.Context(), b.ask(idx))
}

func (b *bench) ask(idx uint64) Query {
	return Query{Reference: Reference{listURI, idx}, Issuer: "issuer", IssuerKey: b.key.Public(), Now: now}
}

func compress(t *testing.T, w func(*bytes.Buffer) interface {
	Write([]byte) (int, error)
	Close() error
}, data []byte) string {
	t.Helper()
	var out bytes.Buffer
	z := w(&out)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(out.Bytes())
}

type closer = interface {
	Write([]byte) (int, error)
	Close() error
}

// TestCheckRejects twists one thing of a good list at a time.
func TestCheckRejects(t *testing.T) {
	b := newBench(t)
	twist := func(name string, v any) *web {
		c := b.claims(nil)
		c[name] = v
		if v == nil {
			delete(c, name)
		}
		return &web{body: b.sign(c)}
	}
	list := func(lst string) *web {
		return twist("status_list", map[string]any{"bits": 1, "lst": lst})
	}
	plain := func(out *bytes.Buffer) closer { z, _ := flate.NewWriter(out, 9); return z }
	zipped := func(out *bytes.Buffer) closer { return gzip.NewWriter(out) }
	dict := func(out *bytes.Buffer) closer {
		z, _ := zlib.NewWriterLevelDict(out, 9, []byte("dictionary"))
		return z
	}
	usual := func(out *bytes.Buffer) closer { return zlib.NewWriter(out) }
	good, err := base64.RawURLEncoding.DecodeString(compress(t, usual, make([]byte, 1000)))
	if err != nil {
		t.Fatal(err)
	}
	stranger := newBench(t)
	type attempt struct {
		web *web
		idx uint64
	}
	for _, tt := range []struct {
		id, want string
		attempts []attempt
	}{
		{"TSL-001", "credential_revoked", []attempt{{&web{body: b.sign(b.claims(map[uint64]Status{7: Invalid}))}, 7}}},
		{"suspended", "credential_suspended", []attempt{{&web{body: b.sign(b.claims(map[uint64]Status{7: Suspended}))}, 7}}},
		{"application", "status_unknown", []attempt{{&web{body: b.sign(b.claims(map[uint64]Status{7: 3}))}, 7}}},
		{"TSL-003", "status_index", []attempt{{&web{body: b.sign(b.claims(nil))}, 64}, {&web{body: b.sign(b.claims(nil))}, 1<<64 - 1}}},
		{"TSL-005", "status_size_limit", []attempt{{list(compress(t, usual, make([]byte, MaxInflated+1))), 0}}},
		{"TSL-006", "status_malformed", []attempt{
			{list(compress(t, plain, make([]byte, 9))), 0}, {list(compress(t, zipped, make([]byte, 9))), 0},
			{list(compress(t, dict, []byte("dictionary"))), 0},
			{list(base64.RawURLEncoding.EncodeToString(append(bytes.Clone(good), 0))), 0},
			{list(base64.RawURLEncoding.EncodeToString(good[:len(good)-1])), 0},
			{list(base64.RawURLEncoding.EncodeToString(good[:len(good)-5])), 0},
			{list(compress(t, usual, nil)), 0}, {list(""), 0}, {list("!"), 0},
			{twist("status_list", map[string]any{"bits": 3, "lst": "eNrbuRgAAhcBXQ"}), 0}, {twist("status_list", nil), 0},
			{twist("iat", nil), 0}, {twist("exp", "soon"), 0},
		}},
		{"TSL-007", "status_sub_mismatch", []attempt{{twist("sub", listURI+"/"), 0}}},
		{"TSL-009", "status_expired", []attempt{
			{twist("exp", now.Unix()), 0}, {twist("iat", now.Add(time.Hour).Unix()), 0}, {twist("ttl", 0), 0},
			{twist("ttl", 10*365*24*3600), 0}, {twist("ttl", -1), 0}, {twist("ttl", 1.5), 0}, {twist("ttl", "600"), 0},
		}},
		{"TSL-013", "status_malformed", []attempt{
			{&web{body: "<!doctype html><title>Sorry</title>"}, 0}, {&web{err: refused("content_type")}, 0},
			{&web{body: strings.Replace(b.sign(b.claims(nil)), ".", "", 1)}, 0},
		}},
		{"too long", "status_size_limit", []attempt{{&web{err: refused("fetch_limit")}, 0}}},
		{"unreachable", "status_unavailable", []attempt{
			{&web{err: refused("url_blocked")}, 0}, {&web{err: errors.New("down")}, 0}, {&web{body: b.sign(b.claims(nil)), status: 404}, 0},
		}},
		{"stranger's signature", "status_signature_invalid", []attempt{{&web{body: stranger.sign(b.claims(nil))}, 0}}},
	} {
		t.Run(tt.id, func(t *testing.T) {
			for i, a := range tt.attempts {
				if got := reason(b.check(a.web, a.idx)); got != tt.want {
					t.Errorf("attempt %d: got %q, want %q", i, got, tt.want)
				}
				if a.web.asked != 1 {
					t.Errorf("attempt %d: asked %d times", i, a.web.asked)
				}
			}
		})
	}
	if err := b.check(&web{body: b.sign(b.claims(map[uint64]Status{7: Invalid}))}, 6); err != nil {
		t.Errorf("a valid entry: %v", err)
	}
}

type refused string

func (r refused) Error() string  { return string(r) }
func (r refused) Reason() string { return string(r) }

// A list signed under the certificate of another issuer of the trust store
// says nothing about this issuer's credentials.
func TestListOfAnotherIssuer(t *testing.T) {
	t.Run("TSL-008", func(t *testing.T) {
		b, other := newBench(t), newBench(t)
		w := &web{body: other.sign(b.claims(nil), "AAAA")}
		c, err := NewChecker(Config{Fetch: w, Keys: keys{other.key.Public(), "other"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := reason(c.Check(t.Context(), b.ask(0))); got != "status_issuer_mismatch" {
			t.Errorf("got %q", got)
		}
		// Asked first by the other issuer's credential, it must not be served
		// from the cache to ours.
		q := b.ask(0)
		q.Issuer, q.IssuerKey = "other", other.key.Public()
		if err := c.Check(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		if got := reason(c.Check(t.Context(), b.ask(0))); got != "status_issuer_mismatch" {
			t.Errorf("from the cache: got %q", got)
		}
	})
}

func TestReference(t *testing.T) {
	for _, tt := range []struct{ claim, want string }{
		{`{"status_list":{"idx":0,"uri":"https://x.example"}}`, ""},
		{`{"status_list":{"idx":-1,"uri":"https://x.example"}}`, "status_index"},
		{`{"status_list":{"idx":1.5,"uri":"https://x.example"}}`, "status_index"},
		{`{"status_list":{"idx":1e3,"uri":"https://x.example"}}`, "status_index"},
		{`{"status_list":{"idx":9223372036854775808,"uri":"https://x.example"}}`, "status_index"},
		{`{"status_list":{"idx":"1","uri":"https://x.example"}}`, "status_index"},
		{`{"status_list":{"uri":"https://x.example"}}`, "status_index"},
		{`{"status_list":{"idx":1}}`, "status_malformed"},
		{`{"status_list":[]}`, "status_malformed"},
		{`{}`, "status_malformed"},
		{`7`, "status_malformed"},
	} {
		v, err := jose.ParseValue([]byte(tt.claim), jose.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseReference(v); reason(err) != tt.want {
			t.Errorf("%s: got %q, want %q", tt.claim, reason(err), tt.want)
		}
	}
}

// TestCache: one fetch while the ttl lasts, then again; a failure is not kept.
func TestCache(t *testing.T) {
	b := newBench(t)
	w := &web{body: b.sign(b.claims(nil))}
	c, err := NewChecker(Config{Fetch: w, Keys: keys{b.key.Public(), "issuer"}})
	if err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) error {
		q := b.ask(1)
		q.Now = now.Add(d)
		return c.Check(t.Context(), q)
	}
	for _, step := range []struct {
		after time.Duration
		asked int
	}{{0, 1}, {599 * time.Second, 1}, {600 * time.Second, 2}, {601 * time.Second, 2}, {0, 3}} {
		if err := at(step.after); err != nil {
			t.Fatal(err)
		}
		if w.asked != step.asked {
			t.Errorf("after %s: asked %d times, want %d", step.after, w.asked, step.asked)
		}
	}
	w.body = b.sign(b.claims(map[uint64]Status{1: Invalid}))
	if got := reason(at(2 * time.Hour)); got != "status_expired" {
		t.Errorf("an expired list from the server: %q", got)
	}
	if got := reason(at(20 * time.Minute)); got != "credential_revoked" {
		t.Errorf("after the ttl: %q", got)
	}
	w.err = errors.New("down")
	if got := reason(at(40 * time.Minute)); got != "status_unavailable" {
		t.Errorf("server down: %q", got)
	}
}

func TestKeepIsBounded(t *testing.T) {
	for _, tt := range []struct {
		ttl, exp, want time.Duration
	}{
		{0, 0, DefaultTTL}, {MaxTTL, 0, MaxAge}, {time.Hour, time.Minute, time.Minute}, {time.Minute, time.Hour, time.Minute},
	} {
		token := &Token{ttl: tt.ttl}
		if tt.exp > 0 {
			token.expires = now.Add(tt.exp)
		}
		if got := token.keep(now); got != tt.want {
			t.Errorf("%+v: got %s", tt, got)
		}
	}
}

func TestCacheIsBounded(t *testing.T) {
	b := newBench(t)
	c, err := NewChecker(Config{Fetch: &web{}, Keys: keys{b.key.Public(), "issuer"}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 * MaxLists {
		c.slot(slotKey{uri: strings.Repeat("x", i)}, now)
	}
	if len(c.slots) > MaxLists {
		t.Errorf("%d slots", len(c.slots))
	}
}

func TestIssueRoundTrip(t *testing.T) {
	b := newBench(t)
	l, err := New(1, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Set(123456, Invalid); err != nil {
		t.Fatal(err)
	}
	token, err := Issue(t.Context(), b.key, l, Issuance{URI: listURI, IssuedAt: now, ExpiresAt: now.Add(time.Hour), TTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if got := reason(b.check(&web{body: token}, 123456)); got != "credential_revoked" {
		t.Errorf("got %q", got)
	}
	if err := b.check(&web{body: token}, 123457); err != nil {
		t.Error(err)
	}
	if l.Set(0, 2) == nil || l.Set(1<<20, 1) == nil {
		t.Error("Set takes a status or index it has no room for")
	}
}
