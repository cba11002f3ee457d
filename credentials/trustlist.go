package credentials

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"facet/credentials/claims"
	"facet/credentials/jose"
)

// Limits of a trust list.
const (
	MaxTrustList  = 4 << 20 // bytes of JSON
	MaxIssuers    = 256
	MaxVerifiers  = 1024
	MaxRegistrars = 64
	MaxCRLs       = 64 // certificate revocation lists
)

// A TrustList is a versioned JSON document that names issuers, verifiers and
// registrars of verifiers, and the certificate each is known by; a verifier may
// be known by its DID instead. It implements TrustStore, Verifiers, Registrars
// and statuslist.Keys. It never changes and is safe for concurrent use.
type TrustList struct {
	version          int
	names            map[string]string
	issuers          []issuerEntry
	verifiers        []verifierEntry
	registrars       []registrarEntry
	issuerAnchors    []*x509.Certificate
	verifierAnchors  []*x509.Certificate
	registrarAnchors []*x509.Certificate
	crls             []*x509.RevocationList
	statusEKU        asn1.ObjectIdentifier // of signers of status lists; nil: not known
	sum              [sha256.Size]byte
}

type issuerEntry struct {
	id    string
	names map[string]string
	vcts  []string
	subject
}

// A verifierEntry is known by a certificate, or by its DID alone.
type verifierEntry struct {
	id, domain      string
	names, register map[string]string
	did             string // "": by certificate
	subject
}

type registrarEntry struct {
	id    string
	names map[string]string
	stops bool // of requests beyond what was registered
	subject
}

// A subject is who a certificate must be for: an anchor, and what the leaf
// under it must show. Without organization and san every leaf will do.
type subject struct {
	anchor       *x509.Certificate
	organization string
	san          string // a dNSName, or a URI
}

// ParseTrustList reads the JSON (schema urn:facet:schema:trust-list:1).
// Reason trust_list_malformed.
func ParseTrustList(text []byte) (*TrustList, error) {
	o, err := jose.ParseObject(text, jose.Limits{MaxSize: MaxTrustList})
	if err != nil {
		return nil, wrap("trust_list_malformed", "trust list is not strict JSON", err)
	}
	l := &TrustList{}
	canonical, err := claims.Canonical(o)
	if err != nil {
		return nil, wrap("trust_list_malformed", "trust list has no canonical form", err)
	}
	l.sum = sha256.Sum256(canonical)
	r := &listReader{anchors: map[string]*x509.Certificate{}}
	n, _ := o["version"].(json.Number)
	version, err := n.Int64()
	if err != nil || version < 1 {
		r.fail("version")
	}
	l.version = int(version)
	l.names = r.localized(o, "name")
	for _, e := range r.objects(o, "issuers", MaxIssuers) {
		l.issuers = append(l.issuers, issuerEntry{
			id: r.text(e, "id"), names: r.localized(e, "name"), vcts: r.texts(e, "vct"), subject: r.subject(e),
		})
	}
	for _, e := range r.objects(o, "verifiers", MaxVerifiers) {
		v := verifierEntry{id: r.text(e, "id"), domain: r.text(e, "domain"), names: r.localized(e, "name")}
		if _, present := e["did"]; present {
			v.did = r.did(e)
		} else {
			v.subject = r.subject(e)
		}
		if _, present := e["register"]; present {
			v.register = r.localized(e, "register")
		}
		l.verifiers = append(l.verifiers, v)
	}
	l.registrars = r.registrars(o)
	l.crls = r.crls(o)
	l.statusEKU = r.identifier(o, "status_eku")
	if r.err != nil {
		return nil, r.err
	}
	return l, l.index()
}

// index collects the anchors and refuses ids that are not unique: memory of a
// party hangs on its id.
func (l *TrustList) index() error {
	seen := map[string]bool{}
	for _, e := range l.issuers {
		if seen["i"+e.id] {
			return fail("trust_list_malformed", "two issuers with one id")
		}
		seen["i"+e.id] = true
		if !slices.Contains(l.issuerAnchors, e.anchor) {
			l.issuerAnchors = append(l.issuerAnchors, e.anchor)
		}
	}
	for _, e := range l.verifiers {
		if seen["v"+e.id] {
			return fail("trust_list_malformed", "two verifiers with one id")
		}
		seen["v"+e.id] = true
		if e.did == "" && !slices.Contains(l.verifierAnchors, e.anchor) {
			l.verifierAnchors = append(l.verifierAnchors, e.anchor)
		}
	}
	for _, e := range l.registrars {
		if seen["r"+e.id] {
			return fail("trust_list_malformed", "two registrars with one id")
		}
		seen["r"+e.id] = true
		if !slices.Contains(l.registrarAnchors, e.anchor) {
			l.registrarAnchors = append(l.registrarAnchors, e.anchor)
		}
	}
	return nil
}

