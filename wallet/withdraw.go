package wallet

import (
	"context"
	"time"

	"facet/credentials/jose"
)

// ErasureType is the typ of the signed statement that an answer was deleted.
const ErasureType = "facet-erasure+jwt"

// MaxErasure is the most bytes an erasure receipt may have.
const MaxErasure = 16 << 10

// Withdraw takes an answer back: the verifier deletes what it was told and what
// it made of it, and signs that it did. The deed becomes withdrawn only when
// that statement is verified; keys and values are then forgotten here too.
// Withdrawing again returns the erasure that was received.
func (w *Wallet) Withdraw(ctx context.Context, id string) (Withdrawn, error) {
	w.mu.Lock()
	d, err := w.deed(id)
	if err != nil {
		w.mu.Unlock()
		return Withdrawn{}, err
	}
	can := w.withdrawable(d)
	w.mu.Unlock()
	if d.State == StateWithdrawn {
		return Withdrawn{State: d.State, Erasure: d.Erasure}, nil
	}
	if !can {
		return Withdrawn{}, failf(CodeNotWithdrawable, "there is nothing that could be taken back")
	}
	proof, err := holderProof(ctx, d, actWithdraw, d.WithdrawalURL, w.cfg.Now())
	if err != nil {
		return Withdrawn{}, err
	}
	res, err := w.cfg.Fetch.Do(ctx, proofRequest(d.WithdrawalURL, proof, MaxErasure))
	if err != nil {
		return Withdrawn{}, err
	}
	if err := res.OK(); err != nil {
		return Withdrawn{}, err
	}
	erasure, err := d.verifyErasure(string(res.Body), w.cfg.Now())
	if err != nil {
		return Withdrawn{}, err
	}
	return w.noteErasure(ctx, id, erasure)
}

func (w *Wallet) noteErasure(ctx context.Context, id string, e *Erasure) (Withdrawn, error) {
	err := w.change(ctx, func() error {
		d, err := w.deed(id)
		if err != nil {
			return err
		}
		d.State, d.Erasure = StateWithdrawn, e
		d.forget()
		return w.put(recHistory, id, d)
	})
	return Withdrawn{State: StateWithdrawn, Erasure: e}, err
}

// erasureLeeway is how far the verifier's clock may be from ours.
const erasureLeeway = 5 * time.Minute

// verifyErasure checks an erasure receipt: signed by the key that signed the
// request, about this asker and policy, and made now.
func (d *deed) verifyErasure(compact string, now time.Time) (*Erasure, error) {
	token, err := jose.Parse(compact, jose.Rule{Typ: []string{ErasureType}, MaxSize: MaxErasure, AllowX5C: true})
	if err != nil {
		return nil, fail(CodeErasure, err)
	}
	key, err := jose.ParsePublicKey(d.RequestKey)
	if err != nil {
		return nil, failf(CodeRecord, "the stored request key does not parse")
	}
	v, err := token.Verify(key)
	if err != nil {
		return nil, fail(CodeErasure, err)
	}
	c := v.Claims()
	at, ok, err := jose.NumericDate(c, "withdrawn_at")
	entry, _ := c["entry"].(string)
	switch {
	case err != nil || !ok || at.Sub(now).Abs() > erasureLeeway:
		return nil, failf(CodeErasure, "the erasure receipt is not of now")
	case c["sub"] != d.ClientID || d.Policy == nil || c["policy_sha256"] != d.Policy.SHA256:
		return nil, failf(CodeErasure, "the erasure receipt is about something else")
	}
	return &Erasure{At: at.Unix(), Entry: entry}, nil
}
