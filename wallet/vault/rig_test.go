package vault

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// soak says that full counts are asked for (make soak).
var soak = os.Getenv("FACET_SOAK") != ""

func passkey(n int) Passkey {
	prf := sha256.Sum256(fmt.Appendf(nil, "prf of passkey %d", n))
	return Passkey{CredentialID: fmt.Appendf(nil, "credential %d", n), PRF: prf[:]}
}

// want fails unless err carries one of the reasons.
func want(t *testing.T, err error, reasons ...string) {
	t.Helper()
	var e interface{ Reason() string }
	if !errors.As(err, &e) || !slices.Contains(reasons, e.Reason()) {
		t.Fatalf("got %v, want reason %v", err, reasons)
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fresh is a vault of passkey 1 and its code, holding three records.
func fresh(t testing.TB) (*Vault, Code) {
	t.Helper()
	v, code, err := Create(passkey(1))
	check(t, err)
	check(t, v.Put("preferences", "mine", []byte(`{"depth":"short"}`)))
	check(t, v.Put("credential", "a", []byte("first credential")))
	check(t, v.Put("credential", "b", []byte("second credential")))
	return v, code
}

func sealed(t testing.TB, v *Vault) []byte {
	t.Helper()
	b := must(v.Seal())(t)
	return b
}

// twist changes a sealed vault's parts.
func twist(t testing.TB, in []byte, change func(*envelope)) []byte {
	t.Helper()
	e := must(parse(slices.Clone(in)))(t)
	change(e)
	return must(e.bytes())(t)
}

func content(t testing.TB, v *Vault) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, e := range v.m.Records {
		all[e.Type+"/"+e.ID] = string(must(v.Get(e.Type, e.ID))(t))
	}
	return all
}

func TestRoundTrip(t *testing.T) {
	v, code := fresh(t)
	s := sealed(t, v)
	for name, key := range map[string]Key{"passkey": passkey(1), "code": code} {
		t.Run(name, func(t *testing.T) {
			got, err := Open(s, key, v.Head())
			check(t, err)
			if a, b := fmt.Sprint(content(t, got)), fmt.Sprint(content(t, v)); a != b {
				t.Fatalf("got %s, want %s", a, b)
			}
			if again := sealed(t, got); !bytes.Equal(again, s) {
				t.Fatal("sealing an unchanged vault made other bytes")
			}
		})
	}
}

func TestRecords(t *testing.T) {
	v, _ := fresh(t)
	if got := fmt.Sprint(v.List("credential")); got != "[a b]" {
		t.Fatalf("List: %s", got)
	}
	check(t, v.Delete("credential", "a"))
	_, err := v.Get("credential", "a")
	want(t, err, ReasonNotFound)
	want(t, v.Delete("credential", "a"), ReasonNotFound)
	want(t, v.Put("", "x", nil), ReasonArgument)
	want(t, v.Put("credential", "x", make([]byte, MaxRecord+1)), ReasonSize)
	for _, n := range []int{0, 1, padding - 1, padding, padding + 1, MaxRecord} {
		body := bytes.Repeat([]byte{0x80}, n)
		check(t, v.Put("size", "x", body))
		if got := must(v.Get("size", "x"))(t); !bytes.Equal(got, body) {
			t.Fatalf("a record of %d bytes came back with %d", n, len(got))
		}
	}
	got, err := Open(sealed(t, v), passkey(1), HighWater{})
	check(t, err)
	if n := len(got.List("credential")); n != 1 {
		t.Fatalf("%d credentials after reopening, want 1", n)
	}
}

func TestSealHidesKinds(t *testing.T) {
	v, _ := fresh(t)
	for _, word := range []string{"preferences", "credential", "mine", "first", "depth"} {
		if bytes.Contains(sealed(t, v), []byte(word)) {
			t.Errorf("the sealed vault contains %q", word)
		}
	}
	a := len(sealed(t, v))
	check(t, v.Put("preferences", "mine", []byte(`{"depth":"the longest form of all"}`)))
	// The manifest's counter grows; no record's length shows.
	if b := len(sealed(t, v)); b-a > 64 {
		t.Errorf("a longer value made the sealed vault %d bytes larger", b-a)
	}
}

func TestLock(t *testing.T) {
	v, _ := fresh(t)
	v.Lock()
	v.Lock()
	_, err := v.Get("credential", "a")
	want(t, err, ReasonLocked)
	_, err = v.Seal()
	want(t, err, ReasonLocked)
	want(t, v.Put("a", "b", nil), ReasonLocked)
	want(t, v.Delete("a", "b"), ReasonLocked)
	want(t, v.AddPasskey(passkey(2), ""), ReasonLocked)
	want(t, v.Remove("x"), ReasonLocked)
	want(t, v.AddCode(NewCode()), ReasonLocked)
	want(t, v.RemoveCodes(NewCode()), ReasonLocked)
	want(t, v.Describe("x", "", time.Unix(0, 0)), ReasonLocked)
	want(t, v.Merge(v), ReasonLocked)
}

func TestMembers(t *testing.T) {
	v, old := fresh(t)
	want(t, v.AddPasskey(Passkey{CredentialID: []byte("x"), PRF: make([]byte, 31)}, ""), ReasonArgument)
	want(t, v.AddPasskey(passkey(1), ""), ReasonArgument)
	check(t, v.AddPasskey(passkey(2), "phone"))
	code := NewCode()
	want(t, v.RemoveCodes(code), ReasonNotFound)
	check(t, v.AddCode(code))
	for _, k := range []Key{passkey(1), passkey(2), code, old} {
		must(Open(sealed(t, v), k, HighWater{}))(t)
	}
	check(t, v.RemoveCodes(code))
	check(t, v.RemoveCodes(code)) // there is nothing left to remove
	s := sealed(t, v)
	for _, k := range []Key{passkey(1), passkey(2), code} {
		must(Open(s, k, HighWater{}))(t)
	}
	_, err := Open(s, old, HighWater{})
	want(t, err, ReasonUnwrap)
	for _, r := range v.Recipients()[1:] {
		check(t, v.Remove(r.ID))
	}
	want(t, v.Remove(v.Recipients()[0].ID), ReasonLastKey)
	want(t, v.Remove("nobody"), ReasonNotFound)
	for i := range MaxRecipients - 1 {
		check(t, v.AddPasskey(passkey(10+i), ""))
	}
	want(t, v.AddPasskey(passkey(99), ""), ReasonSize)
}

// TestDescribe: what a settings page lists survives sealing, and the host reads
// none of it.
func TestDescribe(t *testing.T) {
	v, code := fresh(t)
	check(t, v.AddPasskey(passkey(2), ""))
	id := must(v.RecipientID(passkey(2)))(t)
	check(t, v.Describe(id, "Küchentablett", time.Unix(1795000000, 0)))
	want(t, v.Describe(id, strings.Repeat("x", MaxLabel+1), time.Unix(0, 0)), ReasonArgument)
	want(t, v.Describe("nobody", "", time.Unix(0, 0)), ReasonNotFound)
	s := sealed(t, v)
	if bytes.Contains(s, []byte("Küche")) || bytes.Contains(s, passkey(2).CredentialID) {
		t.Fatal("the sealed vault shows who may open it")
	}
	rs := must(Open(s, code, v.Head()))(t).Recipients()
	if len(rs) != 3 || rs[2].ID != id || rs[2].Kind != KindPasskey || rs[2].Label != "Küchentablett" || rs[2].Since != 1795000000 ||
		string(rs[2].CredentialID) != string(passkey(2).CredentialID) || rs[1].Kind != KindCode || rs[1].CredentialID != nil {
		t.Fatalf("%+v", rs)
	}
}
