package openid4vci

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
)

// An Offer is an issuer's invitation to fetch credentials (§4.1.1). Anyone may
// have written it: nothing in it is to be believed before the issuer's own
// metadata and the credential itself say so (§13.5).
type Offer struct {
	CredentialIssuer string   `json:"credential_issuer"`
	ConfigurationIDs []string `json:"credential_configuration_ids"`
	Grants           Grants   `json:"grants"`
}

// Grants are the ways the issuer is prepared to authorize; each may be nil.
type Grants struct {
	PreAuthorized     *PreAuthorizedGrant     `json:"urn:ietf:params:oauth:grant-type:pre-authorized_code,omitempty"`
	AuthorizationCode *AuthorizationCodeGrant `json:"authorization_code,omitempty"`
}

// A PreAuthorizedGrant carries the code that is the authorization.
type PreAuthorizedGrant struct {
	Code                Secret  `json:"pre-authorized_code"`
	TxCode              *TxCode `json:"tx_code,omitempty"` // nil: none is to be sent
	AuthorizationServer string  `json:"authorization_server,omitempty"`
}

// Format prints that there is a grant: fmt shows what a pointer inside a struct
// points at, for some verbs without asking the Secret there.
func (PreAuthorizedGrant) Format(w fmt.State, _ rune) {
	_, _ = io.WriteString(w, "[pre-authorized grant]")
}

// A TxCode describes the transaction code that reached the holder another way.
type TxCode struct {
	InputMode   string `json:"input_mode,omitempty"` // "numeric" or "text"
	Length      int    `json:"length,omitempty"`
	Description string `json:"description,omitempty"` // at most 300 characters
}

// An AuthorizationCodeGrant is parsed to be recognized; Client does not use it.
type AuthorizationCodeGrant struct {
	IssuerState         string `json:"issuer_state,omitempty"`
	AuthorizationServer string `json:"authorization_server,omitempty"`
}

// ParseOffer reads an offer. Reason offer_malformed, or one of the JSON
// parser's.
func ParseOffer(text []byte) (*Offer, error) {
	o, err := parseObject(text, MaxOffer)
	if err != nil {
		return nil, because("", "offer_malformed", "offer is not strict JSON", err)
	}
	offer := &Offer{CredentialIssuer: o.text("credential_issuer"), ConfigurationIDs: o.texts("credential_configuration_ids")}
	grants := o.object("grants")
	if g := grants.object(GrantPreAuthorized); g.members != nil {
		offer.Grants.PreAuthorized = preAuthorized(g)
	}
	if g := grants.object("authorization_code"); g.members != nil {
		offer.Grants.AuthorizationCode = &AuthorizationCodeGrant{g.text("issuer_state"), g.text("authorization_server")}
	}
	if *o.wrong != "" {
		return nil, NewError("", "offer_malformed", "a member has the wrong kind")
	}
	return offer, offer.check()
}

func preAuthorized(g object) *PreAuthorizedGrant {
	p := &PreAuthorizedGrant{Code: Secret(g.text("pre-authorized_code")), AuthorizationServer: g.text("authorization_server")}
	if t := g.object("tx_code"); t.members != nil {
		p.TxCode = &TxCode{InputMode: t.text("input_mode"), Length: t.number("length"), Description: t.text("description")}
	}
	return p
}

func (o *Offer) check() error {
	if err := checkIssuerURL(o.CredentialIssuer); err != nil {
		return err
	}
	ids := slices.Sorted(slices.Values(o.ConfigurationIDs))
	if len(ids) == 0 || len(ids) > MaxOffered || len(slices.Compact(ids)) != len(o.ConfigurationIDs) || ids[0] == "" {
		return NewError("", "offer_malformed", "credential_configuration_ids must name each configuration once")
	}
	p := o.Grants.PreAuthorized
	if p == nil {
		return nil
	}
	if p.Code == "" || len(p.Code) > maxCodeBytes {
		return NewError("", "offer_malformed", "pre-authorized_code is empty or too long")
	}
	if t := p.TxCode; t != nil && (t.InputMode != "" && t.InputMode != "numeric" && t.InputMode != "text" ||
		t.Length > MaxTxCode || len([]rune(t.Description)) > 300) {
		return NewError("", "offer_malformed", "tx_code description breaks its limits")
	}
	return nil
}

// PreAuthorized returns the grant this package can redeem. Reason
// grant_unsupported if the offer has none.
func (o *Offer) PreAuthorized() (*PreAuthorizedGrant, error) {
	if o.Grants.PreAuthorized == nil {
		return nil, NewError("", "grant_unsupported", "the offer names no way this wallet knows")
	}
	return o.Grants.PreAuthorized, nil
}

// An OfferLink is what a link or QR code holds: the offer itself or where to
// get it, never both (§4.1).
type OfferLink struct {
	Offer *Offer // by value
	URI   string // by reference
}

// ParseOfferLink reads the credential_offer or credential_offer_uri parameter
// of a URL, from its fragment or, if that has neither, its query. The scheme
// and host are not looked at. Reason offer_malformed.
func ParseOfferLink(link string) (*OfferLink, error) {
	if len(link) > 2*MaxOffer {
		return nil, NewError("", "offer_malformed", "link is too long")
	}
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil {
		return nil, NewError("", "offer_malformed", "not a link")
	}
	for _, part := range []string{u.EscapedFragment(), u.RawQuery} {
		params, err := url.ParseQuery(part)
		if err != nil {
			return nil, NewError("", "offer_malformed", "not a link")
		}
		if params.Has("credential_offer") || params.Has("credential_offer_uri") {
			return offerLink(params)
		}
	}
	return nil, NewError("", "offer_malformed", "link holds no offer")
}

func offerLink(params url.Values) (*OfferLink, error) {
	value, reference := params["credential_offer"], params["credential_offer_uri"]
	if len(value)+len(reference) != 1 {
		return nil, NewError("", "offer_malformed", "link must hold one offer")
	}
	if len(reference) == 1 {
		return &OfferLink{URI: reference[0]}, nil
	}
	offer, err := ParseOffer([]byte(value[0]))
	return &OfferLink{Offer: offer}, err
}

// ReceiveURL returns the link that opens a web wallet with an offer by
// reference. The parameter is in the fragment, so the wallet's host does not
// see it.
func ReceiveURL(walletURL, offerURI string) string {
	return strings.TrimSuffix(walletURL, "/") + "/receive#credential_offer_uri=" + url.QueryEscape(offerURI)
}

// SchemeURL returns the link any installed wallet may take (§4.1.2, Appendix C).
func SchemeURL(offerURI string) string {
	return "openid-credential-offer://?credential_offer_uri=" + url.QueryEscape(offerURI)
}

// MarshalOffer returns the offer as JSON, after the checks ParseOffer makes.
func MarshalOffer(o *Offer) ([]byte, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return json.Marshal(o)
}
