package sdjwt

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"facet/credentials/claims"
)

// TestRoundTrip builds random SD-JWTs with random hiding, decoys and hash,
// stores them, selects at random, binds and verifies, and compares what the
// verifier sees with what a plain reading of the rules says it should.
func TestRoundTrip(t *testing.T) {
	issuer, holder := newKey(t), newKey(t)
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		payload := randomObject(r, 4)
		payload["cnf"] = map[string]any{"jwk": holder.Public().JWK()}
		all := everyPath(payload)
		hidden := slices.DeleteFunc(slices.Clone(all), func(claims.Path) bool { return r.IntN(2) == 0 })
		built, err := Build(t.Context(), issuer, Template{
			Claims: payload, Disclose: hidden, Decoys: r.IntN(3), HashAlg: Hashes[r.IntN(3)],
		})
		if err != nil {
			t.Fatalf("seed %d: build: %v", seed, err)
		}
		v, err := built.Verify(issuer.Public(), VerifyOptions{})
		if err != nil {
			t.Fatalf("seed %d: verify: %v", seed, err)
		}
		equalJSON(t, seed, v.Claims(), payload)

		text, err := NewHolding(v).MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var h Holding
		if err := h.UnmarshalText(text); err != nil {
			t.Fatalf("seed %d: stored form: %v", seed, err)
		}
		whole, err := h.Claims()
		if err != nil {
			t.Fatal(err)
		}
		equalJSON(t, seed, whole, payload)

		wanted := slices.DeleteFunc(slices.Clone(all), func(claims.Path) bool { return r.IntN(4) != 0 })
		shown, err := h.Present(t.Context(), wanted, holder, KBClaims{Nonce: kbRule().Nonce, Audience: kbRule().Audience, IssuedAt: bindTime})
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(shown)
		if err != nil {
			t.Fatal(err)
		}
		seen, err := s.Verify(issuer.Public(), VerifyOptions{})
		if err != nil {
			t.Fatalf("seed %d: verify presentation: %v", seed, err)
		}
		if _, err := seen.VerifyKeyBinding(kbRule()); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		equalJSON(t, seed, seen.Claims(), visible(payload, nil, hidden, wanted))
	}
}

func equalJSON(t *testing.T, seed uint64, got, want any) {
	t.Helper()
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if string(g) != string(w) {
		t.Fatalf("seed %d:\ngot  %s\nwant %s", seed, g, w)
	}
}

// visible removes what is hidden and neither wanted, nor above nor below
// something wanted.
func visible(v any, at claims.Path, hidden, wanted []claims.Path) any {
	keep := func(p claims.Path) bool {
		if !slices.ContainsFunc(hidden, p.Equal) {
			return true
		}
		return slices.ContainsFunc(wanted, func(w claims.Path) bool {
			n := min(len(p), len(w))
			return claims.Path(p[:n]).Equal(w[:n])
		})
	}
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, m := range v {
			if p := append(slices.Clip(at), name); keep(p) {
				out[name] = visible(m, p, hidden, wanted)
			}
		}
		return out
	case []any:
		out := []any{}
		for i, e := range v {
			if p := append(slices.Clip(at), i); keep(p) {
				out = append(out, visible(e, p, hidden, wanted))
			}
		}
		return out
	}
	return v
}

func randomObject(r *rand.Rand, depth int) map[string]any {
	out := map[string]any{}
	for i := range 1 + r.IntN(4) {
		out[fmt.Sprintf(`a"b,%d`, i)] = randomValue(r, depth-1)
	}
	return out
}

func randomValue(r *rand.Rand, depth int) any {
	kind := r.IntN(6)
	if depth <= 0 {
		kind = r.IntN(4)
	}
	switch kind {
	case 0:
		return strings.Repeat("ö<", r.IntN(4))
	case 1:
		return json.Number(fmt.Sprint(r.IntN(100)))
	case 2:
		return nil
	case 3:
		return r.IntN(2) == 0
	case 4:
		return randomObject(r, depth)
	}
	list := []any{}
	for range r.IntN(4) {
		list = append(list, randomValue(r, depth-1))
	}
	return list
}

