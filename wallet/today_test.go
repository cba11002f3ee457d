package wallet_test

import (
	"strings"
	"testing"
	"time"

	"facet/wallet"
)

func TestTodayEndsAtMidnight(t *testing.T) {
	r := newRig(t)
	got, err := r.wallet.SetToday(t.Context(), wallet.Today{Persona: "family", Goal: "no-preference"})
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).Unix(); got.Until != want || got.Goal != "" {
		t.Fatalf("%+v, want until %d", got, want)
	}
	r.now = time.Unix(got.Until-1, 0)
	if got, _ := r.wallet.Today(t.Context()); got.Persona != "family" {
		t.Fatal("it ended early")
	}
	r.now = time.Unix(got.Until, 0)
	if got, _ := r.wallet.Today(t.Context()); got != (wallet.Today{}) {
		t.Fatalf("still there after midnight: %+v", got)
	}
}

func TestTodayNeverLastsLonger(t *testing.T) {
	r := newRig(t)
	got, err := r.wallet.SetToday(t.Context(), wallet.Today{Mood: "tired", Until: r.now.Add(48 * time.Hour).Unix()})
	if err != nil || got.Until > r.now.Add(wallet.MaxToday).Unix() {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestPreferencesOutsideTheSchema(t *testing.T) {
	r := newRig(t)
	for name, p := range map[string]wallet.Preferences{
		"depth":         {Depth: "deep"},
		"topic twice":   {Topics: []string{"1", "1"}},
		"topic form":    {TopicsAvoid: []string{"a b"}},
		"many topics":   {Topics: strings.Split(strings.Repeat("1 ", 33), " ")},
		"language":      {Languages: []string{"d3"}},
		"format":        {Formats: []string{"smell"}},
		"quarter hour":  {SendWindows: []wallet.SendWindow{{Days: []string{"mo"}, From: "07:15", To: "08:00", TZ: "UTC"}}},
		"25 o'clock":    {SendWindows: []wallet.SendWindow{{Days: []string{"mo"}, From: "07:00", To: "25:00", TZ: "UTC"}}},
		"ads tolerance": {Ads: &wallet.Ads{Tolerance: "all"}},
	} {
		if _, err := r.wallet.SetPreferences(t.Context(), p); wallet.ReasonOf(err) != wallet.CodePreferences {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := wallet.Preferences{
		Topics: []string{"596"}, Depth: "no-preference", Languages: []string{"de-CH", "en"},
		SendWindows: []wallet.SendWindow{{Days: []string{"mo", "fr"}, From: "07:00", To: "23:30", TZ: "Europe/Zurich"}},
	}
	if _, err := r.wallet.SetPreferences(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	got, err := r.wallet.Preferences(t.Context())
	if err != nil || got.Depth != "" || got.Languages[0] != "de-CH" {
		t.Fatalf("%+v, %v", got, err)
	}
}

// TestCall goes through the bridge's door by name.
func TestCall(t *testing.T) {
	r := newRig(t)
	for _, tt := range []struct{ method, params, want string }{
		{"preferences.set", `{"depth":"overview"}`, `{"saved_at":`},
		{"preferences.get", `{}`, `{"depth":"overview"}`},
		{"settings.set", `{"language":"en","theme":"dark","formal":true}`, `"theme":"dark"`},
		{"home", ``, `"has_preferences":true`},
		{"topics", `{"lang":"de"}`, `"parent":""`},
		{"history", `{}`, `[]`},
		{"export", `{}`, `facet-2026-11-22.vault`},
	} {
		got, err := r.wallet.Call(t.Context(), tt.method, []byte(tt.params))
		if err != nil || !strings.Contains(string(got), tt.want) {
			t.Errorf("%s: %.200s, %v", tt.method, got, err)
		}
	}
	for _, tt := range []struct{ method, params, want string }{
		{"vault.open", `{}`, wallet.CodeMethod},
		{"home", `{"x":1}`, wallet.CodeParams},
		{"home", `{} {}`, wallet.CodeParams},
		{"preferences.set", `{"depth":1}`, wallet.CodeParams},
		{"history.item", `{"id":"none"}`, wallet.CodeNotFound},
		{"present", `{"proposal_id":"x","digest":"y","choices":[]}`, wallet.CodeProposalGone},
	} {
		if _, err := r.wallet.Call(t.Context(), tt.method, []byte(tt.params)); wallet.ReasonOf(err) != tt.want {
			t.Errorf("%s %s: %v, want %s", tt.method, tt.params, err, tt.want)
		}
	}
	r.wallet.Lock()
	if _, err := r.wallet.Call(t.Context(), "home", nil); wallet.ReasonOf(err) != "vault_locked" {
		t.Errorf("after locking: %v", err)
	}
}
