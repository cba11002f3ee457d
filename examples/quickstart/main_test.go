package main

import (
	"testing"
	"time"
)

func TestQuickstart(t *testing.T) {
	derived, err := run(t.Context(), time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]any{
		"access.tier":    {"plus", "issuer-signed"},
		"article.length": {"short", "self-asserted"},
	}
	if len(derived) != len(want) {
		t.Fatalf("%d hints", len(derived))
	}
	for _, h := range derived {
		if w := want[h.Key]; h.Value != w[0] || h.Assurance != w[1] {
			t.Errorf("%s: %v, %s", h.Key, h.Value, h.Assurance)
		}
	}
}
