package credentials

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"facet/credentials/jose"
	"facet/fetch"
)

// MaxIssuerMetadata bounds an issuer metadata document, and its key set, in
// bytes.
const MaxIssuerMetadata = 64 << 10

// IssuerMetadata is the JWT VC Issuer Metadata mechanism (§4): a TrustStore of
// issuers known by their https iss, whose keys are fetched from a well-known
// URL each time. Only issuers listed are asked: an unknown iss causes no
// request.
type IssuerMetadata struct {
	Fetch   fetch.Fetcher
	Issuers map[string]KnownIssuer // by iss
}

// A KnownIssuer is an issuer whose metadata may be fetched.
type KnownIssuer struct {
	ID   string
	Name string
	VCTs []string
}

// Mechanisms asks X5C about credentials with certificates and Metadata about
// those without; a nil one refuses.
type Mechanisms struct {
	X5C      TrustStore
	Metadata TrustStore
}

// IssuerKey implements TrustStore.
func (m Mechanisms) IssuerKey(ctx context.Context, q TrustQuery) (*Issuer, error) {
	store := m.Metadata
	if q.X5C != nil {
		store = m.X5C
	}
	if store == nil {
		return nil, fail("issuer_untrusted", "this way of naming the issuer's key is not accepted")
	}
	return store.IssuerKey(ctx, q)
}

// IssuerKey implements TrustStore. The key is the one with the credential's
// kid; without kid the set must hold exactly one. Reasons: issuer_untrusted,
// issuer_metadata, and fetch's.
func (m *IssuerMetadata) IssuerKey(ctx context.Context, q TrustQuery) (*Issuer, error) {
	known, ok := m.Issuers[q.Iss]
	if !ok || q.X5C != nil || !slices.Contains(known.VCTs, q.VCT) {
		return nil, fail("issuer_untrusted", "nobody with this iss may issue this type")
	}
	at, err := IssuerMetadataURL(q.Iss)
	if err != nil {
		return nil, err
	}
	doc, err := m.get(ctx, at, "application/json")
	if err != nil {
		return nil, err
	}
	if named, _ := doc["issuer"].(string); named != q.Iss {
		return nil, fail("issuer_metadata", "the metadata is another issuer's")
	}
	keys, err := m.keys(ctx, doc)
	if err != nil {
		return nil, err
	}
	key, err := pickKey(keys, q.Kid)
	if err != nil {
		return nil, err
	}
	return &Issuer{Key: key, ID: known.ID, Name: known.Name, Mechanism: "jwt-vc-issuer"}, nil
}

// IssuerMetadataURL inserts the well-known path between host and path of iss,
// without a trailing slash (§4.1).
func IssuerMetadataURL(iss string) (string, error) {
	u, err := url.Parse(iss)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fail("issuer_metadata", "iss is not an https URL without query and fragment")
	}
	return "https://" + u.Host + "/.well-known/jwt-vc-issuer" + strings.TrimSuffix(u.EscapedPath(), "/"), nil
}

// keys reads exactly one of jwks and jwks_uri (§4.2).
func (m *IssuerMetadata) keys(ctx context.Context, doc map[string]any) (jose.KeySet, error) {
	inline, hasInline := doc["jwks"]
	uri, hasURI := doc["jwks_uri"]
	if hasInline == hasURI {
		return nil, fail("issuer_metadata", "the metadata needs either jwks or jwks_uri")
	}
	set, ok := inline.(map[string]any)
	if hasURI {
		s, isText := uri.(string)
		if !isText {
			return nil, fail("issuer_metadata", "jwks_uri is not a string")
		}
		var err error
		if set, err = m.get(ctx, s, "application/json", "application/jwk-set+json"); err != nil {
			return nil, err
		}
	} else if !ok {
		return nil, fail("issuer_metadata", "jwks is not an object")
	}
	keys, err := jose.ParseKeySet(set)
	if err != nil {
		return nil, wrap("issuer_metadata", "key set", err)
	}
	return keys, nil
}

func pickKey(keys jose.KeySet, kid string) (*jose.PublicKey, error) {
	if kid != "" {
		return keys.Find(kid)
	}
	if len(keys) != 1 {
		return nil, fail("issuer_metadata", "without kid the key set must hold one key")
	}
	return keys[0], nil
}

func (m *IssuerMetadata) get(ctx context.Context, at string, accept ...string) (map[string]any, error) {
	if m.Fetch == nil {
		return nil, errors.New("credentials: IssuerMetadata.Fetch is not set")
	}
	r, err := m.Fetch.Do(ctx, fetch.Request{Method: "GET", URL: at, Accept: accept, MaxBytes: MaxIssuerMetadata})
	if err != nil {
		return nil, err
	}
	if err := r.OK(); err != nil {
		return nil, err
	}
	doc, err := jose.ParseObject(r.Body, jose.Limits{MaxSize: MaxIssuerMetadata})
	if err != nil {
		return nil, wrap("issuer_metadata", "the document is not strict JSON", err)
	}
	return doc, nil
}
