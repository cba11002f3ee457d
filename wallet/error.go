package wallet

import "errors"

// An Error is a refusal of the wallet itself. Code is the reason a page turns
// into a sentence; Err never holds a value, a key or a token.
type Error struct {
	Code string
	Err  error
	// TriesLeft is set with CodeTxCodeWrong when the issuer says it; else -1.
	TriesLeft int
}

// Reasons of this package; those of the packages below pass through.
const (
	CodeProposalGone     = "request_gone"      // no such proposal: answered, expired or never made
	CodeDigest           = "consent_mismatch"  // what is approved is not what was shown
	CodeChoice           = "choice_unknown"    // a choice that was not on the page
	CodeUnverified       = "verifier_unknown"  // nothing is sent to an unknown asker
	CodeUnsatisfiable    = "not_satisfiable"   // something required is missing
	CodeOverasking       = "overasking"        // the request asks for other things than its policy
	CodePolicyOffer      = "policy_offer"      // the policy offer is not this request's
	CodeOfferGone        = "offer_expired"     // no such offer
	CodeOfferFetch       = "offer_fetch"       // the offer could not be fetched as one
	CodeOfferUnsupported = "offer_unsupported" // an offer of something this wallet cannot take
	CodeTxCodeWrong      = "tx_code_wrong"
	CodeTxCodeAttempts   = "tx_code_attempts"
	CodeTxCodeMissing    = "tx_code_missing"
	CodeTxCodePhishing   = "tx_code_phishing" // an unvouched issuer wants a code: confirm first
	CodeCodeExpired      = "code_expired"
	CodeIssuerAnswer     = "issuer_answer" // the issuer's answer is not what the standard says
	CodeKeySubstitution  = "holder_key_substitution"
	CodeBatchLinkable    = "batch_linkable"
	CodeResponse         = "response_rejected" // the verifier did not take the answer
	CodeNoReceipt        = "receipt_missing"
	CodeReceipt          = "receipt_mismatch"
	CodeNotWithdrawable  = "not_withdrawable"
	CodeErasure          = "erasure_mismatch"
	CodePreferences      = "preferences_invalid"
	CodeRecord           = "vault_format"
	CodeMethod           = "method_unknown"
	CodeParams           = "params_invalid"
	CodeNotFound         = "not_found"
)

// Error implements error.
func (e *Error) Error() string {
	if e.Err == nil {
		return "wallet: " + e.Code
	}
	return "wallet: " + e.Code + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Reason is the stable code of the refusal.
func (e *Error) Reason() string { return e.Code }

func fail(code string, err error) error { return &Error{Code: code, Err: err, TriesLeft: -1} }

func failf(code, text string) error { return fail(code, errors.New(text)) }

// ReasonOf finds the reason code of any error of these packages, or "other".
func ReasonOf(err error) string {
	var r interface{ Reason() string }
	if errors.As(err, &r) && r.Reason() != "" {
		return r.Reason()
	}
	return "other"
}
