package openid4vp

import (
	"encoding/json"
	"net/url"
)

// Params writes the request of a redirect_uri client as the parameters of an
// authorization URL, for ParseUnsigned (§5.9.3). What only a signed object can
// say is left out.
func (r RequestObject) Params() (url.Values, error) {
	out := url.Values{}
	for name, value := range r.claims() {
		switch text, ok := value.(string); {
		case name == "aud", name == "iat", name == "exp", name == "wallet_nonce":
		case ok:
			out.Set(name, text)
		default:
			raw, err := json.Marshal(value)
			if err != nil {
				return nil, err
			}
			out.Set(name, string(raw))
		}
	}
	return out, nil
}
