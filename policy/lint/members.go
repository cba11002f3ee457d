package lint

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"facet/policy"
	"facet/schemas"
)

// shape is as much of the policy's JSON Schema as names of members need.
type shape struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"`
	Defs       map[string]*shape `json:"$defs"`
	Properties map[string]*shape `json:"properties"`
	Required   []string          `json:"required"`
	Additional json.RawMessage   `json:"additionalProperties"`
	Items      *shape            `json:"items"`
}

var policyShape = sync.OnceValue(func() *shape {
	b, _ := schemas.Document("policy.v1")
	s := &shape{}
	if err := json.Unmarshal(b, s); err != nil {
		panic("lint: policy.v1: " + err.Error()) // embedded; met by every test
	}
	return s
})

// members reports every member the format does not have, or misses, and takes
// unknown ones out so that the rest can be checked too.
func (l *linter) members() { l.walk("", l.doc.root, policyShape()) }

func (l *linter) walk(at string, v any, s *shape) {
	if s != nil && s.Ref != "" {
		s = policyShape().Defs[strings.TrimPrefix(s.Ref, "#/$defs/")]
	}
	if s == nil {
		return
	}
	if want, got := s.Type, kind(v); want != nil && got != "" && !admits(want, got) {
		l.add(Problem{At: at, Code: l.malformed(), Message: fmt.Sprintf("is %s where %v belongs", got, want), Suggestion: quoting(want)})
		l.broken = true
		return
	}
	switch v := v.(type) {
	case map[string]any:
		l.walkMembers(at, v, s)
	case []any:
		for i, e := range v {
			l.walk(fmt.Sprintf("%s[%d]", at, i), e, s.Items)
		}
	}
}

// kind is the JSON Schema name of a value's type.
func kind(v any) string {
	switch v.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case bool:
		return "boolean"
	case uint64, int64:
		return "integer"
	}
	return ""
}

// admits reports whether a schema's type, one name or several, includes got.
func admits(want any, got string) bool {
	several, ok := want.([]any)
	if !ok {
		several = []any{want}
	}
	return slices.Contains(several, any(got))
}

func quoting(want any) string {
	if want == "string" {
		return "put the text in quotes"
	}
	return ""
}

func (l *linter) walkMembers(at string, m map[string]any, s *shape) {
	below := &shape{}
	closed := string(s.Additional) == "false"
	if len(s.Additional) > 0 && !closed {
		_ = json.Unmarshal(s.Additional, below) // false and absent aside, it is a schema
	}
	for _, name := range keys(m) {
		path := strings.TrimPrefix(at+"."+name, ".")
		if known, ok := s.Properties[name]; ok {
			l.walk(path, m[name], known)
		} else if closed {
			l.add(Problem{At: path, Code: l.malformed(), Message: "there is no such member here",
				Suggestion: meant(name, keys(s.Properties), "members are "+strings.Join(keys(s.Properties), ", "))})
			delete(m, name)
		} else {
			l.walk(path, m[name], below)
		}
	}
	for _, name := range s.Required {
		if _, there := m[name]; !there {
			l.add(Problem{At: strings.TrimPrefix(at+"."+name, "."), Code: missing(name), Message: "is missing"})
		}
	}
}

// missing is the code package policy gives for a member that is not there.
func missing(name string) string {
	switch name {
	case "purpose", "question", "benefit", "label", "with", "explain", "de", "en":
		return policy.ReasonText
	}
	return policy.ReasonMalformed
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// meant names the nearest known word, or says otherwise if none is near.
func meant(said string, known []string, otherwise string) string {
	best, least := "", 3+len(said)/6
	for _, k := range known {
		if d := distance(said, k); d < least {
			best, least = k, d
		}
	}
	if best == "" || said == "" {
		return otherwise
	}
	return "did you mean " + best + "?"
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			next := diagonal
			if a[i] != b[j] {
				next = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
