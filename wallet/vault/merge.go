package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// ConflictPrefix marks the type under which Merge keeps this device's version
// of a record both devices changed: "conflict:preferences".
const ConflictPrefix = "conflict:"

// Merge applies what changed here since the last Saved on top of theirs, the
// state the host has accepted meanwhile. No edit is lost:
//
//   - changed here only: this change is made;
//   - changed there only: theirs stays;
//   - changed on both sides: theirs stays, ours is kept beside it under
//     ConflictPrefix, with an id that is the same on every device;
//   - deleted on one side, changed on the other: the change stays.
//
// theirs must be opened with this device's high-water mark, so that it is known
// to descend from the common state, and must not be used afterwards.
func (v *Vault) Merge(theirs *Vault) error {
	if v.keys == nil || theirs.keys == nil {
		return ErrLocked
	}
	if !bytes.Equal(v.id, theirs.id) {
		return &Error{ReasonArgument, "two different vaults cannot be merged"}
	}
	theirs.Saved()
	for _, c := range v.m.Changes {
		if err := theirs.replay(v, c); err != nil {
			return err
		}
	}
	if err := theirs.replayMembers(v); err != nil {
		return err
	}
	*v = *theirs
	return nil
}

// replay makes one of ours' changes here.
func (v *Vault) replay(ours *Vault, c change) error {
	mine, here := ours.m.find(c.Type, c.ID), v.m.find(c.Type, c.ID)
	touched := !c.describes(here)
	switch {
	case mine == nil && !touched && here != nil:
		return v.Delete(c.Type, c.ID)
	case mine == nil:
		return nil
	}
	plaintext, err := ours.Get(c.Type, c.ID)
	if err != nil {
		return err
	}
	defer clear(plaintext)
	if touched && here != nil && !bytes.Equal(here.Sum, mine.Sum) {
		sum := sha256.Sum256(plaintext)
		id := c.ID[:min(len(c.ID), MaxID-17)] + "~" + hex.EncodeToString(sum[:8])
		return v.Put(conflictType(c.Type), id, plaintext)
	}
	return v.Put(c.Type, c.ID, plaintext)
}

// describes reports whether e is still in the state the change started from.
func (c change) describes(e *entry) bool {
	if e == nil {
		return len(c.Sum) == 0
	}
	return e.Generation == c.Generation && bytes.Equal(e.Sum, c.Sum)
}

// replayMembers admits and expels here whom ours did.
func (v *Vault) replayMembers(ours *Vault) error {
	for _, m := range ours.m.Members {
		known := slices.ContainsFunc(v.m.Members, func(o member) bool { return o.ID == m.ID })
		if !known && slices.Contains(ours.m.Joined, m.ID) {
			if err := v.admitMember(m); err != nil {
				return err
			}
		}
	}
	gone := func(m member) bool { return slices.Contains(ours.m.Left, m.ID) }
	if !slices.ContainsFunc(v.m.Members, gone) {
		return nil
	}
	return v.expel(gone)
}
