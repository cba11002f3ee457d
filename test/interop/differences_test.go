package interop

import (
	"context"
	"crypto/sha256"
	_ "crypto/sha3" // a hash go-sd-jwt knows and we refuse
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"facet/credentials/claims"
	"facet/credentials/jose"
)

// What a verifier makes of something.
const (
	reads   = "reads it"           // accepted, and read as the standard says
	accepts = "accepts it"         // accepted what the standard has refused
	other   = "reads it otherwise" // accepted, with other claims than the standard's
	refuses = "refuses it"
	panics  = "panics"
)

// A difference is a credential that the three verifiers do not agree on. want is
// what the standard has a verifier read of it; nil: it has to be refused, or the
// standard leaves it open. Every name has a line in README.md, with the reason.
type difference struct {
	name         string
	make         func(d *desk) string
	want         map[string]any
	ours         string // reads, or our reason code
	script, goSD string
}

var differences = []difference{
	{"typ of another kind of token", func(d *desk) string { return d.sign(`{"alg":"ES256","typ":"JWT"}`, d.envelope()) },
		nil, "jose_typ_unexpected", accepts, accepts},
	{"critical header", func(d *desk) string {
		return d.sign(`{"alg":"ES256","typ":"dc+sd-jwt","crit":["x"],"x":1}`, d.envelope())
	}, nil, "jose_crit_unsupported", accepts, accepts},
	{"member twice", func(d *desk) string { return d.sign(usualHeader, d.envelope(), `"tier":"basic","tier":"plus"`) },
		nil, "json_duplicate_member", accepts, accepts},
	{"members that differ by case", func(d *desk) string { return d.sign(usualHeader, d.envelope(), `"tier":"basic","Tier":"plus"`) },
		nil, "json_case_collision", accepts, accepts},
	{"deeper than sixteen", func(d *desk) string {
		return d.sign(usualHeader, d.envelope(), `"deep":`+strings.Repeat(`{"a":`, 17)+"1"+strings.Repeat("}", 17))
	}, nil, "json_depth_limit", accepts, accepts},
	{"no vct", func(d *desk) string { return d.sign(usualHeader, d.envelope("vct")) },
		nil, "claim_missing", accepts, accepts},

	{"disclosure sent twice", func(d *desk) string {
		tier := d.disclose("salt", "tier", "plus")
		return d.sign(usualHeader, d.envelope(), `"_sd":["`+digest(tier)+`"]`) + tier + "~" + tier + "~"
	}, nil, "sdjwt_disclosure_duplicate", accepts, refuses},
	{"element's disclosure for a member", func(d *desk) string {
		tier := d.disclose("salt", "plus")
		return d.sign(usualHeader, d.envelope(), `"_sd":["`+digest(tier)+`"]`) + tier + "~"
	}, nil, "sdjwt_disclosure_arity", accepts, refuses},
	{"member's disclosure for an element", func(d *desk) string {
		tier := d.disclose("salt", "tier", "plus")
		return d.sign(usualHeader, d.envelope(), `"tiers":[{"...":"`+digest(tier)+`"}]`) + tier + "~"
	}, nil, "sdjwt_disclosure_arity", accepts, accepts},
	{"placeholder with company", func(d *desk) string {
		tier := d.disclose("salt", "plus")
		return d.sign(usualHeader, d.envelope(), `"tiers":[{"...":"`+digest(tier)+`","x":1}]`) + tier + "~"
	}, nil, "sdjwt_array_placeholder_malformed", accepts, accepts},
	{"name disclosed twice", func(d *desk) string {
		a, b := d.disclose("salt-a", "tier", "basic"), d.disclose("salt-b", "tier", "plus")
		return d.sign(usualHeader, d.envelope(), `"_sd":["`+digest(a)+`","`+digest(b)+`"]`) + a + "~" + b + "~"
	}, nil, "sdjwt_claim_collision", accepts, accepts},
	{"disclosure over a plain claim", func(d *desk) string {
		tier := d.disclose("salt", "tier", "plus")
		return d.sign(usualHeader, d.envelope(), `"tier":"basic","_sd":["`+digest(tier)+`"]`) + tier + "~"
	}, nil, "sdjwt_claim_collision", refuses, accepts},
	{"disclosure of a reserved name", func(d *desk) string {
		sd := d.disclose("salt", "...", "x")
		return d.sign(usualHeader, d.envelope(), `"_sd":["`+digest(sd)+`"]`) + sd + "~"
	}, nil, "sdjwt_claim_name_forbidden", accepts, accepts},
	{"digest twice, once in a disclosure", func(d *desk) string {
		tier := d.disclose("salt", "tier", "plus")
		box := d.disclose("salt", "box", map[string]any{"_sd": []string{digest(tier)}})
		return d.sign(usualHeader, d.envelope(), `"_sd":["`+digest(box)+`","`+digest(tier)+`"]`) + box + "~" + tier + "~"
	}, nil, "sdjwt_digest_duplicate", refuses, accepts},
	{"empty disclosure", func(d *desk) string { return d.sign(usualHeader, d.envelope()) + "~" },
		nil, "sdjwt_format", refuses, accepts},
	{"salt that is a number", func(d *desk) string {
		tier := d.disclose(7, "tier", "plus")
		return d.sign(usualHeader, d.envelope(), `"_sd":["`+digest(tier)+`"]`) + tier + "~"
	}, nil, "sdjwt_disclosure_malformed", accepts, panics},
	{"base64url with spare bits", func(d *desk) string {
		tier := d.spareBits()
		return d.sign(usualHeader, d.envelope(), `"_sd":["`+digest(tier)+`"]`) + tier + "~"
	}, nil, "sdjwt_disclosure_malformed", accepts, accepts},
	{"_sd_alg below the top", func(d *desk) string { return d.sign(usualHeader, d.envelope(), `"box":{"_sd_alg":"sha-256"}`) },
		nil, "sdjwt_claim_name_forbidden", accepts, accepts},
	{"hash by another name", func(d *desk) string { return d.sign(usualHeader, d.envelope(), `"_sd":[],"_sd_alg":"sha3-256"`) },
		nil, "sdjwt_hash_unsupported", accepts, accepts},

	{"expired", func(d *desk) string { return d.sign(usualHeader, d.envelope("exp"), d.date("exp", -time.Hour)) },
		nil, "credential_expired", refuses, accepts},
	{"exp that is text", func(d *desk) string { return d.sign(usualHeader, d.envelope("exp"), `"exp":"1"`) },
		nil, "claim_type", accepts, accepts},
	{"exp in a disclosure, and expired", func(d *desk) string {
		exp := d.disclose("salt", "exp", d.now.Add(-time.Hour).Unix())
		return d.sign(usualHeader, d.envelope("exp"), `"_sd":["`+digest(exp)+`"]`) + exp + "~"
	}, nil, "sdjwt_claim_not_disclosable", accepts, accepts},
	{"cnf in a disclosure", func(d *desk) string {
		cnf := d.disclose("salt", "cnf", map[string]any{"jwk": d.holder.Public().JWK()})
		return d.sign(usualHeader, d.envelope("cnf"), `"_sd":["`+digest(cnf)+`"]`) + cnf + "~"
	}, nil, "sdjwt_claim_not_disclosable", accepts, accepts},
	{"issued tomorrow", func(d *desk) string { return d.sign(usualHeader, d.envelope("iat"), d.date("iat", 24*time.Hour)) },
		map[string]any{}, reads, refuses, reads},

	{"claim named like a method", func(d *desk) string {
		name := d.disclose("salt", "constructor", "Gaudí")
		return d.sign(usualHeader, d.envelope(), `"_sd":["`+digest(name)+`"]`) + name + "~"
	}, map[string]any{"constructor": "Gaudí"}, reads, refuses, reads},
	{"claim named __proto__", func(d *desk) string {
		name := d.disclose("salt", "__proto__", map[string]any{"a": "b"})
		return d.sign(usualHeader, d.envelope(), `"_sd":["`+digest(name)+`"]`) + name + "~"
	}, map[string]any{"__proto__": map[string]any{"a": "b"}}, reads, refuses, reads},
	{"claim without a name", func(d *desk) string {
		name := d.disclose("salt", "", "x")
		return d.sign(usualHeader, d.envelope(), `"_sd":["`+digest(name)+`"]`) + name + "~"
	}, map[string]any{"": "x"}, reads, other, reads},
	{"null", func(d *desk) string { return d.sign(usualHeader, d.envelope(), `"until":null`) },
		map[string]any{"until": nil}, reads, reads, panics},
	{"empty object and array", func(d *desk) string { return d.sign(usualHeader, d.envelope(), `"a":{},"b":[]`) },
		map[string]any{"a": map[string]any{}, "b": []any{}}, reads, reads, other},
	{"every element withheld", func(d *desk) string {
		return d.sign(usualHeader, d.envelope(), `"b":[{"...":"`+digest(d.disclose("salt", "x"))+`"}]`)
	}, map[string]any{"b": []any{}}, reads, reads, other},
	{"integer a double cannot hold", func(d *desk) string { return d.sign(usualHeader, d.envelope(), `"n":9007199254740993`) },
		map[string]any{"n": json.Number("9007199254740993")}, reads, other, other},

	{"key binding of an hour ago", func(d *desk) string {
		return d.bound(d.sign(usualHeader, d.envelope()), d.now.Add(-time.Hour))
	}, nil, "kb_iat_out_of_window", accepts, accepts},
}

