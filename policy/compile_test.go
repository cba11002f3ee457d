package policy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"facet/credentials/claims"
	"facet/policy"
	"facet/policy/hints"
	"facet/schemas"
)

func compiled(t *testing.T, name string) *policy.Compiled {
	t.Helper()
	p, err := policy.Parse(fixture(t, name))
	if err != nil {
		t.Fatal(err)
	}
	c, err := policy.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCompile(t *testing.T) {
	for name, want := range map[string]string{
		"agegate": `{"credentials":[{"id":"age","format":"dc+sd-jwt","meta":{"vct_values":["urn:facet:age:1"]},"claims":[{"path":["age_equal_or_over","18"],"values":[true]}]}]}`,
		"home": `{"credentials":[` +
			`{"id":"member","format":"dc+sd-jwt","meta":{"vct_values":["urn:facet:media-membership:1"]},"claims":[{"path":["tier"],"values":["basic","plus","premium"]}]},` +
			`{"id":"prefs","format":"dc+sd-jwt","meta":{"vct_values":["urn:facet:media-preferences:1"]},"claims":[{"path":["depth"]},{"path":["topics"]},{"path":["languages"]}]},` +
			`{"id":"today","format":"dc+sd-jwt","meta":{"vct_values":["urn:facet:today:1"]},"claims":[{"path":["persona"]},{"path":["goal"]}]}],` +
			`"credential_sets":[{"options":[["member"]]},{"options":[["prefs"]],"required":false},{"options":[["today"]],"required":false}]}`,
	} {
		got, err := compiled(t, name).Query.Marshal()
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, want)
		}
	}
}