// Version is the list's version.
func (l *TrustList) Version() int { return l.version }

// SHA256 is the hash of the list's canonical JSON (RFC 8785): two texts that say
// the same have the same.
func (l *TrustList) SHA256() [sha256.Size]byte { return l.sum }

// Names is the list's name by language.
func (l *TrustList) Names() map[string]string { return l.names }

// vouches reports whether the entry means this chain.
func (s *subject) vouches(c *jose.Chain) bool {
	if c.Anchor != s.anchor && !c.Anchor.Equal(s.anchor) {
		return false
	}
	if s.organization != "" && !slices.Contains(c.Leaf.Subject.Organization, s.organization) {
		return false
	}
	return s.san == "" || hasName(c.Leaf, s.san)
}

func hasName(leaf *x509.Certificate, name string) bool {
	if slices.Contains(leaf.DNSNames, name) {
		return true
	}
	for _, u := range leaf.URIs {
		if u.String() == name {
			return true
		}
	}
	return false
}

// A listReader reads typed members and keeps the first error.
type listReader struct {
	err     error
	anchors map[string]*x509.Certificate // one certificate for equal texts
}

func (r *listReader) fail(name string) {
	if r.err == nil {
		r.err = fail("trust_list_malformed", "%s is missing or not what it should be", name)
	}
}

func (r *listReader) text(o map[string]any, name string) string {
	s, ok := o[name].(string)
	if !ok || s == "" || len(s) > 2048 {
		r.fail(name)
	}
	return s
}

func (r *listReader) texts(o map[string]any, name string) []string {
	list, _ := o[name].([]any)
	out := textList(o[name])
	if len(out) == 0 || len(out) != len(list) {
		r.fail(name)
	}
	return out
}

func (r *listReader) objects(o map[string]any, name string, most int) []map[string]any {
	list, ok := o[name].([]any)
	if !ok || len(list) > most {
		r.fail(name)
		return nil
	}
	var out []map[string]any
	for i, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			r.fail(fmt.Sprintf("%s[%d]", name, i))
		}
		out = append(out, m)
	}
	return out
}

// crls reads the certificate revocation lists, if there are any. Their
// signatures are checked with each chain.
func (r *listReader) crls(o map[string]any) []*x509.RevocationList {
	if _, present := o["crls"]; !present {
		return nil
	}
	var out []*x509.RevocationList
	for _, encoded := range r.texts(o, "crls") {
		der, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if err != nil || len(out) == MaxCRLs {
			r.fail("crls")
			return nil
		}
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			r.fail("crls")
			return nil
		}
		out = append(out, list)
	}
	return out
}

// identifier reads an object identifier in dots, if there is one.
func (r *listReader) identifier(o map[string]any, name string) asn1.ObjectIdentifier {
	if _, present := o[name]; !present {
		return nil
	}
	var id asn1.ObjectIdentifier
	for _, arc := range strings.Split(r.text(o, name), ".") {
		n, err := strconv.ParseUint(arc, 10, 31)
		if err != nil {
			r.fail(name)
			return nil
		}
		id = append(id, int(n))
	}
	return id
}

// localized reads a text, or texts by language.
func (r *listReader) localized(o map[string]any, name string) map[string]string {
	if s, ok := o[name].(string); ok && s != "" {
		return map[string]string{"": s}
	}
	m, ok := o[name].(map[string]any)
	if !ok || len(m) == 0 {
		r.fail(name)
	}
	out := make(map[string]string, len(m))
	for language, v := range m {
		s, ok := v.(string)
		if !ok || s == "" {
			r.fail(name)
		}
		out[language] = s
	}
	return out
}

func (r *listReader) subject(o map[string]any) subject {
	s := subject{anchor: r.anchor(r.text(o, "anchor"))}
	leaf, present := o["leaf"]
	if !present {
		return s
	}
	m, ok := leaf.(map[string]any)
	if !ok || len(m) == 0 {
		r.fail("leaf")
	}
	if _, present := m["organization"]; present {
		s.organization = r.text(m, "organization")
	}
	if _, present := m["san"]; present {
		s.san = r.text(m, "san")
	}
	return s
}

func (r *listReader) anchor(encoded string) *x509.Certificate {
	if c := r.anchors[encoded]; c != nil {
		return c
	}
	der, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		r.fail("anchor")
		return nil
	}
	c, err := x509.ParseCertificate(der)
	if err != nil || !c.IsCA {
		r.fail("anchor")
		return nil
	}
	r.anchors[encoded] = c
	return c
}

// plainName is one name of several: the only one, English, or the first by
// language.
func plainName(names map[string]string) string {
	for _, language := range []string{"", "en"} {
		if s := names[language]; s != "" {
			return s
		}
	}
	languages := make([]string, 0, len(names))
	for language := range names {
		languages = append(languages, language)
	}
	if len(languages) == 0 {
		return ""
	}
	return names[slices.Min(languages)]
}
