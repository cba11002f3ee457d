package openid4vp

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/policy"
)

// OfferFormat is the format of Facet's entry in verifier_info and the typ of
// its token.
const OfferFormat = "facet-policy-offer+jwt"

// LogInfo says where a verifier's presentation log is and who signs it.
type LogInfo struct {
	Origin string `json:"origin"`
	Key    string `json:"key"` // note verifier key: <name>+<hash>+<key>
	URL    string `json:"url"` // where its tiles are served
}

// The flows an offer may name (OpenID4VP §3, App. A): the wallet is opened in
// the browser that asked, or on another device, or the browser's API carries
// request and answer.
const (
	FlowSameDevice  = "same_device"
	FlowCrossDevice = "cross_device"
	FlowDCAPI       = "dc_api"
)

// A PolicyOffer is what a verifier promises beside its request: the whole
// policy the request was compiled from, until when it keeps what it learns,
// and where receipts and withdrawals are handled.
type PolicyOffer struct {
	Policy             *policy.Policy
	ReceiptEndpoint    string
	WithdrawalEndpoint string
	Log                LogInfo
	RetentionUntil     time.Time
	// Flow says on which device the request was started; "" if the verifier
	// does not say. Nothing else in a request tells a wallet, unless it came
	// through the browser's API.
	Flow string
}

// SignOffer makes the verifier_info entry that binds the offer to request r.
// The signer must be the one that signs r, and r must have its ClientID,
// Nonce, IssuedAt and ExpiresAt.
func SignOffer(ctx context.Context, s jose.Signer, r RequestObject, o PolicyOffer) (VerifierInfo, error) {
	m := map[string]any{
		"sub": r.ClientID, "nonce": r.Nonce, "iat": r.IssuedAt.Unix(), "exp": r.ExpiresAt.Unix(),
		"policy_sha256":    o.Policy.Hash(),
		"receipt_endpoint": o.ReceiptEndpoint, "withdrawal_endpoint": o.WithdrawalEndpoint,
		"log": o.Log, "retention_until": o.RetentionUntil.Unix(),
	}
	if o.Flow != "" {
		m["flow"] = o.Flow
	}
	payload, err := json.Marshal(m)
	if err != nil {
		return VerifierInfo{}, err
	}
	// The policy is JSON already: json.Marshal would read all of it again, which
	// is a third of what an offer costs.
	payload = slices.Concat(payload[:len(payload)-1], []byte(`,"policy":`), o.Policy.Canonical(), []byte("}"))
	jws, err := jose.Sign(ctx, s, map[string]any{"typ": OfferFormat}, payload)
	return VerifierInfo{Format: OfferFormat, Data: jws}, err
}

// A VerifiedOffer was signed by the asker for this request, and the request
// asks for exactly what its policy compiles to.
type VerifiedOffer struct {
	PolicyOffer
	Compiled *policy.Compiled
	compact  string
}

// Raw returns the offer as received, which is what consent refers to.
func (o *VerifiedOffer) Raw() string { return o.compact }

// PolicyOffer verifies the request's policy offer, or returns nil if there is
// none. Reasons: policy_offer_invalid, policy_offer_expired,
// policy_query_mismatch, transaction_data_mismatch and those of policy.Parse.
func (r *Request) PolicyOffer() (*VerifiedOffer, error) {
	compact, found := "", false
	for _, info := range r.VerifierInfo {
		if info.Format != OfferFormat {
			continue
		}
		if found {
			return nil, refuse("policy_offer_invalid", "there are two policy offers")
		}
		compact, found = info.Data, true
	}
	if !found {
		return nil, r.checkTransaction(nil)
	}
	if r.key == nil {
		return nil, refuse("policy_offer_invalid", "an unsigned request cannot make a policy offer")
	}
	token, err := jose.Parse(compact, jose.Rule{Typ: []string{OfferFormat}, MaxSize: MaxRequest})
	if err != nil {
		return nil, err
	}
	v, err := token.Verify(r.key)
	if err != nil {
		return nil, &Error{Code: CodeInvalidRequest, reason: "policy_offer_invalid", err: err}
	}
	return r.readOffer(compact, v.Claims())
}

