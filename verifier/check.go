package verifier

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"facet/audit"
	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/dcql"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/credentials/sdjwt"
	"facet/policy"
	"facet/policy/hints"
)

// verifyCredentials verifies every presentation against the rule of the query
// it answers.
func (v *Verifier) verifyCredentials(ctx context.Context, e *evidence) error {
	e.credentials = make(map[string]*credentials.Credential, len(e.answer.VPToken))
	consent, first := any(nil), true
	for _, q := range e.tx.policy.Query.Credentials {
		list, answered := e.answer.VPToken[q.ID]
		if !answered {
			continue
		}
		c, err := credentials.Verify(ctx, list[0], v.rule(e, e.tx.policy.Queries[q.ID]))
		if err != nil {
			return err
		}
		if !first && c.KB()["consent"] != consent {
			return fail("kb_consent_mismatch", "the presentations were consented to separately")
		}
		consent, first = c.KB()["consent"], false
		e.credentials[q.ID] = c
	}
	if _, err := consentDigest(consent); err != nil {
		return err
	}
	return e.tx.checkTransactionData(e.credentials)
}

// rule is what the answer to one query must show. A self-asserted type is
// accepted only where the policy says so, and an issuer-signed one never from
// the holder (architecture §5, decision 9).
func (v *Verifier) rule(e *evidence, q policy.QueryRef) credentials.Rule {
	t, now := e.tx, v.cfg.Now()
	r := credentials.Rule{
		Trust: t.platform.Trust, Status: e.turn.outside(t.platform.Status), Now: now, Leeway: Skew,
		VCTs: q.VCTs, Audience: t.ClientID,
		KB: &sdjwt.KBRule{
			Nonce: t.Nonce, Audience: t.audience(),
			NotBefore: t.created().Add(-Skew), NotAfter: now.Add(Skew), Now: now, Leeway: Skew,
		},
	}
	if q.SelfAsserted {
		r.SelfAsserted, r.Trust, r.RequireExpiry = q.VCTs, nil, true
	}
	return r
}

// consentDigest reads the consent a Facet wallet puts into its key binding; a
// foreign wallet has none.
func consentDigest(raw any) ([]byte, error) {
	if raw == nil {
		return nil, nil
	}
	s, _ := raw.(string)
	b, err := jose.DecodeBase64URL(s)
	if err != nil || len(b) != 32 {
		return nil, fail("kb_consent_malformed", "consent is no SHA-256 digest")
	}
	return b, nil
}

// satisfyQuery repeats every condition of the query: what the wallet filtered
// proves nothing (OpenID4VP §6.4.1).
func (v *Verifier) satisfyQuery(_ context.Context, e *evidence) (err error) {
	presented := make(map[string][]dcql.Presented, len(e.credentials))
	for id, c := range e.credentials {
		presented[id] = []dcql.Presented{{
			Format: openid4vp.FormatSDJWT, VCT: c.VCT(), Claims: c.Claims(),
			AuthorityKeyIDs: c.Issuer().AuthorityKeyIDs, HolderBound: true,
		}}
	}
	e.report, err = dcql.Satisfied(e.tx.policy.Query, presented)
	return err
}

// An outcome is what an accepted answer comes to. It is stored sealed.
type outcome struct {
	Hints    hints.HintSet         `json:"hints"`
	Claims   map[string]claims.Set `json:"claims"`  // by query id; asked for and nothing else
	Sources  map[string]Source     `json:"sources"` // by query id
	Openings []audit.Opening       `json:"openings"`
}

// A Source says who vouches for the claims of one query.
type Source struct {
	VCT       string `json:"vct"`
	Assurance string `json:"assurance"`
	Issuer    string `json:"issuer,omitempty"` // name by the trust list; empty when self-asserted
}

