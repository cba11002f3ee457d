package credentials

import (
	"facet/credentials/claims"
	"facet/credentials/jose"
)

// Limits of a type metadata document.
const (
	MaxTypeMetadata = 256 << 10 // bytes of JSON
	MaxTypeClaims   = 256
	MaxTypeDisplays = 64
	MaxExtends      = 8 // documents in one chain of extends
)

// TypeMetadata describes a credential type (§5). What Resolve returns is
// merged with everything it extends.
type TypeMetadata struct {
	VCT              string
	Name             string
	Description      string
	Extends          string // the parent's vct, or ""
	ExtendsIntegrity string
	Display          []TypeDisplay
	Claims           []ClaimMetadata
	// Ancestors are the vcts it extends, nearest first; set by Resolve.
	Ancestors []string
}

// A TypeDisplay is how to show the type in one language (§5.5).
type TypeDisplay struct {
	Locale, Name, Description string
	Simple                    *SimpleRendering
	SVG                       []SVGTemplate
}

// SimpleRendering is a card without a template (§5.5.1.1).
type SimpleRendering struct {
	Logo, BackgroundImage      *Image
	BackgroundColor, TextColor string
}

// An Image is a picture by reference. It is not fetched here.
type Image struct{ URI, Integrity, AltText string }

// An SVGTemplate is a picture with placeholders (§5.5.1.2). It is neither
// fetched nor rendered here.
type SVGTemplate struct {
	URI, Integrity                     string
	Orientation, ColorScheme, Contrast string
}

// ClaimMetadata describes the claims a path selects (§5.6).
type ClaimMetadata struct {
	Path      claims.Path
	Display   []ClaimDisplay
	Mandatory *bool  // nil: not said, which means false
	SD        string // "always", "allowed", "never", or "" for not said, which means allowed
	SVGID     string
}

// A ClaimDisplay is a claim's label in one language.
type ClaimDisplay struct{ Locale, Label, Description string }

// ParseTypeMetadata reads one document strictly. It does not follow extends.
// Reason type_metadata_malformed.
func ParseTypeMetadata(text []byte) (*TypeMetadata, error) {
	o, err := jose.ParseObject(text, jose.Limits{MaxSize: MaxTypeMetadata})
	if err != nil {
		return nil, wrap("type_metadata_malformed", "type metadata is not strict JSON", err)
	}
	r := &metadataReader{}
	m := &TypeMetadata{
		VCT: r.needed(o, "vct"), Name: r.text(o, "name"), Description: r.text(o, "description"),
		Extends: r.text(o, "extends"), ExtendsIntegrity: r.text(o, "extends#integrity"),
	}
	for _, d := range r.objects(o, "display", MaxTypeDisplays) {
		m.Display = append(m.Display, r.display(d))
	}
	for _, c := range r.objects(o, "claims", MaxTypeClaims) {
		m.Claims = append(m.Claims, r.claim(c))
	}
	if r.err == nil {
		r.checkUnique(m)
	}
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// A metadataReader takes typed members out of objects and keeps the first
// error.
type metadataReader struct{ err error }

func (r *metadataReader) fail(name string) {
	if r.err == nil {
		r.err = fail("type_metadata_malformed", "%s of the type metadata is missing or not what it should be", name)
	}
}

func (r *metadataReader) text(o map[string]any, name string) string {
	v, present := o[name]
	s, ok := v.(string)
	if present && (!ok || s == "") {
		r.fail(name)
	}
	return s
}

func (r *metadataReader) needed(o map[string]any, name string) string {
	if _, present := o[name]; !present {
		r.fail(name)
	}
	return r.text(o, name)
}

func (r *metadataReader) object(o map[string]any, name string) map[string]any {
	v, present := o[name]
	m, ok := v.(map[string]any)
	if present && !ok {
		r.fail(name)
	}
	return m
}

func (r *metadataReader) objects(o map[string]any, name string, most int) []map[string]any {
	v, present := o[name]
	if !present {
		return nil
	}
	list, ok := v.([]any)
	if !ok || len(list) > most {
		r.fail(name)
		return nil
	}
	var out []map[string]any
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			r.fail(name)
		}
		out = append(out, m)
	}
	return out
}

func (r *metadataReader) display(o map[string]any) TypeDisplay {
	d := TypeDisplay{Locale: r.needed(o, "locale"), Name: r.needed(o, "name"), Description: r.text(o, "description")}
	rendering := r.object(o, "rendering")
	if simple := r.object(rendering, "simple"); simple != nil {
		d.Simple = &SimpleRendering{
			Logo: r.image(simple, "logo"), BackgroundImage: r.image(simple, "background_image"),
			BackgroundColor: r.text(simple, "background_color"), TextColor: r.text(simple, "text_color"),
		}
	}
	templates := r.objects(rendering, "svg_templates", MaxTypeDisplays)
	for _, t := range templates {
		p := r.object(t, "properties")
		if len(templates) > 1 && len(p) == 0 {
			r.fail("svg_templates.properties")
		}
		d.SVG = append(d.SVG, SVGTemplate{
			URI: r.needed(t, "uri"), Integrity: r.text(t, "uri#integrity"),
			Orientation: r.text(p, "orientation"), ColorScheme: r.text(p, "color_scheme"), Contrast: r.text(p, "contrast"),
		})
	}
	return d
}

func (r *metadataReader) image(o map[string]any, name string) *Image {
	m := r.object(o, name)
	if m == nil {
		return nil
	}
	return &Image{URI: r.needed(m, "uri"), Integrity: r.text(m, "uri#integrity"), AltText: r.text(m, "alt_text")}
}

func (r *metadataReader) claim(o map[string]any) ClaimMetadata {
	c := ClaimMetadata{SD: r.text(o, "sd"), SVGID: r.text(o, "svg_id")}
	path, _ := o["path"].([]any)
	var err error
	if c.Path, err = claims.NewPath(path); err != nil {
		r.fail("claims.path")
	}
	if v, present := o["mandatory"]; present {
		b, ok := v.(bool)
		if !ok {
			r.fail("claims.mandatory")
		}
		c.Mandatory = &b
	}
	switch c.SD {
	case "", "always", "allowed", "never":
	default:
		r.fail("claims.sd")
	}
	if c.SVGID != "" && !validSVGID(c.SVGID) {
		r.fail("claims.svg_id")
	}
	for _, d := range r.objects(o, "display", MaxTypeDisplays) {
		c.Display = append(c.Display, ClaimDisplay{
			Locale: r.needed(d, "locale"), Label: r.needed(d, "label"), Description: r.text(d, "description"),
		})
	}
	return c
}

// checkUnique refuses two entries for one path, and one svg_id or locale used
// twice.
func (r *metadataReader) checkUnique(m *TypeMetadata) {
	seen := map[string]bool{}
	once := func(key, name string) {
		if seen[key] {
			r.fail(name)
		}
		seen[key] = true
	}
	for _, d := range m.Display {
		once("locale "+d.Locale, "display.locale")
	}
	for _, c := range m.Claims {
		once("path "+c.Path.String(), "claims.path")
		if c.SVGID != "" {
			once("svg "+c.SVGID, "claims.svg_id")
		}
		for _, d := range c.Display {
			once("label "+c.Path.String()+d.Locale, "claims.display.locale")
		}
	}
}

// validSVGID checks for [A-Za-z_][A-Za-z0-9_]*.
func validSVGID(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_' || i > 0 && c >= '0' && c <= '9') {
			return false
		}
	}
	return true
}
