package exchange

import (
	"net/url"
	"strings"
	"testing"

	"facet/audit"
	"facet/credentials/openid4vp"
	"facet/policy/hints"
	"facet/verifier"
	"facet/wallet"
)

const page = "http://news.localhost:8083"

// furnish gives the wallet proofs and preferences.
func (r *rig) furnish() {
	r.t.Helper()
	r.receive("abo")
	if _, err := r.wallet.SetPreferences(r.t.Context(), wallet.Preferences{Topics: []string{"596", "483"}, Depth: "overview", Languages: []string{"de"}}); err != nil {
		r.t.Fatal(err)
	}
}

// approve looks and presents with these choices.
func (r *rig) approve(p wallet.Proposal, choices ...string) (wallet.Outcome, wallet.Presented) {
	r.t.Helper()
	shown, err := r.wallet.Preview(r.t.Context(), p.ID, choices)
	if err != nil {
		r.t.Fatal(err)
	}
	done, err := r.wallet.Present(r.t.Context(), p.ID, shown.Digest, choices)
	if err != nil {
		r.t.Fatalf("present: %v", err)
	}
	return shown.Outcome, done
}

// settle reads the result as the platform does, and lets the holder check the
// receipt and take it all back.
func (r *rig) settle(begun *verifier.Begun, a *verifier.Answered, shown wallet.Outcome, done wallet.Presented) {
	r.t.Helper()
	result, err := r.verifier.Result(r.t.Context(), verifier.Reading{Platform: "news", ID: begun.ID, ResponseCode: a.ResponseCode})
	if err != nil {
		r.t.Fatalf("result: %v", err)
	}
	r.sameHints("home", shown, result.Hints)
	if got, _ := result.Hints.Get("article.length"); got.Value != "short" || got.Assurance != hints.SelfAsserted {
		r.t.Errorf("article.length: %+v", got)
	}
	if got, _ := result.Hints.Get("home.topics"); !got.Withheld {
		r.t.Errorf("not ticked, yet derived: %+v", got)
	}
	r.checkReceipt(done.HistoryID)
	r.withdraw(done.HistoryID, begun)
}

// TestThroughTheBrowser: a page asks through the Digital Credentials API; this
// test is the browser and carries both messages.
func TestThroughTheBrowser(t *testing.T) {
	r := newRig(t)
	r.furnish()
	begun, err := r.verifier.Begin(t.Context(), verifier.BeginRequest{Platform: "news", Policy: "home", Flow: audit.DCAPI, Origin: page})
	if err != nil || begun.Digital == nil || len(begun.Digital.Requests) != 1 {
		t.Fatalf("begin: %+v, %v", begun, err)
	}
	request := begun.Digital.Requests[0]
	for _, other := range []string{"http://evil.localhost:8083", "http://news.localhost:8084", "https://news.localhost:8083"} {
		if _, err := r.wallet.AskDigital(t.Context(), request, other); wallet.ReasonOf(err) != "origin_mismatch" {
			t.Errorf("carried by %s: %v", other, err)
		}
	}
	p, err := r.wallet.AskDigital(t.Context(), request, page)
	if err != nil || p.Kind != wallet.KindPolicy || p.Asker.Name != "Morgenblatt" || !p.Satisfiable {
		t.Fatalf("ask: %+v, %v", p, err)
	}
	shown, done := r.approve(p, "article.length")
	if done.Digital == nil || done.RedirectURI != nil {
		t.Fatalf("presented: %+v", done)
	}
	answer := verifier.Answer{Platform: "news", ID: begun.ID, Protocol: done.Digital.Protocol, Data: done.Digital.Data}
	taken, err := r.verifier.Answer(t.Context(), answer)
	if err != nil || taken.ResponseCode == "" {
		t.Fatalf("answer: %+v, %v", taken, err)
	}
	if again, err := r.verifier.Answer(t.Context(), answer); err != nil || *again != *taken {
		t.Errorf("again, for a lost reply: %+v, %v", again, err)
	}
	answer.Data = append(answer.Data, ' ')
	if _, err := r.verifier.Answer(t.Context(), answer); wallet.ReasonOf(err) != verifier.ReasonUsed {
		t.Errorf("another one: %v", err)
	}
	r.settle(begun, taken, shown, done)
}

// TestRefusedThroughTheBrowser: the refusal closes the transaction.
func TestRefusedThroughTheBrowser(t *testing.T) {
	r := newRig(t)
	r.furnish()
	begun, err := r.verifier.Begin(t.Context(), verifier.BeginRequest{Platform: "news", Policy: "home", Flow: audit.DCAPI, Origin: page})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.wallet.AskDigital(t.Context(), begun.Digital.Requests[0], page)
	if err != nil {
		t.Fatal(err)
	}
	no, err := r.wallet.Refuse(t.Context(), p.ID)
	if err != nil || no.Digital == nil {
		t.Fatalf("%+v, %v", no, err)
	}
	taken, err := r.verifier.Answer(t.Context(), verifier.Answer{Platform: "news", ID: begun.ID, Protocol: no.Digital.Protocol, Data: no.Digital.Data})
	if err != nil || taken.ResponseCode != "" {
		t.Fatalf("%+v, %v", taken, err)
	}
	if state, err := r.verifier.Status(t.Context(), "news", begun.ID); err != nil || state != verifier.Refused {
		t.Errorf("the platform sees %q, %v", state, err)
	}
}

// TestInTheFragment: the holder carries the answer back in the address.
func TestInTheFragment(t *testing.T) {
	r := newRig(t)
	r.furnish()
	begun, err := r.verifier.Begin(t.Context(), verifier.BeginRequest{
		Platform: "news", Policy: "home", Flow: audit.SameDevice, ReturnURI: returnURI, ResponseMode: openid4vp.ModeFragment,
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.wallet.Ask(t.Context(), begun.Links[0].URL)
	if err != nil || p.Kind != wallet.KindPolicy {
		t.Fatalf("ask: %+v, %v", p, err)
	}
	shown, done := r.approve(p, "article.length")
	if done.RedirectURI == nil || !strings.HasPrefix(*done.RedirectURI, returnURI+"#") {
		t.Fatalf("presented: %+v", done)
	}
	if state, err := r.verifier.Status(t.Context(), "news", begun.ID); err != nil || state != verifier.Opened {
		t.Errorf("before the page spoke: %q, %v", state, err)
	}
	back, err := url.Parse(*done.RedirectURI)
	if err != nil {
		t.Fatal(err)
	}
	taken, err := r.verifier.Answer(t.Context(), verifier.Answer{Platform: "news", ID: begun.ID, Fragment: back.EscapedFragment()})
	if err != nil || taken.ResponseCode == "" {
		t.Fatalf("answer: %+v, %v", taken, err)
	}
	r.settle(begun, taken, shown, done)
}
