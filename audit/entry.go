package audit

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"
)

// Version is the schema version of every entry. The schema is fixed: a later
// one gets another number, and Parse keeps reading this one for good.
const Version = 1

// MaxEntry is the most bytes one entry may have (C2SP tlog-tiles, log entries).
const MaxEntry = 1<<16 - 1

// A Kind says what an entry records.
type Kind string

// The kinds of entries.
const (
	KindPolicy     Kind = "policy"     // a platform may use this policy from here on
	KindRequest    Kind = "request"    // a request object is about to be served
	KindResult     Kind = "result"     // how that request ended
	KindWithdrawal Kind = "withdrawal" // the holder took a result back
	KindErasure    Kind = "erasure"    // everything of a withdrawn result is unreadable
	KindRetention  Kind = "retention"  // everything of a result is unreadable, its deadline came
	KindConfig     Kind = "config"     // which checks are weakened from here on
)

// An Outcome says how a request ended. NoAnswer covers refused and not held
// alike: the log must not tell them apart.
type Outcome string

// The outcomes of a request.
const (
	Answered Outcome = "answered"
	NoAnswer Outcome = "no_answer"
	Rejected Outcome = "rejected"
	Expired  Outcome = "expired"
)

// A Flow says how request and answer travelled.
type Flow string

// The flows of OpenID4VP: the answer comes from the browser that asked, or from
// another device, or through the API of the browser that asked, which names the
// page to the wallet; on which device that wallet is, only the browser knows.
const (
	SameDevice  Flow = "same_device"
	CrossDevice Flow = "cross_device"
	DCAPI       Flow = "dc_api" // OpenID4VP App. A
)

// Checks are the named checks a rejected answer may have failed, in the order
// the verifier runs them.
var Checks = []string{
	"transaction", "decrypt", "shape", "issuer_signature", "issuer_trust",
	"validity", "key_binding", "status", "query", "replay",
}

// An Hour is a time of the log: UTC, cut to the hour, because anything finer
// would let entries be matched with visits.
type Hour string

const hourLayout = "2006-01-02T15Z"

// HourOf cuts t to its hour.
func HourOf(t time.Time) Hour { return Hour(t.UTC().Format(hourLayout)) }

// Time returns the start of the hour; the zero time if h is not one.
func (h Hour) Time() time.Time {
	t, err := time.Parse(hourLayout, string(h))
	if err != nil || HourOf(t) != h {
		return time.Time{}
	}
	return t
}

// An ID names one entry: 128 bits, base64url. It is random or derived from a
// secret, never from anything a platform or holder knows, and is the key of
// idempotency: entries with the same ID count once.
type ID string

// NewID returns a random ID.
func NewID() ID {
	var b [16]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return ID(base64.RawURLEncoding.EncodeToString(b[:]))
}

// A Head is what every entry begins with.
type Head struct {
	V    int  `json:"v"`
	Kind Kind `json:"kind"`
	ID   ID   `json:"id"`
	Hour Hour `json:"hour"`
}

func head(k Kind, id ID, at time.Time) Head {
	return Head{V: Version, Kind: k, ID: id, Hour: HourOf(at)}
}

// Common returns the head itself; it makes every kind an [Entry].
func (h Head) Common() Head { return h }

func (Head) entry() {}

// An Entry is one of *Policy, *Request, *Result, *Withdrawal, *Erasure,
// *Retention and *Config.
type Entry interface {
	Common() Head
	entry()
}

// A PolicyRef names one version of a policy and the exact text that was shown.
type PolicyRef struct {
	ID      string `json:"id"`
	Version uint32 `json:"version"`
	SHA256  string `json:"sha256"` // base64url of the hash of the canonical policy
}

// Paths are the claims asked for: query id -> claims paths in canonical JSON
// (["tier"]), in the order of the query. They are names of claims, never values.
type Paths map[string][]string

// Asked is what a platform asked and promised. A result repeats it so that a
// receipt alone shows it; an auditor checks that both are equal.
type Asked struct {
	Platform  string    `json:"platform"` // the name the platform is registered with
	Policy    PolicyRef `json:"policy"`
	Purpose   string    `json:"purpose"`
	Retention string    `json:"retention"` // ISO 8601 duration, days or hours
	Paths     Paths     `json:"paths"`
	Flow      Flow      `json:"flow"`
}

