package verifier

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"facet/audit"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/store"
)

// MaxIdempotencyKey is the longest idempotency key in bytes.
const MaxIdempotencyKey = 200

// A BeginRequest is a platform's wish to ask. There is no way to say what to
// ask other than naming a policy.
type BeginRequest struct {
	Platform       string
	Policy         string // id, or its last part
	Flow           audit.Flow
	ReturnURI      string // same-device only: one of the platform's, exactly
	Origin         string // Digital Credentials API only: the asking page's, one of the platform's, exactly
	Wallet         string // name of the one wallet it is for; or empty, and the visitor chooses
	ResponseMode   string // same-device only: "fragment", or empty for a POST to the verifier
	IdempotencyKey string // optional: the same key gives the same transaction
}

// Begun is a transaction that waits for an answer.
type Begun struct {
	ID         string
	ClientID   string
	RequestURI string // empty where the links hold the request itself (redirect_uri)
	Links      []Link
	Digital    *Digital // Digital Credentials API only; then there are no links
	ExpiresAt  time.Time
}

// A Link opens one wallet with the request.
type Link struct {
	Wallet string `json:"wallet"`
	URL    string `json:"url"`
}

// Begin opens a transaction. When it returns, the request is in the log.
// Reasons: platform_unknown, policy_unknown, flow_invalid,
// return_uri_unregistered, origin_unregistered, response_mode_invalid,
// response_mode_not_allowed, wallet_unknown, registration_expired, idempotency_mismatch,
// platform_unavailable, unavailable.
func (v *Verifier) Begin(ctx context.Context, r BeginRequest) (*Begun, error) {
	p, c, err := v.checkBegin(r)
	if err != nil {
		return nil, err
	}
	now := v.cfg.Now()
	by := p.current()
	if err := by.errUnproven(); err != nil {
		return nil, err
	}
	w, err := p.chosen(r.Wallet, r.Flow == audit.DCAPI)
	if err != nil {
		return nil, err
	}
	if _, err := by.entitled(c, now); err != nil {
		return nil, err
	}
	t := &transaction{
		ID: newID(), Platform: p.ID, Policy: c.hash, Flow: r.Flow, ReturnURI: r.ReturnURI, Origin: r.Origin, Mode: r.ResponseMode,
		CreatedAt: now.Unix(), ExpiresAt: now.Add(TTL).Unix(), KeepUntil: now.Add(TTL + c.policy.Keep()).Unix(),
		Nonce: newID() + newID(), WireState: newID(), State: Open, platform: p, policy: c,
		Unencrypted: p.InsecureUnencrypted,
	}
	if w != nil {
		t.Wallet = w.Name
	}
	if err := t.bindPolicy(w); err != nil {
		return nil, err
	}
	if t.ClientID = by.clientID; t.ClientID == "" {
		t.ClientID = v.ownClientID(t)
	}
	if r.IdempotencyKey != "" {
		earlier, err := v.claimKey(ctx, r, t)
		if err != nil || earlier != nil {
			return earlier, err
		}
	}
	if err = v.publish(ctx, p, c, now); err == nil {
		err = v.open(ctx, t)
	}
	if err != nil {
		v.untie(ctx, t)
		return nil, err
	}
	if _, err := v.swap(ctx, t, *t); err != nil {
		return nil, err // it may be stored all the same: the key stays tied to it
	}
	return v.begun(ctx, t)
}

func (v *Verifier) checkBegin(r BeginRequest) (*platform, *compiled, error) {
	p := v.platform(r.Platform)
	if p == nil {
		return nil, nil, fail("platform_unknown", "there is no such platform")
	}
	c := p.byID[r.Policy]
	switch {
	case c == nil:
		return nil, nil, fail("policy_unknown", "the platform has no such policy")
	case len(r.IdempotencyKey) > MaxIdempotencyKey:
		return nil, nil, fail("idempotency_mismatch", "the idempotency key is too long")
	}
	if err := p.checkFlow(r); err != nil {
		return nil, nil, err
	}
	return p, c, c.ready()
}

// checkFlow checks what belongs to one flow and to no other.
func (p *platform) checkFlow(r BeginRequest) error {
	browser := r.Flow == audit.DCAPI
	switch {
	case r.Flow != audit.SameDevice && r.Flow != audit.CrossDevice && !browser:
		return fail("flow_invalid", "flow is same_device, cross_device or dc_api")
	case r.Flow == audit.SameDevice && !slices.Contains(p.ReturnURIs, r.ReturnURI):
		return fail("return_uri_unregistered", "return_uri is not one of the platform's")
	case r.Flow != audit.SameDevice && r.ReturnURI != "":
		return fail("return_uri_unregistered", "this flow returns nowhere")
	case browser && !slices.Contains(p.origins, r.Origin):
		return fail("origin_unregistered", "origin is not one of the platform's")
	case !browser && r.Origin != "":
		return fail("origin_unregistered", "only the Digital Credentials API knows an origin")
	case r.ResponseMode == "":
		return nil
	case r.ResponseMode != openid4vp.ModeFragment || r.Flow != audit.SameDevice:
		return fail("response_mode_invalid", "response_mode is fragment, in the same-device flow, or left out")
	case !p.InsecureFragment, p.Prefix == openid4vp.PrefixX509SANDNS && hostOf(r.ReturnURI) != p.host:
		return fail("response_mode_not_allowed", "answers in a fragment need InsecureFragment, and x509_san_dns a return address of its host")
	}
	return nil
}

