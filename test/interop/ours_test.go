package interop

import (
	"context"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/sdjwt"
)

// ours is Facet as a peer of the others.
type ours struct{ iss, hold *jose.PrivateKey }

func newOurs() (*ours, error) {
	iss, err := jose.GenerateKey()
	if err != nil {
		return nil, err
	}
	hold, err := jose.GenerateKey()
	return &ours{iss, hold}, err
}

func (*ours) dialect() dialect {
	return dialect{name: "facet", nulls: true, empty: true, markup: true, decoys: true}
}
func (o *ours) issuer() *jose.PublicKey { return o.iss.Public() }
func (o *ours) holder() *jose.PublicKey { return o.hold.Public() }

// issue uses package credentials where it can; only it fixes the hash, so
// other hashes take the package below.
func (o *ours) issue(s subject, holder *jose.PublicKey) (string, error) {
	now := time.Now()
	if s.hash == sdjwt.DefaultHash {
		return credentials.Issue(context.Background(), o.iss, nil, credentials.Issuance{
			VCT: vct, Issuer: issURL, Subject: s.claims, Disclose: append([]claims.Path{}, s.hidden...), Decoys: s.decoys,
			Holder: holder, IssuedAt: now, ExpiresAt: now.Add(typical),
		})
	}
	payload := registered(holder)
	for name, v := range s.claims {
		payload[name] = v
	}
	return sdjwt.Issue(context.Background(), o.iss, sdjwt.Template{
		Header: map[string]any{"typ": credentials.Type}, Claims: payload, Disclose: s.hidden, Decoys: s.decoys, HashAlg: s.hash,
	})
}

// present receives the credential as a wallet does, stores it, and shows the
// choice from what it stored.
func (o *ours) present(credential string, issuer *jose.PublicKey, c choice, b binding) (string, error) {
	got, err := credentials.VerifyReceived(context.Background(), credential, o.holder(), trusting(issuer))
	if err != nil {
		return "", err
	}
	stored, err := got.Holding().MarshalText()
	if err != nil {
		return "", err
	}
	var holding sdjwt.Holding
	if err := holding.UnmarshalText(stored); err != nil {
		return "", err
	}
	return holding.Present(context.Background(), c.named, o.hold, sdjwt.KBClaims{
		Nonce: b.nonce, Audience: b.audience, IssuedAt: time.Now(),
	})
}

func (o *ours) verify(presentation string, issuer *jose.PublicKey, b *binding) (map[string]any, error) {
	rule := trusting(issuer)
	if b != nil {
		rule.KB = &sdjwt.KBRule{Nonce: b.nonce, Audience: b.audience, NotBefore: rule.Now.Add(-time.Minute), NotAfter: rule.Now.Add(time.Minute)}
	}
	c, err := credentials.Verify(context.Background(), presentation, rule)
	if err != nil {
		return nil, err
	}
	return c.Claims(), nil
}

// trusting is a strict verifier's rule that knows one issuer.
func trusting(issuer *jose.PublicKey) credentials.Rule {
	return credentials.Rule{Trust: oneIssuer{issuer}, VCTs: []string{vct}, Now: time.Now(), Leeway: time.Minute, RequireExpiry: true}
}

// oneIssuer trusts one key for everything: peers have no certificates.
type oneIssuer struct{ key *jose.PublicKey }

func (o oneIssuer) IssuerKey(context.Context, credentials.TrustQuery) (*credentials.Issuer, error) {
	return &credentials.Issuer{Key: o.key, ID: issURL, Name: "Interop", Mechanism: "x5c"}, nil
}
