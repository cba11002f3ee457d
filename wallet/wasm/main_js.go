//go:build js

package main

import (
	"context"
	"errors"
	"syscall/js"
	"time"

	"facet/fetch"
	"facet/wallet"
)

func main() {
	host := newOrigin()
	s := &session{
		host: host, origin: host.base, device: &indexedDB{}, now: time.Now,
		fetcher: func(insecureLoopback bool) fetch.Fetcher { return &browser{insecureLoopback} },
	}
	js.Global().Set("facetCall", js.FuncOf(func(_ js.Value, args []js.Value) any {
		if len(args) != 2 || args[0].Type() != js.TypeString || args[1].Type() != js.TypeString {
			return reject(faultParams)
		}
		return call(s, args[0].String(), args[1].String())
	}))
	select {} // the worker ends it
}

// call answers with a promise of JSON; it rejects with {reason, tries_left}.
func call(s *session, method, params string) js.Value {
	return promise(func(resolve, reject func(js.Value)) {
		result, err := s.Call(context.Background(), method, []byte(params))
		if err != nil {
			reject(problem(err))
			return
		}
		resolve(js.ValueOf(string(result)))
	})
}

// problem is an error as pages get it: a reason, never its text, which is for
// developers and could quote what was asked.
func problem(err error) js.Value {
	p := map[string]any{"reason": wallet.ReasonOf(err), "message": ""}
	if errors.Is(err, context.DeadlineExceeded) {
		p["reason"] = "network"
	}
	if n, ok := wallet.TriesLeft(err); ok {
		p["tries_left"] = n
	}
	return js.ValueOf(p)
}

func reject(err error) js.Value { return js.Global().Get("Promise").Call("reject", problem(err)) }

// promise runs f on its own goroutine: a goroutine that waits for JavaScript
// must not be the one JavaScript called. It ends when f does.
func promise(f func(resolve, reject func(js.Value))) js.Value {
	var executor js.Func
	executor = js.FuncOf(func(_ js.Value, args []js.Value) any {
		resolve, reject := args[0], args[1]
		go func() {
			defer executor.Release()
			f(func(v js.Value) { resolve.Invoke(v) }, func(v js.Value) { reject.Invoke(v) })
		}()
		return nil
	})
	return js.Global().Get("Promise").New(executor)
}

// await waits for a promise; the error is for "it was rejected".
func await(p js.Value) (js.Value, error) {
	type outcome struct {
		value js.Value
		err   error
	}
	done := make(chan outcome, 1)
	ok := js.FuncOf(func(_ js.Value, args []js.Value) any {
		done <- outcome{value: first(args)}
		return nil
	})
	failed := js.FuncOf(func(js.Value, []js.Value) any {
		done <- outcome{err: errors.New("bridge: the browser refused")}
		return nil
	})
	defer ok.Release()
	defer failed.Release()
	p.Call("then", ok, failed)
	o := <-done
	return o.value, o.err
}

func first(args []js.Value) js.Value {
	if len(args) == 0 {
		return js.Undefined()
	}
	return args[0]
}
