package wallet

import (
	"context"

	"facet/credentials/openid4vp"
)

// AskDigital opens a request that a page handed to the browser (OpenID4VP
// App. A). origin is that page's, as the browser names it; whoever calls this
// must have it from the browser and from nobody else. Nothing is sent, now or
// later: Present and Refuse return the message for the browser to carry.
//
// Who asks is decided as in Ask. Of an unsigned request only the page is known,
// for which a trust list has no name: it is a Proposal of kind unverified.
func (w *Wallet) AskDigital(ctx context.Context, msg openid4vp.DigitalMessage, origin string) (Proposal, error) {
	if w.distrust != nil {
		return Proposal{}, w.distrust
	}
	unverified, err := openid4vp.ParseDigital(msg, openid4vp.Caller{Origin: origin, InsecureLoopback: w.cfg.InsecureLoopback})
	if err != nil {
		return Proposal{}, err
	}
	return w.authenticate(ctx, unverified, stranger{from: origin, clientID: unverified.ClientID()})
}

// message makes the answer to a request that came through the browser's API,
// or nil for any other. Made once, it is the same however often it is asked
// for.
func (p *proposal) message(token openid4vp.VPToken) (*openid4vp.DigitalMessage, error) {
	if !p.request.IsDigital() {
		return nil, nil
	}
	m, err := p.request.RefuseDigital(openid4vp.CodeAccessDenied)
	if token != nil {
		m, err = p.request.AnswerDigital(token)
	}
	if err != nil {
		return nil, err
	}
	return &m, nil
}

// send gives the answer to who asked, and returns where the holder's browser
// goes next. What the browser's API carries is not sent from here.
func (p *proposal) send(ctx context.Context) (next string, err error) {
	switch a := p.answer; {
	case p.request.IsDigital():
		return "", nil
	case a.token == nil:
		return p.request.Refuse(ctx, a.post, openid4vp.CodeAccessDenied)
	default:
		return p.request.Answer(ctx, a.post, a.token)
	}
}
