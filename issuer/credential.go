package issuer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/openid4vci"
	"facet/credentials/statuslist"
	"facet/store"
)

// Credential answers a credential request (OpenID4VCI 1.0 §8): one copy for
// each proof, each bound to the proof's key. Reasons: token_unknown,
// token_expired, unknown_identifier, unknown_configuration, batch_limit,
// proof_key_duplicate, c_nonce_mixed, c_nonce_used, copies_exhausted, and
// those of ParseCredentialRequest and VerifyProof.
func (i *Issuer) Credential(ctx context.Context, token openid4vci.Secret, body []byte) (*openid4vci.CredentialResponse, error) {
	key := keyToken + hashed(string(token))
	t, err := i.authorized(ctx, key)
	if err != nil {
		return nil, err
	}
	r, err := openid4vci.ParseCredentialRequest(body)
	if err != nil {
		return nil, err
	}
	if r.Identifier != "" { // none was ever handed out with a token
		return nil, openid4vci.NewError(openid4vci.CodeUnknownIdentifier, "unknown_identifier", "there is no such credential identifier")
	}
	c, known := i.config.Configurations[r.ConfigurationID]
	subject, allowed := t.Subjects[r.ConfigurationID]
	if !known || !allowed {
		return nil, unknownConfiguration()
	}
	if len(r.JWTProofs()) > i.config.Batch {
		return nil, openid4vci.NewError(openid4vci.CodeInvalidCredentialReq, "batch_limit", "more proofs than copies in one batch")
	}
	keys, err := i.proven(ctx, r.JWTProofs())
	if err != nil {
		return nil, err
	}
	if err := i.reserve(ctx, key, r.ConfigurationID, len(keys)); err != nil {
		return nil, err
	}
	response := &openid4vci.CredentialResponse{}
	for _, holder := range keys {
		index, err := i.allocate(ctx, t.Offer, r.ConfigurationID)
		if err != nil {
			return nil, err
		}
		// Dated by the day: the second of issuance would link the copies.
		day := i.config.Now().UTC().Truncate(24 * time.Hour)
		sd, err := credentials.Issue(ctx, c.Signer, c.X5C, credentials.Issuance{
			VCT: c.VCT, Subject: subject.Clone(), Disclose: selecting(c.Disclose, subject), Holder: holder,
			IssuedAt: day, ExpiresAt: day.Add(c.Validity),
			Status: &statuslist.Reference{URI: i.statusURL(r.ConfigurationID), Index: index},
		})
		if err != nil {
			return nil, fmt.Errorf("issuer: sign credential: %w", err)
		}
		response.Credentials = append(response.Credentials, openid4vci.IssuedCredential{Credential: sd})
	}
	return response, nil
}

// selecting keeps the paths that name something in this subject.
func selecting(paths []claims.Path, subject claims.Set) []claims.Path {
	kept := []claims.Path{}
	for _, p := range paths {
		if _, err := subject.Get(p); err == nil {
			kept = append(kept, p)
		}
	}
	return kept
}

func (i *Issuer) authorized(ctx context.Context, key string) (*tokenRecord, error) {
	var t tokenRecord
	_, err := load(ctx, i.config.Store, key, &t)
	if errors.Is(err, store.ErrNotFound) {
		return nil, openid4vci.NewError(openid4vci.CodeInvalidToken, "token_unknown", "the token is not known")
	}
	if err != nil {
		return nil, fmt.Errorf("issuer: find token: %w", err)
	}
	if expired(t.Expires, i.config.Now()) {
		return nil, openid4vci.NewError(openid4vci.CodeInvalidToken, "token_expired", "the token has run out")
	}
	return &t, nil
}

// proven checks all proofs before it spends their nonce: garbage burns none.
func (i *Issuer) proven(ctx context.Context, proofs []string) ([]*jose.PublicKey, error) {
	var keys []*jose.PublicKey
	seen := map[string]bool{}
	var nonce string
	for n, compact := range proofs {
		p, err := openid4vci.VerifyProof(compact, openid4vci.ProofRule{Audience: i.config.URL, Now: i.config.Now()})
		if err != nil {
			return nil, err
		}
		if n > 0 && p.Nonce != nonce {
			return nil, openid4vci.NewError(openid4vci.CodeInvalidNonce, "c_nonce_mixed", "the proofs have different nonces")
		}
		if seen[p.Key.Thumbprint()] {
			return nil, openid4vci.NewError(openid4vci.CodeInvalidProof, "proof_key_duplicate", "two proofs for one key")
		}
		seen[p.Key.Thumbprint()], nonce = true, p.Nonce
		keys = append(keys, p.Key)
	}
	return keys, i.nonces.spend(ctx, nonce, i.config.Now())
}

// reserve counts copies against the token before any is made.
func (i *Issuer) reserve(ctx context.Context, key, id string, n int) error {
	for range maxRaces {
		var t tokenRecord
		v, err := load(ctx, i.config.Store, key, &t)
		if err != nil {
			return fmt.Errorf("issuer: find token: %w", err)
		}
		if t.Copies == nil {
			t.Copies = map[string]int{}
		}
		if t.Copies[id] += n; t.Copies[id] > i.config.Batch {
			return openid4vci.NewError(openid4vci.CodeRequestDenied, "copies_exhausted", "all copies of this offer were issued")
		}
		err = put(ctx, i.config.Store, key, v, t)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("issuer: count copies: %w", err)
		}
		return nil
	}
	return errRace
}
