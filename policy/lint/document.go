package lint

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"facet/policy"
)

// place is where a node stands in the file, from 1.
type place struct{ line, column int }

// document is a YAML file as plain values, and where each of them stands.
type document struct {
	root   map[string]any
	places map[string]place // by path as package policy writes it
}

// read parses a policy.
func read(text []byte) (*document, error) {
	if len(text) > policy.MaxSize {
		return nil, &Problem{Code: ReasonYAML, Message: fmt.Sprintf("the file is larger than %d KiB", policy.MaxSize>>10)}
	}
	return parse(text, policy.MaxDepth)
}

// parse reads the subset of YAML our files need: no anchors, aliases, merges,
// tags or second documents, which all make a file mean what it does not show.
func parse(text []byte, depth int) (*document, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // some editors begin every file with it
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, &Problem{Line: 1, Column: 1, Code: ReasonYAML, Message: "the file is empty"}
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, syntax(err)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, &Problem{Line: 1, Column: 1, Code: ReasonYAML, Message: "the file must hold exactly one document"}
	}
	d := &document{places: map[string]place{}}
	v, err := d.value("", file.Docs[0].Body, depth)
	if err != nil {
		return nil, err
	}
	root, ok := v.(map[string]any)
	if !ok {
		return nil, &Problem{Line: 1, Column: 1, Code: ReasonYAML, Message: "the file must be a list of members, such as `name: value`"}
	}
	d.root = root
	return d, nil
}

// Error makes a Problem an error inside this package.
func (p *Problem) Error() string { return p.String() }

// syntax turns the parser's "[3:5] message" and excerpt into a Problem.
func syntax(err error) error {
	p := &Problem{Code: ReasonYAML}
	first, _, _ := strings.Cut(err.Error(), "\n")
	rest := first
	if _, scanErr := fmt.Sscanf(first, "[%d:%d]", &p.Line, &p.Column); scanErr == nil {
		_, rest, _ = strings.Cut(first, "] ")
	}
	p.Message = "not YAML: " + rest
	return p
}

func (d *document) value(at string, n ast.Node, depth int) (any, error) {
	if depth == 0 {
		return nil, odd(n, "is nested too deeply")
	}
	if at != "" {
		if _, known := d.places[at]; !known {
			d.places[at] = position(n.GetToken())
		}
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return d.mapping(at, n.Values, depth)
	case *ast.MappingValueNode:
		return d.mapping(at, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		list := []any{}
		for i, e := range n.Values {
			v, err := d.value(fmt.Sprintf("%s[%d]", at, i), e, depth-1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return strings.TrimSuffix(n.Value.Value, "\n"), nil
	case *ast.IntegerNode:
		return n.Value, nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.NullNode:
		return nil, odd(n, "has no value")
	}
	return nil, odd(n, "is YAML these files do not use (anchors, tags, merges, fractions)")
}

func (d *document) mapping(at string, values []*ast.MappingValueNode, depth int) (any, error) {
	m := map[string]any{}
	for _, kv := range values {
		name, err := key(kv.Key)
		if err != nil {
			return nil, err
		}
		below := name
		if at != "" {
			below = at + "." + name
		}
		if _, twice := m[name]; twice {
			return nil, odd(kv.Key, "is there twice: "+name)
		}
		d.places[below] = position(kv.Key.GetToken())
		if m[name], err = d.value(below, kv.Value, depth-1); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func key(n ast.MapKeyNode) (string, error) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.IntegerNode, *ast.BoolNode:
		return n.GetToken().Value, nil
	}
	return "", odd(n, "is not a plain name")
}

func odd(n ast.Node, what string) error {
	p := position(n.GetToken())
	return &Problem{Line: p.line, Column: p.column, Code: ReasonYAML, Message: what}
}

func position(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{}
	}
	return place{t.Position.Line, t.Position.Column}
}

// place finds the nearest place known for a path: its own, or its parent's.
func (d *document) place(at string) (line, column int) {
	for at != "" {
		if p, ok := d.places[at]; ok {
			return p.line, p.column
		}
		i := strings.LastIndexAny(at, ".[")
		if i < 0 {
			break
		}
		at = at[:i]
	}
	if len(d.places) == 0 {
		return 0, 0 // JSON: places are not kept
	}
	return 1, 1
}

// text is the text or the name standing at a path.
func (d *document) text(at string) string {
	var v any = d.root
	for _, step := range strings.Split(strings.ReplaceAll(at, "[", ".["), ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			var i int
			if _, err := fmt.Sscanf(step, "[%d]", &i); err != nil || i < 0 || i >= len(at) {
				return ""
			}
			v = at[i]
		}
	}
	s, _ := v.(string)
	return s
}
