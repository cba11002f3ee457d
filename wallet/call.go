package wallet

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
)

// MaxParams is the most bytes of parameters one Call takes.
const MaxParams = 256 << 10

// Call runs one method by its name on the bridge, with parameters and result
// in JSON. It decides nothing; errors are those of the method. Reasons of its
// own: method_unknown, params_invalid, offline_read_only.
func (w *Wallet) Call(ctx context.Context, method string, params []byte) ([]byte, error) {
	m, ok := methods[method]
	if !ok {
		return nil, failf(CodeMethod, "no such method")
	}
	if !reads[method] {
		if err := w.Changeable(); err != nil {
			return nil, err
		}
	}
	if len(params) > MaxParams {
		return nil, failf(CodeParams, "too long")
	}
	result, err := m(w, ctx, params)
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

type method func(w *Wallet, ctx context.Context, params []byte) (any, error)

// on makes a method of a function that takes P and returns R.
func on[P, R any](f func(w *Wallet, ctx context.Context, p P) (R, error)) method {
	return func(w *Wallet, ctx context.Context, params []byte) (any, error) {
		var p P
		d := json.NewDecoder(bytes.NewReader(params))
		d.DisallowUnknownFields()
		if len(params) > 0 {
			if err := d.Decode(&p); err != nil {
				return nil, failf(CodeParams, "parameters do not fit the method")
			}
			if _, err := d.Token(); err != io.EOF {
				return nil, failf(CodeParams, "text after the parameters")
			}
		}
		return f(w, ctx, p)
	}
}

type (
	none struct{}
	byID struct {
		ID string `json:"id"`
	}
	byProposal struct {
		ProposalID string `json:"proposal_id"`
	}
	byLang struct {
		Lang string `json:"lang"`
	}
	byURL struct {
		URL string `json:"url"`
	}

	acceptParams struct {
		OfferID   string `json:"offer_id"`
		TxCode    string `json:"tx_code"`
		Confirmed bool   `json:"confirmed"`
	}
	choiceParams struct {
		ProposalID string   `json:"proposal_id"`
		Digest     string   `json:"digest"`
		Choices    []string `json:"choices"`
	}
	chooseParams struct {
		ID   string `json:"id"`
		Take string `json:"take"`
	}
	keyParams struct {
		ProposalID string `json:"proposal_id"`
		Key        string `json:"key"`
	}
)

// methods are the bridge's, by name. The vault's own (vault.create, …) belong
// to whoever holds the vault.
var methods = map[string]method{
	"home":            on(func(w *Wallet, ctx context.Context, _ none) (Home, error) { return w.Home(ctx) }),
	"preferences.get": on(func(w *Wallet, ctx context.Context, _ none) (Preferences, error) { return w.Preferences(ctx) }),
	"preferences.set": on((*Wallet).SetPreferences),
	"today.get":       on(func(w *Wallet, ctx context.Context, _ none) (Today, error) { return w.Today(ctx) }),
	"today.set":       on((*Wallet).SetToday),
	"topics":          on(func(w *Wallet, ctx context.Context, p byLang) ([]Topic, error) { return w.Topics(ctx, p.Lang), nil }),
	"offer":           on((*Wallet).Offer),
	"accept": on(func(w *Wallet, ctx context.Context, p acceptParams) (Accepted, error) {
		return w.Accept(ctx, p.OfferID, Acceptance{TxCode: p.TxCode, Confirmed: p.Confirmed})
	}),
	"ask":      on(func(w *Wallet, ctx context.Context, p byURL) (Proposal, error) { return w.Ask(ctx, p.URL) }),
	"proposal": on(func(w *Wallet, _ context.Context, p byProposal) (Proposal, error) { return w.Proposal(p.ProposalID) }),
	"preview": on(func(w *Wallet, ctx context.Context, p choiceParams) (Previewed, error) {
		return w.Preview(ctx, p.ProposalID, p.Choices)
	}),
	"reveal": on(func(w *Wallet, ctx context.Context, p keyParams) (Revealed, error) {
		return w.Reveal(ctx, p.ProposalID, p.Key)
	}),
	"present": on(func(w *Wallet, ctx context.Context, p choiceParams) (Presented, error) {
		return w.Present(ctx, p.ProposalID, p.Digest, p.Choices)
	}),
	"refuse": on(func(w *Wallet, ctx context.Context, p byProposal) (Refused, error) {
		return w.Refuse(ctx, p.ProposalID)
	}),
	"history":       on(func(w *Wallet, ctx context.Context, _ none) ([]HistoryRow, error) { return w.History(ctx) }),
	"history.item":  on(func(w *Wallet, ctx context.Context, p byID) (HistoryDetail, error) { return w.HistoryItem(ctx, p.ID) }),
	"receipt.check": on(func(w *Wallet, ctx context.Context, p byID) (ReceiptCheck, error) { return w.CheckReceipt(ctx, p.ID) }),
	"withdraw":      on(func(w *Wallet, ctx context.Context, p byID) (Withdrawn, error) { return w.Withdraw(ctx, p.ID) }),
	"settings.get":  on(func(w *Wallet, ctx context.Context, _ none) (Settings, error) { return w.Settings(ctx) }),
	"settings.set":  on((*Wallet).SetSettings),
	"keys":          on(func(w *Wallet, ctx context.Context, _ none) ([]Key, error) { return w.Keys(ctx) }),
	"conflicts":     on(func(w *Wallet, ctx context.Context, _ none) ([]Conflict, error) { return w.Conflicts(ctx) }),
	"conflicts.choose": on(func(w *Wallet, ctx context.Context, p chooseParams) ([]Conflict, error) {
		if err := w.Choose(ctx, p.ID, p.Take); err != nil {
			return nil, err
		}
		return w.Conflicts(ctx)
	}),
	"export": on(func(w *Wallet, ctx context.Context, _ none) (Export, error) { return w.Export(ctx) }),
}

// reads are the methods that neither change nor send anything.
var reads = map[string]bool{
	"home": true, "preferences.get": true, "today.get": true, "topics": true, "history": true, "history.item": true,
	"settings.get": true, "keys": true, "conflicts": true, "export": true,
}
