package wallet_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/sdjwt"
	"facet/fetch"
	"facet/policy"
	"facet/policy/hints"
	"facet/wallet"
)

var liked = wallet.Preferences{Topics: []string{"596", "1", "483"}, Depth: "overview", Tone: "informal"}

func (r *rig) prefer(p wallet.Preferences) {
	r.t.Helper()
	if _, err := r.wallet.SetPreferences(r.t.Context(), p); err != nil {
		r.t.Fatal(err)
	}
}

// present answers with these choices as a person would: look, then approve.
func (r *rig) present(p wallet.Proposal, choices ...string) (wallet.Presented, error) {
	r.t.Helper()
	shown, err := r.wallet.Preview(r.t.Context(), p.ID, choices)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.wallet.Present(r.t.Context(), p.ID, shown.Digest, choices)
}

// TestPresentSendsWhatWasShown: the preview is what the asker's own rules make
// of what it then receives, and what was not ticked is not in it.
func TestPresentSendsWhatWasShown(t *testing.T) {
	r := newRig(t)
	r.prefer(liked)
	q := r.question().prefer(t, r)
	p := r.mustAsk(q)
	if p.Kind != wallet.KindPolicy || len(p.Optional) != 2 || p.Optional[0].HasValue != true || p.Optional[0].By != wallet.BySelf {
		t.Fatalf("page: %+v", p)
	}
	if got := p.Preview.Lines[0].Value["en"]; got != "All texts are medium-length." {
		t.Errorf("before ticking: %q", got)
	}
	shown, err := r.wallet.Preview(t.Context(), p.ID, []string{"home.topics"})
	if err != nil {
		t.Fatal(err)
	}
	if !shown.Outcome.Lines[1].Changed || shown.Outcome.Lines[0].Changed || len(shown.Sends) != 1 {
		t.Errorf("preview: %+v", shown)
	}
	done, err := r.wallet.Present(t.Context(), p.ID, shown.Digest, []string{"home.topics"})
	if err != nil {
		t.Fatal(err)
	}
	if done.RedirectURI == nil || done.Carried || len(r.posted()) != 1 {
		t.Fatalf("%+v, %d posts", done, len(r.posted()))
	}
	answer := r.decrypt(q, r.posted()[0])
	got, err := credentials.Verify(t.Context(), answer.VPToken["prefs"][0], credentials.Rule{
		SelfAsserted: []string{"urn:facet:media-preferences:1"}, Now: r.now, Leeway: time.Minute,
		KB: &sdjwt.KBRule{Nonce: fixedNonce, Audience: q.clientID, NotBefore: r.now.Add(-time.Minute), NotAfter: r.now.Add(time.Minute)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Claims()["depth"] != "no-preference" || !reflect.DeepEqual(got.Claims()["topics"], []any{"596", "483"}) {
		t.Errorf("sent: %v", got.Claims())
	}
	if _, there := got.Claims()["tone"]; there {
		t.Error("a claim nobody asked for was sent")
	}
	if got.KB()["consent"] != shown.Digest {
		t.Error("the key binding does not carry the consent")
	}
	c, err := policy.Compile(q.policy)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := hints.Derive(q.policy.Hints, c.Inputs(map[string]policy.Answer{"prefs": {Claims: got.Claims()}}), q.policy.Meta(p.Retention.Until))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range shown.Outcome.Lines {
		if theirs[i].Key != line.Key || !theirs[i].Withheld && q.policy.Hints[i].ValueText(theirs[i].Value)["de"] != line.Value["de"] {
			t.Errorf("shown %+v, derived %+v", line, theirs[i])
		}
	}
}

func TestPresentWantsTheConsentItShowed(t *testing.T) {
	r := newRig(t)
	r.prefer(liked)
	p := r.mustAsk(r.question().prefer(t, r))
	for name, try := range map[string]func() error{
		"digest of no choices": func() error {
			_, err := r.wallet.Present(t.Context(), p.ID, p.Digest, []string{"home.topics"})
			return err
		},
		"no digest": func() error {
			_, err := r.wallet.Present(t.Context(), p.ID, "", nil)
			return err
		},
	} {
		if err := try(); wallet.ReasonOf(err) != wallet.CodeDigest {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.wallet.Preview(t.Context(), p.ID, []string{"something.else"}); wallet.ReasonOf(err) != wallet.CodeChoice {
		t.Errorf("an unknown choice: %v", err)
	}
	if len(r.posted()) != 0 {
		t.Fatal("something was sent")
	}
}

// TestRefusalsLookAlike compares bytes: not wanting, having nothing, and having
// another value are one and the same to the asker.
func TestRefusalsLookAlike(t *testing.T) {
	t.Run("WREQ-028", func(t *testing.T) {
		var bodies []string
		for name, prepare := range map[string]func(*rig, *question){
			"refused":  func(r *rig, _ *question) { r.receive() },
			"not held": func(*rig, *question) {},
			"mismatch": func(r *rig, q *question) {
				r.receive()
				query := ageQuery()
				query.Credentials[0].Claims[0].Values = []any{false}
				q.object["dcql_query"] = query
			},
		} {
			r := newRig(t)
			q := r.question()
			prepare(r, q)
			p := r.mustAsk(q)
			if p.Satisfiable != (name == "refused") {
				t.Fatalf("%s: satisfiable is %t", name, p.Satisfiable)
			}
			if name != "refused" {
				if _, err := r.wallet.Present(t.Context(), p.ID, p.Digest, nil); wallet.ReasonOf(err) != wallet.CodeUnsatisfiable {
					t.Fatalf("%s: present: %v", name, err)
				}
			}
			if len(r.posted()) != 0 {
				t.Fatalf("%s: something was sent before the tap", name)
			}
			if _, err := r.wallet.Refuse(t.Context(), p.ID); err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, r.posted()[0])
		}
		if bodies[0] != "error=access_denied&state=state-1" || bodies[1] != bodies[0] || bodies[2] != bodies[0] {
			t.Fatalf("distinguishable: %q", bodies)
		}
	})
}

// TestNothingApproved: an answer with nothing in it is a refusal, by the same
// bytes, also when a tick stands on something never stated.
func TestNothingApproved(t *testing.T) {
	for name, choices := range map[string][]string{"no tick": nil, "a tick on nothing": {"article.length"}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			p := r.mustAsk(r.question().prefer(t, r))
			done, err := r.present(p, choices...)
			if err != nil {
				t.Fatal(err)
			}
			if body := r.posted()[0]; body != "error=access_denied&state=state-1" {
				t.Fatalf("sent %q", body)
			}
			item, err := r.wallet.HistoryItem(t.Context(), done.HistoryID)
			if err != nil || item.State != wallet.StateRefused || item.CanWithdraw || len(item.Kinds) != 0 {
				t.Fatalf("%+v, %v", item, err)
			}
		})
	}
}

func TestPresentRedirected(t *testing.T) {
	t.Run("WREQ-016", func(t *testing.T) {
		r := newRig(t)
		r.receive()
		elsewhere := 0
		r.reply = func(w http.ResponseWriter, q *http.Request) {
			if q.URL.Path == "/elsewhere" {
				elsewhere++
			}
			http.Redirect(w, q, r.url("/elsewhere"), http.StatusTemporaryRedirect)
		}
		if _, err := r.present(r.mustAsk(r.question())); wallet.ReasonOf(err) != "redirect_not_allowed" {
			t.Fatalf("got %v", err)
		}
		if elsewhere != 0 || len(r.posted()) != 1 {
			t.Fatalf("%d posts elsewhere, %d in all", elsewhere, len(r.posted()))
		}
	})
}

// TestCopiesAreUsedOnce: no two answers share a signature, a digest or a key.
func TestCopiesAreUsedOnce(t *testing.T) {
	r := newRig(t)
	r.receive()
	seen := map[string]bool{}
	for n := wallet.BatchCopies; n > 0; n-- {
		q := r.question()
		if _, err := r.present(r.mustAsk(q)); err != nil {
			t.Fatal(err)
		}
		posts := r.posted()
		token := r.decrypt(q, posts[len(posts)-1]).VPToken["age"][0]
		jwt, _, _ := strings.Cut(token, "~")
		if seen[jwt] {
			t.Fatal("a copy was shown twice")
		}
		seen[jwt] = true
		if home, err := r.wallet.Home(t.Context()); err != nil || home.Cards[0].CopiesLeft != n-1 {
			t.Fatalf("%+v, %v", home.Cards, err)
		}
		if strings.Count(token, "~") != 2 {
			t.Errorf("%d disclosures", strings.Count(token, "~")-1)
		}
	}
	if p := r.mustAsk(r.question()); p.Satisfiable || len(p.Missing) != 1 || p.Missing[0].Kind != wallet.KindAge {
		t.Fatalf("with no copy left: %+v", p.Missing)
	}
}

// TestNothingLeavesUnsaved: if the vault cannot be made durable, nothing is
// sent and no copy is used up.
func TestNothingLeavesUnsaved(t *testing.T) {
	r := newRig(t)
	r.receive()
	p := r.mustAsk(r.question())
	r.saveErr = errors.New("the host does not answer")
	if _, err := r.present(p); !errors.Is(err, r.saveErr) {
		t.Fatalf("got %v", err)
	}
	home, err := r.wallet.Home(t.Context())
	if err != nil || len(r.posted()) != 0 || home.Cards[0].CopiesLeft != wallet.BatchCopies || len(home.Recent) != 0 {
		t.Fatalf("%d posts, %+v, %v", len(r.posted()), home, err)
	}
	r.saveErr = nil
	if _, err := r.present(p); err != nil {
		t.Fatalf("again, once it can be saved: %v", err)
	}
}

// TestAgainIsTheSameBytes: after an answer got lost on the way, approving again
// sends the same bytes, uses no second copy, and history says what is certain.
func TestAgainIsTheSameBytes(t *testing.T) {
	r := newRig(t)
	r.receive()
	r.reply = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	p := r.mustAsk(r.question())
	if _, err := r.present(p); wallet.ReasonOf(err) != fetch.ReasonStatus {
		t.Fatalf("got %v", err)
	}
	if rows, _ := r.wallet.History(t.Context()); len(rows) != 1 || rows[0].State != wallet.StateNone {
		t.Fatalf("after the verifier refused: %+v", rows)
	}
	r.reply = nil
	if _, err := r.present(p); err != nil {
		t.Fatal(err)
	}
	posts := r.posted()
	if len(posts) != 2 || posts[0] != posts[1] {
		t.Fatal("the second time other bytes were sent")
	}
	if rows, _ := r.wallet.History(t.Context()); len(rows) != 1 || rows[0].State != wallet.StateActive {
		t.Fatalf("history: %+v", rows)
	}
	if _, err := r.wallet.Preview(t.Context(), p.ID, nil); wallet.ReasonOf(err) != wallet.CodeProposalGone {
		t.Fatalf("an answered request is still open: %v", err)
	}
}

// TestTwoTapsAtOnce: a double tap is one answer.
func TestTwoTapsAtOnce(t *testing.T) {
	r := newRig(t)
	r.receive()
	p := r.mustAsk(r.question())
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			_, err := r.wallet.Present(t.Context(), p.ID, p.Digest, nil)
			if err != nil && wallet.ReasonOf(err) != wallet.CodeProposalGone {
				t.Errorf("got %v", err)
			}
		})
	}
	group.Wait()
	posts := r.posted()
	for _, body := range posts {
		if body != posts[0] {
			t.Fatal("two different answers to one request")
		}
	}
	if home, err := r.wallet.Home(t.Context()); err != nil || home.Cards[0].CopiesLeft != wallet.BatchCopies-1 || len(home.Recent) != 1 {
		t.Fatalf("%+v, %v", home, err)
	}
}

