// Package issuer is the engine of a credential issuer: OpenID4VCI 1.0 with the
// pre-authorized code flow and a transaction code, and the publisher of the
// status lists its credentials point at.
//
// What a holder receives is a batch of one-time copies, each with its own key,
// salts and status entry, dated by the day, so that two presentations cannot
// be linked by them. The engine speaks no HTTP, knows no person beyond the
// claims it is handed, and forgets those with the offer.
package issuer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/openid4vci"
	"facet/store"
)

// Defaults and limits.
const (
	DefaultOfferTTL   = 10 * time.Minute
	DefaultTokenTTL   = 10 * time.Minute
	DefaultBatch      = 5
	DefaultStatusSize = 1 << 17 // entries of one status list
	TxCodeDigits      = 6
	TxCodeTries       = 5 // wrong transaction codes before an offer is void (§13.6.3)
	NonceTTL          = 5 * time.Minute
	StatusTTL         = time.Minute    // how long a wallet or verifier may keep a status list
	StatusExpiry      = 24 * time.Hour // of a published status list token
)

// Where the endpoints are, below Config.URL.
const (
	PathToken      = "/token"
	PathNonce      = "/nonce"
	PathCredential = "/credential"
	PathOffers     = "/offers/" // + offer id
	PathStatus     = "/status/" // + configuration id
)

// A Configuration is one kind of credential and who signs it.
type Configuration struct {
	VCT        string
	Signer     jose.Signer
	X5C        []string      // the signer's chain, leaf first, without its anchor
	Disclose   []claims.Path // what a holder may hide, where the subject has it
	Display    []openid4vci.CredentialDisplay
	Claims     []openid4vci.ClaimDescription
	Validity   time.Duration // of a credential, in whole days; required
	StatusSize int           // entries of its status list; zero means DefaultStatusSize
}

// Config of an Issuer.
type Config struct {
	URL            string // credential issuer identifier; required
	Display        []openid4vci.Display
	Store          store.Store              // required
	Configurations map[string]Configuration // by credential_configuration_id; required
	Now            func() time.Time         // required
	OfferTTL       time.Duration            // zero means DefaultOfferTTL
	TokenTTL       time.Duration            // zero means DefaultTokenTTL
	Batch          int                      // copies a holder may ask for; zero means DefaultBatch
}

// An Issuer is the engine. It is safe for concurrent use, and several may work
// on one store.
type Issuer struct {
	config Config
	nonces nonces
	mu     sync.Mutex            // guards lists and unsure
	lists  map[string]statusList // published lists, by configuration id
	unsure map[string]unsure     // by hash of the token
}

// New checks the configuration, and makes the key of the nonces on the first
// start.
func New(ctx context.Context, c Config) (*Issuer, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.OfferTTL == 0 {
		c.OfferTTL = DefaultOfferTTL
	}
	if c.TokenTTL == 0 {
		c.TokenTTL = DefaultTokenTTL
	}
	if c.Batch == 0 {
		c.Batch = DefaultBatch
	}
	key, err := nonceKey(ctx, c.Store)
	if err != nil {
		return nil, fmt.Errorf("issuer: key of the nonces: %w", err)
	}
	return &Issuer{config: c, nonces: nonces{key, c.Store}, lists: map[string]statusList{}, unsure: map[string]unsure{}}, nil
}

func (c Config) check() error {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || strings.HasSuffix(c.URL, "/") || strings.ContainsAny(c.URL, "?#"):
		return errors.New("issuer: URL must be absolute, without a slash at its end, query or fragment")
	case c.Store == nil || c.Now == nil:
		return errors.New("issuer: Store and Now are required")
	case len(c.Configurations) == 0:
		return errors.New("issuer: nothing to issue: Configurations is empty")
	case c.Batch < 0 || c.Batch > openid4vci.MaxProofs:
		return fmt.Errorf("issuer: Batch must be between 1 and %d", openid4vci.MaxProofs)
	}
	for id, k := range c.Configurations {
		if id == "" || id != url.PathEscape(id) || strings.Contains(id, "/") {
			return fmt.Errorf("issuer: configuration id %q does not fit into a path", id)
		}
		if k.VCT == "" || k.Signer == nil || len(k.X5C) == 0 || k.Validity < 24*time.Hour || k.StatusSize < 0 {
			return fmt.Errorf("issuer: configuration %q needs VCT, Signer, X5C and a Validity of a day or more", id)
		}
	}
	return nil
}

// Metadata returns the credential issuer metadata (OpenID4VCI 1.0 §12.2.4).
func (i *Issuer) Metadata() *openid4vci.IssuerMetadata {
	m := &openid4vci.IssuerMetadata{
		CredentialIssuer:   i.config.URL,
		CredentialEndpoint: i.config.URL + PathCredential,
		NonceEndpoint:      i.config.URL + PathNonce,
		BatchSize:          i.config.Batch,
		Display:            i.config.Display,
		Configurations:     map[string]openid4vci.Configuration{},
	}
	for id, c := range i.config.Configurations {
		m.Configurations[id] = openid4vci.Configuration{
			Format: openid4vci.FormatSDJWT, Scope: id, VCT: c.VCT,
			BindingMethods: []string{"jwk"},
			SigningAlgs:    []string{c.Signer.Alg()},
			ProofTypes:     map[string]openid4vci.ProofType{"jwt": {SigningAlgs: []string{jose.ES256}}},
			Metadata:       &openid4vci.CredentialMetadata{Display: c.Display, Claims: c.Claims},
		}
	}
	return m
}

// ServerMetadata returns the authorization server metadata (RFC 8414).
func (i *Issuer) ServerMetadata() *openid4vci.ServerMetadata {
	return &openid4vci.ServerMetadata{
		Issuer:                 i.config.URL,
		TokenEndpoint:          i.config.URL + PathToken,
		GrantTypes:             []string{openid4vci.GrantPreAuthorized},
		TokenAuthMethods:       []string{"none"},
		ResponseTypes:          []string{},
		AnonymousPreAuthorized: true,
	}
}

// configurationIDs returns the ids of a record's subjects, in order.
func configurationIDs(subjects map[string]claims.Set) []string {
	return slices.Sorted(maps.Keys(subjects))
}
