package schemas

import "strings"

// Kinds of claims in the vocabulary.
const (
	KindEnum      = "enum"
	KindList      = "list" // of enumerated values
	KindTopics    = "topics"
	KindLanguages = "languages" // BCP 47 tags
	KindNumber    = "number"
	KindFlag      = "flag"
	KindCode      = "code"
	KindDate      = "date"
	KindObject    = "object"
)

type vocabularyFile struct {
	Claims    map[string]vocabularyClaim `json:"claims"` // by PathName
	Hints     map[string]map[string]Text `json:"hints"`  // well-known hint keys: value → words
	Languages map[string]Text            `json:"languages"`
}

type vocabularyClaim struct {
	Label   Text               `json:"label"`
	Kind    string             `json:"kind"`
	Neutral any                `json:"neutral"`
	Values  map[string]Text    `json:"values"`
	Shares  map[string]float64 `json:"shares"`
}

var vocabulary = load[vocabularyFile]("vocabulary.json")

// PathName is a claims path as the vocabulary names it, array steps left out:
// ["ads","topics",null] → "ads.topics".
func PathName(path []any) string {
	var parts []string
	for _, p := range path {
		if s, ok := p.(string); ok {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ".")
}

// ClaimLabel says in words what a claim is: "Wie ausführlich du liest". An
// unknown claim is called by its path.
func ClaimLabel(path []any) Text {
	if c, ok := vocabulary().Claims[PathName(path)]; ok {
		return c.Label
	}
	return same(PathName(path))
}

// ClaimKind is the kind of a claim's values; "" for an unknown claim.
func ClaimKind(path []any) string { return vocabulary().Claims[PathName(path)].Kind }

// ClaimValues lists the values an enumerated claim may have; empty for open ones.
func ClaimValues(path []any) map[string]Text { return vocabulary().Claims[PathName(path)].Values }

// ValueLabel says in words what a claim's value is: "Überblick". Flags are
// "true" and "false", numbers their decimal. An unknown value is itself.
func ValueLabel(path []any, value string) Text {
	c := vocabulary().Claims[PathName(path)]
	switch c.Kind {
	case KindTopics:
		if t, ok := TopicByID(value); ok {
			return t.Name
		}
	case KindLanguages:
		for tag := value; tag != ""; tag = Broader(path, tag) {
			if t, ok := vocabulary().Languages[tag]; ok {
				return t
			}
		}
	}
	if t, ok := c.Values[value]; ok {
		return t
	}
	return same(value)
}

// HintLabel says in words what a well-known hint's value is.
func HintLabel(key, value string) (Text, bool) {
	t, ok := vocabulary().Hints[key][value]
	return t, ok
}

// Neutral is the value that says nothing, for claims of a self-asserted type:
// "no-preference", [] or 0. ok is false for claims that have none. The result
// is the caller's own.
func Neutral(path []any) (v any, ok bool) {
	switch v := vocabulary().Claims[PathName(path)].Neutral.(type) {
	case nil:
		return nil, false
	case []any:
		return []any{}, true
	default:
		return v, true
	}
}

// Broader is the next broader term of a value: a topic's parent, a language
// without its last subtag (RFC 4647 §3.4). "" when there is none.
func Broader(path []any, value string) string {
	switch ClaimKind(path) {
	case KindTopics:
		t, _ := TopicByID(value)
		return t.Parent
	case KindLanguages:
		if i := strings.LastIndexByte(value, '-'); i > 0 {
			return value[:i]
		}
	}
	return ""
}

// Share is the fraction of people (0 < share ≤ 1) assumed to share a claim's
// value: an assumption to compare answers by, not a census. See SOURCE.md.
func Share(path []any, value string) float64 {
	c, ok := vocabulary().Claims[PathName(path)]
	if !ok {
		return 0.01 // unknown claim: assume that it tells much
	}
	if s, ok := c.Shares[value]; ok {
		return s
	}
	if t, ok := TopicByID(value); ok && t.Parent == "" && c.Kind == KindTopics {
		return c.Shares["top"]
	}
	if s, ok := c.Shares["*"]; ok {
		return s
	}
	return 0.01
}

func same(s string) Text { return Text{"de": s, "en": s} }
