package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/credentials/sdjwt"
	"facet/schemas"
)

// A testWallet holds a membership of the paper's and answers whoever asks for
// its tier.
type testWallet struct{ paper demoIdentity }

// requestPath is where on a node the link's request is.
func (testWallet) requestPath(link string) (string, error) {
	p, err := openid4vp.ParseAuthorize(link)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(p.RequestURI)
	if err != nil {
		return "", err
	}
	return u.Path, nil
}

// answer makes the form for a request, and says where on a node it goes.
func (w testWallet) answer(jar string) (path, form string, err error) {
	token, err := jose.Parse(jar, jose.Rule{Typ: []string{openid4vp.RequestType}, AllowX5C: true})
	if err != nil {
		return "", "", err
	}
	asked := token.UnverifiedClaims()
	presented, err := w.present(asked["nonce"], asked["client_id"])
	if err != nil {
		return "", "", err
	}
	payload, err := json.Marshal(map[string]any{"vp_token": map[string]any{"member": []any{presented}}, "state": asked["state"]})
	if err != nil {
		return "", "", err
	}
	metadata := asked["client_metadata"].(map[string]any)
	jwk := metadata["jwks"].(map[string]any)["keys"].([]any)[0].(map[string]any)
	kid := jwk["kid"].(string)
	key, err := jose.PublicKeyFromMap(jwk)
	if err != nil {
		return "", "", err
	}
	jwe, err := jose.Encrypt(payload, key, jose.EncryptOptions{Kid: kid, Enc: openid4vp.EncA256GCM})
	if err != nil {
		return "", "", err
	}
	u, err := url.Parse(asked["response_uri"].(string))
	if err != nil {
		return "", "", err
	}
	return u.Path, url.Values{"response": {jwe}}.Encode(), nil
}

func (w testWallet) present(nonce, audience any) (string, error) {
	ctx, now := context.Background(), time.Now()
	holder, err := jose.GenerateKey()
	if err != nil {
		return "", err
	}
	issuer, err := jose.PrivateKeyFromCrypto(w.paper.key)
	if err != nil {
		return "", err
	}
	full, err := credentials.Issue(ctx, issuer, w.paper.x5c, credentials.Issuance{
		VCT: schemas.MediaMembership, Subject: map[string]any{"tier": "plus", "entitlements": []any{"archive"}, "valid_until": "2027-12-31"},
		Holder: holder.Public(), IssuedAt: now, ExpiresAt: now.Add(24 * time.Hour),
	})
	if err != nil {
		return "", err
	}
	parsed, err := sdjwt.Parse(full)
	if err != nil {
		return "", err
	}
	verified, err := parsed.Verify(issuer.Public(), sdjwt.VerifyOptions{})
	if err != nil {
		return "", err
	}
	shown, err := sdjwt.NewHolding(verified).Select([]claims.Path{{"tier"}})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(shown))
	payload, err := json.Marshal(map[string]any{
		"nonce": nonce, "aud": audience, "iat": now.Unix(), "sd_hash": base64.RawURLEncoding.EncodeToString(sum[:]),
	})
	if err != nil {
		return "", err
	}
	kb, err := jose.Sign(ctx, holder, map[string]any{"typ": sdjwt.KeyBindingType}, payload)
	return shown + kb, err
}
