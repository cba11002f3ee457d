package wallet

import (
	"context"
	"strings"
	"time"

	"facet/credentials/jose"
	"facet/credentials/openid4vp"
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
	erasure, err := w.verifyErasure(ctx, d, string(res.Body))
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

// clockLeeway is how far the verifier's clock may be from ours.
const clockLeeway = 5 * time.Minute

// verifyErasure checks an erasure receipt: signed by who asked, about this
// policy, and made after the answer was given. It may be older than the wish:
// a verifier whose first reply was lost sends the same receipt again.
func (w *Wallet) verifyErasure(ctx context.Context, d *deed, compact string) (*Erasure, error) {
	token, err := jose.Parse(compact, jose.Rule{Typ: []string{ErasureType}, MaxSize: MaxErasure, AllowX5C: true})
	if err != nil {
		return nil, fail(CodeErasure, err)
	}
	key, err := w.erasureKey(ctx, d, token)
	if err != nil {
		return nil, err
	}
	v, err := token.Verify(key)
	if err != nil {
		return nil, fail(CodeErasure, err)
	}
	c, now := v.Claims(), w.cfg.Now()
	at, ok, err := jose.NumericDate(c, "withdrawn_at")
	entry, _ := c["entry"].(string)
	switch {
	case err != nil || !ok || at.Before(time.Unix(d.At, 0).Add(-clockLeeway)) || at.After(now.Add(clockLeeway)):
		return nil, failf(CodeErasure, "the erasure receipt is not of a time after the answer")
	case d.Policy == nil || c["policy_sha256"] != d.Policy.SHA256:
		return nil, failf(CodeErasure, "the erasure receipt is about something else")
	}
	return &Erasure{At: at.Unix(), Entry: entry}, nil
}

// erasureKey is the key that must have signed the receipt: the one that signed
// the request, or, when the asker has renewed its certificate since, the one of
// a certificate for which the trust list names the same party.
func (w *Wallet) erasureKey(ctx context.Context, d *deed, token *jose.Token) (*jose.PublicKey, error) {
	first, err := jose.ParsePublicKey(d.RequestKey)
	if err != nil {
		return nil, failf(CodeRecord, "the stored request key does not parse")
	}
	sub, _ := token.UnverifiedClaims()["sub"].(string)
	x5c := token.Header().X5C
	if kid := token.Header().Kid; kid != "" && len(x5c) == 0 {
		return w.erasureDID(ctx, d, token, first)
	}
	if len(x5c) == 0 {
		if sub != d.ClientID {
			return nil, failf(CodeErasure, "the erasure receipt is another asker's")
		}
		return first, nil
	}
	key, err := jose.LeafKey(x5c)
	if err != nil {
		return nil, fail(CodeErasure, err)
	}
	if sub == d.ClientID && key.Equal(first) {
		return first, nil
	}
	who, err := w.cfg.Verifiers.Verifier(ctx, sub, x5c, w.cfg.Now())
	if err != nil {
		return nil, fail(CodeErasure, err)
	}
	if d.PartyID == "" || partyID(who) != d.PartyID {
		return nil, failf(CodeErasure, "the erasure receipt is another party's")
	}
	return key, nil
}

// erasureDID is the key of an asker known by a DID: the one that signed the
// request, or one the DID names now, if the trust list names the same party.
func (w *Wallet) erasureDID(ctx context.Context, d *deed, token *jose.Token, first *jose.PublicKey) (*jose.PublicKey, error) {
	sub, _ := token.UnverifiedClaims()["sub"].(string)
	if _, err := token.Verify(first); err == nil && sub == d.ClientID {
		return first, nil // nobody needs to be asked
	}
	client, err := openid4vp.ParseClientID(sub)
	owner, _, named := strings.Cut(token.Header().Kid, "#")
	if err != nil || client.Prefix != openid4vp.PrefixDID || !named || owner != client.ID || w.cfg.DIDs == nil {
		return nil, failf(CodeErasure, "the erasure receipt is another asker's")
	}
	who, err := w.cfg.Verifiers.Verifier(ctx, sub, nil, w.cfg.Now())
	if err != nil {
		return nil, fail(CodeErasure, err)
	}
	if d.PartyID == "" || partyID(who) != d.PartyID {
		return nil, failf(CodeErasure, "the erasure receipt is another party's")
	}
	key, err := w.cfg.DIDs.Resolve(ctx, token.Header().Kid)
	if err != nil {
		return nil, fail(CodeErasure, err)
	}
	return key, nil
}
