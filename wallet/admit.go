package wallet

import (
	"context"
	"errors"
	"slices"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/openid4vci"
	"facet/credentials/sdjwt"
)

// Leeway is the clock skew granted to issuers.
const Leeway = time.Minute

// admit checks a batch as a holder must before storing it (RFC 9901 §7.2,
// OpenID4VCI §15.4.1): each copy signed by an issuer trusted for its type, of
// the type asked for, bound to one of the keys just proven and to no other's,
// without key binding, saying the same as the others, and not linkable to them.
func (w *Wallet) admit(ctx context.Context, c openid4vci.Configuration, issued []openid4vci.IssuedCredential, keys []*jose.PrivateKey) (*held, error) {
	rule := credentials.Rule{Trust: w.cfg.Trust, VCTs: []string{c.VCT}, Now: w.cfg.Now(), Leeway: Leeway}
	h := &held{ID: newID(), VCT: c.VCT, Received: w.cfg.Now().Unix(), Title: metadataFor(c).title()}
	var batch []*credentials.Credential
	for _, i := range issued {
		key := keyFor(i.Credential, keys)
		got, err := credentials.VerifyReceived(ctx, i.Credential, key.Public(), rule)
		if err != nil {
			return nil, err
		}
		batch = append(batch, got)
		if err := h.add(got, key); err != nil {
			return nil, err
		}
	}
	if len(batch) == 0 {
		return nil, failf(CodeIssuerAnswer, "the issuer sent nothing")
	}
	return h, credentials.CheckBatch(batch)
}

// keyFor finds the key a credential claims to be bound to; any of them if it
// names none of ours, so that verifying fails for that reason.
func keyFor(compact string, keys []*jose.PrivateKey) *jose.PrivateKey {
	if sd, err := sdjwt.Parse(compact); err == nil {
		cnf, _ := sd.Issuer().UnverifiedClaims()["cnf"].(map[string]any)
		jwk, _ := cnf["jwk"].(map[string]any)
		if named, err := jose.PublicKeyFromMap(jwk); err == nil {
			for _, k := range keys {
				if k.Public().Equal(named) {
					return k
				}
			}
		}
	}
	return keys[0]
}

// add takes one verified copy in.
func (h *held) add(c *credentials.Credential, key *jose.PrivateKey) error {
	subject := subjectOf(c.Claims())
	if len(h.Copies) > 0 && (!claims.Equal(map[string]any(h.Claims), map[string]any(subject)) || h.IssuerID != c.Issuer().ID) {
		return failf(CodeIssuerAnswer, "the copies do not say the same")
	}
	private, err := key.MarshalJWK()
	if err != nil {
		return errors.New("wallet: encode a holder key")
	}
	text, err := c.Holding().MarshalText()
	if err != nil {
		return err
	}
	h.IssuerID, h.IssuerName, h.Claims = c.Issuer().ID, c.Issuer().Name, subject
	for _, id := range c.Issuer().AuthorityKeyIDs {
		if !slices.ContainsFunc(h.AuthorityKeyIDs, func(b []byte) bool { return string(b) == string(id) }) {
			h.AuthorityKeyIDs = append(h.AuthorityKeyIDs, id)
		}
	}
	if exp := c.ExpiresAt(); !exp.IsZero() && (h.Expires == 0 || exp.Unix() < h.Expires) {
		h.Expires = exp.Unix()
	}
	h.Copies = append(h.Copies, copyOf{SDJWT: string(text), Key: private})
	return nil
}

// envelope are the claims that are about a copy, not about its holder.
var envelope = []string{"iss", "iat", "nbf", "exp", "cnf", "status", "vct", "vct#integrity", "aka_vcts", "aud", "jti"}

// subjectOf is what a credential says about its holder.
func subjectOf(all claims.Set) claims.Set {
	out := all.Clone()
	for _, name := range envelope {
		delete(out, name)
	}
	return out
}

// sameAs reports whether o is a renewal of h.
func (h *held) sameAs(o *held) bool {
	return h.VCT == o.VCT && h.IssuerID == o.IssuerID && claims.Equal(map[string]any(h.Claims), map[string]any(o.Claims))
}

// lines are the credential's claims in words, for a look at what was accepted.
func (h *held) lines() []ClaimLine {
	m := metadataOf(h.VCT)
	var out []ClaimLine
	for _, p := range m.paths() {
		if v, ok := valueAt(h.Claims, p); ok {
			out = append(out, ClaimLine{Label: m.label(p), Value: valueWords(p, v)})
		}
	}
	if len(out) == 0 { // a type we have no metadata of
		for name, v := range h.Claims {
			p := claims.Path{name}
			out = append(out, ClaimLine{Label: m.label(p), Value: valueWords(p, v)})
		}
		slices.SortFunc(out, func(a, b ClaimLine) int { return compareText(a.Label, b.Label) })
	}
	return out
}
