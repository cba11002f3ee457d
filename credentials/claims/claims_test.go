package claims

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
)

func decode(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// example is the credential of OpenID4VP 1.0 §7.3, and its table.
const example = `{"name":"Arthur Dent","address":{"street_address":"42 Market Street","locality":"Milliways","postal_code":"12345"},
	"degrees":[{"type":"Bachelor of Science","university":"University of Betelgeuse"},{"type":"Master of Science","university":"University of Betelgeuse"}],
	"nationalities":["British","Betelgeusian"]}`

func TestGet(t *testing.T) {
	set := Set(decode(t, example).(map[string]any))
	for _, tt := range []struct {
		path, want string
		err        error
	}{
		{`["name"]`, `["Arthur Dent"]`, nil},
		{`["address","street_address"]`, `["42 Market Street"]`, nil},
		{`["degrees",null,"type"]`, `["Bachelor of Science","Master of Science"]`, nil},
		{`["nationalities",1]`, `["Betelgeusian"]`, nil},
		{`["nationalities",null]`, `["British","Betelgeusian"]`, nil},
		{`["nationalities",2]`, "", ErrNoMatch},
		{`["nothing"]`, "", ErrNoMatch},
		{`["degrees",null,"grade"]`, "", ErrNoMatch},
		{`["name","first"]`, "", ErrPath},
		{`["address",0]`, "", ErrPath},
		{`["address",null]`, "", ErrPath},
		{`["nationalities","0"]`, "", ErrPath},
		{`[0]`, "", ErrPath},
	} {
		p, err := ParsePath([]byte(tt.path))
		if err != nil {
			t.Fatal(err)
		}
		got, err := set.Get(p)
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", tt.path, err, tt.err)
		}
		if tt.err == nil && !Equal(any(got), decode(t, tt.want)) {
			t.Errorf("%s selects %v, want %s", tt.path, got, tt.want)
		}
	}
	if _, err := set.Get(nil); !errors.Is(err, ErrPath) {
		t.Errorf("an empty path: %v", err)
	}
}

func TestParsePathRefuses(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `null`, `{}`, `"a"`, `["a"]x`, `["a"] ["b"]`, `[-1]`, `[1.5]`, `[1e2]`, `[1.0]`, `[true]`, `[["a"]]`,
		`[2147483648]`, `["\ud800"]`, "[\"\xff\"]", `[` + strings.Repeat(`"a",`, MaxPathDepth) + `"a"]`,
		`["` + strings.Repeat("a", MaxPathBytes) + `"]`,
	} {
		if p, err := ParsePath([]byte(text)); !errors.Is(err, ErrPath) {
			t.Errorf("%.40s: %v, %v, want ErrPath", text, p, err)
		}
	}
}

func TestPathForms(t *testing.T) {
	p := Path{"a\"\n", 0, nil}
	const want = `["a\"\n",0,null]`
	if got := p.String(); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	text, err := json.Marshal(p)
	if err != nil || string(text) != want {
		t.Fatalf("encodes as %s, %v", text, err)
	}
	var back Path
	if err := json.Unmarshal(text, &back); err != nil || !back.Equal(p) || back.Equal(p[:2]) || back.Equal(Path{"a\"\n", "0", nil}) {
		t.Fatalf("decodes as %v, %v", back, err)
	}
	if _, err := json.Marshal(Path{1.5}); err == nil {
		t.Fatal("a path no parser accepts was encoded")
	}
}

func TestEqual(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{`1`, `1.0`, true}, {`100`, `1e2`, true}, {`0`, `-0`, true}, {`0.1`, `1e-1`, true},
		{`1`, `"1"`, false}, {`1`, `true`, false}, {`null`, `false`, false}, {`9007199254740993`, `9007199254740992`, false},
		{`1e999999999`, `1e999999998`, false}, {`1e99999999999`, `1e99999999999`, true}, {`-1`, `1`, false},
		{`{"a":[1,{"b":null}]}`, `{"a":[1.0,{"b":null}]}`, true}, {`{"a":null}`, `{"b":null}`, false},
		{`[1,2]`, `[2,1]`, false}, {`[1]`, `[1,1]`, false}, {`{}`, `[]`, false}, {`"\u00e9"`, `"e\u0301"`, false},
	} {
		a, b := decode(t, tt.a), decode(t, tt.b)
		if Equal(a, b) != tt.want || Equal(b, a) != tt.want {
			t.Errorf("%s and %s: want %v", tt.a, tt.b, tt.want)
		}
	}
	if !Equal(Set{"a": 1}, map[string]any{"a": json.Number("1")}) || !Equal(int64(2), 2.0) || Equal(struct{}{}, struct{}{}) {
		t.Error("kinds of Go values")
	}
}

