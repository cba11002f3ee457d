package wallet

import (
	"cmp"
	"context"
	"slices"
)

// MaxHistory is how many deeds the wallet remembers; the oldest that are no
// longer active go first.
const MaxHistory = 500

// History lists what was answered, newest first.
func (w *Wallet) History(context.Context) ([]HistoryRow, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	deeds, err := w.deeds()
	if err != nil {
		return nil, err
	}
	rows := make([]HistoryRow, 0, len(deeds))
	for _, d := range deeds {
		rows = append(rows, w.row(d))
	}
	return rows, nil
}

// HistoryItem is one deed with its details.
func (w *Wallet) HistoryItem(_ context.Context, id string) (HistoryDetail, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d, err := w.deed(id)
	if err != nil {
		return HistoryDetail{}, err
	}
	return HistoryDetail{
		HistoryRow:  w.row(d),
		ClientID:    d.ClientID,
		Policy:      d.Policy,
		Log:         d.Log,
		CanWithdraw: w.withdrawable(d),
		Erasure:     d.Erasure,
		Support:     d.Support,
	}, nil
}

func (w *Wallet) row(d *deed) HistoryRow {
	state := d.State
	if state == StateActive && w.over(d) {
		state = StateExpired
	}
	return HistoryRow{
		ID: d.ID, Party: d.Party, Domain: d.Domain, At: d.At, Purpose: d.Purpose,
		Kinds: d.Kinds, State: state, Until: d.Until, Receipt: d.Receipt,
	}
}

// over reports whether the time the asker may keep the answer has passed.
// Whoever made no promise (0) may keep it.
func (w *Wallet) over(d *deed) bool { return d.Until != 0 && w.cfg.Now().Unix() >= d.Until }

func (w *Wallet) withdrawable(d *deed) bool {
	return d.State == StateActive && !w.over(d) && d.WithdrawalURL != "" && len(d.HolderKeys) > 0
}

// deed reads one; the caller holds w.mu.
func (w *Wallet) deed(id string) (*deed, error) {
	var d deed
	ok, err := w.get(recHistory, id, &d)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, failf(CodeNotFound, "no such deed")
	}
	return &d, nil
}

// deeds reads all, newest first; the caller holds w.mu.
func (w *Wallet) deeds() ([]*deed, error) {
	deeds, err := all[deed](w, recHistory)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(deeds, func(a, b *deed) int {
		return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(a.ID, b.ID))
	})
	return deeds, nil
}

// record stores a deed and forgets what no longer serves anyone: keys and
// values of deeds whose deadline has passed, and the oldest rows beyond
// MaxHistory. The caller holds w.mu.
func (w *Wallet) record(d *deed) error {
	if err := w.put(recHistory, d.ID, d); err != nil {
		return err
	}
	deeds, err := w.deeds()
	if err != nil {
		return err
	}
	for i, old := range deeds {
		switch {
		case i >= MaxHistory && (old.State != StateActive || w.over(old)):
			err = w.remove(recHistory, old.ID)
		case w.over(old) && old.ID != d.ID && old.forget():
			err = w.put(recHistory, old.ID, old)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forget drops keys and values; it reports whether there were any.
func (d *deed) forget() bool {
	had := len(d.HolderKeys) > 0 || len(d.Sent) > 0
	d.HolderKeys, d.Sent = nil, nil
	return had
}
