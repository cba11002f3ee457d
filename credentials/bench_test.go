package credentials_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/sdjwt"
)

type oneKey struct{ key *jose.PublicKey }

func (o oneKey) IssuerKey(context.Context, credentials.TrustQuery) (*credentials.Issuer, error) {
	return &credentials.Issuer{Key: o.key, ID: "bench"}, nil
}

// BenchmarkVerify is for profiles; the ratios that are budgets come from
// test/bench.
func BenchmarkVerify(b *testing.B) {
	for _, size := range []struct{ claims, shown, group int }{{5, 3, 0}, {30, 10, 10}, {200, 50, 0}} {
		b.Run(fmt.Sprintf("%d of %d", size.shown, size.claims), func(b *testing.B) {
			presentation, rule := benchPresentation(b, size.claims, size.shown, size.group)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := credentials.Verify(b.Context(), presentation, rule); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchPresentation(b *testing.B, n, shown, group int) (string, credentials.Rule) {
	b.Helper()
	ctx, now := b.Context(), time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	issuer, err := jose.GenerateKey()
	if err != nil {
		b.Fatal(err)
	}
	holder, err := jose.GenerateKey()
	if err != nil {
		b.Fatal(err)
	}
	subject := map[string]any{}
	var disclose, show []claims.Path
	for i := range n {
		path := claims.Path{fmt.Sprintf("claim_%03d", i)}
		to := subject
		if group > 0 {
			name := fmt.Sprintf("group_%d", i/group)
			if subject[name] == nil {
				subject[name] = map[string]any{}
				disclose = append(disclose, claims.Path{name})
			}
			to, path = subject[name].(map[string]any), claims.Path{name, path[0]}
		}
		to[fmt.Sprintf("claim_%03d", i)] = fmt.Sprintf("value of claim %d", i)
		if disclose = append(disclose, path); i < shown {
			show = append(show, path)
		}
	}
	issued, err := credentials.Issue(ctx, issuer, nil, credentials.Issuance{
		VCT: "urn:facet:bench:1", Issuer: "https://issuer.example", Subject: subject, Disclose: disclose,
		Holder: holder.Public(), IssuedAt: now, ExpiresAt: now.Add(time.Hour),
	})
	if err != nil {
		b.Fatal(err)
	}
	rule := credentials.Rule{Trust: oneKey{issuer.Public()}, VCTs: []string{"urn:facet:bench:1"}, Now: now, Leeway: time.Minute}
	received, err := credentials.VerifyReceived(ctx, issued, holder.Public(), rule)
	if err != nil {
		b.Fatal(err)
	}
	presentation, err := received.Holding().Present(ctx, show, holder, sdjwt.KBClaims{Nonce: "n-1234567890123456", Audience: "x509_hash:bench", IssuedAt: now})
	if err != nil {
		b.Fatal(err)
	}
	rule.KB = &sdjwt.KBRule{Nonce: "n-1234567890123456", Audience: "x509_hash:bench", NotBefore: now.Add(-time.Minute), NotAfter: now.Add(time.Minute), Now: now}
	return presentation, rule
}
