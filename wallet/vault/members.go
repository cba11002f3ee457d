package vault

import (
	"slices"
	"time"
)

// MaxLabel is the longest name of a recipient, in bytes.
const MaxLabel = 80

// A Recipient is one way into the vault, for a settings page.
type Recipient struct {
	ID    string // opaque; for Remove
	Kind  string // KindPasskey or KindCode
	Label string // what the holder calls it
	Since int64  // unix seconds; 0 = nobody noted it

	CredentialID []byte // of a passkey: what the host knows it by
}

// Recipients lists who can open the vault.
func (v *Vault) Recipients() []Recipient {
	var rs []Recipient
	for _, m := range v.m.Members {
		rs = append(rs, Recipient{m.ID.String(), m.Kind, m.Label, m.Since, slices.Clone(m.CredentialID)})
	}
	return rs
}

// RecipientID is the ID under which k is, or would be, a recipient.
func (v *Vault) RecipientID(k Key) (string, error) {
	r, err := k.recipient(v.id)
	if err != nil {
		return "", err
	}
	return r.id.String(), nil
}

// Describe notes since when a recipient may open the vault, and what the holder
// calls it. Merge carries the description of recipients that joined here; one
// of a recipient the host knows already may give way to another device's.
func (v *Vault) Describe(recipientID, label string, since time.Time) error {
	if v.keys == nil {
		return ErrLocked
	}
	if len(label) > MaxLabel {
		return &Error{ReasonArgument, "a label is too long"}
	}
	for i, m := range v.m.Members {
		if m.ID.String() == recipientID {
			v.m.Members = slices.Clone(v.m.Members)
			v.m.Members[i].Label, v.m.Members[i].Since = label, since.Unix()
			v.sealed = nil
			return nil
		}
	}
	return ErrNotFound
}

// AddPasskey lets another passkey open the vault. The caller has made sure that
// the PRF value is stable by asking for it twice.
func (v *Vault) AddPasskey(p Passkey, label string) error {
	if v.keys == nil {
		return ErrLocked
	}
	return v.admit(p, label)
}

// AddCode lets another recovery code open the vault. To replace one, add the
// new code, save, register it with the host, and then RemoveCodes: at every
// moment one of the two does everything a code does.
func (v *Vault) AddCode(c Code) error {
	if v.keys == nil {
		return ErrLocked
	}
	return v.admit(c, "")
}

// RemoveCodes shuts every recovery code out but keep, which must be a
// recipient.
func (v *Vault) RemoveCodes(keep Code) error {
	if v.keys == nil {
		return ErrLocked
	}
	id := ident(keep.LookupID())
	if !slices.ContainsFunc(v.m.Members, func(m member) bool { return m.ID == id }) {
		return ErrNotFound
	}
	old := func(m member) bool { return m.Kind == KindCode && m.ID != id }
	if !slices.ContainsFunc(v.m.Members, old) {
		return nil
	}
	return v.expel(old)
}

// Remove shuts a recipient out: the vault gets a new key, every record is
// sealed again. Whoever holds the removed passkey and an old copy of the vault
// can still read that old copy; holder keys kept in it should be replaced.
func (v *Vault) Remove(recipientID string) error {
	if v.keys == nil {
		return ErrLocked
	}
	return v.expel(func(m member) bool { return m.ID.String() == recipientID })
}

// admit wraps the vault key for one more recipient.
func (v *Vault) admit(k Key, label string) error {
	r, err := k.recipient(v.id)
	if err != nil {
		return err
	}
	return v.admitMember(member{
		ID: r.id, Kind: r.kind, Label: label, CredentialID: r.credential, PublicKey: r.kem.PublicKey().Bytes(), Auth: r.auth,
	})
}

func (v *Vault) admitMember(m member) error {
	if len(v.m.Members) >= MaxRecipients {
		return &Error{ReasonSize, "a vault has at most 16 recipients"}
	}
	if slices.ContainsFunc(v.m.Members, func(o member) bool { return o.ID == m.ID }) {
		return &Error{ReasonArgument, "this passkey opens the vault already"}
	}
	s, err := wrap(v.id, v.keys.secret, m)
	if err != nil {
		return err
	}
	v.m.Members = append(slices.Clone(v.m.Members), m)
	v.stanzas = append(slices.Clone(v.stanzas), s)
	v.m.Joined = append(slices.Clone(v.m.Joined), m.ID)
	v.sealed = nil
	return nil
}

// expel drops the matching members and rotates the vault key. Keys go only to
// the members of the opened manifest that remain.
func (v *Vault) expel(match func(member) bool) error {
	keep := slices.DeleteFunc(slices.Clone(v.m.Members), match)
	switch {
	case len(keep) == len(v.m.Members):
		return ErrNotFound
	case len(keep) == 0:
		return &Error{ReasonLastKey, "the last way into a vault cannot be removed"}
	}
	for _, m := range v.m.Members {
		if match(m) {
			v.m.Left = append(slices.Clone(v.m.Left), m.ID)
			v.m.Joined = slices.DeleteFunc(slices.Clone(v.m.Joined), func(id ident) bool { return id == m.ID })
		}
	}
	v.m.Members = keep
	return v.rotate()
}

// rotate seals everything under a new vault key.
func (v *Vault) rotate() error {
	next := newKeys(v.id, random(keySize))
	stanzas := make([]stanza, 0, len(v.m.Members))
	for _, m := range v.m.Members {
		s, err := wrap(v.id, next.secret, m)
		if err != nil {
			return err
		}
		stanzas = append(stanzas, s)
	}
	plain := make(map[ident][]byte, len(v.m.Records))
	for i := range v.m.Records {
		e := &v.m.Records[i]
		p, err := v.open(e, v.boxes[e.RID])
		if err != nil {
			return err
		}
		plain[e.RID] = p
	}
	clear(v.keys.secret)
	v.keys, v.stanzas, v.sealed = next, stanzas, nil
	for i := range v.m.Records {
		e := &v.m.Records[i]
		v.boxes[e.RID] = v.seal(e, plain[e.RID])
		clear(plain[e.RID])
	}
	return nil
}
