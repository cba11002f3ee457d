package verifier_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"facet/audit"
	"facet/credentials/jose"
	"facet/policy/hints"
)

// TestExchange follows one presentation from the platform's wish to the
// holder's withdrawal.
func TestExchange(t *testing.T) {
	r := newRig(t)
	b := r.begin("home", "same_device")
	a := r.compose(b, twist{})
	offer, err := a.req.PolicyOffer()
	if err != nil || offer == nil || offer.Policy.ID != "morgenblatt.example/home" {
		t.Fatalf("policy offer: %v, %v", offer, err)
	}
	done := a.send()
	if done.status != http.StatusOK {
		t.Fatalf("answer: %d %s", done.status, done.body)
	}
	if got := r.api(keyNews, "GET", "/v1/requests/"+b.ID, ""); got.field("state") != "released" {
		t.Fatalf("state: %s", got.body)
	}
	res := r.result(keyNews, b.ID, r.code(done))
	var out struct {
		Purpose   string
		Hints     hints.HintSet
		Claims    map[string]any
		HintToken string `json:"hint_token"`
		Sources   map[string]struct{ Assurance, Issuer string }
	}
	if err := json.Unmarshal(res.body, &out); err != nil || res.status != http.StatusOK {
		t.Fatalf("result: %d %s", res.status, res.body)
	}
	tier, _ := out.Hints.Get("access.tier")
	length, _ := out.Hints.Get("article.length")
	if tier.Value != "plus" || length.Value != "long" || out.Purpose != "personalised-home" {
		t.Errorf("hints: %s", res.body)
	}
	if out.Sources["member"].Assurance != "issuer-signed" || out.Sources["member"].Issuer != "Morgenblatt" || out.Sources["prefs"].Assurance != "self-asserted" {
		t.Errorf("sources: %+v", out.Sources)
	}
	if out.Claims != nil {
		t.Errorf("claims left although the policy's outputs do not allow it: %s", res.body)
	}
	ofrep := r.do(call{method: "POST", url: baseURL + "/ofrep/v1/evaluate/flags/article.length", key: out.HintToken, contentType: "application/json", body: "{}"})
	if ofrep.status != http.StatusOK || ofrep.field("value") != "long" || ofrep.field("reason") != hints.ReasonMatch {
		t.Errorf("OFREP: %d %s", ofrep.status, ofrep.body)
	}

	receipt := r.receipt(a, offer.ReceiptEndpoint)
	trust, err := audit.TrustLog(offer.Log.Key, offer.Log.Origin)
	if err != nil {
		t.Fatal(err)
	}
	checked, err := trust.VerifyReceipt(receipt)
	if err != nil {
		t.Fatal(err)
	}
	entry, ok := checked.Entry().(*audit.Result)
	if !ok || entry.Outcome != audit.Answered || !checked.Opens(audit.Slot{Query: "member", Path: `["tier"]`, Index: 0}, []byte(`"plus"`)) {
		t.Errorf("the receipt is not for what was sent: %+v", checked.Entry())
	}

	erasure := r.prove(a, "member", "withdraw", offer.WithdrawalEndpoint)
	if erasure.status != http.StatusOK {
		t.Fatalf("withdraw: %d %s", erasure.status, erasure.body)
	}
	token, err := jose.Parse(string(erasure.body), jose.Rule{Typ: []string{"facet-erasure+jwt"}, AllowX5C: true})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := token.Verify(a.req.Key()); err != nil || v.Claims()["sub"] != a.req.ClientID || v.Claims()["policy_sha256"] != offer.Policy.Hash() {
		t.Errorf("erasure receipt: %v", err)
	}
	if again := r.prove(a, "prefs", "withdraw", offer.WithdrawalEndpoint); string(again.body) != string(erasure.body) {
		t.Error("withdrawing again gave another receipt")
	}
	r.result(keyNews, b.ID, r.code(done)).want(t, http.StatusGone, "invalid_request", "result_withdrawn")
	ofrep = r.do(call{method: "POST", url: baseURL + "/ofrep/v1/evaluate/flags", key: out.HintToken, contentType: "application/json", body: "{}"})
	if ofrep.status != http.StatusUnauthorized {
		t.Errorf("OFREP after withdrawal: %d %s", ofrep.status, ofrep.body)
	}
	r.wantEntries(audit.KindConfig, audit.KindPolicy, audit.KindRequest, audit.KindResult, audit.KindWithdrawal, audit.KindErasure)
	if v := r.sealedKeys(); v != 0 {
		t.Errorf("%d transaction keys are left after withdrawal", v)
	}
}
