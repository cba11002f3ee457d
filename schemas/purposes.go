package schemas

// A Purpose is one entry of the closed list: what a policy may be for. A policy
// may narrow it, never widen it.
type Purpose struct {
	ID              string    `json:"id"`
	Label           Text      `json:"label"`
	DPV             []string  `json:"dpv"`         // Data Privacy Vocabulary 2.3 IRIs
	LegalBasis      []string  `json:"legal_basis"` // its EU GDPR extension
	MaxClaims       int       `json:"max_claims"`
	Retention       Retention `json:"retention"`
	Outputs         []string  `json:"outputs"` // result, hints, ofrep, openrtb, pps, traits, aggregate
	Allowed         []Allowed `json:"allowed"`
	Assurance       string    `json:"assurance,omitempty"` // all claims must be of it
	Requires        *Required `json:"requires,omitempty"`
	SeparateRequest bool      `json:"separate_request,omitempty"`
	GPCBlocks       bool      `json:"gpc_blocks,omitempty"` // Global Privacy Control forbids it
	Note            string    `json:"note,omitempty"`
}

// Retention holds ISO 8601 durations; PT0S: only the result, nothing kept.
type Retention struct {
	Default string `json:"default"`
	Max     string `json:"max"`
}

// Allowed is a claim a purpose admits. In Path, nil is each element of an array
// and "*" any one member.
type Allowed struct {
	Credential string `json:"credential"` // a key of CredentialVCTs
	Path       []any  `json:"path"`
}

// Required is a claim without which a purpose may not be pursued at all.
type Required struct {
	Credential string `json:"credential"`
	Path       []any  `json:"path"`
	Value      any    `json:"value"`
	Assurance  string `json:"assurance"`
}

type purposesFile struct {
	Version     string            `json:"version"`
	Credentials map[string]string `json:"credentials"`
	Never       []Text            `json:"never"`
	Purposes    []Purpose         `json:"purposes"`
}

var purposes = load[purposesFile]("purposes.json")

// Purposes lists the closed purposes.
func Purposes() []Purpose { return purposes().Purposes }

// PurposeByID finds one purpose.
func PurposeByID(id string) (Purpose, bool) {
	for _, p := range purposes().Purposes {
		if p.ID == id {
			return p, true
		}
	}
	return Purpose{}, false
}

// CredentialVCTs maps the short names purposes use ("prefs") to types.
func CredentialVCTs() map[string]string { return purposes().Credentials }

// Never lists what no purpose admits.
func Never() []Text { return purposes().Never }
