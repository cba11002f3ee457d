package verifier

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"facet/credentials/jose"
	"facet/credentials/openid4vp"
)

// MaxIdentities is how many identities of a platform work side by side: the
// newest signs, the others finish what they began.
const MaxIdentities = 4

// An Identity is the key a platform signs its requests with, and what says whose
// it is: a certificate chain, leaf first, without the anchor, or for
// decentralized_identifier the verification method of a DID.
type Identity struct {
	Signer jose.Signer
	X5C    []string
	Kid    string // a DID URL, such as did:web:news.example#2026

	// Registrations are the registration certificates of who asks (ETSI TS 119
	// 475), as JWTs: one for each intended use. Every policy must be covered by
	// one of them. Nil: those of the Platform.
	Registrations []string
}

// Renew makes id the identity of a platform from here on. Requests that were
// begun with an earlier one are still signed with that, unless both have one
// client identifier, as two keys of one DID do: then the newer one signs. If its
// DID document cannot be fetched it is taken all the same, but the earlier one
// signs until Prove has seen it; the reason then is platform_unavailable.
// Reasons beyond New's: platform_unknown.
func (v *Verifier) Renew(ctx context.Context, platformID string, id Identity) error {
	p := v.platform(platformID)
	if p == nil {
		return fail("platform_unknown", "there is no such platform")
	}
	s, err := p.prepare(ctx, id)
	if err != nil {
		return err
	}
	err = p.prove(ctx, &s)
	if err != nil && !away(err) {
		return err
	}
	p.take(s)
	if err != nil {
		return &Error{reason: ReasonPlatformUnavailable, err: err}
	}
	return nil
}

// prepare looks at an identity, but not at what its DID document says.
func (p *platform) prepare(ctx context.Context, id Identity) (s signing, err error) {
	byDID := p.Prefix == openid4vp.PrefixDID
	switch {
	case id.Signer == nil || len(id.X5C) == 0 && !byDID:
		return s, errors.New("one of Signer and X5C is not set")
	case byDID != (id.Kid != ""):
		return s, errors.New("a verification method (Kid) belongs to decentralized_identifier, and to nothing else")
	}
	if id.Registrations == nil {
		id.Registrations = p.Registrations
	}
	clientID, err := p.clientID(id)
	if err == nil && byDID {
		err = checkMethod(id.Kid)
	}
	if err != nil {
		return s, err
	}
	s = signing{Identity: id, clientID: clientID, proven: !byDID}
	return s, p.register(ctx, &s)
}

// take makes s the newest identity.
func (p *platform) take(s signing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.identities) > 0 && s.same(&p.identities[0]) {
		s.proven = s.proven || p.identities[0].proven
		p.identities[0] = s
		return
	}
	p.identities = slices.Insert(p.identities, 0, s)
	p.identities = p.identities[:min(len(p.identities), MaxIdentities)]
}

// inherit adds the identities another p used until now, behind its own. What was
// proven stays so.
func (p *platform) inherit(old *platform) {
	old.mu.RLock()
	before := slices.Clone(old.identities)
	old.mu.RUnlock()
	for i := range before {
		p.proved(&before[i])
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range before {
		same := func(have signing) bool { return slices.Equal(have.X5C, s.X5C) && have.Kid == s.Kid }
		if len(p.identities) < MaxIdentities && p.Prefix == old.Prefix && !slices.ContainsFunc(p.identities, same) {
			p.identities = append(p.identities, s)
		}
	}
}

// clientID names the platform as its prefix demands (OpenID4VP §5.9.3).
func (p *platform) clientID(id Identity) (string, error) {
	x5c, c := id.X5C, openid4vp.ClientID{Prefix: p.Prefix}
	switch p.Prefix {
	case openid4vp.PrefixX509Hash:
		c.ID = jose.LeafHash(x5c)
	case openid4vp.PrefixX509SANDNS:
		leaf, err := leafOf(x5c)
		if err != nil {
			return "", err
		}
		if c.ID = p.host; !slices.Contains(leaf.DNSNames, c.ID) {
			return "", fmt.Errorf("its certificate is not for %s, where it answers", c.ID)
		}
	case openid4vp.PrefixDID:
		c.ID = didOf(id.Kid)
	case openid4vp.PrefixRedirectURI:
		return "", nil
	default:
		return "", fmt.Errorf("client identifiers with the prefix %q are not made here", p.Prefix)
	}
	return c.String(), nil
}

// current is what new statements are signed with: the newest identity that is
// proven, or the newest if none is.
func (p *platform) current() signing {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, s := range p.identities {
		if s.proven {
			return s
		}
	}
	return p.identities[0]
}

// signingAs finds the identity behind a client identifier.
func (p *platform) signingAs(clientID string) (signing, error) {
	if s := p.current(); s.clientID == clientID {
		return s, nil
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, s := range p.identities {
		if s.clientID == clientID {
			return s, nil
		}
	}
	return signing{}, unavailable("find identity", errors.New("the request was begun with an identity that is not here"))
}

func leafOf(x5c []string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.Strict().DecodeString(x5c[0])
	if err != nil {
		return nil, errors.New("the certificate is not base64 DER")
	}
	return x509.ParseCertificate(der)
}

func hostOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
