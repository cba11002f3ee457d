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
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/policy/hints"
	"facet/schemas"
)

// Limits of a policy's JSON.
const (
	MaxSize  = 64 << 10
	MaxDepth = 10
)

// A Policy is one thing a platform does: one purpose, one approval. One that
// Parse returned must not be changed; its canonical form is kept with it.
type Policy struct {
	ID          string                `json:"policy"` // "morgenblatt.example/home"
	Version     int                   `json:"version"`
	Purpose     string                `json:"purpose"`   // an id of Purposes
	Retention   string                `json:"retention"` // P7D, PT12H or PT0S; at most the purpose's
	Controller  Controller            `json:"controller"`
	Question    hints.Text            `json:"question"` // what the consent page asks
	Benefit     hints.Text            `json:"benefit"`  // what the holder gets
	Outputs     []string              `json:"outputs"`  // how hints may leave, of the purpose's list
	Credentials map[string]Credential `json:"credentials"`
	Hints       []hints.Rule          `json:"hints"`

	canonical []byte
	hash      string // of canonical
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

// Purposes is the closed list of what a policy may be for.
func Purposes() []schemas.Purpose { return schemas.Purposes() }

// Parse reads a policy from JSON, strictly: no unknown member, none at its
// default spelled out, every text and limit checked, nothing the purpose does
// not allow. Every error is a *Error, the first of those Check finds.
func Parse(b []byte) (*Policy, error) {
	p, err := Decode(b)
	if err != nil {
		return nil, err
	}
	if problems := p.Check(); len(problems) > 0 {
		return nil, problems[0]
	}
	return p, nil
}

// Decode reads the form only; the result is not checked. Authors' tools call it
// to list every problem (Check); everybody else calls Parse.
func Decode(b []byte) (*Policy, error) {
	object, err := jose.ParseObject(b, jose.Limits{MaxSize: MaxSize, MaxDepth: MaxDepth})
	if err != nil {
		return nil, &Error{ReasonMalformed, "", "not strict JSON: " + err.Error()}
	}
	canonical, err := claims.Canonical(object)
	if err != nil {
		return nil, &Error{ReasonMalformed, "", "no canonical form: " + err.Error()}
	}
	p := &Policy{canonical: canonical, hash: hashOf(canonical)}
	if err := json.Unmarshal(canonical, p); err != nil {
		return nil, &Error{ReasonMalformed, "", err.Error()}
	}
	again, err := p.object()
	if err != nil {
		return nil, err
	}
	// encoding/json drops what it does not know and forgives case and nulls.
	// Comparing what went in with what came out refuses all of that at once.
	if at, problem := difference("", object, again); problem != "" {
		return nil, &Error{ReasonMalformed, at, problem}
	}
	return p, nil
}

func (p *Policy) object() (map[string]any, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return nil, &Error{ReasonMalformed, "", err.Error()}
	}
	object, err := jose.ParseObject(b, jose.Limits{MaxSize: 2 * MaxSize, MaxDepth: MaxDepth})
	if err != nil {
		return nil, &Error{ReasonMalformed, "", err.Error()}
	}
	return object, nil
}

// difference finds the first place where the author's JSON says something the
// format does not.
func difference(at string, given, kept any) (where, problem string) {
	switch g := given.(type) {
	case map[string]any:
		k, ok := kept.(map[string]any)
		if !ok {
			return at, "has another form than expected"
		}
		for _, name := range sorted(g) {
			below := join(at, name)
			if _, there := k[name]; !there {
				return below, "there is no such member here, or it is empty and must be left out"
			}
			if where, problem = difference(below, g[name], k[name]); problem != "" {
				return where, problem
			}
		}
		for _, name := range sorted(k) {
			if _, there := g[name]; !there {
				return join(at, name), "is missing"
			}
		}
		return "", ""
	case []any:
		k, ok := kept.([]any)
		if !ok || len(k) != len(g) {
			return at, "has another form than expected"
		}
		for i := range g {
			if where, problem = difference(fmt.Sprintf("%s[%d]", at, i), g[i], k[i]); problem != "" {
				return where, problem
			}
		}
		return "", ""
	}
	if !claims.Equal(given, kept) {
		return at, "has another form than expected"
	}
	return "", ""
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Canonical is the policy's one byte form (RFC 8785).
func (p *Policy) Canonical() []byte {
	if p.canonical != nil {
		return slices.Clone(p.canonical)
	}
	object, err := p.object()
	if err != nil {
		return nil // only a policy nobody parsed
	}
	b, err := claims.Canonical(object)
	if err != nil {
		return nil
	}
	return b
}

// Hash is the base64url SHA-256 of Canonical.
func (p *Policy) Hash() string {
	if p.hash != "" {
		return p.hash
	}
	return hashOf(p.Canonical())
}

func hashOf(canonical []byte) string {
	sum := sha256.Sum256(canonical)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Keep is how long what was derived may be kept; 0 means that only the result
// itself may be used.
func (p *Policy) Keep() time.Duration {
	d, _ := ParseRetention(p.Retention)
	return d
}

// Meta is what Derive wants to know, for hints that end at exp (unix seconds).
func (p *Policy) Meta(exp int64) hints.Meta {
	return hints.Meta{PolicyID: p.ID, Version: p.Version, Hash: p.Hash(), Purpose: p.Purpose, Exp: exp}
}

// Rule returns the rule of that key.
func (p *Policy) Rule(key string) (*hints.Rule, bool) {
	for i := range p.Hints {
		if p.Hints[i].Key == key {
			return &p.Hints[i], true
		}
	}
	return nil, false
}
