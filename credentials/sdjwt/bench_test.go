package sdjwt

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math/big"
	"testing"

	"facet/credentials/claims"
)

// A work is one of the sizes the budgets are written for.
type work struct {
	name              string
	claims, disclosed int
	nested            bool
}

var works = []work{{"5 of 3", 5, 3, false}, {"30 of 10 nested", 30, 10, true}, {"200 of 50", 200, 50, false}}

// template has w.claims hidden claims; nested ones are in groups of five, each
// group hidden too.
func (w work) template() (Template, []claims.Path) {
	t := Template{Header: map[string]any{"typ": "dc+sd-jwt"}, Claims: map[string]any{"iss": "https://issuer.example", "exp": 1883000000}}
	var shown []claims.Path
	for i := range w.claims {
		name := fmt.Sprintf("claim_%03d", i)
		p := claims.Path{name}
		if w.nested {
			group := fmt.Sprintf("group_%d", i/5)
			if i%5 == 0 {
				t.Claims[group] = map[string]any{}
				t.Disclose = append(t.Disclose, claims.Path{group})
			}
			t.Claims[group].(map[string]any)[name] = "a value of usual length"
			p = claims.Path{group, name}
		} else {
			t.Claims[name] = "a value of usual length"
		}
		t.Disclose = append(t.Disclose, p)
		if len(shown) < w.disclosed {
			shown = append(shown, p)
		}
	}
	return t, shown
}

// BenchmarkBareVerify is the floor: two ECDSA P-256 verifications.
func BenchmarkBareVerify(b *testing.B) {
	key := newKey(b)
	sum := sha256.Sum256([]byte("x"))
	sig, err := key.Sign(b.Context(), []byte("x"))
	if err != nil {
		b.Fatal(err)
	}
	pub := key.Public().Crypto().(*ecdsa.PublicKey)
	r, s := bigs(sig)
	for b.Loop() {
		for range 2 {
			if !ecdsa.Verify(pub, sum[:], r, s) {
				b.Fatal("bad signature")
			}
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	issuer, holder := newKey(b), newKey(b)
	for _, w := range works {
		t, shown := w.template()
		t.Claims["cnf"] = map[string]any{"jwk": holder.Public().JWK()}
		built, err := Build(b.Context(), issuer, t)
		if err != nil {
			b.Fatal(err)
		}
		v, err := built.Verify(issuer.Public(), VerifyOptions{})
		if err != nil {
			b.Fatal(err)
		}
		token, err := NewHolding(v).Present(b.Context(), shown, holder, KBClaims{Nonce: kbRule().Nonce, Audience: kbRule().Audience, IssuedAt: bindTime})
		if err != nil {
			b.Fatal(err)
		}
		rule := buildRule(t.Header, issuer)
		b.Run(w.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s, err := ParseWith(token, rule)
				if err != nil {
					b.Fatal(err)
				}
				v, err := s.Verify(issuer.Public(), VerifyOptions{})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := v.VerifyKeyBinding(kbRule()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBareSign is the floor of the two below.
func BenchmarkBareSign(b *testing.B) {
	key := newKey(b)
	for b.Loop() {
		if _, err := key.Sign(b.Context(), []byte("x")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIssue(b *testing.B) {
	issuer := newKey(b)
	for _, w := range []work{works[0], works[2]} {
		t, _ := w.template()
		b.Run(w.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Issue(b.Context(), issuer, t); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPresent(b *testing.B) {
	issuer, holder := newKey(b), newKey(b)
	for _, w := range []work{works[0], works[2]} {
		t, shown := w.template()
		built, err := Build(b.Context(), issuer, t)
		if err != nil {
			b.Fatal(err)
		}
		v, err := built.Verify(issuer.Public(), VerifyOptions{})
		if err != nil {
			b.Fatal(err)
		}
		stored, err := NewHolding(v).MarshalText()
		if err != nil {
			b.Fatal(err)
		}
		nonce := rand.Text()
		b.Run(w.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var h Holding
				if err := h.UnmarshalText(stored); err != nil {
					b.Fatal(err)
				}
				if _, err := h.Present(b.Context(), shown, holder, KBClaims{Nonce: nonce, Audience: "a", IssuedAt: bindTime}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func bigs(sig []byte) (r, s *big.Int) {
	return new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
}
