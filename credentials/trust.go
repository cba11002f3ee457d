package credentials

import (
	"context"
	"crypto/x509"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"facet/credentials/jose"
)

// IssuerKey implements TrustStore by x5c (§2.5): the chain must end in an
// anchor of the list, the leaf must be the one an entry describes, and that
// entry must list the vct. If the credential has an iss, the certificate must
// be for it. Reasons: issuer_untrusted, issuer_cert_mismatch, jose's for
// chains.
func (l *TrustList) IssuerKey(_ context.Context, q TrustQuery) (*Issuer, error) {
	if q.X5C == nil {
		return nil, fail("issuer_untrusted", "the credential names no certificate and the trust list knows no other way")
	}
	chain, err := jose.VerifyChain(q.X5C, jose.ChainRule{Anchors: l.issuerAnchors, CRLs: l.crls, Now: q.Now})
	if err != nil {
		return nil, untrusted(err, "issuer_untrusted", "no issuer's anchor signed this chain")
	}
	if l.onlyStatus(chain.Leaf) {
		return nil, fail("cert_eku", "the certificate is for status lists only")
	}
	var mismatch bool
	for i := range l.issuers {
		e := &l.issuers[i]
		if !e.vouches(chain) {
			continue
		}
		if q.Iss != "" && !e.is(q.Iss, chain.Leaf) {
			mismatch = true
			continue
		}
		if slices.Contains(e.vcts, q.VCT) {
			return e.issuer(chain), nil
		}
	}
	if mismatch {
		return nil, fail("issuer_cert_mismatch", "the certificate is another issuer's than iss says")
	}
	return nil, fail("issuer_untrusted", "nobody of the trust list may issue this type under this certificate")
}

// is reports whether iss means this issuer: the id the list gives it, or a
// name its certificate holds.
func (e *issuerEntry) is(iss string, leaf *x509.Certificate) bool {
	if iss == e.id || hasName(leaf, iss) {
		return true
	}
	u, err := url.Parse(iss)
	return err == nil && u.Hostname() != "" && slices.Contains(leaf.DNSNames, u.Hostname())
}

func (e *issuerEntry) issuer(c *jose.Chain) *Issuer {
	i := &Issuer{Key: c.Key, ID: e.id, Name: plainName(e.names), Names: e.names, Mechanism: "x5c"}
	for _, id := range [][]byte{c.Leaf.AuthorityKeyId, c.Anchor.SubjectKeyId} {
		if len(id) > 0 && !slices.ContainsFunc(i.AuthorityKeyIDs, func(o []byte) bool { return string(o) == string(id) }) {
			i.AuthorityKeyIDs = append(i.AuthorityKeyIDs, id)
		}
	}
	return i
}

// onlyStatus reports whether the certificate is for signing status lists and
// nothing else, by the extended key usage the list itself names: Token Status
// List §10 has no number for it yet.
func (l *TrustList) onlyStatus(leaf *x509.Certificate) bool {
	return l.statusEKU != nil && len(leaf.ExtKeyUsage) == 0 && len(leaf.UnknownExtKeyUsage) == 1 &&
		leaf.UnknownExtKeyUsage[0].Equal(l.statusEKU)
}

// StatusKey implements statuslist.Keys: the chain must be one an issuer of the
// list could have, signed credentials with, or one with the extended key usage
// for status lists (Token Status List §10).
func (l *TrustList) StatusKey(_ context.Context, x5c []string, now time.Time) (*jose.PublicKey, string, error) {
	chain, err := jose.VerifyChain(x5c, jose.ChainRule{Anchors: l.issuerAnchors, CRLs: l.crls, Now: now})
	if err != nil {
		return nil, "", untrusted(err, "status_issuer_mismatch", "no issuer's anchor signed the status list's chain")
	}
	for i := range l.issuers {
		if l.issuers[i].vouches(chain) {
			return chain.Key, l.issuers[i].id, nil
		}
	}
	return nil, "", fail("status_issuer_mismatch", "the status list is signed by nobody of the trust list")
}

// Verifier implements Verifiers: the chain must end in an anchor of the list,
// the leaf must be the one an entry describes, and the client identifier must
// be bound to that leaf. A decentralized_identifier client must be the very DID
// of an entry; whether it signed is the caller's to check, with the key the DID
// resolves to. Reasons: verifier_unknown, client_id_mismatch, jose's for chains.
func (l *TrustList) Verifier(_ context.Context, clientID string, x5c []string, now time.Time) (*Party, error) {
	prefix, rest, _ := strings.Cut(clientID, ":")
	if prefix == "decentralized_identifier" {
		return l.byDID(rest)
	}
	if len(x5c) == 0 {
		return nil, fail("verifier_unknown", "the asker shows no certificate")
	}
	rule := jose.ChainRule{Anchors: l.verifierAnchors, CRLs: l.crls, Now: now}
	switch prefix {
	case "x509_hash":
		if jose.LeafHash(x5c) != rest {
			return nil, fail("client_id_mismatch", "the client identifier is not this certificate's")
		}
	case "x509_san_dns":
		rule.DNSName = rest
	default:
		return nil, fail("verifier_unknown", "the client identifier is not bound to a certificate")
	}
	chain, err := jose.VerifyChain(x5c, rule)
	if err != nil {
		return nil, untrusted(err, "verifier_unknown", "no verifier's anchor signed this chain")
	}
	for i := range l.verifiers {
		if e := &l.verifiers[i]; e.did == "" && e.vouches(chain) {
			return e.party(), nil
		}
	}
	return nil, fail("verifier_unknown", "nobody of the trust list has this certificate")
}

// byDID finds a verifier by its whole DID.
func (l *TrustList) byDID(did string) (*Party, error) {
	for i := range l.verifiers {
		if e := &l.verifiers[i]; e.did != "" && e.did == did {
			return e.party(), nil
		}
	}
	return nil, fail("verifier_unknown", "nobody of the trust list has this DID")
}

func (e *verifierEntry) party() *Party {
	return &Party{ID: e.id, Name: plainName(e.names), Names: e.names, Domain: e.domain, Register: e.register}
}

// untrusted turns "no anchor" into the caller's own reason; what else is wrong
// with a chain keeps jose's.
func untrusted(err error, code, detail string) error {
	var r interface{ Reason() string }
	if errors.As(err, &r) && r.Reason() == "cert_untrusted" {
		return wrap(code, detail, err)
	}
	return err
}
