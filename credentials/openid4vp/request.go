package openid4vp

import (
	"context"
	"encoding/json"
	"time"

	"facet/credentials/dcql"
	"facet/credentials/jose"
)

// A RequestObject holds the parameters of an authorization request (§5.1) that
// Facet sends and understands. As parsed it is no more trustworthy than where
// it came from.
type RequestObject struct {
	ClientID       string
	ResponseType   string
	ResponseMode   string
	ResponseURI    string // direct_post, direct_post.jwt
	RedirectURI    string // fragment
	Nonce          string
	State          string
	DCQL           *dcql.Query
	ClientMetadata ClientMetadata
	VerifierInfo   []VerifierInfo
	// TransactionData are entries as received; see TransactionData, the type. A
	// verifier sends them only to a wallet it knows to take them.
	TransactionData []string
	Audience        string
	// ExpectedOrigins are the pages a signed request may come from through the
	// Digital Credentials API; a wallet compared them with the caller.
	ExpectedOrigins []string
	WalletNonce     string    // only when the request object was asked for by POST with one
	IssuedAt        time.Time // zero: not stated
	ExpiresAt       time.Time // zero: not stated
}

// ClientMetadata is what a wallet must know to answer (§5.1).
type ClientMetadata struct {
	Keys          []EncryptionKey           // jwks; keys of unknown kinds are left out
	EncSupported  []string                  // encrypted_response_enc_values_supported
	VPFormats     map[string]map[string]any // vp_formats_supported
	keysPresented int                       // how many keys jwks had, usable or not
}

// An EncryptionKey is a key to encrypt a response to.
type EncryptionKey struct {
	Kid string
	Key *jose.PublicKey
}

// VerifierInfo is one attestation about the verifier (§5.11). Data of unknown
// formats is ignored.
type VerifierInfo struct {
	Format string `json:"format"`
	Data   string `json:"data"`
	// CredentialIDs are the credential queries it is about; all of them if empty.
	CredentialIDs []string `json:"credential_ids,omitempty"`
}

// SignRequest makes the signed request object (§5, RFC 9101). For x509 clients
// x5c is the chain without its anchor; for DID clients pass kid through
// SignRequestDID instead.
func SignRequest(ctx context.Context, s jose.Signer, x5c []string, r RequestObject) (string, error) {
	return signRequest(ctx, s, map[string]any{"typ": RequestType, "x5c": x5c}, r)
}

// SignRequestDID makes the signed request object of a
// decentralized_identifier client, whose kid is the verification method.
func SignRequestDID(ctx context.Context, s jose.Signer, kid string, r RequestObject) (string, error) {
	return signRequest(ctx, s, map[string]any{"typ": RequestType, "kid": kid}, r)
}

func signRequest(ctx context.Context, s jose.Signer, header map[string]any, r RequestObject) (string, error) {
	payload, err := json.Marshal(r.claims())
	if err != nil {
		return "", err
	}
	return jose.Sign(ctx, s, header, payload)
}

func (r RequestObject) claims() map[string]any {
	m := map[string]any{
		"client_id":       r.ClientID,
		"response_type":   r.ResponseType,
		"response_mode":   r.ResponseMode,
		"nonce":           r.Nonce,
		"dcql_query":      r.DCQL,
		"client_metadata": r.ClientMetadata.claims(),
		"aud":             r.Audience,
	}
	for name, value := range map[string]string{
		"response_uri": r.ResponseURI, "redirect_uri": r.RedirectURI, "state": r.State, "wallet_nonce": r.WalletNonce,
	} {
		if value != "" {
			m[name] = value
		}
	}
	if len(r.ExpectedOrigins) > 0 {
		m["expected_origins"] = r.ExpectedOrigins
	}
	if len(r.TransactionData) > 0 {
		m["transaction_data"] = r.TransactionData
	}
	if len(r.VerifierInfo) > 0 {
		m["verifier_info"] = r.VerifierInfo
	}
	for name, t := range map[string]time.Time{"iat": r.IssuedAt, "exp": r.ExpiresAt} {
		if !t.IsZero() {
			m[name] = t.Unix()
		}
	}
	return m
}

func (m ClientMetadata) claims() map[string]any {
	out := map[string]any{"vp_formats_supported": m.VPFormats}
	if len(m.Keys) > 0 {
		keys := make([]map[string]any, len(m.Keys))
		for i, k := range m.Keys {
			keys[i] = k.Key.JWK()
			keys[i]["kid"], keys[i]["use"], keys[i]["alg"] = k.Kid, "enc", algECDHES
		}
		out["jwks"] = map[string]any{"keys": keys}
	}
	if len(m.EncSupported) > 0 {
		out["encrypted_response_enc_values_supported"] = m.EncSupported
	}
	return out
}

// SDJWTFormats is the vp_formats_supported of a verifier that takes SD-JWT VCs
// signed with ES256 (HAIP §7).
func SDJWTFormats() map[string]map[string]any {
	return map[string]map[string]any{FormatSDJWT: {
		"sd-jwt_alg_values": []string{"ES256"},
		"kb-jwt_alg_values": []string{"ES256"},
	}}
}
