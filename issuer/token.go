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
// redeemed once; five wrong transaction codes void it. After a failure of the
// store the same request may be sent again: what may have redeemed the code
// then still gives the token nobody was told. Only who dies between the two
// loses an offer. Reasons: code_unknown, code_used, code_expired,
// tx_code_missing, tx_code_unexpected, tx_code_wrong (with TriesLeft),
// tx_code_attempts, and those of ParseTokenRequest.
func (i *Issuer) Token(ctx context.Context, body []byte) (*openid4vci.TokenResponse, error) {
	r, err := openid4vci.ParseTokenRequest(body)
	if err != nil {
		return nil, err
	}
	token, err := i.redeem(ctx, r)
	if err != nil {
		return nil, err
	}
	return &openid4vci.TokenResponse{
		AccessToken: token, TokenType: "Bearer", ExpiresIn: int(i.config.TokenTTL.Seconds()),
	}, nil
}

// redeem moves the code to used, or counts a wrong transaction code; either is
// one Swap, so that requests racing for one code cannot both win, nor get more
// tries than there are. The token is kept before: without the Swap nobody is
// told it.
func (i *Issuer) redeem(ctx context.Context, r *openid4vci.TokenRequest) (token openid4vci.Secret, err error) {
	key := keyCode + hashed(string(r.Code))
	for range maxRaces {
		var c codeRecord
		v, err := load(ctx, i.config.Store, key, &c)
		if errors.Is(err, store.ErrNotFound) {
			return "", openid4vci.NewError(openid4vci.CodeInvalidGrant, "code_unknown", "the code is not known")
		}
		if err != nil {
			return "", fmt.Errorf("issuer: find code: %w", err)
		}
		if told, ok := i.untold(c, r); ok {
			return told, nil
		}
		refusal := i.checkCode(&c, r)
		var wire *openid4vci.Error
		switch {
		case refusal == nil && token == "":
			token = openid4vci.Secret(secret() + secret())
			if err := i.keepToken(ctx, token, &c); err != nil {
				return "", err
			}
			fallthrough
		case refusal == nil:
			err = i.take(ctx, key, v, c, token)
		case errors.As(refusal, &wire) && wire.Reason() == "tx_code_wrong":
			err = put(ctx, i.config.Store, key, v, c)
		default:
			i.dropToken(ctx, token)
			return "", refusal
		}
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("issuer: redeem code: %w", err)
		}
		return token, refusal
	}
	i.dropToken(ctx, token)
	return "", errRace
}

func (i *Issuer) keepToken(ctx context.Context, token openid4vci.Secret, c *codeRecord) error {
	err := put(ctx, i.config.Store, keyToken+hashed(string(token)), 0, tokenRecord{
		Expires: i.config.Now().Add(i.config.TokenTTL).Unix(), Offer: c.Offer,
		Copies: map[string]int{}, Subjects: c.Subjects,
	})
	if err != nil {
		return fmt.Errorf("issuer: keep token: %w", err)
	}
	return nil
}

// dropToken deletes a token nobody will be told. What it cannot delete, Sweep
// does.
func (i *Issuer) dropToken(ctx context.Context, token openid4vci.Secret) {
	if token == "" {
		return
	}
	key := keyToken + hashed(string(token))
	if _, v, err := i.config.Store.Get(ctx, key); err == nil {
		_ = i.config.Store.Delete(ctx, key, v) // tried once
	}
}

// take redeems the code for the token. Of a Swap that failed nobody knows
// whether it was kept: then the token is remembered for who asks again.
func (i *Issuer) take(ctx context.Context, key string, v store.Version, c codeRecord, token openid4vci.Secret) error {
	c.Used, c.Subjects, c.Token = true, nil, hashed(string(token))
	err := put(ctx, i.config.Store, key, v, c)
	if err == nil {
		i.closeOffer(ctx, c.Offer)
		return nil
	}
	if !errors.Is(err, store.ErrConflict) {
		i.mu.Lock()
		i.unsure[c.Token] = unsure{token, c.Tries, c.Expires}
		i.mu.Unlock()
	}
	return err
}

// An unsure is a token whose code may have been redeemed for it.
type unsure struct {
	token   openid4vci.Secret
	tries   int   // wrong transaction codes
	expires int64 // the code
}

// untold finds the token a code was redeemed for by a request that was told of
// a failure instead, once. Who asks must know the transaction code, and has no
// more tries to guess it than before.
func (i *Issuer) untold(c codeRecord, r *openid4vci.TokenRequest) (openid4vci.Secret, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	found, ok := i.unsure[c.Token]
	if !c.Used || !ok {
		return "", false
	}
	c.Used, c.Tries = false, found.tries
	if i.checkCode(&c, r) != nil {
		found.tries = c.Tries
		i.unsure[c.Token] = found
		return "", false
	}
	delete(i.unsure, c.Token)
	return found.token, true
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
