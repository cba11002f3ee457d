package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"facet/audit"
	"facet/store/bolt"
	"facet/store/keyfile"
	"facet/store/postgres"
	"facet/verifier"
	"facet/verifier/auditlog"
)

// openStores opens the store and the keys per presentation, which must be
// forgotten once deleted: in a folder, or in two tables many nodes share.
func (n *verifierNode) openStores(ctx context.Context) error {
	if n.setup.database != "" {
		return n.openTables(ctx)
	}
	dir, err := bolt.DataDir(n.setup.dir, "verifier")
	if err != nil {
		return err
	}
	n.close = append(n.close, dir.Close)
	db, err := bolt.Open(dir.Path("verifier.db"))
	if err != nil {
		return err
	}
	n.close = append(n.close, db.Close)
	keys, err := keyfile.Open(keyfile.Config{Path: dir.Path("keys")})
	if err != nil {
		return err
	}
	n.close = append(n.close, keys.Close)
	n.store, n.keys = db, keys
	return nil
}

func (n *verifierNode) openTables(ctx context.Context) error {
	db, err := postgres.Open(ctx, postgres.Config{URL: n.setup.database})
	if err != nil {
		return err
	}
	n.close = append(n.close, db.Close)
	n.checks = append(n.checks, func(ctx context.Context) error { return n.agree(ctx, db.Clock) })
	keys, err := postgres.Open(ctx, postgres.Config{URL: n.setup.database, Table: "facet_keys", Forget: keyfile.MaxDelay})
	if err != nil {
		return err
	}
	n.close = append(n.close, keys.Close)
	n.store, n.keys = db, keys
	return nil
}

// A nodeLog is the presentation log as one verifier sees it.
type nodeLog struct {
	verifier.Log
	origin, vkey string
	source       audit.Source
	handler      http.Handler // serves auditlog.Prefix
}

func (n *verifierNode) openLog(ctx context.Context) (err error) {
	if n.setup.logURL != "" {
		if n.log, err = openRemoteLog(ctx, n.setup); err != nil {
			return fmt.Errorf("log %s: %w", n.setup.logURL, err)
		}
		n.checks = append(n.checks, func(ctx context.Context) error {
			_, err := n.log.source.Read(ctx, audit.CheckpointPath)
			return err
		})
		return nil
	}
	l, err := auditlog.Open(ctx, auditlog.Config{Dir: filepath.Join(n.setup.dir, "log"), Origin: n.setup.origin})
	if err != nil {
		return err
	}
	n.close = append(n.close, l.Close)
	n.log = &nodeLog{Log: l, origin: l.Origin(), vkey: l.VKey(), source: l.Source(), handler: l.Handler()}
	return nil
}

// logTimeout is the longest a call of the log may take; longer than its own
// wait for a checkpoint.
const logTimeout = 15 * time.Second

// proofWait is how long a receipt waits for a checkpoint before its wallet is
// told to come back.
const proofWait = 2 * time.Second

// openRemoteLog uses the log of `facet log serve`. Its key must carry the
// configured name.
func openRemoteLog(ctx context.Context, s verifierSetup) (*nodeLog, error) {
	base, err := url.Parse(s.logURL)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: logTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	source := &logSource{client, s.logURL + auditlog.Prefix}
	vkey, err := source.Read(ctx, audit.KeyPath)
	if err != nil {
		return nil, err
	}
	out := &nodeLog{
		Log:    remoteLog{&auditlog.Client{HTTP: client, URL: s.logURL, Key: s.logKey}},
		origin: s.origin, vkey: strings.TrimSpace(string(vkey)), source: source,
		handler: &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(base)
				for _, name := range []string{"Authorization", "Cookie"} {
					r.Out.Header.Del(name)
				}
			},
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
				w.Header().Set("Retry-After", "1")
				http.Error(w, "the log cannot be read now", http.StatusServiceUnavailable)
			},
		},
	}
	_, err = audit.TrustLog(out.vkey, s.origin)
	return out, err
}

// A remoteLog is verifier.Log on another process's log.
type remoteLog struct{ *auditlog.Client }

func (l remoteLog) Proof(ctx context.Context, index uint64) ([]byte, bool, error) {
	wait, cancel := context.WithTimeout(ctx, proofWait)
	defer cancel()
	proof, err := l.ReceiptProof(wait, index)
	if err != nil && ctx.Err() == nil && errors.Is(wait.Err(), context.DeadlineExceeded) {
		return nil, false, nil
	}
	return proof, err == nil, err
}

// A logSource reads a log the operator named, wherever it is (audit.Source).
type logSource struct {
	client *http.Client
	prefix string // ends with a slash
}

func (s *logSource) Read(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.prefix+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxResource+1))
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode == http.StatusNotFound:
		return nil, fs.ErrNotExist
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the log answered %s", res.Status)
	case len(b) > maxResource:
		return nil, errors.New("the log's answer is too large")
	}
	return b, nil
}
