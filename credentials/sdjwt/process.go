package sdjwt

import (
	"encoding/base64"

	"facet/credentials/claims"
)

// A processor puts disclosures into their places (RFC 9901 §7.1 step 3). It
// builds new containers and never changes the payload it reads.
type processor struct {
	disclosures []Disclosure
	seen        *digestSet // those of the disclosures first, in their order
	used        []bool     // which disclosures a digest refers to
	digests     int
	path        claims.Path
	places      claims.Path // room for the paths of disclosures
	parent      int

	trace     bool // keep unmatched
	unmatched []Unmatched
}

// none stands for no disclosure.
const none = -1

func newProcessor(hash string, encoded []string, payload map[string]any) (*processor, error) {
	sd, _ := payload["_sd"].([]any)
	p := &processor{
		disclosures: make([]Disclosure, len(encoded)),
		seen:        newDigestSet(len(encoded) + min(len(sd), MaxDigests)),
		used:        make([]bool, len(encoded)),
		places:      make(claims.Path, 0, 2*len(encoded)),
		parent:      -1,
	}
	digests := string(appendDigests(make([]byte, 0, len(encoded)*base64.RawURLEncoding.EncodedLen(digestSize(hash))), hash, encoded...))
	for i, e := range encoded {
		n := len(digests) / (len(encoded) - i) // they are equally long
		d := digests[:n]
		digests = digests[n:]
		if _, added := p.seen.add(d); !added {
			return nil, fail("sdjwt_disclosure_duplicate", "disclosure %d was sent twice", i)
		}
		p.disclosures[i] = Disclosure{Encoded: e, Digest: d, Parent: -1}
	}
	return p, nil
}

// run processes the whole payload and demands that every disclosure was used.
func (p *processor) run(payload map[string]any) (claims.Set, error) {
	out, err := p.object(payload, 1)
	if err != nil {
		return nil, err
	}
	for i := range p.disclosures {
		if !p.disclosures[i].Referenced {
			return nil, fail("sdjwt_disclosure_unreferenced", "no digest refers to disclosure %d", i)
		}
	}
	return out, nil
}

func (p *processor) value(v any, depth int) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		return p.object(v, depth)
	case []any:
		return p.array(v, depth)
	}
	return v, nil
}

func (p *processor) object(in map[string]any, depth int) (map[string]any, error) {
	if depth > MaxDepth {
		return nil, fail("json_depth_limit", "payload nests deeper than %d", MaxDepth)
	}
	sd, hides := in["_sd"]
	digests, ok := sd.([]any)
	if hides && !ok {
		return nil, fail("sdjwt_sd_malformed", "_sd is not an array")
	}
	out := make(map[string]any, len(in)+min(len(digests), len(p.disclosures)))
	for name, v := range in {
		switch name {
		case "_sd":
			continue
		case "...":
			return nil, fail("sdjwt_array_placeholder_malformed", `"..." outside an array`)
		case "_sd_alg":
			if depth == 1 {
				continue
			}
			return nil, fail("sdjwt_claim_name_forbidden", "_sd_alg below the top level")
		}
		done, err := p.member(name, v, depth)
		if err != nil {
			return nil, err
		}
		out[name] = done
	}
	for _, d := range digests {
		if err := p.disclosedMember(out, d, depth); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// member processes one value under name.
func (p *processor) member(name string, v any, depth int) (any, error) {
	switch v.(type) {
	case map[string]any, []any:
	default:
		return v, nil
	}
	p.path = append(p.path, name)
	done, err := p.value(v, depth+1)
	p.path = p.path[:len(p.path)-1]
	return done, err
}

func (p *processor) disclosedMember(out map[string]any, digest any, depth int) error {
	s, ok := digest.(string)
	if !ok || s == "" {
		return fail("sdjwt_sd_malformed", "_sd holds something that is not a digest")
	}
	i, err := p.take(s)
	if err != nil || i == none {
		return err
	}
	d, err := p.open(i)
	if err != nil {
		return err
	}
	switch {
	case d.ArrayElement:
		return fail("sdjwt_disclosure_arity", "disclosure %d is an array element's, but an object refers to it", i)
	case reserved(d.Name):
		return fail("sdjwt_claim_name_forbidden", "disclosure %d has a reserved claim name", i)
	}
	if _, taken := out[d.Name]; taken {
		return fail("sdjwt_claim_collision", "disclosure %d names a claim that is already there", i)
	}
	out[d.Name], err = p.place(i, d.Name, depth)
	return err
}

func (p *processor) array(in []any, depth int) ([]any, error) {
	if depth > MaxDepth {
		return nil, fail("json_depth_limit", "payload nests deeper than %d", MaxDepth)
	}
	out := make([]any, 0, len(in))
	for _, v := range in {
		if o, ok := v.(map[string]any); ok {
			if digest, ok := o["..."]; ok {
				var err error
				if out, err = p.disclosedElement(out, o, digest, depth); err != nil {
					return nil, err
				}
				continue
			}
		}
		p.path = append(p.path, len(out))
		done, err := p.value(v, depth+1)
		p.path = p.path[:len(p.path)-1]
		if err != nil {
			return nil, err
		}
		out = append(out, done)
	}
	return out, nil
}

func (p *processor) disclosedElement(out []any, placeholder map[string]any, digest any, depth int) ([]any, error) {
	s, ok := digest.(string)
	if !ok || s == "" || len(placeholder) != 1 {
		return nil, fail("sdjwt_array_placeholder_malformed", `an array placeholder is {"...": digest} and nothing else`)
	}
	i, err := p.take(s)
	if err != nil || i == none {
		return out, err
	}
	d, err := p.open(i)
	if err != nil {
		return nil, err
	}
	if !d.ArrayElement {
		return nil, fail("sdjwt_disclosure_arity", "disclosure %d is an object member's, but an array refers to it", i)
	}
	v, err := p.place(i, len(out), depth)
	return append(out, v), err
}

// take counts one digest of the payload and returns the index of the
// disclosure it stands for, or none for a decoy or something not disclosed.
// A digest met before is an error wherever that was (RFC 9901 §7.1 step 4).
func (p *processor) take(digest string) (int, error) {
	if p.digests++; p.digests > MaxDigests {
		return none, fail("size_limit", "more than %d digests", MaxDigests)
	}
	i, added := p.seen.add(digest)
	if added {
		p.missed(digest)
		return none, nil
	}
	if i >= len(p.used) || p.used[i] {
		return none, fail("sdjwt_digest_duplicate", "a digest occurs twice")
	}
	p.used[i] = true
	return i, nil
}

// open decodes disclosure i.
func (p *processor) open(i int) (*Disclosure, error) {
	d, err := decodeDisclosure(p.disclosures[i].Encoded)
	if err != nil {
		return nil, err
	}
	d.Digest = p.disclosures[i].Digest
	p.disclosures[i] = d
	return &p.disclosures[i], nil
}

// place records where disclosure i stands and processes its value there.
func (p *processor) place(i int, at any, depth int) (any, error) {
	d := &p.disclosures[i]
	p.path = append(p.path, at)
	p.places = append(p.places, p.path...)
	d.Path, p.places = p.places[:len(p.path):len(p.path)], p.places[len(p.path):]
	d.Parent, d.Referenced = p.parent, true
	outer := p.parent
	p.parent = i
	v, err := p.value(d.Value, depth+1)
	p.parent, p.path = outer, p.path[:len(p.path)-1]
	return v, err
}
