package sdjwt

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"facet/credentials/jose"
)

var bindTime = time.Unix(1795310000, 0)

func kbRule() KBRule {
	return KBRule{Nonce: "n-0S6_WzA2Mj", Audience: "x509_san_dns:verifier.example",
		NotBefore: bindTime.Add(-time.Minute), NotAfter: bindTime.Add(time.Minute)}
}

// TestKeyBinding twists one thing of a good key binding JWT at a time.
func TestKeyBinding(t *testing.T) {
	issuer, holder, thief := newKey(t), newKey(t), newKey(t)
	name := disclosure(`["c2FsdA","name","Ada"]`)
	other := disclosure(`["c2FsdB","age",7]`)
	cnf, _ := json.Marshal(map[string]any{"jwk": holder.Public().JWK()})
	bound := forge(t, issuer, `{"_sd":["`+hashOf(name)+`","`+hashOf(other)+`"],"cnf":`+string(cnf)+`}`, name)
	good := func() map[string]any {
		r := kbRule()
		return map[string]any{"nonce": r.Nonce, "aud": r.Audience, "iat": bindTime.Unix(), "sd_hash": digest("sha-256", bound)}
	}
	sign := func(key *jose.PrivateKey, header, claims map[string]any) string {
		b, _ := json.Marshal(claims)
		kb, err := jose.Sign(t.Context(), key, header, b)
		if err != nil {
			t.Fatal(err)
		}
		return kb
	}
	kb := map[string]any{"typ": KeyBindingType}
	twist := func(name string, v any) string {
		c := good()
		c[name] = v
		if v == nil {
			delete(c, name)
		}
		return bound + sign(holder, kb, c)
	}
	rebind := func(payload string) string {
		sd := forge(t, issuer, payload)
		c := good()
		c["sd_hash"] = digest("sha-256", sd)
		return sd + sign(holder, kb, c)
	}
	private, _ := json.Marshal(map[string]any{"kty": "EC", "crv": "P-256", "d": "AAAA", "x": holder.Public().JWK()["x"], "y": holder.Public().JWK()["y"]})
	wrongHash := digest("sha-512", bound)
	for _, tt := range []struct{ name, token, want string }{
		{"good", twist("consent", "digest"), ""},
		{"missing", bound, "kb_missing"},
		{"nonce", twist("nonce", "another"), "kb_nonce_mismatch"},
		{"no nonce", twist("nonce", nil), "kb_nonce_mismatch"},
		{"aud", twist("aud", "x509_san_dns:other.example"), "kb_aud_mismatch"},
		{"aud without prefix", twist("aud", "verifier.example"), "kb_aud_mismatch"},
		{"aud array", twist("aud", []string{kbRule().Audience}), "kb_aud_type"},
		{"stranger's key", bound + sign(thief, kb, good()), "kb_signature_invalid"},
		{"stranger's key in the header", bound + sign(thief, map[string]any{"typ": KeyBindingType, "jwk": thief.Public().JWK()}, good()), "kb_signature_invalid"},
		{"sd_hash", twist("sd_hash", "x"), "kb_sd_hash_mismatch"},
		{"no sd_hash", twist("sd_hash", nil), "kb_sd_hash_mismatch"},
		{"other hash", twist("sd_hash", wrongHash), "kb_sd_hash_mismatch"},
		{"disclosure dropped", strings.Replace(twist("", ""), "~"+name+"~", "~", 1), "kb_sd_hash_mismatch"},
		{"disclosure added", strings.Replace(twist("", ""), "~"+name+"~", "~"+name+"~"+other+"~", 1), "kb_sd_hash_mismatch"},
		{"no iat", twist("iat", nil), "kb_iat_missing"},
		{"iat past", twist("iat", bindTime.Add(-time.Hour).Unix()), "kb_iat_out_of_window"},
		{"iat future", twist("iat", bindTime.Add(time.Hour).Unix()), "kb_iat_out_of_window"},
		{"iat text", twist("iat", "1795310000"), "claim_type"},
		{"exp past", twist("exp", bindTime.Unix()), "kb_expired"},
		{"nbf future", twist("nbf", bindTime.Add(time.Hour).Unix()), "kb_expired"},
		{"typ", bound + sign(holder, map[string]any{"typ": "JWT"}, good()), "jose_typ_unexpected"},
		{"no cnf", rebind(`{}`), "kb_cnf_missing"},
		{"cnf without jwk", rebind(`{"cnf":{"kid":"x"}}`), "kb_cnf_missing"},
		{"cnf private", rebind(`{"cnf":{"jwk":` + string(private) + `}}`), "kb_cnf_invalid"},
		{"cnf symmetric", rebind(`{"cnf":{"jwk":{"kty":"oct","k":"AAAA"}}}`), "kb_cnf_invalid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Parse(tt.token)
			if err != nil {
				t.Fatal(err)
			}
			v, err := s.Verify(issuer.Public(), VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := v.VerifyKeyBinding(kbRule())
			if reason(err) != tt.want {
				t.Fatalf("got %q, want %q", reason(err), tt.want)
			}
			if err == nil && (got.Claims()["consent"] != "digest" || !got.Key().Equal(holder.Public())) {
				t.Error("the verified key binding lacks its claims or key")
			}
		})
	}
}

func TestKeyBindingRuleMustBeComplete(t *testing.T) {
	v := &Verified{sd: &SDJWT{}}
	for _, r := range []KBRule{{}, {Nonce: "n"}, {Nonce: "n", Audience: "a"}} {
		if _, err := v.VerifyKeyBinding(r); reason(err) != "kb_rule" {
			t.Errorf("%+v: got %v", r, err)
		}
	}
}

func TestBindRefuses(t *testing.T) {
	key := newKey(t)
	sd := forge(t, key, `{}`)
	full := KBClaims{Nonce: "n", Audience: "a", IssuedAt: bindTime}
	if _, err := Bind(t.Context(), strings.TrimSuffix(sd, "~"), key, full); reason(err) != "sdjwt_format" {
		t.Errorf("without ~: %v", err)
	}
	if _, err := Bind(t.Context(), sd, key, KBClaims{Nonce: "n", Audience: "a"}); reason(err) != "kb_incomplete" {
		t.Errorf("without iat: %v", err)
	}
	full.Extra = map[string]any{"sd_hash": "x"}
	if _, err := Bind(t.Context(), sd, key, full); reason(err) != "kb_incomplete" {
		t.Errorf("extra sd_hash: %v", err)
	}
}
