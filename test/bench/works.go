package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/sdjwt"
)

const (
	floorVerify = "bare ECDSA verify"
	floorSign   = "bare ECDSA sign"
	vct         = "urn:facet:bench:1"
	nonce       = "bm9uY2Utb2YtdGhlLWJlbmNobWFyaw"
	audience    = "x509_hash:bench"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// allWorks are all lines of the table, floors first.
func allWorks() ([]work, error) {
	works, err := floors()
	if err != nil {
		return nil, err
	}
	for _, add := range []func() ([]work, error){credentialWorks, httpWorks, boundWorks, statusWorks, logWorks, exchangeWorks, rateWorks, memoryWorks, approveWorks, wasmWorks} {
		more, err := add()
		if err != nil {
			return nil, err
		}
		works = append(works, more...)
	}
	return works, nil
}

// floors are one bare signature and one bare verification.
func floors() ([]work, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte("what is signed"))
	sig, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		return nil, err
	}
	return []work{
		{name: floorVerify, run: func() error {
			if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], sig) {
				return errors.New("a good signature was refused")
			}
			return nil
		}},
		{name: floorSign, run: func() error {
			_, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
			return err
		}},
	}, nil
}

// oneIssuer is a trust store that knows one key.
type oneIssuer struct{ key *jose.PublicKey }

func (o oneIssuer) IssuerKey(context.Context, credentials.TrustQuery) (*credentials.Issuer, error) {
	return &credentials.Issuer{Key: o.key, ID: "bench", Name: "Bench", Mechanism: "x5c"}, nil
}

// A size is one shape of credential: how many claims, how many of them shown,
// and whether they nest (ten to an object, which can be hidden itself).
type size struct {
	claims, shown   int
	nested          bool
	verify          float64 // budgets
	issue, presents float64
}

var sizes = []size{
	{claims: 5, shown: 3, verify: 1.15, issue: 1.8, presents: 1.5},
	{claims: 30, shown: 10, nested: true, verify: 1.25},
	{claims: 200, shown: 50, verify: 2.0, issue: 13, presents: 3},
}

func (s size) String() string {
	n := fmt.Sprintf("%d claims/%d shown", s.claims, s.shown)
	if s.nested {
		n += " nested"
	}
	return n
}

// template returns the claims, what may be hidden, and what is shown.
func (s size) template() (subject map[string]any, disclose, show []claims.Path) {
	subject = map[string]any{}
	for i := range s.claims {
		name, value := fmt.Sprintf("claim_%03d", i), fmt.Sprintf("value of claim %d", i)
		path := claims.Path{name}
		if s.nested {
			group := fmt.Sprintf("group_%d", i/10)
			g, ok := subject[group].(map[string]any)
			if !ok {
				g = map[string]any{}
				subject[group] = g
				disclose = append(disclose, claims.Path{group})
			}
			g[name], path = value, claims.Path{group, name}
		} else {
			subject[name] = value
		}
		disclose = append(disclose, path)
		if i < s.shown {
			show = append(show, path)
		}
	}
	return subject, disclose, show
}

// credentialWorks issue, present and verify each size.
func credentialWorks() ([]work, error) {
	var works []work
	for _, s := range sizes {
		more, err := s.works()
		if err != nil {
			return nil, fmt.Errorf("%v: %w", s, err)
		}
		works = append(works, more...)
	}
	return works, nil
}

func (s size) works() ([]work, error) {
	ctx := context.Background()
	issuer, err := jose.GenerateKey()
	if err != nil {
		return nil, err
	}
	holder, err := jose.GenerateKey()
	if err != nil {
		return nil, err
	}
	subject, disclose, show := s.template()
	issue := func() (string, error) {
		return credentials.Issue(ctx, issuer, nil, credentials.Issuance{
			VCT: vct, Issuer: "https://issuer.example", Subject: subject, Disclose: disclose,
			Holder: holder.Public(), IssuedAt: now, ExpiresAt: now.Add(time.Hour),
		})
	}
	issued, err := issue()
	if err != nil {
		return nil, err
	}
	rule := credentials.Rule{Trust: oneIssuer{issuer.Public()}, VCTs: []string{vct}, Now: now, Leeway: time.Minute}
	received, err := credentials.VerifyReceived(ctx, issued, holder.Public(), rule)
	if err != nil {
		return nil, err
	}
	held := received.Holding()
	present := func() (string, error) {
		return held.Present(ctx, show, holder, sdjwt.KBClaims{Nonce: nonce, Audience: audience, IssuedAt: now})
	}
	presentation, err := present()
	if err != nil {
		return nil, err
	}
	rule.KB = &sdjwt.KBRule{Nonce: nonce, Audience: audience, NotBefore: now.Add(-time.Minute), NotAfter: now.Add(time.Minute), Now: now}
	works := []work{{name: "verify " + s.String(), floor: floorVerify, times: 2, budget: s.verify, run: func() error {
		_, err := credentials.Verify(ctx, presentation, rule)
		return err
	}}}
	if s.issue > 0 {
		works = append(works,
			work{name: fmt.Sprintf("issue %d claims", s.claims), floor: floorSign, times: 1, budget: s.issue, run: func() error { _, err := issue(); return err }},
			work{name: fmt.Sprintf("present from a stored index, %d claims", s.claims), floor: floorSign, times: 1, budget: s.presents, run: func() error { _, err := present(); return err }},
		)
	}
	return works, nil
}
