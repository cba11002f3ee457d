package sdjwt

import (
	"slices"

	"facet/credentials/claims"
)

// A Preview is what an SD-JWT seems to say. It is for tools that show tokens
// to people: nothing in it is authentic.
type Preview struct {
	Hash        string       // _sd_alg, or the default
	Disclosures []Disclosure // in the order received; some may not be Referenced
	Claims      claims.Set   // the processed payload; nil if it cannot be processed
	Unmatched   []Unmatched  // digests that no disclosure belongs to
	SDHash      string       // what sd_hash of a key binding JWT must be
}

// Unmatched is a digest without a disclosure: a decoy, or something withheld.
type Unmatched struct {
	Digest string
	Path   claims.Path // the object whose _sd, or the array, that holds it
}

// Unverified processes the SD-JWT without verifying anything. With an error it
// still returns what could be decoded.
func (s *SDJWT) Unverified() (*Preview, error) {
	payload := s.issuer.UnverifiedClaims()
	out := &Preview{}
	var err error
	if out.Hash, err = hashName(payload); err != nil {
		return out, err
	}
	out.SDHash = digest(out.Hash, s.signed)
	p, err := newProcessor(out.Hash, s.disclosures, payload)
	if err != nil {
		return out, err
	}
	p.trace = true
	out.Claims, err = p.run(payload)
	out.Disclosures, out.Unmatched = p.disclosures, p.unmatched
	for i, d := range out.Disclosures {
		if d.Referenced {
			continue
		}
		decoded, bad := decodeDisclosure(d.Encoded)
		decoded.Digest = d.Digest
		out.Disclosures[i] = decoded
		if err == nil {
			err = bad
		}
	}
	return out, err
}

// missed remembers a digest that has no disclosure.
func (p *processor) missed(digest string) {
	if p.trace {
		p.unmatched = append(p.unmatched, Unmatched{digest, slices.Clone(p.path)})
	}
}
