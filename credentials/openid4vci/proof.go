package openid4vci

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"facet/credentials/jose"
)

// TypProof is the typ header of a key proof (Appendix F.1).
const TypProof = "openid4vci-proof+jwt"

// MaxProofSize is the most bytes a key proof may have.
const MaxProofSize = 8 << 10

// ProofClaims are what a holder signs to show that it has a key.
type ProofClaims struct {
	Audience string    // the credential issuer identifier
	Nonce    string    // from the nonce endpoint; "" if the issuer has none
	ClientID string    // "" for an anonymous wallet
	IssuedAt time.Time // required
}

// BuildProof makes a key proof with the public key in its header (Appendix F.1).
func BuildProof(ctx context.Context, s jose.Signer, c ProofClaims) (string, error) {
	payload := map[string]any{"aud": c.Audience, "iat": c.IssuedAt.Unix()}
	if c.Nonce != "" {
		payload["nonce"] = c.Nonce
	}
	if c.ClientID != "" {
		payload["iss"] = c.ClientID
	}
	text, err := json.Marshal(payload)
	if err != nil {
		return "", fmt.Errorf("openid4vci: encode proof: %w", err)
	}
	return jose.Sign(ctx, s, map[string]any{"typ": TypProof, "jwk": s.Public().JWK()}, text)
}

// A ProofRule says which key proofs an issuer accepts.
type ProofRule struct {
	Audience string        // own credential issuer identifier; required
	ClientID string        // "" for an anonymous wallet: then iss must be absent
	Now      time.Time     // required
	Window   time.Duration // how far iat may be from Now, both ways; zero means five minutes
}

// A Proof is a verified key proof. Whether its nonce is fresh is for the
// issuer to say, which knows what it gave out.
type Proof struct {
	Key   *jose.PublicKey
	Nonce string
}

// VerifyProof checks a key proof (Appendix F.4). Every Error has code
// invalid_proof, or invalid_nonce if the proof has none. Reasons:
// proof_key_header, proof_aud_mismatch, proof_iat, proof_identity_mismatch,
// c_nonce_missing, and those of jose, such as jose_typ_unexpected.
func VerifyProof(compact string, r ProofRule) (*Proof, error) {
	token, err := jose.Parse(compact, jose.Rule{Typ: []string{TypProof}, AllowJWK: true, MaxSize: MaxProofSize})
	if err != nil {
		return nil, because(CodeInvalidProof, "proof_malformed", "key proof is malformed", err)
	}
	h := token.Header()
	if h.JWK == nil || h.Kid != "" {
		return nil, NewError(CodeInvalidProof, "proof_key_header", "key proof must carry its public key, and only that")
	}
	verified, err := token.Verify(h.JWK)
	if err != nil {
		return nil, because(CodeInvalidProof, "proof_malformed", "key proof does not verify", err)
	}
	claims := verified.Claims()
	if claims["aud"] != r.Audience || r.Audience == "" {
		return nil, NewError(CodeInvalidProof, "proof_aud_mismatch", "key proof is for another issuer")
	}
	if err := r.checkAge(claims); err != nil {
		return nil, err
	}
	iss, there := claims["iss"]
	if there != (r.ClientID != "") || there && iss != r.ClientID {
		return nil, NewError(CodeInvalidProof, "proof_identity_mismatch", "key proof names somebody else than its key")
	}
	nonce, ok := claims["nonce"].(string)
	if !ok || nonce == "" {
		return nil, NewError(CodeInvalidNonce, "c_nonce_missing", "key proof has no nonce")
	}
	return &Proof{Key: h.JWK, Nonce: nonce}, nil
}

func (r ProofRule) checkAge(claims map[string]any) error {
	window := r.Window
	if window == 0 {
		window = 5 * time.Minute
	}
	issued, there, err := jose.NumericDate(claims, "iat")
	if err != nil {
		return because(CodeInvalidProof, "proof_iat", "key proof has no date", err)
	}
	if age := r.Now.Sub(issued); !there || age > window || age < -window {
		return NewError(CodeInvalidProof, "proof_iat", "key proof is too old or from the future")
	}
	return nil
}
