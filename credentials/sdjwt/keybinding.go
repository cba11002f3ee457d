package sdjwt

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"strings"
	"time"

	"facet/credentials/jose"
)

// KeyBindingType is the typ of a key binding JWT (RFC 9901 §4.3).
const KeyBindingType = "kb+jwt"

// MaxKeyBinding is the longest key binding JWT read, in bytes.
const MaxKeyBinding = 16 << 10

// KBClaims are what a holder signs when presenting.
type KBClaims struct {
	Nonce    string
	Audience string
	IssuedAt time.Time
	Extra    map[string]any // further claims; may not repeat the standard's
	// HashAlg is the SD-JWT's _sd_alg; empty means: look it up in the SD-JWT.
	HashAlg string
}

// Bind appends to sd, an SD-JWT that ends with '~', a key binding JWT by
// holder, whose public key must be the one in the SD-JWT's cnf (not checked
// here). It returns the SD-JWT+KB.
func Bind(ctx context.Context, sd string, holder jose.Signer, c KBClaims) (string, error) {
	if !strings.HasSuffix(sd, "~") {
		return "", fail("sdjwt_format", "only an SD-JWT that ends with '~' can be bound")
	}
	if c.Nonce == "" || c.Audience == "" || c.IssuedAt.IsZero() {
		return "", fail("kb_incomplete", "nonce, audience and time of issue are required")
	}
	if c.HashAlg == "" {
		parsed, err := Parse(sd)
		if err != nil {
			return "", err
		}
		if c.HashAlg, err = hashName(parsed.issuer.UnverifiedClaims()); err != nil {
			return "", err
		}
	}
	payload := map[string]any{
		"iat":     c.IssuedAt.Unix(),
		"aud":     c.Audience,
		"nonce":   c.Nonce,
		"sd_hash": digest(c.HashAlg, sd),
	}
	for name, v := range c.Extra {
		if _, taken := payload[name]; taken {
			return "", fail("kb_incomplete", "%s cannot be set as an extra claim", name)
		}
		payload[name] = v
	}
	b, err := json.Marshal(payload)
	if err != nil {
		return "", wrap("kb_incomplete", "encode the key binding claims", err)
	}
	kb, err := jose.Sign(ctx, holder, map[string]any{"typ": KeyBindingType}, b)
	if err != nil {
		return "", err
	}
	return sd + kb, nil
}

// A KBRule is what a verifier demands of a key binding JWT (RFC 9901 §7.3).
// All of it is the verifier's own knowledge; nothing comes from the token.
type KBRule struct {
	Nonce    string
	Audience string
	// NotBefore and NotAfter bound iat, both included.
	NotBefore, NotAfter time.Time
	// Now judges exp and nbf, should the JWT have them; Leeway is allowed on
	// both. The zero Now means NotAfter.
	Now    time.Time
	Leeway time.Duration
	// Algs the key binding JWT may be signed with; nil means ES256.
	Algs []string
}

// A KeyBinding is a key binding JWT that was verified.
type KeyBinding struct {
	key    *jose.PublicKey
	claims map[string]any
}

// Key is the holder key that signed.
func (k *KeyBinding) Key() *jose.PublicKey { return k.key }

// Claims are all claims of the key binding JWT. Callers must not change them.
func (k *KeyBinding) Claims() map[string]any { return k.claims }

// HolderKey is the key in the credential's cnf claim (RFC 7800 §3.2).
func (v *Verified) HolderKey() (*jose.PublicKey, error) {
	cnf, ok := v.claims["cnf"].(map[string]any)
	if !ok {
		return nil, fail("kb_cnf_missing", "the credential is not bound to a key")
	}
	jwk, ok := cnf["jwk"].(map[string]any)
	if !ok {
		return nil, fail("kb_cnf_missing", "cnf holds no jwk")
	}
	key, err := jose.PublicKeyFromMap(jwk)
	if err != nil {
		return nil, wrap("kb_cnf_invalid", "cnf.jwk is not a public signing key", err)
	}
	return key, nil
}

// VerifyKeyBinding checks the key binding JWT with the key in cnf (RFC 9901
// §7.3). A presentation without one fails: that it is wanted was the caller's
// decision.
func (v *Verified) VerifyKeyBinding(r KBRule) (*KeyBinding, error) {
	if r.Nonce == "" || r.Audience == "" || r.NotAfter.IsZero() {
		return nil, fail("kb_rule", "a key binding rule needs nonce, audience and a time window")
	}
	if v.sd.keyBinding == "" {
		return nil, fail("kb_missing", "the presentation has no key binding JWT")
	}
	key, err := v.HolderKey()
	if err != nil {
		return nil, err
	}
	// A jwk header may be there and means nothing: only cnf counts.
	token, err := jose.Parse(v.sd.keyBinding, jose.Rule{
		Typ: []string{KeyBindingType}, Algs: r.Algs, MaxSize: MaxKeyBinding, AllowJWK: true,
	})
	if err != nil {
		return nil, err
	}
	verified, err := token.Verify(key)
	if err != nil {
		return nil, wrap("kb_signature_invalid", "key binding signature", err)
	}
	kb := &KeyBinding{key: key, claims: verified.Claims()}
	if err := v.matchKeyBinding(kb.claims, r); err != nil {
		return nil, err
	}
	return kb, nil
}

func (v *Verified) matchKeyBinding(c map[string]any, r KBRule) error {
	if nonce, ok := c["nonce"].(string); !ok || !equal(nonce, r.Nonce) {
		return fail("kb_nonce_mismatch", "nonce is not the one asked with")
	}
	aud, ok := c["aud"].(string)
	if !ok {
		return fail("kb_aud_type", "aud is not a single string")
	}
	if !equal(aud, r.Audience) {
		return fail("kb_aud_mismatch", "aud names another verifier")
	}
	if sum, ok := c["sd_hash"].(string); !ok || !equal(sum, digest(v.hash, v.sd.signed)) {
		return fail("kb_sd_hash_mismatch", "the presentation is not the one that was signed")
	}
	return matchTimes(c, r)
}

func matchTimes(c map[string]any, r KBRule) error {
	iat, present, err := jose.NumericDate(c, "iat")
	switch {
	case err != nil:
		return err
	case !present:
		return fail("kb_iat_missing", "iat is missing")
	case iat.Before(r.NotBefore) || iat.After(r.NotAfter):
		return fail("kb_iat_out_of_window", "iat is outside the time allowed")
	}
	now := r.Now
	if now.IsZero() {
		now = r.NotAfter
	}
	exp, present, err := jose.NumericDate(c, "exp")
	if err != nil {
		return err
	}
	if present && !now.Before(exp.Add(r.Leeway)) {
		return fail("kb_expired", "the key binding JWT has expired")
	}
	nbf, present, err := jose.NumericDate(c, "nbf")
	if err != nil {
		return err
	}
	if present && now.Before(nbf.Add(-r.Leeway)) {
		return fail("kb_expired", "the key binding JWT is not valid yet")
	}
	return nil
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
