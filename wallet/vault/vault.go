// Package vault seals what a holder's wallet keeps: credentials, preferences,
// history. A vault opens with a key that only the holder's passkey (WebAuthn
// PRF) or recovery code can derive; whoever stores the sealed bytes, the
// wallet's host included, can neither read nor change them unnoticed, nor let
// themselves in, nor serve an older state to a device that has seen a newer
// one. docs/vault.md specifies the format.
//
// It does no input or output: fetching, storing, retrying and remembering the
// HighWater are the caller's. It does not talk WebAuthn, and it cannot keep
// the host from deleting the vault or serving nothing.
package vault

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"slices"
)

// A Vault is an open vault. It is not safe for concurrent use. It holds the
// vault's key in memory until Lock, and records in sealed form only: Get opens
// one at a time.
type Vault struct {
	id      []byte
	keys    *keys // nil once locked
	m       manifest
	stanzas []stanza
	boxes   map[ident]sealedRecord
	head    HighWater
	sealed  []byte // what Seal last returned or Open read; nil after a change
}

// Create makes an empty vault that p and the returned recovery code open. The
// code is not kept: show it, have the holder confirm it, forget it. Nothing is
// worth storing before that.
func Create(p Passkey) (*Vault, Code, error) {
	v := &Vault{id: random(idSize), boxes: map[ident]sealedRecord{}}
	v.head = HighWater{VaultID: v.id, Hash: make([]byte, sha256.Size)}
	v.keys = newKeys(v.id, random(keySize))
	code := NewCode()
	if err := v.admit(p, ""); err != nil {
		return nil, Code{}, err
	}
	if err := v.admit(code, ""); err != nil {
		return nil, Code{}, err
	}
	return v, code, nil
}

// Open opens a sealed vault and checks all of it: its author, its recipients,
// every record, and that it descends from what this device has seen. The
// sealed bytes are not modified, and after an error nothing must be saved over
// them: a passkey that gives another PRF value today may give the right one
// after an update of the device.
func Open(sealed []byte, key Key, seen HighWater) (*Vault, error) {
	e, err := parse(sealed)
	if err != nil {
		return nil, err
	}
	if key == nil {
		return nil, errLost
	}
	vaultKey, err := e.unwrap(key)
	if err != nil {
		return nil, err
	}
	v := &Vault{id: slices.Clone(e.vaultID), keys: newKeys(e.vaultID, vaultKey), stanzas: e.stanzas, sealed: slices.Clone(sealed)}
	if err := v.openManifest(e); err != nil {
		return nil, err
	}
	if err := v.m.descends(v.head, seen); err != nil {
		return nil, err
	}
	return v, v.openRecords(e)
}

// unwrap finds the key's stanza and opens it.
func (e *envelope) unwrap(key Key) ([]byte, error) {
	r, err := key.recipient(e.vaultID)
	if err != nil {
		return nil, err
	}
	for _, s := range e.stanzas {
		if s.id == r.id {
			return r.unwrap(e.vaultID, s)
		}
	}
	return nil, errUnwrap
}

// openManifest checks, in this order, the manifest, that every recipient in the
// header is one of the manifest's, and that the header is the one sealed.
func (v *Vault) openManifest(e *envelope) error {
	plain, err := v.keys.manifest.Open(nil, nil, e.manifest, labelled("facet-vault/1 manifest", v.id))
	if err != nil {
		return errAuth
	}
	if err := json.Unmarshal(plain, &v.m); err != nil {
		return errFormat // sealed by the holder, yet unreadable: a newer format
	}
	for _, s := range e.stanzas {
		if !v.m.admits(v.id, s) {
			return &Error{ReasonRecipient, "the header names a recipient that was never admitted"}
		}
	}
	if !hmac.Equal(e.mac, v.keys.headerMAC(e.header())) {
		return &Error{ReasonHeader, "the list of recipients is not the one that was saved"}
	}
	sum := sha256.Sum256(plain)
	v.head = HighWater{VaultID: v.id, Counter: v.m.Counter, Hash: sum[:]}
	return nil
}

// admits reports whether the stanza was made for a member by someone who had
// the vault open.
func (m *manifest) admits(vaultID []byte, s stanza) bool {
	for _, r := range m.Members {
		if r.ID == s.id {
			return hmac.Equal(s.mac, s.authenticate(vaultID, r.Auth))
		}
	}
	return false
}

// ID is the vault's public, random id.
func (v *Vault) ID() []byte { return slices.Clone(v.id) }

// Head is the newest state this value has opened or sealed, for the device's
// high-water mark.
func (v *Vault) Head() HighWater {
	return HighWater{slices.Clone(v.id), v.head.Counter, slices.Clone(v.head.Hash)}
}

// Seal returns the vault as the host may store it, with a fresh manifest. It
// returns the same bytes again until something changes.
func (v *Vault) Seal() ([]byte, error) {
	if v.keys == nil {
		return nil, ErrLocked
	}
	if v.sealed != nil {
		return slices.Clone(v.sealed), nil
	}
	next := v.m
	next.follow(v.head)
	plain := next.encode()
	if len(plain) > maxManifest-boxOverhead {
		return nil, &Error{ReasonSize, "the vault holds too many records"}
	}
	e := &envelope{vaultID: v.id, stanzas: v.stanzas}
	e.mac = v.keys.headerMAC(e.header())
	e.manifest = v.keys.manifest.Seal(nil, nil, plain, labelled("facet-vault/1 manifest", v.id))
	for _, r := range v.m.Records {
		e.records = append(e.records, v.boxes[r.RID])
	}
	// By random id, so that the order says nothing about age.
	slices.SortFunc(e.records, func(a, b sealedRecord) int { return bytes.Compare(a.rid[:], b.rid[:]) })
	sealed, err := e.bytes()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(plain)
	v.m, v.sealed = next, sealed
	v.head = HighWater{VaultID: v.id, Counter: next.Counter, Hash: sum[:]}
	return slices.Clone(sealed), nil
}

// Saved says that the host has accepted what Seal last returned, or that these
// are the host's bytes: from here on changes are counted anew for Merge.
func (v *Vault) Saved() {
	v.m.Changes, v.m.Joined, v.m.Left = nil, nil, nil
}

// Lock forgets the vault's key. Every method fails with ErrLocked afterwards.
// Go's runtime and the browser may hold copies we cannot reach; SECURITY.md
// says so.
func (v *Vault) Lock() {
	if v.keys == nil {
		return
	}
	clear(v.keys.secret)
	for _, m := range v.m.Members {
		clear(m.Auth)
	}
	v.keys, v.m, v.boxes, v.stanzas, v.sealed = nil, manifest{}, nil, nil, nil
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
