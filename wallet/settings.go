package wallet

import "context"

// Settings returns how the wallet looks and speaks.
func (w *Wallet) Settings(context.Context) (Settings, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var s Settings
	_, err := w.get(recSettings, recSingle, &s)
	return s, err
}

// SetSettings replaces them. An unknown word is refused with reason
// preferences_invalid.
func (w *Wallet) SetSettings(ctx context.Context, s Settings) (Settings, error) {
	if !oneOf(s.Language, []string{"de", "en"}) || !oneOf(s.Theme, []string{"light", "dark"}) {
		return Settings{}, failf(CodePreferences, errPrefer)
	}
	err := w.change(ctx, func() error { return w.put(recSettings, recSingle, s) })
	return s, err
}

// Export returns the sealed vault as it is stored: a file that opens with the
// same passkey or recovery code and nothing else.
func (w *Wallet) Export(context.Context) (Export, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	sealed, err := w.cfg.Vault.Seal()
	if err != nil {
		return Export{}, err
	}
	return Export{File: sealed, Name: "facet-" + w.cfg.Now().UTC().Format("2006-01-02") + ".vault"}, nil
}
