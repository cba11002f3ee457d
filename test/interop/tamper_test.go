package interop

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"facet/credentials/jose"
	"facet/credentials/sdjwt"
)

// tamperings is how many twists each presentation gets.
const tamperings = 3

// An attempt is a presentation and what its verifier knows.
type attempt struct {
	presentation string
	issuer       *jose.PublicKey
	binding
}

// parts of the compact serialization.
type parts struct {
	jwt         string
	disclosures []string
	kb          string
}

func split(presentation string) parts {
	s := strings.Split(presentation, "~")
	return parts{s[0], slices.Clone(s[1 : len(s)-1]), s[len(s)-1]}
}

func (p parts) join() string {
	return strings.Join(append(append([]string{p.jwt}, p.disclosures...), p.kb), "~")
}

// A twist is one thing an attacker changes. With rebind, the holder helps and
// signs a new key binding JWT over the result.
type twist struct {
	name   string
	rebind bool
	do     func(p *parts, a *attempt) (ok bool) // false: nothing here to change
}

var twists = []twist{
	{"a bit of the issuer's signature", false, func(p *parts, _ *attempt) bool { return flip(&p.jwt) }},
	{"the issuer's claims changed", false, func(p *parts, _ *attempt) bool {
		return edit(&p.jwt, 1, func(m map[string]any) { m["exp"] = time.Now().Add(48 * time.Hour).Unix() })
	}},
	{"the issuer's claims changed, bound again", true, func(p *parts, _ *attempt) bool {
		return edit(&p.jwt, 1, func(m map[string]any) { m["iss"] = "https://evil.example" })
	}},
	{"alg none", true, func(p *parts, _ *attempt) bool {
		ok := edit(&p.jwt, 0, func(m map[string]any) { m["alg"] = "none" })
		p.jwt = p.jwt[:strings.LastIndexByte(p.jwt, '.')+1]
		return ok
	}},
	{"another issuer's key", false, func(_ *parts, a *attempt) bool {
		key, err := jose.GenerateKey()
		if err == nil {
			a.issuer = key.Public()
		}
		return err == nil
	}},
	{"a disclosed value changed", false, func(p *parts, _ *attempt) bool { return forge(p) }},
	{"a disclosed value changed, bound again", true, func(p *parts, _ *attempt) bool { return forge(p) }},
	{"a disclosure dropped", false, func(p *parts, _ *attempt) bool {
		ok := len(p.disclosures) > 0
		if ok {
			p.disclosures = p.disclosures[1:]
		}
		return ok
	}},
	{"a disclosure sent twice", false, func(p *parts, _ *attempt) bool {
		ok := len(p.disclosures) > 0
		if ok {
			p.disclosures = append(p.disclosures, p.disclosures[0])
		}
		return ok
	}},
	{"disclosures in another order", false, func(p *parts, _ *attempt) bool {
		slices.Reverse(p.disclosures)
		return len(p.disclosures) > 1
	}},
	{"a disclosure nobody signed", false, func(p *parts, _ *attempt) bool { return foreign(p) }},
	{"a disclosure nobody signed, bound again", true, func(p *parts, _ *attempt) bool { return foreign(p) }},
	{"a child without its parent, bound again", true, orphan},
	{"a bit of the holder's signature", false, func(p *parts, _ *attempt) bool { return flip(&p.kb) }},
	{"the key binding's claims changed", false, func(p *parts, _ *attempt) bool {
		return edit(&p.kb, 1, func(m map[string]any) { m["iat"] = time.Now().Unix() - 30 })
	}},
	{"key binding left out", false, func(p *parts, _ *attempt) bool { p.kb = ""; return true }},
	{"key binding by another key", false, func(p *parts, a *attempt) bool {
		thief, err := jose.GenerateKey()
		return err == nil && bind(p, thief, a.binding)
	}},
	{"key binding as the issuer's token", false, func(p *parts, _ *attempt) bool { p.jwt = p.kb; return true }},
	{"asked with another nonce", false, func(_ *parts, a *attempt) bool { a.nonce += "x"; return true }},
	{"asked by another verifier", false, func(_ *parts, a *attempt) bool { a.audience += "x"; return true }},
}

// apply returns the tampered attempt.
func (tw twist) apply(a attempt, us *ours) (attempt, bool) {
	p := split(a.presentation)
	if !tw.do(&p, &a) {
		return a, false
	}
	if tw.rebind && !bind(&p, us.hold, a.binding) {
		return a, false
	}
	a.presentation = p.join()
	return a, true
}

func bind(p *parts, key jose.Signer, b binding) bool { return bindAt(p, key, b, time.Now()) }

func bindAt(p *parts, key jose.Signer, b binding, at time.Time) bool {
	p.kb = ""
	bound, err := sdjwt.Bind(context.Background(), p.join(), key, sdjwt.KBClaims{
		Nonce: b.nonce, Audience: b.audience, IssuedAt: at, HashAlg: hashOf(p.jwt),
	})
	*p = split(bound)
	return err == nil
}

// hashOf reads _sd_alg of a token that need not be sound.
func hashOf(jwt string) string {
	payload, _ := decode(strings.Split(jwt, ".")[1])
	if alg, ok := payload["_sd_alg"].(string); ok {
		return alg
	}
	return sdjwt.DefaultHash
}

func flip(jwt *string) bool {
	at := strings.LastIndexByte(*jwt, '.')
	signature, err := base64.RawURLEncoding.DecodeString((*jwt)[at+1:])
	if err != nil || len(signature) == 0 {
		return false
	}
	signature[len(signature)/3] ^= 4
	*jwt = (*jwt)[:at+1] + base64.RawURLEncoding.EncodeToString(signature)
	return true
}

// edit changes header (0) or payload (1) and leaves the signature.
func edit(jwt *string, part int, change func(map[string]any)) bool {
	s := strings.Split(*jwt, ".")
	m, ok := decode(s[part])
	if !ok {
		return false
	}
	change(m)
	s[part] = encode(m)
	*jwt = strings.Join(s, ".")
	return true
}

func decode(part string) (map[string]any, bool) {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil, false
	}
	m, err := plain(text)
	return m, err == nil
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // it came out of JSON
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// forge changes the value of the last disclosure.
func forge(p *parts) bool {
	if len(p.disclosures) == 0 {
		return false
	}
	last := len(p.disclosures) - 1
	text, err := base64.RawURLEncoding.DecodeString(p.disclosures[last])
	var elements []any
	if err != nil || json.Unmarshal(text, &elements) != nil {
		return false
	}
	elements[len(elements)-1] = "forged"
	p.disclosures[last] = encode(elements)
	return true
}

func foreign(p *parts) bool {
	p.disclosures = append(p.disclosures, encode([]any{"c2FsdHNhbHRzYWx0c2FsdA", "is_admin", true}))
	return true
}

// orphan leaves out a disclosure that another one sits in.
func orphan(p *parts, _ *attempt) bool {
	sd, err := sdjwt.Parse(p.join())
	if err != nil {
		return false
	}
	preview, err := sd.Unverified()
	if err != nil {
		return false
	}
	for _, d := range preview.Disclosures {
		if d.Parent >= 0 {
			p.disclosures = slices.Delete(p.disclosures, d.Parent, d.Parent+1)
			return true
		}
	}
	return false
}
