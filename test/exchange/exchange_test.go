package exchange

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"testing"
	"time"

	"facet/audit"
	"facet/policy/hints"
	"facet/verifier"
	"facet/wallet"
)

// begin asks as the newsroom does and opens the link in the wallet.
func (r *rig) begin(policy string) (*verifier.Begun, wallet.Proposal) {
	r.t.Helper()
	begun, err := r.verifier.Begin(r.t.Context(), verifier.BeginRequest{Platform: "news", Policy: policy, Flow: audit.SameDevice, ReturnURI: returnURI})
	if err != nil {
		r.t.Fatalf("begin: %v", err)
	}
	p, err := r.wallet.Ask(r.t.Context(), begun.Links[0].URL)
	if err != nil {
		r.t.Fatalf("ask: %v", err)
	}
	return begun, p
}

// result follows the redirect as the newsroom does.
func (r *rig) result(begun *verifier.Begun, redirect *string) *verifier.Result {
	r.t.Helper()
	if redirect == nil {
		r.t.Fatal("no way back")
	}
	back, err := url.Parse(*redirect)
	if err != nil {
		r.t.Fatal(err)
	}
	got, err := r.verifier.Result(r.t.Context(), verifier.Reading{Platform: "news", ID: begun.ID, ResponseCode: back.Query().Get("response_code")})
	if err != nil {
		r.t.Fatalf("result: %v", err)
	}
	return got
}

