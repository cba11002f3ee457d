//go:build !js

package aries

import (
	"errors"
	"testing"
)

// TestKeyHoldsPanics feeds the framework a did:key whose length prefix it reads
// as negative.
func TestKeyHoldsPanics(t *testing.T) {
	_, err := keyMethod{}.Resolve(t.Context(), "did:key:z6LCbycY2a88111111111111111111111111111111111111")
	if !errors.Is(err, errPanicked) {
		t.Fatalf("got %v, want the panic as an error", err)
	}
	var e interface{ Reason() string }
	if !errors.As(err, &e) || e.Reason() != "did_malformed" {
		t.Fatalf("got %v, want did_malformed", err)
	}
}
