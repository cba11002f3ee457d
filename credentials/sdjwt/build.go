package sdjwt

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"facet/credentials/claims"
	"facet/credentials/jose"
)

// A Template is what an issuer wants to sign and which parts of it the holder
// shall be able to hide.
type Template struct {
	// Header is the protected header; alg is set by signing. typ belongs here
	// (RFC 9901 §9.11).
	Header map[string]any
	// Claims is the payload before anything is hidden. It may not hold the
	// reserved names _sd, _sd_alg and "...".
	Claims map[string]any
	// Disclose names the members and array elements to make selectively
	// disclosable; null means every element. If a path and one below it are
	// both named, the disclosure of the first holds the digest of the second
	// (recursive disclosure, RFC 9901 §4.2.6).
	Disclose []claims.Path
	// Decoys is how many decoy digests go into each object and array that has
	// something hidden (RFC 9901 §4.2.5).
	Decoys int
	// HashAlg is one of Hashes; empty means DefaultHash.
	HashAlg string
}

// MaxDecoys is the most decoys one object or array may get.
const MaxDecoys = 64

// Issue makes the disclosures, each with a fresh 128-bit salt, signs, and
// returns the compact SD-JWT (RFC 9901 §6). iss, aud, exp, nbf and cnf cannot
// be hidden (§9.7). A path that names nothing is an error.
func Issue(ctx context.Context, issuer jose.Signer, t Template) (string, error) {
	payload, disclosures, err := t.hide()
	if err != nil {
		return "", err
	}
	body, err := marshal(payload)
	if err != nil {
		return "", err
	}
	jwt, err := jose.Sign(ctx, issuer, t.Header, body)
	if err != nil {
		return "", err
	}
	return jwt + "~" + tildes(disclosures), nil
}

// Build is Issue with the result read back.
func Build(ctx context.Context, issuer jose.Signer, t Template) (*SDJWT, error) {
	compact, err := Issue(ctx, issuer, t)
	if err != nil {
		return nil, err
	}
	return ParseWith(compact, buildRule(t.Header, issuer))
}

func tildes(disclosures []string) string {
	if len(disclosures) == 0 {
		return ""
	}
	return strings.Join(disclosures, "~") + "~"
}

// buildRule reads back what was just signed.
func buildRule(header map[string]any, issuer jose.Signer) jose.Rule {
	typ, _ := header["typ"].(string)
	return jose.Rule{Typ: []string{typ}, Algs: []string{issuer.Alg()}, MaxSize: MaxSize, AllowX5C: true, AllowJWK: true}
}

// hide returns the payload to sign and the disclosures, parents first.
func (t Template) hide() (map[string]any, []string, error) {
	if t.HashAlg == "" {
		t.HashAlg = DefaultHash
	}
	if !contains(Hashes, t.HashAlg) {
		return nil, nil, fail("sdjwt_hash_unsupported", "hash algorithm is not one of %v", Hashes)
	}
	if t.Decoys < 0 || t.Decoys > MaxDecoys {
		return nil, nil, fail("build_template", "decoys must be between 0 and %d", MaxDecoys)
	}
	plan := &node{}
	for _, p := range t.Disclose {
		if err := plan.add(p); err != nil {
			return nil, nil, err
		}
	}
	b := &builder{hash: t.HashAlg, decoys: t.Decoys}
	payload, err := b.object(t.Claims, []*node{plan}, 1)
	if err != nil {
		return nil, nil, err
	}
	if plan.unused() {
		return nil, nil, fail("path_no_match", "a path to disclose names nothing in the claims")
	}
	if len(b.disclosures) > MaxDisclosures || b.digests > MaxDigests {
		return nil, nil, fail("size_limit", "too many disclosures or digests")
	}
	if b.digests > 0 {
		payload["_sd_alg"] = t.HashAlg
	}
	return payload, b.disclosures, nil
}

// A node is one step of the paths to disclose.
type node struct {
	children map[any]*node // by string, int or nil
	hide     bool
	hit      bool
}

var neverHidden = map[string]bool{"iss": true, "aud": true, "exp": true, "nbf": true, "cnf": true}

func (n *node) add(p claims.Path) error {
	if len(p) == 0 {
		return fail("path_invalid", "an empty claims path cannot be disclosed")
	}
	if top, ok := p[0].(string); ok && neverHidden[top] {
		return fail("sdjwt_claim_not_disclosable", "%s cannot be selectively disclosable", top)
	}
	for _, step := range p {
		if n.children == nil {
			n.children = make(map[any]*node)
		}
		next := n.children[step]
		if next == nil {
			next = &node{}
			n.children[step] = next
		}
		n = next
	}
	n.hide = true
	return nil
}

func (n *node) unused() bool {
	if n.hide && !n.hit {
		return true
	}
	for _, c := range n.children {
		if c.unused() {
			return true
		}
	}
	return false
}

// step returns the nodes that apply below plan at one of the given steps, and
// whether any of them hides the value.
func step(plan []*node, steps ...any) (below []*node, hide bool) {
	for _, n := range plan {
		for _, s := range steps {
			if c := n.children[s]; c != nil {
				below = append(below, c)
				c.hit = true
				hide = hide || c.hide
			}
		}
	}
	return below, hide
}

// marshal writes JSON without HTML escapes.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, wrap("build_template", "encode claims", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
