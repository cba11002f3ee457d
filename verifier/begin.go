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
	IdempotencyKey string // optional: the same key gives the same transaction
}

// Begun is a transaction that waits for an answer.
type Begun struct {
	ID         string
	ClientID   string
	RequestURI string // empty where the links hold the request itself (redirect_uri)
	Links      []Link
	ExpiresAt  time.Time
}

// A Link opens one wallet with the request.
type Link struct {
	Wallet string `json:"wallet"`
	URL    string `json:"url"`
}

// Begin opens a transaction. When it returns, the request is in the log.
// Reasons: platform_unknown, policy_unknown, flow_invalid,
// return_uri_unregistered, idempotency_mismatch, unavailable.
func (v *Verifier) Begin(ctx context.Context, r BeginRequest) (*Begun, error) {
	p, c, err := v.checkBegin(r)
	if err != nil {
		return nil, err
	}
	now := v.cfg.Now()
	t := &transaction{
		ID: newID(), Platform: p.ID, Policy: c.hash, Flow: r.Flow, ReturnURI: r.ReturnURI,
		CreatedAt: now.Unix(), ExpiresAt: now.Add(TTL).Unix(), KeepUntil: now.Add(TTL + c.policy.Keep()).Unix(),
		Nonce: newID() + newID(), WireState: newID(), State: Open, platform: p, policy: c,
	}
	if t.ClientID = p.current().clientID; t.ClientID == "" {
		t.ClientID = openid4vp.ClientID{Prefix: p.Prefix, ID: v.endpoint("response", forResponse, t)}.String()
	}
	if r.IdempotencyKey != "" {
		earlier, err := v.claimKey(ctx, r, t)
		if err != nil || earlier != nil {
			return earlier, err
		}
	}
	if err := v.publish(ctx, p, c, now); err != nil {
		return nil, err
	}
	if err := v.open(ctx, t); err != nil {
		return nil, err
	}
	return v.begun(ctx, t)
}

func (v *Verifier) checkBegin(r BeginRequest) (*platform, *compiled, error) {
	p := v.platforms[r.Platform]
	if p == nil {
		return nil, nil, fail("platform_unknown", "there is no such platform")
	}
	c := p.byID[r.Policy]
	switch {
	case c == nil:
		return nil, nil, fail("policy_unknown", "the platform has no such policy")
	case r.Flow != audit.SameDevice && r.Flow != audit.CrossDevice:
		return nil, nil, fail("flow_invalid", "flow is same_device or cross_device")
	case r.Flow == audit.SameDevice && !slices.Contains(p.ReturnURIs, r.ReturnURI):
		return nil, nil, fail("return_uri_unregistered", "return_uri is not one of the platform's")
	case r.Flow == audit.CrossDevice && r.ReturnURI != "":
		return nil, nil, fail("return_uri_unregistered", "a cross-device flow returns nowhere")
	case len(r.IdempotencyKey) > MaxIdempotencyKey:
		return nil, nil, fail("idempotency_mismatch", "the idempotency key is too long")
	}
	return p, c, c.ready()
}

// open makes the transaction's keys, sequences its request entry and stores
// it. The due record comes first and holds the leaf, so that Sweep can close
// the entry of a transaction that a crash kept from being stored.
func (v *Verifier) open(ctx context.Context, t *transaction) error {
	leaf, err := audit.Encode(audit.NewRequest(v.ids.entry(audit.KindRequest, t.ID), t.created(), t.policy.askedIn(t.Flow)))
	if err != nil {
		return err
	}
	key, err := jose.GenerateKey()
	if err != nil {
		return err
	}
	jwk, err := key.MarshalJWK()
	if err != nil {
		return err
	}
	if _, err := v.cfg.Store.Swap(ctx, dueKey(t.expires(), t.ID), 0, leaf); err != nil {
		return unavailable("note deadline", err)
	}
	secret, err := v.newSecret(ctx, t.ID)
	if err != nil {
		return err
	}
	t.EncKid = newID()
	if t.EncKey, err = seal(secret, sealedKey, t.ID, jwk); err != nil {
		return err
	}
	if t.Request, err = v.appendLeaf(ctx, v.ids.entry(audit.KindRequest, t.ID), leaf); err != nil {
		return err
	}
	_, err = v.swap(ctx, t, *t)
	return err
}

func (v *Verifier) begun(ctx context.Context, t *transaction) (*Begun, error) {
	b := &Begun{ID: t.ID, ClientID: t.ClientID, ExpiresAt: t.expires()}
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
		b.Links = append(b.Links, Link{Wallet: w.Name, URL: link(w.URL)})
	}
	return b, nil
}

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
	wish := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", r.Policy, r.Flow, r.ReturnURI))
	sum := sha256.Sum256([]byte(r.IdempotencyKey))
	t.Idem = "idem/" + r.Platform + "/" + jose.EncodeBase64URL(sum[:])
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
	if _, err := v.cfg.Store.Swap(ctx, t.Idem, version, mine); errors.Is(err, store.ErrConflict) {
		return nil, fail("idempotency_in_progress", "the same request is being opened right now")
	} else if err != nil {
		return nil, unavailable("note idempotency key", err)
	}
	return nil, nil
}
