package wallet

import (
	"facet/credentials/openid4vp"
	"facet/schemas"
)

// This file is what the wallet's pages see. The JSON names are a contract with
// web/src/wallet; nothing here carries a key, a credential or a token.

// A Text is one sentence in the languages the wallet speaks: "de" and "en".
type Text = schemas.Text

// Home is the first page.
type Home struct {
	Waiting        []Waiting    `json:"waiting"`
	Today          Today        `json:"today"`
	Cards          []Card       `json:"cards"`
	Recent         []HistoryRow `json:"recent"`
	HasPreferences bool         `json:"has_preferences"`
	Trust          *TrustNote   `json:"trust"` // null: nothing to say
}

// A TrustNote says that the list of vouched parties is another since a time, or
// that a new one was refused; then Since is when the last good one was first
// seen.
type TrustNote struct {
	Since   int64 `json:"since"` // unix seconds
	Refused bool  `json:"refused"`
}

// Waiting is a proposal that has neither been answered nor has expired.
type Waiting struct {
	ProposalID string `json:"proposal_id"`
	Asker      Asker  `json:"asker"`
	Question   Text   `json:"question"`
	Since      int64  `json:"since"`
}

// Card kinds.
const (
	KindAge         = "age"
	KindMembership  = "membership"
	KindPreferences = "preferences"
	KindOther       = "other"
)

// Card states. Whether an issuer has revoked a copy is for verifiers to look up:
// asking from here would tell the issuer when the wallet is opened.
const (
	CardValid   = "valid"
	CardExpired = "expired"
)

// A Card is one kind of credential from one issuer; its one-time copies are
// counted, not listed.
type Card struct {
	ID         string `json:"id"`
	Kind       string `json:"kind"`
	Title      Text   `json:"title"`
	Issuer     string `json:"issuer"`
	ValidUntil *int64 `json:"valid_until"` // unix seconds
	CopiesLeft int    `json:"copies_left"`
	State      string `json:"state"`
	Color      string `json:"color"`
	TextColor  string `json:"text_color"`
	Self       bool   `json:"self"`
}

// A Topic is one entry of the topic tree in one language.
type Topic struct {
	ID     string `json:"id"`
	Parent string `json:"parent"`
	Name   string `json:"name"`
	N      int    `json:"n"` // topics directly below
}

// OfferView is an offer of a credential before the holder accepts it. Values
// are not known yet: an issuer names them only when it issues.
type OfferView struct {
	OfferID string      `json:"offer_id"`
	Issuer  OfferIssuer `json:"issuer"`
	Items   []OfferItem `json:"items"`
	TxCode  *TxCode     `json:"tx_code"`
	Confirm bool        `json:"confirm"` // unvouched issuer: Accept wants Confirmed
}

// OfferIssuer is who offers; Domain is where a transaction code would go.
type OfferIssuer struct {
	Name     string `json:"name"`
	Domain   string `json:"domain"`
	Verified bool   `json:"verified"`
}

// OfferItem is one credential of an offer.
type OfferItem struct {
	Title      Text        `json:"title"`
	Kind       string      `json:"kind"`
	Claims     []ClaimLine `json:"claims"`
	NotIn      Text        `json:"not_in,omitempty"`
	ValidUntil *int64      `json:"valid_until"`
}

// ClaimLine is one claim in words. Value is empty before issuance.
type ClaimLine struct {
	Label Text `json:"label"`
	Value Text `json:"value,omitempty"`
}

// TxCode describes the code the issuer sent by another way (OpenID4VCI §4.1.1).
type TxCode struct {
	Length      int    `json:"length"`
	InputMode   string `json:"input_mode"`
	Description string `json:"description"`
}

// Accepted is what Accept stored.
type Accepted struct {
	Cards  []Card      `json:"cards"`
	Claims []ClaimLine `json:"claims"`
}

