package verifier

import (
	"context"
	"errors"
	"time"

	"facet/audit"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
)

// MaxWalletNonce is the longest wallet_nonce in bytes that is echoed.
const MaxWalletNonce = 256

// RequestObject signs the transaction's request for a wallet. It may be fetched
// again until there is an answer, each time with the wallet_nonce of that fetch
// (OpenID4VP §5.10); pass an empty one for a GET. Reasons: transaction_unknown,
// transaction_expired, transaction_already_used, wallet_nonce_invalid.
func (v *Verifier) RequestObject(ctx context.Context, requestID, walletNonce string) (string, error) {
	t, err := v.find(ctx, forRequest, requestID)
	if err != nil {
		return "", err
	}
	if t.Flow == audit.DCAPI {
		return "", fail(ReasonUnknown, "the browser carries the request")
	}
	if err := t.askable(v.cfg.Now()); err != nil {
		return "", err
	}
	if len(walletNonce) > MaxWalletNonce {
		return "", fail("wallet_nonce_invalid", "wallet_nonce is too long")
	}
	if t, err = v.noteOpened(ctx, t); err != nil {
		return "", err
	}
	if err := t.platform.requests.take(ctx); err != nil {
		return "", err
	}
	defer t.platform.requests.leave()
	return v.signed(ctx, t, walletNonce)
}

// askable reports whether the request may still be shown to a wallet.
func (t *transaction) askable(now time.Time) error {
	switch {
	case t.State != Open:
		return fail(ReasonUsed, "the request was answered")
	case !now.Before(t.expires()):
		return fail(ReasonExpired, "the request has expired")
	}
	return nil
}

// signed signs the request with its policy offer inside.
func (v *Verifier) signed(ctx context.Context, t *transaction, walletNonce string) (string, error) {
	by, err := t.platform.signingAs(t.ClientID)
	if err != nil {
		return "", err
	}
	r, err := v.parameters(ctx, t)
	if err != nil {
		return "", err
	}
	r.WalletNonce = walletNonce
	registered, err := by.entitled(t.policy, v.cfg.Now())
	if err != nil {
		return "", err
	}
	offer, err := openid4vp.SignOffer(ctx, by.Signer, r, openid4vp.PolicyOffer{
		Policy:             t.policy.policy,
		ReceiptEndpoint:    v.endpoint("receipt", forReceipt, t),
		WithdrawalEndpoint: v.endpoint("withdraw", forWithdraw, t),
		Log:                v.cfg.LogInfo,
		RetentionUntil:     t.keep(),
		Flow:               string(t.Flow),
	})
	if err != nil {
		return "", unavailable("sign policy offer", err)
	}
	r.VerifierInfo = []openid4vp.VerifierInfo{offer}
	if registered != nil {
		r.VerifierInfo = append(r.VerifierInfo, registered.info(t.policy))
	}
	jar, err := by.request(ctx, r)
	if err != nil {
		return "", unavailable("sign request", err)
	}
	return jar, nil
}

// parameters are what every form of the request says.
func (v *Verifier) parameters(ctx context.Context, t *transaction) (openid4vp.RequestObject, error) {
	r := openid4vp.RequestObject{
		ClientID:       t.ClientID,
		ResponseType:   openid4vp.ResponseType,
		Nonce:          t.Nonce,
		DCQL:           t.policy.Query,
		ClientMetadata: openid4vp.ClientMetadata{VPFormats: openid4vp.SDJWTFormats()},
		Audience:       openid4vp.SelfIssuedAudience,
		IssuedAt:       t.created(),
		ExpiresAt:      t.expires(),
	}
	if t.TransactionData != "" {
		r.TransactionData = []string{t.TransactionData}
	}
	v.direct(t, &r)
	if t.clear() {
		return r, nil
	}
	key, err := v.encryptionKey(ctx, t)
	if err != nil {
		return r, err
	}
	r.ClientMetadata.Keys = []openid4vp.EncryptionKey{{Kid: t.EncKid, Key: key.Public()}}
	r.ClientMetadata.EncSupported = []string{openid4vp.EncA128GCM, openid4vp.EncA256GCM}
	return r, nil
}

// direct says where and how the answer goes: to the verifier, back with the
// holder, or into the hands of the page that asks, which knows no state.
func (v *Verifier) direct(t *transaction, r *openid4vp.RequestObject) {
	switch {
	case t.Flow == audit.DCAPI:
		r.ResponseMode, r.ExpectedOrigins = openid4vp.ModeDCAPIJWT, []string{t.Origin}
		if t.clear() {
			r.ResponseMode = openid4vp.ModeDCAPI
		}
		return
	case t.returns():
		r.ResponseMode, r.RedirectURI = openid4vp.ModeFragment, t.ReturnURI
	case t.clear():
		r.ResponseMode, r.ResponseURI = openid4vp.ModeDirectPost, v.endpoint("response", forResponse, t)
	default:
		r.ResponseMode, r.ResponseURI = openid4vp.ModeDirectPostJWT, v.endpoint("response", forResponse, t)
	}
	r.State = t.WireState
}

// unsigned is the request of a redirect_uri client, as the parameters of a link
// (OpenID4VP §5.9.3). There is no key a policy offer could be bound to.
func (v *Verifier) unsigned(ctx context.Context, t *transaction) (string, error) {
	r, err := v.parameters(ctx, t)
	if err != nil {
		return "", err
	}
	params, err := r.Params()
	if err != nil {
		return "", err
	}
	return params.Encode(), nil
}

// noteOpened remembers that a wallet has fetched the request, so that the
// platform's page can say so. The log is not told: nobody has answered.
func (v *Verifier) noteOpened(ctx context.Context, t *transaction) (*transaction, error) {
	if t.Fetched {
		return t, nil
	}
	next := *t
	next.Fetched = true
	noted, err := v.swap(ctx, t, next)
	if errors.Is(err, errMoved) {
		return t, nil // somebody fetched or answered meanwhile, which says as much
	}
	return noted, err
}

func (v *Verifier) endpoint(name string, p purpose, t *transaction) string {
	return v.cfg.BaseURL + "/wallet/" + name + "/" + v.ids.name(p, t.ID)
}

// encryptionKey unseals the key made for this one request.
func (v *Verifier) encryptionKey(ctx context.Context, t *transaction) (*jose.DecryptionKey, error) {
	secret, err := v.secret(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	text, err := unseal(secret, sealedKey, t.ID, t.EncKey)
	if err != nil {
		return nil, unavailable("unseal response key", err)
	}
	key, err := readResponseKey(text)
	if err != nil {
		return nil, unavailable("read response key", err)
	}
	return key, nil
}

// readResponseKey reads a scalar, or the JWK of a request from before decision
// record 0041.
func readResponseKey(text []byte) (*jose.DecryptionKey, error) {
	if len(text) > 32 {
		members, err := jose.ParseObject(text, jose.Limits{})
		if err != nil {
			return nil, err
		}
		d, _ := members["d"].(string)
		if text, err = jose.DecodeBase64URL(d); err != nil {
			return nil, err
		}
	}
	return jose.ParseDecryptionKey(text)
}
