package dcql

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"facet/credentials/claims"
)

func reason(err error) string {
	var r interface{ Reason() string }
	if errors.As(err, &r) {
		return r.Reason()
	}
	if err != nil {
		return "no reason: " + err.Error()
	}
	return ""
}

// one is a query for one credential with extra members.
func one(members string) string {
	return `{"credentials":[{"id":"a","format":"dc+sd-jwt","meta":{"vct_values":["urn:a"]}` + members + `}]}`
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ name, query, want string }{
		{"least", one(``), ""},
		{"unknown members", one(`,"new":{"x":1}`), ""},
		{"other format", `{"credentials":[{"id":"a","format":"mso_mdoc","meta":{"doctype_value":"x"}}]}`, ""},
		{"no credentials", `{}`, "dcql_malformed"},
		{"empty credentials", `{"credentials":[]}`, "dcql_malformed"},
		{"not objects", `{"credentials":["a"]}`, "dcql_malformed"},
		{"case of a member", `{"Credentials":[{"id":"a","format":"dc+sd-jwt","meta":{"vct_values":["urn:a"]}}]}`, "dcql_malformed"},
		{"id twice", `{"credentials":[{"id":"a","format":"x","meta":{}},{"id":"a","format":"x","meta":{}}]}`, "dcql_malformed"},
		{"id characters", `{"credentials":[{"id":"a b","format":"x","meta":{}}]}`, "dcql_malformed"},
		{"no id", `{"credentials":[{"format":"x","meta":{}}]}`, "dcql_malformed"},
		{"no format", `{"credentials":[{"id":"a","meta":{}}]}`, "dcql_malformed"},
		{"no meta", `{"credentials":[{"id":"a","format":"x"}]}`, "dcql_malformed"},
		{"no vct_values", `{"credentials":[{"id":"a","format":"dc+sd-jwt","meta":{}}]}`, "dcql_malformed"},
		{"empty vct_values", `{"credentials":[{"id":"a","format":"dc+sd-jwt","meta":{"vct_values":[]}}]}`, "dcql_malformed"},
		{"multiple not boolean", one(`,"multiple":"yes"`), "dcql_malformed"},
		{"empty claims", one(`,"claims":[]`), "dcql_malformed"},
		{"empty path", one(`,"claims":[{"path":[]}]`), "dcql_malformed"},
		{"no path", one(`,"claims":[{"id":"x"}]`), "dcql_malformed"},
		{"negative index", one(`,"claims":[{"path":["a",-1]}]`), "dcql_malformed"},
		{"fraction index", one(`,"claims":[{"path":["a",1.5]}]`), "dcql_malformed"},
		{"object in path", one(`,"claims":[{"path":["a",{}]}]`), "dcql_malformed"},
		{"empty values", one(`,"claims":[{"path":["a"],"values":[]}]`), "dcql_malformed"},
		{"value null", one(`,"claims":[{"path":["a"],"values":[null]}]`), "dcql_malformed"},
		{"value fraction", one(`,"claims":[{"path":["a"],"values":[1.5]}]`), "dcql_malformed"},
		{"same claim twice", one(`,"claims":[{"path":["a"]},{"path":["a"]}]`), "dcql_malformed"},
		{"same path, other values", one(`,"claims":[{"path":["a"],"values":[1]},{"path":["a"],"values":[2]}]`), ""},
		{"claim id twice", one(`,"claims":[{"id":"x","path":["a"]},{"id":"x","path":["b"]}]`), "dcql_malformed"},
		{"claim_sets without claims", one(`,"claim_sets":[["x"]]`), "dcql_malformed"},
		{"claim_sets without ids", one(`,"claims":[{"path":["a"]}],"claim_sets":[["x"]]`), "dcql_malformed"},
		{"claim_sets unknown id", one(`,"claims":[{"id":"x","path":["a"]}],"claim_sets":[["y"]]`), "dcql_malformed"},
		{"claim_sets empty option", one(`,"claims":[{"id":"x","path":["a"]}],"claim_sets":[[]]`), "dcql_malformed"},
		{"credential_sets unknown id", strings.TrimSuffix(one(``), "}") + `,"credential_sets":[{"options":[["b"]]}]}`, "dcql_malformed"},
		{"credential_sets empty", strings.TrimSuffix(one(``), "}") + `,"credential_sets":[]}`, "dcql_malformed"},
		{"credential_sets no options", strings.TrimSuffix(one(``), "}") + `,"credential_sets":[{"required":true}]}`, "dcql_malformed"},
		{"authority without values", one(`,"trusted_authorities":[{"type":"aki"}]`), "dcql_malformed"},
		{"too many credentials", `{"credentials":[` + strings.TrimSuffix(strings.Repeat(`{"id":"a","format":"x","meta":{}},`, MaxCredentials+1), ",") + `]}`, "dcql_malformed"},
		{"too long", one(`,"x":"` + strings.Repeat("x", MaxSize) + `"`), "size_limit"},
		{"member twice", `{"credentials":[],"credentials":[]}`, "json_duplicate_member"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse([]byte(tt.query)); reason(err) != tt.want {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func parse(t *testing.T, query string) *Query {
	t.Helper()
	q, err := Parse([]byte(query))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

var ada = claims.Set{
	"vct": "urn:a", "name": "Ada", "age": json.Number("36"), "member": true,
	"degrees": []any{map[string]any{"type": "BA", "year": json.Number("1")}, map[string]any{"type": "MA"}},
}

func TestMatch(t *testing.T) {
	held := Holding{ID: "h", Format: SDJWTVC, VCT: "urn:a", Claims: ada, AuthorityKeyIDs: [][]byte{[]byte("key")}}
	mintable := Holding{ID: "m", Format: SDJWTVC, VCT: "urn:a", Claims: claims.Set{}, Mintable: true}
	unbound, other := held, held
	unbound.Unbound = true
	other.VCT, other.AlsoVCT = "urn:b", []string{"urn:a"}
	for _, tt := range []struct {
		name, members string
		holding       Holding
		paths         string // what is to be disclosed, or why not
	}{
		{"no claims: disclose nothing", ``, held, "[]"},
		{"all of them", `,"claims":[{"path":["name"]},{"path":["degrees",null,"type"]}]`, held, `[["name"],["degrees",null,"type"]]`},
		{"absent", `,"claims":[{"path":["name"]},{"path":["email"]}]`, held, "claim_absent"},
		{"wrong shape", `,"claims":[{"path":["name","first"]}]`, held, "claim_absent"},
		{"value", `,"claims":[{"path":["age"],"values":[35,36]}]`, held, `[["age"]]`},
		{"value of another type", `,"claims":[{"path":["age"],"values":["36"]}]`, held, "value_mismatch"},
		{"boolean", `,"claims":[{"path":["member"],"values":[true]}]`, held, `[["member"]]`},
		{"one element has the value", `,"claims":[{"path":["degrees",null,"type"],"values":["MA"]}]`, held, `[["degrees",null,"type"]]`},
		{"first set that fits", `,"claims":[{"id":"e","path":["email"]},{"id":"n","path":["name"]},{"id":"g","path":["age"]}],"claim_sets":[["e"],["n","g"],["g"]]`, held, `[["name"],["age"]]`},
		{"no set fits", `,"claims":[{"id":"e","path":["email"]}],"claim_sets":[["e"]]`, held, "claim_absent"},
		{"authority", `,"trusted_authorities":[{"type":"aki","values":["a2V5"]}]`, held, "[]"},
		{"other authority", `,"trusted_authorities":[{"type":"aki","values":["AAAA"]}]`, held, "wrong_issuer"},
		{"unknown kind of authority", `,"trusted_authorities":[{"type":"etsi_tl","values":["a2V5"]}]`, held, "wrong_issuer"},
		{"not bound", ``, unbound, "not_bound"},
		{"need not be bound", `,"require_cryptographic_holder_binding":false`, unbound, "[]"},
		{"another type that counts", ``, other, "[]"},
		{"mintable though not stated", `,"claims":[{"path":["depth"]}]`, mintable, `[["depth"]]`},
		{"mintable, but values", `,"claims":[{"path":["depth"],"values":["short"]}]`, mintable, "claim_absent"},
		{"nothing held", ``, Holding{ID: "x", Format: SDJWTVC, VCT: "urn:x"}, "no_credential"},
		{"another format", ``, Holding{ID: "x", Format: "mso_mdoc", VCT: "urn:a"}, "no_credential"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Match(parse(t, one(tt.members)), []Holding{tt.holding})
			if err != nil {
				t.Fatal(err)
			}
			found := r.Query("a")
			got := ""
			if r.Satisfiable != (len(found.Candidates) == 1) {
				t.Error("Satisfiable and the candidates differ")
			}
			if r.Satisfiable {
				paths := found.Candidates[0].Paths
				if paths == nil {
					paths = []claims.Path{}
				}
				b, _ := json.Marshal(paths)
				got = string(b)
			} else {
				got = string(found.Missing[0].Why)
			}
			if got != tt.paths {
				t.Errorf("got %s, want %s", got, tt.paths)
			}
		})
	}
}

// TestNothingIsSentUnlessAllIsMet covers credential sets on both sides.
func TestNothingIsSentUnlessAllIsMet(t *testing.T) {
	credential := func(id string) string {
		return `{"id":"` + id + `","format":"dc+sd-jwt","meta":{"vct_values":["urn:` + id + `"]}}`
	}
	three := `{"credentials":[` + credential("a") + `,` + credential("b") + `,` + credential("c") + `]`
	for _, tt := range []struct {
		name, sets, held string
		ok               bool
	}{
		{"without sets all", "", "abc", true},
		{"without sets one missing", "", "ab", false},
		{"one option", `,"credential_sets":[{"options":[["a"],["b","c"]]}]`, "bc", true},
		{"half an option", `,"credential_sets":[{"options":[["a"],["b","c"]]}]`, "b", false},
		{"optional set", `,"credential_sets":[{"options":[["a"]]},{"required":false,"options":[["b"]]}]`, "a", true},
		{"only optional sets", `,"credential_sets":[{"required":false,"options":[["b"]]}]`, "", true},
		{"two required", `,"credential_sets":[{"options":[["a"]]},{"options":[["b"]]}]`, "a", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := parse(t, three+tt.sets+`}`)
			var holdings []Holding
			presented := map[string][]Presented{}
			for _, id := range strings.Split(tt.held, "") {
				holdings = append(holdings, Holding{ID: id, Format: SDJWTVC, VCT: "urn:" + id})
				presented[id] = []Presented{{Format: SDJWTVC, VCT: "urn:" + id, HolderBound: true}}
			}
			r, err := Match(q, holdings)
			if err != nil || r.Satisfiable != tt.ok {
				t.Errorf("Match: %v, satisfiable %v", err, r.Satisfiable)
			}
			_, err = Satisfied(q, presented)
			if (err == nil) != tt.ok || (err != nil && reason(err) != "dcql_credential_missing") {
				t.Errorf("Satisfied: %v", err)
			}
		})
	}
}

func TestSatisfied(t *testing.T) {
	q := one(`,"claims":[{"id":"n","path":["name"]},{"id":"g","path":["age"],"values":[36]}]`)
	good := Presented{Format: SDJWTVC, VCT: "urn:a", Claims: ada, HolderBound: true}
	with := func(twist func(*Presented)) []Presented {
		p := good
		p.Claims = ada.Clone()
		twist(&p)
		return []Presented{p}
	}
	for _, tt := range []struct {
		name, query string
		presented   map[string][]Presented
		want        string
	}{
		{"good", q, map[string][]Presented{"a": {good}}, ""},
		{"nothing", q, nil, "dcql_credential_missing"},
		{"empty answer", q, map[string][]Presented{"a": {}}, "dcql_credential_missing"},
		{"id nobody asked", q, map[string][]Presented{"a": {good}, "b": {good}}, "vp_token_unexpected_id"},
		{"two", q, map[string][]Presented{"a": {good, good}}, "dcql_too_many"},
		{"two, allowed", one(`,"multiple":true`), map[string][]Presented{"a": {good, good}}, ""},
		{"claim missing", q, map[string][]Presented{"a": with(func(p *Presented) { delete(p.Claims, "name") })}, "dcql_claim_missing"},
		{"value", q, map[string][]Presented{"a": with(func(p *Presented) { p.Claims["age"] = json.Number("17") })}, "dcql_value_mismatch"},
		{"type", q, map[string][]Presented{"a": with(func(p *Presented) { p.VCT = "urn:b" })}, "dcql_type_mismatch"},
		{"format", q, map[string][]Presented{"a": with(func(p *Presented) { p.Format = "jwt_vc_json" })}, "dcql_format_mismatch"},
		{"not bound", q, map[string][]Presented{"a": with(func(p *Presented) { p.HolderBound = false })}, "dcql_holder_binding_missing"},
		{"authority", one(`,"trusted_authorities":[{"type":"aki","values":["a2V5"]}]`), map[string][]Presented{"a": {good}}, "dcql_authority_mismatch"},
		{"second claim set", one(`,"claims":[{"id":"e","path":["email"]},{"id":"n","path":["name"]}],"claim_sets":[["e"],["n"]]`), map[string][]Presented{"a": {good}}, ""},
		{"no claim set", one(`,"claims":[{"id":"e","path":["email"]}],"claim_sets":[["e"]]`), map[string][]Presented{"a": {good}}, "dcql_claim_missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Satisfied(parse(t, tt.query), tt.presented); reason(err) != tt.want {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestSurplusIsDropped(t *testing.T) {
	q := parse(t, one(`,"claims":[{"path":["name"]},{"path":["degrees",null,"type"]}]`))
	r, err := Satisfied(q, map[string][]Presented{"a": {{Format: SDJWTVC, VCT: "urn:a", Claims: ada, HolderBound: true}}})
	if err != nil {
		t.Fatal(err)
	}
	want := claims.Set{"name": "Ada", "degrees": []any{map[string]any{"type": "BA"}, map[string]any{"type": "MA"}}}
	if !reflect.DeepEqual(r.Kept["a"][0], want) {
		t.Errorf("kept %v", r.Kept["a"][0])
	}
	var surplus []string
	for _, p := range r.Surplus["a"] {
		surplus = append(surplus, p.String())
	}
	if got := strings.Join(surplus, " "); got != `["age"] ["degrees",0,"year"] ["member"]` {
		t.Errorf("surplus %s", got)
	}
}

func TestErrorsNameNoValues(t *testing.T) {
	q := parse(t, one(`,"claims":[{"path":["name"],"values":["canary"]}]`))
	_, err := Satisfied(q, map[string][]Presented{"a": {{Format: SDJWTVC, VCT: "urn:a", Claims: claims.Set{"name": "canary2"}, HolderBound: true}}})
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
	if _, err := Satisfied(q, map[string][]Presented{"canary": {{}}}); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}

// FuzzParse: what parses is valid, and parses again from its own JSON to the
// same query; matching it never panics.
func FuzzParse(f *testing.F) {
	seeds, _ := filepath.Glob("../../test/testdata/openid4vp/query_lang/*.json")
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, name := range seeds {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := Parse(b)
		if err != nil {
			var e interface{ Reason() string }
			if q != nil || !errors.As(err, &e) || e.Reason() == "" {
				t.Fatalf("%v, %v", q, err)
			}
			return
		}
		out, err := q.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(out)
		if err != nil || len(again.Credentials) != len(q.Credentials) {
			t.Fatalf("%s: %v", out, err)
		}
		if _, err := Match(q, []Holding{{ID: "h", Format: SDJWTVC, VCT: "urn:a", Claims: ada}}); err != nil {
			t.Fatal(err)
		}
		for i := range q.Credentials {
			_, _ = Satisfied(q, map[string][]Presented{q.Credentials[i].ID: {{Format: SDJWTVC, VCT: "urn:a", Claims: ada}}})
		}
	})
}
