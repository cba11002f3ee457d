package policy

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"facet/credentials/dcql"
	"facet/policy/hints"
	"facet/schemas"
)

// Limits of a policy's parts.
const (
	MaxText        = 500 // characters of one text
	MaxHints       = 16
	MaxCredentials = 8
	maxVersion     = 1<<32 - 1
)

// Languages every text must have.
var Languages = []string{"de", "en"}

// Check lists everything wrong with the policy, in the order of its members;
// nothing when it may be used.
func (p *Policy) Check() []*Error {
	c := &checker{policy: p}
	c.head()
	c.credentials()
	c.hints()
	if c.purpose != nil && len(p.Hints) <= MaxHints {
		c.allowed()
		c.required()
	}
	if len(c.problems) == 0 {
		if n := len(p.queries()); n > dcql.MaxCredentials {
			c.add(ReasonTooMuch, "hints", "compiles to %d queries, at most %d are allowed: drop optional hints from issuer-signed credentials", n, dcql.MaxCredentials)
		}
	}
	return c.problems
}

type checker struct {
	policy   *Policy
	purpose  *schemas.Purpose // nil when unknown
	problems []*Error
}

func (c *checker) add(code, at, format string, args ...any) {
	c.problems = append(c.problems, &Error{code, at, fmt.Sprintf(format, args...)})
}

func (c *checker) head() {
	p := c.policy
	if !isID(p.ID) {
		c.add(ReasonMalformed, "policy", "an id is lower-case letters, digits, dots and slashes, like morgenblatt.example/home")
	}
	if p.Version < 1 || p.Version > maxVersion {
		c.add(ReasonMalformed, "version", "is a whole number from 1")
	}
	if purpose, ok := schemas.PurposeByID(p.Purpose); ok {
		c.purpose = &purpose
	} else if p.Purpose == "" {
		c.add(ReasonText, "purpose", "is missing: a policy says what it is for")
	} else {
		c.add(ReasonPurpose, "purpose", "%q is not in the closed list", p.Purpose)
	}
	c.retention()
	c.line("controller.name", p.Controller.Name)
	c.address("controller.privacy_policy", p.Controller.PrivacyPolicy)
	if p.Controller.Support != "" {
		c.address("controller.support", p.Controller.Support)
	}
	c.text("question", p.Question)
	c.text("benefit", p.Benefit)
	c.outputs()
}

func (c *checker) retention() {
	keep, ok := ParseRetention(c.policy.Retention)
	if !ok {
		c.add(ReasonMalformed, "retention", "is days (P7D), hours (PT12H) or nothing (PT0S)")
		return
	}
	if c.purpose == nil {
		return
	}
	if most, _ := ParseRetention(c.purpose.Retention.Max); keep > most {
		c.add(ReasonRetention, "retention", "%s is longer than %s allows (%s)", c.policy.Retention, c.policy.Purpose, c.purpose.Retention.Max)
	}
}

func (c *checker) outputs() {
	if len(c.policy.Outputs) == 0 {
		c.add(ReasonOutput, "outputs", "name at least one way hints may leave")
	}
	for i, o := range c.policy.Outputs {
		at := fmt.Sprintf("outputs[%d]", i)
		switch {
		case slices.Contains(c.policy.Outputs[:i], o):
			c.add(ReasonOutput, at, "%q is listed twice", o)
		case c.purpose != nil && !slices.Contains(c.purpose.Outputs, o):
			c.add(ReasonOutput, at, "%s does not allow %q; it allows %s", c.policy.Purpose, o, strings.Join(c.purpose.Outputs, ", "))
		}
	}
}

func (c *checker) credentials() {
	n := len(c.policy.Credentials)
	if n == 0 || n > MaxCredentials {
		c.add(ReasonCredentials, "credentials", "a policy takes 1 to %d kinds of credential", MaxCredentials)
	}
	used := map[string]bool{}
	for i := range c.policy.Hints {
		for _, ref := range c.policy.Hints[i].Refs() {
			used[ref.Credential] = true
		}
	}
	for _, name := range sorted(c.policy.Credentials) {
		c.credential("credentials."+name, name, c.policy.Credentials[name])
		if !used[name] {
			c.add(ReasonCredentials, "credentials."+name, "no hint uses it")
		}
	}
}

func (c *checker) credential(at, name string, k Credential) {
	if !isCredentialName(name) {
		c.add(ReasonCredentials, at, "a name is lower-case letters and digits")
	}
	if len(k.VCT) == 0 || len(k.VCT) > 4 {
		c.add(ReasonCredentials, at+".vct", "lists 1 to 4 types")
		return
	}
	for i, vct := range k.VCT {
		at := fmt.Sprintf("%s.vct[%d]", at, i)
		switch {
		case slices.Contains(k.VCT[:i], vct):
			c.add(ReasonCredentials, at, "is listed twice")
		case purposeName(vct) == "":
			c.add(ReasonCredentials, at, "%q is not a known type", vct)
		case SelfAsserted(vct) != (k.Accept == hints.SelfAsserted):
			c.add(ReasonCredentials, join(strings.TrimSuffix(at, fmt.Sprintf(".vct[%d]", i)), "accept"), "the type decides: %s is %s", vct, assurance(vct))
		case SelfAsserted(vct) && len(k.VCT) != 1:
			c.add(ReasonCredentials, at, "a self-asserted credential has one type")
		}
	}
	if k.Accept != hints.IssuerSigned && k.Accept != hints.SelfAsserted {
		c.add(ReasonCredentials, at+".accept", "is issuer-signed or self-asserted")
	}
}