func TestDifferences(t *testing.T) {
	d := newDesk(t)
	us, err := newOurs()
	if err != nil {
		t.Fatal(err)
	}
	script := scriptPeerFor(t)
	them, err := newGoPeer()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range differences {
		t.Run(tt.name, func(t *testing.T) {
			if tt.ours == tt.script && tt.script == tt.goSD {
				t.Fatal("no difference")
			}
			made := tt.make(d)
			for _, side := range []struct {
				who  peer
				want string
			}{{us, tt.ours}, {script, tt.script}, {them, tt.goSD}} {
				if got := d.verdict(side.who, made, tt.want); got != side.want {
					t.Errorf("%s %s, and the README says: %s", side.who.dialect().name, got, side.want)
				}
			}
		})
	}
}

// TestDifferencesAreExplained keeps README.md complete, and its cells true.
func TestDifferencesAreExplained(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, name := range []string{"present works once", "decoys are counted", "dots in names", "written again", "issues a claim without a name", "hides below cnf"} {
		rows = append(rows, "| "+name+" |")
	}
	for _, d := range differences {
		ours := d.ours
		if ours != reads {
			ours = refuses // all others are reason codes
		}
		row := "| " + d.name + " |"
		for _, verdict := range []string{ours, d.script, d.goSD} {
			row += " " + strings.Replace(verdict, " it", "", 1) + " |"
		}
		rows = append(rows, row)
	}
	for _, row := range rows {
		if n := strings.Count(string(text), "\n"+row); n != 1 {
			t.Errorf("README.md has this row %d times: %s", n, row)
		}
	}
}

