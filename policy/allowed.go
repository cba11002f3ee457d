package policy

import (
	"fmt"
	"slices"
	"strconv"

	"facet/credentials/claims"
	"facet/policy/hints"
	"facet/schemas"
)

// allowed checks every claim against the purpose.
func (c *checker) allowed() {
	var asked []hints.Ref
	for i := range c.policy.Hints {
		r := &c.policy.Hints[i]
		if r.Validate() != nil {
			continue
		}
		for _, ref := range r.Refs() {
			if !slices.ContainsFunc(asked, ref.Equal) {
				asked = append(asked, ref)
			}
			c.claim(fmt.Sprintf("hints[%d]", i), r, ref)
		}
	}
	if len(asked) > c.purpose.MaxClaims {
		c.add(ReasonTooMuch, "hints", "%d claims are read, %s allows %d", len(asked), c.purpose.ID, c.purpose.MaxClaims)
	}
}

func (c *checker) claim(at string, r *hints.Rule, ref hints.Ref) {
	k := c.policy.Credentials[ref.Credential]
	for _, vct := range k.VCT {
		if !admits(c.purpose, vct, ref.Path) {
			c.add(ReasonClaim, at, "%s may not read %s of %s", c.purpose.ID, schemas.PathName(ref.Path), vct)
		}
		if c.purpose.Assurance == hints.IssuerSigned && SelfAsserted(vct) {
			c.add(ReasonClaim, at, "%s takes issuer-signed claims only", c.purpose.ID)
		}
	}
	if r.Required && k.Accept == hints.SelfAsserted {
		c.add(ReasonRule, at+".required", "a self-asserted claim cannot be required: leaving it off must look like not having it")
	}
	c.fits(at, r, ref)
}

// fits checks that the table can read such a claim at all.
func (c *checker) fits(at string, r *hints.Rule, ref hints.Ref) {
	kind := schemas.ClaimKind(ref.Path)
	list := kind == schemas.KindList || kind == schemas.KindTopics || kind == schemas.KindLanguages
	switch {
	case list != (r.Pick != nil):
		c.add(ReasonRule, at, "lists are read by pick, and only they: %s", schemas.PathName(ref.Path))
	case (kind == schemas.KindFlag) != r.Flag && r.When == nil:
		c.add(ReasonRule, at, "claims that are true or false are read by flag, and only they: %s", schemas.PathName(ref.Path))
	case r.Bucket != nil && kind != schemas.KindNumber:
		c.add(ReasonRule, at, "bucket reads numbers: %s is none", schemas.PathName(ref.Path))
	}
	known := schemas.ClaimValues(ref.Path)
	if kind == schemas.KindEnum {
		for _, v := range sorted(r.Map) {
			if _, ok := known[v]; !ok || v == schemas.NoPreference {
				c.add(ReasonRule, at+".map."+v, "%s never says %q", schemas.PathName(ref.Path), v)
			}
		}
		for i, row := range r.When {
			for _, is := range row.If {
				if _, ok := known[is.Is]; is.Claim.Equal(ref) && (!ok || is.Is == schemas.NoPreference) {
					c.add(ReasonRule, at+".when["+strconv.Itoa(i)+"]", "%s never says %q", schemas.PathName(ref.Path), is.Is)
				}
			}
		}
	}
	if r.Pick != nil && kind == schemas.KindTopics {
		for i, id := range r.Pick.Only {
			if _, ok := schemas.TopicByID(id); !ok {
				c.add(ReasonRule, fmt.Sprintf("%s.pick.only[%d]", at, i), "%q is not a topic anybody may ask for", id)
			}
		}
	}
}

func admits(p *schemas.Purpose, vct string, path claims.Path) bool {
	return slices.ContainsFunc(p.Allowed, func(a schemas.Allowed) bool {
		return schemas.CredentialVCTs()[a.Credential] == vct && covers(a.Path, path)
	})
}

// covers reports whether an allowed path admits a claim's. A rule reads a list
// as a whole, so the step to its elements is not written in a rule.
func covers(allowed []any, path claims.Path) bool {
	if n := len(allowed); n > 0 && allowed[n-1] == nil {
		allowed = allowed[:n-1]
	}
	if len(allowed) != len(path) {
		return false
	}
	for i, a := range allowed {
		if name, ok := path[i].(string); !ok || (a != "*" && a != name) {
			return false
		}
	}
	return true
}

// required checks what a purpose cannot do without: ads need a proof of age.
func (c *checker) required() {
	need := c.purpose.Requires
	if need == nil {
		return
	}
	vct := schemas.CredentialVCTs()[need.Credential]
	for i := range c.policy.Hints {
		r := &c.policy.Hints[i]
		if r.Required && r.Flag && r.From != nil && covers(need.Path, r.From.Path) &&
			slices.Equal(c.policy.Credentials[r.From.Credential].VCT, []string{vct}) {
			return
		}
	}
	c.add(ReasonClaim, "hints", "%s needs a required flag on %s of %s", c.purpose.ID, schemas.PathName(need.Path), vct)
}