// Proposal kinds.
const (
	KindPolicy     = "policy"     // a verified asker with a verified policy offer
	KindForeign    = "foreign"    // a verified asker without one
	KindUnverified = "unverified" // nobody vouches: nothing can be sent
)

// A Proposal is exactly what the consent page shows. Digest commits to all of
// it with no optional item chosen; Preview gives the digest for other choices.
type Proposal struct {
	ID          string      `json:"id"`
	Digest      string      `json:"digest"`
	Kind        string      `json:"kind"`
	Asker       Asker       `json:"asker"`
	Purpose     Purpose     `json:"purpose"`
	Benefit     Text        `json:"benefit"`
	Retention   Retention   `json:"retention"`
	Question    Text        `json:"question"`
	Required    []Item      `json:"required"`
	Optional    []Item      `json:"optional"`
	Preview     Outcome     `json:"preview"`
	Identify    Identify    `json:"identify"`
	Technical   []Technical `json:"technical"`
	CrossDevice bool        `json:"cross_device"` // started on another screen, as the asker signed
	LogMoved    bool        `json:"log_moved"`    // it is logged elsewhere than the last time
	Registered  *Registered `json:"registered"`   // null: no register says anything
	Satisfiable bool        `json:"satisfiable"`
	Missing     []Missing   `json:"missing"`
	Code        string      `json:"code,omitempty"` // why an asker is unverified
}

// Asker is who asks, as a trust list vouches. Name never comes from the request.
type Asker struct {
	Name       string `json:"name"`
	Domain     string `json:"domain"`
	Verified   bool   `json:"verified"`
	Register   Text   `json:"register"`
	KnownSince *int64 `json:"known_since"`
	Suspicious bool   `json:"suspicious"` // the name could be read as another one
}

// Purpose is one of the closed purposes.
type Purpose struct {
	ID    string `json:"id"`
	Label Text   `json:"label"`
}

// Retention is how long an answer is kept; Until is unix seconds.
type Retention struct {
	ISO     string `json:"iso"`
	Seconds int64  `json:"seconds"`
	Until   int64  `json:"until"`
}

// BySelf marks an item the holder states about themselves.
const BySelf = "self"

// An Item is one line of the consent page: one hint of the policy, or for a
// foreign request one claim.
type Item struct {
	Key      string   `json:"key"`
	Name     Text     `json:"name"`
	Claims   Text     `json:"claims,omitempty"` // what is sent, where the name is the asker's and says it otherwise
	Note     Text     `json:"note"`
	Without  Text     `json:"without"`
	With     Text     `json:"with"`
	By       string   `json:"by"` // the issuer's name, or BySelf
	HasValue bool     `json:"has_value"`
	IsNew    bool     `json:"is_new"` // not asked the last time this party asked
	Paths    []string `json:"paths"`
}

// Outcome is what the platform's own rules make of the chosen claims, computed
// here, with the same code, before anything is sent.
type Outcome struct {
	Lines []OutcomeLine `json:"lines"`
}

// OutcomeLine is one hint. Changed is relative to choosing nothing optional.
type OutcomeLine struct {
	Key     string `json:"key"`
	Label   Text   `json:"label"`
	Value   Text   `json:"value"`
	Changed bool   `json:"changed"`
}

// Identify levels.
const (
	IdentifyBarely   = "barely"   // below 4 bits
	IdentifySomewhat = "somewhat" // below 10 bits
	IdentifyStrongly = "strongly"
)

// Identify says how identifying the answer is.
type Identify struct {
	Level string         `json:"level"`
	Bits  float64        `json:"bits"`
	Parts []IdentifyPart `json:"parts"`
}

// IdentifyPart names one contribution.
type IdentifyPart struct {
	Label Text `json:"label"`
}

// Technical is one line of the details: shown on demand, complete, copyable.
type Technical struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// Missing is something required that the wallet does not hold.
type Missing struct {
	Kind   string `json:"kind"`
	Label  Text   `json:"label"`
	GetURL string `json:"get_url,omitempty"`
}

