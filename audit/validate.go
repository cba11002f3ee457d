package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"slices"
)

// Limits of an entry's members.
const (
	MaxQueries = 16      // queries in Paths
	MaxPaths   = 64      // claims paths in all queries together
	MaxPath    = 16      // elements of one claims path
	MaxRef     = 1 << 53 // JSON numbers are exact below
)

func validate(e Entry) error {
	if err := validateHead(e); err != nil {
		return err
	}
	switch e := e.(type) {
	case *Policy:
		return e.validate()
	case *Request:
		return e.Asked.validate()
	case *Result:
		return e.validate()
	case *Withdrawal:
		return validateRef(e.Ref)
	case *Erasure:
		return validateRef(e.Ref)
	case *Retention:
		return validateRef(e.Ref)
	case *Config:
		return e.validate()
	}
	return fault(ReasonSchema, "unknown kind")
}

func validateHead(e Entry) error {
	h := e.Common()
	switch {
	case h.V != Version || blank(h.Kind) == nil:
		return fault(ReasonSchema, "unknown version or kind")
	case !isBytes(string(h.ID), 16):
		return fault(ReasonSchema, "id is not 128 bits in base64url")
	case h.Hour.Time().IsZero():
		return fault(ReasonSchema, "hour is not a full hour in UTC")
	}
	return nil
}

func validateRef(ref uint64) error {
	if ref >= MaxRef {
		return fault(ReasonSchema, "ref is too large")
	}
	return nil
}

func (p *Policy) validate() error {
	if err := validatePromise(p.Platform, p.Policy, p.Purpose, p.Retention); err != nil {
		return err
	}
	doc, err := canonical(p.Document)
	if err != nil || len(doc) == 0 || doc[0] != '{' || !bytes.Equal(doc, p.Document) {
		return fault(ReasonSchema, "policy_document is not a canonical JSON object")
	}
	sum := sha256.Sum256(doc)
	if base64.RawURLEncoding.EncodeToString(sum[:]) != p.Policy.SHA256 {
		return fault(ReasonSchema, "policy.sha256 is not the hash of policy_document")
	}
	return nil
}

func validatePromise(platform string, p PolicyRef, purpose, retention string) error {
	switch {
	case !isPlatform(platform):
		return fault(ReasonSchema, "platform is not a plain name")
	case !isPolicyID(p.ID) || p.Version == 0 || !isBytes(p.SHA256, sha256.Size):
		return fault(ReasonSchema, "policy is not an id, a version and a hash")
	case !isPurpose(purpose):
		return fault(ReasonSchema, "purpose is not a purpose's name")
	case !isRetention(retention):
		return fault(ReasonSchema, "retention is not in days or hours")
	}
	return nil
}

func (a *Asked) validate() error {
	if err := validatePromise(a.Platform, a.Policy, a.Purpose, a.Retention); err != nil {
		return err
	}
	if a.Flow != SameDevice && a.Flow != CrossDevice && a.Flow != DCAPI {
		return fault(ReasonSchema, "unknown flow")
	}
	return a.Paths.validate()
}

func (ps Paths) validate() error {
	if len(ps) == 0 || len(ps) > MaxQueries {
		return fault(ReasonSchema, "paths has no query or too many")
	}
	n := 0
	for query, paths := range ps {
		if n += len(paths); n > MaxPaths || !isQuery(query) || paths == nil {
			return fault(ReasonSchema, "paths has a malformed query or too many paths")
		}
		for i, p := range paths {
			if !isPath(p) || slices.Contains(paths[:i], p) {
				return fault(ReasonSchema, "paths has a malformed or repeated path")
			}
		}
	}
	return nil
}

func (r *Result) validate() error {
	if err := r.Asked.validate(); err != nil {
		return err
	}
	if err := validateRef(r.Ref); err != nil {
		return err
	}
	switch r.Outcome {
	case Answered:
		if r.Check != "" || !r.Commitments.fit(r.Paths) {
			return fault(ReasonSchema, "an answer has one commitment for each path asked and no check")
		}
		return nil
	case Rejected:
		if !slices.Contains(Checks, r.Check) {
			return fault(ReasonSchema, "a rejection names one of the checks")
		}
	case NoAnswer, Expired:
		if r.Check != "" {
			return fault(ReasonSchema, "only a rejection names a check")
		}
	default:
		return fault(ReasonSchema, "unknown outcome")
	}
	if r.Commitments != nil || r.Consent != nil {
		return fault(ReasonSchema, "only an answer has commitments")
	}
	return nil
}

func (c *Config) validate() error {
	if c.Weakenings == nil || len(c.Weakenings) > 32 || !slices.IsSorted(c.Weakenings) ||
		len(slices.Compact(slices.Clone(c.Weakenings))) != len(c.Weakenings) {
		return fault(ReasonSchema, "weakenings is not a sorted list without repetition")
	}
	for _, w := range c.Weakenings {
		if !isWeakening(w) {
			return fault(ReasonSchema, "a weakening is the name of an Insecure… field")
		}
	}
	return nil
}

// isBytes reports whether s is exactly n bytes in canonical unpadded base64url.
func isBytes(s string, n int) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == n && base64.RawURLEncoding.EncodedLen(n) == len(s)
}
