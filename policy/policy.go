// Package policy is what a platform may ask and will make of it: purpose,
// retention, texts, and rules from claims to hints. The query is compiled from
// the rules, so a claim no rule uses cannot be asked for.
//
// Wallet and verifier both use it: the verifier compiles the request from it,
// the wallet recompiles what it was sent and refuses a request that differs.
//
// It does not read YAML (package policy/lint), verify who offers a policy
// (credentials/openid4vp), or look at a clock.
package policy

import (
	"time"

	"facet/credentials/claims"
	"facet/credentials/dcql"
	"facet/policy/hints"
)

// A Policy is one thing a platform does: one purpose, one approval.
type Policy struct {
	ID          string                `json:"policy"` // "morgenblatt.example/home"
	Version     int                   `json:"version"`
	Purpose     string                `json:"purpose"`   // an id of Purposes
	Retention   string                `json:"retention"` // ISO 8601 duration, at most the purpose's
	Controller  Controller            `json:"controller"`
	Question    hints.Text            `json:"question"` // what the consent page asks
	Benefit     hints.Text            `json:"benefit"`  // what the holder gets
	Outputs     []string              `json:"outputs"`  // how hints may leave, of the purpose's list
	Credentials map[string]Credential `json:"credentials"`
	Hints       []hints.Rule          `json:"hints"`
}

// Controller is who answers for the data (GDPR art. 13).
type Controller struct {
	Name          string `json:"name"`
	PrivacyPolicy string `json:"privacy_policy"`
	Support       string `json:"support,omitempty"`
}

// Credential is one kind of proof the policy takes.
type Credential struct {
	VCT    []string `json:"vct"`
	Accept string   `json:"accept"` // hints.IssuerSigned or hints.SelfAsserted
}

// Parse reads a policy from JSON, strictly: no unknown member, none at its
// default spelled out, every text and limit checked, nothing the purpose does
// not allow. Every error is a *Error.
func Parse(b []byte) (*Policy, error) { return nil, nil }

// Canonical is the policy's one byte form (RFC 8785).
func (p *Policy) Canonical() []byte { return nil }

// Hash is the base64url SHA-256 of Canonical.
func (p *Policy) Hash() string { return "" }

// Keep is how long what was derived may be kept.
func (p *Policy) Keep() time.Duration { return 0 }

// Meta is what Derive wants to know, for hints that end at exp (unix seconds).
func (p *Policy) Meta(exp int64) hints.Meta {
	return hints.Meta{PolicyID: p.ID, Version: p.Version, Hash: p.Hash(), Purpose: p.Purpose, Exp: exp}
}

// Compiled is a policy's query and what each part of it is for.
type Compiled struct {
	Policy  *Policy
	Query   *dcql.Query
	Queries map[string]QueryRef // by DCQL credential query id
}

// QueryRef says what one credential query is for.
type QueryRef struct {
	ID           string
	Credential   string // name in the policy
	VCTs         []string
	SelfAsserted bool
	Required     bool
	Hints        []string      // keys of the hints that use it
	Paths        []claims.Path // what it asks for
}

// Compile writes the query of a parsed policy.
func Compile(p *Policy) (*Compiled, error) { return nil, nil }

// Answer is what one credential query got.
type Answer struct {
	Claims    claims.Set
	ExpiresAt int64 // unix seconds
}

// Inputs sorts answers, keyed by query id, into what Derive takes, keyed by the
// policy's credential names. Claims the query did not ask for are left out.
func (c *Compiled) Inputs(answers map[string]Answer) map[string]hints.Input { return nil }

// Approval is what follows from the holder's ticks.
type Approval struct {
	Choices []string // optional keys that are on, in the policy's order
	Present []string // issuer-signed query ids to answer, required ones included
	Mint    []Mint   // self-asserted credentials to make
}

// Mint is one self-asserted credential to be made for one query: the claims of
// Give with the holder's values, those of Withhold as no preference.
type Mint struct {
	Query    string
	VCT      string
	Give     []Given
	Withhold []claims.Path
}

// Given is one claim to be told. A list is cut to what the platform can use.
type Given struct {
	Path claims.Path
	Pick []hints.Pick
}

// Approve works out what to send for these optional hint keys. Required hints
// are always included; an unknown key is an error.
func (c *Compiled) Approve(choices []string) (*Approval, error) { return nil, nil }

// Claims are the claims to mint, from what the holder has stated. A claim never
// stated goes as no preference, like one withheld.
func (m Mint) Claims(held claims.Set) map[string]any { return nil }