// Labelled is a kind of thing in words, never a value.
type Labelled struct {
	Label Text `json:"label"`
}

// Previewed answers Preview. Digest commits to the proposal and these choices.
type Previewed struct {
	Outcome  Outcome    `json:"outcome"`
	Identify Identify   `json:"identify"`
	Sends    []Labelled `json:"sends"`
	Digest   string     `json:"digest"`
}

// Revealed is a value in words, shown only when the holder taps.
type Revealed struct {
	Text Text `json:"text"`
}

// Presented answers Present. RedirectURI is null for a cross-device answer.
// Digital is there only if the browser's API is to carry the answer; no page of
// the web wallet gets to see one.
type Presented struct {
	RedirectURI *string    `json:"redirect_uri"`
	HistoryID   string     `json:"history_id"`
	Sent        []Labelled `json:"sent"`
	Until       int64      `json:"until"`
	Carried     bool       `json:"carried,omitempty"` // the answer is in RedirectURI and arrives when the holder goes there

	Digital *openid4vp.DigitalMessage `json:"digital,omitempty"`
}

// Refused answers Refuse, in the same way.
type Refused struct {
	RedirectURI *string                   `json:"redirect_uri"`
	Digital     *openid4vp.DigitalMessage `json:"digital,omitempty"`
}

// History states.
const (
	StateActive    = "active"
	StateExpired   = "expired"
	StateWithdrawn = "withdrawn"
	StateRefused   = "refused"
	StateNone      = "none" // approved, but nothing reached the verifier
)

// Receipt states.
const (
	ReceiptChecking = "checking"
	ReceiptChecked  = "checked"
	ReceiptMissing  = "missing" // the verifier offers none
	ReceiptFailed   = "failed"
)

// HistoryRow is one answered request: kinds, never values.
type HistoryRow struct {
	ID      string `json:"id"`
	Party   string `json:"party"`
	Domain  string `json:"domain"`
	At      int64  `json:"at"`
	Purpose Text   `json:"purpose"`
	Kinds   []Text `json:"kinds"`
	State   string `json:"state"`
	Until   int64  `json:"until"`
	Receipt string `json:"receipt"`
}

// HistoryDetail is a row with its details.
type HistoryDetail struct {
	HistoryRow
	ClientID    string     `json:"client_id"`
	Policy      *PolicyRef `json:"policy"`
	Log         *LogRef    `json:"log"`
	CanWithdraw bool       `json:"can_withdraw"`
	Erasure     *Erasure   `json:"erasure,omitempty"`
	Support     string     `json:"support,omitempty"` // where to ask what the party holds, from its policy
}

// PolicyRef names the exact policy that was approved.
type PolicyRef struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// LogRef says where the receipt was proven; Index is -1 until it was.
type LogRef struct {
	Origin string `json:"origin"`
	Index  int64  `json:"index"`
	URL    string `json:"url"`
}

// Erasure is a verified erasure receipt.
type Erasure struct {
	At    int64  `json:"at"`
	Entry string `json:"entry"`
}

// ReceiptCheck answers CheckReceipt.
type ReceiptCheck struct {
	Receipt string `json:"receipt"`
	Index   int64  `json:"index"`
	Origin  string `json:"origin"`
	Detail  string `json:"detail"` // a reason code when Receipt is "failed"
}

// Withdrawn answers Withdraw.
type Withdrawn struct {
	State   string   `json:"state"`
	Erasure *Erasure `json:"erasure"`
}

// Settings are how the wallet looks and speaks.
type Settings struct {
	Language string `json:"language"` // "", "de", "en"
	Theme    string `json:"theme"`    // "", "light", "dark"
	Formal   bool   `json:"formal"`   // German: Sie instead of du
}

// Export is the whole sealed vault as a file only its keys can open.
type Export struct {
	File []byte `json:"file"` // base64 in JSON
	Name string `json:"name"`
}
