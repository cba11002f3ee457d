package issuer

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"facet/credentials/openid4vci"
	"facet/store"
)

// maxRaces bounds how often a step is tried again because another request
// changed the same record meanwhile.
const maxRaces = 16

var errRace = errors.New("issuer: too many requests for one code at once")

// Token answers a token request, a form body (OpenID4VCI 1.0 §6). A code is
// redeemed once; five wrong transaction codes void it. Reasons: code_unknown,
// code_used, code_expired, tx_code_missing, tx_code_unexpected, tx_code_wrong
// (with TriesLeft), tx_code_attempts, and those of ParseTokenRequest.
func (i *Issuer) Token(ctx context.Context, body []byte) (*openid4vci.TokenResponse, error) {
	r, err := openid4vci.ParseTokenRequest(body)
	if err != nil {
		return nil, err
	}
	code, err := i.redeem(ctx, r)
	if err != nil {
		return nil, err
	}
	token := secret() + secret()
	record := tokenRecord{
		Expires: i.config.Now().Add(i.config.TokenTTL).Unix(), Offer: code.Offer,
		Copies: map[string]int{}, Subjects: code.Subjects,
	}
	if err := put(ctx, i.config.Store, keyToken+hashed(token), 0, record); err != nil {
		return nil, fmt.Errorf("issuer: keep token: %w", err)
	}
	if err := i.markRedeemed(ctx, code.Offer); err != nil {
		return nil, fmt.Errorf("issuer: close offer: %w", err)
	}
	return &openid4vci.TokenResponse{
		AccessToken: openid4vci.Secret(token), TokenType: "Bearer", ExpiresIn: int(i.config.TokenTTL.Seconds()),
	}, nil
}

// redeem moves the code to used, or counts a wrong transaction code; either is
// one Swap, so that requests racing for one code cannot both win, nor get more
// tries than there are.
func (i *Issuer) redeem(ctx context.Context, r *openid4vci.TokenRequest) (*codeRecord, error) {
	key := keyCode + hashed(string(r.Code))
	for range maxRaces {
		var c codeRecord
		v, err := load(ctx, i.config.Store, key, &c)
		if errors.Is(err, store.ErrNotFound) {
			return nil, openid4vci.NewError(openid4vci.CodeInvalidGrant, "code_unknown", "the code is not known")
		}
		if err != nil {
			return nil, fmt.Errorf("issuer: find code: %w", err)
		}
		refusal := i.checkCode(&c, r)
		var wire *openid4vci.Error
		if refusal != nil && !(errors.As(refusal, &wire) && wire.Reason() == "tx_code_wrong") {
			return nil, refusal
		}
		next := c
		if refusal == nil {
			next.Used, next.Subjects = true, nil
		}
		err = put(ctx, i.config.Store, key, v, next)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("issuer: redeem code: %w", err)
		}
		return &c, refusal
	}
	return nil, errRace
}

// checkCode counts a wrong transaction code in c.
func (i *Issuer) checkCode(c *codeRecord, r *openid4vci.TokenRequest) error {
	refuse := func(code, reason, detail string) error { return openid4vci.NewError(code, reason, detail) }
	switch {
	case c.Used:
		return refuse(openid4vci.CodeInvalidGrant, "code_used", "the code was redeemed already")
	case expired(c.Expires, i.config.Now()):
		return refuse(openid4vci.CodeInvalidGrant, "code_expired", "the code has run out")
	case c.Tries >= TxCodeTries:
		return refuse(openid4vci.CodeInvalidGrant, "tx_code_attempts", "too many wrong transaction codes; ask for a new offer")
	case c.TxHash == "" && r.HasTxCode:
		return refuse(openid4vci.CodeInvalidRequest, "tx_code_unexpected", "no transaction code was asked for")
	case c.TxHash == "":
		return nil
	case !r.HasTxCode:
		return refuse(openid4vci.CodeInvalidRequest, "tx_code_missing", "a transaction code is needed")
	}
	got := txHash(string(r.Code), string(r.TxCode))
	if subtle.ConstantTimeCompare([]byte(got), []byte(c.TxHash)) == 1 {
		return nil
	}
	c.Tries++
	e := openid4vci.NewError(openid4vci.CodeInvalidGrant, "tx_code_wrong", "the transaction code is wrong")
	e.TriesLeft = TxCodeTries - c.Tries
	return e
}
