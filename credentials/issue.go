package credentials

import (
	"context"
	"slices"
	"strconv"
	"time"

	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/sdjwt"
	"facet/credentials/statuslist"
)

// An Issuance is what an issuer signs.
type Issuance struct {
	VCT          string
	VCTIntegrity string   // SRI digest of the type metadata; "" for none
	AlsoVCT      []string // aka_vcts
	Issuer       string   // iss; "" leaves it to x5c
	Subject      map[string]any
	// Disclose names what the holder may hide. nil means every member of
	// Subject; an empty list means nothing.
	Disclose  []claims.Path
	Decoys    int
	Holder    *jose.PublicKey // cnf; nil only for a bearer credential
	IssuedAt  time.Time       // zero: no iat
	NotBefore time.Time       // zero: no nbf
	ExpiresAt time.Time       // zero: no exp, then Status is required
	Status    *statuslist.Reference
	Kid       string // header kid; "" for none
}

// Issue signs an SD-JWT VC (§2, HAIP 1.0 §6.1): typ dc+sd-jwt, the signer's
// chain without its anchor in x5c, exp or status or both. It returns the
// SD-JWT with all disclosures, for the holder.
func Issue(ctx context.Context, issuer jose.Signer, x5c []string, i Issuance) (string, error) {
	payload, err := i.payload()
	if err != nil {
		return "", err
	}
	header := map[string]any{"typ": Type}
	if x5c != nil {
		header["x5c"] = x5c
	}
	if i.Kid != "" {
		header["kid"] = i.Kid
	}
	disclose := i.Disclose
	if disclose == nil {
		for name := range i.Subject {
			disclose = append(disclose, claims.Path{name})
		}
	}
	for _, p := range disclose {
		if len(p) == 0 {
			return "", fail("issue", "an empty path cannot be disclosed")
		}
		if name, ok := p[0].(string); ok && slices.Contains(notDisclosable, name) {
			return "", fail("sdjwt_claim_not_disclosable", "%s cannot be hidden", name)
		}
	}
	return sdjwt.Issue(ctx, issuer, sdjwt.Template{
		Header: header, Claims: payload, Disclose: disclose, Decoys: i.Decoys,
	})
}

func (i Issuance) payload() (map[string]any, error) {
	switch {
	case i.VCT == "" || len(i.VCT) > MaxVCT:
		return nil, fail("issue", "a credential needs a type")
	case i.ExpiresAt.IsZero() && i.Status == nil:
		return nil, fail("issue", "a credential needs an expiry or a status")
	case slices.Contains(i.AlsoVCT, i.VCT):
		return nil, fail("vct_invalid", "aka_vcts repeats the type")
	}
	payload, err := withClaims(i.Subject)
	if err != nil {
		return nil, err
	}
	payload["vct"] = i.VCT
	if i.VCTIntegrity != "" {
		payload["vct#integrity"] = i.VCTIntegrity
	}
	if i.AlsoVCT != nil {
		payload["aka_vcts"] = i.AlsoVCT
	}
	if i.Issuer != "" {
		payload["iss"] = i.Issuer
	}
	if i.Holder != nil {
		payload["cnf"] = map[string]any{"jwk": i.Holder.JWK()}
	}
	if i.Status != nil {
		payload["status"] = i.Status.Claim()
	}
	for name, at := range map[string]time.Time{"iat": i.IssuedAt, "nbf": i.NotBefore, "exp": i.ExpiresAt} {
		if !at.IsZero() {
			payload[name] = at.Unix()
		}
	}
	return payload, nil
}

// CheckBatch refuses a batch of copies that could be linked with one another:
// the copies share a key, a salt, a digest or a status index. Reason
// batch_linkable.
func CheckBatch(batch []*Credential) error {
	seen := map[string]int{}
	for n, c := range batch {
		var marks []string
		if c.holder != nil {
			marks = append(marks, "key "+c.holder.Thumbprint())
		}
		if c.status != nil {
			marks = append(marks, "status "+c.status.URI+" "+strconv.FormatUint(c.status.Index, 10))
		}
		for _, d := range c.Disclosures() {
			marks = appendDigests(append(marks, "salt "+d.Salt), d.Value)
		}
		marks = appendDigests(marks, c.verified.SDJWT().Issuer().UnverifiedClaims())
		for _, m := range marks {
			if first, met := seen[m]; met && first != n {
				return fail("batch_linkable", "two copies of a batch share what makes them linkable")
			}
			seen[m] = n
		}
	}
	return nil
}

// appendDigests collects every digest below v, decoys included.
func appendDigests(marks []string, v any) []string {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if s, ok := member.(string); ok && name == "..." {
				marks = append(marks, "digest "+s)
				continue
			}
			if name == "_sd" {
				for _, d := range textList(member) {
					marks = append(marks, "digest "+d)
				}
				continue
			}
			marks = appendDigests(marks, member)
		}
	case []any:
		for _, e := range v {
			marks = appendDigests(marks, e)
		}
	}
	return marks
}
