package interop

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"facet/credentials/claims"
)

// benchSizes are the presentations measured: claims held, claims shown.
var benchSizes = []struct{ held, shown int }{{5, 3}, {30, 10}, {200, 50}}

// TestBenchVerify prints how long both Go implementations take to verify the
// same presentation with key binding, and their ratio. They do not do the same
// work: ours also checks type, validity and strict JSON, and theirs leaves the
// signatures to go-jose. It judges nothing; `make bench` has the budgets.
// Both are given parsed keys. Run with -v.
func TestBenchVerify(t *testing.T) {
	for _, size := range benchSizes {
		us, them, presentation, b := benchCase(t, size.held, size.shown)
		var taken [2]time.Duration
		for i, verify := range verifiers(us, them, presentation, b) {
			taken[i] = median(t, verify)
		}
		t.Logf("verify %3d held, %2d shown: facet %v, go-sd-jwt %v, ratio %.2f", size.held, size.shown,
			taken[0].Round(time.Microsecond), taken[1].Round(time.Microsecond), float64(taken[0])/float64(taken[1]))
	}
}

// BenchmarkVerify is the same for go test -bench.
func BenchmarkVerify(b *testing.B) {
	for _, size := range benchSizes {
		us, them, presentation, binding := benchCase(b, size.held, size.shown)
		for i, verify := range verifiers(us, them, presentation, binding) {
			b.Run(fmt.Sprintf("%s/%d-%d", []string{"facet", "go-sd-jwt"}[i], size.held, size.shown), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := verify(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func verifiers(us *ours, them *goPeer, presentation string, b binding) [2]func() error {
	return [2]func() error{
		func() error { _, err := us.verify(presentation, us.issuer(), &b); return err },
		func() error { _, err := them.disclosed(presentation, us.issuer(), &b); return err },
	}
}

// benchCase has held claims, a fifth of them in one object, and shows some.
func benchCase(t testing.TB, held, shown int) (*ours, *goPeer, string, binding) {
	t.Helper()
	us, err := newOurs()
	if err != nil {
		t.Fatal(err)
	}
	them, err := newGoPeer()
	if err != nil {
		t.Fatal(err)
	}
	s := subject{hash: "sha-256", claims: map[string]any{}}
	nested := map[string]any{}
	for i := range held {
		name := fmt.Sprintf("claim%03d", i)
		if i%5 == 4 {
			nested[name] = "a value of usual length"
			s.hidden = append(s.hidden, claims.Path{"nested", name})
			continue
		}
		s.claims[name] = "a value of usual length"
		s.hidden = append(s.hidden, claims.Path{name})
	}
	s.claims["nested"] = nested
	credential, err := us.issue(s, us.holder())
	if err != nil {
		t.Fatal(err)
	}
	b := binding{"nonce", "x509_hash:interop"}
	presentation, err := us.present(credential, us.issuer(), choice{named: s.hidden[:shown]}, b)
	if err != nil {
		t.Fatal(err)
	}
	return us, them, presentation, b
}

// median is that of blocks of calls: other programs disturb it least.
func median(t *testing.T, call func() error) time.Duration {
	t.Helper()
	const blocks, calls = 15, 10
	var took []time.Duration
	for range blocks {
		start := time.Now()
		for range calls {
			if err := call(); err != nil {
				t.Fatal(err)
			}
		}
		took = append(took, time.Since(start)/calls)
	}
	slices.Sort(took)
	return took[blocks/2]
}
