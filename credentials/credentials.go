// Package credentials implements SD-JWT Verifiable Credentials
// (draft-ietf-oauth-sd-jwt-vc): issuing, minting self-asserted ones, and
// verifying. A Credential is what Verify or VerifyReceived returned; there is
// no other way to get one.
//
// It does not talk to wallets or verifiers, does not read queries, and trusts
// only what a TrustStore names. It fetches nothing itself: status lists, type
// metadata and issuer metadata come through ports.
package credentials

import (
	"context"
	"time"

	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/sdjwt"
	"facet/credentials/statuslist"
)

const (
	// Type is the typ header and format identifier of an SD-JWT VC (§2.2.1).
	Type = "dc+sd-jwt"
	// LegacyType was used until draft 18; see Rule.InsecureLegacyType.
	LegacyType = "vc+sd-jwt"
	// MaxVCT is the longest vct read, in bytes.
	MaxVCT = 2048
)

// How much stands behind a credential's claims.
const (
	IssuerSigned = "issuer-signed" // an issuer of the trust store signed
	SelfAsserted = "self-asserted" // the holder's own key signed: the holder says so
)

// A TrustQuery asks which key may have signed a credential. All of it comes
// from the credential and is not authentic.
type TrustQuery struct {
	Iss string
	VCT string
	X5C []string
	Kid string
	Now time.Time
}

// A TrustStore knows issuers. Unknown, or not for this vct, is an error with
// reason issuer_untrusted. It may block on the network until ctx ends and is
// safe for concurrent use.
type TrustStore interface {
	IssuerKey(ctx context.Context, q TrustQuery) (*Issuer, error)
}

// An Issuer is a trusted issuer and the key it signs with.
type Issuer struct {
	Key       *jose.PublicKey
	ID        string            // the trust store's name for it, stable over key changes
	Name      string            // for people
	Names     map[string]string // by language, if the trust store has several
	Mechanism string            // "x5c", "jwt-vc-issuer" or, for self-asserted, "did:jwk"
	// AuthorityKeyIDs are the authority key identifiers along the chain, for
	// DCQL's trusted_authorities of type aki.
	AuthorityKeyIDs [][]byte
}

// Verifiers knows who asks. clientID is the full client identifier with its
// prefix, x5c the chain of the request object, if it had one; the caller has
// verified the request's signature with the leaf's key. Unknown is an error
// with reason verifier_unknown. It is safe for concurrent use.
type Verifiers interface {
	Verifier(ctx context.Context, clientID string, x5c []string, now time.Time) (*Party, error)
}

// A Party is a known verifier: a platform, by the name people know it by.
type Party struct {
	ID       string            // stable over certificate changes
	Name     string            // for people
	Names    map[string]string // by language, if there are several
	Domain   string
	Register map[string]string // where it is registered, by language
}

// Registrars knows who registers verifiers: x5c is the chain of a registration
// certificate, whose signature the caller verifies with the key returned.
// Unknown is an error with reason registrar_unknown. It is safe for concurrent
// use.
type Registrars interface {
	Registrar(ctx context.Context, x5c []string, now time.Time) (*Registrar, error)
}

// A Registrar says what verifiers may ask for.
type Registrar struct {
	Key   *jose.PublicKey
	ID    string
	Name  string            // for people
	Names map[string]string // by language, if there are several
	// StopsOverasking says that a request beyond what was registered is not to be
	// answered at all; otherwise the holder is told and decides.
	StopsOverasking bool
}

// A StatusChecker says whether a verified credential is still valid. nil is
// the only good answer. *statuslist.Checker is one.
type StatusChecker interface {
	Check(ctx context.Context, q statuslist.Query) error
}

// A Credential is a verified SD-JWT VC. What it says about the holder is worth
// as much as Assurance says.
type Credential struct {
	verified  *sdjwt.Verified
	vct       string
	issuer    Issuer
	assurance string
	holder    *jose.PublicKey // nil: not bound
	kb        map[string]any  // nil: not verified
	expires   time.Time       // zero: never
	status    *statuslist.Reference
	metadata  *TypeMetadata // nil: not processed
}

// VCT is the credential's type.
func (c *Credential) VCT() string { return c.vct }

// AlsoVCT are further types it counts as (aka_vcts, §2.2.2.2), and the types
// its own extends if type metadata was processed.
func (c *Credential) AlsoVCT() []string {
	out := textList(c.verified.Claims()["aka_vcts"])
	if c.metadata != nil {
		out = append(out, c.metadata.Ancestors...)
	}
	return out
}

// Claims is the processed payload. Callers must not change it.
func (c *Credential) Claims() claims.Set { return c.verified.Claims() }

// Issuer is who signed; for a self-asserted credential the holder's key.
func (c *Credential) Issuer() Issuer { return c.issuer }

// Assurance is IssuerSigned or SelfAsserted.
func (c *Credential) Assurance() string { return c.assurance }

// HolderKey is the key in cnf, or nil.
func (c *Credential) HolderKey() *jose.PublicKey { return c.holder }

// KB holds the claims of the verified key binding JWT; nil if none was asked
// for. Callers must not change it.
func (c *Credential) KB() map[string]any { return c.kb }

// ExpiresAt is exp, or the zero time.
func (c *Credential) ExpiresAt() time.Time { return c.expires }

// Status is where the credential's status stands, or nil.
func (c *Credential) Status() *statuslist.Reference { return c.status }

// Metadata is the type metadata, merged with what it extends, or nil if it was
// not processed.
func (c *Credential) Metadata() *TypeMetadata { return c.metadata }

// Disclosures are the disclosures with their places.
func (c *Credential) Disclosures() []sdjwt.Disclosure { return c.verified.Disclosures() }

// Holding indexes the credential for storing and presenting.
func (c *Credential) Holding() *sdjwt.Holding { return sdjwt.NewHolding(c.verified) }

func textList(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, e := range list {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
