package did

import (
	"context"

	"facet/credentials/jose"
)

// JWK returns the did:jwk of a key: its public members in canonical order.
func JWK(key *jose.PublicKey) (string, error) {
	text, err := key.MarshalJSON()
	if err != nil {
		return "", NewError("did_malformed", "key does not encode", err)
	}
	return "did:jwk:" + jose.EncodeBase64URL(text), nil
}

type jwkMethod struct{}

// Resolve reads the key out of a did:jwk. Its only verification method is #0.
func (jwkMethod) Resolve(_ context.Context, didURL string) (*jose.PublicKey, error) {
	u, err := Parse(didURL)
	if err != nil {
		return nil, err
	}
	if u.Method != "jwk" {
		return nil, NewError("did_method_unsupported", "not a did:jwk", nil)
	}
	if u.Fragment != "" && u.Fragment != "0" {
		return nil, NewError("did_key_unknown", "a did:jwk has one key, #0", nil)
	}
	text, err := jose.DecodeBase64URL(u.ID)
	if err != nil {
		return nil, NewError("did_malformed", "not base64url", nil)
	}
	key, err := jose.ParsePublicKey(text)
	if err != nil {
		return nil, NewError("did_malformed", "no public key inside", err)
	}
	if key.Use() == "enc" {
		return nil, NewError("did_key_unknown", "its key is for encryption only", nil)
	}
	return key, nil
}
