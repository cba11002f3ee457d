// Package did turns a DID URL into the public key it names. Here are the two
// methods whose identifiers contain their key, did:jwk and did:key; others
// implement Resolver elsewhere.
//
// A key found this way is only what the identifier says. Whether anybody
// should believe its holder is not decided here, and nothing is fetched.
package did

import (
	"context"
	"strings"

	"facet/credentials/jose"
)

// MaxURL is the most bytes a DID URL may have.
const MaxURL = 2048

// A Resolver finds the key a DID URL names. It is safe for concurrent use and
// may block until ctx ends. Every error has a Reason: did_malformed,
// did_method_unsupported, did_key_unknown, or what lies below. Unknown is an
// error.
type Resolver interface {
	Resolve(ctx context.Context, didURL string) (*jose.PublicKey, error)
}

// An Error says why a DID URL names no key.
type Error struct {
	reason string
	detail string
	cause  error
}

// NewError makes an Error, for Resolvers elsewhere. A cause with a Reason of
// its own keeps it.
func NewError(reason, detail string, cause error) *Error {
	if r, ok := cause.(interface{ Reason() string }); ok {
		reason = r.Reason()
	}
	return &Error{reason, detail, cause}
}

// Error returns the reason and one plain sentence.
func (e *Error) Error() string { return "did: " + e.reason + ": " + e.detail }

// Reason returns the stable code of the refusal.
func (e *Error) Reason() string { return e.reason }

// Unwrap returns what lies below, if anything does.
func (e *Error) Unwrap() error { return e.cause }

// A URL is a DID URL taken apart: a DID and a fragment. Paths and queries are
// not known here (DID Core §3.2).
type URL struct {
	Method   string // such as "jwk"
	ID       string // what follows "did:<method>:"
	Fragment string // without "#"; "" if there is none
}

// Parse takes a DID URL apart. Reason did_malformed.
func Parse(didURL string) (URL, error) {
	malformed := func() (URL, error) { return URL{}, NewError("did_malformed", "not a DID URL", nil) }
	if len(didURL) > MaxURL {
		return malformed()
	}
	did, fragment, hasFragment := strings.Cut(didURL, "#")
	rest, ok := strings.CutPrefix(did, "did:")
	method, id, _ := strings.Cut(rest, ":")
	if !ok || id == "" || hasFragment && fragment == "" || !each(method, isMethod) || !each(id, isID) || !each(fragment, isFragment) {
		return malformed()
	}
	return URL{method, id, fragment}, nil
}

// DID returns the DID without the fragment.
func (u URL) DID() string { return "did:" + u.Method + ":" + u.ID }

func each(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func isMethod(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

func isID(c byte) bool {
	return isMethod(c) || c >= 'A' && c <= 'Z' || strings.IndexByte("._-:%", c) >= 0
}

func isFragment(c byte) bool { return isID(c) || c == '~' }

// Methods is a Resolver that asks another one by method. A method that is not
// there is refused: did_method_unsupported.
type Methods map[string]Resolver

// SelfContained returns the methods of this package.
func SelfContained() Methods { return Methods{"jwk": jwkMethod{}, "key": keyMethod{}} }

// Resolve asks the method's resolver.
func (m Methods) Resolve(ctx context.Context, didURL string) (*jose.PublicKey, error) {
	u, err := Parse(didURL)
	if err != nil {
		return nil, err
	}
	r, ok := m[u.Method]
	if !ok {
		return nil, NewError("did_method_unsupported", "this DID method is not known here", nil)
	}
	return r.Resolve(ctx, didURL)
}
