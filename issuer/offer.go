package issuer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"

	"facet/credentials/claims"
	"facet/credentials/openid4vci"
	"facet/store"
)

// An OfferRequest says what to offer to one person.
type OfferRequest struct {
	Subjects    map[string]claims.Set // claims by credential_configuration_id; one or more
	WithoutCode bool                  // no transaction code: only where the offer itself travels safely
	Description string                // of the transaction code, for the holder; at most 300 characters
}

// An Offered is an offer that was made.
type Offered struct {
	ID     string            // unguessable
	URL    string            // where a wallet fetches the offer
	TxCode openid4vci.Secret // to be given to the person another way; "" if WithoutCode
}

// NewOffer makes an offer that can be redeemed once, before it expires. Reason
// unknown_configuration.
func (i *Issuer) NewOffer(ctx context.Context, r OfferRequest) (*Offered, error) {
	ids := configurationIDs(r.Subjects)
	if len(ids) == 0 || len(ids) > openid4vci.MaxOffered {
		return nil, errors.New("issuer: an offer needs something to offer")
	}
	for _, id := range ids {
		if _, there := i.config.Configurations[id]; !there {
			return nil, unknownConfiguration()
		}
	}
	expires := i.config.Now().Add(i.config.OfferTTL).Unix()
	id, code := secret(), secret()
	offered := &Offered{ID: id, URL: i.config.URL + PathOffers + id}
	record := codeRecord{Expires: expires, Offer: id, Subjects: r.Subjects}
	if !r.WithoutCode {
		offered.TxCode = openid4vci.Secret(digits(TxCodeDigits))
		record.TxHash = txHash(code, string(offered.TxCode))
	}
	if err := put(ctx, i.config.Store, keyCode+hashed(code), 0, record); err != nil {
		return nil, fmt.Errorf("issuer: keep offer: %w", err)
	}
	offer := offerRecord{Expires: expires, Code: code, IDs: ids, HasTx: !r.WithoutCode, Description: r.Description}
	if err := put(ctx, i.config.Store, keyOffer+id, 0, offer); err != nil {
		return nil, fmt.Errorf("issuer: keep offer: %w", err)
	}
	return offered, nil
}

// txHash ties a transaction code to its code: six digits alone would be
// guessed from the hash, the code is not in the same record.
func txHash(code, txCode string) string { return hashed(code + "." + txCode) }

// digits returns n fresh decimal digits, evenly distributed.
func digits(n int) string {
	b := make([]byte, n)
	for i := range b {
		d, err := rand.Int(rand.Reader, big.NewInt(10))
		if err != nil {
			panic(err) // crypto/rand never fails (Go 1.24)
		}
		b[i] = '0' + byte(d.Int64())
	}
	return string(b)
}

// Offer returns what a wallet fetches at Offered.URL. It may be fetched again
// until it is redeemed or expires. Reasons: offer_unknown, offer_expired,
// code_used.
func (i *Issuer) Offer(ctx context.Context, id string) (*openid4vci.Offer, error) {
	r, err := i.offered(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrTooLarge):
		return nil, openid4vci.NewError(openid4vci.CodeInvalidRequest, "offer_unknown", "there is no such offer")
	case err != nil:
		return nil, fmt.Errorf("issuer: find offer: %w", err)
	case expired(r.Expires, i.config.Now()):
		return nil, openid4vci.NewError(openid4vci.CodeInvalidRequest, "offer_expired", "the offer has run out")
	case r.Redeemed:
		return nil, openid4vci.NewError(openid4vci.CodeInvalidRequest, "code_used", "the offer was redeemed already")
	}
	grant := &openid4vci.PreAuthorizedGrant{Code: openid4vci.Secret(r.Code)}
	if r.HasTx {
		grant.TxCode = &openid4vci.TxCode{InputMode: "numeric", Length: TxCodeDigits, Description: r.Description}
	}
	return &openid4vci.Offer{
		CredentialIssuer: i.config.URL, ConfigurationIDs: r.IDs,
		Grants: openid4vci.Grants{PreAuthorized: grant},
	}, nil
}

// Redeemed reports whether the offer's code was exchanged for a token, for
// whoever shows the offer. An offer that is gone counts as not redeemed.
func (i *Issuer) Redeemed(ctx context.Context, id string) (bool, error) {
	r, err := i.offered(ctx, id)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrTooLarge) {
		return false, nil
	}
	return r.Redeemed, err
}

// offered reads an offer; whether it was redeemed its code knows first.
func (i *Issuer) offered(ctx context.Context, id string) (r offerRecord, err error) {
	if _, err = load(ctx, i.config.Store, keyOffer+id, &r); err != nil || r.Redeemed {
		return r, err
	}
	var c codeRecord
	_, err = load(ctx, i.config.Store, keyCode+hashed(r.Code), &c)
	if errors.Is(err, store.ErrNotFound) {
		return r, nil // swept a moment ago
	}
	r.Redeemed = c.Used
	return r, err
}

// closeOffer takes the code out of an offer that was redeemed. It is worth
// nothing by then, so it is tried once.
func (i *Issuer) closeOffer(ctx context.Context, id string) {
	var r offerRecord
	v, err := load(ctx, i.config.Store, keyOffer+id, &r)
	if err != nil {
		return
	}
	r.Redeemed, r.Code = true, ""
	_ = put(ctx, i.config.Store, keyOffer+id, v, r)
}

func unknownConfiguration() error {
	return openid4vci.NewError(openid4vci.CodeUnknownConfiguration, "unknown_configuration", "there is no such credential here")
}
