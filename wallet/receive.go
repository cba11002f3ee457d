package wallet

import (
	"context"
	"net/url"
	"slices"
	"time"

	"facet/credentials/jose"
	"facet/credentials/openid4vci"
	"facet/schemas"
)

// BatchCopies is how many one-time copies of a credential the wallet asks for,
// if the issuer gives as many.
const BatchCopies = 5

// offerTTL is how long an offer stays open here.
const offerTTL = 30 * time.Minute

// An OfferSource is where an offer is: a link, the offer itself, or its
// address. Exactly one is set.
type OfferSource struct {
	URL                string `json:"url"`
	CredentialOffer    string `json:"credential_offer"`
	CredentialOfferURI string `json:"credential_offer_uri"`
}

// An Acceptance is what the holder adds to an offer. Confirmed says that they
// have seen the issuer's host and still want to (OfferView.Confirm).
type Acceptance struct {
	TxCode    string
	Confirmed bool
}

// An offer is one that is open. The token is kept, so that what fails after the
// code was redeemed can be tried again.
type offer struct {
	id     string
	since  time.Time
	offer  *openid4vci.Offer
	grant  *openid4vci.PreAuthorizedGrant
	issuer *openid4vci.Issuer
	view   OfferView
	token  *openid4vci.TokenResponse
	done   bool // one Accept at a time
}

