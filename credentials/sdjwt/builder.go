package sdjwt

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"
	"sort"

	"github.com/go-json-experiment/json/jsontext"

	"facet/credentials/jose"
)

// saltSize is 128 bits (RFC 9901 §9.3).
const saltSize = 16

// A builder turns claims into a payload with digests and the disclosures that
// belong to it.
type builder struct {
	hash        string
	decoys      int
	disclosures []string
	digests     int
	salts       []byte // random bytes not used yet
}

func (b *builder) value(v any, plan []*node, depth int) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		return b.object(v, plan, depth)
	case []any:
		return b.array(v, plan, depth)
	case nil, bool, string, json.Number, int, int64, uint64, float64:
		return v, nil
	}
	// Anything else is brought into the plain form first, so that reserved
	// names cannot slip in under another Go type.
	raw, err := marshal(v)
	if err != nil {
		return nil, err
	}
	plain, err := jose.ParseValue(raw, disclosureLimits)
	if err != nil {
		return nil, wrap("build_template", "a claim is not plain JSON", err)
	}
	return b.value(plain, plan, depth)
}

func (b *builder) object(in map[string]any, plan []*node, depth int) (map[string]any, error) {
	if depth > MaxDepth {
		return nil, fail("json_depth_limit", "claims nest deeper than %d", MaxDepth)
	}
	names := make([]string, 0, len(in))
	for name := range in {
		if reserved(name) {
			return nil, fail("sdjwt_claim_name_forbidden", "claims hold a reserved name")
		}
		names = append(names, name)
	}
	sort.Strings(names)
	out := make(map[string]any, len(in)+1)
	var sd []string
	for _, name := range names {
		below, hide := step(plan, name)
		if !hide {
			v, err := b.value(in[name], below, depth+1)
			if err != nil {
				return nil, err
			}
			out[name] = v
			continue
		}
		d, err := b.disclose(&name, in[name], below, depth)
		if err != nil {
			return nil, err
		}
		sd = append(sd, d)
	}
	if sd != nil {
		for range b.decoys {
			sd = append(sd, b.decoy())
		}
		sort.Strings(sd) // hides the original order and which are decoys
		out["_sd"] = sd
	}
	return out, nil
}

func (b *builder) array(in []any, plan []*node, depth int) ([]any, error) {
	if depth > MaxDepth {
		return nil, fail("json_depth_limit", "claims nest deeper than %d", MaxDepth)
	}
	out := make([]any, 0, len(in)+b.decoys)
	hidden := false
	for i, v := range in {
		below, hide := step(plan, nil, i)
		if !hide {
			plain, err := b.value(v, below, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, plain)
			continue
		}
		hidden = true
		d, err := b.disclose(nil, v, below, depth)
		if err != nil {
			return nil, err
		}
		out = append(out, map[string]any{"...": d})
	}
	if hidden {
		for range b.decoys {
			at, err := rand.Int(rand.Reader, big.NewInt(int64(len(out)+1)))
			if err != nil {
				return nil, wrap("build_template", "random position", err)
			}
			out = slices.Insert(out, int(at.Int64()), any(map[string]any{"...": b.decoy()}))
		}
	}
	return out, nil
}

// disclose makes one disclosure of an object member, or of an array element if
// name is nil, and returns its digest. The disclosure takes its place in the
// list before those its value needs.
func (b *builder) disclose(name *string, v any, plan []*node, depth int) (string, error) {
	at := len(b.disclosures)
	b.disclosures = append(b.disclosures, "")
	text := append([]byte(`["`), b.salt()...)
	text = append(text, `",`...)
	var err error
	if name != nil {
		if text, err = jsontext.AppendQuote(text, *name); err != nil {
			return "", wrap("build_template", "a claim name is not Unicode text", err)
		}
		text = append(text, ',')
	}
	if v, err = b.value(v, plan, depth+1); err != nil {
		return "", err
	}
	if text, err = appendJSON(text, v); err != nil {
		return "", err
	}
	b.disclosures[at] = base64.RawURLEncoding.EncodeToString(append(text, ']'))
	b.digests++
	return digest(b.hash, b.disclosures[at]), nil
}

// appendJSON appends a plain value; texts, the most frequent by far, without
// the detour of marshal.
func appendJSON(dst []byte, v any) ([]byte, error) {
	if s, ok := v.(string); ok {
		dst, err := jsontext.AppendQuote(dst, s)
		if err != nil {
			return nil, wrap("build_template", "a claim is not Unicode text", err)
		}
		return dst, nil
	}
	text, err := marshal(v)
	return append(dst, text...), err
}

func (b *builder) salt() string {
	return base64.RawURLEncoding.EncodeToString(b.random(saltSize))
}

// decoy is a random value as long as a digest: without its preimage nobody,
// the holder included, can tell it from one.
func (b *builder) decoy() string {
	b.digests++
	return base64.RawURLEncoding.EncodeToString(b.random(digestSize(b.hash)))
}

// random returns n bytes of crypto/rand, read in blocks: one system call for
// each salt would cost more than hashing it.
func (b *builder) random(n int) []byte {
	if len(b.salts) < n {
		b.salts = make([]byte, 512)
		rand.Read(b.salts) // never fails (crypto/rand)
	}
	out := b.salts[:n:n]
	b.salts = b.salts[n:]
	return out
}
