package hostile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/audit"
	"facet/store/bolt"
	"facet/store/keyfile"
	"facet/verifier"
	"facet/verifier/auditlog"
	"facet/verifier/server"
)

// A siege is one verifier as it is run, behind the real HTTP server, and those
// who call it.
type siege struct {
	t       *testing.T
	w       *world
	url     string
	addr    string
	engine  *verifier.Verifier
	http    *http.Server
	good    *http.Client // of honest platforms and wallets
	hostile *http.Client
	victims []*victim
}

// Honest platforms, the one that is attacked, and one that attacks.
const (
	papers   = 8
	keyUnder = "a-key-of-the-one-under-attack-0123456789"
	keyOther = "a-key-of-another-platform-0123456789abc"
)

func keyOf(paper int) string { return fmt.Sprintf("a-key-of-paper-%d-0123456789abcdef", paper) }

// A victim is an open request whose addresses attackers know, and one that was
// answered.
type victim struct {
	*request
	link string // of the request object
	done []byte // an answer that was taken, if it was
}

func newSiege(t *testing.T) *siege {
	t.Helper()
	dir := t.TempDir()
	s := &siege{t: t, w: theWorld(), good: client(), hostile: client()}
	db, err := bolt.Open(filepath.Join(dir, "db"))
	check(t, err)
	keys, err := keyfile.Open(keyfile.Config{Path: filepath.Join(dir, "keys")})
	check(t, err)
	log, err := auditlog.Open(t.Context(), auditlog.Config{Dir: filepath.Join(dir, "log"), Origin: "verifier.localhost/log"})
	check(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	s.addr = listener.Addr().String()
	s.url = "http://" + s.addr
	c := s.w.config(backend{"", db, keys, 0}, log, s.url, &clock{})
	under := c.Platforms[0]
	var apiKeys []server.APIKey
	add := func(id, key string) {
		p := under
		p.ID = id
		c.Platforms = append(c.Platforms, p)
		apiKeys = append(apiKeys, server.APIKey{Platform: id, SHA256: server.HashKey(key)})
	}
	c.Platforms = nil
	add(platformID, keyUnder)
	add("other", keyOther)
	for i := range papers {
		add(fmt.Sprint("paper", i), keyOf(i))
	}
	s.engine, err = verifier.New(t.Context(), c)
	check(t, err)
	h, err := server.New(server.Config{
		Engine: s.engine, Log: log.Handler(), APIKeys: apiKeys, Now: time.Now, Metrics: server.NewMetrics(),
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	check(t, err)
	s.http = server.HTTP(h)
	s.http.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	ctx, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { _ = s.http.Serve(listener) }) // ends with Close
	work.Go(func() { s.sweep(ctx) })
	t.Cleanup(func() {
		stop()
		check(t, errors.Join(s.http.Close(), log.Close(), keys.Close(), db.Close()))
		work.Wait()
	})
	return s
}

func client() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
}

func (s *siege) sweep(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := s.engine.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.t.Errorf("sweep: %v", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// invite opens requests for attackers to know of; every third was answered.
func (s *siege) invite(n int) {
	s.t.Helper()
	for i := range n {
		b, err := s.engine.Begin(s.t.Context(), verifier.BeginRequest{Platform: platformID, Policy: "access", Flow: audit.SameDevice, ReturnURI: returnURI})
		check(s.t, err)
		jar, err := s.engine.RequestObject(s.t.Context(), path.Base(b.RequestURI), "")
		check(s.t, err)
		r, err := s.w.open(b.ID, b.ClientID, jar, time.Now())
		check(s.t, err)
		v := &victim{request: r, link: b.RequestURI}
		if i%3 == 0 {
			v.done = r.seal()
			_, err = s.engine.Finish(s.t.Context(), r.response(v.done))
			check(s.t, err)
		}
		s.victims = append(s.victims, v)
	}
}

// A call is one HTTP request of somebody.
type call struct {
	method, url, key, media string
	body                    []byte
	header                  map[string]string
}

// do sends it; from says who calls, as a proxy in front would.
func (s *siege) do(c *http.Client, from int, q call) (int, http.Header, []byte, error) {
	req, err := http.NewRequest(q.method, q.url, bytes.NewReader(q.body))
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.7", from>>8&255, from&255))
	if q.media != "" {
		req.Header.Set("Content-Type", q.media)
	}
	if q.key != "" {
		req.Header.Set("Authorization", "Bearer "+q.key)
	}
	for name, value := range q.header {
		req.Header.Set(name, value)
	}
	res, err := c.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, body, err
}

// exchange is one whole presentation over HTTP: begun, fetched, answered, read.
// It returns how long the verifier's part of it took.
func (s *siege) exchange(i int) (time.Duration, error) {
	var took time.Duration
	key := keyOf(i % papers)
	send := func(q call, want int) ([]byte, error) {
		start := time.Now()
		status, _, body, err := s.do(s.good, 1<<15|i, q)
		took += time.Since(start)
		if err == nil && status != want {
			err = fmt.Errorf("%s %s: %d %s", q.method, q.url, status, body)
		}
		return body, err
	}
	body, err := send(call{method: "POST", url: s.url + "/v1/requests", key: key, media: "application/json",
		body: fmt.Appendf(nil, `{"policy":"access","return_uri":%q}`, returnURI)}, http.StatusCreated)
	if err != nil {
		return took, err
	}
	var begun struct {
		ID    string
		Links []verifier.Link
	}
	if err := json.Unmarshal(body, &begun); err != nil {
		return took, err
	}
	link, err := url.Parse(begun.Links[0].URL)
	if err != nil {
		return took, err
	}
	asked, err := url.ParseQuery(link.Fragment)
	if err != nil {
		return took, err
	}
	if body, err = send(call{method: "GET", url: asked.Get("request_uri")}, http.StatusOK); err != nil {
		return took, err
	}
	r, err := s.w.open(begun.ID, asked.Get("client_id"), string(body), time.Now())
	if err != nil {
		return took, err
	}
	if body, err = send(call{method: "POST", url: r.ResponseURI, media: formType, body: r.seal()}, http.StatusOK); err != nil {
		return took, err
	}
	var answered struct {
		RedirectURI string `json:"redirect_uri"`
	}
	if err := json.Unmarshal(body, &answered); err != nil {
		return took, err
	}
	body, err = send(call{method: "POST", url: s.url + "/v1/requests/" + begun.ID + "/result", key: key, media: "application/json",
		body: fmt.Appendf(nil, `{"response_code":%q}`, codeOf(answered.RedirectURI))}, http.StatusOK)
	if err == nil && !strings.Contains(string(body), `"plus"`) {
		err = fmt.Errorf("no hint: %s", body)
	}
	return took, err
}
