package verifier

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"facet/audit"
	"facet/credentials/jose"
)

// ProofType is the typ of the token by which a holder shows that a
// presentation was theirs: signed by one of its key binding keys, which stands
// in the header.
const ProofType = "facet-holder-proof+jwt"

// MaxProof is the most bytes of a holder proof.
const MaxProof = 4 << 10

// ProofAge is how old a holder proof may be.
const ProofAge = 5 * time.Minute

// ErasureType is the typ of the receipt a holder gets for a withdrawal.
const ErasureType = "facet-erasure+jwt"

// Receipt returns the holder's receipt: the result's entry, the proof that it
// is in the log, and the keys that open its commitments. Reasons:
// transaction_unknown, holder_proof_invalid, receipt_pending,
// result_withdrawn.
func (v *Verifier) Receipt(ctx context.Context, receiptID, proof string) ([]byte, error) {
	t, err := v.find(ctx, forReceipt, receiptID)
	if err != nil {
		return nil, err
	}
	if err := v.checkProof(t, proof, "receipt", v.endpoint("receipt", forReceipt, t)); err != nil {
		return nil, err
	}
	if t.Index == nil {
		return nil, fail(ReasonPending, "the answer is not in the log yet")
	}
	out, err := v.outcome(ctx, t)
	if err != nil {
		return nil, err
	}
	inclusion, covered, err := v.cfg.Log.Proof(ctx, *t.Index)
	if err != nil {
		return nil, unavailable("prove inclusion", err)
	}
	if !covered {
		return nil, fail(ReasonPending, "no checkpoint covers the entry yet")
	}
	return audit.FormatReceipt(t.Leaf, inclusion, out.Openings)
}

// Withdraw makes the result unreadable, logs that, and returns the signed
// erasure receipt; asked again it returns the same one. Once it has begun, the
// platform gets nothing any more, even if the log is down. Reasons:
// transaction_unknown, holder_proof_invalid, unavailable.
func (v *Verifier) Withdraw(ctx context.Context, withdrawID, proof string) (string, error) {
	t, err := v.find(ctx, forWithdraw, withdrawID)
	if err != nil {
		return "", err
	}
	if err := v.checkProof(t, proof, "withdraw", v.endpoint("withdraw", forWithdraw, t)); err != nil {
		return "", err
	}
	for t.State != Withdrawn {
		if t, err = v.drive(ctx, t); err != nil {
			return "", err
		}
		if t.State != Released {
			continue
		}
		if err := v.noteDue(ctx, v.cfg.Now(), t.ID); err != nil { // should it stop halfway, Sweep finds it
			return "", err
		}
		next := *t
		next.State, next.TakenAt = Withdrawing, v.cfg.Now().Unix()
		next.Sealed, next.EncKey, next.Code, next.Reader = nil, nil, "", ""
		if t, err = v.swapOrLoad(ctx, t, next); err != nil {
			return "", err
		}
	}
	return t.Erasure, nil
}

// checkProof verifies that a key of this very presentation asks for this act,
// here and now. Transactions without an answer have no such key.
func (v *Verifier) checkProof(t *transaction, compact, act, endpoint string) error {
	token, err := jose.Parse(compact, jose.Rule{Typ: []string{ProofType}, MaxSize: MaxProof, AllowJWK: true})
	if err != nil {
		return &Error{reason: ReasonProof, err: err}
	}
	key := token.Header().JWK
	if key == nil || !slices.Contains(t.Holders, v.ids.holder(t.ID, key)) {
		return fail(ReasonProof, "the key was not used in this presentation")
	}
	verified, err := token.Verify(key)
	if err != nil {
		return &Error{reason: ReasonProof, err: err}
	}
	m, now := verified.Claims(), v.cfg.Now()
	issued, ok, err := jose.NumericDate(m, "iat")
	switch {
	case m["aud"] != endpoint || m["act"] != act:
		return fail(ReasonProof, "the proof is for something else")
	case err != nil || !ok || now.Sub(issued) > ProofAge || issued.Sub(now) > Skew:
		return fail(ReasonProof, "the proof is not from now")
	}
	return nil
}

// erased is what an erasure receipt is about.
type erased struct {
	entry audit.ID
	index uint64
	at    time.Time
}

func (v *Verifier) signErasure(ctx context.Context, t *transaction, e erased) (string, error) {
	if t.platform == nil {
		return "", nil // it was taken out of the configuration: nobody is left to sign, or to be asked
	}
	by := t.platform.current() // not who asked then: that certificate may have ended since
	payload, err := json.Marshal(map[string]any{
		"sub": by.clientID, "policy_sha256": t.Policy, "withdrawn_at": e.at.Unix(),
		"entry": e.entry, "ref": e.index, "log": v.cfg.LogInfo.Origin,
	})
	if err != nil {
		return "", err
	}
	receipt, err := jose.Sign(ctx, by.Signer, by.header(ErasureType), payload)
	if err != nil {
		return "", unavailable("sign erasure receipt", err)
	}
	return receipt, nil
}