// A Policy entry publishes a policy. Its hash is that of the document.
type Policy struct {
	Head
	Platform  string          `json:"platform"`
	Policy    PolicyRef       `json:"policy"`
	Purpose   string          `json:"purpose"`
	Retention string          `json:"retention"`
	Document  json.RawMessage `json:"policy_document"` // canonical JSON (RFC 8785)
}

// A Request entry is sequenced before the request object is served.
type Request struct {
	Head
	Asked
}

// A Result entry closes a request. Commitments has, for an answered request,
// one for every path asked, granted or not: a path without a value has a decoy.
type Result struct {
	Head
	Asked
	Ref         uint64      `json:"ref"` // the request's index
	Outcome     Outcome     `json:"outcome"`
	Check       string      `json:"check,omitempty"` // rejected only
	Commitments Commitments `json:"commitments,omitempty"`
	Consent     *Commitment `json:"consent,omitempty"` // to the digest in the key binding, see [SealConsent]
}

// A Withdrawal entry says that the holder took the result at Ref back.
type Withdrawal struct {
	Head
	Ref uint64 `json:"ref"`
}

// An Erasure entry says that what the withdrawal at Ref is about is unreadable.
type Erasure struct {
	Head
	Ref uint64 `json:"ref"`
}

// A Retention entry says that the data of the result at Ref became unreadable
// because its promised time was over.
type Retention struct {
	Head
	Ref uint64 `json:"ref"`
}

// A Config entry lists every weakening that is in force from here on, by the
// name of its Insecure… field. An empty list ends all of them.
type Config struct {
	Head
	Weakenings []string `json:"weakenings"`
}

// NewPolicy returns the entry that publishes a policy document in canonical
// JSON. Asked.Paths and Asked.Flow are not used.
func NewPolicy(id ID, at time.Time, a Asked, document []byte) *Policy {
	return &Policy{head(KindPolicy, id, at), a.Platform, a.Policy, a.Purpose, a.Retention, document}
}

// NewRequest returns the entry of a request.
func NewRequest(id ID, at time.Time, a Asked) *Request {
	return &Request{head(KindRequest, id, at), a}
}

// NewAnswered returns the entry of an answered request. The commitments come
// from [Seal]; consent may be nil.
func NewAnswered(id ID, at time.Time, a Asked, request uint64, c Commitments, consent *Commitment) *Result {
	return &Result{Head: head(KindResult, id, at), Asked: a, Ref: request, Outcome: Answered, Commitments: c, Consent: consent}
}

// NewRejected returns the entry of an answer that failed the named check.
func NewRejected(id ID, at time.Time, a Asked, request uint64, check string) *Result {
	return &Result{Head: head(KindResult, id, at), Asked: a, Ref: request, Outcome: Rejected, Check: check}
}

// NewUnanswered returns the entry of a request that ended with NoAnswer or Expired.
func NewUnanswered(id ID, at time.Time, a Asked, request uint64, o Outcome) *Result {
	return &Result{Head: head(KindResult, id, at), Asked: a, Ref: request, Outcome: o}
}

// NewWithdrawal returns the entry of a withdrawal of the result at index result.
func NewWithdrawal(id ID, at time.Time, result uint64) *Withdrawal {
	return &Withdrawal{head(KindWithdrawal, id, at), result}
}

// NewErasure returns the entry of the erasure after the withdrawal at index withdrawal.
func NewErasure(id ID, at time.Time, withdrawal uint64) *Erasure {
	return &Erasure{head(KindErasure, id, at), withdrawal}
}

// NewRetention returns the entry of the deletion at the deadline of the result
// at index result.
func NewRetention(id ID, at time.Time, result uint64) *Retention {
	return &Retention{head(KindRetention, id, at), result}
}

// NewConfig returns the entry that lists the weakenings now in force, in any order.
func NewConfig(id ID, at time.Time, weakenings []string) *Config {
	names := append([]string{}, weakenings...)
	slices.Sort(names)
	return &Config{head(KindConfig, id, at), slices.Compact(names)}
}
