package openid4vci

import "encoding/json"

// A CredentialRequest asks for credentials, one for each proof (§8.2). Exactly
// one of Identifier and ConfigurationID is set.
type CredentialRequest struct {
	Identifier      string              `json:"credential_identifier,omitempty"`
	ConfigurationID string              `json:"credential_configuration_id,omitempty"`
	Proofs          map[string][]string `json:"proofs,omitempty"` // one member: "jwt"
}

// JWTProofs returns the proofs of type jwt.
func (r *CredentialRequest) JWTProofs() []string { return r.Proofs["jwt"] }

// ParseCredentialRequest reads a credential request. Reasons: size_limit,
// request_malformed, encryption if an encrypted response is asked for,
// proof_missing, proof_type_unsupported, batch_limit beyond MaxProofs.
func ParseCredentialRequest(text []byte) (*CredentialRequest, error) {
	o, err := parseObject(text, MaxMessage)
	if err != nil {
		return nil, because(CodeInvalidCredentialReq, "request_malformed", "request is not strict JSON", err)
	}
	r := &CredentialRequest{Identifier: o.text("credential_identifier"), ConfigurationID: o.text("credential_configuration_id")}
	if *o.wrong != "" || (r.Identifier == "") == (r.ConfigurationID == "") {
		return nil, NewError(CodeInvalidCredentialReq, "request_malformed", "name either a credential identifier or a configuration")
	}
	if o.has("credential_response_encryption") {
		return nil, NewError(CodeInvalidEncryption, "encryption", "encrypted responses are not offered")
	}
	proofs := o.object("proofs")
	if *o.wrong != "" || len(proofs.members) > 1 {
		return nil, NewError(CodeInvalidProof, "request_malformed", "proofs must be of one type")
	}
	for name := range proofs.members {
		if name != "jwt" {
			return nil, NewError(CodeInvalidProof, "proof_type_unsupported", "only proofs of type jwt are known here")
		}
	}
	list := proofs.texts("jwt")
	if *o.wrong != "" || len(list) == 0 {
		return nil, NewError(CodeInvalidProof, "proof_missing", "no key proof")
	}
	if len(list) > MaxProofs {
		return nil, NewError(CodeInvalidCredentialReq, "batch_limit", "too many proofs")
	}
	r.Proofs = map[string][]string{"jwt": list}
	return r, nil
}

// A CredentialResponse carries the issued credentials, in no promised order
// (§8.3).
type CredentialResponse struct {
	Credentials []IssuedCredential `json:"credentials"`
}

// An IssuedCredential is one credential as issued; nothing about it is
// verified.
type IssuedCredential struct {
	Credential string `json:"credential"`
}

// ParseCredentialResponse reads the answer to a request with this many proofs.
// Reasons: response_malformed; credential_deferred if the issuer wants to be
// asked again later, which this package does not do; batch_limit if there are
// more credentials than proofs.
func ParseCredentialResponse(text []byte, proofs int) (*CredentialResponse, error) {
	o, err := parseObject(text, MaxResponse)
	if err != nil {
		return nil, because("", "response_malformed", "credential response is not strict JSON", err)
	}
	if o.has("transaction_id") {
		return nil, NewError("", "credential_deferred", "the issuer is not ready yet")
	}
	r := &CredentialResponse{}
	for _, c := range o.objects("credentials") {
		r.Credentials = append(r.Credentials, IssuedCredential{c.text("credential")})
		if c.text("credential") == "" {
			c.fail("credential")
		}
	}
	if *o.wrong != "" || len(r.Credentials) == 0 {
		return nil, NewError("", "response_malformed", "a credential is missing or has the wrong kind")
	}
	if len(r.Credentials) > min(proofs, MaxCopies) {
		return nil, NewError("", "batch_limit", "more credentials than keys")
	}
	return r, nil
}

// A NonceResponse carries a fresh nonce for key proofs (§7.2).
type NonceResponse struct {
	Nonce string `json:"c_nonce"`
}

// ParseNonceResponse reads the answer of a nonce endpoint. Reason
// response_malformed.
func ParseNonceResponse(text []byte) (*NonceResponse, error) {
	o, err := parseObject(text, MaxMessage)
	if err != nil {
		return nil, because("", "response_malformed", "nonce response is not strict JSON", err)
	}
	r := &NonceResponse{Nonce: o.text("c_nonce")}
	if *o.wrong != "" || r.Nonce == "" || len(r.Nonce) > maxCodeBytes {
		return nil, NewError("", "response_malformed", "no nonce")
	}
	return r, nil
}

// ParseWireError reads an OAuth error body, leniently: whatever is not there
// stays empty.
func ParseWireError(text []byte) WireError {
	o, err := parseObject(text, MaxMessage)
	if err != nil {
		return WireError{}
	}
	w := WireError{Error: o.text("error"), Description: o.text("error_description"), Reason: o.text("code")}
	if _, ok := o.members["tries_left"].(json.Number); ok {
		n := o.number("tries_left")
		w.TriesLeft = &n
	}
	return w
}
