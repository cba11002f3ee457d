package credentials

import (
	"context"
	"errors"
	"slices"
	"time"

	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/sdjwt"
	"facet/credentials/statuslist"
)

// A Rule is what a verifier demands. Its zero value accepts nothing.
type Rule struct {
	Trust TrustStore // who may issue; required unless every type is self-asserted
	// VCTs are the types accepted; nil means every type the trust store lets
	// an issuer sign, and the SelfAsserted ones.
	VCTs []string
	// SelfAsserted are the types accepted, and only accepted, from the holder's
	// own key: iss is the did:jwk of cnf.jwk and there is no x5c. Never both.
	SelfAsserted []string

	Now    time.Time     // required
	Leeway time.Duration // for exp and nbf
	// RequireExpiry refuses credentials without exp.
	RequireExpiry bool
	// Audience is the verifier's identifier: a credential with an aud claim
	// must name it.
	Audience string
	// KB is what the key binding JWT must show; nil means that none is wanted,
	// and one that is there is not looked at.
	KB *sdjwt.KBRule
	// Status checks credentials that have a status claim. Without it such
	// credentials are refused.
	Status StatusChecker
	// Types, if set, has type metadata processed (§5.7): a vct#integrity that
	// does not match, or a credential that breaks its type's rules, is refused.
	Types *TypeResolver

	// InsecureLegacyType also accepts typ "vc+sd-jwt" (drafts before 19).
	InsecureLegacyType bool
	// InsecureIgnoreStatus accepts credentials whose status nobody checked.
	InsecureIgnoreStatus bool
}

// notDisclosable are the claims that must be in plain sight (§2.2.2.3), with
// everything below them.
var notDisclosable = []string{"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"}

// Verify checks a presentation in the compact form, in this order: shape, the
// issuer's key and signature, disclosures, type, audience, validity, key
// binding, status, type metadata. Nothing of a credential is believed before
// its signature; iss, vct and cnf are looked at earlier only to find the key.
// Errors have reasons of this package, sdjwt, statuslist and jose.
func Verify(ctx context.Context, presentation string, r Rule) (*Credential, error) {
	sd, err := sdjwt.ParseWith(presentation, r.shape())
	if err != nil {
		return nil, err
	}
	return r.verify(ctx, sd)
}

