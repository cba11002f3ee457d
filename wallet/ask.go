package wallet

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/url"

	"facet/credentials/openid4vp"
)

// Ask opens a request: it fetches the request object, finds out who asks and
// on which policy, and works out what the holder could answer. Nothing is sent
// but the request for the request object itself, whatever the query holds
// (OpenID4VP §15.4.1: values cannot be probed without the holder).
//
// An asker nobody vouches for is a Proposal of kind unverified, which cannot be
// answered. Everything else that is wrong is an error: the request cannot be
// shown, because it cannot be trusted to say what it means.
func (w *Wallet) Ask(ctx context.Context, authorizeURL string) (Proposal, error) {
	if w.distrust != nil {
		return Proposal{}, w.distrust
	}
	params, err := openid4vp.ParseAuthorize(authorizeURL)
	if err != nil {
		return Proposal{}, err
	}
	var nonce string
	if params.RequestURIMethod == "post" {
		nonce = walletNonce()
	}
	unverified, err := openid4vp.Retrieve(ctx, w.cfg.Fetch, params, nonce)
	if err != nil {
		return Proposal{}, err
	}
	who := stranger{clientID: params.ClientID}
	for _, uri := range []string{params.Unsigned.Get("redirect_uri"), params.Unsigned.Get("response_uri"), params.RequestURI} {
		if uri != "" {
			who.from = uri
		}
	}
	return w.authenticate(ctx, unverified, who)
}

// authenticate finds out who asks and on which policy, and makes the proposal.
func (w *Wallet) authenticate(ctx context.Context, unverified *openid4vp.UnverifiedRequest, who stranger) (Proposal, error) {
	request, err := unverified.Authenticate(ctx, openid4vp.Authority{Verifiers: w.cfg.Verifiers, DIDs: w.cfg.DIDs, Now: w.cfg.Now()})
	if unknown(err) {
		return who.proposal(ReasonOf(err)), nil
	}
	if err != nil {
		return Proposal{}, err
	}
	offer, err := request.PolicyOffer()
	if err != nil {
		return Proposal{}, err
	}
	registered, shown, err := w.entitled(ctx, request, offer)
	if err != nil {
		return Proposal{}, err
	}
	return w.propose(&proposal{request: request, offer: offer, registered: registered, view: Proposal{Registered: shown}})
}

// unknown reports whether the only thing wrong is that nobody vouches for who
// asks. A request that is broken or forged is not that.
func unknown(err error) bool {
	var e *openid4vp.Error
	return errors.As(err, &e) && e.Code == openid4vp.CodeInvalidClient
}

// A stranger is somebody nobody vouches for, and where the request came from.
type stranger struct{ from, clientID string }

// proposal shows that someone unknown asks. Nothing of the request itself is
// shown: anyone could have written it.
func (s stranger) proposal(reason string) Proposal {
	domain := ""
	if u, err := url.Parse(s.from); err == nil {
		domain = plainHost(u.Hostname())
	}
	return Proposal{
		ID: newID(), Kind: KindUnverified, Code: reason,
		Asker:     Asker{Domain: domain, Register: Text{}},
		Purpose:   Purpose{Label: Text{}},
		Required:  []Item{},
		Optional:  []Item{},
		Preview:   Outcome{Lines: []OutcomeLine{}},
		Identify:  Identify{Level: IdentifyBarely, Parts: []IdentifyPart{}},
		Technical: plainDetails([]Technical{{Label: "client_id", Value: s.clientID}}),
		Missing:   []Missing{},
	}
}

// walletNonce is 256 random bits, so that a request object fetched by POST
// cannot be an old one (OpenID4VP §5.10).
func walletNonce() string {
	var b [32]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}
