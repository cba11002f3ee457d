package hints

import (
	"facet/credentials/claims"
)

// Assurances of an Input and of a Hint.
const (
	IssuerSigned = "issuer-signed"
	SelfAsserted = "self-asserted"
	Mixed        = "mixed" // a hint made of both
)

// Input is what is known of one of the policy's credentials: the processed
// claims as presented, or in the wallet as they would be.
type Input struct {
	Claims    claims.Set
	Assurance string
	ExpiresAt int64 // unix seconds; 0: nothing earlier than Meta.Exp
}

// Meta says by which policy, for what and until when hints are derived.
type Meta struct {
	PolicyID string
	Version  int
	Hash     string // base64url SHA-256 of the canonical policy
	Purpose  string
	Exp      int64 // unix seconds; the end of the promised retention
}

// A Hint is one derived fact a platform may use, and where it comes from.
type Hint struct {
	Key         string   `json:"key"`
	Value       any      `json:"value,omitempty"`    // string, bool or []string; nil when withheld
	Withheld    bool     `json:"withheld,omitempty"` // not given, not held, no preference: one and the same
	Default     any      `json:"default,omitempty"`  // when withheld: what the policy promises instead
	Purpose     string   `json:"purpose"`
	Rule        RuleRef  `json:"rule"`
	DerivedFrom []Source `json:"derived_from"`
	Assurance   string   `json:"assurance"`
	Provenance  string   `json:"provenance"` // always "declared": nothing here is ever inferred
	Exp         int64    `json:"exp"`
	Label       Text     `json:"label"`
	Explain     Text     `json:"explain"`           // placeholders filled in
	Without     Text     `json:"without,omitempty"` // as the policy says it
}

// RuleRef pins the policy a hint was derived by.
type RuleRef struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	SHA256  string `json:"policy_sha256"`
}

// Source is one claim a hint was derived from.
type Source struct {
	Credential string      `json:"credential"`
	Path       claims.Path `json:"path"`
}

// HintSet is one hint per rule, in the rules' order.
type HintSet []Hint

// Get returns the hint of that key.
func (s HintSet) Get(key string) (Hint, bool) {
	for _, h := range s {
		if h.Key == key {
			return h, true
		}
	}
	return Hint{}, false
}

// Derive applies every rule to in, keyed by the policy's credential names. It
// is pure, deterministic and total: whatever the claims hold, each valid rule
// gives exactly one hint. The only error is a rule that is not valid.
func Derive(rules []Rule, in map[string]Input, meta Meta) (HintSet, error) {
	return nil, nil
}
