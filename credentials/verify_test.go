package credentials

import (
	"strings"
	"testing"
	"time"

	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/statuslist"
)

func TestVerifyIssued(t *testing.T) {
	r := newRig(t)
	i := r.issuance()
	i.Disclose = []claims.Path{{"age_equal_or_over", "18"}}
	i.Issuer, i.AlsoVCT = "https://a.example/issuer", []string{"urn:older"}
	sd, err := Issue(t.Context(), r.a.key, r.a.x5c, i)
	if err != nil {
		t.Fatal(err)
	}
	received, err := VerifyReceived(t.Context(), sd, r.holder.Public(), r.rule())
	if err != nil {
		t.Fatal(err)
	}
	shown, err := received.Holding().Select([]claims.Path{{"age_equal_or_over", "18"}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.verify(r.bind(shown))
	if err != nil {
		t.Fatal(err)
	}
	if c.VCT() != ageVCT || c.Assurance() != IssuerSigned || c.Issuer().ID != "issuer-a" || c.Issuer().Name != "Bürgeramt" ||
		!c.HolderKey().Equal(r.holder.Public()) || !c.ExpiresAt().Equal(now.Add(time.Hour)) || c.KB()["nonce"] != "nonce" ||
		len(c.AlsoVCT()) != 1 || string(c.Issuer().AuthorityKeyIDs[0]) != "root" {
		t.Errorf("%+v", c)
	}
	if got, err := c.Claims().Get(claims.Path{"age_equal_or_over", "18"}); err != nil || got[0] != true {
		t.Errorf("%v %v", got, err)
	}
}

func TestVerifyMinted(t *testing.T) {
	r := newRig(t)
	sd, err := Mint(t.Context(), r.holder, Minted{VCT: prefsVCT, Claims: map[string]any{"depth": "short", "topics": []any{}}, IssuedAt: now, ExpiresAt: now.Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.verify(r.bind(sd))
	if err != nil {
		t.Fatal(err)
	}
	if c.Assurance() != SelfAsserted || c.Claims()["depth"] != "short" || !c.Issuer().Key.Equal(r.holder.Public()) {
		t.Errorf("%+v", c)
	}
	if got := reason(second(r.verify(r.bind(sd), func(x *Rule) { x.SelfAsserted = nil }))); got != "issuer_untrusted" {
		t.Errorf("not listed as self-asserted: %q", got)
	}
}

func second(_ *Credential, err error) error { return err }

// TestSelfAssertedIsNarrow: a self-signed credential counts for the types the
// rule lists, by the key in cnf, without certificates, and for nothing else.
func TestSelfAssertedIsNarrow(t *testing.T) {
	r := newRig(t)
	self := &leaf{key: r.holder}
	did, err := DIDJWK(r.holder.Public())
	if err != nil {
		t.Fatal(err)
	}
	other, err := DIDJWK(newKey(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	plain := map[string]any{"typ": Type}
	for _, tt := range []struct{ name, token, want string }{
		{"another type", r.forgeAs(self, plain, map[string]any{"iss": did}), "issuer_untrusted"},
		{"certificates", r.forgeAs(r.a, map[string]any{"typ": Type, "x5c": r.a.x5c}, map[string]any{"vct": prefsVCT, "iss": did}), "issuer_untrusted"},
		{"no iss", r.forgeAs(self, plain, map[string]any{"vct": prefsVCT}), "issuer_untrusted"},
		{"iss of another key", r.forgeAs(self, plain, map[string]any{"vct": prefsVCT, "iss": other}), "issuer_untrusted"},
		{"iss not a key", r.forgeAs(self, plain, map[string]any{"vct": prefsVCT, "iss": "did:jwk:e30"}), "issuer_untrusted"},
		{"another key signed", r.forgeAs(r.a, plain, map[string]any{"vct": prefsVCT, "iss": did}), "issuer_signature_invalid"},
		{"no cnf", r.forgeAs(self, plain, map[string]any{"vct": prefsVCT, "iss": did, "cnf": nil}), "kb_cnf_missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := reason(second(r.verify(tt.token))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestVerifyRejects twists one thing of a good credential at a time.
func TestVerifyRejects(t *testing.T) {
	r := newRig(t)
	viaDisclosure := func(name string, v any) string {
		d, digest := hidden(name, v)
		return r.forge(map[string]any{name: nil, "_sd": []string{digest}}, d)
	}
	below := func(name string, v any) string { // a sub-claim comes hidden
		d, digest := hidden("jwk", v)
		return r.forge(map[string]any{name: map[string]any{"_sd": []string{digest}}}, d)
	}
	jwk := r.holder.Public().JWK()
	typed := func(typ string) string {
		return r.forgeAs(r.a, map[string]any{"typ": typ, "x5c": r.a.x5c}, nil)
	}
	requireExp := func(x *Rule) { x.RequireExpiry = true }
	exact := func(x *Rule) { x.Leeway = 0 }
	for _, tt := range []struct {
		id, want string
		tokens   []string
		twist    func(*Rule)
	}{
		{"SDJWT-013", "sdjwt_claim_not_disclosable", []string{viaDisclosure("iss", "https://a.example")}, nil},
		{"SDJWT-015", "sdjwt_claim_not_disclosable", []string{viaDisclosure("exp", 1895310000)}, nil},
		{"SDJWT-016", "sdjwt_claim_not_disclosable", []string{
			viaDisclosure("cnf", map[string]any{"jwk": jwk}), below("cnf", jwk),
			r.forge(map[string]any{"cnf": map[string]any{"jwk": jwk, "_sd": []string{"decoy"}}}),
		}, nil},
		{"SDJWT-019", "sdjwt_claim_not_disclosable", []string{
			viaDisclosure("vct#integrity", "sha256-x"), viaDisclosure("aka_vcts", []string{"x"}), viaDisclosure("status", map[string]any{}), viaDisclosure("nbf", 1),
			r.forge(map[string]any{"status": map[string]any{"status_list": map[string]any{"_sd": []string{"decoy"}}}}),
		}, nil},
		{"SDJWT-037", "credential_expired", []string{r.forge(map[string]any{"exp": now.Unix()}), r.forge(map[string]any{"exp": now.Add(-time.Second).Unix()})}, exact},
		{"expired beyond the skew", "credential_expired", []string{r.forge(map[string]any{"exp": now.Add(-time.Minute).Unix()})}, nil},
		{"SDJWT-038", "credential_not_yet_valid", []string{r.forge(map[string]any{"nbf": now.Add(2 * time.Minute).Unix()})}, nil},
		{"SDJWT-039", "claim_missing", []string{r.forge(map[string]any{"exp": nil})}, requireExp},
		{"SDJWT-041", "jose_typ_unexpected", []string{typed("JWT"), typed("vc+sd-jwt")}, nil},
		{"SDJWT-042", "credential_aud_mismatch", []string{r.forge(map[string]any{"aud": "https://other.example"}), r.forge(map[string]any{"aud": []string{"a", "b"}}), r.forge(map[string]any{"aud": 7})},
			func(x *Rule) { x.Audience = "x509_san_dns:news.example" }},
		{"X509-020", "issuer_cert_mismatch", []string{
			r.forgeAs(r.b, map[string]any{"typ": Type, "x5c": r.b.x5c}, map[string]any{"iss": "https://a.example"}),
		}, nil},
		{"no vct", "claim_missing", []string{r.forge(map[string]any{"vct": nil})}, nil},
		{"vct not text", "claim_type", []string{r.forge(map[string]any{"vct": 7})}, nil},
		{"another type", "vct_unexpected", []string{r.forgeAs(r.b, map[string]any{"typ": Type, "x5c": r.b.x5c}, map[string]any{"vct": "urn:other"})}, nil},
		{"type not theirs", "issuer_untrusted", []string{r.forge(map[string]any{"vct": "urn:other"})}, func(x *Rule) { x.VCTs = nil }},
		{"aka_vcts repeats", "vct_invalid", []string{r.forge(map[string]any{"aka_vcts": []string{ageVCT}}), r.forge(map[string]any{"aka_vcts": []string{}})}, nil},
		{"no trust store", "issuer_untrusted", []string{r.forge(nil)}, func(x *Rule) { x.Trust = nil }},
		{"no certificate", "issuer_untrusted", []string{r.forgeAs(r.a, map[string]any{"typ": Type}, nil)}, nil},
		{"key binding missing", "kb_missing", []string{strings.SplitAfter(r.forge(nil), "~")[0]}, nil},
		{"cnf missing", "kb_cnf_missing", []string{r.forge(map[string]any{"cnf": nil})}, nil},
		{"status unchecked", "status_unavailable", []string{r.forge(map[string]any{"status": statuslist.Reference{URI: "https://a.example/1", Index: 1}.Claim()})}, nil},
		{"iat not a date", "claim_type", []string{r.forge(map[string]any{"iat": "today"})}, nil},
	} {
		t.Run(tt.id, func(t *testing.T) {
			for i, token := range tt.tokens {
				twist := tt.twist
				if twist == nil {
					twist = func(*Rule) {}
				}
				if got := reason(second(r.verify(token, twist))); got != tt.want {
					t.Errorf("token %d: got %q, want %q", i, got, tt.want)
				}
			}
		})
	}
	if _, err := r.verify(r.forge(map[string]any{"nbf": now.Add(30 * time.Second).Unix(), "exp": now.Add(-30 * time.Second).Unix()})); err != nil {
		t.Errorf("within the skew: %v", err)
	}
	if _, err := r.verify(typed("vc+sd-jwt"), func(x *Rule) { x.InsecureLegacyType = true }); err != nil {
		t.Errorf("legacy type allowed: %v", err)
	}
	if _, err := Verify(t.Context(), r.forge(nil), Rule{Trust: r.trust}); err == nil {
		t.Error("a rule without a time was used")
	}
}

// TestStatusComesLast: a forged credential causes no request, a revoked one is
// refused on each path.
func TestStatusComesLast(t *testing.T) {
	r := newRig(t)
	uri := "https://a.example/status/1"
	list, err := statuslist.New(1, 8)
	if err != nil {
		t.Fatal(err)
	}
	if err := list.Set(3, statuslist.Invalid); err != nil {
		t.Fatal(err)
	}
	token, err := statuslist.Issue(t.Context(), r.a.key, list, statuslist.Issuance{URI: uri, IssuedAt: now, X5C: r.a.x5c})
	if err != nil {
		t.Fatal(err)
	}
	setup := func() (*web, func(*Rule)) {
		w := &web{pages: map[string]string{uri: token}}
		checker, err := statuslist.NewChecker(statuslist.Config{Fetch: w, Keys: r.trust})
		if err != nil {
			t.Fatal(err)
		}
		return w, func(x *Rule) { x.Status = checker }
	}
	credential := func(idx uint64, twist func(map[string]any)) string {
		payload := map[string]any{"status": statuslist.Reference{URI: uri, Index: idx}.Claim()}
		if twist != nil {
			twist(payload)
		}
		return r.forge(payload)
	}
	t.Run("TSL-012", func(t *testing.T) {
		w, status := setup()
		good := credential(3, nil)
		jwt, rest, _ := strings.Cut(good, "~")
		parts := strings.Split(jwt, ".")
		other := strings.Split(strings.Split(credential(4, nil), "~")[0], ".")
		forged := parts[0] + "." + other[1] + "." + parts[2] + "~" + rest
		if got := reason(second(r.verify(forged, status))); got != "issuer_signature_invalid" {
			t.Errorf("got %q", got)
		}
		stolen := good[:len(good)-8] + "AAAAAAAA"
		if got := reason(second(r.verify(stolen, status))); got != "kb_signature_invalid" {
			t.Errorf("got %q", got)
		}
		expired := credential(3, func(p map[string]any) { p["exp"] = now.Add(-time.Hour).Unix() })
		if got := reason(second(r.verify(expired, status))); got != "credential_expired" {
			t.Errorf("got %q", got)
		}
		if w.asked != 0 {
			t.Errorf("%d requests for credentials that were not valid", w.asked)
		}
	})
	t.Run("TSL-014", func(t *testing.T) {
		w, status := setup()
		if got := reason(second(r.verify(credential(3, nil), status))); got != "credential_revoked" {
			t.Errorf("got %q", got)
		}
		noKB := func(x *Rule) { status(x); x.KB = nil }
		if got := reason(second(r.verify(credential(3, nil), noKB))); got != "credential_revoked" {
			t.Errorf("without key binding: got %q", got)
		}
		if c, err := r.verify(credential(2, nil), status); err != nil || c.Status().Index != 2 {
			t.Errorf("valid: %v", err)
		}
		if w.asked != 1 {
			t.Errorf("%d requests", w.asked)
		}
	})
}

func TestVerifyReceived(t *testing.T) {
	r := newRig(t)
	issue := func(twist func(*Issuance)) string {
		i := r.issuance()
		if twist != nil {
			twist(&i)
		}
		sd, err := Issue(t.Context(), r.a.key, r.a.x5c, i)
		if err != nil {
			t.Fatal(err)
		}
		return sd
	}
	receive := func(sd string) error {
		return second(VerifyReceived(t.Context(), sd, r.holder.Public(), r.rule()))
	}
	t.Run("SDJWT-050", func(t *testing.T) {
		if got := reason(receive(r.bind(issue(nil)))); got != "sdjwt_unexpected_kb" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("SDJWT-051", func(t *testing.T) {
		if got := reason(receive(issue(func(i *Issuance) { i.Holder = newKey(t).Public() }))); got != "holder_key_substitution" {
			t.Errorf("got %q", got)
		}
		if got := reason(receive(issue(func(i *Issuance) { i.Holder = nil }))); got != "holder_key_substitution" {
			t.Errorf("unbound: got %q", got)
		}
	})
	t.Run("SDJWT-053", func(t *testing.T) {
		load := func(sd string, holder *jose.PrivateKey) *Credential {
			c, err := VerifyReceived(t.Context(), sd, holder.Public(), r.rule())
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		second := newKey(t)
		status := &statuslist.Reference{URI: "https://a.example/1", Index: 5}
		one := load(issue(func(i *Issuance) { i.Status = status }), r.holder)
		two := load(issue(func(i *Issuance) { i.Holder = second.Public() }), second)
		if err := CheckBatch([]*Credential{one, two}); err != nil {
			t.Errorf("a good batch: %v", err)
		}
		sameKey := load(issue(nil), r.holder)
		sameStatus := load(issue(func(i *Issuance) { i.Holder, i.Status = second.Public(), status }), second)
		for name, batch := range map[string][]*Credential{
			"key": {one, sameKey}, "status": {one, sameStatus}, "salt and digest": {one, one},
		} {
			if got := reason(CheckBatch(batch)); got != "batch_linkable" {
				t.Errorf("%s: got %q", name, got)
			}
		}
		sharesDigest := load(strings.SplitAfter(r.forge(map[string]any{"_sd": []string{"decoy"}}), "~")[0], r.holder)
		d := load(strings.SplitAfter(r.forge(map[string]any{"_sd": []string{"decoy"}, "cnf": map[string]any{"jwk": second.Public().JWK()}}), "~")[0], second)
		if got := reason(CheckBatch([]*Credential{sharesDigest, d})); got != "batch_linkable" {
			t.Errorf("digest: got %q", got)
		}
	})
}

func TestIssueAndMintRefuse(t *testing.T) {
	r := newRig(t)
	for name, tt := range map[string]struct {
		twist func(*Issuance)
		want  string
	}{
		"no type":                {func(i *Issuance) { i.VCT = "" }, "issue"},
		"neither exp nor status": {func(i *Issuance) { i.ExpiresAt = time.Time{} }, "issue"},
		"reserved":               {func(i *Issuance) { i.Subject["cnf"] = 1 }, "claim_reserved"},
		"hidden exp":             {func(i *Issuance) { i.Disclose = []claims.Path{{"vct"}} }, "sdjwt_claim_not_disclosable"},
		"empty path":             {func(i *Issuance) { i.Disclose = []claims.Path{{}} }, "issue"},
		"aka":                    {func(i *Issuance) { i.AlsoVCT = []string{ageVCT} }, "vct_invalid"},
	} {
		i := r.issuance()
		tt.twist(&i)
		if _, err := Issue(t.Context(), r.a.key, r.a.x5c, i); reason(err) != tt.want {
			t.Errorf("%s: got %v", name, err)
		}
	}
	good := Minted{VCT: prefsVCT, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}
	for name, m := range map[string]Minted{
		"no type": {IssuedAt: now, ExpiresAt: good.ExpiresAt}, "never expires": {VCT: prefsVCT, IssuedAt: now},
		"reserved": {VCT: prefsVCT, IssuedAt: now, ExpiresAt: good.ExpiresAt, Claims: map[string]any{"iss": "x"}},
	} {
		if _, err := Mint(t.Context(), r.holder, m); err == nil {
			t.Errorf("%s was minted", name)
		}
	}
}
