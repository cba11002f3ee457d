package wallet

import (
	"context"
	"encoding/json"
	"time"

	"facet/credentials/jose"
)

// HolderProofType is the typ of the proof that whoever asks for a receipt or a
// withdrawal is who signed the presentation.
const HolderProofType = "facet-holder-proof+jwt"

// What a holder proof is for.
const (
	actReceipt  = "receipt"
	actWithdraw = "withdraw"
)

// holderProof signs act for one endpoint with a key of the presentation.
func holderProof(ctx context.Context, d *deed, act, endpoint string, now time.Time) (string, error) {
	if len(d.HolderKeys) == 0 {
		return "", failf(CodeNotWithdrawable, "the keys of this answer are gone")
	}
	key, err := jose.ParsePrivateJWK(d.HolderKeys[0])
	if err != nil {
		return "", failf(CodeRecord, "a stored key does not parse")
	}
	payload, err := json.Marshal(map[string]any{"aud": endpoint, "iat": now.Unix(), "act": act})
	if err != nil {
		return "", err
	}
	return jose.Sign(ctx, key, map[string]any{"typ": HolderProofType, "jwk": key.Public().JWK()}, payload)
}
