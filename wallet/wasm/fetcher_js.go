//go:build js

package main

import (
	"context"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall/js"

	"facet/fetch"
)

// A browser is the Fetcher over the platform's own fetch. Package fetch's
// client would link all of net/http's transport and TLS, 600 kB after
// compression, of which nothing runs here. Which addresses are public is the
// browser's business (private network access); this checks what a URL shows.
type browser struct {
	insecureLoopback bool // http and any port, on names of this machine only
}

// Do implements fetch.Fetcher; errors have fetch's reasons.
func (b *browser) Do(ctx context.Context, r fetch.Request) (*fetch.Response, error) {
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if r.MaxBytes <= 0 {
		r.MaxBytes = fetch.DefaultMaxBytes
	}
	if err := b.check(r); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, fetch.DefaultTimeout)
	defer cancel()
	abort := js.Global().Get("AbortController").New()
	defer context.AfterFunc(ctx, func() { abort.Call("abort") })()
	answer, err := await(js.Global().Call("fetch", r.URL, b.init(r, abort.Get("signal"))))
	switch {
	case ctx.Err() != nil:
		return nil, fault(fetch.ReasonLimit)
	case err != nil:
		return nil, fault(fetch.ReasonNetwork)
	case answer.Get("type").String() == "opaqueredirect":
		return nil, fault(fetch.ReasonRedirect)
	}
	out := &fetch.Response{Status: answer.Get("status").Int(), Header: http.Header{}}
	if t := answer.Get("headers").Call("get", "content-type"); t.Type() == js.TypeString {
		out.ContentType, _, _ = mime.ParseMediaType(t.String()) // "" matches no Accept
	}
	if out.OK() == nil && out.Status != http.StatusNoContent && len(r.Accept) > 0 && !slices.Contains(r.Accept, out.ContentType) {
		abort.Call("abort")
		return nil, fault(fetch.ReasonContentType)
	}
	out.Body, err = read(answer.Get("body"), r.MaxBytes)
	if err != nil {
		abort.Call("abort")
	}
	return out, err
}

func (b *browser) check(r fetch.Request) error {
	u, err := url.Parse(r.URL)
	if err != nil || len(r.URL) > fetch.MaxURL || u.Host == "" || u.User != nil || u.Fragment != "" ||
		r.Method != http.MethodGet && r.Method != http.MethodPost {
		return fault(fetch.ReasonURL)
	}
	host := u.Hostname()
	if b.insecureLoopback {
		if u.Scheme != "http" && u.Scheme != "https" {
			return fault(fetch.ReasonURL)
		}
		if host != "localhost" && !strings.HasSuffix(host, ".localhost") {
			return fault(fetch.ReasonBlocked)
		}
		return nil
	}
	if _, err := netip.ParseAddr(host); err == nil || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return fault(fetch.ReasonBlocked)
	}
	switch {
	case u.Scheme != "https":
		return fault(fetch.ReasonURL)
	case u.Port() != "" && u.Port() != "443":
		return fault(fetch.ReasonPort)
	}
	return nil
}

// init sends no cookies and no referrer, and follows no redirect unless asked.
func (b *browser) init(r fetch.Request, signal js.Value) map[string]any {
	headers := map[string]any{}
	for name, v := range r.Header {
		headers[name] = v
	}
	if len(r.Accept) > 0 {
		headers["Accept"] = strings.Join(r.Accept, ", ")
	}
	if r.ContentType != "" {
		headers["Content-Type"] = r.ContentType
	}
	redirect := "manual"
	if r.MaxRedirects > 0 && r.Method == http.MethodGet {
		redirect = "follow" // the browser counts; it keeps to https on its own
	}
	init := map[string]any{
		"method": r.Method, "headers": headers, "credentials": "omit", "mode": "cors", "redirect": redirect,
		"cache": "no-store", "referrerPolicy": "no-referrer", "signal": signal,
	}
	if r.Method == http.MethodPost {
		init["body"] = toJS(r.Body)
	}
	return init
}

// read takes at most limit bytes of a ReadableStream.
func read(body js.Value, limit int64) ([]byte, error) {
	if !body.Truthy() {
		return nil, nil
	}
	reader := body.Call("getReader")
	var out []byte
	for {
		chunk, err := await(reader.Call("read"))
		if err != nil {
			return nil, fault(fetch.ReasonNetwork)
		}
		if chunk.Get("done").Bool() {
			return out, nil
		}
		out = append(out, toGo(chunk.Get("value"))...)
		if int64(len(out)) > limit {
			return nil, fault(fetch.ReasonLimit)
		}
	}
}

func toJS(b []byte) js.Value {
	v := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(v, b)
	return v
}

func toGo(v js.Value) []byte {
	b := make([]byte, v.Get("length").Int())
	js.CopyBytesToGo(b, v)
	return b
}