// Offer reads an offer and asks the issuer's metadata what it is about. Nothing
// in it is believed: whether the issuer is trusted shows in what it signs.
func (w *Wallet) Offer(ctx context.Context, s OfferSource) (OfferView, error) {
	if w.distrust != nil {
		return OfferView{}, w.distrust
	}
	parsed, err := w.readOffer(ctx, s)
	if err != nil {
		return OfferView{}, err
	}
	grant, err := parsed.PreAuthorized()
	if err != nil {
		return OfferView{}, err
	}
	issuer, err := w.issuers().Issuer(ctx, parsed)
	if err != nil {
		return OfferView{}, err
	}
	o := &offer{id: newID(), since: w.cfg.Now(), offer: parsed, grant: grant, issuer: issuer}
	if err := w.describeOffer(o); err != nil {
		return OfferView{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.openOffer(o)
	return o.view, nil
}

func (w *Wallet) issuers() openid4vci.Client { return openid4vci.Client{Fetch: w.cfg.Fetch} }

func (w *Wallet) readOffer(ctx context.Context, s OfferSource) (*openid4vci.Offer, error) {
	switch {
	case s.CredentialOffer != "" && s.URL == "" && s.CredentialOfferURI == "":
		return openid4vci.ParseOffer([]byte(s.CredentialOffer))
	case s.CredentialOfferURI != "" && s.URL == "" && s.CredentialOffer == "":
		return w.issuers().Offer(ctx, s.CredentialOfferURI)
	case s.URL == "" || s.CredentialOffer != "" || s.CredentialOfferURI != "":
		return nil, failf(CodeParams, "an offer has one source")
	}
	link, err := openid4vci.ParseOfferLink(s.URL)
	if err != nil {
		return nil, err
	}
	if link.Offer != nil {
		return link.Offer, nil
	}
	return w.issuers().Offer(ctx, link.URI)
}

// openOffer remembers o; beyond MaxOpenOffers the oldest goes. The caller holds
// w.mu.
func (w *Wallet) openOffer(o *offer) {
	for id, old := range w.offers {
		if w.cfg.Now().Sub(old.since) > offerTTL {
			delete(w.offers, id)
		}
	}
	for len(w.offers) >= MaxOpenOffers {
		oldest := ""
		for id, old := range w.offers {
			if oldest == "" || old.since.Before(w.offers[oldest].since) {
				oldest = id
			}
		}
		delete(w.offers, oldest)
	}
	w.offers[o.id] = o
}

func (w *Wallet) describeOffer(o *offer) error {
	host := ""
	if u, err := url.Parse(o.issuer.Metadata.CredentialIssuer); err == nil {
		host = plainHost(u.Hostname())
	}
	o.view = OfferView{OfferID: o.id, Issuer: w.offerIssuer(o.issuer.Metadata.CredentialIssuer, host), Items: []OfferItem{}}
	o.view.Confirm = !o.view.Issuer.Verified && o.grant.TxCode != nil
	if t := o.grant.TxCode; t != nil {
		o.view.TxCode = &TxCode{Length: t.Length, InputMode: t.InputMode, Description: t.Description}
		if o.view.TxCode.InputMode == "" {
			o.view.TxCode.InputMode = "numeric" // the default (OpenID4VCI §4.1.1)
		}
	}
	for _, id := range o.offer.ConfigurationIDs {
		c := o.issuer.Metadata.Configurations[id]
		if c.Format != openid4vci.FormatSDJWT || slices.Contains(mintable, c.VCT) {
			return failf(CodeOfferUnsupported, "this wallet cannot take what is offered")
		}
		o.view.Items = append(o.view.Items, offerItem(c))
	}
	return nil
}

// offerIssuer says who is behind a host. The issuer's own display name is not
// used: anyone can call themselves a registry. TLS vouches for the host, the
// trust list for the host's name.
func (w *Wallet) offerIssuer(identifier, host string) OfferIssuer {
	if name, ok := w.cfg.Hosts.at(identifier, host); ok {
		return OfferIssuer{Name: name, Domain: host, Verified: true}
	}
	return OfferIssuer{Name: host, Domain: host}
}

func offerItem(c openid4vci.Configuration) OfferItem {
	m := metadataFor(c)
	item := OfferItem{Title: m.title(), Kind: kindOf(c.VCT), Claims: []ClaimLine{}, NotIn: notIn(c.VCT)}
	for _, p := range m.paths() {
		item.Claims = append(item.Claims, ClaimLine{Label: m.label(p)})
	}
	return item
}

// notIn says what people fear to find in a proof of this type and will not.
func notIn(vct string) Text {
	switch vct {
	case schemas.Age:
		return Text{"de": "Name, Geburtsdatum und Adresse stehen nicht darin.", "en": "Name, date of birth and address are not in it."}
	case schemas.MediaMembership:
		return Text{"de": "Name, Adresse und Kundennummer stehen nicht darin.", "en": "Name, address and customer number are not in it."}
	}
	return nil
}

// Accept redeems an offer: token, nonce, one proof per copy, credentials. What
// comes back is checked as a holder must (RFC 9901 §7.2) before any of it is
// stored. Reasons: tx_code_missing, tx_code_phishing if an unvouched host wants
// a code and Confirmed is not set, tx_code_wrong (see TriesLeft), issuer_untrusted,
// sdjwt_unexpected_kb, holder_key_substitution, batch_linkable.
func (w *Wallet) Accept(ctx context.Context, offerID string, a Acceptance) (Accepted, error) {
	o, err := w.takeOffer(offerID, a)
	if err != nil {
		return Accepted{}, err
	}
	defer func() {
		w.mu.Lock()
		o.done = false
		w.mu.Unlock()
	}()
	if o.token == nil {
		token, err := w.issuers().Token(ctx, o.issuer, openid4vci.TokenRequest{
			Code: o.grant.Code, TxCode: openid4vci.Secret(a.TxCode), HasTxCode: o.grant.TxCode != nil,
		})
		if err != nil {
			return Accepted{}, err
		}
		o.token = token
	}
	var received []*held
	for _, id := range o.offer.ConfigurationIDs {
		h, err := w.fetchCopies(ctx, o, id)
		if err != nil {
			return Accepted{}, err
		}
		received = append(received, h)
	}
	return w.store(ctx, o, received)
}

// takeOffer finds an open offer and keeps a second Accept out meanwhile.
func (w *Wallet) takeOffer(id string, a Acceptance) (*offer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, ok := w.offers[id]
	switch {
	case !ok || o.done || w.cfg.Now().Sub(o.since) > offerTTL:
		return nil, failf(CodeOfferGone, "the offer is no longer open")
	case o.view.Confirm && !a.Confirmed:
		return nil, failf(CodeTxCodePhishing, "the issuer is not known: confirm its address first")
	case o.grant.TxCode != nil && o.token == nil && a.TxCode == "":
		return nil, failf(CodeTxCodeMissing, "the issuer wants a code")
	}
	o.done = true
	return o, nil
}

// fetchCopies asks for the one-time copies of one configuration, each bound to
// a key of its own, and checks them.
func (w *Wallet) fetchCopies(ctx context.Context, o *offer, configuration string) (*held, error) {
	nonce, err := w.issuers().Nonce(ctx, o.issuer)
	if err != nil {
		return nil, err
	}
	n := min(max(o.issuer.Metadata.BatchSize, 1), BatchCopies)
	keys := make([]*jose.PrivateKey, 0, n)
	proofs := make([]string, 0, n)
	for range n {
		key, err := jose.GenerateKey()
		if err != nil {
			return nil, err
		}
		proof, err := openid4vci.BuildProof(ctx, key, openid4vci.ProofClaims{
			Audience: o.issuer.Metadata.CredentialIssuer, Nonce: nonce, IssuedAt: w.cfg.Now(),
		})
		if err != nil {
			return nil, err
		}
		keys, proofs = append(keys, key), append(proofs, proof)
	}
	request := openid4vci.CredentialRequest{Proofs: map[string][]string{"jwt": proofs}}
	if request.Identifier = o.token.Identifier(configuration); request.Identifier == "" {
		request.ConfigurationID = configuration
	}
	response, err := w.issuers().Credentials(ctx, o.issuer, o.token.AccessToken, request)
	if err != nil {
		return nil, err
	}
	return w.admit(ctx, o.issuer.Metadata.Configurations[configuration], response.Credentials, keys)
}

// store keeps what was received. A credential that says the same as one already
// held, from the same issuer, takes its place.
func (w *Wallet) store(ctx context.Context, o *offer, received []*held) (Accepted, error) {
	out := Accepted{Cards: []Card{}, Claims: []ClaimLine{}}
	err := w.change(ctx, func() error {
		old, err := all[held](w, recCredential)
		if err != nil {
			return err
		}
		for _, h := range received {
			for _, was := range old {
				if was.sameAs(h) {
					if err := w.remove(recCredential, was.ID); err != nil {
						return err
					}
				}
			}
			if err := w.put(recCredential, h.ID, h); err != nil {
				return err
			}
			out.Cards = append(out.Cards, w.card(h))
			out.Claims = append(out.Claims, h.lines()...)
		}
		delete(w.offers, o.id)
		return nil
	})
	return out, err
}
