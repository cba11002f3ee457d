package hints

// Reasons of an Evaluation (OpenFeature, types, resolution reason).
const (
	ReasonMatch    = "TARGETING_MATCH"
	ReasonDisabled = "DISABLED"
)

// An Evaluation is one hint as OFREP 0.3 knows flags (evaluationSuccess). A
// hint withheld, expired or never held is the same: no value, reason DISABLED,
// and the caller's own default applies.
type Evaluation struct {
	Key      string         `json:"key"`
	Reason   string         `json:"reason"`
	Variant  string         `json:"variant,omitempty"`
	Value    any            `json:"value,omitempty"` // a list is {"items":[…]}: OFREP has no arrays
	Metadata map[string]any `json:"metadata,omitempty"`
}

// BulkEvaluation answers POST /ofrep/v1/evaluate/flags (bulkEvaluationSuccess).
type BulkEvaluation struct {
	Flags []Evaluation `json:"flags"`
}

// EvaluationFailure is what OFREP answers instead: 404 FLAG_NOT_FOUND, 400
// INVALID_CONTEXT or PARSE_ERROR.
type EvaluationFailure struct {
	Key          string `json:"key,omitempty"`
	ErrorCode    string `json:"errorCode"`
	ErrorDetails string `json:"errorDetails,omitempty"`
}

// NotFound says that the policy has no hint of that key.
func NotFound(key string) EvaluationFailure {
	return EvaluationFailure{key, "FLAG_NOT_FOUND", "The policy has no hint of this name."}
}

// Evaluate encodes the hint of one key at a time (unix seconds). ok is false
// when the policy has no such hint.
func (s HintSet) Evaluate(key string, now int64) (e Evaluation, ok bool) {
	h, ok := s.Get(key)
	if !ok {
		return Evaluation{}, false
	}
	return h.evaluation(now), true
}

// EvaluateAll encodes every hint at a time (unix seconds).
func (s HintSet) EvaluateAll(now int64) BulkEvaluation {
	b := BulkEvaluation{Flags: make([]Evaluation, 0, len(s))}
	for _, h := range s {
		b.Flags = append(b.Flags, h.evaluation(now))
	}
	return b
}

// evaluation leaves out of a withheld hint whatever would tell it from one
// never held. Metadata is flat: OFREP allows text, numbers and booleans only.
func (h Hint) evaluation(now int64) Evaluation {
	e := Evaluation{Key: h.Key, Reason: ReasonDisabled, Metadata: map[string]any{
		"purpose": h.Purpose, "policy": h.Rule.ID, "policy_version": h.Rule.Version,
	}}
	if h.Withheld || h.Value == nil || now >= h.Exp {
		return e
	}
	e.Reason, e.Value = ReasonMatch, h.Value
	switch v := h.Value.(type) {
	case []string:
		e.Value = map[string]any{"items": v}
	case []any: // decoded from JSON
		e.Value = map[string]any{"items": v}
	case string:
		e.Variant = v
	}
	e.Metadata["exp"] = h.Exp
	e.Metadata["assurance"] = h.Assurance
	e.Metadata["explain_de"] = h.Explain["de"]
	e.Metadata["explain_en"] = h.Explain["en"]
	return e
}
