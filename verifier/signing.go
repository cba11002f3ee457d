package verifier

import (
	"context"
	"strings"

	"facet/credentials/did"
	"facet/credentials/openid4vp"
)

// A signing is an Identity and the client identifier it can be asked under.
type signing struct {
	Identity
	clientID   string // empty for redirect_uri, whose client is each request's own
	registered []registration
}

// same reports whether s signs as other does: then it takes its place.
func (s *signing) same(other *signing) bool {
	return s.clientID == other.clientID && s.Kid == other.Kid && s.Signer.Public().Equal(other.Signer.Public())
}

// request signs a request object: with the chain in its header, or for a DID
// with the verification method (OpenID4VP §5.9.3).
func (s *signing) request(ctx context.Context, r openid4vp.RequestObject) (string, error) {
	if s.Kid != "" {
		return openid4vp.SignRequestDID(ctx, s.Signer, s.Kid, r)
	}
	return openid4vp.SignRequest(ctx, s.Signer, s.X5C, r)
}

// header is that of other statements: who signed can be found from it.
func (s *signing) header(typ string) map[string]any {
	if s.Kid != "" {
		return map[string]any{"typ": typ, "kid": s.Kid}
	}
	return map[string]any{"typ": typ, "x5c": s.X5C}
}

// checkDID resolves the verification method and compares its key with the one
// that will sign: a wallet would find out otherwise. The document of a did:web
// must be there, now and whenever a wallet looks. Reasons: did_key_mismatch and
// those of the resolver.
func (p *platform) checkDID(ctx context.Context, id Identity) error {
	owner, fragment, _ := strings.Cut(id.Kid, "#")
	if !strings.HasPrefix(owner, "did:") || fragment == "" {
		return fail("did_malformed", "the verification method must be a DID and, after #, the name of its key")
	}
	var resolver openid4vp.KeyResolver = did.SelfContained()
	if p.around.DIDs != nil {
		resolver = p.around.DIDs
	}
	key, err := resolver.Resolve(ctx, id.Kid)
	if err != nil {
		return &Error{reason: reasonOf(err, "did_unresolved"), err: err}
	}
	if !key.Equal(id.Signer.Public()) {
		return fail("did_key_mismatch", "%s has another key than the one that signs", owner)
	}
	return nil
}

// didOf is the DID a verification method belongs to.
func didOf(kid string) string {
	owner, _, _ := strings.Cut(kid, "#")
	return owner
}