func (r *Request) readOffer(compact string, m map[string]any) (*VerifiedOffer, error) {
	if err := r.checkOffer(m); err != nil {
		return nil, err
	}
	p, err := readPolicy(m)
	if err != nil {
		return nil, err
	}
	read := params{m: m}
	o := &VerifiedOffer{compact: compact, PolicyOffer: PolicyOffer{
		Policy:             p,
		ReceiptEndpoint:    read.text("receipt_endpoint", maxURI),
		WithdrawalEndpoint: read.text("withdrawal_endpoint", maxURI),
		RetentionUntil:     read.time("retention_until"),
		Flow:               read.text("flow", len(FlowCrossDevice)),
	}}
	log, _ := m["log"].(map[string]any)
	place := params{m: log}
	o.Log = LogInfo{Origin: place.text("origin", maxURI), Key: place.text("key", maxURI), URL: place.text("url", maxURI)}
	switch {
	case read.err != nil || place.err != nil || o.Log.Origin == "" || o.Log.Key == "":
		return nil, refuse("policy_offer_invalid", "a member of the policy offer is missing or mistyped")
	case !r.ownEndpoints(o):
		return nil, refuse("policy_offer_invalid", "an endpoint of the policy offer is elsewhere than response_uri")
	case !r.knownFlow(o.Flow):
		return nil, refuse("policy_offer_invalid", "the policy offer names an unknown flow, or another than the request's")
	case o.RetentionUntil.Sub(r.now) > p.Keep()+MaxRequestAge:
		return nil, refuse("policy_offer_invalid", "retention_until is later than the policy's retention")
	case o.RetentionUntil.Before(r.now.Add(p.Keep() - Leeway)):
		// The holder's keys, and the right to take the answer back, end with it.
		return nil, refuse("policy_offer_invalid", "retention_until is missing, or earlier than the policy's retention")
	}
	if o.Compiled, err = policy.Compile(p); err != nil {
		return nil, err
	}
	if !sameQuery(o.Compiled.Query, r.DCQL) {
		return nil, refuse("policy_query_mismatch", "the request asks for something else than its policy")
	}
	if err := r.checkTransaction(o); err != nil {
		return nil, err
	}
	return o, nil
}

// readPolicy reads the policy and compares it with its stated hash.
func readPolicy(m map[string]any) (*policy.Policy, error) {
	canonical, err := claims.Canonical(m["policy"])
	if err != nil {
		return nil, refuse("policy_offer_invalid", "the policy is no JSON object")
	}
	p, err := policy.Parse(canonical)
	if err != nil {
		return nil, err
	}
	if p.Hash() != m["policy_sha256"] {
		return nil, refuse("policy_offer_invalid", "policy_sha256 is the hash of another policy")
	}
	return p, nil
}

// checkOffer ties the offer to this request and this time.
func (r *Request) checkOffer(m map[string]any) error {
	read := params{m: m}
	issued, expires := read.time("iat"), read.time("exp")
	switch {
	case m["sub"] != r.ClientID, m["nonce"] != r.Nonce:
		return refuse("policy_offer_invalid", "the policy offer belongs to another request")
	case read.err != nil || issued.IsZero() || expires.IsZero():
		return refuse("policy_offer_invalid", "the policy offer has no time")
	case r.now.After(expires.Add(Leeway)), issued.After(r.now.Add(Leeway)):
		return refuse("policy_offer_expired", "the policy offer is not valid now")
	}
	return nil
}

// ownEndpoints reports whether receipts and withdrawals are handled where the
// answer goes. An answer through the browser goes to the asker's page, which
// says nothing about that place: then it is enough that the asker signed both
// endpoints and that they stand together.
func (r *Request) ownEndpoints(o *VerifiedOffer) bool {
	receipt, err := url.Parse(o.ReceiptEndpoint)
	if err != nil || receipt.User != nil || receipt.Host == "" {
		return false
	}
	withdrawal, err := url.Parse(o.WithdrawalEndpoint)
	if err != nil || withdrawal.User != nil || !sameOrigin(receipt, withdrawal) {
		return false
	}
	return r.to == nil || r.ResponseMode == ModeFragment || sameOrigin(receipt, r.to)
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }

func (r *Request) knownFlow(flow string) bool {
	switch flow {
	case "":
		return true
	case FlowSameDevice, FlowCrossDevice:
		return !r.IsDigital()
	}
	return flow == FlowDCAPI && r.IsDigital()
}
