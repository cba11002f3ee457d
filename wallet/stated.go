package wallet

import (
	"encoding/json"

	"facet/credentials/claims"
	"facet/schemas"
)

// mintable are the types a holder states about themselves (architecture §5, decision 9):
// nothing of them is stored signed.
var mintable = []string{schemas.MediaPreferences, schemas.Today}

// holds returns what the holder has stated for a self-asserted type. What was
// not stated is absent. The caller holds w.mu.
func (w *Wallet) holds(vct string) (claims.Set, error) {
	var v any
	switch vct {
	case schemas.MediaPreferences:
		p, err := w.preferences()
		if err != nil {
			return nil, err
		}
		v = p
	case schemas.Today:
		t, err := w.today()
		if err != nil {
			return nil, err
		}
		t.Until = 0 // becomes exp, is no claim
		v = t
	default:
		return claims.Set{}, nil
	}
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var set claims.Set
	return set, unmarshal(plain, &set)
}

// every returns all claims a self-asserted type can have: those stated, and the
// neutral value for the others. A query is matched against this, so what it
// finds does not depend on what was stated.
func every(vct string, held claims.Set) claims.Set {
	all := held.Clone()
	if all == nil {
		all = claims.Set{}
	}
	for _, p := range metadataOf(vct).paths() {
		names := p
		if names[len(names)-1] == nil {
			names = names[:len(names)-1]
		}
		if _, err := all.Get(names); err == nil {
			continue
		}
		if v, ok := schemas.Neutral(names); ok {
			_ = all.Assign(names, v) // paths of our own metadata are names
		}
	}
	return all
}
