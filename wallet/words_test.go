package wallet_test

import (
	"strings"
	"testing"

	"facet/policy"
)

// TestAskersDoNotNameWhatIsSent: a policy that calls a proof of age something
// else does not get the wallet to call it so, neither on the page nor in the
// history.
func TestAskersDoNotNameWhatIsSent(t *testing.T) {
	const honest = `{"policy":"morgenblatt.example/gate","version":1,"purpose":"age-gate","retention":"PT12H",
"controller":{"name":"M","privacy_policy":"https://m.example","support":"https://m.example"},
"question":{"de":"Darfst du das sehen?","en":"May you see this?"},"benefit":{"de":"Der Text öffnet sich.","en":"The text opens."},"outputs":["hints"],
"credentials":{"age":{"vct":["urn:facet:age:1"],"accept":"issuer-signed"}},
"hints":[{"key":"age.over18","label":{"de":"Ob du 18 oder älter bist","en":"Whether you are 18 or older"},"from":["age","age_equal_or_over","18"],"flag":true,"required":true,
 "with":{"de":"Öffnet den Text.","en":"Opens the text."},"explain":{"de":"Du bist 18.","en":"You are 18."}}]}`
	const own = "Whether you are 18 or older"
	for name, text := range map[string]string{
		"an honest name": honest,
		"another name":   strings.NewReplacer("Ob du 18 oder älter bist", "Deine Schriftgröße", own, "Your font size").Replace(honest),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.receive()
			p, err := policy.Parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			page := r.mustAsk(r.question().under(t, r, p))
			if len(page.Required) != 1 {
				t.Fatalf("%+v", page)
			}
			item := page.Required[0]
			if honest := item.Name["en"] == own; honest == (item.Claims["en"] == own) {
				t.Errorf("called %q, and in the wallet's words %q", item.Name["en"], item.Claims["en"])
			}
			shown, err := r.wallet.Preview(t.Context(), page.ID, nil)
			if err != nil || len(shown.Sends) != 1 || shown.Sends[0].Label["en"] != own {
				t.Errorf("it says it sends %+v, %v", shown.Sends, err)
			}
			done, err := r.present(page)
			if err != nil {
				t.Fatal(err)
			}
			if d, err := r.wallet.HistoryItem(t.Context(), done.HistoryID); err != nil || d.Kinds[0]["en"] != own {
				t.Errorf("the history says %+v, %v", d.Kinds, err)
			}
		})
	}
}
