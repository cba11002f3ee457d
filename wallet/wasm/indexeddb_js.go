//go:build js

package main

import (
	"context"
	"encoding/json"
	"errors"
	"syscall/js"
)

const (
	dbName  = "facet"
	dbStore = "device"
	dbKey   = "memory"
)

// indexedDB is the device's memory. It holds a counter, a hash, the sealed vault
// and the host's public configuration: nothing that opens anything.
type indexedDB struct{}

var errDevice = errors.New("bridge: the device's memory cannot be used")

// Memory implements device.
func (d *indexedDB) Memory(context.Context) (memory, error) {
	v, err := d.request("readonly", func(store js.Value) js.Value { return store.Call("get", dbKey) })
	if err != nil || v.Type() != js.TypeString {
		return memory{}, err
	}
	var m memory
	if json.Unmarshal([]byte(v.String()), &m) != nil {
		return memory{}, errDevice
	}
	return m, nil
}

// Remember implements device.
func (d *indexedDB) Remember(_ context.Context, m memory) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = d.request("readwrite", func(store js.Value) js.Value { return store.Call("put", string(text), dbKey) })
	return err
}

// request runs one operation in a transaction of its own and closes the
// database again.
func (d *indexedDB) request(mode string, operate func(store js.Value) js.Value) (js.Value, error) {
	open := js.Global().Get("indexedDB").Call("open", dbName, 1)
	upgrade := js.FuncOf(func(js.Value, []js.Value) any {
		open.Get("result").Call("createObjectStore", dbStore)
		return nil
	})
	defer upgrade.Release()
	open.Set("onupgradeneeded", upgrade)
	db, err := settled(open)
	if err != nil {
		return js.Undefined(), err
	}
	defer db.Call("close")
	return settled(operate(db.Call("transaction", dbStore, mode).Call("objectStore", dbStore)))
}

// settled waits for an IDBRequest.
func settled(request js.Value) (js.Value, error) {
	done := make(chan error, 1)
	ok := js.FuncOf(func(js.Value, []js.Value) any { done <- nil; return nil })
	failed := js.FuncOf(func(js.Value, []js.Value) any { done <- errDevice; return nil })
	defer ok.Release()
	defer failed.Release()
	request.Set("onsuccess", ok)
	request.Set("onerror", failed)
	request.Set("onblocked", failed)
	if err := <-done; err != nil {
		return js.Undefined(), err
	}
	return request.Get("result"), nil
}
