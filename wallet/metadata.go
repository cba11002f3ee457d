package wallet

import (
	"encoding/json"
	"slices"

	"facet/credentials/claims"
	"facet/credentials/openid4vci"
	"facet/schemas"
)

// metadata is what the wallet uses of a credential's type metadata.
type metadata struct {
	VCT     string            `json:"vct"`
	Name    string            `json:"name"`
	Display []displayMetadata `json:"display"`
	Claims  []claimMetadata   `json:"claims"`
}

type displayMetadata struct {
	Locale    string `json:"locale"`
	Name      string `json:"name"`
	Rendering struct {
		Simple struct {
			Background string `json:"background_color"`
			Text       string `json:"text_color"`
		} `json:"simple"`
	} `json:"rendering"`
}

type claimMetadata struct {
	Path    claims.Path     `json:"path"`
	Display []labelMetadata `json:"display"`
}

type labelMetadata struct {
	Locale string `json:"locale"`
	Label  string `json:"label"`
}

// metadataOf reads the embedded metadata of a type; an unknown type has its
// name only.
func metadataOf(vct string) metadata {
	m := metadata{VCT: vct, Name: vct}
	if doc, ok := schemas.TypeMetadata(vct); ok {
		_ = json.Unmarshal(doc, &m) // embedded, tested in schemas
	}
	return m
}

// metadataFor is metadataOf, or for a type that is not embedded what the issuer
// says of its own.
func metadataFor(c openid4vci.Configuration) metadata {
	if _, ok := schemas.TypeMetadata(c.VCT); ok || c.Metadata == nil {
		return metadataOf(c.VCT)
	}
	m := metadata{VCT: c.VCT, Name: c.VCT}
	for _, d := range c.Metadata.Display {
		m.Display = append(m.Display, displayMetadata{Locale: d.Locale, Name: d.Name})
	}
	for _, claim := range c.Metadata.Claims {
		cm := claimMetadata{Path: claim.Path}
		for _, d := range claim.Display {
			cm.Display = append(cm.Display, labelMetadata{Locale: d.Locale, Label: d.Name})
		}
		m.Claims = append(m.Claims, cm)
	}
	return m
}

func (m metadata) paths() []claims.Path {
	out := make([]claims.Path, 0, len(m.Claims))
	for _, c := range m.Claims {
		out = append(out, c.Path)
	}
	return out
}

// title is what the credential is called.
func (m metadata) title() Text {
	t := Text{}
	for _, d := range m.Display {
		t[lang(d.Locale)] = d.Name
	}
	return complete(t, m.Name)
}

// colours are the issuer's, if they are plain hex colours; else Facet's own.
func (m metadata) colours() (background, text string) {
	for _, d := range m.Display {
		if s := d.Rendering.Simple; hexColour(s.Background) && hexColour(s.Text) {
			return s.Background, s.Text
		}
	}
	return "", ""
}

// label is what a claim is called, in a credential of this type.
func (m metadata) label(p claims.Path) Text {
	i := slices.IndexFunc(m.Claims, func(c claimMetadata) bool { return c.Path.Equal(p) })
	if i < 0 {
		return complete(schemas.ClaimLabel(p), schemas.PathName(p))
	}
	t := Text{}
	for _, d := range m.Claims[i].Display {
		t[lang(d.Locale)] = d.Label
	}
	return complete(t, schemas.PathName(p))
}

func hexColour(s string) bool {
	if len(s) != 7 || s[0] != '#' {
		return false
	}
	for _, c := range s[1:] {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}

// lang is the language of a locale: de-CH is de.
func lang(locale string) string {
	for i, c := range locale {
		if c == '-' || c == '_' {
			return locale[:i]
		}
	}
	return locale
}

// complete makes sure both languages say something.
func complete(t Text, fallback string) Text {
	out := Text{"de": t["de"], "en": t["en"]}
	for _, l := range []string{"de", "en"} {
		for _, s := range []string{t["en"], t["de"], fallback} {
			if out[l] == "" {
				out[l] = s
			}
		}
	}
	return out
}
