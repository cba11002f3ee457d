package vault

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"slices"
)

// maxHistory is how many earlier heads a manifest remembers: a device that has
// missed more saves cannot tell a fork from progress (ReasonHistoryGap).
const maxHistory = 512

// A HighWater is the newest state of a vault a device has seen. The device
// keeps it beside its offline copy, outside the vault; the zero value has seen
// nothing. Advance it after Open and after the host has accepted a save.
type HighWater struct {
	VaultID []byte `json:"vault_id"`
	Counter uint64 `json:"counter"`
	Hash    []byte `json:"hash"` // SHA-256 of the manifest
}

// A member is a recipient as the sealed manifest names it. Its auth key and
// public key stand nowhere else, so a host can neither add a recipient nor
// forge a stanza for one.
type member struct {
	ID        ident  `json:"id"`
	Kind      string `json:"kind"`
	Label     string `json:"label,omitempty"`
	Since     int64  `json:"since,omitempty"`
	PublicKey []byte `json:"public_key"`
	Auth      []byte `json:"auth"`

	CredentialID []byte `json:"credential_id,omitempty"` // a passkey's; the host knows it too
}

// An entry is what the manifest knows of a record. Types and names stand only
// here: the host sees random ids and padded sizes.
type entry struct {
	RID        ident  `json:"rid"`
	Type       string `json:"type"`
	ID         string `json:"id"`
	Generation uint64 `json:"generation"`
	Sum        []byte `json:"sum,omitempty"` // SHA-256 of the plaintext; empty: deleted
}

// A change is a record touched since the host last accepted a save: the
// generation and sum it had then, none if it did not exist.
type change struct {
	Type       string `json:"type"`
	ID         string `json:"id"`
	Generation uint64 `json:"generation"`
	Sum        []byte `json:"sum,omitempty"`
}

// The manifest is the authenticated table of contents. Each save's manifest
// holds the hashes of the ones before it, newest first, so states form a chain.
type manifest struct {
	Counter uint64   `json:"counter"`
	History [][]byte `json:"history"` // first 16 bytes of earlier heads
	Members []member `json:"members"`
	Records []entry  `json:"records"`
	Changes []change `json:"changes,omitempty"`

	// Recipients admitted and removed since the host last accepted a save.
	Joined []ident `json:"joined,omitempty"`
	Left   []ident `json:"left,omitempty"`
}

func (m *manifest) encode() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic("vault: encoding the manifest: " + err.Error()) // plain data; cannot happen
	}
	return b
}

// follow starts the next save after head.
func (m *manifest) follow(head HighWater) {
	m.Counter = head.Counter + 1
	m.History = slices.Insert(slices.Clone(m.History), 0, head.Hash[:idSize])
	m.History = m.History[:min(len(m.History), maxHistory)]
}

// descends reports whether the state (m, hash) is seen itself or follows it.
func (m *manifest) descends(head, seen HighWater) error {
	switch {
	case len(seen.VaultID) == 0:
		return nil
	case !bytes.Equal(seen.VaultID, head.VaultID):
		return &Error{ReasonFork, "this is another vault than the one this device knows"}
	case m.Counter < seen.Counter:
		return &Error{ReasonRollback, "the host served an older state than this device has seen"}
	case m.Counter == seen.Counter:
		if !hmac.Equal(head.Hash, seen.Hash) {
			return &Error{ReasonFork, "the host served a different state for the same save"}
		}
		return nil
	}
	back := m.Counter - seen.Counter
	if back > uint64(len(m.History)) {
		return &Error{ReasonHistoryGap, "this device has missed too many saves to check the vault's history"}
	}
	if len(seen.Hash) != sha256.Size || !bytes.Equal(m.History[back-1], seen.Hash[:idSize]) {
		return &Error{ReasonFork, "the state does not follow from what this device has seen"}
	}
	return nil
}

func (m *manifest) find(kind, id string) *entry {
	for i := range m.Records {
		if e := &m.Records[i]; e.Type == kind && e.ID == id {
			return e
		}
	}
	return nil
}
