package verifier

import (
	"context"
	"strings"

	"facet/credentials/openid4vp"
)

// A signing is an Identity and the client identifier it can be asked under.
type signing struct {
	Identity
	clientID   string // empty for redirect_uri, whose client is each request's own
	registered []registration
	proven     bool // the DID document was seen to name the key; certificates prove themselves
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

// didOf is the DID a verification method belongs to.
func didOf(kid string) string {
	owner, _, _ := strings.Cut(kid, "#")
	return owner
}
