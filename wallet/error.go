package wallet

import (
	"errors"

	"facet/credentials/openid4vci"
)

// An Error is a refusal of the wallet itself. Code is the reason a page turns
// into a sentence; Err never holds a value, a key or a token.
type Error struct {
	Code string
	Err  error
}

// Reasons of this package; those of the packages below pass through.
const (
	CodeProposalGone     = "request_gone"      // no such proposal: answered, expired or never made
	CodeDigest           = "consent_mismatch"  // what is approved is not what was shown
	CodeChoice           = "choice_unknown"    // a choice that was not on the page
	CodeUnsatisfiable    = "not_satisfiable"   // something required is missing
	CodeOfferGone        = "offer_expired"     // no such offer
	CodeOfferUnsupported = "offer_unsupported" // an offer of something this wallet cannot take
	CodeTxCodeMissing    = "tx_code_missing"
	CodeTxCodePhishing   = "tx_code_phishing" // an unvouched issuer wants a code: confirm first
	CodeIssuerAnswer     = "issuer_answer"    // the issuer's answer is not what the standard says
	CodeMaybeTaken       = "answer_uncertain" // an earlier try may have arrived; history says so
	CodeReceipt          = "receipt_mismatch"
	CodeNotWithdrawable  = "not_withdrawable"
	CodeErasure          = "erasure_mismatch"
	CodePreferences      = "preferences_invalid"
	CodeRecord           = "vault_format"
	CodeReadOnly         = "offline_read_only" // the vault is an offline copy
	CodeKeyInUse         = "key_in_use"        // the passkey that opened the vault stays
	CodeKeyLast          = "key_last"          // the last passkey stays
	CodeKeysFull         = "keys_full"
	CodeOverasking       = "overasking"          // the asker registered for less, and its register wants that stopped
	CodeTrustRollback    = "trust_list_rollback" // the list of who is vouched for is another, and no later one
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

func fail(code string, err error) error { return &Error{Code: code, Err: err} }

func failf(code, text string) error { return fail(code, errors.New(text)) }

// ReasonOf finds the reason code of any error of these packages, or "other".
func ReasonOf(err error) string {
	var r interface{ Reason() string }
	if errors.As(err, &r) && r.Reason() != "" {
		return r.Reason()
	}
	return "other"
}

// TriesLeft is how often a transaction code may still be tried, if err is about
// a wrong one and the issuer said so.
func TriesLeft(err error) (n int, ok bool) {
	var e *openid4vci.Error
	if errors.As(err, &e) && e.Reason() == "tx_code_wrong" {
		return e.TriesLeft, e.TriesLeft >= 0
	}
	return 0, false
}