// everyPath lists the paths of everything below v but cnf.
func everyPath(v any) []claims.Path {
	var out []claims.Path
	var walk func(v any, at claims.Path)
	walk = func(v any, at claims.Path) {
		if len(at) > 0 {
			out = append(out, slices.Clone(at))
		}
		switch v := v.(type) {
		case map[string]any:
			for name, m := range v {
				if len(at) > 0 || name != "cnf" {
					walk(m, append(slices.Clip(at), name))
				}
			}
		case []any:
			for i, e := range v {
				walk(e, append(slices.Clip(at), i))
			}
		}
	}
	walk(v, nil)
	slices.SortFunc(out, func(a, b claims.Path) int { return strings.Compare(a.String(), b.String()) })
	return out
}

func TestSelectWithNull(t *testing.T) {
	issuer := newKey(t)
	built, err := Build(t.Context(), issuer, Template{
		Claims: map[string]any{"degrees": []any{
			map[string]any{"type": "BA", "year": 1}, map[string]any{"type": "MA", "year": 2},
		}, "name": "Ada"},
		Disclose: []claims.Path{{"degrees", nil, "type"}, {"degrees", nil, "year"}, {"degrees", nil}, {"name"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := built.Verify(issuer.Public(), VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sd, err := NewHolding(v).Select([]claims.Path{{"degrees", nil, "type"}})
	if err != nil {
		t.Fatal(err)
	}
	s, _ := Parse(sd)
	seen, err := s.Verify(issuer.Public(), VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	equalJSON(t, 0, seen.Claims(), map[string]any{"degrees": []any{map[string]any{"type": "BA"}, map[string]any{"type": "MA"}}})
}

func TestBuildRefuses(t *testing.T) {
	key := newKey(t)
	for _, tt := range []struct {
		name string
		t    Template
		want string
	}{
		{"reserved", Template{Claims: map[string]any{"a": map[string]any{"_sd": 1}}}, "sdjwt_claim_name_forbidden"},
		{"reserved in another type", Template{Claims: map[string]any{"a": map[string]string{"...": "x"}}}, "sdjwt_claim_name_forbidden"},
		{"never hidden", Template{Claims: map[string]any{"exp": 1}, Disclose: []claims.Path{{"exp"}}}, "sdjwt_claim_not_disclosable"},
		{"no match", Template{Claims: map[string]any{"a": 1}, Disclose: []claims.Path{{"b"}}}, "path_no_match"},
		{"no index", Template{Claims: map[string]any{"a": []any{1}}, Disclose: []claims.Path{{"a", 1}}}, "path_no_match"},
		{"empty path", Template{Claims: map[string]any{"a": 1}, Disclose: []claims.Path{{}}}, "path_invalid"},
		{"hash", Template{Claims: map[string]any{}, HashAlg: "md5"}, "sdjwt_hash_unsupported"},
		{"decoys", Template{Claims: map[string]any{}, Decoys: -1}, "build_template"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Build(t.Context(), key, tt.t); reason(err) != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestDecoysAreDigestsLikeOthers(t *testing.T) {
	key := newKey(t)
	for _, alg := range Hashes {
		built, err := Build(t.Context(), key, Template{
			Claims:   map[string]any{"a": 1, "list": []any{1, 2}},
			Disclose: []claims.Path{{"a"}, {"list", nil}}, Decoys: 3, HashAlg: alg,
		})
		if err != nil {
			t.Fatal(err)
		}
		payload := built.Issuer().UnverifiedClaims()
		sd := textsOf(payload["_sd"])
		if len(sd) != 4 || len(payload["list"].([]any)) != 5 || !slices.IsSorted(sd) {
			t.Fatalf("%s: %d digests, %d elements", alg, len(sd), len(payload["list"].([]any)))
		}
		for _, d := range sd {
			if len(d) != len(sd[0]) {
				t.Errorf("%s: digests of different lengths", alg)
			}
		}
	}
}

func textsOf(v any) []string {
	var out []string
	for _, e := range v.([]any) {
		out = append(out, e.(string))
	}
	return out
}

func TestHoldingTextIsChecked(t *testing.T) {
	for _, text := range []string{"", "facet-sdjwt-1", "facet-sdjwt-2 sha-256\nx", "facet-sdjwt-1 md5\nx", "facet-sdjwt-1 sha-256\nx\n", "facet-sdjwt-1 sha-256\nx\na", "facet-sdjwt-1 sha-256\nx\n [\"a\"]", "facet-sdjwt-1 sha-256\nx\na ["} {
		var h Holding
		if err := h.UnmarshalText([]byte(text)); reason(err) != "holding_format" {
			t.Errorf("%q: %v", text, err)
		}
	}
}