// issued is a policy with one required and two optional issuer-signed claims.
func issued(t *testing.T) *policy.Compiled {
	t.Helper()
	b := changed(t, func(p map[string]any) {
		p["purpose"], p["retention"] = "subscription", "PT12H"
		p["credentials"] = map[string]any{"member": at(p, "credentials")["member"]}
		text := hint(p, 1)["label"]
		p["hints"] = []any{hint(p, 0),
			map[string]any{"key": "access.items", "from": []any{"member", "entitlements"}, "pick": map[string]any{"only": []any{"archive"}}, "label": text, "with": text, "without": text, "explain": text},
			map[string]any{"key": "access.until", "from": []any{"member", "valid_until"}, "map": map[string]any{"x": "y"}, "label": text, "with": text, "without": text, "explain": text},
		}
	})
	p, err := policy.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	c, err := policy.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCompileOptionalIssued(t *testing.T) {
	c := issued(t)
	q, err := json.Marshal(c.Query.CredentialSets)
	if want := `[{"options":[["member"]]},{"options":[["member_2"]],"required":false},{"options":[["member_3"]],"required":false}]`; err != nil || string(q) != want {
		t.Errorf("sets %s, want %s", q, want)
	}
	if got := c.Query.Credential("member_2").Claims[0].Path.String(); got != `["entitlements",null]` {
		t.Errorf("a list is asked for as %s", got)
	}
	a, err := c.Approve([]string{"access.until"})
	if err != nil || !slices.Equal(a.Present, []string{"member", "member_3"}) {
		t.Errorf("present %v, %v", a, err)
	}
	in := c.Inputs(map[string]policy.Answer{
		"member":   {Claims: claims.Set{"tier": "plus", "valid_until": "surplus"}},
		"member_2": {Claims: claims.Set{"entitlements": []any{"archive"}}},
		"stranger": {Claims: claims.Set{"tier": "premium"}},
	})
	want := claims.Set{"tier": "plus", "entitlements": []any{"archive"}}
	if got := in["member"].Claims; !reflect.DeepEqual(got, want) || len(in) != 1 {
		t.Errorf("inputs %v, want %v: nothing that was not asked", in, want)
	}
}

// TestAskingForTooMuchIsNotExpressible makes many policies from every claim of
// every type and checks that a query never holds more than its rules read, and
// its rules never more than the purpose admits.
func TestAskingForTooMuchIsNotExpressible(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	accepted := 0
	for range 4000 {
		b, purpose := random(t, r)
		p, err := policy.Parse(b)
		if err != nil {
			continue
		}
		accepted++
		c, err := policy.Compile(p)
		if err != nil {
			t.Fatalf("parsed but does not compile: %v\n%s", err, b)
		}
		again, _ := policy.Compile(p)
		one, _ := c.Query.Marshal()
		if two, _ := again.Query.Marshal(); !bytes.Equal(one, two) {
			t.Fatal("one policy, two queries")
		}
		read := map[string]bool{}
		for i := range p.Hints {
			for _, ref := range p.Hints[i].Refs() {
				read[p.Credentials[ref.Credential].VCT[0]+" "+schemas.PathName(ref.Path)] = true
			}
		}
		asked := 0
		for _, q := range c.Query.Credentials {
			if len(q.Claims) == 0 {
				t.Fatalf("query %s names no claim: that would ask for everything mandatory", q.ID)
			}
			for _, claim := range q.Claims {
				asked++
				name := q.Meta.VCTValues[0] + " " + schemas.PathName(claim.Path)
				if !read[name] {
					t.Fatalf("%s is asked for and no rule reads it", name)
				}
				if !allowed(purpose, q.Meta.VCTValues[0], claim.Path) {
					t.Fatalf("%s asks for %s", purpose.ID, name)
				}
			}
		}
		if asked != len(read) || asked > purpose.MaxClaims {
			t.Fatalf("%d claims asked, %d read, %d allowed", asked, len(read), purpose.MaxClaims)
		}
	}
	if accepted < 100 {
		t.Fatalf("only %d of the random policies were valid: the test tests nothing", accepted)
	}
}

// allowed is written apart from package policy on purpose.
func allowed(p schemas.Purpose, vct string, path claims.Path) bool {
	for _, a := range p.Allowed {
		if schemas.CredentialVCTs()[a.Credential] != vct {
			continue
		}
		var want, got []any
		for _, s := range a.Path {
			if s != nil {
				want = append(want, s)
			}
		}
		for i, s := range path {
			if s == nil {
				continue
			}
			if i < len(want) && want[i] == "*" {
				s = "*"
			}
			got = append(got, s)
		}
		if reflect.DeepEqual(want, got) {
			return true
		}
	}
	return false
}

// random is a policy over a few claims, of the right purpose or not.
func random(t *testing.T, r *rand.Rand) ([]byte, schemas.Purpose) {
	purposes := policy.Purposes()
	purpose := purposes[r.IntN(len(purposes))]
	var all []schemas.Allowed
	if r.IntN(4) > 0 {
		all = purpose.Allowed
	} else {
		for _, p := range purposes {
			all = append(all, p.Allowed...)
		}
	}
	return changed(t, func(p map[string]any) {
		text := hint(p, 1)["label"]
		p["purpose"], p["retention"], p["outputs"] = purpose.ID, "PT0S", []any{purpose.Outputs[0]}
		creds, list := map[string]any{}, []any{}
		for i := range 1 + r.IntN(4) {
			if len(all) == 0 {
				break
			}
			a := all[r.IntN(len(all))]
			vct := schemas.CredentialVCTs()[a.Credential]
			accept := hints.IssuerSigned
			if policy.SelfAsserted(vct) {
				accept = hints.SelfAsserted
			}
			creds[a.Credential] = map[string]any{"vct": []any{vct}, "accept": accept}
			h := map[string]any{"key": fmt.Sprintf("k.k%d", i), "label": text, "with": text, "without": text, "explain": text}
			h["from"] = append([]any{a.Credential}, member(r, a.Path)...)
			table(h, a.Path)
			if accept == hints.IssuerSigned && r.IntN(2) == 0 {
				h["required"] = true
			}
			list = append(list, h)
		}
		p["credentials"], p["hints"] = creds, list
	}), purpose
}

func member(r *rand.Rand, path []any) []any {
	var out []any
	for _, s := range path {
		switch s {
		case nil:
		case "*":
			out = append(out, []string{"16", "18", "21", "prefers-contrast", "birthdate"}[r.IntN(5)])
		default:
			out = append(out, s)
		}
	}
	return out
}

func table(h map[string]any, path []any) {
	switch kind := schemas.ClaimKind(path); {
	case kind == schemas.KindTopics:
		h["pick"] = map[string]any{"only": []any{"653"}}
	case path[len(path)-1] == nil:
		h["pick"] = map[string]any{"only": []any{"x"}}
	case path[0] == "age_equal_or_over":
		h["flag"] = true
	case kind == schemas.KindNumber:
		h["bucket"] = []any{map[string]any{"up_to": 5, "then": "a"}, map[string]any{"then": "b"}}
	default:
		m := map[string]any{}
		for v := range schemas.ClaimValues(path) {
			if v != schemas.NoPreference {
				m[v] = "a"
			}
		}
		if len(m) == 0 {
			m["x"] = "a"
		}
		h["map"] = m
	}
}

func TestApprove(t *testing.T) {
	c := compiled(t, "home")
	none, err := c.Approve(nil)
	if err != nil || !slices.Equal(none.Present, []string{"member"}) || none.Mint != nil {
		t.Errorf("nothing ticked: %+v, %v", none, err)
	}
	if _, err := c.Approve([]string{"nobody.knows"}); reason(err) != policy.ReasonChoice {
		t.Errorf("an unknown hint: %v", err)
	}
	a, err := c.Approve([]string{"home.topics", "access.tier"})
	if err != nil || len(a.Mint) != 1 || !slices.Equal(a.Choices, []string{"home.topics"}) {
		t.Fatalf("topics ticked: %+v, %v", a, err)
	}
	held := claims.Set{"depth": "detail", "topics": []any{"669", "1", "596"}, "languages": []any{"de"}, "tone": "formal"}
	got, _ := claims.Canonical(a.Mint[0].Claims(held))
	if want := `{"depth":"no-preference","languages":[],"topics":["653","596"]}`; string(got) != want {
		t.Errorf("minted %s, want %s", got, want)
	}
}

// TestWithheldLooksLikeAbsent: what is minted does not tell a holder who
// refuses from one who has stated nothing.
func TestWithheldLooksLikeAbsent(t *testing.T) {
	c := compiled(t, "home")
	refuses, _ := c.Approve([]string{"home.topics"})
	ticksAll, _ := c.Approve([]string{"home.topics", "article.length", "ui.language"})
	full := claims.Set{"depth": "detail", "topics": []any{"653"}, "languages": []any{"de"}}
	empty := claims.Set{"topics": []any{"653"}}
	a, _ := claims.Canonical(refuses.Mint[0].Claims(full))
	b, _ := claims.Canonical(ticksAll.Mint[0].Claims(empty))
	if !bytes.Equal(a, b) {
		t.Errorf("refused %s, absent %s", a, b)
	}
}

// TestTwin: for every choice, the hints the wallet previews from what it holds
// are, byte for byte, the hints the verifier derives from what arrives.
func TestTwin(t *testing.T) {
	c := compiled(t, "home")
	var keys []string
	for i := range c.Policy.Hints {
		keys = append(keys, c.Policy.Hints[i].Key)
	}
	held := map[string]claims.Set{
		"member": {"tier": "plus", "entitlements": []any{"archive"}, "valid_until": "2027-01-01"},
		"prefs":  {"depth": "overview", "topics": []any{"533", "669", "1"}, "languages": []any{"de-CH", "en"}, "tone": "informal"},
		"today":  {"persona": "family", "goal": "plan-trip", "mood": "tired", "time_budget_min": json.Number("10")},
	}
	for mask := range 1 << len(keys) {
		var choices []string
		for i, k := range keys {
			if mask&(1<<i) != 0 {
				choices = append(choices, k)
			}
		}
		a, err := c.Approve(choices)
		if err != nil {
			t.Fatal(err)
		}
		mine, sent := map[string]policy.Answer{}, map[string]policy.Answer{}
		for _, id := range a.Present {
			mine[id] = policy.Answer{Claims: held[c.Queries[id].Credential], ExpiresAt: 900}
			sent[id] = policy.Answer{Claims: wire(t, claims.Set{"tier": "plus", "vct": "x", "iss": "y"}), ExpiresAt: 900}
		}
		for _, m := range a.Mint {
			minted := m.Claims(held[c.Queries[m.Query].Credential])
			mine[m.Query] = policy.Answer{Claims: minted, ExpiresAt: 800}
			sent[m.Query] = policy.Answer{Claims: wire(t, minted), ExpiresAt: 800}
		}
		preview, outcome := derived(t, c, mine), derived(t, c, sent)
		if !bytes.Equal(preview, outcome) {
			t.Fatalf("choices %v\npreview %s\noutcome %s", choices, preview, outcome)
		}
		// Unticked hints must not come to life.
		var set hints.HintSet
		if err := json.Unmarshal(outcome, &set); err != nil {
			t.Fatal(err)
		}
		for _, h := range set {
			if on := slices.Contains(choices, h.Key) || h.Key == "access.tier"; h.Withheld == on {
				t.Fatalf("choices %v: %s withheld %v", choices, h.Key, h.Withheld)
			}
		}
	}
}

// wire is what a claim set is after it travelled as JSON.
func wire(t *testing.T, v any) claims.Set {
	t.Helper()
	b, err := claims.Canonical(v)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var out claims.Set
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

func derived(t *testing.T, c *policy.Compiled, answers map[string]policy.Answer) []byte {
	t.Helper()
	set, err := hints.Derive(c.Policy.Hints, c.Inputs(answers), c.Policy.Meta(1000))
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
