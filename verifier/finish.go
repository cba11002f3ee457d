package verifier

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/url"
	"strings"
	"time"

	"facet/audit"
	"facet/credentials"
	"facet/credentials/dcql"
	"facet/credentials/openid4vp"
)

// A Check names one step of Finish, in the log and to operators.
type Check string

// The checks, in the order they run.
const (
	CheckTransaction     Check = "transaction"
	CheckDecrypt         Check = "decrypt"
	CheckShape           Check = "shape"
	CheckIssuerSignature Check = "issuer_signature"
	CheckIssuerTrust     Check = "issuer_trust"
	CheckValidity        Check = "validity"
	CheckKeyBinding      Check = "key_binding"
	CheckStatus          Check = "status"
	CheckQuery           Check = "query"
	CheckReplay          Check = "replay"
)

// evidence is what one answer is judged by; each check adds what it found.
type evidence struct {
	find       func(context.Context) (*transaction, error) // by the name of where the answer came in
	read       func(*transaction) (*openid4vp.Post, error) // its outer form
	hash       []byte                                      // SHA-256 of all of it
	byPlatform bool                                        // it was handed over by the platform, which may hear the outcome again

	turn        turn // at the machine, from decrypt until the transaction is taken
	tx          *transaction
	post        *openid4vp.Post
	answer      *openid4vp.Response
	credentials map[string]*credentials.Credential // by query id
	report      *dcql.Report
	resumes     bool // this very answer was accepted before
}

// Finish runs the checks in this order and stops at the first that fails. The
// order is part of the contract: nothing is read from a credential before its
// issuer's signature has been verified, and an answer takes the transaction
// only when all else is right, so that garbage burns nothing.
//
// Issuer signature, trust, validity, key binding and status are checked
// credential by credential; the failed one gives the check its name.
var checks = []struct {
	name Check
	run  func(*Verifier, context.Context, *evidence) error
}{
	{CheckTransaction, (*Verifier).pendingTransaction},
	{CheckDecrypt, (*Verifier).decrypt},
	{CheckShape, (*Verifier).checkShape},
	{CheckIssuerSignature, (*Verifier).verifyCredentials},
	{CheckQuery, (*Verifier).satisfyQuery},
	{CheckReplay, (*Verifier).claimTransaction},
}

// Finished tells the wallet where the holder's browser goes next.
type Finished struct {
	RedirectURI string // empty in the cross-device flow
}

// A Response is a POST to a response_uri.
type Response struct {
	ID          string // the last part of the response_uri
	ContentType string
	Body        []byte // at most openid4vp.MaxResponse bytes
}

// Finish takes a wallet's answer: a presentation or a refusal. A *RejectError
// says which check it failed; an *Error with ReasonUnavailable that nothing was
// decided and the same answer may be sent again.
func (v *Verifier) Finish(ctx context.Context, r Response) (*Finished, error) {
	sum := sha256.Sum256(r.Body)
	t, err := v.finish(ctx, &evidence{
		hash: sum[:],
		find: func(ctx context.Context) (*transaction, error) {
			t, err := v.find(ctx, forResponse, r.ID)
			if err == nil && !t.posted() {
				err = fail(ReasonUnknown, "the answer comes through the browser")
			}
			return t, err
		},
		read: func(*transaction) (*openid4vp.Post, error) { return openid4vp.ParsePost(r.ContentType, r.Body) },
	})
	if err != nil {
		return nil, err
	}
	return t.finished(), nil
}

// finish runs the checks and returns the transaction as answered.
func (v *Verifier) finish(ctx context.Context, e *evidence) (*transaction, error) {
	defer e.turn.leave()
	for _, c := range checks {
		if err := c.run(v, ctx, e); err != nil {
			return nil, v.reject(ctx, e, c.name, err)
		}
		if e.resumes {
			break
		}
		if e.refusal() != "" {
			if err := v.closeRefused(ctx, e); err != nil {
				return nil, v.reject(ctx, e, CheckReplay, err)
			}
			break
		}
	}
	t, err := v.answerOnce(ctx, e)
	switch {
	case err != nil:
		return nil, v.reject(ctx, e, CheckReplay, err)
	case e.resumes: // counted before
	case t.State == Refused:
		v.cfg.Count(audit.NoAnswer, "")
	default:
		v.cfg.Count(audit.Answered, "")
	}
	return t, nil
}

