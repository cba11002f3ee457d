package wallet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"facet/credentials/claims"
	"facet/schemas"
	"facet/wallet/vault"
)

// A Conflict is something the holder stated differently on two devices at the
// same time. Kept counts until the holder chooses; Other is kept beside it.
// Only what differs is listed.
type Conflict struct {
	ID    string      `json:"id"`
	Kind  string      `json:"kind"` // preferences, today, settings
	Kept  []ClaimLine `json:"kept"`
	Other []ClaimLine `json:"other"`
}

// askable are the records only their holder can decide about.
var askable = []string{recPreferences, recToday, recSettings}

// Conflicts lists what the holder has to choose between.
func (w *Wallet) Conflicts(context.Context) ([]Conflict, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conflicts()
}

func (w *Wallet) conflicts() ([]Conflict, error) {
	out := []Conflict{}
	for _, kind := range askable {
		for _, id := range w.cfg.Vault.List(vault.ConflictPrefix + kind) {
			kept, err := w.statements(kind, kind, recSingle)
			if err != nil {
				return nil, err
			}
			other, err := w.statements(kind, vault.ConflictPrefix+kind, id)
			if err != nil {
				return nil, err
			}
			c := Conflict{ID: kind + "/" + id, Kind: kind, Kept: []ClaimLine{}, Other: []ClaimLine{}}
			for i := range kept {
				if compareText(kept[i].Value, other[i].Value) != 0 {
					c.Kept, c.Other = append(c.Kept, kept[i]), append(c.Other, other[i])
				}
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// statements says a record in words, one line for everything that can be stated.
func (w *Wallet) statements(kind, in, id string) ([]ClaimLine, error) {
	set := claims.Set{}
	if _, err := w.get(in, id, &set); err != nil {
		return nil, err
	}
	m := metadataOf(map[string]string{recPreferences: schemas.MediaPreferences, recToday: schemas.Today}[kind])
	if kind == recSettings {
		m = settingsWords
	}
	var out []ClaimLine
	for _, p := range m.paths() {
		line := ClaimLine{Label: m.label(p), Value: wordNotStated}
		if v, ok := valueAt(set, namesOf(p)); ok && v != "" {
			line.Value = valueWords(p, v)
			if word, ok := settingWords[line.Value["en"]]; ok && kind == recSettings {
				line.Value = word
			}
		}
		out = append(out, line)
	}
	return out, nil
}

// settingsWords names the settings as type metadata names claims.
var settingsWords = metadata{Claims: []claimMetadata{
	{Path: claims.Path{"language"}, Display: []labelMetadata{{"de", "Sprache"}, {"en", "Language"}}},
	{Path: claims.Path{"theme"}, Display: []labelMetadata{{"de", "Aussehen"}, {"en", "Appearance"}}},
	{Path: claims.Path{"formal"}, Display: []labelMetadata{{"de", "Anrede mit Sie"}, {"en", "Formal German"}}},
}}

var settingWords = map[string]Text{
	"de":    {"de": "Deutsch", "en": "German"},
	"en":    {"de": "Englisch", "en": "English"},
	"light": {"de": "Hell", "en": "Light"},
	"dark":  {"de": "Dunkel", "en": "Dark"},
}

// What Choose can be told.
const (
	TakeKept  = "kept"
	TakeOther = "other"
)

// Choose settles a conflict: one of the two stays, the other is deleted.
func (w *Wallet) Choose(ctx context.Context, id, take string) error {
	kind, rest, _ := strings.Cut(id, "/")
	if !slices.Contains(askable, kind) || take != TakeKept && take != TakeOther {
		return failf(CodeParams, "no such choice")
	}
	return w.change(ctx, func() error {
		other, err := w.cfg.Vault.Get(vault.ConflictPrefix+kind, rest)
		if errors.Is(err, vault.ErrNotFound) {
			return failf(CodeNotFound, "no such conflict")
		}
		if err != nil {
			return err
		}
		if take == TakeOther {
			if err := w.cfg.Vault.Put(kind, recSingle, other); err != nil {
				return err
			}
		}
		return w.remove(vault.ConflictPrefix+kind, rest)
	})
}

// settle resolves what needs no question, and reports whether anything changed:
// one-time copies used on either device are used, a deed is as far as either
// device saw it, and two versions that say the same are one. It runs after
// every save, because saving merges. The caller holds w.mu.
func (w *Wallet) settle() (bool, error) {
	credentials, err1 := settleEach(w, recCredential, w.join)
	deeds, err2 := settleEach(w, recHistory, (*deed).follow)
	parties, err3 := settleEach(w, recParty, (*party).meet)
	lists, err4 := settleEach(w, recTrust, (*pin).later)
	moot, err5 := w.dropMoot()
	return credentials || deeds || parties || lists || moot, errors.Join(err1, err2, err3, err4, err5)
}

// settleEach joins the two versions of every record of a kind into one. A
// record that is gone meanwhile stays gone.
func settleEach[T any](w *Wallet, kind string, join func(kept, other *T)) (changed bool, err error) {
	aside := vault.ConflictPrefix + kind
	for _, id := range w.cfg.Vault.List(aside) {
		original, _, _ := strings.Cut(id, "~")
		kept, other := new(T), new(T)
		there, err := w.get(kind, original, kept)
		if err != nil {
			return changed, err
		}
		if _, err := w.get(aside, id, other); err != nil {
			return changed, err
		}
		if there {
			join(kept, other)
			if err := w.put(kind, original, kept); err != nil {
				return changed, err
			}
		}
		if err := w.remove(aside, id); err != nil {
			return changed, err
		}
		changed = true
	}
	return changed, nil
}

// follow takes over what the other version knows beyond this one: that the
// answer was taken back, or what became of its receipt.
func (d *deed) follow(other *deed) {
	receipts := []string{ReceiptMissing, ReceiptChecking, ReceiptChecked, ReceiptFailed}
	if slices.Index(receipts, other.Receipt) > slices.Index(receipts, d.Receipt) {
		d.Receipt, d.Log, d.Sent = other.Receipt, other.Log, other.Sent
	}
	switch {
	case other.State == StateWithdrawn && d.State != StateWithdrawn:
		d.State, d.Erasure = other.State, other.Erasure
		d.forget()
	case other.State == StateActive && d.State == StateNone:
		d.State = StateActive // one device saw it arrive
	}
}

// meet keeps as asked before only what both versions know of: rather marked
// "new" once too often.
func (k *party) meet(other *party) {
	k.KnownSince = min(k.KnownSince, other.KnownSince)
	k.Asked = slices.DeleteFunc(k.Asked, func(a string) bool { return !slices.Contains(other.Asked, a) })
}

// dropMoot deletes conflicts about which there is nothing to choose any more.
func (w *Wallet) dropMoot() (changed bool, err error) {
	for _, kind := range askable {
		kept, err := w.cfg.Vault.Get(kind, recSingle)
		if err != nil && !errors.Is(err, vault.ErrNotFound) {
			return changed, err
		}
		for _, id := range w.cfg.Vault.List(vault.ConflictPrefix + kind) {
			other, err := w.cfg.Vault.Get(vault.ConflictPrefix+kind, id)
			if err != nil {
				return changed, err
			}
			if !bytes.Equal(kept, other) && !(kind == recToday && w.isOver(other)) {
				continue
			}
			if err := w.remove(vault.ConflictPrefix+kind, id); err != nil {
				return changed, err
			}
			changed = true
		}
	}
	return changed, nil
}

// isOver reports whether a statement about today has ended.
func (w *Wallet) isOver(plain []byte) bool {
	var t Today
	return json.Unmarshal(plain, &t) == nil && w.cfg.Now().Unix() >= t.Until
}
