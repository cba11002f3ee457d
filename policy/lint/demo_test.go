package lint_test

import (
	"os"
	"path/filepath"
	"testing"

	"facet/policy"
	"facet/policy/lint"
)

// The newsroom's policies are the best examples there are: they must be
// without even a warning.
func TestNewsroomPolicies(t *testing.T) {
	files, err := filepath.Glob("../../examples/newsroom/policies/*.yaml")
	if err != nil || len(files) != 4 {
		t.Fatalf("found %d policies (%v), want 4", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		p, problems := lint.Lint(text)
		for _, pr := range problems {
			if !pr.Warning || pr.Code != lint.WarnKeep {
				t.Errorf("%s:%s", f, pr)
			}
		}
		if p == nil {
			continue
		}
		if _, err := policy.Compile(p); err != nil {
			t.Errorf("%s: %v", f, err)
		}
		if q, err := policy.Parse(p.Canonical()); err != nil || q.Hash() != p.Hash() {
			t.Errorf("%s does not survive its canonical form: %v", f, err)
		}
	}
}
