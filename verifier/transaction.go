package verifier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"facet/audit"
	"facet/store"
)

// A State is where a transaction stands. Every change is one Swap.
type State string

// The states. An answer takes open → accepted → released; the others are ends,
// but for withdrawing, which Sweep drives on like accepted.
const (
	Open        State = "open"        // waiting for an answer
	Opened      State = "opened"      // the same, and a wallet has fetched the request; Status only, never stored
	Accepted    State = "accepted"    // an answer passed every check; result sealed
	Logged      State = "logged"      // its entry is in the log; only in records of before decision record 0032
	Released    State = "released"    // the platform may have the result
	Refused     State = "refused"     // the wallet said no
	Rejected    State = "rejected"    // too many answers failed a check
	Expired     State = "expired"     // no answer in time
	Withdrawing State = "withdrawing" // the result is unreadable, the log not yet told
	Withdrawn   State = "withdrawn"   // the holder took the result back
)

// A transaction is one presentation exchange, as stored. What must become
// unreadable is in EncKey and Result, sealed under the transaction's key.
type transaction struct {
	ID        string     `json:"id"`
	Platform  string     `json:"platform"`
	Policy    string     `json:"policy"` // its hash
	ClientID  string     `json:"client_id"`
	Flow      audit.Flow `json:"flow"`
	ReturnURI string     `json:"return_uri,omitzero"`
	Origin    string     `json:"origin,omitzero"` // Digital Credentials API only
	Mode      string     `json:"mode,omitzero"`   // "fragment", or empty
	CreatedAt int64      `json:"created_at"`
	ExpiresAt int64      `json:"expires_at"`
	KeepUntil int64      `json:"keep_until"`
	Nonce     string     `json:"nonce"`
	Wallet    string     `json:"wallet,omitzero"` // the one it was begun for

	TransactionData string `json:"transaction_data,omitzero"` // as sent; see openid4vp.TransactionData

	Unencrypted bool `json:"unencrypted,omitzero"` // begun under InsecureUnencrypted

	WireState string `json:"wire_state"`
	EncKid    string `json:"enc_kid"`
	EncKey    []byte `json:"enc_key,omitzero"` // sealed scalar
	Idem      string `json:"idem,omitzero"`    // key of its idempotency record
	Request   uint64 `json:"request"`          // index of its request entry

	State     State   `json:"state"`
	Fetched   bool    `json:"fetched,omitzero"` // by a wallet
	Tries     int     `json:"tries,omitzero"`
	LastCheck Check   `json:"last_check,omitzero"` // why the last try failed
	ClosedAt  int64   `json:"closed_at,omitzero"`  // left open
	Refusal   string  `json:"refusal,omitzero"`    // the wallet's words, harmless and capped
	Body      []byte  `json:"body,omitzero"`       // SHA-256 of the accepted answer
	Answered  bool    `json:"answered,omitzero"`   // the wallet was told
	Leaf      []byte  `json:"leaf,omitzero"`       // result entry of an accepted answer
	Index     *uint64 `json:"index,omitzero"`      // of the result entry

	Sealed   []byte   `json:"sealed,omitzero"`  // sealed outcome
	Holders  []string `json:"holders,omitzero"` // marks of the keys that may ask for receipt and withdrawal
	Code     string   `json:"code,omitzero"`    // response_code
	ReadAt   int64    `json:"read_at,omitzero"` // first read
	Reader   string   `json:"reader,omitzero"`  // who may read again within RetryWindow
	TakenAt  int64    `json:"taken_at,omitzero"`
	Erasure  string   `json:"erasure,omitzero"` // the signed erasure receipt
	Surplus  int      `json:"surplus,omitzero"` // claims dropped because nobody asked for them
	version  store.Version
	tie      store.Version // of the record at Idem; in Begin only
	platform *platform
	policy   *compiled
}

// recorded is how transactions and outcomes are written: as encoding/json does,
// which needs 62 µs to read a transaction with its result where this takes 20.
var recorded = jsontext.AllowInvalidUTF8(true)

func keyOf(id string) string { return "tx/" + id }

// load reads a transaction. The platform or policy may have left the
// configuration since: then it can only be swept.
func (v *Verifier) load(ctx context.Context, id string) (*transaction, error) {
	raw, version, err := v.cfg.Store.Get(ctx, keyOf(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fail(ReasonUnknown, "there is no such transaction")
	}
	if err != nil {
		return nil, unavailable("read transaction", err)
	}
	t := &transaction{}
	if err := json.Unmarshal(raw, t, recorded); err != nil {
		return nil, unavailable("read transaction", fmt.Errorf("record is damaged: %w", err))
	}
	t.version = version
	if t.platform = v.platform(t.Platform); t.platform != nil {
		if c := t.platform.byHash[t.Policy]; c != nil {
			if err := c.ready(); err != nil {
				return nil, unavailable("compile policy", err)
			}
			t.policy = c
		}
		if t.ClientID == "" { // written before platforms could renew their identity
			t.ClientID = t.platform.current().clientID
		}
	}
	return t, nil
}

// find loads the transaction with this public name. One whose platform or
// policy is no longer configured is as unknown as one that never was.
func (v *Verifier) find(ctx context.Context, p purpose, name string) (*transaction, error) {
	id, err := v.ids.transaction(p, name)
	if err != nil {
		return nil, err
	}
	t, err := v.load(ctx, id)
	if err == nil && t.policy == nil {
		return nil, fail(ReasonUnknown, "its policy is no longer configured")
	}
	return t, err
}

// own loads a platform's own transaction. Another platform's is unknown, in the
// same words (SES-009).
func (v *Verifier) own(ctx context.Context, platformID, id string) (*transaction, error) {
	if _, err := decodeID(id); err != nil {
		return nil, fail(ReasonUnknown, "there is no such transaction")
	}
	t, err := v.load(ctx, id)
	if err != nil {
		return nil, err
	}
	if t.Platform != platformID || t.policy == nil {
		return nil, fail(ReasonUnknown, "there is no such transaction")
	}
	return t, nil
}

// errMoved says that somebody else changed the transaction: load it again.
var errMoved = errors.New("transaction changed meanwhile")

// swap stores next in place of t. It returns errMoved when t is stale.
func (v *Verifier) swap(ctx context.Context, t *transaction, next transaction) (*transaction, error) {
	raw, err := json.Marshal(next, recorded)
	if err != nil {
		return nil, err
	}
	next.version, err = v.cfg.Store.Swap(ctx, keyOf(t.ID), t.version, raw)
	switch {
	case errors.Is(err, store.ErrConflict):
		return nil, errMoved
	case err != nil:
		return nil, unavailable("write transaction", err)
	}
	return &next, nil
}

func (t *transaction) created() time.Time { return time.Unix(t.CreatedAt, 0) }
func (t *transaction) expires() time.Time { return time.Unix(t.ExpiresAt, 0) }
func (t *transaction) keep() time.Time    { return time.Unix(t.KeepUntil, 0) }
func (t *transaction) closed() time.Time  { return time.Unix(t.ClosedAt, 0) }

// forgetAt is when nothing of the transaction needs to be stored any more.
func (t *transaction) forgetAt() time.Time {
	switch t.State {
	case Accepted, Logged, Released, Withdrawing, Withdrawn:
		return t.keep()
	}
	return t.expires().Add(Grace)
}