// TestMoreThanLastTime marks what a known asker did not ask for before.
func TestMoreThanLastTime(t *testing.T) {
	r := newRig(t)
	r.receive()
	r.prefer(liked)
	first := r.mustAsk(r.question())
	if first.Asker.KnownSince != nil || first.Required[0].IsNew {
		t.Fatalf("a stranger: %+v", first)
	}
	if _, err := r.present(first); err != nil {
		t.Fatal(err)
	}
	r.now = r.now.Add(time.Hour)
	again := r.mustAsk(r.question())
	if again.Asker.KnownSince == nil || *again.Asker.KnownSince != start.Unix() || again.Required[0].IsNew {
		t.Fatalf("the same again: %+v", again)
	}
	more := r.mustAsk(r.question().prefer(t, r))
	if !more.Optional[0].IsNew || !more.Optional[1].IsNew {
		t.Fatalf("more than last time: %+v", more.Optional)
	}
}

func TestReveal(t *testing.T) {
	r := newRig(t)
	r.receive()
	r.prefer(liked)
	p := r.mustAsk(r.question().prefer(t, r))
	for key, want := range map[string]string{"article.length": "Überblick"} {
		if got, err := r.wallet.Reveal(t.Context(), p.ID, key); err != nil || got.Text["de"] != want {
			t.Errorf("%s: %v, %v", key, got, err)
		}
	}
	if got, _ := r.wallet.Reveal(t.Context(), p.ID, "home.topics"); strings.Contains(got.Text["de"], "Automobil") || got.Text["de"] == "" {
		t.Errorf("topics the asker cannot use would not be sent: %v", got)
	}
	foreign := r.mustAsk(r.question())
	if got, err := r.wallet.Reveal(t.Context(), foreign.ID, foreign.Required[0].Key); err != nil || got.Text["de"] != "Ja" {
		t.Errorf("age: %v, %v", got, err)
	}
	if strings.Contains(fmt.Sprintf("%+v", p), "Überblick") {
		t.Error("the page holds a value nobody tapped on")
	}
}

