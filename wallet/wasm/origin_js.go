//go:build js

package main

import (
	"context"
	"syscall/js"
	"time"

	"facet/fetch"
)

// Limits of one request to the wallet's own host.
const (
	hostTimeout   = 10 * time.Second
	maxHostAnswer = 8 << 20 // bytes
)

// origin speaks to the host the worker was loaded from. The guarded fetcher is
// for addresses that others name; this one is ours, and has the cookie.
type origin struct{ base string }

func newOrigin() *origin { return &origin{js.Global().Get("location").Get("origin").String()} }

// Do implements host.
func (o *origin) Do(ctx context.Context, r hostRequest) (hostResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, hostTimeout)
	defer cancel()
	abort := js.Global().Get("AbortController").New()
	stop := context.AfterFunc(ctx, func() { abort.Call("abort") })
	defer stop()
	headers := map[string]any{}
	if r.ifMatch != "" {
		headers["If-Match"] = r.ifMatch
	}
	init := map[string]any{
		"method": r.method, "credentials": "same-origin", "redirect": "error", "cache": "no-store", "signal": abort.Get("signal"),
	}
	if r.body != nil {
		headers["Content-Type"] = "application/octet-stream"
		if r.json {
			headers["Content-Type"] = "application/json"
		}
		init["body"] = toJS(r.body)
	}
	init["headers"] = headers
	answer, err := await(js.Global().Call("fetch", o.base+r.path, init))
	if err != nil {
		return hostResponse{}, fault(fetch.ReasonNetwork)
	}
	out := hostResponse{status: answer.Get("status").Int()}
	if out.body, err = read(answer.Get("body"), maxHostAnswer); err != nil {
		return hostResponse{}, err
	}
	if etag := answer.Get("headers").Call("get", "etag"); etag.Type() == js.TypeString {
		out.etag = etag.String()
	}
	return out, nil
}
