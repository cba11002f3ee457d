// Package openid4vp holds the messages of OpenID for Verifiable Presentations
// 1.0: request objects, the rules of client identifiers, responses, and the
// policy offer that Facet's verifier puts beside a request.
//
// It keeps no state and makes no decision: which answer to accept is the
// verifier's affair, whether to answer the wallet's. It does not look inside a
// presentation (package credentials) and does not implement scopes, requests
// with several signatures, verifier attestations, OpenID Federation, or
// transaction data of other types than Facet's own; requests that need them are
// refused.
package openid4vp

// Limits on what comes from outside.
const (
	MaxRequest   = 64 << 10  // bytes of a request object
	MaxResponse  = 256 << 10 // bytes of a response's form body
	MaxAuthorize = 8 << 10   // bytes of the parameters of an authorization URL
	MaxState     = 512       // bytes of state
	MaxNonce     = 512       // bytes of nonce
	MinNonce     = 8         // §5.2 recommends 128 bits; shorter than this is no nonce
	MaxInfo      = 16        // entries of verifier_info
	MaxQueries   = 16        // credential queries answered in one vp_token
	MaxErrorText = 200       // bytes kept of an error_description
)

// Values fixed by the specification.
const (
	ResponseType       = "vp_token"
	RequestType        = "oauth-authz-req+jwt"             // typ of a request object (§5)
	RequestMediaType   = "application/oauth-authz-req+jwt" // (§5.10.1)
	SelfIssuedAudience = "https://self-issued.me/v2"       // aud of a request to any wallet (§5.8)

	ModeDirectPost    = "direct_post"     // §8.2
	ModeDirectPostJWT = "direct_post.jwt" // §8.3.1
	ModeFragment      = "fragment"        // §5.6
	ModeDCAPI         = "dc_api"          // App. A.2
	ModeDCAPIJWT      = "dc_api.jwt"      // App. A.2

	FormatSDJWT = "dc+sd-jwt"

	EncA128GCM = "A128GCM"
	EncA256GCM = "A256GCM"
)