// TestExchange is one evening: fetch two proofs, state preferences, visit the
// front page, look, approve some of it, check the receipt, take it back.
func TestExchange(t *testing.T) {
	r := newRig(t)
	r.receive("age")
	r.receive("abo")
	if _, err := r.wallet.SetPreferences(t.Context(), wallet.Preferences{Topics: []string{"596", "483", "1"}, Depth: "overview", Languages: []string{"de-CH"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.wallet.SetToday(t.Context(), wallet.Today{Persona: "family"}); err != nil {
		t.Fatal(err)
	}
	begun, p := r.begin("home")
	if p.Kind != wallet.KindPolicy || !p.Satisfiable || len(p.Required) != 1 || len(p.Optional) < 3 || p.Asker.Name != "Morgenblatt" {
		t.Fatalf("the page: %+v", p)
	}
	for _, i := range p.Optional {
		if !i.HasValue {
			t.Errorf("%s: stated, but the page says otherwise", i.Key)
		}
	}
	choices := []string{"article.length", "home.topics", "ui.layout"}
	shown, err := r.wallet.Preview(t.Context(), p.ID, choices)
	if err != nil {
		t.Fatal(err)
	}
	done, err := r.wallet.Present(t.Context(), p.ID, shown.Digest, choices)
	if err != nil {
		t.Fatalf("present: %v", err)
	}
	result := r.result(begun, done.RedirectURI)
	r.sameHints("home", shown.Outcome, result.Hints)
	if got, _ := result.Hints.Get("ui.language"); !got.Withheld {
		t.Errorf("not ticked, yet derived: %+v", got)
	}
	if got, _ := result.Hints.Get("article.length"); got.Value != "short" || got.Assurance != hints.SelfAsserted {
		t.Errorf("article.length: %+v", got)
	}
	if got, _ := result.Hints.Get("access.tier"); got.Value != "premium" || got.Assurance != hints.IssuerSigned {
		t.Errorf("access.tier: %+v", got)
	}
	r.checkReceipt(done.HistoryID)
	r.withdraw(done.HistoryID, begun)
}

// sameHints is the transparent twin: what was shown is what is derived.
func (r *rig) sameHints(policy string, shown wallet.Outcome, derived hints.HintSet) {
	r.t.Helper()
	rules := r.policies[policy].Hints
	if len(shown.Lines) != len(derived) || len(rules) != len(derived) {
		r.t.Fatalf("%d lines shown, %d hints derived", len(shown.Lines), len(derived))
	}
	for i, line := range shown.Lines {
		h := derived[i]
		want := rules[i].ValueText(h.Value)
		if h.Withheld {
			want = h.Without
		}
		if h.Key != line.Key || h.Label["de"] != line.Label["de"] || line.Value["de"] != want["de"] || line.Value["en"] != want["en"] {
			r.t.Errorf("shown %+v, derived %+v", line, h)
		}
	}
}

// checkReceipt waits for the log's checkpoint.
func (r *rig) checkReceipt(id string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	for {
		got, err := r.wallet.CheckReceipt(ctx, id)
		if err != nil {
			r.t.Fatalf("receipt: %v", err)
		}
		if got.Receipt == wallet.ReceiptChecked {
			if got.Origin != "verifier.localhost/log" || got.Index < 1 {
				r.t.Errorf("receipt: %+v", got)
			}
			return
		}
		if got.Receipt != wallet.ReceiptChecking {
			r.t.Fatalf("receipt: %+v", got)
		}
		select {
		case <-ctx.Done():
			r.t.Fatal("no receipt in 20 s")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (r *rig) withdraw(id string, begun *verifier.Begun) {
	r.t.Helper()
	got, err := r.wallet.Withdraw(r.t.Context(), id)
	if err != nil || got.State != wallet.StateWithdrawn || got.Erasure == nil || got.Erasure.Entry == "" {
		r.t.Fatalf("withdraw: %+v, %v", got, err)
	}
	item, err := r.wallet.HistoryItem(r.t.Context(), id)
	if err != nil || item.State != wallet.StateWithdrawn || item.CanWithdraw || item.Receipt != wallet.ReceiptChecked {
		r.t.Fatalf("history: %+v, %v", item, err)
	}
	if state, err := r.verifier.Status(r.t.Context(), "news", begun.ID); err != nil || state != verifier.Withdrawn {
		r.t.Fatalf("the platform sees %q, %v", state, err)
	}
	again, err := r.wallet.Withdraw(r.t.Context(), id)
	if err != nil || again.Erasure == nil || *again.Erasure != *got.Erasure {
		r.t.Fatalf("withdrawing again: %+v, %v", again, err)
	}
}

// TestEveryPolicy answers each of the newsroom's policies with everything on.
func TestEveryPolicy(t *testing.T) {
	r := newRig(t)
	r.receive("age")
	r.receive("abo")
	if _, err := r.wallet.SetPreferences(t.Context(), wallet.Preferences{Topics: []string{"596"}, Depth: "detail"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.wallet.SetToday(t.Context(), wallet.Today{Persona: "business", TimeBudget: 10}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"access", "agegate", "home", "today"} {
		t.Run(name, func(t *testing.T) {
			begun, p := r.begin(name)
			var choices []string
			for _, i := range p.Optional {
				choices = append(choices, i.Key)
			}
			shown, err := r.wallet.Preview(t.Context(), p.ID, choices)
			if err != nil {
				t.Fatal(err)
			}
			done, err := r.wallet.Present(t.Context(), p.ID, shown.Digest, choices)
			if err != nil {
				t.Fatalf("present: %v", err)
			}
			r.sameHints(name, shown.Outcome, r.result(begun, done.RedirectURI).Hints)
		})
	}
}

// TestRefuse: a tap on "refuse" closes the transaction and says nothing else.
func TestRefuse(t *testing.T) {
	r := newRig(t)
	r.receive("abo")
	begun, p := r.begin("home")
	got, err := r.wallet.Refuse(t.Context(), p.ID)
	if err != nil || got.RedirectURI == nil {
		t.Fatalf("%+v, %v", got, err)
	}
	if state, err := r.verifier.Status(t.Context(), "news", begun.ID); err != nil || state != verifier.Refused {
		t.Fatalf("the platform sees %q, %v", state, err)
	}
	rows, err := r.wallet.History(t.Context())
	if err != nil || len(rows) != 1 || rows[0].State != wallet.StateRefused {
		t.Fatalf("%+v, %v", rows, err)
	}
}

// TestMissing: without the subscription the page says what is missing, and
// approving is not possible.
func TestMissing(t *testing.T) {
	r := newRig(t)
	r.receive("age")
	_, p := r.begin("home")
	if p.Satisfiable || !slices.ContainsFunc(p.Missing, func(m wallet.Missing) bool { return m.Kind == wallet.KindMembership }) {
		t.Fatalf("%+v", p.Missing)
	}
	_, err := r.wallet.Present(t.Context(), p.ID, p.Digest, nil)
	var own *wallet.Error
	if !errors.As(err, &own) || own.Code != wallet.CodeUnsatisfiable {
		t.Fatalf("present: %v", err)
	}
}
