package hints

import (
	"strings"
	"testing"
)

// FuzzFill: fill does what strings.Replacer does.
func FuzzFill(f *testing.F) {
	f.Add("You said {claim}, which is {value}.", "{value}", "x")
	f.Add("{{claim}}{val{value}", "", "{claim}")
	f.Fuzz(func(t *testing.T, template, claim, value string) {
		want := strings.NewReplacer("{claim}", claim, "{value}", value).Replace(template)
		if got := fill(template, claim, value); got != want {
			t.Fatalf("%q is filled to %q, want %q", template, got, want)
		}
	})
}
