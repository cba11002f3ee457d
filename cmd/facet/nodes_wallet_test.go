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
	"facet/verifier"
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

// An answer is what goes to a node, and what its holder may do with it later.
type answer struct {
	path, form string
	withdraw   string // the endpoint
	holder     *jose.PrivateKey
}

// answer makes the form for a request, and says where on a node it goes.
func (w testWallet) answer(jar string) (*answer, error) {
	token, err := jose.Parse(jar, jose.Rule{Typ: []string{openid4vp.RequestType}, AllowX5C: true})
	if err != nil {
		return nil, err
	}
	asked := token.UnverifiedClaims()
	a := &answer{}
	if a.holder, err = jose.GenerateKey(); err != nil {
		return nil, err
	}
	presented, err := w.present(a.holder, asked["nonce"], asked["client_id"])
	if err != nil {
		return nil, err
	}
	payload, err := json.Marshal(map[string]any{"vp_token": map[string]any{"member": []any{presented}}, "state": asked["state"]})
	if err != nil {
		return nil, err
	}
	metadata := asked["client_metadata"].(map[string]any)
	jwk := metadata["jwks"].(map[string]any)["keys"].([]any)[0].(map[string]any)
	kid := jwk["kid"].(string)
	key, err := jose.PublicKeyFromMap(jwk)
	if err != nil {
		return nil, err
	}
	jwe, err := jose.Encrypt(payload, key, jose.EncryptOptions{Kid: kid, Enc: openid4vp.EncA256GCM})
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(asked["response_uri"].(string))
	if err != nil {
		return nil, err
	}
	a.path, a.form = u.Path, url.Values{"response": {jwe}}.Encode()
	info := asked["verifier_info"].([]any)[0].(map[string]any)
	offer, err := jose.Parse(info["data"].(string), jose.Rule{Typ: []string{openid4vp.OfferFormat}, AllowX5C: true})
	if err != nil {
		return nil, err
	}
	a.withdraw = offer.UnverifiedClaims()["withdrawal_endpoint"].(string)
	return a, nil
}

// prove makes the holder's proof that the answer is to be withdrawn.
func (a *answer) prove() (string, error) {
	payload, err := json.Marshal(map[string]any{"aud": a.withdraw, "act": "withdraw", "iat": time.Now().Unix()})
	if err != nil {
		return "", err
	}
	return jose.Sign(context.Background(), a.holder, map[string]any{"typ": verifier.ProofType, "jwk": a.holder.Public().JWK()}, payload)
}

func (w testWallet) present(holder *jose.PrivateKey, nonce, audience any) (string, error) {
	ctx, now := context.Background(), time.Now()
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
