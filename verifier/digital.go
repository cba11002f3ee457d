package verifier

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"facet/audit"
	"facet/credentials/openid4vp"
)

// A Digital is the argument of navigator.credentials.get, below "digital".
type Digital struct {
	Requests []openid4vp.DigitalMessage `json:"requests"`
}

// An Answer came back through the holder's browser and is handed over by the
// platform: what the Digital Credentials API gave its page, or the fragment of
// the address the holder returned to. Exactly one of Data and Fragment is set.
type Answer struct {
	Platform string
	ID       string // the transaction

	Protocol string          // of the DigitalCredential
	Data     json.RawMessage // of the DigitalCredential; at most openid4vp.MaxResponse bytes

	Fragment string // at most openid4vp.MaxResponse bytes
}

// Answered tells the platform how the answer was taken.
type Answered struct {
	ResponseCode string // unlocks the result; empty if the holder refused
}

// Answer takes a wallet's answer that the browser carried (OpenID4VP App. A.4,
// §5.6). The checks and their errors are those of Finish; a transaction is
// found by the platform's own name for it. The same answer, handed over again
// within RetryWindow because the reply was lost, gets the same code. Another
// reason: answer_unexpected for a transaction that is answered elsewhere, or in
// another form.
func (v *Verifier) Answer(ctx context.Context, a Answer) (*Answered, error) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", a.Protocol, a.Data, a.Fragment))
	t, err := v.finish(ctx, &evidence{
		hash: sum[:], byPlatform: true,
		find: func(ctx context.Context) (*transaction, error) {
			t, err := v.own(ctx, a.Platform, a.ID)
			if err == nil && t.posted() {
				err = errElsewhere
			}
			return t, err
		},
		read: a.read,
	})
	if err != nil || t.State == Refused {
		return &Answered{}, err
	}
	return &Answered{ResponseCode: t.Code}, nil
}

var errElsewhere = fail("answer_unexpected", "the request is answered elsewhere, or in another form")

// read reads the answer in the one form the transaction asked for.
func (a Answer) read(t *transaction) (*openid4vp.Post, error) {
	switch {
	case t.returns() && a.Data == nil && a.Protocol == "":
		return openid4vp.ParseFragment(a.Fragment)
	case t.Flow != audit.DCAPI || a.Fragment != "":
		return nil, errElsewhere
	case !slices.Contains(t.platform.protocols(), a.Protocol):
		return nil, fail("protocol_mismatch", "the answer is to a protocol nobody asked with")
	}
	return openid4vp.ParseDigitalAnswer(a.Data)
}

// posted reports whether the transaction is answered at a response_uri.
func (t *transaction) posted() bool { return t.Flow != audit.DCAPI && !t.returns() }

// returns reports whether the answer stands in the fragment of the address the
// holder returns to.
func (t *transaction) returns() bool { return t.Mode == openid4vp.ModeFragment }

// clear reports whether the answer was asked for without encryption, whatever
// the platform's configuration has come to since. In a fragment OpenID4VP 1.0
// knows no other.
func (t *transaction) clear() bool { return t.returns() || t.Unencrypted }

// audience is whom key bindings must name: for the Digital Credentials API the
// page, whoever signed the request (App. A.4).
func (t *transaction) audience() string {
	if t.Flow == audit.DCAPI {
		return "origin:" + t.Origin
	}
	return t.ClientID
}

// protocols are the ways this platform asks through the browser's API, the
// best first.
func (p *platform) protocols() (out []string) {
	if p.Prefix != openid4vp.PrefixRedirectURI {
		out = append(out, openid4vp.ProtocolSigned)
	}
	if p.InsecureUnsigned {
		out = append(out, openid4vp.ProtocolUnsigned)
	}
	return out
}

// digital makes what the platform's page hands to the browser.
func (v *Verifier) digital(ctx context.Context, t *transaction) (*Digital, error) {
	if err := t.askable(v.cfg.Now()); err != nil {
		return nil, err // asked for again, by its idempotency key
	}
	out := &Digital{}
	for _, protocol := range t.platform.protocols() {
		var m openid4vp.DigitalMessage
		var err error
		if protocol == openid4vp.ProtocolSigned {
			m, err = v.signedDigital(ctx, t)
		} else {
			m, err = v.unsignedDigital(ctx, t)
		}
		if err != nil {
			return nil, err
		}
		out.Requests = append(out.Requests, m)
	}
	return out, nil
}

func (v *Verifier) signedDigital(ctx context.Context, t *transaction) (openid4vp.DigitalMessage, error) {
	jar, err := v.signed(ctx, t, "")
	if err != nil {
		return openid4vp.DigitalMessage{}, err
	}
	return openid4vp.SignedDigital(jar)
}

func (v *Verifier) unsignedDigital(ctx context.Context, t *transaction) (openid4vp.DigitalMessage, error) {
	r, err := v.parameters(ctx, t)
	if err != nil {
		return openid4vp.DigitalMessage{}, err
	}
	return r.UnsignedDigital()
}

// nameOrigins lists the pages a platform may ask from: those of its return
// addresses and those it names besides.
func (p *platform) nameOrigins(insecureLoopback bool) error {
	for _, o := range p.Origins {
		if err := checkURL("an origin", o, insecureLoopback); err != nil {
			return err
		}
		if o != originOf(o) {
			return errors.New("an origin is not written as browsers do: scheme and host in lower case, a port if it is not the default, and no slash")
		}
	}
	p.origins = slices.Clone(p.Origins)
	for _, u := range p.ReturnURIs {
		p.origins = append(p.origins, originOf(u))
	}
	return nil
}

// originOf writes the origin of an address as browsers do.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}
