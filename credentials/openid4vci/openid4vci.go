// Package openid4vci holds the messages of OpenID for Verifiable Credential
// Issuance 1.0, as both sides need them: offers, issuer metadata, token,
// nonce and credential requests, and the proof by which a holder shows its
// keys. Client speaks them to an issuer.
//
// Of the flows it knows the pre-authorized code flow with transaction code
// (§3.5), of the formats dc+sd-jwt, of the proofs jwt. It does not know the
// authorization code flow, DPoP, deferred issuance, notifications or encrypted
// messages; it keeps no state and decides nobody's trust.
package openid4vci

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Limits of messages.
const (
	MaxOffer     = 16 << 10 // bytes of an offer, by value or by reference
	MaxMetadata  = 256 << 10
	MaxMessage   = 64 << 10 // bytes of a token, nonce or credential request
	MaxResponse  = 2 << 20  // bytes of a credential response
	MaxProofs    = 32       // proofs in one credential request
	MaxOffered   = 16       // configurations in one offer
	MaxTxCode    = 64       // bytes of a transaction code
	MaxConfigs   = 128      // configurations in issuer metadata
	MaxCopies    = 64       // credentials in one response
	maxCodeBytes = 1024     // of a pre-authorized code or access token
)

// GrantPreAuthorized is the grant type of the flow (§4.1.1).
const GrantPreAuthorized = "urn:ietf:params:oauth:grant-type:pre-authorized_code"

// FormatSDJWT is the credential format identifier (Appendix A.3).
const FormatSDJWT = "dc+sd-jwt"

// Error codes of the wire (§6.3, §8.3.1.2; RFC 6750 §3.1).
const (
	CodeInvalidRequest       = "invalid_request"
	CodeInvalidGrant         = "invalid_grant"
	CodeUnsupportedGrant     = "unsupported_grant_type"
	CodeInvalidToken         = "invalid_token"
	CodeInvalidCredentialReq = "invalid_credential_request"
	CodeUnknownConfiguration = "unknown_credential_configuration"
	CodeUnknownIdentifier    = "unknown_credential_identifier"
	CodeInvalidProof         = "invalid_proof"
	CodeInvalidNonce         = "invalid_nonce"
	CodeInvalidEncryption    = "invalid_encryption_parameters"
	CodeRequestDenied        = "credential_request_denied"
)

// An Error says why a message was refused. It never holds a code, a token, a
// proof or a claim.
type Error struct {
	Code      string // for the wire; "" if nothing goes over it
	TriesLeft int    // of the transaction code; meaningful with reason tx_code_wrong
	reason    string
	detail    string
	cause     error
}

// NewError makes an Error. The detail is one plain sentence that may be sent
// to the other side.
func NewError(code, reason, detail string) *Error {
	return &Error{Code: code, reason: reason, detail: detail}
}

// Error returns the reason and one plain sentence.
func (e *Error) Error() string { return "openid4vci: " + e.reason + ": " + e.detail }

// Reason returns the stable code of the refusal, such as tx_code_wrong.
func (e *Error) Reason() string { return e.reason }

// Detail returns the plain sentence alone.
func (e *Error) Detail() string { return e.detail }

// Unwrap returns what lies below, if anything does.
func (e *Error) Unwrap() error { return e.cause }

// because makes an Error of another package's, keeping its reason.
func because(code, fallback, detail string, cause error) *Error {
	e := &Error{Code: code, reason: fallback, detail: detail, cause: cause}
	var r interface{ Reason() string }
	if errors.As(cause, &r) {
		e.reason = r.Reason()
	}
	return e
}

// A WireError is the body of an OAuth error answer (RFC 6749 §5.2). Code is
// this project's reason, for support; peers ignore it.
type WireError struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
	Reason      string `json:"code,omitempty"`
	TriesLeft   *int   `json:"tries_left,omitempty"`
}

// Wire returns what may be told to the other side about err.
func Wire(err error) WireError {
	var e *Error
	if !errors.As(err, &e) || e.Code == "" {
		return WireError{Error: "server_error", Description: "the issuer could not answer", Reason: "server_error"}
	}
	w := WireError{Error: e.Code, Description: e.detail, Reason: e.reason}
	if e.reason == "tx_code_wrong" {
		w.TriesLeft = &e.TriesLeft
	}
	return w
}

// A Secret is text that works like a password: a code or a token. It goes over
// the wire as it is, and prints as "[secret]".
type Secret string

// Format prints "[secret]", whatever the verb.
func (Secret) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "[secret]") }

var (
	_ fmt.Formatter  = Secret("")
	_ json.Marshaler = (*IssuerMetadata)(nil)
)