// A desk makes credentials by hand, sound or not.
type desk struct {
	t       testing.TB
	key     *jose.PrivateKey
	holder  *jose.PrivateKey
	now     time.Time
	binding binding
}

const usualHeader = `{"alg":"ES256","typ":"dc+sd-jwt"}`

func newDesk(t testing.TB) *desk {
	us, err := newOurs()
	if err != nil {
		t.Fatal(err)
	}
	return &desk{t: t, key: us.iss, holder: us.hold, now: time.Now(), binding: binding{"nonce", "x509_hash:interop"}}
}

// verdict has a peer verify what was made.
func (d *desk) verdict(who peer, made string, want map[string]any) string {
	var b *binding
	if !strings.HasSuffix(made, "~") {
		b = &d.binding
	}
	payload, err := who.verify(made, d.key.Public(), b)
	var ours interface{ Reason() string }
	switch {
	case errors.Is(err, errPanic):
		return panics
	case errors.As(err, &ours):
		return ours.Reason()
	case err != nil:
		return refuses
	case want == nil:
		return accepts
	case claims.Equal(any(content(payload)), any(want)):
		return reads
	}
	return other
}

// envelope is the registered claims but those named, as members without braces.
func (d *desk) envelope(without ...string) string {
	members := registered(d.holder.Public())
	for _, name := range without {
		delete(members, name)
	}
	text, err := json.Marshal(members)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text[1 : len(text)-1])
}

func (d *desk) date(name string, from time.Duration) string {
	return fmt.Sprintf("%q:%d", name, d.now.Add(from).Unix())
}

// sign makes a JWT of these bytes, followed by '~'.
func (d *desk) sign(header string, members ...string) string {
	payload := "{" + strings.Join(members, ",") + "}"
	input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	signature, err := d.key.Sign(context.Background(), []byte(input))
	if err != nil {
		d.t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature) + "~"
}

func (d *desk) bound(sd string, at time.Time) string {
	p := split(sd)
	if !bindAt(&p, d.holder, d.binding, at) {
		d.t.Fatal("cannot bind")
	}
	return p.join()
}

func (d *desk) disclose(elements ...any) string { return encode(elements) }

// spareBits is a disclosure whose last character holds bits that no byte gets.
func (d *desk) spareBits() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for salt := "salt"; ; salt += "x" {
		e := d.disclose(salt, "tier", "plus")
		if len(e)%4 == 0 {
			continue
		}
		at := strings.IndexByte(alphabet, e[len(e)-1])
		return e[:len(e)-1] + alphabet[at+1:at+2]
	}
}

func digest(disclosure string) string {
	sum := sha256.Sum256([]byte(disclosure))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
