// Package hints turns claims into personalization hints by a platform's rules,
// and encodes hints for the systems that use them (OFREP, OpenRTB).
//
// Wallet and verifier run this same code: what the holder is shown before
// consent is what the platform gets after it. Everything here is pure: no
// clock, no randomness, no I/O.
//
// It does not know keys, signatures, identities or who asks; it does not decide
// whether a policy may ask (package policy) and never sees a claim no rule names.
package hints

import (
	"encoding/json"
	"errors"
	"fmt"

	"facet/credentials/claims"
)

// Text is one sentence by language; "de" and "en" are always there in a valid
// policy.
type Text map[string]string

// In returns the text in lang, falling back to English, then German.
func (t Text) In(lang string) string {
	for _, l := range []string{lang, "en", "de"} {
		if s := t[l]; s != "" {
			return s
		}
	}
	return ""
}

// Ref names one claim of one of the policy's credentials. Its JSON form is one
// array: ["prefs","depth"].
type Ref struct {
	Credential string
	Path       claims.Path
}

// MarshalJSON writes the credential's name followed by the claims path.
func (r Ref) MarshalJSON() ([]byte, error) {
	return json.Marshal(append([]any{r.Credential}, r.Path...))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Ref) UnmarshalJSON(b []byte) error {
	path, err := claims.ParsePath(b)
	if err != nil {
		return fmt.Errorf("claim reference: %w", err)
	}
	name, ok := path[0].(string)
	if !ok || len(path) < 2 {
		return errors.New("a claim reference is [credential, path…]")
	}
	r.Credential, r.Path = name, path[1:]
	return nil
}

// Equal reports whether both name the same claim.
func (r Ref) Equal(o Ref) bool { return r.Credential == o.Credential && r.Path.Equal(o.Path) }

// String is the reference as written in a policy: prefs.depth.
func (r Ref) String() string {
	s := r.Credential
	for _, p := range r.Path {
		if p == nil {
			p = "*"
		}
		s += fmt.Sprintf(".%v", p)
	}
	return s
}

// A Rule makes one hint. Exactly one of Map, Pick, Flag, Bucket and When is
// set; all but When read the one claim of From. There is no expression
// language: the claims a rule reads are written in it.
type Rule struct {
	Key      string          `json:"key"`   // "article.length"
	Label    Text            `json:"label"` // the holder's switch: "Wie ausführlich du liest"
	From     *Ref            `json:"from,omitempty"`
	Map      map[string]any  `json:"map,omitempty"`    // claim value → hint value
	Pick     *Pick           `json:"pick,omitempty"`   // those elements of a list the platform can use
	Flag     bool            `json:"flag,omitempty"`   // a boolean claim as it is
	Bucket   []Bucket        `json:"bucket,omitempty"` // a number → one of a few steps
	When     []When          `json:"when,omitempty"`   // the first row whose conditions all hold
	Values   map[string]Text `json:"values,omitempty"` // what each hint value is called: short → "kurz"
	Default  any             `json:"default,omitempty"`
	Required bool            `json:"required,omitempty"`
	Without  Text            `json:"without,omitempty"` // what happens if the holder leaves it off
	With     Text            `json:"with"`              // what changes if the holder leaves it on
	Explain  Text            `json:"explain"`           // beside what was adapted; {claim} and {value} are filled in
}

// Pick keeps the elements of a list that Only names, or their nearest broader
// term in it (football counts as sport, de-CH as de), in the holder's order.
type Pick struct {
	Only []string `json:"only"`
	Max  int      `json:"max,omitempty"` // at most so many; 0 = all
}

// Bucket is one step: numbers up to and including UpTo. The last step has none.
type Bucket struct {
	UpTo *int   `json:"up_to,omitempty"`
	Then string `json:"then"`
}

// When is one row of a decision table: all of If hold, then the value.
type When struct {
	If   []Is   `json:"if"`
	Then string `json:"then"`
}

// Is holds when the claim equals the value.
type Is struct {
	Claim Ref    `json:"claim"`
	Is    string `json:"is"`
}
