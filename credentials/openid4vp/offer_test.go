package openid4vp_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/policy"
	"facet/policy/lint"
)

func loadPolicy(t *testing.T, name string) *policy.Policy {
	t.Helper()
	text, err := os.ReadFile("../../examples/newsroom/policies/" + name + ".yaml")
	must(t, err)
	p, err := lint.Load(text)
	must(t, err)
	return p
}

// offered is a request compiled from the policy, with its offer.
func (a *asker) offered(t *testing.T, p *policy.Policy) (openid4vp.RequestObject, openid4vp.PolicyOffer) {
	t.Helper()
	compiled, err := policy.Compile(p)
	must(t, err)
	enc, err := jose.GenerateKey()
	must(t, err)
	r := openid4vp.RequestObject{
		ClientID: a.hash(), ResponseType: openid4vp.ResponseType, ResponseMode: openid4vp.ModeDirectPostJWT,
		ResponseURI: "https://" + host + "/wallet/response/1", Nonce: "n-0123456789", State: "s", Audience: openid4vp.SelfIssuedAudience,
		DCQL:           compiled.Query,
		ClientMetadata: openid4vp.ClientMetadata{Keys: []openid4vp.EncryptionKey{{Kid: "k", Key: enc.Public()}}, VPFormats: openid4vp.SDJWTFormats()},
		IssuedAt:       now, ExpiresAt: now.Add(5 * time.Minute),
	}
	return r, openid4vp.PolicyOffer{
		Policy: p, ReceiptEndpoint: "https://" + host + "/wallet/receipt/1", WithdrawalEndpoint: "https://" + host + "/wallet/withdraw/1",
		Log: openid4vp.LogInfo{Origin: host + "/log", Key: host + "/log+1234+abcd", URL: "https://" + host + "/log/"}, RetentionUntil: now.Add(p.Keep()),
		Flow: openid4vp.FlowCrossDevice,
	}
}

// receive signs the request with these entries of verifier_info and reads it
// as a wallet.
func (a *asker) receive(t *testing.T, r openid4vp.RequestObject, info ...openid4vp.VerifierInfo) (*openid4vp.VerifiedOffer, error) {
	t.Helper()
	r.VerifierInfo = info
	jar, err := openid4vp.SignRequest(t.Context(), a.key, a.x5c, r)
	must(t, err)
	u, err := openid4vp.ParseRequest(jar, openid4vp.Expect{ClientID: a.hash()})
	must(t, err)
	got, err := u.Authenticate(t.Context(), a.authority())
	must(t, err)
	return got.PolicyOffer()
}

func TestPolicyOffer(t *testing.T) {
	a := newAsker(t)
	p := loadPolicy(t, "home")
	r, o := a.offered(t, p)
	info, err := openid4vp.SignOffer(t.Context(), a.key, r, o)
	must(t, err)
	got, err := a.receive(t, r, openid4vp.VerifierInfo{Format: "unheard-of", Data: "x"}, info)
	must(t, err)
	if got.Policy.Hash() != p.Hash() || got.ReceiptEndpoint != o.ReceiptEndpoint || got.Log != o.Log || got.Flow != o.Flow || !got.RetentionUntil.Equal(o.RetentionUntil) || got.Raw() != info.Data {
		t.Errorf("got %+v", got.PolicyOffer)
	}
	t.Run("flow not said", func(t *testing.T) {
		silent := o
		silent.Flow = ""
		info, err := openid4vp.SignOffer(t.Context(), a.key, r, silent)
		must(t, err)
		got, err := a.receive(t, r, info)
		must(t, err)
		if got.Flow != "" {
			t.Errorf("flow %q", got.Flow)
		}
	})
	t.Run("other request", func(t *testing.T) {
		other := r
		other.Nonce = "n-9876543210"
		_, err := a.receive(t, other, info)
		wantReason(t, err, "policy_offer_invalid")
	})
	t.Run("other signer", func(t *testing.T) {
		key, err := jose.GenerateKey()
		must(t, err)
		forged, err := openid4vp.SignOffer(t.Context(), key, r, o)
		must(t, err)
		_, err = a.receive(t, r, forged)
		wantReason(t, err, "policy_offer_invalid")
	})
	t.Run("two offers", func(t *testing.T) {
		_, err := a.receive(t, r, info, info)
		wantReason(t, err, "policy_offer_invalid")
	})
	t.Run("asks for more than its policy", func(t *testing.T) {
		narrow := o
		narrow.Policy = loadPolicy(t, "access")
		narrow.RetentionUntil = now.Add(narrow.Policy.Keep())
		offer, err := openid4vp.SignOffer(t.Context(), a.key, r, narrow)
		must(t, err)
		_, err = a.receive(t, r, offer)
		wantReason(t, err, "policy_query_mismatch")
	})
	for name, tt := range map[string]struct {
		change func(m map[string]any)
		reason string
	}{
		"other client":         {func(m map[string]any) { m["sub"] = "x509_hash:other" }, "policy_offer_invalid"},
		"expired":              {func(m map[string]any) { m["exp"] = now.Add(-time.Hour).Unix() }, "policy_offer_expired"},
		"from the future":      {func(m map[string]any) { m["iat"] = now.Add(time.Hour).Unix() }, "policy_offer_expired"},
		"no time":              {func(m map[string]any) { delete(m, "exp") }, "policy_offer_invalid"},
		"hash of another":      {func(m map[string]any) { m["policy_sha256"] = loadPolicy(t, "access").Hash() }, "policy_offer_invalid"},
		"policy changed":       {func(m map[string]any) { m["policy"].(map[string]any)["version"] = 99 }, "policy_offer_invalid"},
		"receipts elsewhere":   {func(m map[string]any) { m["receipt_endpoint"] = "https://evil.example/r" }, "policy_offer_invalid"},
		"withdrawal elsewhere": {func(m map[string]any) { m["withdrawal_endpoint"] = "http://" + host + "/w" }, "policy_offer_invalid"},
		"kept too long":        {func(m map[string]any) { m["retention_until"] = now.Add(31 * 24 * time.Hour).Unix() }, "policy_offer_invalid"},
		"forgotten too soon":   {func(m map[string]any) { m["retention_until"] = now.Unix() }, "policy_offer_invalid"},
		"kept until never":     {func(m map[string]any) { delete(m, "retention_until") }, "policy_offer_invalid"},
		"no log":               {func(m map[string]any) { delete(m, "log") }, "policy_offer_invalid"},
		"unheard-of flow":      {func(m map[string]any) { m["flow"] = "by_pigeon" }, "policy_offer_invalid"},
		"flow an empty text":   {func(m map[string]any) { m["flow"] = "" }, "policy_offer_invalid"},
		"flow a number":        {func(m map[string]any) { m["flow"] = 1 }, "policy_offer_invalid"},
		"endpoint a number":    {func(m map[string]any) { m["receipt_endpoint"] = 7 }, "policy_offer_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := jose.Parse(info.Data, jose.Rule{Typ: []string{openid4vp.OfferFormat}})
			must(t, err)
			raw, err := json.Marshal(token.UnverifiedClaims())
			must(t, err)
			var m map[string]any
			must(t, json.Unmarshal(raw, &m))
			tt.change(m)
			raw, err = json.Marshal(m)
			must(t, err)
			data, err := jose.Sign(t.Context(), a.key, map[string]any{"typ": openid4vp.OfferFormat}, raw)
			must(t, err)
			_, err = a.receive(t, r, openid4vp.VerifierInfo{Format: openid4vp.OfferFormat, Data: data})
			wantReason(t, err, tt.reason)
		})
	}
}