// finished sends a same-device holder back: with the code that unlocks the
// result, or with the word that there is none.
func (t *transaction) finished() *Finished {
	if t.ReturnURI == "" {
		return &Finished{}
	}
	name, value := "response_code", t.Code
	if t.State == Refused {
		name, value = "error", string(openid4vp.CodeAccessDenied)
	}
	separator := "?"
	if strings.Contains(t.ReturnURI, "?") {
		separator = "&"
	}
	return &Finished{RedirectURI: t.ReturnURI + separator + name + "=" + url.QueryEscape(value)}
}

// pendingTransaction finds the transaction and reads the body's outer form.
func (v *Verifier) pendingTransaction(ctx context.Context, e *evidence) (err error) {
	if e.tx, err = e.find(ctx); err != nil {
		return err
	}
	switch e.tx.State {
	case Open:
		if !v.cfg.Now().Before(e.tx.expires()) {
			return fail(ReasonExpired, "the request has expired")
		}
	case Accepted, Logged, Released, Refused:
		if e.resumes = !e.tx.Answered && bytes.Equal(e.hash, e.tx.Body) || e.again(e.tx, v.cfg.Now()); e.resumes {
			return nil
		}
		return fail(ReasonUsed, "the request was answered")
	case Expired:
		return fail(ReasonExpired, "the request has expired")
	default:
		return fail(ReasonUsed, "the request was answered")
	}
	if e.post, err = e.read(e.tx); err != nil {
		return err
	}
	if e.post.Encrypted == "" {
		return sameState(e.post.State, e.tx)
	}
	return nil
}

// again reports whether this very answer was taken a moment ago and its reply
// may have been lost. Only a platform hears it again: anybody may have seen what
// a wallet posted.
func (e *evidence) again(t *transaction, now time.Time) bool {
	return e.byPlatform && t.Answered && bytes.Equal(e.hash, t.Body) && now.Sub(t.closed()) <= RetryWindow
}

// sameState compares the answer's state. The Digital Credentials API has none:
// there the browser itself ties the answer to the page (App. A.2).
func sameState(got string, t *transaction) error {
	if t.Flow == audit.DCAPI {
		return nil
	}
	if subtle.ConstantTimeCompare([]byte(got), []byte(t.WireState)) != 1 {
		return fail(ReasonUnknown, "state is not the transaction's")
	}
	return nil
}

// decrypt opens the answer with the key made for this request. Only refusals
// may come in the clear.
func (v *Verifier) decrypt(ctx context.Context, e *evidence) error {
	if e.post.Error != "" {
		return nil
	}
	switch plain := e.tx.clear(); {
	case plain && e.post.Encrypted != "":
		return fail("response_mode_mismatch", "an answer in the clear was asked for")
	case plain: // its state was compared with the body's outer form
		e.answer = &openid4vp.Response{VPToken: e.post.VPToken, State: e.post.State}
		return nil
	case e.post.Encrypted == "":
		return fail("response_not_encrypted", "an encrypted answer was asked for")
	}
	key, err := v.encryptionKey(ctx, e.tx)
	if err != nil {
		return err
	}
	if err := e.turn.take(ctx, e.tx.platform.answers); err != nil {
		return err
	}
	if e.answer, err = openid4vp.DecryptResponse(e.post.Encrypted, key, e.tx.EncKid); err != nil {
		return err
	}
	return sameState(e.answer.State, e.tx)
}

// refusal is the wallet's error word, if it sent one.
func (e *evidence) refusal() openid4vp.Code {
	if e.answer != nil {
		return e.answer.Error
	}
	return e.post.Error
}