// outcomeOf derives everything from the verified answer and prepares the
// accepted transaction. Nothing is stored yet.
func (v *Verifier) outcomeOf(ctx context.Context, e *evidence) (*transaction, error) {
	next := *e.tx
	next.State, next.Body, next.Code, next.ClosedAt = Accepted, e.hash, newID(), v.cfg.Now().Unix()
	out := outcome{Claims: make(map[string]claims.Set), Sources: make(map[string]Source)}
	answers := make(map[string]policy.Answer, len(e.credentials))
	for id, c := range e.credentials {
		kept := e.report.Kept[id][0]
		source := Source{VCT: c.VCT(), Assurance: c.Assurance()}
		if source.Assurance == credentials.IssuerSigned {
			source.Issuer = c.Issuer().Name
		}
		out.Claims[id], out.Sources[id] = kept, source
		answers[id] = policy.Answer{Claims: kept, ExpiresAt: unixOf(c.ExpiresAt())}
		if mark := v.ids.holder(next.ID, c.HolderKey()); !slices.Contains(next.Holders, mark) {
			next.Holders = append(next.Holders, mark)
		}
	}
	for _, surplus := range e.report.Surplus {
		next.Surplus += len(surplus)
	}
	slices.Sort(next.Holders)
	var err error
	if out.Hints, err = hints.Derive(next.policy.policy.Hints, next.policy.Inputs(answers), next.policy.policy.Meta(next.KeepUntil)); err != nil {
		return nil, err
	}
	if next.Leaf, out.Openings, err = v.resultEntry(e, &next, out.Claims); err != nil {
		return nil, err
	}
	return &next, v.sealOutcome(ctx, &next, out)
}

func unixOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func (v *Verifier) sealOutcome(ctx context.Context, t *transaction, out outcome) error {
	secret, err := v.secret(ctx, t.ID)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(out, recorded)
	if err != nil {
		return err
	}
	t.Sealed, err = seal(secret, sealedResult, t.ID, raw)
	return err
}

// resultEntry commits to what was received. The entry key is dropped: the
// openings are all that is ever needed of it.
func (v *Verifier) resultEntry(e *evidence, t *transaction, kept map[string]claims.Set) ([]byte, []audit.Opening, error) {
	values := make(audit.Values, len(kept))
	for _, q := range t.policy.Query.Credentials {
		set, answered := kept[q.ID]
		if !answered {
			continue
		}
		values[q.ID] = make(map[string][]byte, len(q.Claims))
		for _, claim := range q.Claims {
			value, err := canonicalValue(set, claim.Path)
			if err != nil {
				return nil, nil, err
			}
			values[q.ID][claim.Path.String()] = value
		}
	}
	key := audit.NewKey()
	asked := t.policy.askedIn(t.Flow)
	commitments, openings, err := audit.Seal(key, asked.Paths, values)
	if err != nil {
		return nil, nil, err
	}
	consent, err := e.consent(key)
	if err != nil {
		return nil, nil, err
	}
	leaf, err := audit.Encode(audit.NewAnswered(v.ids.entry(audit.KindResult, t.ID), t.closed(), asked, t.Request, commitments, consent))
	return leaf, openings, err
}

// consent commits to the digest the holder signed, if there is one.
func (e *evidence) consent(key audit.Key) (*audit.Commitment, error) {
	for _, c := range e.credentials {
		digest, err := consentDigest(c.KB()["consent"])
		if digest == nil || err != nil {
			return nil, err
		}
		_, commitment := audit.SealConsent(key, digest)
		return commitment, nil
	}
	return nil, nil
}

// canonicalValue is what a commitment is made to: the claim's value, or, for a
// path that selects array elements, the array of them.
func canonicalValue(set claims.Set, path claims.Path) ([]byte, error) {
	found, err := set.Get(path)
	if err != nil {
		return nil, err
	}
	if slices.Contains(path, any(nil)) {
		return claims.Canonical(found)
	}
	return claims.Canonical(found[0])
}

// checkOf refines the name of a failed check by the reason of the failure,
// where one call runs several checks.
func checkOf(check Check, reason string) Check {
	if check != CheckIssuerSignature {
		return check
	}
	switch {
	case strings.HasPrefix(reason, "kb_"):
		return CheckKeyBinding
	case strings.HasPrefix(reason, "status_"):
		return CheckStatus
	case strings.HasPrefix(reason, "issuer_") && reason != "issuer_signature_invalid", strings.HasPrefix(reason, "cert_"):
		return CheckIssuerTrust
	case strings.HasPrefix(reason, "credential_"):
		return CheckValidity
	case reason == jose.ReasonSignature, strings.HasSuffix(reason, "signature_invalid"):
		return CheckIssuerSignature
	case strings.HasPrefix(reason, "vct_"):
		return CheckQuery
	}
	return CheckShape
}