// VerifyReceived is the wallet's check of a credential it was just issued
// (RFC 9901 §7.2): no key binding JWT, bound to the key the wallet gave. The
// rule's KB and Status are not used. Reasons besides Verify's:
// sdjwt_unexpected_kb, holder_key_substitution.
func VerifyReceived(ctx context.Context, sdJWT string, holder *jose.PublicKey, r Rule) (*Credential, error) {
	sd, err := sdjwt.ParseWith(sdJWT, r.shape())
	if err != nil {
		return nil, err
	}
	if sd.KeyBinding() != "" {
		return nil, fail("sdjwt_unexpected_kb", "an issuer sends no key binding JWT")
	}
	r.KB, r.Status, r.InsecureIgnoreStatus = nil, nil, true
	c, err := r.verify(ctx, sd)
	if err != nil {
		return nil, err
	}
	if holder == nil || !c.holder.Equal(holder) {
		return nil, fail("holder_key_substitution", "the credential is bound to another key than the one sent")
	}
	if c.metadata != nil {
		if err := c.metadata.checkMandatory(c.Claims()); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (r *Rule) shape() jose.Rule {
	typ := []string{Type}
	if r.InsecureLegacyType {
		typ = append(typ, LegacyType)
	}
	return jose.Rule{Typ: typ, MaxSize: sdjwt.MaxSize, AllowX5C: true}
}

func (r *Rule) verify(ctx context.Context, sd *sdjwt.SDJWT) (*Credential, error) {
	if r.Now.IsZero() {
		return nil, errors.New("credentials: Rule.Now is not set")
	}
	c := &Credential{}
	if err := r.believe(ctx, c, sd.Issuer()); err != nil {
		return nil, err
	}
	var err error
	if c.verified, err = sd.Verify(c.issuer.Key, sdjwt.VerifyOptions{}); err != nil {
		return nil, err
	}
	for _, check := range []func(context.Context, *Credential) error{
		r.checkDisclosures, r.checkType, r.checkAudience, r.checkValidity,
		r.checkKeyBinding, r.checkStatus, r.checkMetadata,
	} {
		if err := check(ctx, c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// believe finds the key that must have signed. Everything it reads is
// unverified and used for nothing else.
func (r *Rule) believe(ctx context.Context, c *Credential, t *jose.Token) error {
	payload, header := t.UnverifiedClaims(), t.Header()
	vct, err := jose.StringClaim(payload, "vct")
	if err != nil {
		return err
	}
	if len(vct) > MaxVCT {
		return fail("size_limit", "vct is longer than %d bytes", MaxVCT)
	}
	c.vct, c.assurance = vct, IssuerSigned
	iss := ""
	if _, present := payload["iss"]; present {
		if iss, err = jose.StringClaim(payload, "iss"); err != nil {
			return err
		}
	}
	if slices.Contains(r.SelfAsserted, vct) {
		c.assurance = SelfAsserted
		return c.believeHolder(iss, payload, header)
	}
	if r.Trust == nil {
		return fail("issuer_untrusted", "no issuer is trusted")
	}
	issuer, err := r.Trust.IssuerKey(ctx, TrustQuery{Iss: iss, VCT: vct, X5C: header.X5C, Kid: header.Kid, Now: r.Now})
	if err != nil {
		return err
	}
	c.issuer = *issuer
	return nil
}

func (r *Rule) checkDisclosures(_ context.Context, c *Credential) error {
	payload := c.verified.SDJWT().Issuer().UnverifiedClaims() // verified by now
	return CheckDisclosable(payload, c.verified.Disclosures())
}

// CheckDisclosable refuses a credential in which a claim that must be in plain
// sight is hidden, or has hidden parts (§2.2.2.3). payload is as the issuer
// signed it. Disclosures without a place are not looked at. Reason
// sdjwt_claim_not_disclosable.
func CheckDisclosable(payload map[string]any, disclosures []sdjwt.Disclosure) error {
	for _, d := range disclosures {
		if len(d.Path) == 0 {
			continue
		}
		if name, ok := d.Path[0].(string); ok && slices.Contains(notDisclosable, name) {
			return fail("sdjwt_claim_not_disclosable", "%s is delivered through a disclosure", name)
		}
	}
	for _, name := range notDisclosable {
		if hides(payload[name]) {
			return fail("sdjwt_claim_not_disclosable", "%s has hidden parts", name)
		}
	}
	return nil
}

// hides reports whether v holds digests.
func hides(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if name == "_sd" || name == "..." || hides(member) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, hides)
	}
	return false
}

func (r *Rule) checkType(_ context.Context, c *Credential) error {
	if aka, present := c.Claims()["aka_vcts"]; present {
		list, ok := aka.([]any)
		names := textList(aka)
		if !ok || len(list) == 0 || len(names) != len(list) || slices.Contains(names, c.vct) {
			return fail("vct_invalid", "aka_vcts is not a list of other types")
		}
	}
	if r.VCTs == nil || slices.Contains(r.VCTs, c.vct) || c.assurance == SelfAsserted {
		return nil
	}
	return fail("vct_unexpected", "the credential is of a type nobody asked for")
}

func (r *Rule) checkAudience(_ context.Context, c *Credential) error {
	aud, present := c.Claims()["aud"]
	if !present {
		return nil
	}
	named := textList(aud)
	if s, ok := aud.(string); ok {
		named = []string{s}
	}
	if r.Audience == "" || !slices.Contains(named, r.Audience) {
		return fail("credential_aud_mismatch", "the credential is meant for another verifier")
	}
	return nil
}

func (r *Rule) checkValidity(_ context.Context, c *Credential) error {
	exp, present, err := jose.NumericDate(c.Claims(), "exp")
	switch {
	case err != nil:
		return err
	case present:
		if c.expires = exp; !r.Now.Before(exp.Add(r.Leeway)) {
			return fail("credential_expired", "the credential has expired")
		}
	case r.RequireExpiry:
		return fail("claim_missing", "exp is missing")
	}
	nbf, present, err := jose.NumericDate(c.Claims(), "nbf")
	if err != nil {
		return err
	}
	if present && r.Now.Before(nbf.Add(-r.Leeway)) {
		return fail("credential_not_yet_valid", "the credential is not valid yet")
	}
	_, _, err = jose.NumericDate(c.Claims(), "iat")
	return err
}

// checkKeyBinding also keeps the holder's key of a credential that has one.
func (r *Rule) checkKeyBinding(_ context.Context, c *Credential) (err error) {
	if r.KB == nil {
		if _, bound := c.Claims()["cnf"]; bound {
			c.holder, err = c.verified.HolderKey()
		}
		return err
	}
	rule := *r.KB
	if rule.Now.IsZero() {
		rule.Now, rule.Leeway = r.Now, r.Leeway
	}
	kb, err := c.verified.VerifyKeyBinding(rule)
	if err != nil {
		return err
	}
	c.holder, c.kb = kb.Key(), kb.Claims()
	return nil
}

func (r *Rule) checkStatus(ctx context.Context, c *Credential) error {
	claim, present := c.Claims()["status"]
	if !present {
		return nil
	}
	ref, err := statuslist.ParseReference(claim)
	if err != nil {
		return err
	}
	c.status = &ref
	if r.Status == nil {
		if r.InsecureIgnoreStatus {
			return nil
		}
		return fail("status_unavailable", "the credential has a status and nothing here can check it")
	}
	return r.Status.Check(ctx, statuslist.Query{
		Reference: ref, Issuer: c.issuer.ID, IssuerKey: c.issuer.Key, Now: r.Now,
	})
}

func (r *Rule) checkMetadata(ctx context.Context, c *Credential) error {
	if r.Types == nil {
		return nil
	}
	integrity := ""
	if v, present := c.Claims()["vct#integrity"]; present {
		var ok bool
		if integrity, ok = v.(string); !ok {
			return fail("vct_integrity", "vct#integrity is not a string")
		}
	}
	m, err := r.Types.Resolve(ctx, c.vct, integrity)
	if err != nil {
		return err
	}
	c.metadata = m
	var disclosed []claims.Path
	for _, d := range c.Disclosures() {
		disclosed = append(disclosed, d.Path)
	}
	return m.checkDisclosed(c.Claims(), disclosed)
}