// checkShape compares the answer with the query by names and numbers only.
func (v *Verifier) checkShape(_ context.Context, e *evidence) error {
	for id, list := range e.answer.VPToken {
		if _, asked := e.tx.policy.Queries[id]; !asked {
			return fail("vp_token_unexpected_id", "there is an answer to a query nobody asked")
		}
		if len(list) != 1 {
			return fail("dcql_too_many", "a query has more than one answer")
		}
	}
	return nil
}

// closeRefused ends the transaction without a result. Refused and not held are
// one and the same in the log (OpenID4VP §15.4.1).
func (v *Verifier) closeRefused(ctx context.Context, e *evidence) error {
	return v.take(ctx, e, func() (*transaction, error) {
		next := *e.tx
		next.State, next.ClosedAt, next.Body = Refused, v.cfg.Now().Unix(), e.hash
		if e.post.Error != "" {
			next.Refusal = e.post.ErrorText
		}
		return &next, nil
	})
}

// claimTransaction takes the transaction for this answer. It is the last check
// and the only one that changes anything.
func (v *Verifier) claimTransaction(ctx context.Context, e *evidence) error {
	return v.take(ctx, e, func() (*transaction, error) { return v.outcomeOf(ctx, e) })
}

// take swaps the open transaction for what next makes of it. A record that
// changed meanwhile is taken only by somebody who ended it: a wallet that
// fetched the request, or an answer that failed a check, burns nothing.
func (v *Verifier) take(ctx context.Context, e *evidence, next func() (*transaction, error)) error {
	for {
		want, err := next()
		e.turn.leave()
		if err != nil {
			return err
		}
		t, err := v.swap(ctx, e.tx, *want)
		if errors.Is(err, errMoved) {
			t, err = v.load(ctx, e.tx.ID)
			switch {
			case err != nil:
				return err
			case t.State == Expired:
				return fail(ReasonExpired, "the request has expired")
			case e.byPlatform && bytes.Equal(e.hash, t.Body): // sent twice at once, and the other was quicker
				e.tx, e.resumes = t, true
				return nil
			case t.State != Open:
				return fail(ReasonUsed, "another answer was first")
			}
			e.tx = t
			continue
		}
		if err != nil {
			return err
		}
		e.tx = t
		return nil
	}
}

// reject names the check that failed and counts the try. Errors of the store
// or the log decide nothing and pass.
func (v *Verifier) reject(ctx context.Context, e *evidence, check Check, err error) error {
	e.turn.leave()
	reason := reasonOf(err, ReasonUnavailable)
	switch reason {
	case ReasonUnavailable:
		return unavailable("check "+string(check), err)
	case ReasonGone:
		reason = ReasonUsed // its keys went when somebody else ended it a moment ago
	}
	out := &RejectError{Check: checkOf(check, reason), Err: err, reason: reason}
	switch {
	case reason == ReasonUsed:
		out.Check = CheckReplay
	case reason == ReasonUnknown || reason == ReasonExpired:
		out.Check = CheckTransaction
	case e.answer != nil: // it decrypted, so it came from who got the request
		if err := v.countTry(ctx, e, out.Check); err != nil {
			return err
		}
	}
	v.cfg.Count(audit.Rejected, out.Check)
	return out
}

// countTry remembers a failed answer, and ends the transaction at MaxTries.
func (v *Verifier) countTry(ctx context.Context, e *evidence, check Check) error {
	t := e.tx
	for t.State == Open {
		next := *t
		next.Tries, next.LastCheck = t.Tries+1, check
		if next.Tries >= MaxTries {
			next.State, next.ClosedAt = Rejected, v.cfg.Now().Unix()
		}
		swapped, err := v.swap(ctx, t, next)
		switch {
		case err == nil && next.State == Rejected:
			_, err := v.drive(ctx, swapped)
			return err
		case !errors.Is(err, errMoved):
			return err
		}
		if t, err = v.load(ctx, t.ID); err != nil {
			return err
		}
	}
	return nil
}

// outcome says how a transaction without a result ended, for its entry.
func (t *transaction) outcome() (audit.Outcome, Check) {
	switch {
	case t.State == Refused:
		return audit.NoAnswer, ""
	case t.Tries > 0:
		return audit.Rejected, t.LastCheck
	}
	return audit.Expired, ""
}