// ownClientID is the client of one request of a platform whose requests are
// not signed: where the answer goes (OpenID4VP §5.9.3). Through the Digital
// Credentials API it is the page, and stands in no request (App. A.2).
func (v *Verifier) ownClientID(t *transaction) string {
	to := v.endpoint("response", forResponse, t)
	switch {
	case t.Flow == audit.DCAPI:
		return t.audience()
	case t.returns():
		to = t.ReturnURI
	}
	return openid4vp.ClientID{Prefix: openid4vp.PrefixRedirectURI, ID: to}.String()
}

// open makes the transaction's keys and sequences its request entry. The due
// record comes first and holds the leaf, so that Sweep can close the entry, and
// delete the key, of a transaction that a crash kept from being stored. Key and
// entry wait for the disk at the same time.
func (v *Verifier) open(ctx context.Context, t *transaction) error {
	leaf, err := audit.Encode(audit.NewRequest(v.ids.entry(audit.KindRequest, t.ID), t.created(), t.policy.askedIn(t.Flow)))
	if err != nil {
		return err
	}
	key, err := jose.GenerateDecryptionKey()
	if err != nil {
		return err
	}
	if _, err := v.cfg.Store.Swap(ctx, dueKey(t.expires(), t.ID), 0, leaf); err != nil {
		return unavailable("note deadline", err)
	}
	secret := newSecret()
	t.EncKid = newID()
	if t.EncKey, err = seal(secret, sealedKey, t.ID, key.Bytes()); err != nil {
		return err
	}
	kept := make(chan error, 1)
	go func() { kept <- v.keepSecret(ctx, t.ID, secret) }()
	t.Request, err = v.appendLeaf(ctx, v.ids.entry(audit.KindRequest, t.ID), leaf)
	return errors.Join(err, <-kept)
}

func (v *Verifier) begun(ctx context.Context, t *transaction) (*Begun, error) {
	b := &Begun{ID: t.ID, ClientID: t.ClientID, ExpiresAt: t.expires()}
	if t.Flow == audit.DCAPI {
		var err error
		b.Digital, err = v.digital(ctx, t)
		return b, err
	}
	link := func(wallet string) string {
		return openid4vp.BuildAuthorizeURL(wallet, openid4vp.AuthorizeParams{ClientID: b.ClientID, RequestURI: b.RequestURI, RequestURIMethod: "post"})
	}
	if t.platform.Prefix == openid4vp.PrefixRedirectURI {
		request, err := v.unsigned(ctx, t)
		if err != nil {
			return nil, err
		}
		link = func(wallet string) string { return strings.TrimRight(wallet, "/") + "/authorize#" + request }
	} else {
		b.RequestURI = v.cfg.BaseURL + "/wallet/request/" + v.ids.name(forRequest, t.ID)
	}
	for _, w := range t.platform.Wallets {
		if t.Wallet != "" && w.Name != t.Wallet {
			continue // no other wallet may get this request
		}
		b.Links = append(b.Links, Link{Wallet: w.Name, URL: link(w.URL)})
	}
	return b, nil
}

const idemPrefix = "idem/"

// An idempotent record ties a platform's key to a transaction.
type idempotent struct {
	Tx   string `json:"tx"`
	Wish []byte `json:"wish"` // SHA-256 of what was asked for
	At   int64  `json:"at"`
}

// claimKey ties the idempotency key to t, or returns the transaction it was
// tied to before. A tie whose transaction never came to be is taken over after
// half a minute.
func (v *Verifier) claimKey(ctx context.Context, r BeginRequest, t *transaction) (*Begun, error) {
	text := fmt.Appendf(nil, "%q %q %q", r.Policy, r.Flow, r.ReturnURI)
	if r.Origin != "" || r.ResponseMode != "" { // what is kept from before these existed still compares
		text = fmt.Appendf(text, " %q %q", r.Origin, r.ResponseMode)
	}
	if r.Wallet != "" {
		text = fmt.Appendf(text, " wallet %q", r.Wallet)
	}
	wish := sha256.Sum256(text)
	sum := sha256.Sum256([]byte(r.IdempotencyKey))
	t.Idem = idemPrefix + r.Platform + "/" + jose.EncodeBase64URL(sum[:])
	mine, err := json.Marshal(idempotent{t.ID, wish[:], t.CreatedAt})
	if err != nil {
		return nil, err
	}
	raw, version, err := v.cfg.Store.Get(ctx, t.Idem)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, unavailable("read idempotency key", err)
	}
	if err == nil {
		var theirs idempotent
		if err := json.Unmarshal(raw, &theirs); err != nil {
			return nil, unavailable("read idempotency key", err)
		}
		if !slices.Equal(theirs.Wish, wish[:]) {
			return nil, fail("idempotency_mismatch", "the idempotency key was used for another request")
		}
		earlier, err := v.own(ctx, r.Platform, theirs.Tx)
		if err == nil {
			return v.begun(ctx, earlier)
		}
		if reasonOf(err, "") != ReasonUnknown {
			return nil, err
		}
		if t.CreatedAt-theirs.At < 30 {
			return nil, fail("idempotency_in_progress", "the same request is being opened right now")
		}
	}
	if t.tie, err = v.cfg.Store.Swap(ctx, t.Idem, version, mine); errors.Is(err, store.ErrConflict) {
		return nil, fail("idempotency_in_progress", "the same request is being opened right now")
	} else if err != nil {
		return nil, unavailable("note idempotency key", err)
	}
	return nil, nil
}

// untie frees the idempotency key of a transaction that will not be, so that
// the platform can try again at once. What it cannot free, sweepTies does.
func (v *Verifier) untie(ctx context.Context, t *transaction) {
	if t.Idem != "" {
		_ = v.cfg.Store.Delete(context.WithoutCancel(ctx), t.Idem, t.tie) // tried once
	}
}
