package wallet

import (
	"context"
	"encoding/base64"
	"time"

	"facet/credentials"
	"facet/wallet/vault"
)

// A TrustSource is a trust list somebody other than the holder supplies, such
// as the wallet's host. The vault remembers the last list of each source, so
// that a source can only go forward: a list with a higher version takes the
// place of the last one and the holder is told; any other change is refused.
type TrustSource struct {
	List *credentials.TrustList
	From string // who supplies it: a host name
}

// A pin is what the vault remembers of a source's list.
type pin struct {
	Version int    `json:"version"`
	SHA256  string `json:"sha256"`
	Since   int64  `json:"since"`             // when it was first seen
	Changed bool   `json:"changed,omitempty"` // it took another one's place
}

// Pin notes in an open vault that s.List is in use. Reason trust_list_rollback
// if it is not the list last seen and not a later version either; the vault is
// then as it was.
func (s TrustSource) Pin(v *vault.Vault, now time.Time) error {
	w := &Wallet{cfg: Config{Vault: v}}
	next, known, err := s.next(w, now)
	if err != nil || next == known {
		return err
	}
	return w.put(recTrust, s.From, next)
}

// next is what is known of the source, and what will be with this list.
func (s TrustSource) next(w *Wallet, now time.Time) (next, known pin, err error) {
	sum := s.List.SHA256()
	next = pin{Version: s.List.Version(), SHA256: base64.RawURLEncoding.EncodeToString(sum[:]), Since: now.Unix()}
	there, err := w.get(recTrust, s.From, &known)
	switch {
	case err != nil || !there:
		return next, known, err
	case next.Version == known.Version && next.SHA256 == known.SHA256:
		return known, known, nil
	case next.Version <= known.Version:
		return known, known, failf(CodeTrustRollback, "another trust list, and not a later one")
	}
	next.Changed = true
	return next, known, nil
}

// later keeps the pin of the later list.
func (p *pin) later(other *pin) {
	if other.Version > p.Version {
		*p = *other
	}
}

// trust pins the supplied list. One that may not be used is put away: nobody is
// vouched for then, and nothing can be asked or received.
func (w *Wallet) trust() error {
	s := w.cfg.Supplied
	if s.List == nil || w.cfg.ReadOnly {
		return nil
	}
	err := s.Pin(w.cfg.Vault, w.cfg.Now()) // in memory; the next change saves it
	if ReasonOf(err) != CodeTrustRollback {
		return err
	}
	w.distrust = err
	w.cfg.Trust, w.cfg.Verifiers, w.cfg.Registrars, w.cfg.Hosts = nobody{err}, nobody{err}, nil, nil
	return nil
}

// nobody vouches for anyone.
type nobody struct{ err error }

// IssuerKey implements credentials.TrustStore.
func (n nobody) IssuerKey(context.Context, credentials.TrustQuery) (*credentials.Issuer, error) {
	return nil, n.err
}

// Verifier implements credentials.Verifiers.
func (n nobody) Verifier(context.Context, string, []string, time.Time) (*credentials.Party, error) {
	return nil, n.err
}

// trustNews is how long the first page says that the list changed.
const trustNews = 30 * 24 * time.Hour

// trustNote is what the first page says about the supplied list; nil if there
// is nothing to say. The caller holds w.mu.
func (w *Wallet) trustNote() (*TrustNote, error) {
	var known pin
	there, err := w.get(recTrust, w.cfg.Supplied.From, &known)
	since := time.Unix(known.Since, 0)
	switch {
	case err != nil || !there:
		return nil, err
	case w.distrust != nil:
		return &TrustNote{Since: known.Since, Refused: true}, nil
	case known.Changed && w.cfg.Now().Before(since.Add(trustNews)):
		return &TrustNote{Since: known.Since}, nil
	}
	return nil, nil
}
