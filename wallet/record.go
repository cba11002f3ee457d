package wallet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"facet/credentials/claims"
	"facet/wallet/vault"
)

// Record types in the vault.
const (
	recCredential  = "credential"
	recPreferences = "preferences"
	recToday       = "today"
	recHistory     = "history"
	recSettings    = "settings"
	recParty       = "party"
	recTrust       = "trust" // the id is who supplies the list

	recSingle = "0" // the id of types with one record
)

// A held is a credential the wallet keeps: one content, several one-time
// copies. A copy is removed when it is used, so two verifiers never see the
// same signature, digests or key.
type held struct {
	ID         string     `json:"id"`
	VCT        string     `json:"vct"`
	IssuerID   string     `json:"issuer_id"`
	IssuerName string     `json:"issuer_name"`
	Title      Text       `json:"title"`
	Claims     claims.Set `json:"claims"` // processed; what every copy can disclose
	Received   int64      `json:"received"`
	Expires    int64      `json:"expires"` // 0 = never
	Copies     []copyOf   `json:"copies"`
	Last       string     `json:"last,omitempty"` // the deed the last copy went into; see claim

	AuthorityKeyIDs [][]byte `json:"authority_key_ids,omitempty"`
}

// A copyOf is one issued SD-JWT VC with the private key it is bound to.
type copyOf struct {
	SDJWT string          `json:"sd_jwt"` // sdjwt.Holding as text
	Key   json.RawMessage `json:"key"`    // private JWK
}

// A party is what the wallet remembers of an asker, by the id a trust list
// gives it (client ids change with every certificate).
type party struct {
	KnownSince int64    `json:"known_since"`   // first answer
	Asked      []string `json:"asked"`         // paths asked the last time it was answered
	Log        string   `json:"log,omitempty"` // where the last answer under a policy was logged: origin and key
}

// A deed is one answered request.
type deed struct {
	ID       string     `json:"id"`
	Party    string     `json:"party"`              // name, as it was shown
	PartyID  string     `json:"party_id,omitempty"` // in the trust list
	Domain   string     `json:"domain"`
	ClientID string     `json:"client_id"`
	At       int64      `json:"at"`
	Until    int64      `json:"until"`
	Purpose  Text       `json:"purpose"`
	Kinds    []Text     `json:"kinds"`
	State    string     `json:"state"`
	Receipt  string     `json:"receipt"`
	Consent  string     `json:"consent,omitempty"`
	Policy   *PolicyRef `json:"policy,omitempty"`
	Log      *LogRef    `json:"log,omitempty"`
	Erasure  *Erasure   `json:"erasure,omitempty"`
	Support  string     `json:"support,omitempty"`

	// What taking it back and checking the receipt need; forgotten when the
	// deadline has passed or the deed was withdrawn.
	LogKey        string            `json:"log_key,omitempty"`
	ReceiptURL    string            `json:"receipt_url,omitempty"`
	WithdrawalURL string            `json:"withdrawal_url,omitempty"`
	RequestKey    json.RawMessage   `json:"request_key,omitempty"` // public JWK that signed the request
	HolderKeys    []json.RawMessage `json:"holder_keys,omitempty"` // private JWKs that signed the presentations
	Sent          []sentClaim       `json:"sent,omitempty"`        // only until the receipt is checked
}

// A sentClaim is one disclosed value, kept sealed until the receipt was checked.
type sentClaim struct {
	Query string          `json:"query"`
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value"`
}

// get reads one record into v; false if there is none. The caller holds w.mu.
func (w *Wallet) get(kind, id string, v any) (bool, error) {
	plain, err := w.cfg.Vault.Get(kind, id)
	if errors.Is(err, vault.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", kind, err)
	}
	return true, decode(plain, v)
}

// decode reads a record. Numbers in claims stay json.Number.
func decode(plain []byte, v any) error {
	if err := unmarshal(plain, v); err != nil {
		return failf(CodeRecord, "a record is damaged")
	}
	return nil
}

// put writes one record; the caller holds w.mu.
func (w *Wallet) put(kind, id string, v any) error {
	plain, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", kind, err)
	}
	if err := w.cfg.Vault.Put(kind, id, plain); err != nil {
		return fmt.Errorf("write %s: %w", kind, err)
	}
	return nil
}

// remove deletes one record; the caller holds w.mu.
func (w *Wallet) remove(kind, id string) error {
	if err := w.cfg.Vault.Delete(kind, id); err != nil && !errors.Is(err, vault.ErrNotFound) {
		return fmt.Errorf("delete %s: %w", kind, err)
	}
	return nil
}

// all reads every record of a type; the caller holds w.mu.
func all[T any](w *Wallet, kind string) ([]*T, error) {
	var out []*T
	for _, id := range w.cfg.Vault.List(kind) {
		v := new(T)
		if _, err := w.get(kind, id, v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// change runs f and then saves, all under the lock.
func (w *Wallet) change(ctx context.Context, f func() error) error {
	if err := w.Changeable(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := f(); err != nil {
		return err
	}
	return w.save(ctx)
}

// maxSettling is how often a save is followed by another one because merging
// left something to settle.
const maxSettling = 4

// save makes the vault durable and settles what merging left; the caller holds
// w.mu.
func (w *Wallet) save(ctx context.Context) error {
	for range maxSettling {
		if err := w.cfg.Save(ctx); err != nil {
			return err
		}
		if changed, err := w.settle(); err != nil || !changed {
			return err
		}
	}
	return w.cfg.Save(ctx)
}

// unmarshal reads JSON of our own making; numbers in claims stay json.Number.
func unmarshal(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode(v)
}
