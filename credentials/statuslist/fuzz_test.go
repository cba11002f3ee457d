package statuslist

import "testing"

func FuzzDecode(f *testing.F) {
	f.Add(1, "eNrbuRgAAhcBXQ")
	f.Add(2, "eNo76fITAAPfAgc")
	f.Fuzz(func(t *testing.T, bits int, lst string) {
		l, err := Decode(Encoded{bits, lst})
		if err != nil {
			return
		}
		if _, err := l.Get(l.Len() - 1); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Get(l.Len()); err == nil {
			t.Fatal("an entry beyond the end")
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("eyJhbGciOiJFUzI1NiIsInR5cCI6InN0YXR1c2xpc3Qrand0In0.e30.AA")
	f.Fuzz(func(_ *testing.T, s string) { _, _ = Parse(s) })
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
