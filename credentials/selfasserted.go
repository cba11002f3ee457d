package credentials

import (
	"context"
	"slices"
	"strings"
	"time"

	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/sdjwt"
)

const didJWK = "did:jwk:"

// DIDJWK is the did:jwk of a key, over its canonical public members.
func DIDJWK(key *jose.PublicKey) (string, error) {
	text, err := claims.Canonical(key.JWK())
	if err != nil {
		return "", wrap("holder_key", "encode the holder's key", err)
	}
	return didJWK + jose.EncodeBase64URL(text), nil
}

// believeHolder takes the holder's own key as issuer's: it must be the one in
// cnf and the one iss spells out, and no certificate may speak for it.
func (c *Credential) believeHolder(iss string, payload map[string]any, h jose.Header) error {
	if h.X5C != nil {
		return fail("issuer_untrusted", "a self-asserted credential carries no certificates")
	}
	cnf, _ := payload["cnf"].(map[string]any)
	jwk, ok := cnf["jwk"].(map[string]any)
	if !ok {
		return fail("kb_cnf_missing", "a self-asserted credential is bound to the key that signed it")
	}
	key, err := jose.PublicKeyFromMap(jwk)
	if err != nil {
		return wrap("kb_cnf_invalid", "cnf.jwk is not a public signing key", err)
	}
	encoded, ok := strings.CutPrefix(iss, didJWK)
	if !ok {
		return fail("issuer_untrusted", "iss of a self-asserted credential is not a did:jwk")
	}
	text, err := jose.DecodeBase64URL(encoded)
	if err != nil {
		return wrap("issuer_untrusted", "iss is not a did:jwk", err)
	}
	named, err := jose.ParsePublicKey(text)
	if err != nil {
		return wrap("issuer_untrusted", "iss is not the did:jwk of a public key", err)
	}
	if !named.Equal(key) {
		return fail("issuer_untrusted", "iss and cnf are different keys")
	}
	c.issuer = Issuer{Key: key, ID: iss, Mechanism: "did:jwk"}
	return nil
}

// Minted is a credential the holder states for one occasion.
type Minted struct {
	VCT       string
	Claims    map[string]any // exactly what the holder approved
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// reservedClaims cannot be set through Claims of Minted and Issuance.
var reservedClaims = append(slices.Clone(notDisclosable), "iat", "aud", "_sd", "_sd_alg", "...")

// Mint signs a self-asserted credential with holder, which must be a key made
// for this presentation and used for no other: iss is its did:jwk, cnf is the
// key itself, nothing is selectively disclosable. The result is an SD-JWT
// ready for key binding.
func Mint(ctx context.Context, holder jose.Signer, m Minted) (string, error) {
	if m.VCT == "" || m.IssuedAt.IsZero() || !m.ExpiresAt.After(m.IssuedAt) {
		return "", fail("mint", "a minted credential needs a type, a time of issue and an expiry after it")
	}
	payload, err := withClaims(m.Claims)
	if err != nil {
		return "", err
	}
	if payload["iss"], err = DIDJWK(holder.Public()); err != nil {
		return "", err
	}
	payload["vct"] = m.VCT
	payload["iat"] = m.IssuedAt.Unix()
	payload["exp"] = m.ExpiresAt.Unix()
	payload["cnf"] = map[string]any{"jwk": holder.Public().JWK()}
	return sdjwt.Issue(ctx, holder, sdjwt.Template{Header: map[string]any{"typ": Type}, Claims: payload})
}

func withClaims(stated map[string]any) (map[string]any, error) {
	payload := make(map[string]any, len(stated)+6)
	for name, v := range stated {
		if slices.Contains(reservedClaims, name) {
			return nil, fail("claim_reserved", "%s is not for the caller to set", name)
		}
		payload[name] = v
	}
	return payload, nil
}