// SelfAsserted reports whether credentials of this type are made by their
// holder at the moment of consent. The type alone decides.
func SelfAsserted(vct string) bool {
	return vct == schemas.MediaPreferences || vct == schemas.Today
}

func assurance(vct string) string {
	if SelfAsserted(vct) {
		return hints.SelfAsserted
	}
	return hints.IssuerSigned
}

// purposeName is what purposes call a type; "" for an unknown one.
func purposeName(vct string) string {
	for name, v := range schemas.CredentialVCTs() {
		if v == vct {
			return name
		}
	}
	return ""
}

func (c *checker) hints() {
	p := c.policy
	if len(p.Hints) == 0 || len(p.Hints) > MaxHints {
		c.add(ReasonRule, "hints", "a policy has 1 to %d hints", MaxHints)
		return
	}
	var read []hints.Ref
	for i := range p.Hints {
		r := &p.Hints[i]
		at := fmt.Sprintf("hints[%d]", i)
		if slices.ContainsFunc(p.Hints[:i], func(o hints.Rule) bool { return o.Key == r.Key }) {
			c.add(ReasonRule, at+".key", "%q is there twice", r.Key)
		}
		if err := r.Validate(); err != nil {
			c.add(ReasonRule, at, "%s", strings.TrimPrefix(err.Error(), "hints: rule: "))
			c.texts(at, r)
			continue // its claims are not worth looking at
		}
		for _, ref := range r.Refs() {
			if _, ok := p.Credentials[ref.Credential]; !ok {
				c.add(ReasonRule, at, "credential %q is not in credentials", ref.Credential)
			}
			if slices.ContainsFunc(read, ref.Equal) {
				c.add(ReasonShared, at, "%s is read by another hint already: with two switches for one claim neither would switch", ref)
			}
			read = append(read, ref)
		}
		c.texts(at, r)
	}
}

func (c *checker) texts(at string, r *hints.Rule) {
	c.text(at+".label", r.Label)
	c.text(at+".with", r.With)
	if r.Without != nil || !r.Required {
		c.text(at+".without", r.Without)
	}
	c.text(at+".explain", r.Explain)
	for _, lang := range sorted(r.Explain) {
		for _, ph := range placeholders(r.Explain[lang]) {
			if ph != "{claim}" && ph != "{value}" {
				c.add(ReasonText, at+".explain."+lang, "%s is not a placeholder: {claim} and {value} are", ph)
			}
		}
	}
	for _, v := range sorted(r.Values) {
		c.text(at+".values."+v, r.Values[v])
	}
}

// text checks one text in all its languages.
func (c *checker) text(at string, t hints.Text) {
	for _, lang := range Languages {
		if t[lang] == "" {
			c.add(ReasonText, at+"."+lang, "is missing")
		}
	}
	for _, lang := range sorted(t) {
		if !isLanguage(lang) {
			c.add(ReasonText, at+"."+lang, "%q is not a language", lang)
		}
		if t[lang] != "" {
			c.line(at+"."+lang, t[lang])
		}
	}
}

// line checks one string that people read.
func (c *checker) line(at, s string) {
	switch {
	case strings.TrimSpace(s) == "":
		c.add(ReasonText, at, "is missing")
	case !utf8.ValidString(s):
		c.add(ReasonText, at, "is not UTF-8")
	case utf8.RuneCountInString(s) > MaxText:
		c.add(ReasonText, at, "has %d characters, at most %d are allowed", utf8.RuneCountInString(s), MaxText)
	case strings.ContainsFunc(s, deceptive):
		c.add(ReasonText, at, "has a control character: texts must read as they are written")
	}
}

// deceptive reports characters that change how others are shown: controls,
// bidirectional marks and overrides, invisible joiners, line separators.
func deceptive(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f, // C0, DEL, C1
		r == 0x061c, r == 0x180e, // Arabic letter mark, Mongolian vowel separator
		r >= 0x200b && r <= 0x200f,       // zero width, LRM, RLM
		r >= 0x2028 && r <= 0x202e,       // separators, bidi embeddings and overrides
		r >= 0x2060 && r <= 0x206f,       // invisible operators, bidi isolates
		r == 0xfeff, r == utf8.RuneError, // byte order mark
		r >= 0xe0000 && r <= 0xe0fff: // tags
		return true
	}
	return false
}

func (c *checker) address(at, s string) {
	u, err := url.Parse(s)
	loopback := err == nil && u.Scheme == "http" && (u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost"))
	if err != nil || u.Host == "" || u.User != nil || len(s) > MaxText || (u.Scheme != "https" && !loopback) {
		c.add(ReasonText, at, "is an https address")
	}
	if strings.ContainsFunc(s, deceptive) {
		c.add(ReasonText, at, "has a control character")
	}
}
