package schemas

import "strings"

type vocabularyFile struct {
	Claims map[string]vocabularyClaim `json:"claims"` // by claims path joined with dots, array steps left out
	Hints  map[string]map[string]Text `json:"hints"`  // well-known hint keys: value → words
	Langs  map[string]Text            `json:"languages"`
}

type vocabularyClaim struct {
	Label   Text            `json:"label"`
	Kind    string          `json:"kind"` // enum, list, topics, languages, number, flag, object, date
	Neutral any             `json:"neutral,omitempty"`
	Values  map[string]Text `json:"values,omitempty"`
	Shares  map[string]any  `json:"shares,omitempty"`
}

var vocabulary = load[vocabularyFile]("vocabulary.json")

// PathName is a claims path as the vocabulary names it: ["ads","topics",null]
// → "ads.topics".
func PathName(path []any) string {
	var parts []string
	for _, p := range path {
		if s, ok := p.(string); ok {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ".")
}

// ClaimLabel says in words what a claim is: "Wie ausführlich".
func ClaimLabel(path []any) Text { return nil }

// ValueLabel says in words what a claim's value is: "Überblick".
func ValueLabel(path []any, value string) Text { return nil }

// HintLabel says in words what a well-known hint's value is.
func HintLabel(key, value string) (Text, bool) { return nil, false }

// Neutral is the value that says nothing for a claim of a self-asserted type:
// "no-preference", [] or 0. ok is false for claims that have none.
func Neutral(path []any) (v any, ok bool) { return nil, false }

// Broader is the next broader term of a list claim's value: a topic's parent,
// a language without its last subtag. "" when there is none.
func Broader(path []any, value string) string { return "" }

// Share is the fraction of people assumed to share a claim's value.
func Share(path []any, value string) float64 { return 0 }
