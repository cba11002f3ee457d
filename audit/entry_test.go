package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var testTime = time.Date(2026, 11, 22, 3, 59, 59, 999, time.FixedZone("", -3600))

func testAsked() Asked {
	return Asked{
		Platform:  "Morgenblatt",
		Policy:    PolicyRef{"morgenblatt.example/home", 3, "RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o"},
		Purpose:   "personalised-home",
		Retention: "P7D",
		Paths:     Paths{"prefs": {`["depth"]`, `["topics",null]`}, "member": {`["tier"]`}},
		Flow:      SameDevice,
	}
}

// everyKind returns one entry of each kind and outcome.
func everyKind(t testing.TB) []Entry {
	t.Helper()
	key := NewKey()
	c, _, err := Seal(key, testAsked().Paths, Values{"member": {`["tier"]`: []byte(`"plus"`)}})
	if err != nil {
		t.Fatal(err)
	}
	_, consent := SealConsent(key, []byte("digest"))
	a := testAsked()
	doc := []byte(`{}`)
	return []Entry{
		NewPolicy(NewID(), testTime, a, doc),
		NewRequest(NewID(), testTime, a),
		NewAnswered(NewID(), testTime, a, 1, c, consent),
		NewAnswered(NewID(), testTime, a, 1, c, nil),
		NewRejected(NewID(), testTime, a, 1, "key_binding"),
		NewUnanswered(NewID(), testTime, a, 1, NoAnswer),
		NewUnanswered(NewID(), testTime, a, 1, Expired),
		NewWithdrawal(NewID(), testTime, 2),
		NewErasure(NewID(), testTime, 7),
		NewRetention(NewID(), testTime, 3),
		NewConfig(NewID(), testTime, []string{"InsecureLoopback", "InsecureAnyIssuer", "InsecureLoopback"}),
		NewConfig(NewID(), testTime, nil),
	}
}

func wantReason(t *testing.T, err error, want string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Reason() != want {
		t.Fatalf("got %v, want reason %s", err, want)
	}
}

func TestEncodeParse(t *testing.T) {
	for _, e := range everyKind(t) {
		leaf, err := Encode(e)
		if err != nil {
			t.Fatalf("%s: %v", e.Common().Kind, err)
		}
		if other, err := marshalAny(e); err != nil || !bytes.Equal(leaf, other) {
			t.Fatalf("%s is %s to the other writer, %v", leaf, other, err)
		}
		again, err := Parse(leaf)
		if err != nil {
			t.Fatalf("%s: %v", leaf, err)
		}
		if k := e.Common().Kind; (k == KindRequest || k == KindResult) && readCanonical(leaf) == nil {
			t.Fatalf("%s is not read directly", leaf)
		}
		twice, err := Encode(again)
		if err != nil || !bytes.Equal(leaf, twice) {
			t.Fatalf("%s became %s, %v", leaf, twice, err)
		}
		if h := e.Common().Hour; h != "2026-11-22T04Z" {
			t.Fatalf("hour %s", h)
		}
	}
}

// TestLeafIsStable pins the bytes: they are what a tree is made of.
func TestLeafIsStable(t *testing.T) {
	a := testAsked()
	a.Paths = Paths{"b": {`["x",null,0]`}, "a": {}}
	leaf, err := Encode(NewRejected("AAAAAAAAAAAAAAAAAAAAAA", testTime, a, 7, "replay"))
	const want = `{"check":"replay","flow":"same_device","hour":"2026-11-22T04Z","id":"AAAAAAAAAAAAAAAAAAAAAA","kind":"result",` +
		`"outcome":"rejected","paths":{"a":[],"b":["[\"x\",null,0]"]},"platform":"Morgenblatt",` +
		`"policy":{"id":"morgenblatt.example/home","sha256":"RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o","version":3},` +
		`"purpose":"personalised-home","ref":7,"retention":"P7D","v":1}`
	if err != nil || string(leaf) != want {
		t.Fatalf("%s\n%v", leaf, err)
	}
}

