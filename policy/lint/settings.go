package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Limits of a settings file: room for ten thousand platforms.
const (
	MaxSettings      = 16 << 20
	MaxSettingsDepth = 12
)

// Codes of problems in a settings file.
const (
	ReasonMember = "settings_member" // there is no such member, or it has the wrong type
	ReasonValue  = "settings_value"  // a member's value cannot be read
)

// Settings reads a settings file, YAML or JSON, into the struct that into points
// at, by the names of its JSON tags. It lists every member that is misspelled or
// of the wrong type, each with its line if the file is YAML, and decodes what is
// right all the same. What the values mean is the caller's to check.
//
// YAML is the subset policies use (no anchors, tags, merges or second documents).
// A member that stands twice is a problem in YAML; in JSON the last one counts.
func Settings(text []byte, into any) []Problem {
	doc, problem := readSettings(text)
	if problem != nil {
		return []Problem{*problem}
	}
	l := &linter{doc: doc, code: ReasonMember}
	l.walk("", doc.root, shapeOf(reflect.TypeOf(into)))
	raw, err := json.Marshal(doc.root)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	var wrong *json.UnmarshalTypeError // walk named it, and the rest is decoded
	if err != nil && !(errors.As(err, &wrong) && len(l.problems) > 0) {
		l.add(Problem{Code: ReasonValue, Message: strings.TrimPrefix(err.Error(), "json: ")})
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int { return a.Line - b.Line })
	return l.problems
}

// readSettings reads YAML, or JSON if that is what it looks like: YAML's parser
// would read that, too, but takes a hundred times as long.
func readSettings(text []byte) (*document, *Problem) {
	if len(text) > MaxSettings {
		return nil, &Problem{Code: ReasonYAML, Message: fmt.Sprintf("the file is larger than %d MiB", MaxSettings>>20)}
	}
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		doc, err := parse(text, MaxSettingsDepth)
		var bad *Problem
		if err != nil && !errors.As(err, &bad) {
			bad = &Problem{Code: ReasonYAML, Message: err.Error()}
		}
		return doc, bad
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	doc := &document{}
	err := d.Decode(&doc.root)
	if err == nil && d.More() {
		err = errors.New("there is something after the settings")
	}
	if err != nil {
		return nil, &Problem{Code: ReasonYAML, Message: "not JSON: " + err.Error()}
	}
	return doc, nil
}

// shapeOf is what a Go type takes, as a schema would say it; nil if the type
// reads itself.
func shapeOf(t reflect.Type) *shape {
	if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return shapeOf(t.Elem())
	case reflect.Struct:
		s := &shape{Type: "object", Properties: map[string]*shape{}, Additional: json.RawMessage("false")}
		for _, f := range reflect.VisibleFields(t) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); f.IsExported() && name != "" {
				s.Properties[name] = shapeOf(f.Type)
			}
		}
		return s
	case reflect.Slice:
		return &shape{Type: "array", Items: shapeOf(t.Elem())}
	case reflect.String:
		return &shape{Type: "string"}
	case reflect.Bool:
		return &shape{Type: "boolean"}
	case reflect.Int, reflect.Int64, reflect.Uint32, reflect.Uint64:
		return &shape{Type: "integer"}
	}
	return nil
}
