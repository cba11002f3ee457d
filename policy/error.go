package policy

import "fmt"

// The codes an Error carries.
const (
	ReasonMalformed   = "policy_malformed"         // not the strict JSON form
	ReasonText        = "policy_text_invalid"      // a text is missing, too long or deceptive
	ReasonPurpose     = "policy_purpose_unknown"   // not in the closed list
	ReasonClaim       = "policy_claim_not_allowed" // the purpose does not admit it
	ReasonTooMuch     = "policy_too_many_claims"   // more claims or queries than allowed
	ReasonRetention   = "policy_retention_too_long"
	ReasonOutput      = "policy_output_not_allowed"
	ReasonRule        = "policy_rule_invalid"
	ReasonShared      = "policy_claim_shared" // two hints read one claim: a switch would not switch
	ReasonChoice      = "policy_choice_unknown"
	ReasonCredentials = "policy_credential_invalid"
)

// An Error is one thing wrong with a policy. At is where, as a path into its
// JSON ("hints[2].explain.de"); Problem is a sentence for its author.
type Error struct {
	Code    string
	At      string
	Problem string
}

func (e *Error) Error() string {
	if e.At == "" {
		return fmt.Sprintf("policy: %s", e.Problem)
	}
	return fmt.Sprintf("policy: %s: %s", e.At, e.Problem)
}

// Reason is the code, for callers that answer others.
func (e *Error) Reason() string { return e.Code }
