package credentials

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"facet/fetch"
	"facet/schemas"
)

// A TypeSource returns the type metadata document of a vct exactly as it was
// published, since integrity is over its bytes. It may block until ctx ends.
type TypeSource interface {
	TypeMetadata(ctx context.Context, vct string) ([]byte, error)
}

// A TypeResolver finds type metadata and merges what it extends (§5.4).
type TypeResolver struct{ Source TypeSource }

// EmbeddedTypes is the TypeSource of the types Facet ships (package schemas);
// others are asked of Otherwise, if set.
type EmbeddedTypes struct{ Otherwise TypeSource }

// TypeMetadata implements TypeSource.
func (e EmbeddedTypes) TypeMetadata(ctx context.Context, vct string) ([]byte, error) {
	if text, ok := schemas.TypeMetadata(vct); ok {
		return text, nil
	}
	if e.Otherwise == nil {
		return nil, fail("type_metadata_unavailable", "no metadata for this type")
	}
	return e.Otherwise.TypeMetadata(ctx, vct)
}

// FetchedTypes is the TypeSource for a vct that is an https URL (§5.3.1).
type FetchedTypes struct{ Fetch fetch.Fetcher }

// TypeMetadata implements TypeSource.
func (f FetchedTypes) TypeMetadata(ctx context.Context, vct string) ([]byte, error) {
	if f.Fetch == nil || !strings.HasPrefix(vct, "https://") {
		return nil, fail("type_metadata_unavailable", "no metadata for this type")
	}
	r, err := f.Fetch.Do(ctx, fetch.Request{
		Method: "GET", URL: vct, Accept: []string{"application/json"}, MaxBytes: MaxTypeMetadata, MaxRedirects: 2,
	})
	if err != nil {
		return nil, wrap("type_metadata_unavailable", "fetch type metadata", err)
	}
	if err := r.OK(); err != nil {
		return nil, wrap("type_metadata_unavailable", "fetch type metadata", err)
	}
	return r.Body, nil
}

// Resolve returns the metadata of vct merged with its parents. integrity is
// the credential's vct#integrity, or "". Reasons: vct_integrity,
// type_metadata_malformed, type_metadata_unavailable, type_metadata_cycle,
// type_metadata_conflict.
func (r *TypeResolver) Resolve(ctx context.Context, vct, integrity string) (*TypeMetadata, error) {
	if r.Source == nil {
		return nil, errors.New("credentials: TypeResolver.Source is not set")
	}
	var chain []*TypeMetadata // child first
	for next := vct; next != ""; {
		if slices.ContainsFunc(chain, func(m *TypeMetadata) bool { return m.VCT == next }) {
			return nil, fail("type_metadata_cycle", "a type extends itself")
		}
		if len(chain) == MaxExtends {
			return nil, fail("type_metadata_cycle", "more than %d types extend one another", MaxExtends)
		}
		m, err := r.load(ctx, next, integrity)
		if err != nil {
			return nil, err
		}
		chain = append(chain, m)
		next, integrity = m.Extends, m.ExtendsIntegrity
	}
	merged := chain[len(chain)-1]
	for i := len(chain) - 2; i >= 0; i-- {
		child := chain[i]
		if err := child.inherit(merged); err != nil {
			return nil, err
		}
		merged = child
	}
	for _, parent := range chain[1:] {
		merged.Ancestors = append(merged.Ancestors, parent.VCT)
	}
	return merged, nil
}

func (r *TypeResolver) load(ctx context.Context, vct, integrity string) (*TypeMetadata, error) {
	text, err := r.Source.TypeMetadata(ctx, vct)
	if err != nil {
		return nil, err
	}
	if integrity != "" {
		if err := CheckIntegrity(text, integrity); err != nil {
			return nil, err
		}
	}
	m, err := ParseTypeMetadata(text)
	if err != nil {
		return nil, err
	}
	if m.VCT != vct {
		return nil, fail("type_metadata_malformed", "the document describes another type")
	}
	return m, nil
}

// inherit takes over from parent what m does not say itself (§5.4): display as
// a whole, claims path by path.
func (m *TypeMetadata) inherit(parent *TypeMetadata) error {
	if m.Display == nil {
		m.Display = parent.Display
	}
	own := m.Claims
	m.Claims = slices.Clone(parent.Claims)
	for _, c := range own {
		i := slices.IndexFunc(m.Claims, func(p ClaimMetadata) bool { return p.Path.Equal(c.Path) })
		if i < 0 {
			m.Claims = append(m.Claims, c)
			continue
		}
		if err := c.inherit(m.Claims[i]); err != nil {
			return err
		}
		m.Claims[i] = c
	}
	ids := map[string]bool{}
	for _, c := range m.Claims {
		if c.SVGID != "" && ids[c.SVGID] {
			return fail("type_metadata_conflict", "two claims have one svg_id")
		}
		ids[c.SVGID] = true
	}
	return nil
}

func (c *ClaimMetadata) inherit(parent ClaimMetadata) error {
	switch {
	case c.SD == "":
		c.SD = parent.SD
	case (parent.SD == "always" || parent.SD == "never") && c.SD != parent.SD:
		return fail("type_metadata_conflict", "a type changes what its parent says of selective disclosure")
	}
	switch {
	case c.Mandatory == nil:
		c.Mandatory = parent.Mandatory
	case parent.Mandatory != nil && *parent.Mandatory && !*c.Mandatory:
		return fail("type_metadata_conflict", "a type makes optional what its parent demands")
	}
	if c.Display == nil {
		c.Display = parent.Display
	}
	if c.SVGID == "" {
		c.SVGID = parent.SVGID
	}
	return nil
}

// CheckIntegrity compares text with an integrity string: digests with their
// algorithm, separated by spaces, of which those of the strongest algorithm
// known count (§6, W3C SRI). None known is a failure. Reason vct_integrity.
func CheckIntegrity(text []byte, integrity string) error {
	sum256, sum384, sum512 := sha256.Sum256(text), sha512.Sum384(text), sha512.Sum512(text)
	for _, known := range []struct {
		prefix string
		sum    []byte
	}{{"sha512-", sum512[:]}, {"sha384-", sum384[:]}, {"sha256-", sum256[:]}} {
		met := false
		for _, entry := range strings.Fields(integrity) {
			encoded, ok := strings.CutPrefix(entry, known.prefix)
			if !ok {
				continue
			}
			met = true
			encoded, _, _ = strings.Cut(encoded, "?")
			want, err := base64.StdEncoding.DecodeString(encoded)
			if err == nil && subtle.ConstantTimeCompare(want, known.sum) == 1 {
				return nil
			}
		}
		if met {
			return fail("vct_integrity", "the document is not the one the digest was made of")
		}
	}
	return fail("vct_integrity", "no digest of a known algorithm")
}

// Integrity is the SHA-256 integrity string of a document, for issuers.
func Integrity(text []byte) string {
	sum := sha256.Sum256(text)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