// rewritten returns e's leaf with one member set, as an attacker's own JSON.
func rewritten(t *testing.T, e Entry, member string, value any) []byte {
	t.Helper()
	leaf, err := Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(leaf, &m); err != nil {
		t.Fatal(err)
	}
	m[member] = value
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = canonical(b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSchemaHoldsNoPerson(t *testing.T) {
	t.Run("LOG-013", func(t *testing.T) {
		canaries := []any{"Erika Mustermann", "1964-08-12", "did:key:z6Mk", 42, true, nil, []any{"tier"}, map[string]any{"tier": "plus"}}
		names := []string{"value", "values", "claims", "name", "sub", "subject", "holder", "email", "ip", "user_agent", "tx", "nonce", "time", "note", "ID", "Kind"}
		for _, e := range everyKind(t) {
			for _, name := range names {
				for _, c := range canaries {
					_, err := Parse(rewritten(t, e, name, c))
					wantReason(t, err, ReasonSchema)
				}
			}
		}
		// What is allowed by name cannot hold them either.
		for _, e := range everyKind(t) {
			leaf, _ := Encode(e)
			var m map[string]any
			if err := json.Unmarshal(leaf, &m); err != nil {
				t.Fatal(err)
			}
			for name := range m {
				for _, c := range []any{"erika@example.org", "+49 170 1234567 ext", map[string]any{"tier": "plus"}, []any{"erika@example.org"}, 1.5, nil} {
					_, err := Parse(rewritten(t, e, name, c))
					wantReason(t, err, ReasonSchema)
				}
			}
		}
		values := testAsked()
		values.Paths = Paths{"member": {`["tier"]`, `"plus"`}}
		_, err := Encode(NewRequest(NewID(), testTime, values))
		wantReason(t, err, ReasonSchema)
		values.Paths = Paths{"member": {`["erika@example.org"]`}}
		_, err = Encode(NewRequest(NewID(), testTime, values))
		wantReason(t, err, ReasonSchema)
	})
	t.Run("LOG-019", func(t *testing.T) {
		for _, hour := range []string{"2026-11-22T03:04Z", "2026-11-22T03:04:05Z", "2026-11-22T03Z ", "2026-11-22T03+00", "1795316400", "2026-11-22", "2026-13-01T00Z", "2026-11-22T24Z"} {
			for _, e := range everyKind(t) {
				_, err := Parse(rewritten(t, e, "hour", hour))
				wantReason(t, err, ReasonSchema)
			}
		}
		e := NewWithdrawal(NewID(), testTime, 1)
		e.Hour = Hour(testTime.Format(time.RFC3339))
		_, err := Encode(e)
		wantReason(t, err, ReasonSchema)
	})
}

func TestParseRefuses(t *testing.T) {
	good, err := Encode(NewWithdrawal("AAAAAAAAAAAAAAAAAAAAAA", testTime, 7))
	if err != nil {
		t.Fatal(err)
	}
	g := string(good)
	for name, leaf := range map[string]string{
		"empty":           "",
		"trailing":        g + "\n",
		"two":             g + g,
		"white space":     strings.Replace(g, ":", ": ", 1),
		"order":           `{"v":1,` + strings.Replace(g[1:], `,"v":1`, "", 1),
		"repeated":        strings.Replace(g, `"v":1`, `"v":1,"v":1`, 1),
		"case":            strings.Replace(g, `"ref"`, `"Ref"`, 1),
		"missing":         strings.Replace(g, `,"ref":7`, "", 1),
		"fraction":        strings.Replace(g, `"ref":7`, `"ref":7.0`, 1),
		"negative":        strings.Replace(g, `"ref":7`, `"ref":-7`, 1),
		"ref beyond 2^53": strings.Replace(g, `"ref":7`, `"ref":9007199254740992`, 1),
		"escape":          strings.Replace(g, "withdrawal", `withdrawa\u006c`, 1),
		"bad UTF-8":       strings.Replace(g, "withdrawal", "withdrawa\xff", 1),
		"version":         strings.Replace(g, `"v":1`, `"v":2`, 1),
		"kind":            strings.Replace(g, "withdrawal", "payment", 1),
		"other kind":      strings.Replace(g, "withdrawal", "request", 1),
		"id not 128 bit":  strings.Replace(g, "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB", 1),
		"too large":       strings.Replace(g, "{", "{"+strings.Repeat(" ", MaxEntry), 1),
	} {
		t.Run(name, func(t *testing.T) {
			if leaf == g {
				t.Fatal("nothing was changed")
			}
			_, err := Parse([]byte(leaf))
			wantReason(t, err, ReasonSchema)
		})
	}
}

func TestEncodeRefuses(t *testing.T) {
	a := testAsked()
	bad := func(change func(*Asked)) Entry {
		b := testAsked()
		change(&b)
		return NewRequest(NewID(), testTime, b)
	}
	answered := func(change func(*Result)) Entry {
		c, _, _ := Seal(NewKey(), a.Paths, nil)
		r := NewAnswered(NewID(), testTime, a, 1, c, nil)
		change(r)
		return r
	}
	for name, e := range map[string]Entry{
		"platform with address":       bad(func(a *Asked) { a.Platform = "erika@example.org" }),
		"platform of lines":           bad(func(a *Asked) { a.Platform = "a\nb" }),
		"purpose of words":            bad(func(a *Asked) { a.Purpose = "for Erika" }),
		"retention for ever":          bad(func(a *Asked) { a.Retention = "P" }),
		"flow":                        bad(func(a *Asked) { a.Flow = "by_mail" }),
		"no paths":                    bad(func(a *Asked) { a.Paths = nil }),
		"path twice":                  bad(func(a *Asked) { a.Paths = Paths{"q": {`["a"]`, `["a"]`}} }),
		"path not canonical":          bad(func(a *Asked) { a.Paths = Paths{"q": {`[ "a"]`}} }),
		"path of an object":           bad(func(a *Asked) { a.Paths = Paths{"q": {`[{"a":1}]`}} }),
		"query name":                  bad(func(a *Asked) { a.Paths = Paths{"q q": {`["a"]`}} }),
		"too many queries":            bad(func(a *Asked) { a.Paths = manyQueries(MaxQueries + 1) }),
		"a commitment missing":        answered(func(r *Result) { r.Commitments["prefs"] = r.Commitments["prefs"][:1] }),
		"a query's missing":           answered(func(r *Result) { delete(r.Commitments, "prefs") }),
		"answer with check":           answered(func(r *Result) { r.Check = "status" }),
		"commitments without answer":  answered(func(r *Result) { r.Outcome = NoAnswer }),
		"rejected by nobody":          NewRejected(NewID(), testTime, a, 1, ""),
		"rejected by an unknown":      NewRejected(NewID(), testTime, a, 1, "erika"),
		"unknown outcome":             NewUnanswered(NewID(), testTime, a, 1, "refused"),
		"weakening of another name":   NewConfig(NewID(), testTime, []string{"Erika"}),
		"policy of another hash":      NewPolicy(NewID(), testTime, a, []byte(`{"a":1}`)),
		"policy that is no object":    NewPolicy(NewID(), testTime, a, []byte(`[]`)),
		"policy that is no canonical": NewPolicy(NewID(), testTime, a, []byte(`{ }`)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Encode(e)
			wantReason(t, err, ReasonSchema)
		})
	}
}

func manyQueries(n int) Paths {
	p := Paths{}
	for i := range n {
		p[fmt.Sprint("q", i)] = []string{`["a"]`}
	}
	return p
}

func TestChecksAreOrdered(t *testing.T) {
	if slices.Contains(Checks, "") || len(Checks) != 10 {
		t.Fatalf("checks %v", Checks)
	}
}

func FuzzParse(f *testing.F) {
	for _, e := range everyKind(f) {
		leaf, err := Encode(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(leaf)
	}
	f.Fuzz(func(t *testing.T, leaf []byte) {
		e, err := Parse(leaf)
		if slow, slowErr := parse(leaf); (err == nil) != (slowErr == nil && len(leaf) <= MaxEntry) || err == nil && !reflect.DeepEqual(e, slow) {
			t.Fatalf("%s is %#v, %v to one reader and %#v, %v to the other", leaf, e, err, slow, slowErr)
		}
		if err != nil {
			wantReason(t, err, ReasonSchema)
			return
		}
		again, err := Encode(e)
		if err != nil || !bytes.Equal(again, leaf) {
			t.Fatalf("%s parsed, but is written %s, %v", leaf, again, err)
		}
	})
}
