package openid4vp

import (
	"testing"
	"time"

	"facet/credentials/dcql"
)

// TestUnsignedRoundTrip: what Params writes, ParseUnsigned reads.
func TestUnsignedRoundTrip(t *testing.T) {
	q, err := dcql.Parse([]byte(`{"credentials":[{"id":"m","format":"dc+sd-jwt","meta":{"vct_values":["urn:x:1"]},"claims":[{"path":["a"]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r := RequestObject{
		ClientID: "redirect_uri:https://v.example/r", ResponseType: ResponseType, ResponseMode: ModeDirectPost, ResponseURI: "https://v.example/r",
		Nonce: "0123456789abcdef", State: "s", DCQL: q, ClientMetadata: ClientMetadata{VPFormats: SDJWTFormats()},
		Audience: SelfIssuedAudience, IssuedAt: time.Now(), ExpiresAt: time.Now(),
	}
	params, err := r.Params()
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParseAuthorize("https://w.example/authorize#" + params.Encode())
	if err != nil {
		t.Fatal(err)
	}
	u, err := ParseUnsigned(p)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readParams(u.raw)
	if err != nil {
		t.Fatal(err)
	}
	if got.ClientID != r.ClientID || got.ResponseURI != r.ResponseURI || got.Nonce != r.Nonce || got.State != r.State || !sameQuery(got.DCQL, q) || len(got.ClientMetadata.VPFormats) != 1 {
		t.Errorf("%+v", got)
	}
	for _, name := range []string{"aud", "iat", "exp"} {
		if params.Has(name) {
			t.Errorf("%s is for signed objects", name)
		}
	}
}