// TestForeign asks without a policy: a plain list, no preview, nothing to take
// back.
func TestForeign(t *testing.T) {
	r := newRig(t)
	r.receive()
	p := r.mustAsk(r.question())
	if p.Kind != wallet.KindForeign || len(p.Preview.Lines) != 0 || p.Purpose.ID != "" || p.Retention.Seconds != 0 {
		t.Fatalf("%+v", p)
	}
	if len(p.Required) != 1 || p.Required[0].Name["de"] != "Ob du 18 oder älter bist" || p.Required[0].By != "Lindenstadt registry" {
		t.Fatalf("%+v", p.Required)
	}
	done, err := r.present(p)
	if err != nil {
		t.Fatal(err)
	}
	item, err := r.wallet.HistoryItem(t.Context(), done.HistoryID)
	if err != nil || item.CanWithdraw || item.State != wallet.StateActive || item.Receipt != wallet.ReceiptMissing {
		t.Fatalf("%+v, %v", item, err)
	}
	if _, err := r.wallet.Withdraw(t.Context(), done.HistoryID); wallet.ReasonOf(err) != wallet.CodeNotWithdrawable {
		t.Fatalf("withdraw: %v", err)
	}
	form, _ := url.ParseQuery(r.posted()[0])
	if form.Has("vp_token") || !form.Has("response") {
		t.Error("the answer went in the clear")
	}
}
