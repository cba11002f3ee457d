//go:build !js

// Package aries is the only door to aries-framework-go: it resolves did:web,
// and did:key a second time for comparison, behind did.Resolver.
//
// The framework's own did:web reads without limits or timeouts and takes
// whatever document comes; here it gets a guarded client that knows one
// address, and the document must be about the DID that was asked for. It does
// not build for the browser, where it would cost 4.5 MB.
package aries

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"

	ariesdid "github.com/hyperledger/aries-framework-go/pkg/doc/did"
	vdrapi "github.com/hyperledger/aries-framework-go/pkg/framework/aries/api/vdr"
	"github.com/hyperledger/aries-framework-go/pkg/vdr/key"
	"github.com/hyperledger/aries-framework-go/pkg/vdr/web"

	"facet/credentials/did"
	"facet/credentials/jose"
	"facet/fetch"
)

// MaxDocument is the most bytes a DID document may have.
const MaxDocument = 64 << 10

// mediaTypes are what a did:web document may be served as.
var mediaTypes = []string{"application/did+json", "application/json", "application/did+ld+json"}

// Config of the resolvers.
type Config struct {
	Fetch fetch.Fetcher // required

	// InsecureHTTP fetches did:web over http. It is for demonstrations, with a
	// Fetcher that reaches nothing but loopback.
	InsecureHTTP bool
}

// Methods returns the resolvers for did:web and did:key.
func Methods(c Config) (did.Methods, error) {
	if c.Fetch == nil {
		return nil, errors.New("aries: Fetch is required")
	}
	return did.Methods{"web": webMethod{c}, "key": keyMethod{}}, nil
}

type keyMethod struct{}

// Resolve expands a did:key into its document and takes the key out of that.
func (keyMethod) Resolve(_ context.Context, didURL string) (*jose.PublicKey, error) {
	u, err := did.Parse(didURL)
	if err != nil {
		return nil, err
	}
	if u.Fragment == "" {
		u.Fragment = u.ID
	}
	resolution, err := held(func() (*ariesdid.DocResolution, error) { return key.New().Read(u.DID()) })
	if err != nil {
		return nil, did.NewError("did_malformed", "did:key does not expand", err)
	}
	return find(resolution.DIDDocument, u)
}

// errPanicked says that the framework fell over what it was given.
var errPanicked = errors.New("the framework panicked")

// held keeps a panic of the framework inside this door: it slices by a length
// that a hostile did:key can make negative, and it is archived.
func held(read func() (*ariesdid.DocResolution, error)) (doc *ariesdid.DocResolution, err error) {
	defer func() {
		if recover() != nil {
			doc, err = nil, errPanicked
		}
	}()
	return read()
}

type webMethod struct{ config Config }

// webID is a host name, perhaps with a port, and path segments; nothing that
// could mean something else once it stands in a URL.
var webID = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(%3A[0-9]{1,5})?(:[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`)

// Resolve fetches a did:web document and finds the key the fragment names,
// which must be there for assertions or authentication. Reasons beyond did's
// own: those of fetch.
func (m webMethod) Resolve(ctx context.Context, didURL string) (*jose.PublicKey, error) {
	u, err := did.Parse(didURL)
	if err != nil {
		return nil, err
	}
	if u.Method != "web" || !webID.MatchString(u.ID) {
		return nil, did.NewError("did_malformed", "not a did:web", nil)
	}
	if u.Fragment == "" {
		return nil, did.NewError("did_key_unknown", "a did:web must name its key", nil)
	}
	guarded := &transport{ctx: ctx, fetch: m.config.Fetch}
	options := []vdrapi.DIDMethodOption{vdrapi.WithOption(web.HTTPClientOpt, &http.Client{
		Transport:     guarded,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})}
	if m.config.InsecureHTTP {
		options = append(options, vdrapi.WithOption(web.UseHTTPOpt, true))
	}
	resolution, err := held(func() (*ariesdid.DocResolution, error) { return web.New().Read(u.DID(), options...) })
	if guarded.err != nil {
		return nil, did.NewError("did_fetch", "document cannot be fetched", guarded.err)
	}
	if err != nil {
		return nil, did.NewError("did_malformed", "document does not parse", err)
	}
	if resolution.DIDDocument.ID != u.DID() {
		return nil, did.NewError("did_mismatch", "document is about another DID", nil)
	}
	return find(resolution.DIDDocument, u)
}

// A transport makes the framework's one request through the guarded fetcher.
type transport struct {
	ctx   context.Context // of one Resolve; the framework has no way to pass it
	fetch fetch.Fetcher
	err   error // why there was no document
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.fetch.Do(t.ctx, fetch.Request{Method: r.Method, URL: r.URL.String(), Accept: mediaTypes, MaxBytes: MaxDocument})
	if err == nil {
		err = answer.OK()
	}
	if err == nil {
		_, err = jose.ParseObject(answer.Body, jose.Limits{MaxSize: MaxDocument})
	}
	if err != nil {
		t.err = err
		return nil, err
	}
	return &http.Response{
		Status: http.StatusText(answer.Status), StatusCode: answer.Status, Header: answer.Header,
		Body: io.NopCloser(bytes.NewReader(answer.Body)), ContentLength: int64(len(answer.Body)), Request: r,
	}, nil
}

// find takes the named key from the verification methods that may sign.
func find(doc *ariesdid.Doc, u did.URL) (*jose.PublicKey, error) {
	want := u.DID() + "#" + u.Fragment
	for _, v := range slices.Concat(doc.AssertionMethod, doc.Authentication) {
		method := v.VerificationMethod
		if method.ID != want || method.Controller != u.DID() {
			continue
		}
		return publicKey(&method)
	}
	return nil, did.NewError("did_key_unknown", "document has no such key to sign with", nil)
}

func publicKey(method *ariesdid.VerificationMethod) (*jose.PublicKey, error) {
	if jwk := method.JSONWebKey(); jwk != nil {
		text, err := jwk.MarshalJSON()
		if err != nil {
			return nil, did.NewError("did_malformed", "key does not encode", err)
		}
		k, err := jose.ParsePublicKey(text)
		if err != nil {
			return nil, did.NewError("did_malformed", "key is not one of ours", err)
		}
		return k, nil
	}
	if method.Type != "Ed25519VerificationKey2018" && method.Type != "Ed25519VerificationKey2020" {
		return nil, did.NewError("did_method_unsupported", "kind of key", nil)
	}
	k, err := jose.PublicKeyFromCrypto(ed25519.PublicKey(method.Value))
	if err != nil {
		return nil, did.NewError("did_malformed", "key is not one of ours", err)
	}
	return k, nil
}
