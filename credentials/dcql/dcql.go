// Package dcql implements the Digital Credentials Query Language (OpenID4VP
// 1.0 §6, §7): reading and checking a query, finding what a holder has or can
// make that answers it, and the verifier's own check of what came back.
//
// It verifies no credential, decides nothing for the holder, and trusts no
// wallet-side filter: Satisfied repeats every condition. Of the credential
// formats only dc+sd-jwt is matched; queries for others parse and never match.
package dcql

import (
	"encoding/json"

	"facet/credentials/claims"
)

// Limits of a query. The specification sets none (its 1.1 draft asks for some).
const (
	MaxSize        = 64 << 10 // bytes of JSON
	MaxDepth       = 16
	MaxCredentials = 16 // credential queries
	MaxClaims      = 64 // claims in one credential query
	MaxSets        = 32 // claim_sets, credential_sets, options in one set
	MaxValues      = 64 // entries of vct_values, values, trusted authority values
	MaxID          = 128
)

// SDJWTVC is the credential format identifier that is matched here.
const SDJWTVC = "dc+sd-jwt"

// A Query says which credentials and claims a verifier asks for (§6).
type Query struct {
	Credentials    []CredentialQuery `json:"credentials"`
	CredentialSets []CredentialSet   `json:"credential_sets,omitempty"`
}

// A CredentialQuery asks for one kind of credential (§6.1).
type CredentialQuery struct {
	ID                   string             `json:"id"`
	Format               string             `json:"format"`
	Multiple             *bool              `json:"multiple,omitempty"`                             // nil: false
	Meta                 Meta               `json:"meta"`                                           // required, may be empty for some formats
	TrustedAuthorities   []TrustedAuthority `json:"trusted_authorities,omitempty"`                  // any one suffices
	RequireHolderBinding *bool              `json:"require_cryptographic_holder_binding,omitempty"` // nil: true
	Claims               []ClaimQuery       `json:"claims,omitempty"`
	ClaimSets            [][]string         `json:"claim_sets,omitempty"` // ids of Claims, most wanted first
}

// Meta is the format-specific part (§6.1, appendix B).
type Meta struct {
	VCTValues    []string   `json:"vct_values,omitempty"`    // dc+sd-jwt (B.3.5)
	DoctypeValue string     `json:"doctype_value,omitempty"` // mso_mdoc (B.2.3)
	TypeValues   [][]string `json:"type_values,omitempty"`   // W3C formats (B.1.1)
}

// A TrustedAuthority narrows who may have issued (§6.1.1).
type TrustedAuthority struct {
	Type   string   `json:"type"` // aki, etsi_tl or openid_federation
	Values []string `json:"values"`
}

// A ClaimQuery asks for one claim (§6.3).
type ClaimQuery struct {
	ID   string      `json:"id,omitempty"`
	Path claims.Path `json:"path"`
	// Values are the strings, integers and booleans wanted; nil means any. A
	// verifier must not rely on a wallet heeding them (§6.4.1).
	Values []any `json:"values,omitempty"`
}

// A CredentialSet lists alternatives (§6.2).
type CredentialSet struct {
	Options  [][]string `json:"options"`
	Required *bool      `json:"required,omitempty"` // nil: true
}

// IsRequired reports whether the set must be answered.
func (s CredentialSet) IsRequired() bool { return s.Required == nil || *s.Required }

// MayRepeat reports whether several credentials may answer the query.
func (c *CredentialQuery) MayRepeat() bool { return c.Multiple != nil && *c.Multiple }

// NeedsHolderBinding reports whether a proof of possession is wanted.
func (c *CredentialQuery) NeedsHolderBinding() bool {
	return c.RequireHolderBinding == nil || *c.RequireHolderBinding
}

// Credential returns the credential query with this id, or nil.
func (q *Query) Credential(id string) *CredentialQuery {
	for i := range q.Credentials {
		if q.Credentials[i].ID == id {
			return &q.Credentials[i]
		}
	}
	return nil
}

// Marshal checks the query and returns its JSON.
func (q *Query) Marshal() ([]byte, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	return json.Marshal(q)
}

// claim returns the claim query with this id, or nil.
func (c *CredentialQuery) claim(id string) *ClaimQuery {
	for i := range c.Claims {
		if c.Claims[i].ID == id {
			return &c.Claims[i]
		}
	}
	return nil
}
