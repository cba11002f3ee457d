// Package vectors runs the published test vectors of the standards, kept
// unchanged under test/testdata with a note where each came from.
package vectors

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"facet/credentials/claims"
	"facet/credentials/jose"
)

const testdata = "../testdata"

func read(t *testing.T, elem ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{testdata}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func text(t *testing.T, elem ...string) string {
	t.Helper()
	return strings.TrimSpace(string(read(t, elem...)))
}

// decode reads JSON with numbers kept as written.
func decode[T any](t *testing.T, b []byte) T {
	t.Helper()
	var v T
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// files lists what matches, and fails if that is nothing.
func files(t *testing.T, pattern ...string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(append([]string{testdata}, pattern...)...))
	if err != nil || len(list) == 0 {
		t.Fatalf("no vectors match %v", pattern)
	}
	for i := range list {
		list[i], _ = filepath.Rel(testdata, list[i])
	}
	return list
}

// issuerKey is the key of RFC 9901 appendix A.5, which the SD-JWT VC draft and
// the reference library use too.
func issuerKey(t *testing.T) *jose.PublicKey {
	t.Helper()
	key, err := jose.ParsePublicKey(read(t, "rfc9901", "issuer-public-key.jwk.json"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if claims.Equal(got, want) {
		return
	}
	g, _ := json.MarshalIndent(got, "", " ")
	w, _ := json.MarshalIndent(want, "", " ")
	t.Errorf("got\n%s\nwant\n%s", g, w)
}
