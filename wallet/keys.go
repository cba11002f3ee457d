package wallet

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"

	"facet/wallet/vault"
)

// A Key is one way into the vault: a passkey or the recovery code.
type Key struct {
	ID    string `json:"id"`
	Kind  string `json:"kind"`  // vault.KindPasskey or vault.KindCode
	Label string `json:"label"` // what the holder calls it
	Since int64  `json:"since"` // unix seconds; 0 = unknown
	Here  bool   `json:"here"`  // the vault was opened with it

	// CredentialID is what the host knows a passkey by. Pages have no use for it.
	CredentialID []byte `json:"-"`
}

// Keys lists who can open the vault.
func (w *Wallet) Keys(context.Context) ([]Key, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.keys(), nil
}

func (w *Wallet) keys() []Key {
	keys := []Key{}
	for _, r := range w.cfg.Vault.Recipients() {
		keys = append(keys, Key{ID: r.ID, Kind: r.Kind, Label: r.Label, Since: r.Since, Here: r.ID == w.cfg.OpenedBy, CredentialID: r.CredentialID})
	}
	return keys
}

// Passkey finds a passkey that may be removed: never the one that opened the
// vault, and never the last. Reasons: not_found, key_in_use, key_last.
func (w *Wallet) Passkey(_ context.Context, id string) (Key, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.removable(id)
}

func (w *Wallet) removable(id string) (found Key, err error) {
	passkeys := 0
	for _, k := range w.keys() {
		if k.Kind != vault.KindPasskey {
			continue
		}
		if passkeys++; k.ID == id {
			found = k
		}
	}
	switch {
	case found.ID == "":
		return Key{}, failf(CodeNotFound, "no such passkey")
	case found.Here:
		return Key{}, failf(CodeKeyInUse, "the vault is open by this passkey")
	case passkeys == 1:
		return Key{}, failf(CodeKeyLast, "the last passkey stays")
	}
	return found, nil
}

// AddPasskey lets another passkey open the vault. The caller has made sure that
// its PRF output is stable. If it cannot be saved nothing has changed. One place
// is kept free, so that a recovery code can always be replaced.
func (w *Wallet) AddPasskey(ctx context.Context, p vault.Passkey, label string) error {
	if err := w.Changeable(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.cfg.Vault.Recipients()) >= vault.MaxRecipients-1 {
		return failf(CodeKeysFull, "the vault has the most passkeys it may have")
	}
	if err := w.cfg.Vault.AddPasskey(p, ""); err != nil {
		return err
	}
	return w.welcome(ctx, p, label)
}

// AddCode lets another recovery code open the vault beside the old one, which
// RetireCodes shuts out once the host knows the new one.
func (w *Wallet) AddCode(ctx context.Context, c vault.Code) error {
	if err := w.Changeable(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	id, err := w.cfg.Vault.RecipientID(c)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(w.keys(), func(k Key) bool { return k.ID == id }) {
		return w.save(ctx) // again, after what followed failed
	}
	if err := w.cfg.Vault.AddCode(c); err != nil {
		return err
	}
	return w.welcome(ctx, c, "")
}

// welcome describes the recipient just added and saves; what cannot be saved is
// undone. The caller holds w.mu.
func (w *Wallet) welcome(ctx context.Context, k vault.Key, label string) error {
	v := w.cfg.Vault
	id, err := v.RecipientID(k)
	if err != nil {
		return err
	}
	err = v.Describe(id, plainLabel(label), w.cfg.Now())
	if err == nil {
		err = w.save(ctx)
	}
	if err != nil {
		return errors.Join(err, v.Remove(id))
	}
	return nil
}

// RemovePasskey shuts a passkey out and seals everything anew. Reasons as
// Passkey.
func (w *Wallet) RemovePasskey(ctx context.Context, id string) error {
	return w.change(ctx, func() error {
		if _, err := w.removable(id); err != nil {
			return err
		}
		return w.cfg.Vault.Remove(id)
	})
}

// RetireCodes shuts out every recovery code but keep.
func (w *Wallet) RetireCodes(ctx context.Context, keep vault.Code) error {
	return w.change(ctx, func() error { return w.cfg.Vault.RemoveCodes(keep) })
}

// plainLabel is a name as the holder typed it, without what cannot be seen, and
// of bounded length.
func plainLabel(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.TrimSpace(s))
	for len(s) > vault.MaxLabel {
		runes := []rune(s)
		s = string(runes[:len(runes)-1])
	}
	return s
}
