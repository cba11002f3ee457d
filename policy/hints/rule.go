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
	"slices"
	"strings"

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

// plain reports whether the path is names only, as rules need it.
func (r Ref) plain() bool {
	for _, p := range r.Path {
		if name, ok := p.(string); !ok || name == "" {
			return false
		}
	}
	return r.Credential != "" && len(r.Path) > 0
}

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

// Limits of a rule.
const (
	MaxRows  = 64 // of Map, Pick.Only and When
	MaxConds = 8  // of one row of When
	MaxRefs  = 8  // claims one rule reads
)

// ErrRule says that a rule cannot be applied.
var ErrRule = errors.New("hints: rule")

// Refs are the claims the rule reads, each once, in the order they are written.
func (r *Rule) Refs() []Ref {
	if r.From != nil {
		return []Ref{*r.From}
	}
	var refs []Ref
	for _, row := range r.When {
		for _, is := range row.If {
			if len(refs) <= MaxRefs && !slices.ContainsFunc(refs, is.Claim.Equal) {
				refs = append(refs, is.Claim) // one too many is enough for Validate to refuse
			}
		}
	}
	return refs
}

// Validate checks the rule's form, not whether a purpose allows it. Every error
// wraps ErrRule and names the member.
func (r *Rule) Validate() error {
	if !isKey(r.Key) {
		return fmt.Errorf("%w: key is not lower-case words joined by dots", ErrRule)
	}
	tables := 0
	for _, there := range []bool{r.Map != nil, r.Pick != nil, r.Flag, r.Bucket != nil, r.When != nil} {
		if there {
			tables++
		}
	}
	switch {
	case tables != 1:
		return fmt.Errorf("%w: %s needs exactly one of map, pick, flag, bucket, when", ErrRule, r.Key)
	case (r.From == nil) != (r.When != nil):
		return fmt.Errorf("%w: %s needs from, or when with its own claims", ErrRule, r.Key)
	case !value(r.Default) && r.Default != nil:
		return fmt.Errorf("%w: default of %s is neither text nor true or false", ErrRule, r.Key)
	}
	refs := r.Refs()
	if len(refs) > MaxRefs {
		return fmt.Errorf("%w: %s reads more than %d claims", ErrRule, r.Key, MaxRefs)
	}
	for _, ref := range refs {
		if !ref.plain() {
			return fmt.Errorf("%w: %s reads %s, but a path in a rule is names only", ErrRule, r.Key, ref)
		}
	}
	if err := r.table(); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrRule, r.Key, err)
	}
	return nil
}

// isKey: lower-case words joined by dots, article.length; all but the first may
// have underscores.
func isKey(s string) bool {
	if len(s) > 64 {
		return false
	}
	letters := "abcdefghijklmnopqrstuvwxyz0123456789"
	for word := range strings.SplitSeq(s, ".") {
		if word == "" || word[0] < 'a' || word[0] > 'z' || strings.TrimLeft(word, letters) != "" {
			return false
		}
		letters = "abcdefghijklmnopqrstuvwxyz0123456789_"
	}
	return true
}

func (r *Rule) table() error {
	switch {
	case r.Pick != nil:
		if len(r.Pick.Only) == 0 || len(r.Pick.Only) > MaxRows || r.Pick.Max < 0 {
			return errors.New("pick.only needs 1 to 64 values")
		}
		if r.Default != nil {
			return errors.New("a pick has no default")
		}
	case r.Bucket != nil:
		return steps(r.Bucket)
	case r.When != nil:
		return rows(r.When)
	case r.Map != nil:
		if len(r.Map) == 0 || len(r.Map) > MaxRows {
			return errors.New("map needs 1 to 64 rows")
		}
		for _, v := range r.Map {
			if !value(v) {
				return errors.New("map gives text, true or false only")
			}
		}
	}
	return nil
}

func steps(bs []Bucket) error {
	if len(bs) < 2 || len(bs) > MaxRows {
		return errors.New("bucket needs at least two steps")
	}
	for i, b := range bs {
		last := i == len(bs)-1
		switch {
		case b.Then == "" || (b.UpTo == nil) != last:
			return errors.New("every step of bucket but the last has up_to, all have then")
		case i > 0 && !last && *b.UpTo <= *bs[i-1].UpTo:
			return errors.New("the steps of bucket go up")
		}
	}
	return nil
}

func rows(ws []When) error {
	if len(ws) == 0 || len(ws) > MaxRows {
		return errors.New("when needs 1 to 64 rows")
	}
	for _, w := range ws {
		if len(w.If) == 0 || len(w.If) > MaxConds || w.Then == "" {
			return errors.New("a row of when needs conditions and a value")
		}
	}
	return nil
}

func value(v any) bool {
	switch v := v.(type) {
	case string:
		return v != "" && len(v) <= 64
	case bool:
		return true
	}
	return false
}
