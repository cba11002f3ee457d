package openid4vci

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"facet/fetch"
)

// A Client speaks to issuers on a wallet's behalf. It remembers nothing.
type Client struct {
	Fetch fetch.Fetcher
}

const mediaJSON = "application/json"

// Offer fetches an offer by reference (§4.1.3). When the issuer says that it is
// over, the reason is offer_expired or code_used; whatever else goes wrong on
// the way, offer_fetch; what the answer says may be offer_malformed.
func (c Client) Offer(ctx context.Context, uri string) (*Offer, error) {
	answer, err := c.Fetch.Do(ctx, fetch.Request{URL: uri, Accept: []string{mediaJSON}, MaxBytes: MaxOffer})
	if err == nil {
		err = answer.OK()
	}
	if err != nil {
		return nil, &Error{reason: offerReason(answer), detail: "the offer cannot be fetched", cause: err}
	}
	return ParseOffer(answer.Body)
}

// offerReason tells an offer that is over from one that cannot be had: only the
// first needs a new letter.
func offerReason(answer *fetch.Response) string {
	if answer != nil && answer.Status == http.StatusGone {
		if w := ParseWireError(answer.Body); w.Reason == "offer_expired" || w.Reason == "code_used" {
			return w.Reason
		}
	}
	return "offer_fetch"
}

// An Issuer is where a wallet speaks to, from the issuer's own metadata.
type Issuer struct {
	Metadata *IssuerMetadata
	Server   *ServerMetadata
}

// Issuer fetches the metadata an offer needs: of the issuer, and of the
// authorization server the offer may choose among the issuer's own (§12.2.4).
// Reasons: metadata_malformed, issuer_mismatch, authorization_server_unknown,
// unknown_configuration, those of fetch.
func (c Client) Issuer(ctx context.Context, o *Offer) (*Issuer, error) {
	text, err := c.metadata(ctx, o.CredentialIssuer, WellKnownIssuer)
	if err != nil {
		return nil, err
	}
	m, err := ParseIssuerMetadata(text, o.CredentialIssuer)
	if err != nil {
		return nil, err
	}
	for _, id := range o.ConfigurationIDs {
		if _, there := m.Configurations[id]; !there {
			return nil, NewError("", "unknown_configuration", "the offer names something the issuer does not have")
		}
	}
	server := m.CredentialIssuer
	if len(m.AuthorizationServers) > 0 {
		server = m.AuthorizationServers[0]
	}
	if p := o.Grants.PreAuthorized; p != nil && p.AuthorizationServer != "" {
		server = p.AuthorizationServer
		if !slices.Contains(m.AuthorizationServers, server) {
			return nil, NewError("", "authorization_server_unknown", "the offer names a server the issuer does not list")
		}
	}
	if text, err = c.metadata(ctx, server, WellKnownServer); err != nil {
		return nil, err
	}
	s, err := ParseServerMetadata(text, server)
	if err != nil {
		return nil, err
	}
	return &Issuer{m, s}, nil
}

func (c Client) metadata(ctx context.Context, identifier, wellKnown string) ([]byte, error) {
	url, err := MetadataURL(identifier, wellKnown)
	if err != nil {
		return nil, err
	}
	answer, err := c.Fetch.Do(ctx, fetch.Request{URL: url, Accept: []string{mediaJSON}, MaxBytes: MaxMetadata})
	if err != nil {
		return nil, err
	}
	return answer.Body, answer.OK()
}

// Token redeems an offer's code (§6.1). What the issuer refuses comes back as
// an Error with its reason, such as tx_code_wrong with TriesLeft.
func (c Client) Token(ctx context.Context, i *Issuer, r TokenRequest) (*TokenResponse, error) {
	answer, err := c.post(ctx, i.Server.TokenEndpoint, fetch.Request{
		Body: r.Form(), ContentType: "application/x-www-form-urlencoded", MaxBytes: MaxMessage,
	})
	if err != nil {
		return nil, err
	}
	return ParseTokenResponse(answer)
}

// Nonce fetches a fresh nonce, or returns "" if the issuer has none to give
// (§7.1).
func (c Client) Nonce(ctx context.Context, i *Issuer) (string, error) {
	if i.Metadata.NonceEndpoint == "" {
		return "", nil
	}
	answer, err := c.post(ctx, i.Metadata.NonceEndpoint, fetch.Request{MaxBytes: MaxMessage})
	if err != nil {
		return "", err
	}
	r, err := ParseNonceResponse(answer)
	if err != nil {
		return "", err
	}
	return r.Nonce, nil
}

// Credentials asks for credentials with a token (§8.1).
func (c Client) Credentials(ctx context.Context, i *Issuer, token Secret, r CredentialRequest) (*CredentialResponse, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("openid4vci: encode credential request: %w", err)
	}
	answer, err := c.post(ctx, i.Metadata.CredentialEndpoint, fetch.Request{
		Body: body, ContentType: mediaJSON, MaxBytes: MaxResponse,
		Header: map[string]string{"Authorization": "Bearer " + string(token)},
	})
	if err != nil {
		return nil, err
	}
	return ParseCredentialResponse(answer, len(r.JWTProofs()))
}

func (c Client) post(ctx context.Context, url string, r fetch.Request) ([]byte, error) {
	r.Method, r.URL, r.Accept = http.MethodPost, url, []string{mediaJSON}
	answer, err := c.Fetch.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := answer.OK(); err != nil {
		return nil, refusal(answer, err)
	}
	return answer.Body, nil
}

// refusal makes an Error of what an issuer answered. Its description is not
// repeated: nobody vouches for that text.
func refusal(answer *fetch.Response, status error) error {
	w := ParseWireError(answer.Body)
	if w.Error == "" {
		return status
	}
	e := &Error{Code: w.Error, reason: w.Error, detail: "the issuer refused", cause: status}
	if ownReasons[w.Reason] {
		e.reason = w.Reason
	}
	if w.TriesLeft != nil {
		e.TriesLeft = *w.TriesLeft
	}
	return e
}

// ownReasons are the reasons worth believing from a peer, because a holder can
// act on them; any other answer is named by its OAuth error.
var ownReasons = map[string]bool{
	"tx_code_wrong": true, "tx_code_attempts": true, "tx_code_missing": true,
	"code_used": true, "code_expired": true, "c_nonce_used": true, "batch_limit": true,
}