// TestCanonical is the examples of RFC 8785 §3.2.2 and §3.2.3 and its
// Appendix B.
func TestCanonical(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`,
			`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`},
		{`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`,
			"{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}"},
		{`[-0,5e-324,1.7976931348623157e308,9007199254740992,295147905179352830000,999999999999999900000,1e21,0.000001,1e-7,1424953923781206.25]`,
			`[0,5e-324,1.7976931348623157e+308,9007199254740992,295147905179352830000,999999999999999900000,1e+21,0.000001,1e-7,1424953923781206.2]`},
		{`"\b\f\t\u001f\u007f"`, "\"\\b\\f\\t\\u001f\u007f\""},
	} {
		got, err := Canonical(decode(t, tt.in))
		if err != nil || string(got) != tt.want {
			t.Errorf("got  %s, %v\nwant %s", got, err, tt.want)
		}
	}
	deep := any(nil)
	for range MaxCanonicalDepth {
		deep = []any{deep}
	}
	for _, v := range []any{json.Number("9007199254740993"), json.Number("1e400"), json.Number("01"), json.Number(""), math.NaN(), "\xff",
		map[string]any{"\xff": 1}, struct{}{}, deep} {
		if got, err := Canonical(v); !errors.Is(err, ErrCanonical) {
			t.Errorf("%.40v has the form %s, %v", v, got, err)
		}
	}
	if got, err := Canonical(Set{"p": Path{"a", nil}, "s": []string{"x"}, "i": 3}); err != nil || string(got) != `{"i":3,"p":["a",null],"s":["x"]}` {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestAssignAndMerge(t *testing.T) {
	s := Set{}
	for _, step := range []struct {
		path Path
		err  error
	}{
		{Path{"a", "b"}, nil}, {Path{"a", "c"}, nil}, {Path{"a", "b", "d"}, ErrPath}, {Path{"a", 0}, ErrPath}, {Path{}, ErrPath}, {Path{"e"}, nil},
	} {
		if err := s.Assign(step.path, "v"); !errors.Is(err, step.err) {
			t.Errorf("assign %s: %v, want %v", step.path, err, step.err)
		}
	}
	if want := (Set{"a": map[string]any{"b": "v", "c": "v"}, "e": "v"}); !Equal(s, want) {
		t.Fatalf("got %v", s)
	}
	other := Set{"a": map[string]any{"x": []any{"deep"}}}
	if err := s.Merge(other); err != nil {
		t.Fatal(err)
	}
	other["a"].(map[string]any)["x"].([]any)[0] = "changed"
	if got, err := s.Get(Path{"a", "x", 0}); err != nil || got[0] != "deep" {
		t.Fatalf("merged values are shared: %v, %v", got, err)
	}
	if err := s.Merge(Set{"e": "other"}); !errors.Is(err, ErrPath) {
		t.Fatalf("a claim was replaced: %v", err)
	}
	c := s.Clone()
	c["a"].(map[string]any)["b"] = "w"
	if Equal(c, s) || Set(nil).Clone() != nil {
		t.Fatal("a clone shares its values")
	}
}

// FuzzParsePath: an accepted path has a canonical form that parses to itself.
func FuzzParsePath(f *testing.F) {
	for _, s := range []string{`["a",null,0]`, `["\u0000\ud83d\ude00"]`, `[]`, `[-1]`, `["\ud800"]`, ` [ "a" ] `, `[00]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePath(text)
		if err != nil {
			if !errors.Is(err, ErrPath) || p != nil {
				t.Fatalf("a refusal of another kind: %v, %v", p, err)
			}
			return
		}
		again, err := ParsePath([]byte(p.String()))
		if err != nil || !again.Equal(p) || again.String() != p.String() {
			t.Fatalf("%s becomes %s, %v", text, again, err)
		}
	})
}

// FuzzCanonical: the canonical form is JSON, equal to its source and its own
// canonical form.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{example, `[1e21,1e-7,-0,"\u2028"]`, `{"\ue000":1,"\ud83d\ude00":2}`, `9007199254740993`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var v any
		if d.Decode(&v) != nil {
			return
		}
		form, err := Canonical(v)
		if err != nil {
			return
		}
		back := decode(t, string(form))
		again, err := Canonical(back)
		if err != nil || string(again) != string(form) {
			t.Fatalf("%s has the form %s, then %s, %v", text, form, again, err)
		}
	})
}
