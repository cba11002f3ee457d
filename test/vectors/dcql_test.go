package vectors

import (
	"strings"
	"testing"

	"facet/credentials/claims"
	"facet/credentials/dcql"
)

// TestQueries parses the queries OpenID4VP 1.0 prints and writes them again
// unchanged.
func TestQueries(t *testing.T) {
	for _, name := range files(t, "openid4vp", "query_lang", "*.json") {
		t.Run(name, func(t *testing.T) {
			q, err := dcql.Parse(read(t, name))
			if err != nil {
				t.Fatal(err)
			}
			out, err := q.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			same(t, decode[map[string]any](t, out), decode[map[string]any](t, read(t, name)))
		})
	}
}

// TestQueryAnswers matches the specification's queries with holdings that the
// text beside them describes.
func TestQueryAnswers(t *testing.T) {
	identity := dcql.Holding{ID: "identity", Format: dcql.SDJWTVC, VCT: "https://credentials.example.com/identity_credential", Claims: claims.Set{
		"given_name": "Arthur", "family_name": "Dent", "date_of_birth": "1952-03-11", "postal_code": "90210",
		"locality": "Milliways", "address": map[string]any{"street_address": "42 Market Street"},
	}}
	doe := identity
	doe.Claims = identity.Claims.Clone()
	doe.Claims["family_name"] = "Doe"
	rewards := dcql.Holding{ID: "rewards", Format: dcql.SDJWTVC, VCT: "https://company.example/company_rewards", Claims: claims.Set{"rewards_number": "7"}}
	for _, tt := range []struct {
		query string
		holds []dcql.Holding
		want  string // candidates by query, or "nothing"
	}{
		{"claims_alternatives.json", []dcql.Holding{identity}, "pid:identity(a,b,e)"},
		{"credentials_alternatives.json", []dcql.Holding{identity, rewards}, "pid:identity nice_to_have:rewards"},
		{"credentials_alternatives.json", []dcql.Holding{rewards}, "nothing"},
		{"multi_credentials.json", []dcql.Holding{identity}, "nothing"}, // the other is an mdoc
		{"simple_mdoc.json", []dcql.Holding{identity}, "nothing"},
		{"value_matching_simple.json", []dcql.Holding{doe}, "my_credential:identity"},
		{"value_matching_simple.json", []dcql.Holding{identity}, "nothing"}, // another family name
	} {
		t.Run(tt.query+" "+tt.want, func(t *testing.T) {
			q, err := dcql.Parse(read(t, "openid4vp", "query_lang", tt.query))
			if err != nil {
				t.Fatal(err)
			}
			r, err := dcql.Match(q, tt.holds)
			if err != nil {
				t.Fatal(err)
			}
			if got := answers(q, r); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func answers(q *dcql.Query, r *dcql.Result) string {
	if !r.Satisfiable {
		return "nothing"
	}
	var out []string
	for _, found := range r.Queries {
		for _, c := range found.Candidates {
			s := found.ID + ":" + c.Holding
			if c.ClaimSet >= 0 {
				s += "(" + strings.Join(q.Credential(found.ID).ClaimSets[c.ClaimSet], ",") + ")"
			}
			out = append(out, s)
		}
	}
	return strings.Join(out, " ")
}
