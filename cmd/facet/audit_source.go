package main

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"facet/audit"
	"facet/fetch"
	"facet/verifier/auditlog"
)

// maxResource is the most bytes one resource of a log may have: a full bundle
// of the largest entries.
const maxResource = 256 * (2 + audit.MaxEntry)

// openSource opens a log by its verifier's URL, by the URL of its prefix, or by
// the folder of a bundle.
func openSource(where string) (audit.Source, error) {
	if isURL(where) {
		u, err := url.Parse(where)
		if err != nil {
			return nil, err
		}
		if strings.Trim(u.Path, "/") == "" {
			u.Path = auditlog.Prefix // a verifier serves its log there
		}
		// http is for this machine only: fetch allows nothing else then.
		loopback := u.Scheme == "http"
		client := fetch.New(fetch.Config{InsecureLoopback: loopback, Timeout: 20 * time.Second})
		return &webSource{client, strings.TrimSuffix(u.String(), "/")}, nil
	}
	info, err := os.Stat(where)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a folder", where)
	}
	return audit.Folder{FS: os.DirFS(where)}, nil
}

func isURL(where string) bool {
	return strings.HasPrefix(where, "https://") || strings.HasPrefix(where, "http://")
}

// A webSource reads a log over HTTP (audit.Source).
type webSource struct {
	client fetch.Fetcher
	prefix string
}

func (s *webSource) Read(ctx context.Context, path string) ([]byte, error) {
	r, err := s.client.Do(ctx, fetch.Request{Method: http.MethodGet, URL: s.prefix + "/" + path, MaxBytes: maxResource})
	if err != nil {
		return nil, err
	}
	switch r.Status {
	case http.StatusOK:
		return r.Body, nil
	case http.StatusNotFound:
		return nil, &fs.PathError{Op: "get", Path: path, Err: fs.ErrNotExist}
	}
	return nil, fmt.Errorf("getting %s: the log answered %d", path, r.Status)
}
