package passkey

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// An attestation is what a browser sends after making a passkey. There is no
// field for extension outputs, and unknown fields are refused.
type attestation struct {
	ID       string `json:"id"`
	RawID    string `json:"rawId"`
	Type     string `json:"type"`
	Response struct {
		ClientDataJSON    string   `json:"clientDataJSON"`
		AttestationObject string   `json:"attestationObject"`
		Transports        []string `json:"transports,omitempty"`
	} `json:"response"`
}

// An assertion is what a browser sends to sign in.
type assertion struct {
	ID       string `json:"id"`
	RawID    string `json:"rawId"`
	Type     string `json:"type"`
	Response struct {
		ClientDataJSON    string `json:"clientDataJSON"`
		AuthenticatorData string `json:"authenticatorData"`
		Signature         string `json:"signature"`
		UserHandle        string `json:"userHandle,omitempty"`
	} `json:"response"`
}

// decode reads a message strictly into v and writes it again, so that nothing
// but the known fields reaches the library.
func decode(body []byte, v any) ([]byte, error) {
	if len(body) > MaxBody {
		return nil, invalid(errors.New("the message is too large"))
	}
	if err := refuseOutputs(body); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return nil, invalid(errors.New("the message is not a passkey's answer"))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, invalid(errors.New("something follows the message"))
	}
	return json.Marshal(v)
}

// refuseOutputs finds extension outputs anywhere in the message, in any case
// and at any depth, before anything else looks at it. PublicKeyCredential's
// toJSON() puts the PRF output there; a page that sends it is broken or hostile.
func refuseOutputs(body []byte) error {
	d := json.NewDecoder(bytes.NewReader(body))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return invalid(errors.New("the message is not JSON"))
		}
		if s, ok := token.(string); ok && (strings.EqualFold(s, "prf") || strings.EqualFold(s, "clientExtensionResults")) {
			return &Error{ReasonPRF, fmt.Errorf("the message has a member %q", s)}
		}
	}
}
