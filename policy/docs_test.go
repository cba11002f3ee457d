package policy_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"facet/policy"
	"facet/schemas"
)

// TestDocs: docs/policy.md names every member of the format and every purpose.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile("../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	raw, _ := schemas.Document("policy.v1")
	var schema struct {
		Properties map[string]struct {
			Properties map[string]any
			Items      struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name, p := range schema.Properties {
		names = append(names, "`"+name+"`")
		for below := range p.Properties {
			names = append(names, "`"+name+"."+below+"`")
		}
		for below := range p.Items.Properties {
			if p.Items.Properties != nil && name == "hints" {
				names = append(names, "`hints[]."+below+"`")
			}
		}
	}
	for _, p := range policy.Purposes() {
		names = append(names, "`"+p.ID+"`")
	}
	if len(names) < 30 {
		t.Fatalf("only %d names found", len(names))
	}
	for _, n := range names {
		if !strings.Contains(doc, n) {
			t.Errorf("docs/policy.md does not mention %s", n)
		}
	}
}
