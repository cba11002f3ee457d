package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"

	"facet/wallet/vault"
)

// askedGroups is how many different groups of the code must be typed.
const askedGroups = 2

type groupParams struct {
	Groups []struct {
		Index int    `json:"index"` // from 0
		Text  string `json:"text"`
	} `json:"groups"`
}

// prove compares the typed groups with the code's.
func (p groupParams) prove(code vault.Code) error {
	groups, seen := code.Groups(), map[int]bool{}
	for _, g := range p.Groups {
		if g.Index < 0 || g.Index >= len(groups) || subtle.ConstantTimeCompare([]byte(tidy(g.Text)), []byte(groups[g.Index])) != 1 {
			return faultGroups
		}
		seen[g.Index] = true
	}
	if len(seen) < askedGroups {
		return faultGroups
	}
	return nil
}

// confirmRecovery compares groups of a new vault's recovery code, then registers
// the code and stores the vault, in this order: a stored vault always has a way
// back in.
func (s *session) confirmRecovery(ctx context.Context, params []byte) (any, error) {
	var p groupParams
	if json.Unmarshal(params, &p) != nil || s.fresh == nil || s.fresh.key == nil {
		return nil, faultParams
	}
	if err := p.prove(s.fresh.code); err != nil {
		return nil, err
	}
	return map[string]bool{"ok": true}, s.store(ctx)
}

// store registers the fresh vault's code, uploads the vault and opens it.
func (s *session) store(ctx context.Context) error {
	fresh := s.fresh
	if err := s.fetchConfig(ctx); err != nil {
		return err
	}
	_, trust, err := s.readConfig()
	if err != nil {
		return err
	}
	if err := trust.Pin(fresh.vault, s.now()); err != nil {
		return err
	}
	if err := s.registerCode(ctx, fresh.code); err != nil {
		return err
	}
	s.key.Store(&fresh.key)
	if err := s.save(ctx, fresh.vault); err != nil {
		return err
	}
	return s.unlock(fresh.vault, access{key: fresh.key})
}

// newCode draws a recovery code that will replace the present one once it is
// confirmed. Until then nothing has changed.
func (s *session) newCode(context.Context, []byte) (any, error) {
	if err := s.changeable(); err != nil {
		return nil, err
	}
	code := vault.NewCode()
	s.next = &code
	return map[string]string{"recovery_code": code.String()}, nil
}

// confirmCode makes the new code the vault's, then the host's, and only then
// shuts the old one out: whatever is interrupted, one of the two works.
func (s *session) confirmCode(ctx context.Context, params []byte) (any, error) {
	var p groupParams
	if json.Unmarshal(params, &p) != nil {
		return nil, faultParams
	}
	if err := s.changeable(); err != nil {
		return nil, err
	}
	if s.next == nil {
		return nil, faultParams
	}
	code := *s.next
	if err := p.prove(code); err != nil {
		return nil, err
	}
	if err := s.wallet.AddCode(ctx, code); err != nil {
		return nil, err
	}
	if err := s.registerCode(ctx, code); err != nil {
		return nil, err
	}
	if _, byCode := (*s.key.Load()).(vault.Code); byCode {
		var key vault.Key = code // the old one will not open what is merged
		s.key.Store(&key)
	}
	if err := s.wallet.RetireCodes(ctx, code); err != nil {
		return nil, err
	}
	s.next = nil
	return map[string]bool{"ok": true}, nil
}

// tidy undoes what people do when they type a group.
func tidy(text string) string {
	out := make([]byte, 0, len(text))
	for i := range len(text) {
		switch c := text[i]; {
		case c == ' ' || c == '-':
		case c >= 'a' && c <= 'z':
			out = append(out, c-'a'+'A')
		default:
			out = append(out, c)
		}
	}
	for i, c := range out {
		switch c {
		case 'O':
			out[i] = '0'
		case 'I', 'L':
			out[i] = '1'
		}
	}
	return string(out)
}

func (s *session) registerCode(ctx context.Context, code vault.Code) error {
	hash := sha256.Sum256(code.SignInSecret())
	body, err := json.Marshal(map[string]string{
		"lookup_id":   base64.RawURLEncoding.EncodeToString(code.LookupID()),
		"secret_hash": base64.RawURLEncoding.EncodeToString(hash[:]),
	})
	if err != nil {
		return err
	}
	r, err := s.host.Do(ctx, hostRequest{method: http.MethodPut, path: "/api/recovery", json: true, body: body})
	if err != nil {
		return err
	}
	if r.status != http.StatusNoContent {
		return faultHost
	}
	return nil
}
