package statuslist

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"io"
	"runtime/metrics"
	"strings"
	"testing"

	"facet/credentials/jose"
)

// FuzzDecode: what decodes is what the standard library inflates, byte by
// byte, within 24 MiB.
func FuzzDecode(f *testing.F) {
	f.Add(1, "eNrbuRgAAhcBXQ")
	f.Add(2, "eNo76fITAAPfAgc")
	f.Add(8, "eNpjAAAAAQAB")
	f.Fuzz(func(t *testing.T, bits int, lst string) {
		var l *List
		var err error
		bounded(t, func() { l, err = Decode(Encoded{bits, lst}) })
		if typed(t, err); err != nil {
			if l != nil {
				t.Fatal("a refused list came back")
			}
			return
		}
		compressed, err := base64.RawURLEncoding.DecodeString(lst)
		if err != nil {
			t.Fatal(err)
		}
		z, err := zlib.NewReader(bytes.NewReader(compressed))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(io.LimitReader(z, MaxInflated+1))
		if err != nil || !bytes.Equal(bytes.Join(l.blocks, nil), plain) {
			t.Fatalf("compress/zlib inflates another list: %v", err)
		}
		if _, err := l.Get(l.Len() - 1); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Get(l.Len()); err == nil {
			t.Fatal("an entry beyond the end")
		}
	})
}

// FuzzParse: a status list token, its claims and a credential's status claim.
func FuzzParse(f *testing.F) {
	f.Add("eyJhbGciOiJFUzI1NiIsInR5cCI6InN0YXR1c2xpc3Qrand0In0.e30.AA", `{"status_list":{"idx":1,"uri":"https://x.example"}}`)
	f.Add("eyJhbGciOiJFUzI1NiIsInR5cCI6InN0YXR1c2xpc3Qrand0In0.eyJzdGF0dXNfbGlzdCI6eyJiaXRzIjoxLCJsc3QiOiJlTnJidVJnQUFoY0JYUSJ9fQ.AA", `{"status_list":{"idx":1e3,"uri":7}}`)
	f.Fuzz(func(t *testing.T, s, claim string) {
		token, err := Parse(s)
		if typed(t, err); err == nil {
			out := &Token{}
			typed(t, out.readTimes(token.UnverifiedClaims()))
		} else if token != nil {
			t.Fatal("a refused token came back")
		}
		v, err := jose.ParseValue([]byte(claim), jose.Limits{})
		if err != nil {
			return
		}
		ref, err := ParseReference(v)
		if typed(t, err); err == nil && (ref.URI == "" || ref.Index >= 1<<62) {
			t.Fatalf("accepted %+v", ref)
		}
	})
}

func typed(t *testing.T, err error) {
	t.Helper()
	if err != nil && (reason(err) == "" || strings.HasPrefix(reason(err), "no reason")) {
		t.Fatalf("a refusal without a reason: %v", err)
	}
}

// bounded fails if f allocates more than 24 MiB.
func bounded(t *testing.T, f func()) {
	t.Helper()
	allocated := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(allocated)
	before := allocated[0].Value.Uint64()
	f()
	metrics.Read(allocated)
	if n := allocated[0].Value.Uint64() - before; n > 24<<20 {
		t.Fatalf("%d bytes were allocated", n)
	}
}

func BenchmarkDecodeLargest(b *testing.B) {
	l, err := New(8, MaxInflated)
	if err != nil {
		b.Fatal(err)
	}
	e, err := l.Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(e); err != nil {
			b.Fatal(err)
		}
	}
}
